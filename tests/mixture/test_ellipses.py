"""Volumes, shapes and orientations, and the axes that a user is told of."""

import numpy as np
import pytest
from builders import random_mixture

from gmmcli.core.mixture.ellipses import Ellipses, list_axes, measure_along, turn

COVARIANCES = random_mixture(5, seed=1).covariances


def test_ellipses_of_covariances_give_these_back() -> None:
    ellipses = Ellipses.of(COVARIANCES)
    np.testing.assert_allclose(ellipses.to_covariances(), COVARIANCES, rtol=1e-12)
    roots = np.sqrt(np.linalg.det(COVARIANCES))
    np.testing.assert_allclose(np.exp(ellipses.log_volumes), roots, rtol=1e-12)
    np.testing.assert_allclose(ellipses.variances[:, ::-1], np.linalg.eigvalsh(COVARIANCES))


@pytest.mark.parametrize("degrees", [-89.0, -30.0, 0.0, 45.0, 60.0, 90.0])
def test_axes_have_their_deviations_and_the_angle_of_the_longer(degrees: float) -> None:
    rotation = turn(np.radians(degrees))
    (axes,) = list_axes((rotation @ np.diag([9.0, 4.0]) @ rotation.T)[None])
    assert axes.sds == pytest.approx((3, 2))
    assert axes.angle == pytest.approx(degrees)


def test_an_angle_is_above_minus_90_degrees() -> None:
    upright = np.array([[1.0, -0.0], [-0.0, 2.0]])
    assert list_axes(upright[None])[0].angle == 90


def test_axes_of_a_thin_component_keep_their_digits() -> None:
    rotation = turn(np.radians(30.0))
    thin = (rotation * [1.0, 1e-10]) @ rotation.T
    assert list_axes(thin[None])[0].sds == pytest.approx((1, 1e-5), rel=1e-5)


def test_variances_along_axes_are_those_of_turned_covariances() -> None:
    angles = np.linspace(-1, 2, 5)
    axes = turn(angles)
    turned = axes.swapaxes(1, 2) @ COVARIANCES @ axes
    np.testing.assert_allclose(measure_along(COVARIANCES, angles), turned[:, [0, 1], [0, 1]])
    several = measure_along(COVARIANCES, angles[:, None])
    assert several.shape == (5, 5, 2)
    np.testing.assert_allclose(several[2, 3], measure_along(COVARIANCES[3:4], angles[2:3])[0])
