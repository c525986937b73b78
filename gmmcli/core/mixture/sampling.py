"""Points drawn from a mixture, in blocks of fixed size so that memory stays bounded."""

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from gmmcli.core.mixture.background import BACKGROUND_LABEL
from gmmcli.core.mixture.covariances import FloatArray
from gmmcli.core.mixture.mixture import Mixture

# Points that are drawn at once: memory against calls (benchmarks/small.py). With another number, a
# seed gives other points.
BLOCK_POINTS = 65_536

POINTS_SCHEMA = pa.schema([("x", pa.float64()), ("y", pa.float64()), ("label", pa.int64())])

# The example that the tool grew from: two Gaussians of equal weight.
ARTICLE = Mixture(
    weights=np.array([0.5, 0.5]),
    means=np.array([[0.0, 5.0], [5.0, 0.0]]),
    covariances=np.array([[[2.0, 0.0], [0.0, 3.0]], [[4.0, 0.0], [0.0, 1.0]]]),
)


def sample(
    mixture: Mixture, n_points: int, *, seed: int
) -> Iterator[tuple[FloatArray, npt.NDArray[np.int64]]]:
    """Blocks of points, shape (B, 2) in data units, and the component of each, shape (B,).

    Points of the background have the label -1.

    The same mixture, number and seed give the same points; a larger number only adds points.
    """
    generator = np.random.default_rng(seed)
    factors = mixture.cholesky_factors()  # (K, 2, 2)
    thresholds = _find_thresholds(mixture)  # (K,), or (K + 1,)
    for first in range(0, n_points, BLOCK_POINTS):
        uniform = generator.random(BLOCK_POINTS)
        normal = generator.standard_normal((BLOCK_POINTS, 2))
        labels = np.searchsorted(thresholds[:-1], uniform, side="right").astype(np.int64)
        if mixture.background is not None:
            labels[labels == mixture.n_components] = BACKGROUND_LABEL
        points = mixture.means[labels] + np.einsum("nij,nj->ni", factors[labels], normal)
        if mixture.background is not None:
            stray = labels == BACKGROUND_LABEL
            points[stray] = mixture.background.place(generator.random((BLOCK_POINTS, 2))[stray])
        size = min(BLOCK_POINTS, n_points - first)
        yield points[:size], labels[:size]


def _find_thresholds(mixture: Mixture) -> FloatArray:
    """The sums of the weights up to each component, and last the background, if there is one."""
    weights = mixture.weights
    if mixture.background is not None:
        weights = np.append(weights, mixture.background.weight)
    return np.cumsum(weights / weights.sum())


def sampled_batches(mixture: Mixture, n_points: int, *, seed: int) -> Iterator[pa.RecordBatch]:
    """Sampled points as batches of rows with the columns x, y and label."""
    for points, labels in sample(mixture, n_points, seed=seed):
        yield pa.record_batch([points[:, 0], points[:, 1], labels], schema=POINTS_SCHEMA)


def n_blocks(n_points: int) -> int:
    """How many blocks so many points come in."""
    return -(-n_points // BLOCK_POINTS)
