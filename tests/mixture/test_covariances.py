"""Covariance types, and the algebra of 2 x 2 covariances."""

import numpy as np
import pytest
from builders import random_mixture
from scipy.optimize import minimize

from gmmcli.core.mixture.covariances import FloatArray, are_floored, determinants, factorize
from gmmcli.core.mixture.mixture import Mixture
from gmmcli.core.mixture.structures import STRUCTURES, constrain, count_parameters
from gmmcli.settings import COVARIANCE_TYPES, CovarianceType

LEAST = 1e-10 * np.eye(2)
FREE = random_mixture(4, seed=2)
MASSES = 100 * FREE.weights


@pytest.mark.parametrize(
    ("covariance", "expected"), [("full", 17), ("tied", 11), ("diag", 14), ("spherical", 11)]
)
def test_numbers_of_free_parameters(covariance: CovarianceType, expected: int) -> None:
    assert count_parameters(3, covariance) == expected


def lose(covariances: FloatArray, free: FloatArray) -> float:
    """What the expected log-likelihood of free covariances loses to others, up to a constant."""
    spreads = np.linalg.solve(covariances, free).trace(axis1=1, axis2=2)
    return float(MASSES @ (np.linalg.slogdet(covariances).logabsdet + spreads)) / 2


@pytest.mark.parametrize("covariance", COVARIANCE_TYPES)
def test_a_projection_is_the_best_of_its_type(covariance: CovarianceType) -> None:
    structure = STRUCTURES[covariance]

    best = structure.project(FREE.covariances, MASSES)
    generator = np.random.default_rng(0)
    for _ in range(20):
        stretch = np.eye(2) + 0.05 * generator.normal(size=best.shape)
        nearby = structure.project(stretch @ best @ stretch.swapaxes(1, 2), MASSES)
        assert lose(nearby, FREE.covariances) > lose(best, FREE.covariances)


@pytest.mark.parametrize("covariance", COVARIANCE_TYPES)
def test_a_projection_of_its_own_type_changes_nothing(covariance: CovarianceType) -> None:
    structure = STRUCTURES[covariance]
    once = structure.project(FREE.covariances, MASSES)
    np.testing.assert_allclose(structure.project(once, MASSES), once, rtol=1e-14)


@pytest.mark.parametrize("covariance", COVARIANCE_TYPES)
def test_the_moves_that_a_type_allows_are_as_many_as_its_entries(
    covariance: CovarianceType,
) -> None:
    projection = STRUCTURES[covariance].growth_projection()
    np.testing.assert_allclose(projection @ projection, projection, atol=1e-15)
    assert round(projection.trace()) == STRUCTURES[covariance].n_entries


def test_a_covariance_below_the_floor_stands_on_it() -> None:
    thin = np.array([np.diag([1.0, 1e-12]), np.eye(2)])
    made = constrain(thin, np.ones(2), "full", least=1e-6 * np.eye(2))
    np.testing.assert_allclose(made[0], np.diag([1.0, 1e-6]), rtol=1e-9)
    assert are_floored(made, 1e-6 * np.eye(2)).tolist() == [True, False]


LEAST_OF_AXES = np.array([[0.9, 0.3], [0.3, 0.5]])


def over_least(roots: FloatArray, covariance: CovarianceType) -> FloatArray:
    """Covariances of a type above the least, (K, 2, 2), whatever the roots, (12,), are."""
    structure = STRUCTURES[covariance]
    lower = np.zeros((4, 2, 2))
    lower[:, [0, 1, 1], [0, 0, 1]] = roots.reshape(4, 3)
    over = structure.project(lower @ lower.swapaxes(1, 2), MASSES)
    return np.asarray(structure.adapt_least(LEAST_OF_AXES) + over)


@pytest.mark.parametrize("covariance", COVARIANCE_TYPES)
def test_bounded_covariances_are_the_best_that_are_allowed(covariance: CovarianceType) -> None:
    free = FREE.covariances * np.array([0.1, 0.3, 1.0, 3.0])[:, None, None]
    free = free if covariance != "tied" else 0.2 * free
    found = constrain(free, MASSES, covariance, least=LEAST_OF_AXES)
    start = np.tile([1.0, 0.1, 1.0], 4)
    by_search = minimize(
        lambda roots: lose(over_least(roots, covariance), free), start, options={"gtol": 1e-7}
    )
    assert lose(found, free) == pytest.approx(by_search.fun, rel=1e-9)
    np.testing.assert_allclose(found, over_least(by_search.x, covariance), atol=2e-4)
    least = STRUCTURES[covariance].adapt_least(LEAST_OF_AXES)
    are_on_it = np.linalg.eigvals(np.linalg.solve(least, found)).real.min(axis=1) < 1.001
    assert are_on_it.any()
    assert (are_floored(found, least) == are_on_it).all()


@pytest.mark.parametrize("covariance", COVARIANCE_TYPES)
def test_a_least_covariance_has_the_shape_that_it_bounds(covariance: CovarianceType) -> None:
    structure = STRUCTURES[covariance]
    least = structure.adapt_least(LEAST_OF_AXES)
    np.testing.assert_allclose(structure.project(least[None], np.ones(1))[0], least, rtol=1e-15)
    np.testing.assert_array_equal(structure.adapt_least(least), least)
    assert (np.diag(least) >= np.diag(LEAST_OF_AXES)).all()


def test_covariances_that_break_no_bound_are_kept_to_the_last_digit() -> None:
    made = constrain(FREE.covariances, MASSES, "full", least=1e-3 * LEAST_OF_AXES)
    np.testing.assert_array_equal(made, FREE.covariances)
    mixed = np.concatenate([FREE.covariances, 1e-6 * FREE.covariances[:1]])
    made = constrain(mixed, np.ones(5), "full", least=1e-3 * LEAST_OF_AXES)
    np.testing.assert_array_equal(made[:4], FREE.covariances)
    np.testing.assert_allclose(made[4], 1e-3 * LEAST_OF_AXES, rtol=1e-12)


def test_however_long_and_thin_a_component_is_led_to_be_it_can_be_written() -> None:
    angles = np.linspace(0, np.pi, 100)
    along = np.stack([np.cos(angles), np.sin(angles)], axis=1)
    needles = 1e9 * along[:, :, None] * along[:, None, :]
    mixture = Mixture(np.full(100, 0.01), np.zeros((100, 2)), needles + 0.1 * np.eye(2))
    lengths = np.linalg.eigvalsh(
        constrain(mixture.covariances, mixture.weights, "full", least=LEAST)
    )
    np.testing.assert_allclose(lengths[:, 1], 1e6)
    for least in (LEAST, np.diag([1e-4, 1e-10])):
        made = constrain(needles, np.ones(100), "full", least=least)
        Mixture(mixture.weights, mixture.means, made)  # checks that they are positive definite


def test_factors_and_determinants_are_those_of_numpy() -> None:
    np.testing.assert_allclose(factorize(FREE.covariances), np.linalg.cholesky(FREE.covariances))
    np.testing.assert_allclose(determinants(FREE.covariances), np.linalg.det(FREE.covariances))


def test_a_singular_covariance_has_a_determinant_above_rounding() -> None:
    line = np.array([[[1.0, 1.0], [1.0, 1.0]]])
    assert determinants(line)[0] > 0
