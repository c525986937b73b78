"""Fewer cells in place of many, where a rough fit is enough: the leaves of a kd-tree.

Points of a merged cell share one assignment, so a cell that spans two clusters misleads a fit: a
wide component that explains such cells then pays off. Cuts are made where they separate the points
of a cell best, and cells that they separate best are cut first.
"""

import math

import numpy as np
import numpy.typing as npt

from gmmcli.core.cells.cells import Cells, sum_groups
from gmmcli.core.mixture.covariances import FloatArray

IntArray = npt.NDArray[np.intp]
Mask = npt.NDArray[np.bool_]

# The most cells of which a tree is made. More are merged by a grid first, to a quarter of so many
# or as many as are asked for: a tree of all takes as long as the climb, and a few cells that span
# two clusters do no harm among so many (seconds in benchmarks/speed.py).
LARGEST_TREE = 150_000


def merge_cells(cells: Cells, most: int, *, largest: int = LARGEST_TREE) -> Cells:
    """At most so many cells that these cells are merged into; see `group_cells`."""
    if cells.n_cells <= most:
        return cells
    return cells.merge(group_cells(cells, most, largest=largest))


def group_cells(
    cells: Cells,
    most: int,
    *,
    largest: int = LARGEST_TREE,
    halved: float = 0.25,
    of_free: float = 0.5,
    left: float = 1 / 64,
) -> IntArray:
    """Which of at most so many merged cells each cell belongs to, shape (C,).

    The leaves of a kd-tree (Moore 1999). The first are halves of about equally many points; then
    those leaves are cut first that two Gaussians explain best in place of one, whatever their size,
    so that few leaves span two clusters. Very many cells are merged by a grid of their ranks first.

    Args:
        cells: C of them, in any units.
        most: the largest number of cells to be left.
        largest: the largest number of cells of which a tree is made.
        halved: the share of the leaves that come of halving, so that every mass of points has some:
            leaves everywhere against leaves about clusters (benchmarks/planted.py).
        of_free: the share of the leaves still free that one round of cuts takes: good cuts against
            rounds (benchmarks/speed.py).
        left: the last share of the leaves, which is left free, for the same reason.
    """
    if cells.n_cells <= most:
        return np.arange(cells.n_cells)
    if cells.n_cells > largest:
        in_grid = _group_in_grid(cells, max(most, largest // 4))
        fewer = cells.merge(in_grid)
        return group_cells(fewer, most, largest=fewer.n_cells)[in_grid]
    groups, ranks = np.zeros(cells.n_cells, dtype=np.intp), rank_cells(cells)
    for _ in range(int(np.log2(most * halved))):
        groups = _renumber(2 * groups + _find_upper_halves(cells, ranks, groups))
    gains, upper = _find_best_cuts(cells, ranks, groups)
    while (free := most - len(gains)) > most * left:
        chosen = np.argsort(-gains, kind="stable")[: int(free * of_free)]
        chosen = chosen[gains[chosen] > 0]
        if not len(chosen):
            break
        numbers = np.full(len(gains), -1)  # of the new groups
        numbers[chosen] = len(gains) + np.arange(len(chosen))
        are_cut = numbers[groups] >= 0
        groups = np.where(are_cut & upper, numbers[groups], groups)
        present, of_cut = np.unique(groups[are_cut], return_inverse=True)
        gains = np.append(gains, np.zeros(len(chosen)))
        gains[present], upper[are_cut] = _find_best_cuts(
            cells.select(are_cut), ranks[:, are_cut], of_cut
        )
    return groups


def _group_in_grid(cells: Cells, most: int) -> IntArray:
    """Which of at most so many merged cells each belongs to, shape (C,), by a grid of their ranks.

    Ranks spread cells evenly on either axis, so that a grid of them is fine where many cells are.
    """
    ranks, side = rank_cells(cells), math.isqrt(most)
    groups = np.zeros(cells.n_cells, dtype=np.intp)
    while True:  # much of the grid may be empty
        columns, rows = ranks * side // cells.n_cells
        finer = columns * side + rows
        if np.count_nonzero(np.diff(np.sort(finer))) >= most:
            return _renumber(groups)
        groups, side = finer, 2 * side


def _renumber(groups: IntArray) -> IntArray:
    """The groups by consecutive numbers from 0 on, in the same order."""
    numbers: IntArray = np.cumsum(np.bincount(groups) > 0) - 1
    return numbers[groups]


def rank_cells(cells: Cells) -> IntArray:
    """The place of each cell in the order of the means on each axis, shape (2, C)."""
    ranks = np.empty((2, cells.n_cells), dtype=np.intp)
    for axis in (0, 1):
        ranks[axis, np.argsort(cells.means[:, axis], kind="stable")] = np.arange(cells.n_cells)
    return ranks


def _sort_groups(groups: IntArray, ranks: IntArray) -> IntArray:
    """The order of cells by group and then by rank; whole numbers sort faster than pairs."""
    return np.argsort(groups * (ranks.max() + 1) + ranks)


def _find_upper_halves(cells: Cells, ranks: IntArray, groups: IntArray) -> Mask:
    """Which cells lie above the median of their group, on its longer axis; shape (C,)."""
    counts = np.bincount(groups, cells.counts)
    means = sum_groups(groups, cells.counts[:, None] * cells.means) / counts[:, None]
    spreads = sum_groups(groups, cells.counts[:, None] * (cells.means - means[groups]) ** 2)
    across_x = np.argmax(spreads, axis=1)[groups] == 0
    order = _sort_groups(groups, np.where(across_x, ranks[0], ranks[1]))
    before = np.cumsum(cells.counts[order]) - cells.counts[order] / 2
    middles = np.cumsum(counts) - counts / 2
    upper = np.empty(cells.n_cells, dtype=np.bool_)
    upper[order] = before > middles[groups[order]]
    return upper


def _find_best_cuts(cells: Cells, ranks: IntArray, groups: IntArray) -> tuple[FloatArray, Mask]:
    """What the best cut of each group gains, shape (G,), in nats, and the cells above it, (C,)."""
    (gains_x, upper_x), (gains_y, upper_y) = (
        _find_best_cuts_along(cells, groups, axis, _sort_groups(groups, ranks[axis]))
        for axis in (0, 1)
    )
    across_x = gains_x >= gains_y
    return np.maximum(gains_x, gains_y), np.where(across_x[groups], upper_x, upper_y)


def _find_best_cuts_along(
    cells: Cells, groups: IntArray, axis: int, order: IntArray, *, rounding: float = 1e-12
) -> tuple[FloatArray, Mask]:
    """What the best cut along an axis gains, shape (G,), in nats, and the cells above it, (C,).

    Of all cuts between cells, the one that leaves the least variance on either side (Fisher 1958).

    Args:
        cells: C of them, in any units.
        groups: of each cell, shape (C,).
        axis: 0 or 1.
        order: of the cells by group and then along the axis, shape (C,).
        rounding: the least share of a variance that a cut leaves, as far as rounding can tell: some
            ten thousand roundings of a double.
    """
    groups, counts, places = groups[order], cells.counts[order], cells.means[order, axis]
    masses = np.bincount(groups, counts)  # (G,)
    starts = np.searchsorted(groups, np.arange(len(masses)))
    offsets = places - (np.bincount(groups, counts * places) / masses)[groups]
    seconds = counts * (offsets**2 + cells.covariances[order, axis, axis])
    below = _accumulate(counts, starts, groups)  # the mass up to each cell, in its group
    moments = _accumulate(counts * offsets, starts, groups)
    above = masses[groups] - below
    is_last = np.append(groups[1:] != groups[:-1], True)
    separates = ~is_last & (below > 0) & (above > 0)  # rounding may leave nothing of a tiny mass
    below, above = np.where(separates, below, 1.0), np.where(separates, above, 1.0)
    between = np.where(separates, moments**2 * (1 / below + 1 / above), 0.0)
    most = np.maximum.reduceat(between, starts)  # (G,)
    totals = np.bincount(groups, seconds).astype(np.float64)
    left = np.maximum(totals - most, rounding * totals)
    ratios = np.where(totals > 0, totals, 1) / np.where(totals > 0, left, 1)
    gains = (0.5 * masses * np.log(ratios)).astype(np.float64)
    cells_up_to = np.arange(len(groups))
    at = np.maximum.reduceat(np.where(between == most[groups], cells_up_to, -1), starts)
    upper: Mask = np.empty(cells.n_cells, dtype=np.bool_)
    upper[order] = cells_up_to > at[groups]
    return gains, upper


def _accumulate(values: FloatArray, starts: IntArray, groups: IntArray) -> FloatArray:
    """Sums of the values of each group up to each cell."""
    sums_so_far = np.cumsum(values)
    running: FloatArray = sums_so_far - (sums_so_far - values)[starts][groups]
    return running
