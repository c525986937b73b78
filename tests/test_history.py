"""Which steps of a history are shown."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gmmcli.core.history import AUTO_SNAPSHOTS, History
from gmmcli.core.sampling import ARTICLE
from gmmcli.errors import RunError


def history_of(elbos: list[float]) -> History:
    return History.of([ARTICLE] * len(elbos), elbos, [False] * len(elbos))


def test_every_nth_step_from_the_first() -> None:
    history = history_of([0.0] * 151)
    assert history.chosen(50) == [0, 50, 100, 150]
    assert history.chosen(60) == [0, 60, 120]
    assert history.chosen("all") == list(range(151))
    assert history.chosen((7, 3)) == [3, 7]


def test_a_step_beyond_the_last_is_refused() -> None:
    with pytest.raises(RunError, match="no step 9: the history ends at step 4"):
        history_of([0.0] * 5).chosen((0, 9))


def test_auto_takes_equal_shares_of_the_climb() -> None:
    elbos = [float(v) for v in np.linspace(-70, 0, 71)]
    assert history_of(elbos).chosen("auto") == [0, 10, 20, 30, 40, 50, 60, 70]


@given(st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=300))
def test_auto_is_at_most_eight_with_first_and_last(elbos: list[float]) -> None:
    history = history_of(elbos)
    chosen = history.chosen("auto")
    assert chosen[0] == 0
    assert chosen[-1] == history.last_step
    assert chosen == sorted(set(chosen))
    assert len(chosen) <= AUTO_SNAPSHOTS
