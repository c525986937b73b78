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


@pytest.mark.parametrize("n_components", [1, 3])
def test_a_sketch_of_equal_points_has_covariances_all_the_same(n_components: int) -> None:
    points = np.concatenate([np.zeros((50, 2)), np.ones((50, 2))])
    sketched: Mixture = sketch_mixture(cells_of(points), n_components)
    assert sketched.n_components == n_components
    assert (np.linalg.eigvalsh(sketched.covariances) > 0).all()
