"""Where to start: the search for the optimum that a climb from one guess would miss."""

from collections.abc import Callable
from itertools import islice

import numpy as np

from gmmcli.core.cells import Cells
from gmmcli.core.inference import climb
from gmmcli.core.mixture import FloatArray, Mixture
from gmmcli.core.optimizers import Ascent

N_STARTS = 8
TRIAL_STEPS = 8


def best_start(
    cells: Cells,
    n_components: int,
    ascent: Ascent,
    *,
    seed: int,
    interrupted: Callable[[], bool] = lambda: False,
) -> Mixture:
    """The start, of several, whose first natural-gradient steps lead highest.

    Args:
        cells: the data, in whitened units.
        n_components: K, at most the number of cells.
        ascent: the covariance type and the floor that the trial steps take.
        seed: of the random starts.
        interrupted: asked after every step whether to end the search with the best so far.
    """
    generator = np.random.default_rng(seed)
    trial = ascent.by_full_steps()
    n_starts = N_STARTS if n_components > 1 else 1
    starts = [_random_start(cells, n_components, ascent.floor, generator) for _ in range(n_starts)]
    best, highest = starts[0], -np.inf
    for start in starts:
        for state in islice(climb(cells, start, trial), TRIAL_STEPS + 1):
            if state.elbo > highest:
                best, highest = start, state.elbo
            if interrupted():
                return best
    return best


def _random_start(
    cells: Cells, n_components: int, floor: float, generator: np.random.Generator
) -> Mixture:
    """Means from k-means++, equal weights, and the pooled covariance about the nearest mean."""
    means = seeds(cells, n_components, generator)
    deviations = cells.means[:, None] - means  # (C, K, 2)
    nearest = np.argmin((deviations**2).sum(axis=2), axis=1)
    nearest_deviations = deviations[np.arange(cells.n_cells), nearest]
    about = Cells(cells.counts, nearest_deviations, cells.covariances)
    spread = about.covariance().trace() / 2
    covariances = np.tile(max(spread, floor) * np.eye(2), (n_components, 1, 1))
    return Mixture(np.full(n_components, 1 / n_components), means, covariances)


def seeds(cells: Cells, n_components: int, generator: np.random.Generator) -> FloatArray:
    """K distinct cell means, each far from those before it; shape (K, 2).

    k-means++ (Arthur & Vassilvitskii 2007, section 2.2): the chance of a cell is proportional to
    its count times its squared distance from the nearest mean chosen already.
    """
    chosen = [generator.choice(cells.n_cells, p=cells.counts / cells.n_points)]
    distances = np.full(cells.n_cells, np.inf)
    while len(chosen) < n_components:
        newest = cells.means[chosen[-1]]
        distances = np.minimum(distances, ((cells.means - newest) ** 2).sum(axis=1))
        potentials = cells.counts * distances
        if not potentials.any():  # the rest differ by less than whitened units can tell
            potentials = cells.counts
        chosen.append(generator.choice(cells.n_cells, p=potentials / potentials.sum()))
    return cells.means[chosen]
