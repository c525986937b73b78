"""Where a search starts: mixtures about random points that are far from each other."""

import numpy as np

from gmmcli.core.cells.cells import Cells
from gmmcli.core.mixture.covariances import FloatArray
from gmmcli.core.mixture.mixture import Mixture


def random_start(
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
            potentials = np.where(np.isin(np.arange(cells.n_cells), chosen), 0, cells.counts)
        chosen.append(generator.choice(cells.n_cells, p=potentials / potentials.sum()))
    return cells.means[chosen]
