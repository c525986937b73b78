"""The moves that a type allows: as many as its parameters, and those along which it changes."""

import numpy as np
import pytest
from builders import count_covariances, ellipses_of_type, random_mixture

from gmmcli.core.mixture.covariances import FloatArray
from gmmcli.core.mixture.ellipses import Ellipses
from gmmcli.core.mixture.moves import Moves, straighten
from gmmcli.core.mixture.structures import STRUCTURES, CovarianceStructure
from gmmcli.settings import COVARIANCE_TYPES, CovarianceType

FREE = random_mixture(4, seed=2)
MASSES = 100 * FREE.weights
ROOTS = np.sqrt(MASSES)


def moves_of(covariance: CovarianceType) -> tuple[CovarianceStructure, FloatArray, Moves]:
    """A type, covariances of it, and the moves that are open to these."""
    structure = STRUCTURES[covariance]
    typed = structure.project(FREE.covariances, MASSES)
    return structure, typed, Moves.of(structure, typed, ROOTS)


def grow(covariances: FloatArray, others: FloatArray) -> FloatArray:
    """How covariances have grown that were others, times root masses, shape (K, 3)."""
    inverses = np.linalg.inv(np.linalg.cholesky(others))
    grown = np.linalg.cholesky(inverses @ covariances @ inverses.swapaxes(1, 2))
    root = np.sqrt(2)
    ways = [root * np.log(grown[:, 0, 0]), grown[:, 1, 0], root * np.log(grown[:, 1, 1])]
    return np.asarray(ROOTS[:, None] * np.stack(ways, axis=1))


def parameters_of(structure: CovarianceStructure, ellipses: Ellipses) -> FloatArray:
    """The free parameters of a type, in the order of its letters."""
    parts = ellipses.log_volumes, ellipses.elongations, ellipses.angles
    sizes = {"V": len(MASSES), "E": 1, "I": 0}
    kept = [part[: sizes[each]] for part, each in zip(parts, structure.code, strict=True)]
    return np.concatenate(kept)


@pytest.mark.parametrize("covariance", COVARIANCE_TYPES)
def test_moves_are_as_many_as_parameters_and_at_right_angles(covariance: CovarianceType) -> None:
    structure, _, moves = moves_of(covariance)
    basis = moves.span().reshape(12, -1)
    assert basis.shape[1] == count_covariances(structure, 4)
    np.testing.assert_allclose(basis.T @ basis, np.eye(basis.shape[1]), atol=1e-12)


@pytest.mark.parametrize("covariance", COVARIANCE_TYPES)
def test_a_type_changes_along_the_moves_that_are_open_to_it(covariance: CovarianceType) -> None:
    structure, typed, moves = moves_of(covariance)
    here = parameters_of(structure, structure.describe(typed))
    basis = moves.span().reshape(12, -1)
    for step in 1e-5 * np.eye(len(here)):
        ahead, behind = (
            ellipses_of_type(structure, here + sign * step, 4).to_covariances() for sign in (1, -1)
        )
        growth = (grow(ahead, typed) - grow(behind, typed)) / 2e-5
        np.testing.assert_allclose(moves.project(growth), growth, atol=1e-6)
        np.testing.assert_allclose(basis @ (basis.T @ growth.ravel()), growth.ravel(), atol=1e-6)


@pytest.mark.parametrize("covariance", COVARIANCE_TYPES)
def test_a_growth_is_projected_on_the_basis(covariance: CovarianceType) -> None:
    _, _, moves = moves_of(covariance)
    growth = np.random.default_rng(0).normal(size=(4, 3))
    basis = moves.span().reshape(12, -1)
    projected = basis @ (basis.T @ growth.ravel())
    np.testing.assert_allclose(moves.project(growth).ravel(), projected, atol=1e-12)


@pytest.mark.parametrize("covariance", COVARIANCE_TYPES)
def test_the_information_of_complete_data_is_what_second_derivatives_along_paths_tell(
    covariance: CovarianceType,
) -> None:
    structure, typed, moves = moves_of(covariance)
    here = parameters_of(structure, structure.describe(typed))
    inverses = np.linalg.inv(np.linalg.cholesky(typed))
    moments = MASSES[:, None, None] * (inverses @ FREE.covariances @ inverses.swapaxes(1, 2))
    complete = (straighten(moments) + moves.bend(moments)) / MASSES[:, None, None]

    def lose(values: FloatArray) -> float:
        covariances = ellipses_of_type(structure, values, 4).to_covariances()
        spreads = np.linalg.solve(covariances, FREE.covariances).trace(axis1=1, axis2=2)
        return float(MASSES @ (np.linalg.slogdet(covariances).logabsdet + spreads)) / 2

    size = 1e-4
    steps = size * np.eye(len(here))
    second = np.array(
        [
            [
                lose(here + a + b) - lose(here + a - b) - lose(here - a + b) + lose(here - a - b)
                for b in steps
            ]
            for a in steps
        ]
    ) / (4 * size**2)
    growths = np.array(
        [
            grow(ellipses_of_type(structure, here + step, 4).to_covariances(), typed)
            - grow(ellipses_of_type(structure, here - step, 4).to_covariances(), typed)
            for step in steps
        ]
    ) / (2 * size)  # (F, K, 3)
    expected = np.einsum("akg,kgh,bkh->ab", growths, complete, growths)
    np.testing.assert_allclose(expected, second, atol=2e-4 * np.abs(second).max())
