"""Where a search starts: seeds far apart, in a metric, and the shapes of what is nearest."""

import numpy as np
import pytest
from builders import cells_of, mixture_of, sampled

from gmmcli.core.cells.cells import Cells
from gmmcli.core.search.objective import Objective
from gmmcli.core.search.region import Region
from gmmcli.core.search.starts import seed_parts, start

CORNERS = np.array([[0.0, 0.0], [100.0, 0.0], [0.0, 100.0]])
POINTS = np.concatenate(
    [corner + np.random.default_rng(0).normal(size=(50, 2)) for corner in CORNERS]
)
TRUE = np.repeat(np.arange(3), 50)


def region_of(cells: Cells) -> Region:
    """The region of all points, at the prices of BIC."""
    return Region.of(cells, Objective.of("bic", "full", cells.n_points))


@pytest.mark.parametrize("n_tries", [1, 4])
def test_seeds_are_far_apart(n_tries: int) -> None:
    generator = np.random.default_rng(0)
    for _ in range(20):
        parts = seed_parts(POINTS, np.ones(150), 3, generator, n_tries)
        # A second seed in a corner that has one is as likely as about 2 in 10,000.
        assert len(set(zip(parts.tolist(), TRUE.tolist(), strict=True))) == 3


def test_every_point_is_in_the_part_of_its_nearest_seed() -> None:
    parts = seed_parts(POINTS, np.ones(150), 8, np.random.default_rng(1))
    assert sorted(set(parts.tolist())) == list(range(8))
    # Between two seeds points part along a line: so does a linear rule for every two parts.
    for one in range(8):
        for other in range(one):
            some = np.flatnonzero((parts == one) | (parts == other))
            middles = [POINTS[parts == part].mean(axis=0) for part in (one, other)]
            along = POINTS[some] @ (middles[0] - middles[1])
            assert along[parts[some] == one].mean() > along[parts[some] == other].mean()


def test_a_point_without_mass_is_no_seed() -> None:
    masses = np.where(TRUE == 2, 0.0, 1.0)
    for seed in range(10):
        parts = seed_parts(POINTS, masses, 2, np.random.default_rng(seed))
        assert {tuple(np.unique(parts[k == TRUE])) for k in (0, 1)} == {(0,), (1,)}


def test_there_are_no_more_parts_than_distinct_points() -> None:
    few = np.array([[0.0, 0.0], [1.0, 0.0], [5.0, 5.0]])
    for wanted in (3, 7):
        parts = seed_parts(np.repeat(few, 4, axis=0), np.ones(12), wanted, np.random.default_rng(0))
        assert len(set(parts.tolist())) == 3


def test_the_best_of_several_tries_leaves_less() -> None:
    def measure(n_tries: int, seed: int) -> float:
        """The squared distances of points from the middles of their parts, in all."""
        parts = seed_parts(POINTS, np.ones(150), 6, np.random.default_rng(seed), n_tries)
        middles = np.stack([POINTS[parts == part].mean(axis=0) for part in range(parts.max() + 1)])
        return float(((POINTS - middles[parts]) ** 2).sum())

    assert sum(measure(8, s) for s in range(30)) < sum(measure(1, s) for s in range(30))


def test_the_metric_says_what_is_far() -> None:
    two = mixture_of([0.5, 0.5], [[0, 0], [0, 12]], [np.diag([900.0, 1.0])] * 2)
    region = region_of(cells_of(sampled(two, 400)))
    along_y, plain = (
        [start(region, 2, metric, np.random.default_rng(seed)).means for seed in range(10)]
        for metric in (np.diag([1 / 30, 1.0]), np.eye(2))
    )
    assert all(abs(means[0, 1] - means[1, 1]) > 10 for means in along_y)
    assert all(abs(means[0, 1] - means[1, 1]) < 6 for means in plain)


def test_a_start_has_the_weights_and_means_of_its_parts() -> None:
    counts = np.random.default_rng(0).integers(1, 5, 150).astype(float)
    found = start(region_of(cells_of(POINTS, counts)), 3, np.eye(2), np.random.default_rng(0))
    order = np.argmin(((found.means[:, None] - CORNERS) ** 2).sum(axis=2), axis=1)
    assert sorted(order) == [0, 1, 2]
    masses = np.bincount(TRUE, counts)[order]
    np.testing.assert_allclose(found.weights, masses / counts.sum(), rtol=1e-12)
    means = [np.average(POINTS[k == TRUE], axis=0, weights=counts[k == TRUE]) for k in order]
    np.testing.assert_allclose(found.means, means, rtol=1e-12)


def test_a_part_takes_its_shape_as_far_as_its_points_tell_it() -> None:
    region, generator = region_of(cells_of(POINTS)), np.random.default_rng(0)
    found = start(region, 3, np.eye(2), generator, shrinkage=10.0)
    order = np.argmin(((found.means[:, None] - CORNERS) ** 2).sum(axis=2), axis=1)
    own = np.stack([np.cov(POINTS[k == TRUE].T, bias=True) for k in range(3)])
    pooled = own.mean(axis=0)
    shrunk = (50 * own + 10 * pooled) / (50 + 10)
    np.testing.assert_allclose(found.covariances, shrunk[order], atol=1e-9)


def test_a_start_in_a_region_has_its_share_of_the_weight() -> None:
    whole = region_of(cells_of(POINTS))
    before = whole.assess(start(whole, 3, np.eye(2), np.random.default_rng(0)))
    away = ((before.gaussians.means - CORNERS[1]) ** 2).sum(axis=1)
    chosen = np.array([away.argmin()])
    region = whole.narrow(before, chosen)
    found = start(region, 2, np.eye(2), np.random.default_rng(0))
    assert found.weights.sum() == pytest.approx(before.gaussians.weights[chosen].sum())
    assert (np.abs(found.means - CORNERS[1]) < 5).all()


def test_equal_seeds_start_alike() -> None:
    region = region_of(cells_of(POINTS))
    one, other = (start(region, 5, np.eye(2), np.random.default_rng(3)) for _ in range(2))
    np.testing.assert_array_equal(one.means, other.means)
