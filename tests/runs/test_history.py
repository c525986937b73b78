"""Which steps of a history are shown."""

from collections.abc import Collection
from dataclasses import replace

import numpy as np
import pytest
from builders import mixture_of, over_background
from hypothesis import given
from hypothesis import strategies as st

from gmmcli.core.mixture.sampling import ARTICLE
from gmmcli.core.runs.history import History
from gmmcli.errors import RunError
from gmmcli.settings import AUTO_SNAPSHOTS


def history_of(elbos: list[float], moves: Collection[int] = ()) -> History:
    """A history in which every step looks different."""
    covariances = np.tile(np.eye(2), (2, 1, 1))
    mixtures = [mixture_of([0.5, 0.5], [[0, y], [5, 0]], covariances) for y in range(len(elbos))]
    by_move = [step in moves for step in range(len(elbos))]
    return History.of(mixtures, elbos, by_move, [9] * len(elbos))


def test_every_nth_step_from_the_first() -> None:
    history = history_of([0.0] * 151)
    assert history.choose_steps(50) == [0, 50, 100, 150]
    assert history.choose_steps(60) == [0, 60, 120]
    assert history.choose_steps("all") == list(range(151))
    assert history.choose_steps((7, 3)) == [3, 7]


def test_a_step_beyond_the_last_is_refused() -> None:
    with pytest.raises(RunError, match="no step 9: the history ends at step 4"):
        history_of([0.0] * 5).choose_steps((0, 9))


def test_auto_takes_equal_shares_of_the_climb() -> None:
    elbos = [float(v) for v in np.linspace(-70, 0, 71)]
    assert history_of(elbos).choose_steps("auto") == [0, 10, 20, 30, 40, 50, 60, 70]


def test_auto_has_moves_before_shares_of_the_climb() -> None:
    elbos = [float(v) for v in np.linspace(-70, 0, 71)]
    assert history_of(elbos, {5, 6}).choose_steps("auto") == [0, 5, 6, 14, 28, 42, 56, 70]


def test_auto_has_the_moves_that_gained_most_where_not_all_fit() -> None:
    gains = [5, 1, 4, 9, 2, 8, 7, 6]  # of the moves at steps 2, 4, ..., each of which begins lower
    elbos = [0.0, 0.0]
    for gain in gains:
        elbos += [elbos[-1] - 3, elbos[-1] + gain]
    history = history_of(elbos, set(range(2, 18, 2)))
    assert history.choose_steps("auto") == [0, 2, 6, 8, 12, 14, 16, 17]


def test_auto_leaves_out_of_the_climb_what_more_cells_brought() -> None:
    history = history_of([float(v) for v in np.linspace(-70, 0, 71)])
    jumped = replace(
        history,
        elbos=history.elbos + np.where(np.arange(71) < 30, 0, 1000),
        n_cells=np.where(np.arange(71) < 30, 5, 9),
    )
    assert jumped.on_other_cells.tolist() == [30]
    # What the step with the jump brought itself is not known, which leaves a climb of 69.
    assert jumped.choose_steps("auto") == [0, 10, 20, 31, 41, 51, 61, 70]


def travelling(positions: list[float], unit: float = 1.0) -> History:
    """A history with nearly all of its climb in the first step, in which one mean moves along y."""
    covariances = np.tile(np.diag([1, unit**2]), (2, 1, 1))
    mixtures = [mixture_of([0.5, 0.5], [[0, unit * y], [5, 0]], covariances) for y in positions]
    elbos = [-1e9, *np.linspace(-1, 0, len(positions) - 1).tolist()]
    return History.of(mixtures, elbos, [False] * len(positions), [9] * len(positions))


@pytest.mark.parametrize("unit", [1.0, 1e-6, 1e6])
def test_auto_fills_up_with_the_steps_farthest_from_those_shown(unit: float) -> None:
    positions = [0.0, 0, 0, 10, 20, 30, 40, 50, 60, 60, 60, 60, 60]
    # Step 1 has the climb, but looks like step 0; the last shows what step 8 would.
    assert travelling(positions, unit).choose_steps("auto") == [0, 3, 4, 5, 6, 7, 12]


def test_auto_shows_no_step_that_looks_like_another() -> None:
    still = travelling([0.0] * 20 + [1e-3] * 20)
    assert still.choose_steps("auto") == [0, 39]
    assert travelling([0.0] * 20 + [1.0] * 20).choose_steps("auto") == [0, 39]
    assert travelling([0.0, 0.5] + [1.0] * 20).choose_steps("auto") == [0, 1, 21]


def test_auto_shows_what_was_before_a_leap() -> None:
    chosen = travelling([float(v) for v in np.linspace(0, 1, 30)] + [9.0] * 30).choose_steps("auto")
    assert 29 in chosen


@given(st.data())
def test_auto_is_at_most_eight_with_first_and_last(data: st.DataObject) -> None:
    elbos = data.draw(st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=300))
    moves = data.draw(st.sets(st.integers(0, len(elbos) - 1), max_size=10))
    history = history_of(elbos, moves)
    chosen = history.choose_steps("auto")
    assert chosen[0] == 0
    assert chosen[-1] == history.last_step
    assert chosen == sorted(set(chosen))
    assert len(chosen) <= AUTO_SNAPSHOTS
    inner = moves - {0, history.last_step}
    assert len(inner & set(chosen)) >= min(len(inner), AUTO_SNAPSHOTS - 2)


def test_a_history_keeps_the_background_of_every_step() -> None:
    plain, box = mixture_of([0.5, 0.5], [[0, 0], [5, 0]], [np.eye(2)] * 2), [[-9, -7], [8, 6]]
    mixtures = [plain, *(over_background(plain, w, np.array(box)) for w in (0.1, 0.2))]
    history = History.of(mixtures, [-2.0, -1.0, 0.0], [False] * 3, [9] * 3)
    assert history.background_weights is not None
    assert history.background_weights.tolist() == [0.0, 0.1, 0.2]
    for step, weight in enumerate((0.0, 0.1, 0.2)):
        shown = history.snapshot(step).mixture.background
        assert shown is not None
        assert shown.weight == weight
        np.testing.assert_array_equal(shown.box, np.transpose(box))
    without = history_of([0.0, 1.0])
    assert without.background_weights is None
    assert without.snapshot(0).mixture.background is None


def test_components_that_turn_or_trade_weight_look_different() -> None:
    slopes = np.linspace(-0.9, 0.9, 21)
    turning = [mixture_of([1.0], [[0, 0]], [[[1, slope], [slope, 1]]]) for slope in slopes]
    shares = np.linspace(0.1, 0.9, 21)
    trading = [mixture_of([w, 1 - w], [[0, 0], [5, 0]], [np.eye(2)] * 2) for w in shares]
    for mixtures in (turning, trading):
        history = History.of(mixtures, [*[-1.0] * 20, 0.0], [False] * 21, [9] * 21)
        assert len(history.choose_steps("auto")) == AUTO_SNAPSHOTS


def test_what_is_left_to_climb_counts_no_change_of_cells() -> None:
    elbos, n_cells = [-90.0, -80.0, -60.0, -55.0, -57.5], [5, 5, 9, 9, 9]
    history = History.of([ARTICLE] * 5, elbos, [False] * 5, n_cells)
    assert history.measure_left(10).tolist() == [1.5, 0.5, 0.5, 0, 0.25]
