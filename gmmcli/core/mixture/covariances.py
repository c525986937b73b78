"""Covariance types, and the algebra of 2 x 2 covariances. NumPy only.

What the types differ in stands in `STRUCTURES` and nowhere else: a new type that combines what a
structure can say is one more entry there, and its name in `gmmcli.settings`.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from gmmcli.settings import CovarianceType

FloatArray = npt.NDArray[np.float64]


@dataclass(frozen=True)
class CovarianceStructure:
    """What the covariances of one type have in common (Celeux & Govaert 1995, section 2).

    Attributes:
        is_shared: all components have the same covariance.
        shape: of each: any, along the axes of the coordinates, or with axes of the same length.
    """

    is_shared: bool = False
    shape: Literal["any", "aligned", "round"] = "any"

    @property
    def is_aligned(self) -> bool:
        """Whether the covariances are diagonal."""
        return self.shape != "any"

    @property
    def is_round(self) -> bool:
        """Whether all variances of a component are the same."""
        return self.shape == "round"

    @property
    def n_entries(self) -> int:
        """The number of free parameters of one covariance matrix."""
        return {"any": 3, "aligned": 2, "round": 1}[self.shape]

    @property
    def survives(self) -> Literal["affine maps", "scales of axes", "one scale"]:
        """The widest group of linear maps of the data that the type survives."""
        if self.is_round:
            return "one scale"
        return "scales of axes" if self.is_aligned else "affine maps"

    def project(self, covariances: FloatArray, masses: FloatArray) -> FloatArray:
        """The covariances of the type that maximise the likelihood in place of free ones.

        The M step of each type is this projection of the M step of free covariances (Celeux &
        Govaert 1995, section 3): shared ones are their mean by mass, aligned ones lose their
        off-diagonals, round ones take their mean variance.

        Args:
            covariances: shape (K, 2, 2).
            masses: the points that each component accounts for, shape (K,).
        """
        if self.is_shared:
            mean = np.einsum("k,kij->ij", masses / masses.sum(), covariances)
            covariances = np.broadcast_to(mean, covariances.shape)
        if self.is_aligned:
            variances = covariances[:, [0, 1], [0, 1]]  # (K, 2)
            if self.is_round:
                variances = np.broadcast_to(variances.mean(axis=1)[:, None], variances.shape)
            covariances = variances[:, :, None] * np.eye(2)
        return np.asarray(covariances)

    def growth_projection(self) -> FloatArray:
        """The projection on the moves of one covariance that the type allows, shape (3, 3).

        Of the three ways in which a component can grow in its own units: along its first axis,
        across, and along its second; see `cells.information`.
        """
        projection = np.eye(3)
        if self.is_aligned:
            projection[1, 1] = 0.0
        if self.is_round:
            projection[np.ix_([0, 2], [0, 2])] = 0.5
        return projection


STRUCTURES: dict[CovarianceType, CovarianceStructure] = {
    "full": CovarianceStructure(),
    "tied": CovarianceStructure(is_shared=True),
    "diag": CovarianceStructure(shape="aligned"),
    "spherical": CovarianceStructure(shape="round"),
}


def count_parameters(n_components: int, covariance: CovarianceType) -> int:
    """The number of free parameters of a mixture of K components in two dimensions."""
    structure = STRUCTURES[covariance]
    n_covariances = 1 if structure.is_shared else n_components
    return (n_components - 1) + 2 * n_components + structure.n_entries * n_covariances


def constrain(
    covariances: FloatArray,
    masses: FloatArray,
    covariance: CovarianceType,
    *,
    floor: float,
    widest: float = 1e6,
) -> FloatArray:
    """The covariances of a type that fit best in place of free ones, shape (K, 2, 2).

    No eigenvalue lies below the floor, or so far below the other that double precision cannot
    write both.

    Args:
        covariances: shape (K, 2, 2), in whitened units.
        masses: the points that each component accounts for, shape (K,).
        covariance: the covariance type.
        floor: the least eigenvalue.
        widest: the largest eigenvalue: the variance, in whitened units, of a component that holds
            a millionth of the points far from all others. One that holds next to nothing would
            else grow without end.
    """
    covariances = STRUCTURES[covariance].project(covariances, masses)
    lengths, directions = np.linalg.eigh(covariances)
    least = np.maximum(LEAST_DETERMINANT * np.minimum(lengths[:, 1:], widest), floor)  # (K, 1)
    if (lengths < least).any() or lengths.max() > widest:
        within = np.minimum(np.maximum(lengths, least), widest)
        covariances = (directions * within[:, None, :]) @ directions.swapaxes(1, 2)
    return np.asarray((covariances + covariances.swapaxes(1, 2)) / 2)


def are_floored(
    covariances: FloatArray, floor: float, *, margin: float = 1e-3
) -> npt.NDArray[np.bool_]:
    """Which covariances stand on the floor, shape (K,).

    Args:
        covariances: shape (K, 2, 2), in whitened units.
        floor: the least eigenvalue.
        margin: rounding moves an eigenvalue off the floor by less than this share of it.
    """
    return np.asarray(np.linalg.eigvalsh(covariances)[:, 0] <= floor * (1 + margin))


def factorize(covariances: FloatArray) -> FloatArray:
    """Lower Cholesky factors, shape (K, 2, 2); NaN or 0 on a diagonal where there is none."""
    factors = np.zeros_like(covariances)
    factors[:, 0, 0] = np.sqrt(covariances[:, 0, 0])
    factors[:, 1, 0] = covariances[:, 0, 1] / factors[:, 0, 0]
    # sd of y given x; written as a product of sums, it loses no digits to a strong correlation.
    sds_y, slopes = np.sqrt(covariances[:, 1, 1]), factors[:, 1, 0]
    factors[:, 1, 1] = np.sqrt((sds_y - slopes) * (sds_y + slopes))
    return factors


def determinants(covariances: FloatArray) -> FloatArray:
    """The determinants of covariances, shape (K,), above what rounding may leave of a thin one's.

    Args:
        covariances: shape (K, 2, 2).
    """
    (xx, xy), (_, yy) = covariances.transpose(1, 2, 0)
    return np.asarray(np.maximum(xx * yy - xy**2, ROUNDING * xx * yy))


def half_log_determinants(covariances: FloatArray) -> FloatArray:
    """The log of the area of each component, shape (K,), up to a constant."""
    return np.asarray(0.5 * np.log(determinants(covariances)))


# The least share of a product of doubles that is sure to be no rounding.
ROUNDING = 1e-15
# Double precision keeps a covariance matrix positive definite down to about this determinant of
# its correlations. Rounding of doubles decides it; no benchmark does.
LEAST_DETERMINANT = 1e-14
