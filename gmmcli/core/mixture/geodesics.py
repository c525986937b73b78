"""The ways between mixtures of as many components: what lies between two steps. NumPy only."""

from dataclasses import replace

import numpy as np

from gmmcli.core.mixture.background import Background
from gmmcli.core.mixture.covariances import FloatArray, factorize
from gmmcli.core.mixture.ellipses import Ellipses
from gmmcli.core.mixture.mixture import Mixture


def interpolate(first: Mixture, second: Mixture, share: float) -> Mixture:
    """The mixture at a share of the way from one to another of as many components.

    Weights and means change evenly, and covariances along geodesics.

    Args:
        first: where the way begins.
        second: where it ends.
        share: from 0 to 1.
    """
    if share in (0.0, 1.0):
        return second if share else first
    backgrounds = first.background, second.background
    strays = [0.0 if each is None else each.weight for each in backgrounds]
    known: Background | None = second.background or first.background
    if known is not None:
        known = replace(known, weight=(1 - share) * strays[0] + share * strays[1])
    weights = (1 - share) * first.weights + share * second.weights
    means = (1 - share) * first.means + share * second.means
    covariances = interpolate_covariances(first.covariances, second.covariances, share)
    return Mixture(weights, means, covariances, known)


def interpolate_covariances(first: FloatArray, second: FloatArray, share: float) -> FloatArray:
    """The covariances at a share of the geodesics between those of K Gaussians, shape (K, 2, 2).

    Geodesics of the affine-invariant metric (Pennec, Fillard & Ayache 2006, section 3.3), on which
    the log of the determinant changes evenly, so that nothing swells on its way.

    Args:
        first: shape (K, 2, 2).
        second: of the same shape.
        share: from 0 to 1.
    """
    factors = factorize(first)
    inverses = np.linalg.inv(factors)
    ratios = Ellipses.of(inverses @ second @ inverses.swapaxes(1, 2))
    powers = Ellipses(share * ratios.log_volumes, share * ratios.elongations, ratios.angles)
    return np.asarray(factors @ powers.to_covariances() @ factors.swapaxes(1, 2))
