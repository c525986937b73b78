"""The density of a mixture: of points, and on average over the points of cells. NumPy only.

Arrays in, arrays out, in one formula, which is also that of the Torch distributions of `inference`
and of the expressions of `tables`. A point (x, y) has the coordinates (u, v) in units of a
component: u is its distance from the mean in x, in standard deviations of x, and v that in y from
the mean of y given x, in the standard deviation of y given x.
"""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from gmmcli.core.mixture.covariances import ROUNDING, FloatArray

IntArray = npt.NDArray[np.intp]


class LocalUnits(NamedTuple):
    """What takes the offset (x, y) of a point from a mean to (u, v), all of shape (K,).

    u = u_x x and v = v_x x + v_y y.

    Attributes:
        u_x: one over the standard deviation of x.
        v_x: what x takes from v by the regression of y on x.
        v_y: one over the standard deviation of y given x.
        log_peaks: the log density at the mean, in nats.
    """

    u_x: FloatArray
    v_x: FloatArray
    v_y: FloatArray
    log_peaks: FloatArray

    @staticmethod
    def of(covariances: FloatArray) -> "LocalUnits":
        """Those of components with some covariances, shape (K, 2, 2).

        What rounding may leave of a thin one counts as that share of its variance.
        """
        (xx, xy), (_, yy) = covariances.transpose(1, 2, 0)
        sds_x, sds_y = np.sqrt(xx), np.sqrt(yy)
        slopes = xy / sds_x
        rests = np.sqrt(np.maximum((sds_y - slopes) * (sds_y + slopes), ROUNDING * yy))
        log_peaks = -np.log(2 * np.pi) - np.log(sds_x) - np.log(rests)
        return LocalUnits(1 / sds_x, -slopes / (sds_x * rests), 1 / rests, log_peaks)


def evaluate_log_densities(
    points: FloatArray,
    means: FloatArray,
    covariances: FloatArray,
    spreads: FloatArray | None = None,
) -> FloatArray:
    """The log density of each point under each component, shape (K, N), in nats.

    On average over points with a mean and a covariance, where they have one. By products of
    matrices, several times as fast as differences from every mean. The middle of the points is
    subtracted first, which keeps digits far from zero.

    Args:
        points: shape (N, 2).
        means: shape (K, 2).
        covariances: shape (K, 2, 2).
        spreads: the covariances about the points, shape (N, 2, 2); none by default.
    """
    units, centre = LocalUnits.of(covariances), find_middle(points)
    u = np.stack([units.u_x, np.zeros_like(units.u_x)], axis=1)  # (K, 2)
    v = np.stack([units.v_x, units.v_y], axis=1)
    offsets, centres = (points - centre).T, means - centre
    if spreads is None:
        log_densities = np.zeros((len(means), len(points)))
    else:
        across = units.v_x * units.v_y
        within = np.stack([units.u_x**2 + units.v_x**2, across, across, units.v_y**2], axis=1)
        log_densities = within @ spreads.reshape(-1, 4).T
    for axis in (u, v):  # in place from here on: new arrays take longest
        along = axis @ offsets
        along -= (axis * centres).sum(axis=1)[:, None]
        along *= along
        log_densities += along
    log_densities *= -0.5
    log_densities += units.log_peaks[:, None]
    return log_densities


def find_reach(
    means: FloatArray, spreads: FloatArray, *, farthest: float = 1e70
) -> tuple[FloatArray, FloatArray]:
    """The lowest and the highest place whose density doubles can tell, both of shape (2,).

    Args:
        means: shape (K, 2).
        spreads: the standard deviations along the coordinates, shape (K, 2).
        farthest: points farther from every mean than so many standard deviations count as no
            farther: the fourth power is a double still, and no density differs before it.
    """
    lowest, highest = means - farthest * spreads, means + farthest * spreads
    return lowest.min(axis=0), highest.max(axis=0)


