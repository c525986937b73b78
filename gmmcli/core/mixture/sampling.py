"""Points drawn from a mixture, in blocks of fixed size so that memory stays bounded."""

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from gmmcli.core.mixture.covariances import FloatArray
from gmmcli.core.mixture.draws import BLOCK_POINTS, draw
from gmmcli.core.mixture.mixture import Mixture

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
    parameters = mixture.weights, mixture.means, mixture.cholesky_factors(), mixture.background
    return draw(*parameters, n_points=n_points, seed=seed)


def sampled_batches(mixture: Mixture, n_points: int, *, seed: int) -> Iterator[pa.RecordBatch]:
    """Sampled points as batches of rows with the columns x, y and label."""
    for points, labels in sample(mixture, n_points, seed=seed):
        yield pa.record_batch([points[:, 0], points[:, 1], labels], schema=POINTS_SCHEMA)


def n_blocks(n_points: int) -> int:
    """How many blocks so many points come in."""
    return -(-n_points // BLOCK_POINTS)
