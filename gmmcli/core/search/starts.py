"""Where a search starts: points that are far from each other, and what is nearest to each."""

import numpy as np

from gmmcli.core.cells.cells import sum_groups
from gmmcli.core.mixture.covariances import FloatArray
from gmmcli.core.mixture.gaussians import Gaussians, IntArray, take_moments
from gmmcli.core.search.region import Region


def start(
    region: Region,
    n_components: int,
    metric: FloatArray,
    generator: np.random.Generator,
    n_tries: int = 1,
    *,
    shrinkage: float = 6.0,
) -> Gaussians:
    """The parts of a region about seeds that are far from each other; fewer where it has fewer.

    Args:
        region: C cells.
        n_components: how many parts.
        metric: what the coordinates are multiplied with before distances are taken, shape (2, 2).
        generator: of random numbers.
        n_tries: see `seed_parts`.
        shrinkage: a part has the shape of its points as far as so many points like all parts' let
            it: thin parts of few points against those that are so.
    """
    points = region.points @ metric.T
    parts = seed_parts(points, region.masses, n_components, generator, n_tries)
    n_parts = int(parts.max()) + 1
    weighted = region.features * region.masses
    sums = sum_groups(parts, weighted.T, n_parts)
    moments = take_moments(sums[sums[:, 0] > 0])
    own = moments.weights[:, None, None]
    pooled = (own * moments.covariances).sum(axis=0) / own.sum()
    covariances = (own * moments.covariances + shrinkage * pooled) / (own + shrinkage)
    weights = moments.weights / moments.weights.sum() * region.share
    return Gaussians(weights, moments.means, covariances)


def seed_parts(
    points: FloatArray,
    masses: FloatArray,
    n_parts: int,
    generator: np.random.Generator,
    n_tries: int = 1,
) -> IntArray:
    """The part of each point, shape (C,): the number of the seed that it is nearest to.

    Seeds by greedy k-means++ (Arthur & Vassilvitskii 2007, sections 2.2 and 7): the chance of a
    point is proportional to its mass times its squared distance from the nearest seed so far.

    Args:
        points: shape (C, 2).
        masses: shape (C,).
        n_parts: how many; there are fewer where there are fewer distinct points.
        generator: of random numbers.
        n_tries: the best of so many seeds is taken at a time.
    """
    (x, y), sums = points.T, np.cumsum(masses)
    first = min(int(np.searchsorted(sums, generator.random() * sums[-1])), len(x) - 1)
    parts = np.zeros(len(x), dtype=np.intp)
    distances = (x - x[first]) ** 2 + (y - y[first]) ** 2
    for part in range(1, n_parts):
        sums = np.cumsum(masses * distances)
        if not sums[-1] > 0:
            break
        tried = np.searchsorted(sums, generator.random(n_tries) * sums[-1])
        tried = np.minimum(tried, len(x) - 1)
        to_tried = (x - x[tried][:, None]) ** 2 + (y - y[tried][:, None]) ** 2  # (T, C)
        left = np.minimum(to_tried, distances)
        best = int(np.argmin(left @ masses)) if n_tries > 1 else 0
        parts[to_tried[best] < distances] = part
        distances = left[best]
    return parts
