"""How far apart components are: against integrals, and by laws."""

import numpy as np
import pytest
from builders import random_mixture
from scipy.integrate import dblquad
from scipy.stats import multivariate_normal

from gmmcli.core.mixture.covariances import FloatArray
from gmmcli.core.mixture.distances import find_nearer, measure_changes, measure_distances
from gmmcli.core.mixture.mixture import Mixture

ONE, OTHER = random_mixture(3, seed=4, spread=1.0), random_mixture(2, seed=5, spread=1.0)


def mapped(mixture: Mixture, matrix: FloatArray, shift: FloatArray) -> Mixture:
    """The mixture after an affine map of the plane."""
    covariances = matrix @ mixture.covariances @ matrix.T
    return Mixture(mixture.weights, mixture.means @ matrix.T + shift, covariances)


def test_distances_are_those_of_the_overlap() -> None:
    found = measure_distances(ONE, OTHER)
    assert found.shape == (3, 2)
    for k, other in ((0, 0), (2, 1)):
        p = multivariate_normal(ONE.means[k], ONE.covariances[k])
        q = multivariate_normal(OTHER.means[other], OTHER.covariances[other])
        overlap, error = dblquad(
            lambda y, x, p=p, q=q: np.sqrt(p.pdf([x, y]) * q.pdf([x, y])), -12, 12, -12, 12
        )
        assert found[k, other] == pytest.approx(-np.log(overlap), abs=10 * error / overlap + 1e-6)


def test_distances_do_not_depend_on_units() -> None:
    matrix, shift = np.array([[3e4, 2.0], [-1.0, 1e-3]]), np.array([1e3, -7.0])
    there = measure_distances(mapped(ONE, matrix, shift), mapped(OTHER, matrix, shift))
    np.testing.assert_allclose(there, measure_distances(ONE, OTHER), rtol=1e-7)
    np.testing.assert_allclose(np.diag(measure_distances(ONE, ONE)), 0, atol=1e-12)
    np.testing.assert_allclose(measure_distances(OTHER, ONE).T, measure_distances(ONE, OTHER))


def test_a_move_is_in_deviations_of_what_a_component_was() -> None:
    along = ONE.cholesky_factors()[1] @ np.array([0.6, 0.8])  # of length 1 in its own units
    means, covariances = ONE.means.copy(), ONE.covariances.copy()
    means[1] += 2.5 * along
    covariances[2] *= 4.0
    weights = ONE.weights + np.array([0.05, -0.05, 0.0])
    stays, goes, grows = measure_changes(ONE, Mixture(weights, means, covariances))
    assert (stays.distance, stays.spread, goes.spread, grows.distance) == (0, 1, 1, 0)
    assert [move.weight for move in (stays, goes, grows)] == pytest.approx([0.05, -0.05, 0])
    assert goes.distance == pytest.approx(2.5)
    assert grows.spread == pytest.approx(2.0)


def test_components_that_changed_places_are_found() -> None:
    apart = np.array([[0, 0], [9, 0], [0, 9.0]])
    before = Mixture(np.full(3, 1 / 3), apart, np.tile(np.eye(2), (3, 1, 1)))
    near = Mixture(before.weights, apart + 0.5, before.covariances)
    assert find_nearer(before, near) == []
    assert find_nearer(before, near.reorder(np.array([1, 0, 2]))) == [0, 1]
