"""Which cells are too coarse for a trustworthy fit, and into how many parts each should be cut.

Four rules. The points of a cell share one assignment distribution, which costs the ELBO the gap
that `gaps` estimates: over all points it stays small. It moves no component's parameters by more
than 5 % of their standard errors, as `shifts` estimates. No cell is half as wide as a component
that it may hold points of: how many those are, and so what they lose, its moments would not tell.
And no cell holds a larger share of the points than `CROWD`, unless they coincide, so that a tight
cluster inside one cell is not missed before there is a mixture to tell.
"""

from collections.abc import Callable
from functools import cached_property

import numpy as np

from gmmcli.core.cells.cells import Cells
from gmmcli.core.cells.gaps import estimate_gap_rates, estimate_gaps
from gmmcli.core.cells.grids import FIRST_REACH, Cut
from gmmcli.core.cells.shifts import Shifts, estimate_shift, estimate_shifts
from gmmcli.core.mixture.mixture import FloatArray, Mixture
from gmmcli.core.mixture.whitening import whitening_of
from gmmcli.settings import MOST_SHIFT, CovarianceType

# The estimated gap per point times the square root of the number of points is at most this.
MOST_GAP = 0.1
# The largest root of a cell's trace, in units in which a component is round that may have points
# in it.
MOST_WIDTH = 0.5
# The largest share of the points that a cell may hold, unless they coincide.
CROWD = 0.001
# A component may have points in a cell within so many standard deviations, of both together.
WITHIN = 5.0
# The points of a cell coincide where it has at most this share of the variance of the thinnest
# component that a fit has by default.
COINCIDENT = 0.01
# So many times what they may move it by in all, cells may move a component one way or the other.
MOST_CANCELLED = 3.0
# What refinement aims at, as a share of what the rules allow, so that one pass is enough. Cells of
# few points keep more of what they shift than their part of it, so that is cut by more.
AIM = 0.7
AIM_OF_SHIFTS = 0.3
# The least that a grid of 3 by 3 cells gives.
FEWEST_PARTS = 9.0
# The cells of a first cut are at most so many times as long as wide, in whitened units.
LONGEST = 4.0
# At most such rates of the gap mean that there is no border: one component, or two far apart.
NO_BORDER = 1e-30
# The share of the points about which the density is at most what a first cut allows for.
DENSEST = 0.99
# The share of the gap on either side of its core, where its cells may be so many times longer.
OUTSIDE = 0.0005
STRETCHES = (1.0, 2.0, 4.0)


def compare_gap(cells: Cells, gap: float) -> float:
    """How an estimated gap, in nats per point, compares with the largest that is allowed."""
    return float(gap * np.sqrt(cells.n_points) / MOST_GAP)


def plan_parts_of_crowds(cells: Cells) -> FloatArray:
    """Into how many parts to cut each cell to obey the rule on crowds, shape (C,); 1 for whole."""
    whitening = whitening_of(cells, "full")
    spreads = whitening.whiten_cells(cells).covariances.trace(axis1=1, axis2=2)
    most = CROWD * cells.n_points
    too_many = (cells.counts > most) & (spreads > COINCIDENT * whitening.floor())
    return np.where(too_many, np.maximum(cells.counts / (AIM * most), FEWEST_PARTS), 1.0)


