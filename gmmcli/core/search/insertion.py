"""The move that adds components where a mixture explains the points badly, however few they are.

Splits find clusters that a component covers, not a rare one inside a broad one: the halves of the
broad one never come near it. NumPy only; everything is in whitened units.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from gmmcli.core.cells.cells import Cells, evaluate_cells
from gmmcli.core.cells.tree import rank_cells
from gmmcli.core.mixture.covariances import FloatArray, are_floored, half_log_determinants
from gmmcli.core.mixture.densities import log_sum_exp
from gmmcli.core.mixture.mixture import Mixture
from gmmcli.core.search.objective import gains_by_thinness
from gmmcli.settings import HANDFUL

IntArray = npt.NDArray[np.intp]
Mask = npt.NDArray[np.bool_]

# The tree is shifted by these shares of its extent: what lies across the borders of one is inside a
# box of another that is hardly larger (Chan 1998, section 2).
SHIFTS = (0.0, 1 / 3, 2 / 3)
# Components whose points are equal, to this share, end on the floor.
MOST_EQUAL = 0.5
# What is added has less than this share of the points, so that the mixture keeps some.
MOST_ADDED = 0.9
# Of no more candidates than this, the best, is the choice made.
MOST_CANDIDATES = 1000
# A new component is fitted until a step brings less than this for each point of a handful, by so
# many visits of cells at most and so many steps at least, and looks no farther than this, in its
# standard deviations.
SETTLED = 0.01
MOST_VISITS = 400_000
LEAST_STEPS = 4
REACH = 6.0
# Of the boxes that give candidates, about so many at most are as good by chance alone.
BY_CHANCE = 6
# So many more than are asked for are fitted.
MORE_TRIED = 8
# Those nearer than this, in standard deviations of either, are for the same points.
APART = 3.0


def inserted(
    cells: Cells, mixture: Mixture, most: int, least: float, handful: float, floor: float
) -> Mixture:
    """A mixture with more components, last, where there are more points than it explains.

    Greedy insertion (Verbeek, Vlassis & Kröse 2003, section 3), of candidates that begin with the
    moments of the points in a box.

    Args:
        cells: the data.
        mixture: what explains them so far.
        most: how many components are added at most; the best, for different points.
        least: what each must bring, in nats of `objective.score`, where the others stay.
        handful: how many points are enough for a component, in the units of the cells' counts.
        floor: the least eigenvalue of a covariance; none that stands on it is added, or would come
            to, as most of its points are equal.
    """
    joint = evaluate_cells(cells, mixture.weights, mixture.means, mixture.covariances)
    logs = log_sum_exp(joint, axis=0)
    promising = _promising(cells, logs, handful, floor).apart(most + MORE_TRIED)
    if not promising.number:
        return mixture
    fitted = _Candidates.joined(
        [
            _fitted(cells, logs, promising.chosen([k]), handful, floor)
            for k in range(promising.number)
        ]
    )
    fitted = fitted.chosen(~are_floored(fitted.covariances, floor))
    held = cells.n_points * fitted.weights
    worth = fitted.gains - gains_by_thinness(held, fitted.covariances, handful)
    fitted = replace(fitted, gains=worth)
    sound = (held > handful) & (fitted.weights < MOST_ADDED) & (worth > least)
    added = fitted.chosen(sound).apart(most)
    added = added.chosen(np.cumsum(added.weights) < MOST_ADDED)
    if not added.number:
        return mixture
    return Mixture(
        np.append(mixture.weights * (1 - added.weights.sum()), added.weights),
        np.concatenate([mixture.means, added.means]),
        np.concatenate([mixture.covariances, added.covariances]),
    )


@dataclass(frozen=True)
class _Candidates:
    """M components that may be added.

    Attributes:
        weights: shape (M,).
        means: shape (M, 2).
        covariances: shape (M, 2, 2).
        gains: by which they are compared, shape (M,), in nats.
    """

    weights: FloatArray
    means: FloatArray
    covariances: FloatArray
    gains: FloatArray

    @property
    def number(self) -> int:
        """How many there are, M."""
        return len(self.weights)

    def chosen(self, chosen: Mask | IntArray | list[int]) -> "_Candidates":
        """Some of these, by a mask or by their numbers."""
        return _Candidates(
            self.weights[chosen], self.means[chosen], self.covariances[chosen], self.gains[chosen]
        )

    @staticmethod
    def joined(several: Sequence["_Candidates"]) -> "_Candidates":
        """All of these; at least one."""
        return _Candidates(
            np.concatenate([each.weights for each in several]),
            np.concatenate([each.means for each in several]),
            np.concatenate([each.covariances for each in several]),
            np.concatenate([each.gains for each in several]),
        )

    def apart(self, most: int) -> "_Candidates":
        """The best, at most so many, that are for different points; the best first."""
        best = self.chosen(np.argsort(-self.gains, kind="stable")[:MOST_CANDIDATES])
        inverses, waiting = np.linalg.inv(best.covariances), np.arange(best.number)
        chosen: list[int] = []
        while len(waiting) and len(chosen) < most:
            first = int(waiting[0])
            chosen.append(first)
            away = best.means[waiting] - best.means[first]
            by_either = [
                np.einsum("ci,cij,cj->c", away, np.broadcast_to(inverse, (len(away), 2, 2)), away)
                for inverse in (inverses[waiting], inverses[first])
            ]
            waiting = waiting[np.minimum(*by_either) > APART**2]
        return best.chosen(np.array(chosen, dtype=np.intp))


def _promising(cells: Cells, logs: FloatArray, handful: float, floor: float) -> _Candidates:
    """The components of the boxes that have more points than chance would bring.

    A box with n points, where e are explained, gains n log(n / e) - (n - e) by a component for
    those beyond e, as in a scan for excess (Kulldorff 1997, section 3). Chance brings a gain of g
    to about one in exp(g) boxes. As small boxes show no more than about half of what a component
    would bring, those count, too, that chance may bring a few of.

    Args:
        cells: C of them.
        logs: the mean log density of their points, shape (C,).
        handful: how many points are enough for a component.
        floor: the least eigenvalue of a covariance.
    """
    ranks, n_boxes, row_weight = rank_cells(cells), 0, handful / HANDFUL
    found: list[_Candidates] = []
    for boxes in (level for shift in SHIFTS for level in _boxes(cells, logs, ranks, shift)):
        n_boxes += boxes.number
        boxes = boxes.chosen((boxes.counts > handful) & (boxes.equal < MOST_EQUAL * boxes.counts))
        covariances = boxes.covariances()
        wide = np.minimum(covariances[:, 0, 0], covariances[:, 1, 1]) > floor
        boxes, covariances = boxes.chosen(wide), covariances[wide]
        areas = half_log_determinants(covariances)
        alone = np.log(boxes.counts / cells.n_points) - np.log(2 * np.pi) - areas - 1
        share = -np.expm1(np.minimum(boxes.logs() - alone, 0))  # of the points beyond those
        gains = boxes.counts * (alone - boxes.logs() - share)
        good = (share > 0) & (gains > np.log(cells.n_cells / BY_CHANCE) * row_weight)
        weights = share * boxes.counts / cells.n_points
        of_boxes = _Candidates(weights, boxes.means(), covariances, gains)
        found.append(of_boxes.chosen(good))
    every = _Candidates.joined(found)
    every = every.chosen(every.gains > np.log(n_boxes / BY_CHANCE) * row_weight)
    return every.chosen(~are_floored(every.covariances, floor))


def _fitted(
    cells: Cells, logs: FloatArray, new: _Candidates, handful: float, floor: float
) -> _Candidates:
    """A component after a few EM steps of its own, with the ELBO that it brings at least.

    Args:
        cells: C of them.
        logs: the mean log density of their points, shape (C,).
        new: one component.
        handful: how many points are enough for a component.
        floor: the least eigenvalue of a covariance.
    """
    away = cells.means - new.means[0]
    near = np.einsum("ci,ij,cj->c", away, np.linalg.inv(new.covariances[0]), away) < REACH**2
    cells, logs, n_points = cells.select(near), logs[near], cells.n_points
    before = -np.inf
    for _ in range(max(MOST_VISITS // cells.n_cells, LEAST_STEPS)):
        if are_floored(new.covariances, floor).any():
            break
        own = evaluate_cells(cells, new.weights, new.means, new.covariances)[0]
        rest = np.log1p(-new.weights[0])
        total = np.logaddexp(own, logs + rest)
        held = Cells(cells.counts * np.exp(own - total), cells.means, cells.covariances)
        gain = float(cells.counts @ (total - logs)) + (n_points - cells.n_points) * rest
        weight = min(held.n_points / n_points, MOST_ADDED)
        new = _Candidates(
            np.array([weight]), held.mean()[None], held.covariance()[None], np.array([gain])
        )
        if gain - before < SETTLED * handful:
            break
        before = gain
    return new


@dataclass(frozen=True)
class _Boxes:
    """B boxes of cells.

    Attributes:
        sums: over their points, of 1, x, y, xx, xy, yy and the mean log density of the points of a
            cell, shape (7, B).
        equal: how many of their points are equal to each other, shape (B,).
    """

    sums: FloatArray
    equal: FloatArray

    @property
    def number(self) -> int:
        """How many there are, B."""
        return len(self.equal)

    @property
    def counts(self) -> FloatArray:
        """How many points they have, shape (B,)."""
        counts: FloatArray = self.sums[0]
        return counts

    def logs(self) -> FloatArray:
        """The mean log density of their points, shape (B,)."""
        logs: FloatArray = self.sums[6] / self.counts
        return logs

    def means(self) -> FloatArray:
        """The means of their points, shape (B, 2)."""
        means: FloatArray = (self.sums[1:3] / self.counts).T
        return means

    def covariances(self) -> FloatArray:
        """The covariances of their points, shape (B, 2, 2)."""
        (x, y), (xx, xy, yy) = self.sums[1:3] / self.counts, self.sums[3:6] / self.counts
        entries = [xx - x * x, xy - x * y, xy - x * y, yy - y * y]
        return np.stack(entries, axis=1).reshape(-1, 2, 2)

    def chosen(self, chosen: Mask) -> "_Boxes":
        """Some of these, by a mask."""
        return _Boxes(self.sums[:, chosen], self.equal[chosen])


def _boxes(cells: Cells, logs: FloatArray, ranks: IntArray, shift: float) -> Iterator[_Boxes]:
    """The boxes of each level of a tree that no lower level has, from the cells to one for all.

    Each level halves the boxes of ranks in turn along x and along y, the same for all, so that a
    sort by their interleaved digits (Morton 1966) has each box in one piece.

    Args:
        cells: C of them.
        logs: the mean log density of their points, shape (C,).
        ranks: of the cells on each axis, shape (2, C).
        shift: by how much of their extent the tree is shifted.
    """
    codes = _interleaved(ranks + int(shift * cells.n_cells))
    order = np.argsort(codes)
    codes, cells = codes[order], cells.select(order)
    (x, y), ((xx, xy), (_, yy)) = cells.means.T, cells.covariances.transpose(1, 2, 0)
    features = [np.ones_like(x), x, y, xx + x * x, xy + x * y, yy + y * y, logs[order]]
    sums, equal = cells.counts * np.stack(features), np.where(cells.have_spread, 0.0, cells.counts)
    yield _Boxes(sums.copy(), equal.copy())
    places = np.arange(cells.n_cells)  # where the sums of each box are
    while len(codes) > 1:
        codes = codes >> 1
        seconds = np.flatnonzero(codes[1:] == codes[:-1]) + 1  # no box has more than two halves
        into, others = places[seconds - 1], places[seconds]
        sums[:, into] += sums[:, others]
        equal[into] = np.maximum(equal[into], equal[others])
        codes, places = np.delete(codes, seconds), np.delete(places, seconds)
        yield _Boxes(sums[:, into], equal[into])


def _interleaved(ranks: IntArray) -> IntArray:
    """Numbers with the binary digits of both ranks in turn; shape (C,), of ranks (2, C)."""
    codes = np.zeros(ranks.shape[1], dtype=np.intp)
    for digit in range(int(ranks.max()).bit_length()):
        for axis in (0, 1):
            codes |= ((ranks[axis] >> digit) & 1) << (2 * digit + axis)
    return codes
