"""The algebra of 2 x 2 covariances: their bounds, factors and determinants. NumPy only."""

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]


def are_in_reach(values: FloatArray, *, farthest: float = 1e75) -> npt.NDArray[np.bool_]:
    """Whether double precision holds squares and products of values; of their shape.

    Args:
        values: places or spreads.
        farthest: the largest size of one.
    """
    return np.asarray(abs(values) <= farthest)


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


def are_inside(covariances: FloatArray, least: FloatArray, widest: float) -> npt.NDArray[np.bool_]:
    """Which covariances are sure to break no bound, shape (K,); told without their eigenvalues."""
    (xx, xy), (_, yy) = covariances.transpose(1, 2, 0)
    traces = xx + yy  # above the largest eigenvalue
    are_writable = xx * yy - xy**2 > LEAST_DETERMINANT * traces**2
    return np.asarray(_are_above(covariances, least) & are_writable & (traces < widest))


def bound_lengths(covariances: FloatArray, widest: float) -> FloatArray:
    """Covariances, (K, 2, 2), with eigenvalues that can be written, and none above the widest."""
    lengths, directions = np.linalg.eigh(covariances)
    least = LEAST_DETERMINANT * np.minimum(lengths[:, 1:], widest)  # (K, 1)
    within = np.minimum(np.maximum(lengths, least), widest)
    bounded = (directions * within[:, None, :]) @ directions.swapaxes(1, 2)
    are_kept = np.all(within == lengths, axis=1)[:, None, None]
    return np.where(are_kept, covariances, bounded)


def measure_loss(covariances: FloatArray, free: FloatArray, masses: FloatArray) -> float:
    """Minus the expected log-likelihood of covariances, up to a constant, in nats.

    Args:
        covariances: shape (K, 2, 2).
        free: those of the points of each component, of the same shape.
        masses: how many points each has, shape (K,).
    """
    (xx, xy), (_, yy) = covariances.transpose(1, 2, 0)
    products = determinants(covariances)
    spreads = (yy * free[:, 0, 0] - 2 * xy * free[:, 0, 1] + xx * free[:, 1, 1]) / products
    return float(masses @ (np.log(products) + spreads)) / 2


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


def measure_rounding(covariances: FloatArray) -> FloatArray:
    """What writing covariances in doubles does to their log determinants, shape (K,), about.

    The rounding of a product of two variances, as a share of the determinant that it leaves.
    """
    products = covariances[:, 0, 0] * covariances[:, 1, 1]
    return np.asarray(np.finfo(np.float64).eps * products / determinants(covariances))


def half_log_determinants(covariances: FloatArray) -> FloatArray:
    """The log of the area of each component, shape (K,), up to a constant."""
    return np.asarray(0.5 * np.log(determinants(covariances)))


# The least share of a product of doubles that is sure to be no rounding.
ROUNDING = 1e-15
# Double precision keeps a covariance matrix positive definite down to about this determinant of
# its correlations. Rounding of doubles decides it; no benchmark does.
LEAST_DETERMINANT = 1e-14
