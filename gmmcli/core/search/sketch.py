"""A mixture near some points, found in a moment: where a long table is cut finely, and where not.

Not Pyro's, which is still being loaded while a table is read. NumPy only.
"""

import numpy as np

from gmmcli.core.cells.cells import Cells
from gmmcli.core.cells.tree import merge_cells
from gmmcli.core.mixture.gaussians import Gaussians
from gmmcli.core.mixture.mixture import Mixture
from gmmcli.core.search.objective import Objective
from gmmcli.core.search.region import Region


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

    The leaves of a kd-tree, and a pass from there.
    A better sketch takes longer and gives a long table cells that fit it better: their number, and
    the passes that they take, are in benchmarks/gaps.py, the seconds in benchmarks/speed.py.

    Args:
        points: in whitened units.
        n_components: K.
        n_cells: the points are first merged to at most so many cells.
        n_leaves: the least number of components that are merged to K.
        n_steps: of EM at last.
        least_variance: added to the covariances, in whitened units.
    """
    few = merge_cells(points, n_cells)
    few = Cells(few.counts, few.means, few.covariances + least_variance * np.eye(2))
    leaves = merge_cells(few, max(n_leaves, 2 * n_components))
    region = Region.of(few, Objective.of("bic", "full", points.n_points))
    start = Gaussians(leaves.counts / leaves.n_points, leaves.means, leaves.covariances)
    *_, last = region.descend(start, n_components)
    return region.climb(last.gaussians, n_steps).to_mixture()
