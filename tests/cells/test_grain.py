"""What points were written down with: steps of rounding, copies, heaps and weights."""

import numpy as np
import pytest
from builders import cells_of, gaussian, mixture_of, sampled

from gmmcli.core.cells.cells import Cells
from gmmcli.core.cells.grain import Grain, find_grain
from gmmcli.core.mixture.covariances import FloatArray

ONE = mixture_of([1.0], [[3, -2]], [[[2.0, 0.5], [0.5, 1.0]]])
POINTS = sampled(ONE, 400)


def merge_equal(points: FloatArray) -> Cells:
    """One cell for each distinct point, with as many points as are there."""
    distinct, counts = np.unique(points, axis=0, return_counts=True)
    return cells_of(distinct, counts)


def find_spacings(points: FloatArray) -> list[float]:
    """The distance to the next double from the value farthest from zero on either axis."""
    farthest = np.abs(points).max(axis=0)
    return [float(np.nextafter(value, np.inf) - value) for value in farthest]


@pytest.mark.parametrize("steps", [(0.1, 0.1), (0.05, 0.25), (1.0, 0.1)])
@pytest.mark.parametrize("are_merged", [True, False])
def test_rounded_points_have_the_step_of_each_axis(
    steps: tuple[float, float], are_merged: bool
) -> None:
    rounded = np.round(POINTS / steps) * steps
    found = find_grain(merge_equal(rounded) if are_merged else cells_of(rounded))
    np.testing.assert_allclose(found.steps, steps, rtol=1e-9)
    assert found.worth == 1


def test_continuous_points_have_no_step() -> None:
    assert find_grain(cells_of(POINTS)).steps.tolist() == find_spacings(POINTS)


def test_one_axis_may_be_rounded_alone() -> None:
    found = find_grain(cells_of(np.stack([np.round(POINTS[:, 0], 1), POINTS[:, 1]], axis=1)))
    np.testing.assert_allclose(found.steps, [0.1, find_spacings(POINTS)[1]], rtol=1e-9)


@pytest.mark.parametrize("n_values", [1, 2])
def test_an_axis_of_one_value_or_two_has_no_step(n_values: int) -> None:
    few = np.arange(400) % n_values
    points = np.stack([POINTS[:, 0], few], axis=1)
    assert find_grain(cells_of(points)).steps.tolist() == find_spacings(points)


def test_copies_are_worth_kishs_effective_number() -> None:
    counts = np.random.default_rng(0).integers(1, 21, 120)
    found = find_grain(cells_of(POINTS[:120], counts))
    assert found.steps.tolist() == find_spacings(POINTS[:120])
    # (sum of weights)² / (sum of squared weights), over all points (Kish 1965, section 8.2).
    effective = counts.sum() ** 2 / (counts**2).sum()
    assert found.worth * counts.sum() == pytest.approx(effective)


def test_a_point_copied_as_often_as_all_others_counts_once() -> None:
    found = find_grain(merge_equal(np.repeat(POINTS[:120], 3, axis=0)))
    assert found.worth == pytest.approx(1 / 3)


@pytest.mark.parametrize("share", [0.05, 0.25, 0.45])
def test_a_heap_is_no_copies(share: float) -> None:
    heaped = POINTS.copy()
    heaped[: int(share * len(heaped))] = heaped[0]
    found = find_grain(merge_equal(heaped))
    assert found.worth == 1
    assert found.steps.tolist() == find_spacings(POINTS)


def test_a_few_points_that_happen_twice_are_no_copies() -> None:
    found = find_grain(merge_equal(np.concatenate([POINTS, POINTS[:100]])))
    assert found.worth == 1


def test_a_table_whose_rows_are_all_repeated_says_the_same() -> None:
    rounded = np.round(POINTS / 0.5) * 0.5
    found = find_grain(merge_equal(np.repeat(rounded, 5, axis=0)))
    assert found.worth == pytest.approx(1 / 5)
    np.testing.assert_allclose(found.steps, 0.5)


@pytest.mark.parametrize("factor", [1e-300, 1e-6, 2.5, 1e6, 1e300])
def test_weights_are_worth_the_same_number_of_points_whatever_their_unit(factor: float) -> None:
    weights = np.random.default_rng(0).uniform(0.5, 2, 400)
    found = find_grain(cells_of(POINTS, factor * weights))
    effective = weights.sum() ** 2 / (weights**2).sum()
    assert found.worth * factor * weights.sum() == pytest.approx(effective)


def test_the_order_of_points_changes_nothing() -> None:
    rounded = np.round(POINTS, 1)
    turned = np.random.default_rng(0).permutation(rounded)
    one, other = find_grain(cells_of(rounded)), find_grain(cells_of(turned))
    np.testing.assert_array_equal(one.steps, other.steps)


def test_the_covariance_of_a_grain_is_what_rounding_adds() -> None:
    # Of 10,000 points the difference of variances has a standard error: rounding errors are as good
    # as uniform and independent, so that of a variance d²/12 is d²/12 sqrt(4/5 / n), and twice the
    # covariance of points and errors adds 2 sd sqrt(d²/12 / n).
    points, step, n = gaussian(10_000, (0, 0), 1.0, seed=1), 0.5, 10_000
    added = np.var(np.round(points / step) * step, axis=0) - np.var(points, axis=0)
    hidden = np.diag(Grain(np.array([step, step]), 1.0).covariance)
    error = hidden[0] * np.sqrt(0.8 / n) + 2 * np.sqrt(hidden[0] / n)
    np.testing.assert_allclose(added, hidden, atol=4 * error)
    assert Grain(np.array([0.1, 0.2]), 1.0).covariance[0, 1] == 0
