"""The affine map that gives data mean 0 and scale 1, so that nothing in a fit depends on units."""

from dataclasses import dataclass, replace

import numpy as np

from gmmcli.core.mixture.background import Background
from gmmcli.core.mixture.covariances import LEAST_DETERMINANT, FloatArray
from gmmcli.core.mixture.mixture import Mixture
from gmmcli.core.mixture.structures import STRUCTURES
from gmmcli.errors import TableError
from gmmcli.settings import FLOOR, CovarianceType


@dataclass(frozen=True, eq=False)
class Whitening:
    """The map from a point p in data units to `matrix @ (p - origin)`.

    Attributes:
        matrix: shape (2, 2).
        origin: shape (2,), in data units.
    """

    matrix: FloatArray
    origin: FloatArray

    @staticmethod
    def of(mean: FloatArray, total: FloatArray, covariance: CovarianceType) -> "Whitening":
        """The whitening that a covariance type survives, of data with a mean and a covariance.

        Any affine map for full and tied, one scale for each axis for diag, one common scale for
        spherical. A direction without spread (points on a line) takes the scale of the other.

        Args:
            mean: of the data, shape (2,), in data units.
            total: their covariance, shape (2, 2).
            covariance: the covariance type.

        Raises:
            TableError: when the variance of the coordinates overflows or vanishes.
        """
        return Whitening(find_whitening_matrices(total[None], covariance)[0], mean)

    @property
    def log_volume(self) -> float:
        """log|det matrix|: what a log density in data units has over one in whitened units."""
        return float(np.linalg.slogdet(self.matrix).logabsdet)

    def floor(self, share: float = FLOOR) -> float:
        """The smallest variance that a component may have, in whitened units.

        The square of the share of the data's spread, or more where a thinner component could not
        be written in data units, because the data lie so nearly on a line that its covariance
        matrix would be singular.

        Args:
            share: of the data's spread, in standard deviations.
        """
        inverse = np.linalg.inv(self.matrix)
        inverse /= np.abs(inverse).max()
        unit = inverse @ inverse.T  # a whitened unit circle, in some unit of the data's
        independence = np.linalg.det(unit) / (unit[0, 0] * unit[1, 1])
        return float(max(share**2, LEAST_DETERMINANT / independence))

    def whiten_points(self, points: FloatArray) -> FloatArray:
        """Points in data units, shape (N, 2), in whitened units."""
        return np.asarray((points - self.origin) @ self.matrix.T)

    def unwhiten_points(self, points: FloatArray) -> FloatArray:
        """Points in whitened units, shape (N, 2), in data units."""
        return np.asarray(np.linalg.solve(self.matrix, points.T).T + self.origin)

    def whiten_covariances(self, covariances: FloatArray) -> FloatArray:
        """Covariances in data units, shape (N, 2, 2), in whitened units."""
        # One product of large matrices; as many small ones take ten times as long.
        twice = np.kron(self.matrix, self.matrix)  # (4, 4)
        return np.asarray((covariances.reshape(-1, 4) @ twice.T).reshape(-1, 2, 2))

    def unwhiten_covariances(self, covariances: FloatArray) -> FloatArray:
        """Covariances in data units, shape (..., 2, 2), given those in whitened units."""
        inverse = np.linalg.inv(self.matrix)
        return np.asarray(inverse @ covariances @ inverse.T)

    def whiten_background(self, background: Background) -> Background:
        """A background in data units, in whitened units."""
        return background.transform(self.matrix, self.whiten_points(background.corner))

    def whiten(self, mixture: Mixture) -> Mixture:
        """A mixture in data units, in whitened units."""
        background = mixture.background
        if background is not None:
            background = self.whiten_background(background)
        means = self.whiten_points(mixture.means)
        return _transform(mixture, means, self.matrix, background)

    def unwhiten(self, mixture: Mixture) -> Mixture:
        """A mixture in whitened units, in data units."""
        inverse = np.linalg.inv(self.matrix).astype(np.float64)
        background = mixture.background
        if background is not None:
            background = background.transform(inverse, inverse @ background.corner + self.origin)
            # Its sides lie along the axes of the data, whatever rounding leaves across.
            background = replace(background, edges=np.diag(np.diag(background.edges)))
        return _transform(mixture, mixture.means @ inverse.T + self.origin, inverse, background)


def find_whitening_matrices(
    totals: FloatArray, covariance: CovarianceType = "full", *, degenerate: float = 1e-10
) -> FloatArray:
    """The matrices that whiten data with given covariances; both have the shape (N, 2, 2).

    Args:
        totals: the covariances, in data units.
        covariance: the covariance type, which the maps are to survive.
        degenerate: below this share of the larger variance a direction has no spread of its own.

    Raises:
        TableError: when the variance of the coordinates overflows or vanishes.
    """
    variances = totals[:, [0, 1], [0, 1]]  # (N, 2)
    largest = variances.max(axis=1, keepdims=True)
    variances = np.where(variances > 0, variances, largest)  # of points on a line along an axis
    _check_variances(variances)
    maps = STRUCTURES[covariance].survives
    if maps == "one scale":
        return np.asarray(
            np.eye(2) / np.sqrt(np.trace(totals, axis1=1, axis2=2) / 2)[:, None, None]
        )
    # Axes first, and only then directions: variances in different units have no common digits.
    axes = np.eye(2) / np.sqrt(variances)[:, :, None]
    if maps == "scales of axes":
        return np.asarray(axes)
    lengths, directions = np.linalg.eigh(axes @ totals @ axes)
    longest = lengths.max(axis=1, keepdims=True)
    spreads = np.where(lengths > degenerate * longest, lengths, longest)
    return np.asarray(
        directions / np.sqrt(spreads)[:, None] @ directions.swapaxes(1, 2) @ axes, dtype=np.float64
    )


def _check_variances(variances: FloatArray, *, least: float = 1e-140, most: float = 1e140) -> None:
    """Raise where products of variances vanish or overflow in double precision."""
    for wrong in variances[~((variances > least) & (variances < most))][:1]:
        size = "small" if wrong <= least else "large"
        raise TableError(
            f"the coordinates have a variance of {wrong:.3g}, which double precision "
            f"cannot work with: change their units, or mend values that are far too {size}"
        )


def _transform(
    mixture: Mixture, means: FloatArray, matrix: FloatArray, background: Background | None
) -> Mixture:
    covariances = matrix @ mixture.covariances @ matrix.T
    symmetric = (covariances + covariances.swapaxes(1, 2)) / 2
    return Mixture(mixture.weights, means, symmetric, background)
