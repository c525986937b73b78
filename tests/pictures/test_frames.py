"""A frame and its parts."""

import numpy as np
import pytest
from builders import article_run, over_background, random_mixture, run_of, sampled
from matplotlib.colors import to_rgb

from gmmcli.core.mixture.sampling import ARTICLE
from gmmcli.core.runs.history import History
from gmmcli.pictures.frames import Frame, arrange_legend, make_frame, trace_means
from gmmcli.pictures.kinds import Look
from gmmcli.pictures.scene import compute_scene
from gmmcli.pictures.style import apply_style


def test_a_frame_moves_to_any_step_as_if_made_there() -> None:
    run = article_run()
    last = run.history.last_step
    with apply_style(Look(dpi=60)):
        scene = compute_scene(run)
        frame = Frame(scene, run.history, "converged")
        titles, pixels = [], {}
        for step in (last, 0, last):
            frame.show(run.history.snapshot(step))
            titles.append(frame.figure.axes[0].get_title(loc="left"))
            pixels[step] = frame.paint()
        other = Frame(scene, run.history, "converged")
        other.show(run.history.snapshot(last))
        np.testing.assert_array_equal(other.paint(), pixels[last])
    assert titles[1].endswith("nats per point")
    assert titles[2].endswith("nats per point   converged")
    assert (pixels[0] != pixels[last]).any()


def test_painting_gives_what_saving_gives() -> None:
    run = article_run()
    with apply_style(Look(dpi=60)):
        frame = Frame(compute_scene(run), run.history)
        frame.show(run.history.snapshot(1))
        painted = frame.paint().astype(int)
        frame._canvas.draw()
        drawn = np.asarray(frame._canvas.buffer_rgba())[:, :, :3].astype(int)
    assert abs(painted - drawn).max() <= 2  # of 255, where edges are drawn in another order


def test_colours_and_limits_are_those_of_all_frames() -> None:
    run = article_run()
    with apply_style():
        scene = compute_scene(run)
        shown = []
        for step in (0, run.history.last_step):
            axes = make_frame(scene, run.history.snapshot(step), run.history).axes[0]
            inks = [to_rgb(patch.get_edgecolor()) for patch in axes.patches]
            shown.append((axes.get_xlim(), axes.get_ylim(), inks))
    assert shown[0] == shown[1]


@pytest.mark.parametrize("n_components", [2, 50])
def test_numbers_and_legend_keep_off_each_other(n_components: int) -> None:
    mixture = random_mixture(n_components, seed=5, spread=3.0)
    history = History.of([mixture], [-9.0], [False], [500])
    with apply_style():
        figure = make_frame(
            compute_scene(run_of(sampled(mixture, 500), history)), history.snapshot(0)
        )
        figure.draw_without_rendering()
        axes = figure.axes[0]
        boxes = [text.get_window_extent() for text in axes.texts]
        legend = axes.get_legend()
        assert legend is not None
        edges = legend.get_window_extent(), figure.bbox
    assert len(boxes) == n_components
    for place, box in enumerate(boxes):
        assert not any(box.shrunk(0.8, 0.8).overlaps(other) for other in boxes[place + 1 :])
    assert edges[0].x1 <= edges[1].x1
    assert edges[0].y0 >= edges[1].y0
    assert len(legend.get_texts()) == n_components


def test_the_legend_tells_the_weight_of_the_background() -> None:
    run = article_run()
    mixture = over_background(run.mixture, 0.05, run.cells.means)
    history = History.of([mixture], [-9.0], [False], [300])
    stray = run_of(run.cells.means, history)
    legend = make_frame(compute_scene(stray), history.snapshot(0)).axes[0].get_legend()
    assert legend is not None
    assert legend.get_texts()[-1].get_text() == "background\n5.0 %"


def test_paths_end_at_the_mixture_and_break_at_moves() -> None:
    history = History.of([ARTICLE] * 5, [-5.0] * 5, [False, False, True, False, False], [9] * 5)
    trail = trace_means(history, 3, ARTICLE)
    assert trail.shape == (6, 2, 2)  # steps 0, 1, a break, 2, 3, and the mixture
    np.testing.assert_array_equal(np.isnan(trail[:, 0, 0]).nonzero()[0], [2])
    np.testing.assert_array_equal(trail[-1], ARTICLE.means)
    assert (
        len(
            trace_means(
                History.of([ARTICLE] * 900, [0.0] * 900, [False] * 900, [9] * 900), 899, ARTICLE
            )
        )
        < 110
    )


def test_a_legend_has_the_largest_type_in_which_all_fits() -> None:
    assert arrange_legend(2, 9, (2.3, 4.0))[:3] == (9, 1, 2)
    size, columns, n_shown, width = arrange_legend(50, 10, (2.3, 4.0))
    assert width <= 2.3
    assert columns > 1
    assert n_shown == 50
    assert size >= 6
    assert arrange_legend(10_000, 13, (2.3, 4.0)).n_shown < 10_000
