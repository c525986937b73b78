"""The picture of what is in doubt."""

from dataclasses import replace

import numpy as np
import pytest
from builders import (
    article_run,
    cells_of,
    fit,
    mixture_of,
    over_background,
    run_of,
    sampled,
)

from gmmcli.core.assessment.overlap import expect_wrong, measure_overlap
from gmmcli.core.mixture.sampling import ARTICLE
from gmmcli.pictures.density import outline_region
from gmmcli.pictures.panel import open_panel
from gmmcli.pictures.scene import compute_scene
from gmmcli.pictures.style import apply_style
from gmmcli.pictures.uncertainty import (
    draw_doubt,
    make_uncertainty_figure,
    measure_doubt,
)
from gmmcli.settings import FitSettings

TWO = mixture_of([0.5, 0.5], [[-1, 0], [1, 0]], [np.eye(2), np.eye(2)])


def test_half_is_in_doubt_between_two_and_nothing_beyond_them() -> None:
    doubt = measure_doubt(TWO, np.array([[0.0, 7.0], [1.0, 0.0], [30.0, 0.0]]))
    np.testing.assert_allclose(doubt, [0.5, 1 / (1 + np.exp(2)), 0.0], atol=1e-12)
    over = over_background(TWO, 0.5, np.array([[-40.0, -40], [40, 40]]))
    assert measure_doubt(over, np.array([[30.0, 30.0]])) == pytest.approx(0)


@pytest.mark.parametrize("is_known", [True, False])
def test_the_title_has_the_share_that_the_overlap_has(*, is_known: bool) -> None:
    points = sampled(TWO, 2000)
    result = fit(cells_of(points), FitSettings(components=2))
    run = replace(
        run_of(points, result.history), diagnostics=result.diagnostics if is_known else None
    )
    share = 100 * expect_wrong(measure_overlap(run.cells, run.mixture), run.mixture)
    with apply_style():
        figure = make_uncertainty_figure(compute_scene(run), run)
    assert figure.get_suptitle() == (
        f"labels in doubt: {share:.2g} % of all are expected to be wrong"
    )


def test_the_image_has_the_doubt_where_the_mixture_is() -> None:
    run = article_run()
    scene = compute_scene(run)
    with apply_style():
        _, axes = open_panel(scene, "", "")
        image = draw_doubt(axes, scene, run.mixture, shape=(30, 40))
    values, clip = np.asarray(image.get_array()), image.get_clip_path()
    assert clip is not None
    low, high = scene.limits
    steps = (high - low) / [40, 30]
    rows, columns = np.indices(values.shape).reshape(2, -1)
    places = low + (np.column_stack([columns, rows]) + 0.5) * steps
    shown = outline_region(scene, run.mixture)
    assert shown.contains_points(run.mixture.means).all()
    assert 0.98 < shown.contains_points(sampled(run.mixture, 2000)).mean() <= 1
    assert not shown.contains_points(np.array([low, high])).any()
    wider = run.mixture.covariances + np.diag(steps**2)
    expected = measure_doubt(replace(run.mixture, covariances=wider), places)
    np.testing.assert_allclose(values[rows, columns], expected, atol=1e-9)
    assert tuple(image.get_extent()) == (low[0], high[0], low[1], high[1])


def test_crosses_are_the_intervals_of_the_means() -> None:
    points = sampled(ARTICLE, 400)
    result = fit(cells_of(points), FitSettings(components=3))
    run = replace(run_of(points, result.history), diagnostics=result.diagnostics)
    assert run.errors is not None
    with apply_style():
        figure = make_uncertainty_figure(compute_scene(run), run)
        figure.draw_without_rendering()
    axes = figure.axes[0]
    crosses = [lines for lines in axes.collections if len(lines.get_paths()) == 2]
    assert len(crosses) == 3
    for cross, ends in zip(crosses, run.errors.intervals[:, 1:3], strict=True):
        across, along = (path.vertices for path in cross.get_paths())
        np.testing.assert_allclose(np.asarray(across)[:, 0], ends[0])
        np.testing.assert_allclose(np.asarray(along)[:, 1], ends[1])
    assert "95 % intervals of the means" in figure.texts[0].get_text().replace("\n", " ")


def test_a_run_without_errors_has_no_crosses_and_says_none() -> None:
    run = article_run()
    with apply_style():
        figure = make_uncertainty_figure(compute_scene(run), run)
    assert "crosses" not in figure.texts[0].get_text()