class Coarseness:
    """How coarse cells are for a mixture, worked out where it is asked for, and once.

    Args:
        cells: in data units.
        mixture: in data units.
        covariance: its covariance type.
        is_optimum: whether the mixture is an optimum on these cells; shifts tell nothing of others.
    """

    def __init__(
        self, cells: Cells, mixture: Mixture, covariance: CovarianceType, *, is_optimum: bool
    ) -> None:
        self.cells, self.mixture, self.is_optimum = cells, mixture, is_optimum
        self._covariance = covariance

    @property
    def gap(self) -> float:
        """What the log-likelihood is estimated to have over the ELBO, in nats per point."""
        return float(self._gaps.sum() / self.cells.n_points)

    @property
    def shift(self) -> float | None:
        """How far the cells are estimated to move a component's parameters, in standard errors.

        See `estimate_shifts`; None where the mixture is no optimum.
        """
        return float(self._shifts.totals.max()) if self.is_optimum else None

    @property
    def is_coarse(self) -> bool:
        """Whether the cells are too coarse for the mixture."""
        return (
            compare_gap(self.cells, self.gap) > 1
            or (self.shift is not None and self.shift > MOST_SHIFT)
            or bool((plan_parts_of_crowds(self.cells) > 1).any())
            or bool((self._times_too_wide > 1).any())
        )

    def plan_parts(self) -> FloatArray:
        """Into how many parts to cut each cell to obey the rules on a mixture, (C,); 1 for whole.

        A cell in m parts keeps about 1/m of its variance, of its gap and of what it shifts.
        """
        times = self._times_too_wide
        parts = np.where(times > 1, np.maximum(times**2 / AIM, FEWEST_PARTS), 1.0)
        losses = self._shifts.gaps if self.is_optimum else self._gaps  # they come with the shifts
        allowed = MOST_GAP * np.sqrt(self.cells.n_points)
        parts = parts * _parts_of(losses / parts, allowed, parts)
        return self._cut_for_shifts(parts) if self.is_optimum else parts

    def _cut_for_shifts(self, parts: FloatArray) -> FloatArray:
        """Into how many parts to cut each cell that is to be cut into some, for its shifts as well.

        What cells move either way cancels in part, and no longer does once some of them are cut, so
        more are cut until what that leaves is little.
        """
        left, most = self._shifts.after_cut(parts), AIM_OF_SHIFTS * MOST_SHIFT
        is_cut = left.totals.max() > MOST_SHIFT
        while is_cut and (left.totals > most).any():
            more = np.ones(len(parts))
            for component in np.flatnonzero(left.totals > most):
                by_cell = np.abs(left.by_cell(int(component)))
                cancelled = min(by_cell.sum() / left.totals[component], MOST_CANCELLED)
                more *= _parts_of(by_cell / more, most * cancelled, parts * more)
            left, parts = left.after_cut(more), parts * more
            is_cut = bool((more > 1).any())  # rounding may leave no cell to be cut
        return parts

    @cached_property
    def _shifts(self) -> Shifts:
        return estimate_shifts(self.cells, self.mixture, self._covariance)

    @cached_property
    def _gaps(self) -> FloatArray:
        is_told = "_shifts" in vars(self)
        return self._shifts.gaps if is_told else estimate_gaps(self.cells, self.mixture)

    @cached_property
    def _times_too_wide(self) -> FloatArray:
        return _times_too_wide(self.cells, self.mixture)


def _times_too_wide(cells: Cells, mixture: Mixture) -> FloatArray:
    """How many times too wide cells are for the narrowest component that may have points in them.

    Shape (C,); 0 for those that are not. A long component is measured across.
    """
    widest = np.zeros(cells.n_cells)
    flat = cells.covariances.reshape(-1, 4)
    for mean, covariance in zip(mixture.means, mixture.covariances, strict=True):
        # The trace of the cell's covariance in units in which the component is round.
        squares = flat @ np.linalg.inv(covariance).ravel() / MOST_WIDTH**2
        (wide,) = np.nonzero(squares > 1)
        apart = cells.means[wide] - mean
        away = np.linalg.solve(cells.covariances[wide] + covariance, apart[:, :, None])[:, :, 0]
        reached = wide[(apart * away).sum(axis=1) < WITHIN**2]
        widest[reached] = np.maximum(widest[reached], np.sqrt(squares[reached]))
    return widest


def _parts_of(losses: FloatArray, allowed: float, before: FloatArray) -> FloatArray:
    """Into how many parts to cut cells so that their losses sum to what is allowed, shape (C,).

    Parts in proportion to the root of the loss lower the sum at the least number of cells, and only
    as many cells are cut as it takes.

    Args:
        losses: shape (C,).
        allowed: what they may sum to.
        before: into how many parts each is to be cut already, shape (C,).
    """
    if losses.sum() <= allowed:
        return np.ones(len(losses))
    roots, fewest = np.sqrt(losses), np.maximum(FEWEST_PARTS / before, 1.0)
    parts: FloatArray = np.maximum(roots * roots.sum() / (AIM * allowed), fewest)
    saved = losses * (1 - 1 / parts)
    order = np.argsort(-saved)
    enough = np.searchsorted(np.cumsum(saved[order]), losses.sum() - AIM * allowed) + 1
    parts[order[enough:]] = 1.0
    parts[saved <= 0] = 1.0  # rounding may ask for more than there is to save
    return parts


