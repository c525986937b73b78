"""Covariance types, and the algebra of 2 x 2 covariances."""

import numpy as np
import pytest
from builders import random_mixture

from gmmcli.core.mixture.covariances import (
    STRUCTURES,
    FloatArray,
    are_floored,
    constrain,
    count_parameters,
    determinants,
    factorize,
)
from gmmcli.core.mixture.mixture import Mixture
from gmmcli.settings import COVARIANCE_TYPES, CovarianceType

FLOOR = 1e-10
FREE = random_mixture(4, seed=2)
MASSES = 100 * FREE.weights


@pytest.mark.parametrize(
    ("covariance", "expected"), [("full", 17), ("tied", 11), ("diag", 14), ("spherical", 11)]
)
def test_numbers_of_free_parameters(covariance: CovarianceType, expected: int) -> None:
    assert count_parameters(3, covariance) == expected


@pytest.mark.parametrize("covariance", COVARIANCE_TYPES)
def test_a_projection_is_the_best_of_its_type(covariance: CovarianceType) -> None:
    structure = STRUCTURES[covariance]

    def lose(covariances: FloatArray) -> float:
        """What the log-likelihood of free covariances loses to these, up to a constant."""
        spreads = np.linalg.solve(covariances, FREE.covariances).trace(axis1=1, axis2=2)
        return float(MASSES @ (np.linalg.slogdet(covariances).logabsdet + spreads)) / 2

    best = structure.project(FREE.covariances, MASSES)
    generator = np.random.default_rng(0)
    for _ in range(20):
        stretch = np.eye(2) + 0.05 * generator.normal(size=best.shape)
        nearby = structure.project(stretch @ best @ stretch.swapaxes(1, 2), MASSES)
        assert lose(nearby) > lose(best)


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
    made = constrain(thin, np.ones(2), "full", floor=1e-6)
    np.testing.assert_allclose(made[0], np.diag([1.0, 1e-6]), rtol=1e-9)
    assert are_floored(made, 1e-6).tolist() == [True, False]


def test_however_long_and_thin_a_component_is_led_to_be_it_can_be_written() -> None:
    angles = np.linspace(0, np.pi, 100)
    along = np.stack([np.cos(angles), np.sin(angles)], axis=1)
    needles = 1e9 * along[:, :, None] * along[:, None, :]
    mixture = Mixture(np.full(100, 0.01), np.zeros((100, 2)), needles + 0.1 * np.eye(2))
    lengths = np.linalg.eigvalsh(
        constrain(mixture.covariances, mixture.weights, "full", floor=FLOOR)
    )
    np.testing.assert_allclose(lengths[:, 1], 1e6)
    made = constrain(needles, np.ones(100), "full", floor=FLOOR)
    Mixture(mixture.weights, mixture.means, made)  # checks that they are positive definite


def test_factors_and_determinants_are_those_of_numpy() -> None:
    np.testing.assert_allclose(factorize(FREE.covariances), np.linalg.cholesky(FREE.covariances))
    np.testing.assert_allclose(determinants(FREE.covariances), np.linalg.det(FREE.covariances))


def test_a_singular_covariance_has_a_determinant_above_rounding() -> None:
    line = np.array([[[1.0, 1.0], [1.0, 1.0]]])
    assert determinants(line)[0] > 0
