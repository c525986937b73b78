"""What is left to climb."""

import numpy as np
from matplotlib.figure import Figure

from gmmcli.core.mixture.covariances import FloatArray
from gmmcli.core.mixture.sampling import ARTICLE
from gmmcli.core.runs.history import History
from gmmcli.pictures.strip import choose_powers, draw_left, format_small, place_on_log_axis
from gmmcli.pictures.style import apply_style


def history_of(elbos: list[float], n_cells: list[int]) -> History:
    return History.of([ARTICLE] * len(elbos), elbos, [False] * len(elbos), n_cells)


def place(history: History) -> FloatArray:
    return place_on_log_axis(history.measure_left(10))


def test_nothing_has_a_place_below_the_least() -> None:
    left = place(history_of([-90.0, -60.0, -52.0, -50.0], [9] * 4))
    np.testing.assert_allclose(left, [4.0, 1.0, 0.2, 0.02])


def test_the_strip_shows_the_last_step_too() -> None:
    history = history_of([-90.0, -50.0 - 1e-6, -50.0], [9] * 3)
    axes = Figure().add_subplot()
    left = place(history)
    draw_left(axes, history, left)
    low, high = axes.get_ylim()
    assert low < left[-1] < left[0] < high
    assert [text.get_text() for text in axes.get_yticklabels()] == ["none", "10⁻⁶", "0.001", "1"]


def test_the_strip_says_what_its_marks_are() -> None:
    history = History.of([ARTICLE] * 3, [-9.0, -8.0, -7.0], [False, True, False], [5, 5, 9])
    with apply_style():
        axes = Figure().add_subplot()
        draw_left(axes, history, place(history))
    assert axes.get_title(loc="left").endswith("; dotted: by a move; lines: on more cells")


def test_a_history_of_one_step_has_nothing_left() -> None:
    left = place(history_of([-90.0], [9]))
    assert choose_powers(left).tolist() == left.tolist()
    draw_left(Figure().add_subplot(), history_of([-90.0], [9]), left)


def test_small_numbers_are_short() -> None:
    shown = [format_small(value) for value in (1e-9, 0.01, 10.0, 4.2e-5, 1e5)]
    assert shown == ["10⁻⁹", "0.01", "10", "4e-05", "10⁵"]
