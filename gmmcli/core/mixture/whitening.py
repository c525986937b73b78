"""The affine map that gives data mean 0 and scale 1, so that nothing in a fit depends on units."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from gmmcli.core.cells.cells import Cells
from gmmcli.core.mixture.mixture import FloatArray, Mixture
from gmmcli.errors import TableError
from gmmcli.settings import FLOOR, CovarianceType

# Below this share of the larger variance, a direction counts as having no spread of its own.
DEGENERATE = 1e-10
# Double precision keeps a covariance matrix positive definite down to about this determinant of
# its correlations.
REPRESENTABLE = 1e-14
# The standard deviation of a component is at least so many times the distance between neighbouring
# numbers at the data's place.
SPACINGS = 100
# Rounding moves an eigenvalue off the floor by less than this share.
FLOOR_MARGIN = 1e-3
# Variances whose products double precision can hold, over the floor and under overflow.
LEAST_VARIANCE, MOST_VARIANCE = 1e-140, 1e140


@dataclass(frozen=True, eq=False)
class Whitening:
    """The map from a point p in data units to `matrix @ (p - origin)`.

    Attributes:
        matrix: shape (2, 2).
        origin: shape (2,), in data units.
    """

    matrix: FloatArray
    origin: FloatArray

    @property
    def log_volume(self) -> float:
        """log|det matrix|: what a log density in data units has over one in whitened units."""
        return float(np.linalg.slogdet(self.matrix).logabsdet)

    def floor(self, share: float = FLOOR) -> float:
        """The smallest variance that a component may have, in whitened units.

        The square of the share of the data's spread, or more where a thinner component could not
        be written in data units: because the data lie so nearly on a line that its covariance
        matrix would be singular, or so far from zero that its mean would have no digits left.
        """
        inverse = np.linalg.inv(self.matrix)
        unit = inverse @ inverse.T  # a whitened unit circle, in data units
        independence = np.linalg.det(unit) / (unit[0, 0] * unit[1, 1])
        spacing = np.abs(self.matrix) @ np.spacing(np.abs(self.origin))
        return float(max(share**2, REPRESENTABLE / independence, (SPACINGS * spacing.max()) ** 2))

    def whiten_cells(self, cells: Cells) -> Cells:
        """The cells in whitened units."""
        means = (cells.means - self.origin) @ self.matrix.T
        # One product of large matrices; as many small ones take ten times as long.
        twice = np.kron(self.matrix, self.matrix)  # (4, 4)
        covariances = (cells.covariances.reshape(-1, 4) @ twice.T).reshape(-1, 2, 2)
        return Cells(cells.counts, means, covariances)

    def whiten(self, mixture: Mixture) -> Mixture:
        """A mixture in data units, in whitened units."""
        means = (mixture.means - self.origin) @ self.matrix.T
        return _transformed(mixture, means, self.matrix)

    def unwhiten(self, mixture: Mixture) -> Mixture:
        """A mixture in whitened units, in data units."""
        inverse = np.linalg.inv(self.matrix).astype(np.float64)
        return _transformed(mixture, mixture.means @ inverse.T + self.origin, inverse)


def whitening_of(cells: Cells, covariance: CovarianceType) -> Whitening:
    """The whitening of some cells that a covariance type survives.

    Any affine map for full and tied, one scale for each axis for diag, one common scale for
    spherical. A direction without spread (points on a line) takes the scale of the other.

    Raises:
        TableError: when the variance of the coordinates overflows or vanishes.
    """
    with np.errstate(over="ignore"):
        total = cells.covariance()
    return Whitening(whitening_matrices(total[None], covariance)[0], cells.mean())


def whitening_matrices(totals: FloatArray, covariance: CovarianceType = "full") -> FloatArray:
    """The matrices that whiten data with given covariances; both have the shape (N, 2, 2).

    Raises:
        TableError: when the variance of the coordinates overflows or vanishes.
    """
    variances = totals[:, [0, 1], [0, 1]]  # (N, 2)
    largest = variances.max(axis=1, keepdims=True)
    for wrong in largest[~((largest > LEAST_VARIANCE) & (largest < MOST_VARIANCE))][:1]:
        size = "small" if wrong <= LEAST_VARIANCE else "large"
        raise TableError(
            f"the coordinates have a variance of {wrong:.3g}, which double precision "
            f"cannot work with: change their units, or mend values that are far too {size}"
        )
    matrices: FloatArray
    if covariance == "spherical":
        matrices = np.eye(2) / np.sqrt(variances.mean(axis=1))[:, None, None]
        return matrices
    # Axes first, and only then directions: variances in different units have no common digits.
    axes = np.eye(2) / np.sqrt(np.where(variances > 0, variances, largest))[:, :, None]
    if covariance == "diag":
        return axes
    lengths, directions = np.linalg.eigh(axes @ totals @ axes)
    longest = lengths.max(axis=1, keepdims=True)
    spreads = np.where(lengths > DEGENERATE * longest, lengths, longest)
    matrices = directions / np.sqrt(spreads)[:, None] @ directions.swapaxes(1, 2) @ axes
    return matrices


def are_floored(covariances: FloatArray, floor: float) -> npt.NDArray[np.bool_]:
    """Which covariances, shape (K, 2, 2), stand on the floor, in whitened units; shape (K,)."""
    floored: npt.NDArray[np.bool_] = np.linalg.eigvalsh(covariances)[:, 0] <= floor * (
        1 + FLOOR_MARGIN
    )
    return floored


def _transformed(mixture: Mixture, means: FloatArray, matrix: FloatArray) -> Mixture:
    covariances = matrix @ mixture.covariances @ matrix.T
    symmetric = (covariances + covariances.swapaxes(1, 2)) / 2
    return Mixture(mixture.weights, means, symmetric)
