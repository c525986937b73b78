"""Components inserted where there are more points than a mixture explains. NumPy only.

Where a few points lie close together among very many, no start sees them, and no region of them is
theirs. What is tight against all else stands out in a box about it, whatever its size.
"""

from collections.abc import Iterator, Sequence

import numpy as np

from gmmcli.core.cells.cells import Cells, evaluate_cells
from gmmcli.core.cells.tree import rank_cells
from gmmcli.core.mixture.covariances import FloatArray, half_log_determinants
from gmmcli.core.mixture.densities import log_total
from gmmcli.core.mixture.gaussians import Gaussians, IntArray, Mask, make_features, take_moments
from gmmcli.core.search.constants import LEAST_MASS, MOST_TRIED, PROMISE, STEPS, WORTHWHILE
from gmmcli.core.search.objective import Objective


def insert(
    cells: Cells,
    gaussians: Gaussians,
    log_uniform: float,
    objective: Objective,
    *,
    cost: float = 0.0,
    most: int = MOST_TRIED,
) -> Gaussians:
    """A mixture with more components, last, where these bring more than they cost.

    Greedy insertion (Verbeek, Vlassis & Kröse 2003, section 3), of components that begin with the
    moments of the points in a box.

    Args:
        cells: the data, in whitened units.
        gaussians: what explains them so far.
        log_uniform: the log density of its background.
        objective: what components cost.
        cost: what each costs besides, in nats.
        most: how many are added at most.
    """
    logs = evaluate_logs(cells, gaussians, log_uniform)
    fitted: list[tuple[float, Gaussians]] = []
    for candidate in _propose(cells, logs, objective, cost):
        near = _find_near(cells.means, candidate)
        new, gain = _fit_alone(cells.select(near), logs[near], candidate, objective, cells.n_points)
        worth = gain - float(objective.price_components(new)[0]) - cost
        if worth > 0:
            fitted.append((worth, new))
    found: list[Gaussians] = []
    for _, new in sorted(fitted, key=lambda each: -each[0]):
        if len(found) < most and not any(_are_same(new, other) for other in found):
            found.append(new)
    for new in found:
        gaussians = gaussians.scale(1 - new.weights[0]).join(new)
        gaussians = gaussians._replace(background=gaussians.background * (1 - new.weights[0]))
    return gaussians


def evaluate_logs(
    cells: Cells, gaussians: Gaussians, log_uniform: float, at_once: int = 1_000_000
) -> FloatArray:
    """The mean log density of the points of each cell, as the ELBO has it, shape (C,), in nats.

    Args:
        cells: C of them, in whitened units.
        gaussians: K of them.
        log_uniform: the log density of a background.
        at_once: how many numbers are worked out at a time: memory.
    """
    rest = np.log(gaussians.background) + log_uniform if gaussians.background else None
    n_parts = cells.n_cells * gaussians.number // at_once + 1
    logs = []
    for part in np.array_split(np.arange(cells.n_cells), n_parts):
        joint = evaluate_cells(cells.select(part), *gaussians[:3])
        logs.append(log_total(joint, rest, axis=0))
    return np.concatenate(logs)


def _propose(
    cells: Cells,
    logs: FloatArray,
    objective: Objective,
    cost: float,
    *,
    shifts: Sequence[float] = (0.0, 1 / 3, 2 / 3),
    most: int = 1000,
) -> Iterator[Gaussians]:
    """The components of the boxes that promise more than they cost, each alone, the best first.

    A box with n points, where e are explained, gains n log(n / e) - (n - e) by a component for
    those beyond e, as in a scan for excess (Kulldorff 1997, section 3). As a box fits no cluster
    well, a component brings more than that.

    Args:
        cells: C of them.
        logs: the mean log density of their points, shape (C,).
        objective: what components cost.
        cost: what each costs besides, in nats.
        shifts: the tree of boxes is shifted by these shares of its extent: what lies across the
            borders of one is inside a box of another that is hardly larger (Chan 1998, section 2).
        most: of how many boxes, the best, components are taken.
    """
    ranks = rank_cells(cells)
    promising, worths = list[Gaussians](), list[FloatArray]()
    for boxes in (level for shift in shifts for level in _boxes(cells, logs, ranks, shift)):
        boxes = boxes[:, boxes[0] > LEAST_MASS]
        moments = take_moments(boxes[:6].T)
        counts, box_logs = boxes[0], boxes[6] / boxes[0]
        areas = half_log_determinants(moments.covariances)
        alone = np.log(counts / cells.n_points) - np.log(2 * np.pi) - areas - 1
        share = -np.expm1(np.minimum(box_logs - alone, 0))  # of the points beyond those
        gain = counts * (alone - box_logs - share)
        worth = PROMISE * gain - objective.price_components(moments) - cost
        good = (worth > 0) & (share * counts > 2 * LEAST_MASS)
        weights = share * counts / cells.n_points
        promising.append(moments._replace(weights=weights).select(good))
        worths.append(worth[good])
    worth = np.concatenate(worths)
    order = np.argsort(-worth, kind="stable")[:most]
    level = np.repeat(np.arange(len(promising)), [each.number for each in promising])
    first = np.cumsum([0, *(each.number for each in promising)])
    proposed: list[Gaussians] = []
    for k in order:
        candidate = promising[level[k]].select([int(k - first[level[k]])])
        if not any(_are_same(candidate, other) for other in proposed):
            proposed.append(candidate)
            yield candidate
        if len(proposed) == MOST_TRIED:
            return