def first_cut(
    points: Cells, sketch: Callable[[Cells], Mixture], n_points: float, most_cells: int
) -> Cut:
    """The widest cells that obey the rules but on width, if all points are like these.

    They are long where components differ little, which is along the border between two, and longer
    where there is next to no border.

    Args:
        points: a few of the points, each a cell.
        sketch: a mixture near some points, in whitened units as they are.
        n_points: how many points there are in all.
        most_cells: about the largest number of cells with points, which comes before the rules.

    Raises:
        TableError: when the variance of the coordinates overflows or vanishes.
    """
    whitening = whitening_of(points, "full")
    points = whitening.whiten_cells(points)
    mixture = sketch(points)
    masses = points.counts / points.n_points
    rates = masses[:, None, None] * estimate_gap_rates(points.means, mixture)
    lengths, directions = np.linalg.eigh(rates.sum(axis=0))
    steepest = lengths[1] if lengths[1] > NO_BORDER else 1.0
    scales = np.sqrt(np.maximum(lengths, steepest / LONGEST**2))
    matrix = (directions * scales).T
    flat, steep = np.einsum("ij,njk,ik->in", matrix, rates, matrix) / scales[:, None] ** 4
    places = points.means @ matrix[1]
    densities = np.exp(mixture.log_densities(points.means)) / np.prod(scales)
    low, high = _core(places, steep)
    is_outside = (places < low) | (places > high)
    outside = masses * is_outside
    densest = _densest(densities, masses)
    densest_outside = _densest(densities, outside) if outside.any() else 0.0

    def lengths_for(stretch: float) -> FloatArray:
        """How many times as long as those of the core cells are about each point."""
        return np.where(is_outside, stretch, 1.0)

    def widest(stretch: float) -> float:
        """The area of the cells of the core, where those outside are so many times as long."""
        # A cell of width w has the variance w² / 12 along an axis, and costs half of it.
        cost = (flat + steep * lengths_for(stretch) ** 2).sum() / 24
        by_gap = AIM * MOST_GAP / np.sqrt(n_points) / cost if cost > 0 else np.inf
        return float(min(by_gap, AIM * CROWD / max(densest, stretch * densest_outside)))

    def n_cells(stretch: float) -> float:
        """How many cells there are then, up to a factor."""
        beyond = max(2 * FIRST_REACH * scales[1] - (high - low), 0)
        return float((high - low + beyond / stretch) / widest(stretch))

    stretch = min(STRETCHES, key=n_cells)
    longer = lengths_for(stretch)
    variances = widest(stretch) / 12 * np.stack([np.ones_like(longer), longer**2], axis=1)
    axes = np.linalg.inv(matrix)
    covariances = np.einsum("ia,na,ja->nij", axes, variances, axes)
    shift = estimate_shift(Cells(n_points * masses, points.means, covariances), mixture)
    area = widest(stretch) * min(AIM * MOST_SHIFT / max(shift, MOST_SHIFT / 2), 1.0)
    while _n_occupied(area * longer * densities, masses, n_points) > most_cells:
        area *= 1.25
    width = np.sqrt(area)
    inverse = np.linalg.inv(matrix @ whitening.matrix)
    middle = np.array([0.0, (low + high) / 2])
    return Cut(
        matrix @ whitening.matrix / width,
        whitening.origin + inverse @ middle,
        core=int(np.ceil((high - low) / 2 / width)),
        stretch=stretch,
    )


def _n_occupied(shares: FloatArray, masses: FloatArray, n_points: float) -> float:
    """About how many cells have points, given the share of all points in a cell about each."""
    shares = np.maximum(shares, np.finfo(np.float64).tiny)
    return float((masses * -np.expm1(-n_points * shares) / shares).sum())


def _densest(densities: FloatArray, masses: FloatArray) -> float:
    """The density that next to no mass of points exceeds."""
    return float(np.quantile(densities, DENSEST, weights=masses, method="inverted_cdf"))


def _core(places: FloatArray, costs: FloatArray) -> tuple[float, float]:
    """Between which places on a line nearly all the costs are; the middle where there are none."""
    if not costs.any():
        return 0.0, 0.0
    order = np.argsort(places)
    so_far = np.cumsum(costs[order])
    ends = np.searchsorted(so_far, np.array([OUTSIDE, 1 - OUTSIDE]) * so_far[-1])
    low, high = places[order[np.minimum(ends, len(places) - 1)]]
    return float(low), float(high)
