"""A mixture near some points, found in a moment: where a long table is cut finely, and where not.

Not Pyro's, which is still being loaded while a table is read. NumPy only.
"""

import numpy as np

from gmmcli.core.cells.cells import Cells, assign_cells
from gmmcli.core.cells.tree import merge_cells
from gmmcli.core.mixture.covariances import FloatArray
from gmmcli.core.mixture.densities import maximize
from gmmcli.core.mixture.mixture import Mixture
from gmmcli.core.search.moves import merged_to
from gmmcli.settings import HANDFUL


def sketch_mixture(
    points: Cells,
    n_components: int,
    *,
    n_cells: int = 1024,
    n_leaves: int = 64,
    n_steps: int = 50,
    least_variance: float = 1e-6,
) -> Mixture:
    """A mixture near some points, in whitened units.

    The leaves of a kd-tree, merged, and a few EM steps from there (Dempster, Laird & Rubin 1977).
    A handful of points like all are added to each component, so that none runs out of points.
    A better sketch takes longer and gives a long table cells that fit it better: their number, and
    the passes that they take, are in benchmarks/gaps.py, the seconds in benchmarks/speed.py.

    Args:
        points: in whitened units.
        n_components: K.
        n_cells: the points are first merged to at most so many cells.
        n_leaves: the least number of components that are merged to K.
        n_steps: of EM.
        least_variance: added to the covariances, in whitened units.
    """
    few = merge_cells(points, n_cells)
    leaves = merge_cells(few, max(n_leaves, 2 * n_components))
    least = least_variance * np.eye(2)
    mixture = Mixture(leaves.counts / leaves.n_points, leaves.means, leaves.covariances + least)
    handful = HANDFUL * points.n_points / points.n_cells
    mixture = merged_to(few, mixture, n_components, handful)
    for _ in range(n_steps):
        mixture = _take_em_step(few, mixture, least, handful)
    return mixture


def _take_em_step(cells: Cells, mixture: Mixture, least: FloatArray, handful: float) -> Mixture:
    """The mixture after one EM step with a handful of points more in each component.

    Args:
        cells: in whitened units.
        mixture: in whitened units.
        least: added to the covariances, shape (2, 2).
        handful: in the units of the cells' counts.
    """
    masses = cells.counts * assign_cells(cells, mixture) + handful / cells.n_cells  # (K, C)
    totals, means, covariances = maximize(cells.means, masses, cells.covariances)
    return Mixture(totals / totals.sum(), means, covariances + least)
