"""Parameters as people read them, and the scales on which their errors are alike on either side.

A component's figures are its weight, its mean, the standard deviations of its coordinates and their
correlation. Their scales, which have no ends, are the logit of the weight, the mean as it is, the
logs of the deviations, and the inverse hyperbolic tangent of the correlation (Fisher 1915).
"""

import numpy as np
from scipy.special import expit, logit

from gmmcli.core.mixture.covariances import FloatArray
from gmmcli.core.mixture.mixture import Mixture

# A component's figures, in their order.
FIGURES = ("weight", "mean_x", "mean_y", "sd_x", "sd_y", "correlation")
# Those of its covariance.
OF_SHAPE = slice(3, 6)


def measure_figures(mixture: Mixture) -> FloatArray:
    """The figures of the components, shape (K, 6), in data units."""
    variances = np.diagonal(mixture.covariances, axis1=1, axis2=2)
    sds = np.sqrt(variances)
    correlations = mixture.covariances[:, 0, 1] / (sds[:, 0] * sds[:, 1])
    return np.column_stack([mixture.weights, mixture.means, sds, correlations])


def to_scales(figures: FloatArray) -> FloatArray:
    """Figures, shape (..., 6), on their scales."""
    weights, mean_x, mean_y, *sds, correlations = np.moveaxis(figures, -1, 0)
    values = [logit(weights), mean_x, mean_y, *np.log(sds), np.arctanh(correlations)]
    return np.stack(values, axis=-1)


def from_scales(values: FloatArray) -> FloatArray:
    """The figures whose values on their scales are these, shape (..., 6)."""
    logits, mean_x, mean_y, *logs, angles = np.moveaxis(values, -1, 0)
    return np.stack([expit(logits), mean_x, mean_y, *np.exp(logs), np.tanh(angles)], axis=-1)


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
