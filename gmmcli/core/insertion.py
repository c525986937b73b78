"""The move that adds components where a mixture explains the points badly, however few they are.

Splits find clusters that a component covers, not a rare one inside a broad one: the halves of the
broad one never come near it. NumPy only; everything is in whitened units.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from gmmcli.core.cells import Cells
from gmmcli.core.coarsening import ranks_of
from gmmcli.core.mixture import FloatArray, Mixture, log_sum_exp
from gmmcli.core.moves import gains_by_thinness, half_log_determinants, joint_log_densities
from gmmcli.core.settings import HANDFUL
from gmmcli.core.whitening import are_floored

IntArray = npt.NDArray[np.intp]
Mask = npt.NDArray[np.bool_]

# The tree is shifted by these shares of its extent: what lies across the borders of one is inside a
# box of another that is hardly larger (Chan 1998, section 2).
SHIFTS = (0.0, 1 / 3, 2 / 3)
# Components whose points are equal, to this share, end on the floor.
MOST_EQUAL = 0.5
# Of the weights, the mixture keeps some.
MOST_ADDED = 0.9
# Of no more candidates than this, the best, is the choice made.
MOST_CANDIDATES = 1000
# A new component is fitted by at most so many steps, until one brings less than this for each point
# of a handful, and only looks so far, in its standard deviations.
MOST_STEPS = 40
SETTLED = 0.01
REACH = 6.0
# As good boxes as those that give candidates, so many come by chance at most.
BY_CHANCE = 50
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
        least: what each must bring, in nats of `moves.score`, where the others stay.
        handful: how many points are too few for a component, in the units of the cells' counts.
        floor: the least eigenvalue of a covariance; none that stands on it is added, or would come
            to, as most of its points are equal.
    """
    joint = joint_log_densities(cells, mixture.weights, mixture.means, mixture.covariances)
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
    added = fitted.chosen((held > handful) & (worth > least)).apart(most)
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
        gains: what each brings, shape (M,), in nats.
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
    to about one in exp(g) boxes.

    Args:
        cells: C of them.
        logs: the mean log density of their points, shape (C,).
        handful: how many points are too few for a component.
        floor: the least eigenvalue of a covariance.
    """
    ranks, n_boxes = ranks_of(cells), 0
    found: list[_Candidates] = []
    for boxes, explained, equal in (
        level for shift in SHIFTS for level in _boxes(cells, logs, ranks, shift)
    ):
        n_boxes += boxes.n_cells
        variances = boxes.covariances.diagonal(axis1=1, axis2=2)
        differ = (variances.min(axis=1) > floor) & (equal < MOST_EQUAL * boxes.counts)
        some = np.flatnonzero(differ & (boxes.counts > handful))
        boxes, explained = boxes.chosen(some), explained[some]
        areas = half_log_determinants(boxes.covariances)
        alone = np.log(boxes.counts / cells.n_points) - np.log(2 * np.pi) - areas - 1
        share = -np.expm1(np.minimum(explained - alone, 0))  # of the points beyond those explained
        gains = boxes.counts * (alone - explained - share)
        weights = share * boxes.counts / cells.n_points
        of_boxes = _Candidates(weights, boxes.means, boxes.covariances, gains)
        good = np.flatnonzero((share > 0) & (gains > handful / HANDFUL))
        found.append(of_boxes.chosen(good[~are_floored(boxes.covariances[good], floor)]))
    every = _Candidates.joined(found)
    return every.chosen(every.gains > np.log(n_boxes / BY_CHANCE) * handful / HANDFUL)


def _fitted(
    cells: Cells, logs: FloatArray, new: _Candidates, handful: float, floor: float
) -> _Candidates:
    """A component after a few steps of its own, with the ELBO that it brings.

    Args:
        cells: C of them.
        logs: the mean log density of their points, shape (C,).
        new: one component.
        handful: how many points are too few for a component.
        floor: the least eigenvalue of a covariance.
    """
    away = cells.means - new.means[0]
    near = np.einsum("ci,ij,cj->c", away, np.linalg.inv(new.covariances[0]), away) < REACH**2
    cells, logs, n_points = cells.chosen(near), logs[near], cells.n_points
    before = -np.inf
    for _ in range(MOST_STEPS):
        if are_floored(new.covariances, floor).any():
            break
        own = joint_log_densities(cells, new.weights, new.means, new.covariances)[0]
        total = np.logaddexp(own, logs + np.log1p(-new.weights))
        held = Cells(cells.counts * np.exp(own - total), cells.means, cells.covariances)
        gain = cells.counts @ (total - logs) + (n_points - cells.n_points) * np.log1p(-new.weights)
        new = _Candidates(
            np.array([held.n_points / n_points]), held.mean()[None], held.covariance()[None], gain
        )
        if gain[0] - before < SETTLED * handful:
            break
        before = gain[0]
    return new


def _boxes(
    cells: Cells, logs: FloatArray, ranks: IntArray, shift: float
) -> Iterator[tuple[Cells, FloatArray, FloatArray]]:
    """The boxes of each level of a tree, from the cells themselves to one for all.

    Each level halves the boxes of ranks in turn along x and along y, the same for all, so that a
    sort by their interleaved digits (Morton 1966) has each box in one piece.

    Args:
        cells: C of them.
        logs: the mean log density of their points, shape (C,).
        ranks: of the cells on each axis, shape (2, C).
        shift: by how much of their extent the tree is shifted.

    Yields:
        The boxes as B merged cells; the mean log density of their points, and how many of them are
        equal to each other, shape (B,) each.
    """
    codes = _interleaved(ranks + int(shift * cells.n_cells))
    order = np.argsort(codes)
    codes, boxes, logs = codes[order], cells.chosen(order), logs[order]
    equal = np.where(boxes.have_spread, 0.0, boxes.counts)
    yield boxes, logs, equal
    while boxes.n_cells > 1:
        codes = codes >> 1
        begin = np.flatnonzero(np.append(True, codes[1:] != codes[:-1]))
        groups = np.repeat(np.arange(len(begin)), np.diff(np.append(begin, len(codes))))
        masses = np.bincount(groups, boxes.counts)
        logs = np.bincount(groups, boxes.counts * logs) / masses
        boxes, codes = boxes.merged(groups), codes[begin]
        equal = np.maximum.reduceat(equal, begin)
        yield boxes, logs, equal


def _interleaved(ranks: IntArray) -> IntArray:
    """Numbers with the binary digits of both ranks in turn; shape (C,), of ranks (2, C)."""
    codes = np.zeros(ranks.shape[1], dtype=np.intp)
    for digit in range(int(ranks.max()).bit_length()):
        for axis in (0, 1):
            codes |= ((ranks[axis] >> digit) & 1) << (2 * digit + axis)
    return codes
