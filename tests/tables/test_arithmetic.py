"""Differences from origins near zero lose what is too small to be squared."""

import numpy as np

from gmmcli.core.tables.arithmetic import HAIR, avoid_zero


def test_an_origin_near_zero_is_moved_by_less_than_can_be_seen() -> None:
    units = np.array([[1.0, 1e-3], [1e6, 1.0]])
    moved = avoid_zero(np.array([[0.0, -1e-30], [5e-324, 1.0]]), units)
    np.testing.assert_array_equal(moved, [[HAIR, 1e-3 * HAIR], [1e6 * HAIR, 1.0]])
    np.testing.assert_array_equal((units + moved)[[0, 0, 1], [0, 1, 0]], [1.0, 1e-3, 1e6])


def test_squares_of_differences_from_it_do_not_vanish() -> None:
    tiny = np.array([[1e-200, -5e-324]])
    differences = (tiny - avoid_zero(np.zeros((1, 2)), np.ones((1, 2)))) ** 2
    assert (differences > np.finfo(float).tiny).all()
