"""A sketch is near enough to the mixture that it is of to tell where cells have to be narrow."""

import numpy as np
import pytest
from builders import cells_of, mixture_of, n_missed, sampled, touching_clusters

from gmmcli.core.mixture.mixture import Mixture
from gmmcli.core.search.sketch import sketch_mixture


def test_a_sketch_finds_most_clusters() -> None:
    true = touching_clusters(8, seed=1)
    points = sampled(true, 4000)
    sketched = sketch_mixture(cells_of(points), 8)
    assert sketched.n_components == 8
    assert n_missed(sketched, true) <= 1
    one = mixture_of([1.0], [points.mean(axis=0)], [np.cov(points.T)])
    best, of_one, of_sketch = (
        mixture.log_densities(points).mean() for mixture in (true, one, sketched)
    )
    assert best - of_sketch < 0.25 * (best - of_one)


@pytest.mark.parametrize("number", [1, 2, 3])
def test_a_sketch_of_equal_points_has_as_many_components_as_are_asked_for(number: int) -> None:
    points = np.concatenate([np.zeros((50, 2)), np.ones((50, 2))])
    sketched: Mixture = sketch_mixture(cells_of(points), number)
    assert sketched.n_components == number
    assert (np.linalg.eigvalsh(sketched.covariances) > 0).all()
    assert sketched.weights.sum() == pytest.approx(1)


def test_more_cells_and_steps_make_a_better_sketch() -> None:
    points = sampled(touching_clusters(12, seed=0), 6000)
    rough, better = (
        sketch_mixture(cells_of(points), 12, n_cells=n_cells, n_steps=n_steps)
        for n_cells, n_steps in ((60, 2), (2000, 100))
    )
    assert better.log_densities(points).sum() > rough.log_densities(points).sum() + 10


def test_sketches_of_the_same_points_are_the_same() -> None:
    points = cells_of(sampled(touching_clusters(5, seed=0), 1000))
    one, other = (sketch_mixture(points, 5) for _ in range(2))
    np.testing.assert_array_equal(one.means, other.means)
