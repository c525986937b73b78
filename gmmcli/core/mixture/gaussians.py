"""Gaussians as exponential families: densities and moments as products of matrices. NumPy only.

The log density of a Gaussian is linear in the features 1, x, y, xx, xy and yy of a point, and so is
its average over the points of a cell in the averages of these. A step of EM is then two products of
matrices, which is what a search can take by the thousand. `densities` keeps more digits, and is
what figures come from.
"""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from gmmcli.core.mixture.background import Background
from gmmcli.core.mixture.covariances import FloatArray, determinants
from gmmcli.core.mixture.densities import log_weights
from gmmcli.core.mixture.mixture import Mixture

IntArray = npt.NDArray[np.intp]
Mask = npt.NDArray[np.bool_]


class Gaussians(NamedTuple):
    """K Gaussians with weights, unchecked; beside them there may be a background.

    Attributes:
        weights: shape (K,).
        means: shape (K, 2).
        covariances: shape (K, 2, 2).
        background: the weight of a uniform density beside them.
    """

    weights: FloatArray
    means: FloatArray
    covariances: FloatArray
    background: float = 0.0

    @staticmethod
    def of(mixture: Mixture) -> "Gaussians":
        """Those of a mixture, with the weight of its background."""
        background = 0.0 if mixture.background is None else mixture.background.weight
        return Gaussians(mixture.weights, mixture.means, mixture.covariances, background)

    def to_mixture(self, background: Background | None = None) -> Mixture:
        """The same as a mixture, whose weights sum to 1.

        Args:
            background: what has their weight of it, whatever its own; there is none by default.
        """
        share = 0.0 if background is None else self.background
        weights = self.weights / self.weights.sum() * (1 - share)
        beside = background.reweigh(share) if background is not None and share else None
        return Mixture(weights, self.means, self.covariances, beside)

    @property
    def number(self) -> int:
        """How many there are, K."""
        return len(self.weights)

    def select(self, chosen: Mask | IntArray | list[int]) -> "Gaussians":
        """Some of these, by a mask of shape (K,) or by their numbers."""
        weights, means, covariances, background = self
        return Gaussians(weights[chosen], means[chosen], covariances[chosen], background)

    def join(self, others: "Gaussians") -> "Gaussians":
        """These and then others, beside the background of these."""
        return Gaussians(
            np.concatenate([self.weights, others.weights]),
            np.concatenate([self.means, others.means]),
            np.concatenate([self.covariances, others.covariances]),
            self.background,
        )

    def scale(self, factor: float) -> "Gaussians":
        """The same with the weights of the Gaussians times a factor."""
        return self._replace(weights=self.weights * factor)

    def put_before(self, background: float) -> "Gaussians":
        """The same before a background of some weight, which takes that share of all points."""
        return self.scale(1 - background)._replace(background=background)


def make_features(means: FloatArray, covariances: FloatArray) -> FloatArray:
    """The mean features 1, x, y, xx, xy, yy of the points of cells, shape (6, C).

    Args:
        means: shape (C, 2).
        covariances: shape (C, 2, 2); zero where a cell is a point.
    """
    (x, y), ((xx, xy), (_, yy)) = means.T, covariances.transpose(1, 2, 0)
    return np.stack([np.ones_like(x), x, y, xx + x * x, xy + x * y, yy + y * y])


def find_natural_parameters(gaussians: Gaussians) -> FloatArray:
    """What the features of a point are multiplied with for log weight plus log density, (K, 6)."""
    weights, means, covariances, _ = gaussians
    (xx, xy), (_, yy) = covariances.transpose(1, 2, 0)
    x, y = means.T
    products = determinants(covariances)
    a, b, c = yy / products, -xy / products, xx / products  # of the inverse covariances
    squares = a * x * x + 2 * b * x * y + c * y * y
    constant = log_weights(weights) - np.log(2 * np.pi) - 0.5 * (np.log(products) + squares)
    return np.array([constant, a * x + b * y, b * x + c * y, -a / 2, -b, -c / 2]).T


def take_moments(sums: FloatArray) -> Gaussians:
    """The Gaussians with the moments of some points, and how many points these are as weights.

    Args:
        sums: of the features of their points, shape (K, 6).
    """
    masses = sums[:, 0]
    per_point = sums / np.maximum(masses, np.finfo(np.float64).tiny)[:, None]
    x, y, xx, xy, yy = per_point[:, 1:].T
    across = xy - x * y
    entries = np.array([xx - x * x, across, across, yy - y * y]).T
    return Gaussians(masses, per_point[:, 1:3], entries.reshape(-1, 2, 2))


def merge_pairs(gaussians: Gaussians, first: IntArray, second: IntArray) -> Gaussians:
    """The Gaussians with the weights, means and covariances of pairs of some, M of them.

    Args:
        gaussians: K of them.
        first: of each pair, shape (M,).
        second: of each pair, shape (M,).
    """
    weights = gaussians.weights[first] + gaussians.weights[second]
    share = (gaussians.weights[first] / weights)[:, None]
    apart = gaussians.means[first] - gaussians.means[second]
    means = gaussians.means[second] + share * apart
    shares = share[..., None]
    within = shares * gaussians.covariances[first] + (1 - shares) * gaussians.covariances[second]
    between = (shares * (1 - shares)) * apart[:, :, None] * apart[:, None, :]
    return Gaussians(weights, means, within + between)


def rank_pairs(gaussians: Gaussians) -> tuple[IntArray, IntArray]:
    """All pairs of Gaussians, those first whose merging can lose least.

    By Runnalls' bound on the Kullback-Leibler divergence (2007, "Kullback-Leibler approach to
    Gaussian mixture reduction", equation 21).
    """
    first, second = np.triu_indices(gaussians.number, 1)
    merged = merge_pairs(gaussians, first, second)
    own = gaussians.weights * np.log(determinants(gaussians.covariances))
    bounds = merged.weights * np.log(determinants(merged.covariances)) - own[first] - own[second]
    order = np.argsort(bounds, kind="stable")
    return first[order], second[order]


def find_least_variances(covariances: FloatArray) -> FloatArray:
    """The smaller eigenvalue of each covariance, shape (K,)."""
    (xx, xy), (_, yy) = covariances.transpose(1, 2, 0)
    largest = (xx + yy) / 2 + np.sqrt(((xx - yy) / 2) ** 2 + xy**2)
    return np.asarray(determinants(covariances) / largest)