def find_middle(points: FloatArray, *, enough: int = 1000) -> FloatArray:
    """A place among the points that no stray ones move, shape (2,): the median on each axis.

    Args:
        points: shape (N, 2).
        enough: of more points, about so many tell, evenly chosen.
    """
    if not len(points):
        return np.zeros(2)
    some = points[:: len(points) // enough + 1]
    middle = (len(some) - 1) // 2
    return np.asarray(np.partition(some, middle, axis=0)[middle])


def evaluate_joint(
    points: FloatArray,
    weights: FloatArray,
    means: FloatArray,
    covariances: FloatArray,
    spreads: FloatArray | None = None,
) -> FloatArray:
    """Log weight plus log density of each component and point, shape (K, N), in nats.

    Args:
        points: shape (N, 2).
        weights: shape (K,).
        means: shape (K, 2).
        covariances: shape (K, 2, 2).
        spreads: the covariances about the points, shape (N, 2, 2); none by default.
    """
    joint = evaluate_log_densities(points, means, covariances, spreads)
    joint += log_weights(weights)[:, None]
    return joint


def evaluate_pairs(
    points: FloatArray,
    weights: FloatArray,
    means: FloatArray,
    covariances: FloatArray,
    pairs: tuple[IntArray, IntArray],
    spreads: FloatArray,
) -> FloatArray:
    """Log weight plus log density of some components and points alone, in nats, shape (E,).

    Args:
        points: shape (N, 2).
        weights: shape (K,).
        means: shape (K, 2).
        covariances: shape (K, 2, 2).
        pairs: components and points, both of shape (E,).
        spreads: the covariances about the points, shape (N, 2, 2).
    """
    components, places = pairs
    units = LocalUnits.of(covariances)
    heights = (log_weights(weights) + units.log_peaks)[components]
    u_x, v_x, v_y = (values[components] for values in units[:3])
    x, y = (points[places, axis] - means[components, axis] for axis in (0, 1))
    xx, xy, yy = (spreads[places, i, j] for i, j in ((0, 0), (0, 1), (1, 1)))
    u, v = u_x * x, v_x * x + v_y * y
    within = (u_x**2 + v_x**2) * xx + 2 * v_x * v_y * xy + v_y**2 * yy
    return np.asarray(heights - 0.5 * (u * u + v * v + within))


def assign(joint: FloatArray, rest: float | FloatArray | None = None) -> FloatArray:
    """The responsibilities, shape (K, N), given log weights plus log densities, (K, N), in nats.

    Args:
        joint: of the components.
        rest: of the background, for all points or shape (N,); None where there is none. What it is
            responsible for, the components are not.
    """
    return exponentiate(joint - log_total(joint, rest, axis=0))


def maximize(
    points: FloatArray, masses: FloatArray, spreads: FloatArray | None = None
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Totals (K,), means (K, 2) and covariances (K, 2, 2) that fit shares of points best.

    The M step of free covariances (Dempster, Laird & Rubin 1977).

    Args:
        points: shape (N, 2).
        masses: the share of each point in each component times its count, shape (K, N).
        spreads: the covariances about the points, shape (N, 2, 2); none by default.
    """
    totals = masses.sum(axis=1)
    means = masses @ points / totals[:, None]
    deviations = points - means[:, None]  # (K, N, 2)
    shares = masses / totals[:, None]
    covariances = np.einsum("kc,kci,kcj->kij", shares, deviations, deviations)
    if spreads is not None:
        covariances = np.einsum("kc,cij->kij", shares, spreads) + covariances
    return totals, means, covariances


def log_weights(weights: FloatArray, *, empty: float = -1e300) -> FloatArray:
    """The logarithms of weights, of the same shape.

    Args:
        weights: 0 or more.
        empty: the logarithm of 0: finite, and so low that no point is nearer to the component.
    """
    least = np.finfo(np.float64).tiny
    return np.asarray(np.where(weights > 0, np.log(np.maximum(weights, least)), empty))


def log_sum_exp(values: FloatArray, axis: int = -1) -> FloatArray:
    """The log of the sum of exponentials along an axis."""
    largest = values.max(axis=axis, keepdims=True)
    total: FloatArray = np.log(exponentiate(values - largest).sum(axis=axis))
    total += largest.squeeze(axis)
    return total


def log_total(
    joint: FloatArray, rest: float | FloatArray | None = None, axis: int = -1
) -> FloatArray:
    """The log of the sum of exponentials along an axis, and of that of the rest, if there is one.

    Args:
        joint: log weights plus log densities of components, in nats.
        rest: the same of the background, in a shape that broadcasts with the sum; None where there
            is none.
        axis: along which the components are.
    """
    total = log_sum_exp(joint, axis)
    return total if rest is None else np.logaddexp(total, rest)


def exponentiate(logs: FloatArray, *, least: float = -700.0) -> FloatArray:
    """The exponentials of logs, or of the least where they are less; of the same shape.

    Exponentials of less are denormal numbers, or none, and take up to a hundred times as long.
    """
    return np.asarray(np.exp(np.maximum(logs, least)))
