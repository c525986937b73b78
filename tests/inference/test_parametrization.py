"""What stands for covariances among parameters, against the covariances that it stands for."""

import numpy as np
import pyro
import pytest
import torch
from builders import count_covariances, random_mixture

from gmmcli.core.inference.parametrization import Ellipticals, Factors, parametrize
from gmmcli.core.mixture.covariances import FloatArray
from gmmcli.core.mixture.structures import STRUCTURES
from gmmcli.settings import COVARIANCE_TYPES, CovarianceType

FREE = random_mixture(4, seed=2)
LEAST = 1e-3


def made(covariance: CovarianceType) -> tuple[Factors | Ellipticals, FloatArray]:
    """What stands for covariances of a type, and these."""
    typed = STRUCTURES[covariance].project(FREE.covariances, FREE.weights)
    factors = torch.from_numpy(np.linalg.cholesky(typed))
    return parametrize(STRUCTURES[covariance], factors, LEAST), typed


def read(parametrization: Factors | Ellipticals) -> FloatArray:
    """The covariances that it stands for, shape (4, 2, 2)."""
    with pyro.settings.context(module_local_params=True), torch.no_grad():
        factors = parametrization.to_factors(4)
    covariances: FloatArray = (factors @ factors.mT).numpy()
    return covariances


@pytest.mark.parametrize("covariance", COVARIANCE_TYPES)
def test_what_it_stands_for_is_what_it_was_made_of(covariance: CovarianceType) -> None:
    parametrization, typed = made(covariance)
    np.testing.assert_allclose(read(parametrization), typed, rtol=1e-12, atol=1e-14)
    parametrization.move(torch.from_numpy(np.linalg.cholesky(2 * typed)))
    np.testing.assert_allclose(read(parametrization), 2 * typed, rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("covariance", COVARIANCE_TYPES)
def test_parameters_are_as_many_as_the_type_has(covariance: CovarianceType) -> None:
    parametrization, _ = made(covariance)
    structure = STRUCTURES[covariance]
    n_parameters = sum(each.numel() for each in parametrization.parameters())
    if isinstance(parametrization, Factors) and not structure.is_aligned:
        n_parameters -= n_parameters // 4  # above the diagonal, which no factor has
    assert n_parameters == count_covariances(structure, 4)


@pytest.mark.parametrize("covariance", COVARIANCE_TYPES)
def test_the_type_and_the_least_are_kept_wherever_parameters_go(covariance: CovarianceType) -> None:
    parametrization, _ = made(covariance)
    torch.manual_seed(0)
    with torch.no_grad():
        for parameter in parametrization.parameters():
            parameter.add_(3 * torch.randn_like(parameter))
    moved = read(parametrization)
    structure = STRUCTURES[covariance]
    np.testing.assert_allclose(
        structure.project(moved, np.ones(4)), moved, rtol=1e-6, atol=1e-6 * np.abs(moved).min()
    )
    assert np.linalg.eigvalsh(moved).min() > 0.999 * LEAST**2
