"""How far apart components are: those of two mixtures, and those of one that has moved."""

from dataclasses import dataclass

import numpy as np

from gmmcli.core.mixture.covariances import (
    FloatArray,
    determinants,
    factorize,
    half_log_determinants,
)
from gmmcli.core.mixture.gaussians import Gaussians
from gmmcli.core.mixture.mixture import Mixture


@dataclass(frozen=True)
class Change:
    """How a component differs from what it was.

    Attributes:
        distance: how far its mean has moved, in standard deviations of what it was (Mahalanobis).
        weight: by how much its weight has grown.
        spread: how many times as wide it is: the fourth root of the ratio of the determinants of
            the covariances.
    """

    distance: float
    weight: float
    spread: float


def measure_changes(before: Mixture, after: Mixture) -> tuple[Change, ...]:
    """How each component of a mixture differs from that of the same number before.

    Args:
        before: K components.
        after: as many, in the same units.
    """
    distances = np.sqrt(_measure_squares(after.means - before.means, before.covariances))
    ratios = determinants(after.covariances) / determinants(before.covariances)
    changes = np.stack([distances, after.weights - before.weights, ratios**0.25], axis=1)
    return tuple(Change(*change) for change in changes.tolist())


def measure_distances(mixture: Mixture | Gaussians, other: Mixture | Gaussians) -> FloatArray:
    """The Bhattacharyya distance of each component from each of another mixture, shape (K, L).

    Of the Gaussians alone, whatever their weights, in nats: minus the log of their overlap, the
    integral of the root of the product of their densities (Bhattacharyya 1943; Kailath 1967, "The
    divergence and Bhattacharyya distance measures in signal selection").

    Args:
        mixture: K components.
        other: L components, in the same units.
    """
    between = (mixture.covariances[:, None] + other.covariances) / 2  # (K, L, 2, 2)
    away = mixture.means[:, None] - other.means
    shape, flat = away.shape[:2], between.reshape(-1, 2, 2)
    squares = _measure_squares(away.reshape(-1, 2), flat).reshape(shape)
    volumes = half_log_determinants(flat).reshape(shape)
    own, others = (half_log_determinants(each.covariances) for each in (mixture, other))
    return np.asarray(squares / 8 + volumes - (own[:, None] + others) / 2)


def find_nearer(before: Mixture, after: Mixture) -> list[int]:
    """The components that are nearer to where another was than to where they were, ascending.

    Args:
        before: K components.
        after: as many, in the same units.
    """
    nearest = measure_distances(after, before).argmin(axis=1)
    elsewhere: list[int] = np.flatnonzero(nearest != np.arange(len(nearest))).tolist()
    return elsewhere


def _measure_squares(away: FloatArray, covariances: FloatArray) -> FloatArray:
    """The squares of the lengths of some differences, in standard deviations, shape (M,).

    Args:
        away: shape (M, 2).
        covariances: of the deviations, shape (M, 2, 2).
    """
    factors = factorize(covariances)
    u = away[:, 0] / factors[:, 0, 0]
    v = (away[:, 1] - factors[:, 1, 0] * u) / factors[:, 1, 1]
    return np.asarray(u * u + v * v)
