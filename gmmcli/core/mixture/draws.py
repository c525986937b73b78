"""Points drawn from Gaussians, and from a background, in blocks of fixed size. NumPy only."""

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from gmmcli.core.mixture.background import BACKGROUND_LABEL, Background
from gmmcli.core.mixture.covariances import FloatArray

# Points that are drawn at once: memory against calls (benchmarks/small.py). With another number, a
# seed gives other points.
BLOCK_POINTS = 65_536


def draw(
    weights: FloatArray,
    means: FloatArray,
    factors: FloatArray,
    background: Background | None,
    *,
    n_points: int,
    seed: int,
) -> Iterator[tuple[FloatArray, npt.NDArray[np.int64]]]:
    """Blocks of points, shape (B, 2) in data units, and the component of each, shape (B,).

    Points of the background have the label -1. A larger number of points only adds some.

    Args:
        weights: shape (K,).
        means: in data units, shape (K, 2).
        factors: the lower Cholesky factors of the covariances, shape (K, 2, 2).
        background: of stray points; None where there is none.
        n_points: how many.
        seed: of the random numbers.
    """
    generator = np.random.default_rng(seed)
    shares = weights if background is None else np.append(weights, background.weight)
    thresholds = np.cumsum(shares / shares.sum())  # (K,), or (K + 1,)
    for first in range(0, n_points, BLOCK_POINTS):
        uniform = generator.random(BLOCK_POINTS)
        normal = generator.standard_normal((BLOCK_POINTS, 2))
        labels = np.searchsorted(thresholds[:-1], uniform, side="right").astype(np.int64)
        if background is not None:
            labels[labels == len(weights)] = BACKGROUND_LABEL
        points = means[labels] + np.einsum("nij,nj->ni", factors[labels], normal)
        if background is not None:
            stray = labels == BACKGROUND_LABEL
            points[stray] = background.place(generator.random((BLOCK_POINTS, 2))[stray])
        size = min(BLOCK_POINTS, n_points - first)
        yield points[:size], labels[:size]
