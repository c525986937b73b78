"""Covariances as ellipses: their volume, shape and orientation. NumPy only.

A covariance is lambda D A D' (Banfield & Raftery 1993, section 2): lambda its volume, A a diagonal
of determinant 1, its shape, and D a rotation, its orientation. In two dimensions that is one number
each. Covariance types say which of these components share; a user is told of axes.
"""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from gmmcli.core.mixture.covariances import FloatArray


@dataclass(frozen=True, eq=False)
class Ellipses:
    """The volumes, shapes and orientations of K covariances.

    Attributes:
        log_volumes: the log of the root of each determinant, shape (K,).
        elongations: half the log of the variance along the first axis over that across, shape
            (K,); 0 where a component is round, below 0 where the first axis is the shorter.
        angles: of the first axis from that of x, in radians, shape (K,).
    """

    log_volumes: FloatArray
    elongations: FloatArray
    angles: FloatArray

    @staticmethod
    def of(covariances: FloatArray) -> "Ellipses":
        """Those of covariances, shape (K, 2, 2), the longer axis first, between -90 and 90 degrees.

        The axes of a round one are those of the coordinates.
        """
        angles = find_angles(covariances)
        first, second = np.log(measure_along(covariances, angles)).T
        return Ellipses((first + second) / 2, (first - second) / 2, angles)

    @property
    def variances(self) -> FloatArray:
        """The variances along the first axes and the second, shape (K, 2)."""
        logs = [self.log_volumes + self.elongations, self.log_volumes - self.elongations]
        return np.asarray(np.exp(logs).T)

    @property
    def directions(self) -> FloatArray:
        """The axes as columns, shape (K, 2, 2)."""
        return turn(self.angles)

    def to_covariances(self) -> FloatArray:
        """The covariances, shape (K, 2, 2)."""
        cosines, sines, (first, second) = np.cos(self.angles), np.sin(self.angles), self.variances.T
        xx, yy = cosines**2 * first + sines**2 * second, sines**2 * first + cosines**2 * second
        xy = cosines * sines * (first - second)
        return np.array([[xx, xy], [xy, yy]]).transpose(2, 0, 1)


class Axes(NamedTuple):
    """The principal axes of a component.

    Attributes:
        sds: the standard deviations along the longer and the shorter axis, in data units.
        angle: of the longer from the x axis towards y, in degrees, above -90 and up to 90.
    """

    sds: tuple[float, float]
    angle: float


def list_axes(covariances: FloatArray) -> list[Axes]:
    """The principal axes of covariances, shape (K, 2, 2)."""
    ellipses = Ellipses.of(covariances)
    angles = np.degrees(ellipses.angles)
    angles = np.where(angles <= -90, 90.0, angles)  # of a minus zero
    pairs = zip(np.sqrt(ellipses.variances).tolist(), angles.tolist(), strict=True)
    return [Axes((long, short), angle) for (long, short), angle in pairs]


def turn(angles: FloatArray) -> FloatArray:
    """Rotations by angles in radians, of any shape; two axes more."""
    cosines, sines = np.cos(angles), np.sin(angles)
    return np.stack([np.stack([cosines, -sines], -1), np.stack([sines, cosines], -1)], -2)


def find_angles(covariances: FloatArray) -> FloatArray:
    """The angles of the longer axes, in radians from -pi / 2 to pi / 2; (..., 2, 2) to (...)."""
    half = (covariances[..., 0, 0] - covariances[..., 1, 1]) / 2
    return np.asarray(np.arctan2(covariances[..., 0, 1], half) / 2)


def measure_along(
    covariances: FloatArray, angles: FloatArray, *, least_share: float = 1e-15
) -> FloatArray:
    """The variances along axes at some angles and across them, shape (..., 2).

    Args:
        covariances: shape (..., 2, 2).
        angles: in radians, of a shape that broadcasts with the covariances'.
        least_share: of both, which rounding may leave of one; of nothing it leaves a tiny number.
    """
    xx, xy, yy = (covariances[..., i, j] for i, j in ((0, 0), (0, 1), (1, 1)))
    cosines, sines = np.cos(angles), np.sin(angles)
    across = 2 * cosines * sines * xy
    first = cosines**2 * xx + sines**2 * yy + across
    second = sines**2 * xx + cosines**2 * yy - across
    least = np.maximum(least_share * (xx + yy), np.finfo(np.float64).tiny)
    return np.moveaxis(np.maximum([first, second], least), 0, -1)
