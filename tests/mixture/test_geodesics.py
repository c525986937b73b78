"""What lies between two mixtures, against the definition of geodesics and their laws."""

import numpy as np
import pytest
from builders import mixture_of, over_background, random_mixture
from scipy.linalg import fractional_matrix_power

from gmmcli.core.mixture.geodesics import interpolate, interpolate_covariances


@pytest.mark.parametrize("share", [0.25, 0.5, 0.9])
def test_covariances_follow_geodesics(share: float) -> None:
    first, second = random_mixture(3, seed=1).covariances, random_mixture(3, seed=2).covariances
    for one, other, found in zip(
        first, second, interpolate_covariances(first, second, share), strict=True
    ):
        root = fractional_matrix_power(one, 0.5)
        inner = np.linalg.inv(root) @ other @ np.linalg.inv(root)
        expected = root @ fractional_matrix_power(inner, share) @ root
        np.testing.assert_allclose(found, expected, rtol=1e-9)
        logs = [np.linalg.slogdet(each)[1] for each in (one, other, found)]
        assert logs[2] == pytest.approx((1 - share) * logs[0] + share * logs[1])


def test_a_way_has_its_ends_and_a_middle() -> None:
    points = np.array([[-9.0, -9.0], [9.0, 9.0]])
    first = mixture_of([0.5, 0.5], [[0, 0], [2, 2]], [np.eye(2)] * 2)
    second = over_background(
        mixture_of([0.3, 0.7], [[2, 0], [4, 2]], [4 * np.eye(2)] * 2), 0.2, points
    )
    assert interpolate(first, second, 0.0) is first
    assert interpolate(first, second, 1.0) is second
    middle = interpolate(first, second, 0.5)
    assert middle.background is not None
    assert middle.background.weight == pytest.approx(0.1)
    assert middle.weights.sum() == pytest.approx(0.9)
    np.testing.assert_allclose(middle.means, [[1, 0], [3, 2]])
    np.testing.assert_allclose(middle.covariances, [2 * np.eye(2)] * 2)
