"""The picture of the climb."""

from dataclasses import replace

import numpy as np
import pytest
from builders import article_run, run_of, sampled

from gmmcli.core.mixture.sampling import ARTICLE
from gmmcli.core.mixture.units import Nats
from gmmcli.core.runs.history import History
from gmmcli.core.search.outcome import SecondOptimum
from gmmcli.pictures.elbo import make_elbo_figure
from gmmcli.pictures.scene import compute_scene
from gmmcli.pictures.style import apply_style


def test_both_panels_show_all_steps_the_moves_and_the_other_optimum() -> None:
    history = History.of([ARTICLE] * 4, [-9.0, -8, -7, -6.5], [False, False, True, False], [5] * 4)
    run = replace(run_of(sampled(ARTICLE, 10), history), second=SecondOptimum(ARTICLE, Nats(2.0)))
    with apply_style():
        figure = make_elbo_figure(compute_scene(run), run)
        figure.draw_without_rendering()
    above, below = figure.axes
    line, rest = (axes.get_lines()[0] for axes in (above, below))
    np.testing.assert_allclose(np.asarray(line.get_ydata(), float), [-0.9, -0.8, -0.7, -0.65])
    np.testing.assert_allclose(np.asarray(rest.get_ydata(), float), [0.25, 0.15, 0.05, np.nan])
    assert below.get_yscale() == "log"
    levels = [float(np.asarray(axes.get_lines()[-1].get_ydata())[0]) for axes in (above, below)]
    paths = [
        path for axes in (above, below) for each in axes.collections for path in each.get_paths()
    ]
    marks = [float(np.asarray(path.vertices)[0, 0]) for path in paths]
    assert levels == pytest.approx([-0.85, 0.2])
    assert marks == [2, 2]
    assert "2 nats below" in figure.texts[0].get_text()
    assert above.get_legend() is not None
    assert below.get_legend() is None


@pytest.mark.parametrize("n_steps", [1, 2])
def test_a_run_that_climbs_nothing_has_a_picture(n_steps: int) -> None:
    history = History.of([ARTICLE] * n_steps, [-9.0] * n_steps, [False] * n_steps, [5] * n_steps)
    run = run_of(sampled(ARTICLE, 10), history)
    with apply_style():
        make_elbo_figure(compute_scene(run), run).draw_without_rendering()


def test_the_title_tells_how_the_climb_ended() -> None:
    run = article_run()
    with apply_style():
        figure = make_elbo_figure(compute_scene(run), run)
    elbo = f"{run.history.elbos[-1] / 300:.6f}".replace("-", "\N{MINUS SIGN}")
    title = f"converged at step {run.history.last_step}: ELBO {elbo} nats per point"
    assert figure.get_suptitle() == title
