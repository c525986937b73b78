"""How far cells move the parameters of a mixture, in standard errors.

Where a fit of cells has converged, the gradient of its ELBO is nil, but that of the points'
log-likelihood is not. A Newton step from there says how far the parameters are from where the
points would have them. NumPy only.
"""

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import numpy.typing as npt

from gmmcli.core.cells.cells import Cells, sum_groups
from gmmcli.core.cells.directions import N_PARAMETERS
from gmmcli.core.cells.gaps import SpreadCells, iterate_spread_cells, place_cubature_points
from gmmcli.core.cells.information import (
    compute_gradients,
    observe_information,
    take_root_masses,
)
from gmmcli.core.mixture.covariances import FloatArray
from gmmcli.core.mixture.densities import exponentiate
from gmmcli.core.mixture.mixture import Mixture
from gmmcli.settings import CovarianceType

IntArray = npt.NDArray[np.intp]


@dataclass(frozen=True, eq=False)
class Shifts:
    """How far cells move the parameters of K components.

    Of a component's six parameters, that combination counts which moves farthest in its standard
    error, so that none moves farther, whatever the units and axes.

    Attributes:
        gaps: what `estimate_gaps` gives for each cell, shape (C,), in nats: they come along.
        cells: the cells that move components, one for each of their components, shape (E,).
        components: those components, shape (E,).
        scores: by what they pull their parameters, divided by the root of the component's mass,
            shape (E, 6).
        inverse: of the information, shape (K, 6, K, 6): how far such pulls lead.
    """

    gaps: FloatArray
    cells: IntArray
    components: IntArray
    scores: FloatArray
    inverse: FloatArray

    def cut(self, parts: FloatArray) -> "Shifts":
        """What is left, about, once each cell is cut into so many parts, shape (C,)."""
        scores = self.scores / parts[self.cells, None]
        return replace(self, gaps=self.gaps / parts, scores=scores)

    @cached_property
    def totals(self) -> FloatArray:
        """How far all cells together move each component, shape (K,), in standard errors."""
        squares = (self._directions * self._moved).sum(axis=1)
        return np.asarray(np.sqrt(np.maximum(squares, 0)))  # rounding

    def divide(self, component: int) -> FloatArray:
        """How far each cell moves a component, shape (C,), in standard errors, with its sign.

        In the direction in which all together move it.
        """
        direction = self._directions[component] / (self.totals[component] or 1.0)
        along = np.einsum("alb,a->lb", self.inverse[component], direction)  # (K, 6)
        moved = (self.scores * along[self.components]).sum(axis=1)
        return np.bincount(self.cells, moved, len(self.gaps)).astype(np.float64)

    @cached_property
    def _moved(self) -> FloatArray:
        """How far all cells move the parameters, shape (K, 6), in their own units."""
        summed = sum_groups(self.components, self.scores, len(self.inverse))
        return np.asarray(np.einsum("kalb,lb->ka", self.inverse, summed))

    @cached_property
    def _directions(self) -> FloatArray:
        """The same, divided by the covariance of each component's parameters, shape (K, 6)."""
        every = np.arange(len(self.inverse))
        own = np.linalg.pinv(self.inverse[every, :, every], rcond=1e-12, hermitian=True)
        return np.asarray(np.einsum("kab,kb->ka", own, self._moved))


def estimate_shift(cells: Cells, mixture: Mixture, covariance: CovarianceType = "full") -> float:
    """How far cells move the component that they move farthest, in standard errors."""
    return float(estimate_shifts(cells, mixture, covariance).totals.max())


def estimate_shifts(
    cells: Cells, mixture: Mixture, covariance: CovarianceType = "full", *, enough: float = 1e7
) -> Shifts:
    """How far cells move the parameters from where their points would have them, estimated.

    The points of a cell stand in four places; see `gaps`.

    Args:
        cells: in data units.
        mixture: that these cells are fitted by, in data units.
        covariance: the covariance type; parameters move as it lets them.
        enough: the information is that of at most so many points times the square of components:
            digits of the estimate against seconds (benchmarks/accuracy.py, benchmarks/speed.py).
    """
    n_components = mixture.n_components
    gaps, pulls = np.zeros(cells.n_cells), []
    for part in iterate_spread_cells(cells, mixture):
        gaps[part.places] = part.gaps
        pulls.append(_find_pulls(part, mixture))
    of_cells, components, scores = (np.concatenate(parts) for parts in zip(*pulls, strict=True))
    scores /= take_root_masses(cells, mixture)[components, None]
    shape = (n_components, N_PARAMETERS, n_components, N_PARAMETERS)
    inverse = np.zeros(shape)
    if len(of_cells):
        points = _place_points(cells, int(enough / n_components**2))
        inverse = observe_information(points, mixture, covariance).inverse.reshape(shape)
    return Shifts(gaps, of_cells, components, scores, inverse)


def _find_pulls(
    part: SpreadCells, mixture: Mixture, *, least_difference: float = 1e-9
) -> tuple[IntArray, IntArray, FloatArray]:
    """Which of some cells (E,) pull components (E,), and by what, shape (E, 6).

    Args:
        part: the cells.
        mixture: in data units.
        least_difference: a responsibility that differs by less within a cell moves nothing: fewer
            pairs to be worked on, with no change that benchmarks/accuracy.py could show.
    """
    shares = exponentiate(part.joint - part.log_densities[..., None])  # (4, P, K)
    shared = exponentiate(part.mean_joint - part.bounds[:, None])
    differ = shares.max(axis=0) - shares.min(axis=0) > least_difference
    rows, components = np.nonzero(differ)
    more = (shares - shared)[:, rows, components] / len(part.points)
    slopes = compute_gradients(part.points[:, rows], mixture, components)
    scores = np.stack([(more * slope).sum(axis=0) for slope in slopes], axis=1)
    return part.places[rows], components, part.counts[rows, None] * scores


def _place_points(cells: Cells, most: int) -> Cells:
    """At most so many points that stand for those of the cells, evenly chosen where they are more.

    Where a cell is wide, points on either side of it tell less of the parameters than its mean.
    """
    places = place_cubature_points(cells).swapaxes(0, 1)  # (C, 4, 2)
    n_places, n_each = places[..., 0].size, places.shape[1]
    counts = np.repeat(cells.counts / n_each, n_each)
    if n_places > most:
        up_to = np.cumsum(counts)
        chosen = np.searchsorted(up_to, (np.arange(most) + 0.5) / most * up_to[-1])
        counts, n_places = np.full(most, cells.n_points / most), most
    else:
        chosen = np.arange(n_places)
    return Cells(counts, places.reshape(-1, 2)[chosen], np.zeros((n_places, 2, 2)))
