"""How far cells move the parameters of a mixture, in standard errors.

Where a fit of cells has converged, the gradient of its ELBO is nil, but that of the points'
log-likelihood is not. A Newton step from there tells how far the parameters are from where the
points would have them. NumPy only.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from gmmcli.core.cells import AT_ONCE, Cells, cubature_places, sums
from gmmcli.core.information import N_PARAMETERS, gradients, information, root_masses
from gmmcli.core.mixture import FloatArray, Mixture, log_sum_exp
from gmmcli.core.settings import CovarianceType

IntArray = npt.NDArray[np.intp]

# So many points times the square of components are enough for the information.
ENOUGH = 1e7
# A responsibility that differs by less within a cell moves nothing.
LEAST_DIFFERENCE = 1e-9


@dataclass(frozen=True, eq=False)
class Shifts:
    """How far cells move the parameters of K components.

    Of a component's six parameters, that combination counts which moves farthest in its standard
    error, so that none moves farther, whatever the units and axes.

    Attributes:
        totals: how far all cells together move each component, shape (K,), in standard errors.
        gaps: what `gaps` tells of each cell, shape (C,), which comes along.
        cells: the cells that move components, one for each of their components, shape (E,).
        components: those components, shape (E,).
        scores: by what they pull their parameters, divided by the root of the component's mass,
            shape (E, 6).
        directions: how far such pulls on each component move each component in the direction in
            which all together move it, shape (K, 6, K), in standard errors.
    """

    totals: FloatArray
    gaps: FloatArray
    cells: IntArray
    components: IntArray
    scores: FloatArray
    directions: FloatArray

    def by_cell(self, component: int) -> FloatArray:
        """How far each cell moves a component, shape (C,), in standard errors, with its sign."""
        along = self.directions[self.components, :, component]
        moved = (self.scores * along).sum(axis=1)
        return np.bincount(self.cells, moved, len(self.gaps)).astype(np.float64)


def estimated_shift(cells: Cells, mixture: Mixture, covariance: CovarianceType = "full") -> float:
    """How far cells move the component that they move farthest, in standard errors."""
    return float(shifts(cells, mixture, covariance).totals.max())


def shifts(cells: Cells, mixture: Mixture, covariance: CovarianceType = "full") -> Shifts:
    """How far cells move the parameters from where their points would have them, estimated.

    The points of a cell stand in the same four places as for `gaps`.

    Args:
        cells: in data units.
        mixture: that these cells are fitted by, in data units.
        covariance: the covariance type; parameters move as it lets them.
    """
    n_components = mixture.n_components
    gaps = np.zeros(cells.n_cells)
    pulls = list(_pulls(cells, mixture, gaps))
    of_cells, components, scores = (np.concatenate(parts) for parts in zip(*pulls, strict=True))
    if not len(of_cells):
        shape = (n_components, N_PARAMETERS, n_components)
        zeros = np.zeros(n_components)
        return Shifts(zeros, gaps, of_cells, components, scores, np.zeros(shape))
    scores /= root_masses(cells, mixture)[components, None]
    summed = sums(components, scores, n_components)
    points = _points(cells, int(ENOUGH / n_components**2))
    inverse = information(points, mixture, covariance).inverse.reshape(2 * summed.shape)
    moved = np.einsum("kalb,lb->ka", inverse, summed)
    own = inverse[np.arange(n_components), :, np.arange(n_components)]  # (K, 6, 6)
    directions = np.einsum("kab,kb->ka", np.linalg.pinv(own, rcond=1e-12, hermitian=True), moved)
    totals = np.sqrt(np.maximum((directions * moved).sum(axis=1), 0))  # rounding
    directions /= np.where(totals > 0, totals, 1)[:, None]
    along = np.einsum("kalb,lb->kal", inverse, directions)
    return Shifts(totals, gaps, of_cells, components, scores, along)


def _pulls(
    cells: Cells, mixture: Mixture, gaps: FloatArray
) -> Iterator[tuple[IntArray, IntArray, FloatArray]]:
    """Parts of the cells (E,) that pull components (E,), and by what, shape (E, 6).

    Writes down what each cell costs the ELBO on the way, shape (C,).
    """
    (wide,) = np.nonzero(cells.have_spread)
    n_parts = len(wide) * mixture.n_components // AT_ONCE + 1
    for part in np.array_split(wide, n_parts):
        places = cubature_places(cells.chosen(part))
        joint = np.stack([mixture.joint_log_densities(place) for place in places])  # (4, C, K)
        densities, mean_joint = log_sum_exp(joint), joint.mean(axis=0)
        bound = log_sum_exp(mean_joint)
        gaps[part] = cells.counts[part] * np.maximum(densities.mean(axis=0) - bound, 0)
        shares, shared = np.exp(joint - densities[..., None]), np.exp(mean_joint - bound[:, None])
        differ = shares.max(axis=0) - shares.min(axis=0) > LEAST_DIFFERENCE
        rows, components = np.nonzero(differ)
        more = (shares - shared)[:, rows, components] / len(places)
        pulls = [(more * by).sum(axis=0) for by in gradients(places[:, rows], mixture, components)]
        scores = np.stack(pulls, axis=1)
        yield part[rows], components, cells.counts[part[rows], None] * scores


def _points(cells: Cells, most: int) -> Cells:
    """At most so many points that stand for those of the cells, evenly chosen where they are more.

    Where a cell is wide, points on either side of it tell less of the parameters than its mean.
    """
    places = cubature_places(cells).swapaxes(0, 1)  # (C, 4, 2)
    n_places, n_each = places[..., 0].size, places.shape[1]
    counts = np.repeat(cells.counts / n_each, n_each)
    if n_places > most:
        up_to = np.cumsum(counts)
        chosen = np.searchsorted(up_to, (np.arange(most) + 0.5) / most * up_to[-1])
        counts, n_places = np.full(most, cells.n_points / most), most
    else:
        chosen = np.arange(n_places)
    return Cells(counts, places.reshape(-1, 2)[chosen], np.zeros((n_places, 2, 2)))
