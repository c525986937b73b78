"""Parameters as people read them, and the scales on which their errors are alike on either side.

A component's figures are its weight, its mean, the standard deviations of its coordinates and their
correlation. Their scales, which have no ends, are the logit of the weight, the mean as it is, the
logs of the deviations, and the inverse hyperbolic tangent of the correlation (Fisher 1915).
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
from scipy.special import expit, logit, stdtrit

from gmmcli.core.mixture.covariances import FloatArray
from gmmcli.core.mixture.ellipses import Ellipses, turn
from gmmcli.core.mixture.mixture import Mixture

# A component's figures, in their order.
FIGURES = ("weight", "mean_x", "mean_y", "sd_x", "sd_y", "correlation")
# Those of its covariance.
OF_SHAPE = slice(3, 6)
# The names of arrays of a mixture, and the places of what they hold among the figures.
PLACES: dict[str, int | slice] = {
    "weights": 0,
    "means": slice(1, 3),
    "standard_deviations": slice(3, 5),
    "correlations": 5,
}


def measure_figures(mixture: Mixture) -> FloatArray:
    """The figures of the components, shape (K, 6), in data units."""
    variances = np.diagonal(mixture.covariances, axis1=1, axis2=2)
    sds = np.sqrt(variances)
    correlations = mixture.covariances[:, 0, 1] / (sds[:, 0] * sds[:, 1])
    return np.column_stack([mixture.weights, mixture.means, sds, correlations])


def name_figures(values: FloatArray) -> dict[str, Any]:
    """What there is of figures, shape (K, 6, ...), as lists under the names of a mixture's arrays.

    What is not known is None.
    """
    return {name: list_known(values[:, place]) for name, place in PLACES.items()}


def read_figures(named: Mapping[str, Any]) -> FloatArray:
    """What `name_figures` gave, shape (K, 6, ...)."""
    arrays = [np.array(named[name], dtype=np.float64) for name in PLACES]
    weights, means, sds, correlations = arrays
    return np.concatenate([weights[:, None], means, sds, correlations[:, None]], axis=1)


def list_known(values: FloatArray) -> Any:
    """An array as lists, in which None stands for NaN."""
    known = values.astype(object)
    known[np.isnan(values)] = None
    return known.tolist()


def to_scales(figures: FloatArray) -> FloatArray:
    """Figures, shape (..., 6), on their scales."""
    weights, mean_x, mean_y, *sds, correlations = np.moveaxis(figures, -1, 0)
    values = [logit(weights), mean_x, mean_y, *np.log(sds), np.arctanh(correlations)]
    return np.stack(values, axis=-1)


def from_scales(values: FloatArray) -> FloatArray:
    """The figures whose values on their scales are these, shape (..., 6)."""
    logits, mean_x, mean_y, *logs, angles = np.moveaxis(values, -1, 0)
    return np.stack([expit(logits), mean_x, mean_y, *np.exp(logs), np.tanh(angles)], axis=-1)


def find_intervals(
    figures: FloatArray, deviations: FloatArray, freedoms: FloatArray, level: float
) -> FloatArray:
    """The intervals of figures, shape (K, 6, 2), by Student's t; NaN where one has no end.

    Args:
        figures: shape (K, 6).
        deviations: their standard errors on their scales, shape (K, 6).
        freedoms: the degrees of freedom of each, shape (K, 6); fewer than one count as one.
        level: the confidence level.
    """
    reach = stdtrit(np.maximum(freedoms, 1), (1 + level) / 2) * deviations
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):  # a weight of 1
        middle = to_scales(figures)
        ends = np.stack([from_scales(middle + sign * reach) for sign in (-1, 1)], axis=-1)
    return np.where(np.isfinite(ends), ends, np.nan)


def measure_rates(figures: FloatArray) -> FloatArray:
    """How fast figures, shape (..., 6), change with their values on their scales."""
    rates = np.ones_like(figures)
    rates[..., 0] = figures[..., 0] * (1 - figures[..., 0])
    rates[..., 3:5] = figures[..., 3:5]
    rates[..., 5] = 1 - figures[..., 5] ** 2
    return rates


def differentiate_scales(mixture: Mixture, roots: FloatArray) -> FloatArray:
    """How the figures of components change, on their scales, with the parameters of `Information`.

    Args:
        mixture: in data units.
        roots: of the components' masses, shape (K,).

    Returns:
        Shape (K, 6, 6), the figures before the parameters.
    """
    (a, _), (b, c) = mixture.cholesky_factors().transpose(1, 2, 0)  # each (K,)
    sines = c / np.hypot(b, c)
    correlations = b / np.hypot(b, c)
    root = np.sqrt(2)
    rates = np.zeros((mixture.n_components, 6, 6))
    rest = 1 - mixture.weights
    rates[:, 0, 0] = np.divide(1.0, rest, out=np.zeros_like(rest), where=rest > 0)
    rates[:, 1, 1], rates[:, 2, 1], rates[:, 2, 2] = a, b, c
    rates[:, 3, 3] = 1 / root
    rates[:, 4, 3] = correlations**2 / root
    rates[:, 4, 4] = correlations * sines
    rates[:, 4, 5] = sines**2 / root
    rates[:, 5, 3] = correlations / root
    rates[:, 5, 4] = sines
    rates[:, 5, 5] = -correlations / root
    return np.asarray(rates / roots[:, None, None])


def differentiate_axes(mixture: Mixture, roots: FloatArray) -> FloatArray:
    """How the axes of components change with the parameters of `Information`.

    To the first order, as eigenvalues and eigenvectors change. A round component has no angle
    that its points settle: NaN.

    Args:
        mixture: in data units.
        roots: of the components' masses, shape (K,).

    Returns:
        Of the standard deviations along the long and the short axis, and of the angle in degrees,
        shape (K, 3, 6), the figures before the parameters.
    """
    ellipses = Ellipses.of(mixture.covariances)
    longs, shorts = ellipses.variances.T  # (K,) each
    # The directions of the axes, long first, in the units in which a component is round, (K, 2, 2).
    inner = turn(ellipses.angles).swapaxes(1, 2) @ mixture.cholesky_factors()
    growth = np.zeros((3, 2, 2))  # of a factor, for each parameter of the shape
    growth[0, 0, 0] = growth[2, 1, 1] = 1 / np.sqrt(2)
    growth[1, 1, 0] = 1.0
    grown = np.einsum("kai,pij,kbj->kpab", inner, growth + growth.swapaxes(1, 2), inner)
    rates = np.zeros((mixture.n_components, 3, 6))
    rates[:, 0, 3:] = grown[:, :, 0, 0] / (2 * np.sqrt(longs))[:, None]
    rates[:, 1, 3:] = grown[:, :, 1, 1] / (2 * np.sqrt(shorts))[:, None]
    apart = np.where(longs > shorts, longs - shorts, np.nan)
    rates[:, 2, 3:] = np.degrees(grown[:, :, 0, 1] / apart[:, None])
    return np.asarray(rates / roots[:, None, None])
