"""The move that adds components where a mixture explains the points badly, however few they are.

Splits find clusters that a component covers, not a rare one inside a broad one: the halves of the
broad one never come near it. NumPy only; everything is in whitened units.
"""

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from gmmcli.core.cells import Cells
from gmmcli.core.coarsening import ranks_of
from gmmcli.core.mixture import FloatArray, Mixture, log_sum_exp
from gmmcli.core.moves import half_log_determinants, joint_log_densities
from gmmcli.core.whitening import are_floored

IntArray = npt.NDArray[np.intp]

# The tree is shifted by these shares of its extent: what lies across the borders of one is inside a
# box of another that is hardly larger (Chan 1998, section 2).
SHIFTS = (0.0, 1 / 3, 2 / 3)
# Components whose points are equal, to this share, end on the floor.
MOST_EQUAL = 0.5
# Of the weights, the mixture keeps some.
MOST_ADDED = 0.9
# Of no more candidates than this, the best, is the choice made.
MOST_CANDIDATES = 1000
# Those nearer than this, in standard deviations of either, are for the same points.
APART = 3.0


def inserted(
    cells: Cells, mixture: Mixture, most: int, least: float, handful: float, floor: float
) -> Mixture:
    """A mixture with more components, last, where there are more points than it explains.

    Greedy insertion (Verbeek, Vlassis & Kröse 2003, section 3), of candidates that have the moments
    of the points in a box. A box with n points, where e are explained, gains n log(n / e) - (n - e)
    by a component for those beyond e, as in a scan for excess (Kulldorff 1997, section 3).

    Args:
        cells: the data.
        mixture: what explains them so far.
        most: how many components are added at most; the best, for different points.
        least: what each must bring, in nats of `moves.score`.
        handful: how many points are too few for a component, in the units of the cells' counts.
        floor: the least eigenvalue of a covariance; none that stands on it is added, or would come
            to, as most of its points are equal.
    """
    joint = joint_log_densities(cells, mixture.weights, mixture.means, mixture.covariances)
    logs, ranks = log_sum_exp(joint, axis=0), ranks_of(cells)
    weights, means, covariances, gains = ([] for _ in range(4))
    levels = (level for shift in SHIFTS for level in _boxes(cells, logs, ranks, shift))
    for boxes, explained, equal in levels:
        variances = boxes.covariances.diagonal(axis1=1, axis2=2)
        differ = (variances.min(axis=1) > floor) & (equal < MOST_EQUAL * boxes.counts)
        some = np.flatnonzero(differ & (boxes.counts > handful))
        boxes, explained = boxes.chosen(some), explained[some]
        areas = half_log_determinants(boxes.covariances)
        alone = np.log(boxes.counts / cells.n_points) - np.log(2 * np.pi) - areas - 1
        share = -np.expm1(explained - alone)  # of the points that are beyond those explained
        gain = boxes.counts * (alone - explained - share) + handful * areas
        good = np.flatnonzero((share > 0) & (gain > least))
        good = good[~are_floored(boxes.covariances[good], floor)]
        weights.append(share[good] * boxes.counts[good] / cells.n_points)
        means.append(boxes.means[good])
        covariances.append(boxes.covariances[good])
        gains.append(gain[good])
    best = np.argsort(-np.concatenate(gains), kind="stable")[:MOST_CANDIDATES]
    new = [np.concatenate(each)[best] for each in (weights, means, covariances)]
    chosen = _apart(new[1], new[2], most)
    chosen = chosen[np.cumsum(new[0][chosen]) < MOST_ADDED]
    if not len(chosen):
        return mixture
    added = new[0][chosen]
    return Mixture(
        np.append(mixture.weights * (1 - added.sum()), added),
        np.concatenate([mixture.means, new[1][chosen]]),
        np.concatenate([mixture.covariances, new[2][chosen]]),
    )


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


def _apart(means: FloatArray, covariances: FloatArray, most: int) -> IntArray:
    """The first places, at most so many, that are for different points."""
    inverses, waiting, chosen = np.linalg.inv(covariances), np.arange(len(means)), list[int]()
    while len(waiting) and len(chosen) < most:
        best = int(waiting[0])
        chosen.append(best)
        away = means[waiting] - means[best]
        by_either = [
            np.einsum("ci,cij,cj->c", away, np.broadcast_to(inverse, (len(away), 2, 2)), away)
            for inverse in (inverses[waiting], inverses[best])
        ]
        waiting = waiting[np.minimum(*by_either) > APART**2]
    return np.array(chosen, dtype=np.intp)
