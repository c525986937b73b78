"""Which cells are too coarse for a trustworthy fit, and into how many parts each should be cut.

Four rules. The points of a cell share one assignment distribution, which costs the ELBO the gap
that `gaps` estimates: over all points it stays small. It moves no component's parameters by more
than 5 % of their standard errors, as `shifts` estimates. No cell is half as wide as a component
that it may hold points of: how many those are, and so what they lose, its moments would not tell.
And no cell holds a larger share of the points than `CROWD`, unless they coincide, so that a tight
cluster inside one cell is not missed before there is a mixture to tell.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from gmmcli.core.cells.cells import Cells, find_whitening
from gmmcli.core.cells.gaps import estimate_gaps
from gmmcli.core.cells.shifts import Shifts, estimate_shifts
from gmmcli.core.mixture.covariances import FloatArray
from gmmcli.core.mixture.mixture import Mixture
from gmmcli.core.mixture.units import NatsPerPoint
from gmmcli.settings import MOST_SHIFT, CovarianceType

# The largest gap, in nats per point times the square root of the number of points: how far cells
# may move parameters, against how many there are. At this, they add about 5 % to the standard
# errors (benchmarks/accuracy.py).
MOST_GAP = 0.1
# The largest share of the points that a cell may hold, unless they coincide: tight clusters found
# before there is a mixture, against more cells (benchmarks/gaps.py).
CROWD = 0.001
# What is aimed at, as a share of what the rules allow, so that one pass is enough: passes against
# cells (benchmarks/gaps.py).
AIM = 0.7
# The parts of a cell that is cut by the smallest grid, 3 by 3. A fact, with nothing to be traded.
FEWEST_PARTS = 9.0


def compare_gap(n_points: float, gap: NatsPerPoint) -> float:
    """A gap of N points, in nats per point, as a share of the largest that is allowed."""
    return float(gap * np.sqrt(n_points) / MOST_GAP)


def plan_parts_of_crowds(cells: Cells, *, coincident: float = 0.01) -> FloatArray:
    """Into how many parts to cut each cell to obey the rule on crowds, shape (C,); 1 for whole.

    Args:
        cells: in data units.
        coincident: points coincide where they have at most this share of the variance of the
            thinnest component that a fit has by default: passes in search of a finer structure,
            against what no component would fit (benchmarks/gaps.py).

    Raises:
        TableError: when the variance of the coordinates overflows or vanishes.
    """
    whitening = find_whitening(cells, "full")
    spreads = cells.whiten(whitening).covariances.trace(axis1=1, axis2=2)
    most = CROWD * cells.n_points
    too_many = (cells.counts > most) & (spreads > coincident * whitening.floor())
    return np.where(too_many, np.maximum(cells.counts / (AIM * most), FEWEST_PARTS), 1.0)


@dataclass(frozen=True)
class CompressionCost:
    """What it costs a fit that its points are in cells.

    Attributes:
        gap: what the log-likelihood is estimated to have over the ELBO, in nats per point.
        gap_ratio: the same as a share of the largest that is allowed.
        shift: how far the cells are estimated to move a component's parameters, in standard errors;
            None where the mixture is no optimum.
        is_coarse: whether the cells break one of the rules.
    """

    gap: NatsPerPoint
    gap_ratio: float
    shift: float | None
    is_coarse: bool


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
    def gap(self) -> NatsPerPoint:
        """What the log-likelihood is estimated to have over the ELBO, in nats per point."""
        return NatsPerPoint(float(self._gaps.sum() / self.cells.n_points))

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
            compare_gap(self.cells.n_points, self.gap) > 1
            or (self.shift is not None and self.shift > MOST_SHIFT)
            or bool((plan_parts_of_crowds(self.cells) > 1).any())
            or bool((self._excesses > 1).any())
        )

    def summarize(self) -> CompressionCost:
        """All that it costs, as plain values."""
        ratio = compare_gap(self.cells.n_points, self.gap)
        return CompressionCost(self.gap, ratio, self.shift, self.is_coarse)

    def plan_parts(self) -> FloatArray:
        """Into how many parts to cut each cell to obey the rules on a mixture, (C,); 1 for whole.

        A cell in m parts keeps about 1/m of its variance, of its gap and of what it shifts.
        """
        excesses = self._excesses
        parts = np.where(excesses > 1, np.maximum(excesses**2 / AIM, FEWEST_PARTS), 1.0)
        losses = self._shifts.gaps if self.is_optimum else self._gaps  # they come with the shifts
        allowed = MOST_GAP * np.sqrt(self.cells.n_points)
        parts = parts * _plan_parts(losses / parts, allowed, parts)
        return self._cut_for_shifts(parts) if self.is_optimum else parts

    def _cut_for_shifts(
        self, parts: FloatArray, *, aim: float = 0.3, most_cancelled: float = 3.0
    ) -> FloatArray:
        """Into how many parts to cut each cell that is to be cut into some, for its shifts as well.

        What cells move either way cancels in part, and no longer does once some of them are cut, so
        more are cut until what that leaves is little. Both numbers trade passes against cells
        (benchmarks/gaps.py).

        Args:
            parts: into how many each is to be cut already, shape (C,).
            aim: the share of what shifts may be that is aimed at: less than of the gap, as cells of
                few points keep more of what they shift than their part of it.
            most_cancelled: what cells move a component one way or the other may be so many times
                what they may move it by in all.
        """
        left, most = self._shifts.cut(parts), aim * MOST_SHIFT
        is_cut = left.totals.max() > MOST_SHIFT
        while is_cut and (left.totals > most).any():
            more = np.ones(len(parts))
            for component in np.flatnonzero(left.totals > most):
                by_cell = np.abs(left.divide(int(component)))
                cancelled = min(by_cell.sum() / left.totals[component], most_cancelled)
                more *= _plan_parts(by_cell / more, most * cancelled, parts * more)
            left, parts = left.cut(more), parts * more
            is_cut = bool((more > 1).any())  # rounding may leave no cell to be cut
        return parts

    @cached_property
    def _shifts(self) -> Shifts:
        return estimate_shifts(self.cells, self.mixture, self._covariance)

    @cached_property
    def _gaps(self) -> FloatArray:
        are_known = "_shifts" in vars(self)
        return self._shifts.gaps if are_known else estimate_gaps(self.cells, self.mixture)

    @cached_property
    def _excesses(self) -> FloatArray:
        return _measure_excesses(self.cells, self.mixture)


def _measure_excesses(
    cells: Cells, mixture: Mixture, *, most_width: float = 0.5, within: float = 5.0
) -> FloatArray:
    """How many times too wide cells are for the narrowest component that may have points in them.

    Shape (C,); 0 for those that are not. A long component is measured across. Both numbers trade
    what cells hide against how many there are (benchmarks/gaps.py).

    Args:
        cells: in data units.
        mixture: in data units.
        most_width: the largest root of a cell's trace, in standard deviations of the component.
        within: a component may have points in a cell whose mean is nearer, in standard deviations
            of both together.
    """
    excesses = np.zeros(cells.n_cells)
    flat = cells.covariances.reshape(-1, 4)
    for mean, covariance in zip(mixture.means, mixture.covariances, strict=True):
        # The trace of the cell's covariance in units in which the component is round.
        squares = flat @ np.linalg.inv(covariance).ravel() / most_width**2
        (wide,) = np.nonzero(squares > 1)
        apart = cells.means[wide] - mean
        away = np.linalg.solve(cells.covariances[wide] + covariance, apart[:, :, None])[:, :, 0]
        reached = wide[(apart * away).sum(axis=1) < within**2]
        excesses[reached] = np.maximum(excesses[reached], np.sqrt(squares[reached]))
    return excesses


def _plan_parts(losses: FloatArray, allowed: float, before: FloatArray) -> FloatArray:
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
