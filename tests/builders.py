"""Data, mixtures and checks that several tests build on."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from click.testing import Result
from numpy.typing import ArrayLike

from gmmcli.core.cells.cells import Cells
from gmmcli.core.mixture.covariances import FloatArray
from gmmcli.core.mixture.mixture import Mixture, read_mixture
from gmmcli.core.mixture.sampling import ARTICLE, sample
from gmmcli.core.runs.directory import Run
from gmmcli.core.runs.history import History
from gmmcli.core.search.criteria import Candidate, Criteria
from gmmcli.core.search.fit import fit
from gmmcli.core.tables.engines import Source
from gmmcli.core.tables.table import Table, open_table
from gmmcli.settings import PRELIMINARY, FitSettings

ROOT = Path(__file__).parent.parent
SAMPLE_DATA = ROOT / "sample_data"

# What NumPy makes an array of: lists of lists and arrays too.
Numbers = ArrayLike | Sequence[object]


def table_of(path: Path, **options: Any) -> Table:
    """The table in a file."""
    return open_table(Source(str(path)), **options)


def mixture_of(weights: Numbers, means: Numbers, covariances: Numbers) -> Mixture:
    """The mixture with these parameters."""
    arrays = (np.asarray(given, dtype=float) for given in (weights, means, covariances))
    return Mixture(*arrays)


def cells_of(points: FloatArray, counts: ArrayLike | None = None) -> Cells:
    """One cell for each point."""
    n = len(points)
    counted = np.ones(n) if counts is None else np.array(counts, dtype=float)
    return Cells(counted, points, np.zeros((n, 2, 2)))


def sampled(mixture: Mixture, n_points: int, seed: int = 0) -> FloatArray:
    """Points of a mixture, shape (N, 2)."""
    return np.concatenate([points for points, _ in sample(mixture, n_points, seed=seed)])


def random_mixture(n_components: int, seed: int, spread: float = 2.0) -> Mixture:
    """A mixture with random weights, means and full covariances."""
    generator = np.random.default_rng(seed)
    roots = generator.normal(size=(n_components, 2, 2))
    return Mixture(
        generator.dirichlet(np.full(n_components, 5.0)),
        generator.normal(0, spread, (n_components, 2)),
        roots @ roots.swapaxes(1, 2) + 0.1 * np.eye(2),
    )


def touching_clusters(n_clusters: int, seed: int) -> Mixture:
    """Clusters of one size at random places, none nearer to another than four deviations."""
    generator = np.random.default_rng(seed)
    means: list[FloatArray] = []
    while len(means) < n_clusters:
        place = generator.uniform(0, 20, 2)
        if all(np.linalg.norm(place - mean) > 4 for mean in means):
            means.append(place)
    weights = np.full(n_clusters, 1 / n_clusters)
    return Mixture(weights, np.array(means), np.tile(np.eye(2), (n_clusters, 1, 1)))


def spread_clusters(n_clusters: int) -> Mixture:
    """Small round clusters on a grid."""
    means = 8.0 * np.stack(np.divmod(np.arange(n_clusters), 6), axis=1)
    weights = np.full(n_clusters, 1 / n_clusters)
    return Mixture(weights, means, np.tile(np.eye(2), (n_clusters, 1, 1)))


def n_missed(found: Mixture, true: Mixture) -> int:
    """How many true means are no found mean's nearest: the centroid index (Fränti et al. 2014)."""
    apart = np.linalg.norm(found.means[:, None] - true.means, axis=2)
    return true.n_components - len(set(apart.argmin(axis=1)))


def one_line_error(result: Result) -> str:
    """The error that a command ended with, which must be one line on stderr."""
    errors = [line for line in result.stderr.splitlines() if line.startswith("Error: ")]
    assert len(errors) == 1
    assert result.stderr.rstrip().splitlines()[-1] == errors[0]
    assert "Traceback" not in result.output
    return errors[0]


def candidate_of(components: int, bic: float, status: str = "converged") -> Candidate:
    """A candidate with full covariances and a BIC, rejected where it has another status."""
    eligible = status in ("converged", PRELIMINARY)
    return Candidate(components, "full", 0.0, 1, Criteria(bic, bic, bic), status, eligible)


def run_of(points: FloatArray, history: History) -> Run:
    """A run of points, one cell each, with a history."""
    last = history.snapshot(history.last_step).mixture
    return Run(("x", "y"), last, history, cells_of(points), "auto")


def article_run() -> Run:
    """The run of a fit to the article's example, from its bad start."""
    points = sampled(ARTICLE, 300)
    start = read_mixture(SAMPLE_DATA / "article_start.json")
    result = fit(cells_of(points), FitSettings(covariance="diag"), start=start)
    return run_of(points, result.history)
