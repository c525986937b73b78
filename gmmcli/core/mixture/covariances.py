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

    def adapt_least(self, least: FloatArray) -> FloatArray:
        """The least covariance as one of this shape, shape (2, 2).

        Aligned ones keep to its diagonal, round ones to the larger variance on it, so that the
        bound has the type that it holds.

        Args:
            least: symmetric and positive definite, shape (2, 2).
        """
        if not self.is_aligned:
            return least
        variances = np.diag(least)
        return np.diag(np.full(2, variances.max()) if self.is_round else variances)

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


def count_parameters(
    n_components: int, covariance: CovarianceType, *, has_background: bool = False
) -> int:
    """The number of free parameters of a mixture of K components in two dimensions."""
    structure = STRUCTURES[covariance]
    n_covariances = 1 if structure.is_shared else n_components
    n_weights = n_components - 1 + has_background
    return n_weights + 2 * n_components + structure.n_entries * n_covariances


def constrain(
    covariances: FloatArray,
    masses: FloatArray,
    covariance: CovarianceType,
    *,
    least: FloatArray,
    widest: float = 1e6,
) -> FloatArray:
    """The covariances of a type that fit best in place of free ones, shape (K, 2, 2).

    The M step of the type where no covariance may lie below the least, in any direction: the
    covariance less the least has no eigenvalue below 0. No eigenvalue lies so far below the other
    that double precision cannot write both.

    Args:
        covariances: shape (K, 2, 2), in whitened units.
        masses: the points that each component accounts for, shape (K,).
        covariance: the covariance type.
        least: the least covariance, symmetric and positive definite, shape (2, 2); as the type
            has it, see `CovarianceStructure.adapt_least`.
        widest: the largest eigenvalue: the variance, in whitened units, of a component that holds
            a millionth of the points far from all others. One that holds next to nothing would
            else grow without end.
    """
    structure = STRUCTURES[covariance]
    covariances = structure.project(covariances, masses)
    least = structure.adapt_least(least)
    if not _are_inside(covariances, least, widest).all():
        covariances = bound_below(_bound_lengths(covariances, widest), least)
    return np.asarray((covariances + covariances.swapaxes(1, 2)) / 2)


def bound_below(covariances: FloatArray, least: FloatArray) -> FloatArray:
    """The covariances that maximise the likelihood in place of free ones, none below the least.

    In units in which the least is round and of size 1, eigenvalues below 1 become 1: the
    likelihood there is that of each axis of the free one apart, and falls away from its variance.
    Shape (K, 2, 2).

    Args:
        covariances: shape (K, 2, 2).
        least: symmetric and positive definite, shape (2, 2).
    """
    factor = np.linalg.cholesky(least)
    inverse = np.linalg.inv(factor)
    lengths, directions = np.linalg.eigh(inverse @ covariances @ inverse.T)
    axes = factor @ directions  # (K, 2, 2)
    bounded = (axes * np.maximum(lengths, 1.0)[:, None, :]) @ axes.swapaxes(1, 2)
    are_kept = np.all(lengths >= 1.0, axis=1)[:, None, None]
    return np.where(are_kept, covariances, bounded)


def are_floored(
    covariances: FloatArray, least: FloatArray, *, margin: float = 1e-3
) -> npt.NDArray[np.bool_]:
    """Which covariances stand on the least one in some direction, shape (K,).

    Args:
        covariances: shape (K, 2, 2).
        least: the least covariance, shape (2, 2), in the same units.
        margin: rounding moves a covariance off the least by less than this share of it.
    """
    return np.logical_not(_are_above(covariances, (1 + margin) * least))


def _are_above(covariances: FloatArray, least: FloatArray) -> npt.NDArray[np.bool_]:
    """Which covariances lie above the least in every direction, shape (K,)."""
    (xx, xy), (_, yy) = (covariances - least).transpose(1, 2, 0)
    return np.asarray((xx > 0) & (xx * yy > xy**2))


def _are_inside(covariances: FloatArray, least: FloatArray, widest: float) -> npt.NDArray[np.bool_]:
    """Which covariances are sure to break no bound, shape (K,); told without their eigenvalues."""
    (xx, xy), (_, yy) = covariances.transpose(1, 2, 0)
    traces = xx + yy  # above the largest eigenvalue
    are_writable = xx * yy - xy**2 > LEAST_DETERMINANT * traces**2
    return np.asarray(_are_above(covariances, least) & are_writable & (traces < widest))


def _bound_lengths(covariances: FloatArray, widest: float) -> FloatArray:
    """Covariances, (K, 2, 2), with eigenvalues that can be written, and none above the widest."""
    lengths, directions = np.linalg.eigh(covariances)
    least = LEAST_DETERMINANT * np.minimum(lengths[:, 1:], widest)  # (K, 1)
    within = np.minimum(np.maximum(lengths, least), widest)
    bounded = (directions * within[:, None, :]) @ directions.swapaxes(1, 2)
    are_kept = np.all(within == lengths, axis=1)[:, None, None]
    return np.where(are_kept, covariances, bounded)


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
