"""The algebra of 2 x 2 covariances."""

import numpy as np
from builders import random_mixture

from gmmcli.core.mixture.covariances import (
    bound_below,
    determinants,
    factorize,
    measure_rounding,
)

FREE = random_mixture(4, seed=2)


def test_a_bound_below_changes_those_alone_that_break_it() -> None:
    least = 0.5 * FREE.covariances[0]
    both = np.stack([FREE.covariances[0], 0.2 * FREE.covariances[0]])
    np.testing.assert_allclose(bound_below(both, least), [both[0], least], rtol=1e-12)


def test_factors_and_determinants_are_those_of_numpy() -> None:
    np.testing.assert_allclose(factorize(FREE.covariances), np.linalg.cholesky(FREE.covariances))
    np.testing.assert_allclose(determinants(FREE.covariances), np.linalg.det(FREE.covariances))


def test_a_singular_covariance_has_a_determinant_above_rounding() -> None:
    line = np.array([[[1.0, 1.0], [1.0, 1.0]]])
    assert determinants(line)[0] > 0


def test_rounding_is_what_a_last_digit_does_to_log_determinants() -> None:
    thin = np.array([[[0.5, 0.5 - 1e-9], [0.5 - 1e-9, 0.5]], [[4.0, 0.0], [0.0, 9.0]]])
    other = thin.copy()
    other[:, 0, 0] = np.nextafter(thin[:, 0, 0], 10)
    change = np.log(determinants(other)) - np.log(determinants(thin))
    # A last digit is half of the rounding to all of it, and the log has a rounding of its own.
    ratios = measure_rounding(thin) / change
    assert (ratios > 0.4).all()
    assert (ratios < 4).all()
