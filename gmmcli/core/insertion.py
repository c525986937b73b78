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

# Of no more candidates than this, the best, is the choice made.
MOST_CANDIDATES = 1000


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
        most: how many components are added at most; the best, in boxes that do not overlap.
        least: what each must bring, in nats of `moves.score`.
        handful: how many points are too few for a component, in the units of the cells' counts.
        floor: the least eigenvalue of a covariance; none that stands on it is added.
    """
    weights, means, covariances, gains, spans = ([] for _ in range(5))
    for boxes, logs, places in _boxes(cells, mixture):
        variances = boxes.covariances.diagonal(axis1=1, axis2=2)
        some = np.flatnonzero((boxes.counts > handful) & (variances.min(axis=1) > floor))
        boxes, logs, places = boxes.chosen(some), logs[some], places[:, some]
        areas = half_log_determinants(boxes.covariances)
        of_its_own = np.log(boxes.counts / cells.n_points) - np.log(2 * np.pi) - areas - 1
        share = -np.expm1(logs - of_its_own)  # of the points that are beyond those explained
        gain = boxes.counts * (of_its_own - logs - share) + handful * areas
        good = np.flatnonzero((share > 0) & (gain > least))
        good = good[~are_floored(boxes.covariances[good], floor)]
        weights.append(share[good] * boxes.counts[good] / cells.n_points)
        means.append(boxes.means[good])
        covariances.append(boxes.covariances[good])
        gains.append(gain[good])
        spans.append(places[:, good])
    chosen = _apart(np.concatenate(gains), np.concatenate(spans, axis=1), most)
    added = np.concatenate(weights)[chosen]
    return Mixture(
        np.append(mixture.weights * (1 - added.sum()), added),
        np.concatenate([mixture.means, np.concatenate(means)[chosen]]),
        np.concatenate([mixture.covariances, np.concatenate(covariances)[chosen]]),
    )


def _boxes(cells: Cells, mixture: Mixture) -> Iterator[tuple[Cells, FloatArray, IntArray]]:
    """The boxes of each level of a tree, from the cells themselves to one for all.

    Each level halves the boxes of ranks in turn along x and along y, the same for all, so that a
    sort by their interleaved digits (Morton 1966) has each box in one piece.

    Yields:
        The boxes as B merged cells; the mean log density of their points, shape (B,); and from
        which place to which they are in that order, shape (2, B).
    """
    codes = _interleaved(ranks_of(cells))
    order = np.argsort(codes)
    codes, boxes = codes[order], cells.chosen(order)
    joint = joint_log_densities(boxes, mixture.weights, mixture.means, mixture.covariances)
    logs, ends = log_sum_exp(joint, axis=0), np.arange(cells.n_cells + 1)
    yield boxes, logs, np.stack([ends[:-1], ends[1:]])
    while boxes.n_cells > 1:
        codes = codes >> 1
        begin = np.flatnonzero(np.append(True, codes[1:] != codes[:-1]))
        groups = np.repeat(np.arange(len(begin)), np.diff(np.append(begin, len(codes))))
        masses = np.bincount(groups, boxes.counts)
        logs = np.bincount(groups, boxes.counts * logs) / masses
        boxes, codes, ends = boxes.merged(groups), codes[begin], ends[np.append(begin, len(codes))]
        yield boxes, logs, np.stack([ends[:-1], ends[1:]])


def _interleaved(ranks: IntArray) -> IntArray:
    """Numbers with the binary digits of both ranks in turn; shape (C,), of ranks (2, C)."""
    codes = np.zeros(ranks.shape[1], dtype=np.intp)
    for digit in range(int(ranks.max()).bit_length()):
        for axis in (0, 1):
            codes |= ((ranks[axis] >> digit) & 1) << (2 * digit + axis)
    return codes


def _apart(gains: FloatArray, spans: IntArray, most: int) -> IntArray:
    """The places of the greatest gains whose spans (2, M) do not overlap, at most so many."""
    waiting = np.argsort(-gains, kind="stable")[:MOST_CANDIDATES]
    chosen = list[int]()
    while len(waiting) and len(chosen) < most:
        best = waiting[0]
        chosen.append(best)
        begin, end = spans[:, waiting]
        waiting = waiting[(end <= spans[0, best]) | (begin >= spans[1, best])]
    return np.array(chosen, dtype=np.intp)