def _find_near(points: FloatArray, candidate: Gaussians, *, reach: float = 6.0) -> Mask:
    """Which points are within reach of a component, in its standard deviations; shape (C,)."""
    away = points - candidate.means[0]
    inverse = np.linalg.inv(candidate.covariances[0])
    return np.asarray(((away @ inverse) * away).sum(axis=1) < reach**2)


def _are_same(one: Gaussians, other: Gaussians, *, apart: float = 3.0) -> bool:
    """Whether two components, each alone, are for the same points.

    Args:
        one: of them.
        other: of them.
        apart: they are not where they lie so many standard deviations of either apart.
    """
    away = one.means[0] - other.means[0]
    distances = (away @ np.linalg.solve(each.covariances[0], away) for each in (one, other))
    return bool(min(distances) < apart**2)


def _fit_alone(
    cells: Cells,
    logs: FloatArray,
    new: Gaussians,
    objective: Objective,
    n_points: float,
    *,
    most_visits: int = 400_000,
) -> tuple[Gaussians, float]:
    """A component after a few EM steps of its own, and what the ELBO gains by it at least, in nats.

    Args:
        cells: those that it may have points of.
        logs: the mean log density of their points under the others, shape (C,).
        new: one component.
        objective: of whose covariance type it is.
        n_points: of all cells, N.
        most_visits: how often cells are looked at, at most, but for a few steps: time.
    """
    features = make_features(cells.means, cells.covariances)
    before, n_others = -np.inf, n_points - cells.n_points
    for _ in range(max(most_visits // max(cells.n_cells, 1), STEPS)):
        own = evaluate_cells(cells, *new[:3])[0]
        rest = np.log1p(-new.weights[0])
        total = np.logaddexp(own, logs + rest)
        gain = float(cells.counts @ (total - logs)) + n_others * rest
        held = take_moments((features * (cells.counts * np.exp(own - total))).sum(axis=1)[None])
        mass = float(held.weights[0])
        if not LEAST_MASS < mass < n_points - LEAST_MASS:
            return new, -np.inf
        lost = abs(mass - LEAST_MASS - new.weights[0] * n_points)
        if gain - before < WORTHWHILE / 10 and lost < WORTHWHILE / 10:
            break
        covariances = objective.structure.project(held.covariances, held.weights)
        weights = (held.weights - LEAST_MASS) / n_points
        before, new = gain, held._replace(weights=weights, covariances=covariances)
    return new, gain


def _boxes(cells: Cells, logs: FloatArray, ranks: IntArray, shift: float) -> Iterator[FloatArray]:
    """The sums of the boxes of each level of a tree that no lower level has, shape (7, B) each.

    Over their points, of the features and of the mean log density of the points of a cell. Each
    level halves the boxes of ranks in turn along x and along y, the same for all, so that a sort by
    their interleaved digits (Morton 1966) has each box in one piece.

    Args:
        cells: C of them.
        logs: the mean log density of their points, shape (C,).
        ranks: of the cells on each axis, shape (2, C).
        shift: by how much of their extent the tree is shifted.
    """
    codes = _interleave(ranks + int(shift * cells.n_cells))
    order = np.argsort(codes)
    codes, cells = codes[order], cells.select(order)
    features = make_features(cells.means, cells.covariances)
    sums = cells.counts * np.concatenate([features, logs[order][None]])
    yield sums.copy()
    places = np.arange(cells.n_cells)  # where the sums of each box are
    while len(codes) > 1:
        codes = codes >> 1
        seconds = np.flatnonzero(codes[1:] == codes[:-1]) + 1  # no box has more than two halves
        into, others = places[seconds - 1], places[seconds]
        sums[:, into] += sums[:, others]
        codes, places = np.delete(codes, seconds), np.delete(places, seconds)
        yield sums[:, into]


def _interleave(ranks: IntArray) -> IntArray:
    """Numbers with the binary digits of both ranks in turn; shape (C,), of ranks (2, C)."""
    codes = np.zeros(ranks.shape[1], dtype=np.intp)
    for digit in range(int(ranks.max()).bit_length()):
        for axis in (0, 1):
            codes |= ((ranks[axis] >> digit) & 1) << (2 * digit + axis)
    return codes
