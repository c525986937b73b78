"""From a table to its cells, by aggregates that the table's own engine runs.

A small table keeps every distinct point. A larger one is cut by a grid in one pass, and cells that
are still too coarse by grids of their own, in one more pass for all of them. `first_grid` says what
the first grid is like, `refinement` which cells need finer ones, `grids` where the cuts are, and
`expressions` how an engine finds them.
"""

import math
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from gmmcli.core.cells.cells import Cells
from gmmcli.core.cells.checks import check_number, check_rows, check_spread
from gmmcli.core.cells.codes import Code, find_codes
from gmmcli.core.cells.expressions import count_rows, group_by_cell, group_by_point
from gmmcli.core.cells.first_grid import Sketch, follow_sketch, lay_first_grid, limit_cells
from gmmcli.core.cells.grain import Grain, find_grain
from gmmcli.core.cells.grids import Grids
from gmmcli.core.cells.places import IntArray, choose_halves, count_cells
from gmmcli.core.cells.refinement import Coarseness, plan_parts_of_crowds
from gmmcli.core.cells.totals import Totals, count_points, read_numbers, read_totals
from gmmcli.core.mixture.covariances import FloatArray
from gmmcli.core.tables.arithmetic import LARGEST
from gmmcli.core.tables.table import Table
from gmmcli.errors import TableError
from gmmcli.settings import EXACT_ROWS, MOST_CELLS

# The grid of a table of more rows follows a mixture sketched from the first of them: the time that
# takes against that of the cells it saves (benchmarks/speed.py).
LONG = 5e5


@dataclass(frozen=True, eq=False)
class Compression:
    """What compressing a table gave.

    Attributes:
        table: the rows, as they were read.
        cells: the cells of all rows with two finite coordinates.
        n_rows: the rows of the table.
        n_skipped: the rows left out, because a coordinate is empty or not finite.
        n_passes: how often the table was read, its first rows apart.
        grids: what cut the cells; None where every cell is one point.
        places: the places of the cells in the grids, shape (C, 2).
        most_cells: the largest number of cells.
        grain: what the points were written down with, as the first rows tell.
    """

    table: Table
    cells: Cells
    n_rows: int
    n_skipped: int
    n_passes: int
    grids: Grids | None
    places: IntArray
    most_cells: int
    grain: Grain

    @property
    def codes(self) -> list[Code]:
        """The values that look like codes for missing ones."""
        return find_codes(self.cells)

    @property
    def is_exact(self) -> bool:
        """Whether every cell is one point."""
        return self.grids is None


class Compressor:
    """The cells of a table so far, which a fit may ask to be finer.

    Attributes:
        compression: the cells so far, and how they came about.
    """

    def __init__(self, compression: Compression) -> None:
        self.compression = compression

    @property
    def finer(self) -> Callable[[Coarseness], Cells] | None:
        """Cuts the cells that are too coarse for a mixture; None where every cell is one point."""
        return None if self.compression.is_exact else self._cut

    def _cut(self, coarseness: Coarseness) -> Cells:
        self.compression = refine(self.compression, coarseness.plan_parts())
        return self.compression.cells


def compress(
    table: Table,
    *,
    exact: bool = False,
    most_cells: int = MOST_CELLS,
    strict: bool = False,
    sketch: Sketch | None = None,
    meanwhile: Callable[[], None] = lambda: None,
) -> Compression:
    """The cells of a table.

    Args:
        table: the rows.
        exact: make every distinct point a cell, however many there are.
        most_cells: the largest number of cells otherwise.
        strict: refuse rows with an empty or non-finite coordinate rather than skip them.
        sketch: finds a mixture near some points, both in whitened units. The grid of a long table
            follows that of its first rows; by default, their covariance alone.
        meanwhile: called when the pass over all rows begins, in which this process has nothing to
            do but to wait for the engine.

    Raises:
        TableError: when the rows cannot be read, none is left, all points are equal, a weight is
            negative or not finite, or `strict` and a row would be skipped.
    """
    head = table.read_first(EXACT_ROWS + 1)
    grids = None
    if exact or head.num_rows <= EXACT_ROWS:
        meanwhile()
        totals = read_totals(table.read(group_by_point(table)))
    else:
        grids = _choose_first_grid(table, head, most_cells // 2, sketch)
        meanwhile()
        table, totals = _scan_first(table, head, grids)
    compression = _make_compression(table, totals, grids, most_cells, strict=strict)
    cells, places = compression.cells, compression.places
    if grids is not None:
        compression = replace(compression, grain=find_grain(_take_points(table, head)))
    if grids is not None and (cells.n_cells > most_cells or _misses_much(grids, cells, places)):
        compression = _start_anew(compression)
    while True:
        finer = refine(compression, plan_parts_of_crowds(compression.cells))
        if finer is compression:
            return compression
        compression = finer


def gather(table: Table, rows: pa.Table, *, strict: bool = False) -> Compression:
    """The cells of some rows that have been read: every distinct point is one.

    Args:
        table: what messages call the rows.
        rows: with the columns x, y and perhaps weight.
        strict: see `compress`.

    Raises:
        TableError: as `compress` does, but for rows that cannot be read.
    """
    totals = count_points(read_numbers(rows, *rows.column_names))
    return _make_compression(table, totals, None, totals.n_groups, strict=strict)


def refine(compression: Compression, parts: FloatArray, *, most_passes: int = 8) -> Compression:
    """The same rows with some cells cut finer, by one more pass; unchanged where none can be.

    Args:
        compression: the cells so far.
        parts: into how many each cell should be cut, shape (C,); 1 for those to leave whole.
        most_passes: over the table, each of which cuts tens of times finer on either axis. As many
            as lead from the spread of the data to the last digits of a double.

    Raises:
        TableError: when the rows cannot be read.
    """
    grids, cells, places = compression.grids, compression.cells, compression.places
    if grids is None or compression.n_passes >= most_passes:
        return compression
    # With weights, nothing is known of how many rows a cell has.
    is_weighted = compression.table.weight is not None
    most_rows = np.full(cells.n_cells, np.inf) if is_weighted else cells.counts
    halves, n_wider = choose_halves(parts), np.zeros(cells.n_cells, dtype=np.int64)
    to_cut = parts > 1
    n_wider[to_cut] = grids.count_wider(places[to_cut], cells.select(to_cut), most_rows[to_cut])
    more = np.minimum(count_cells(halves, n_wider), most_rows) - 1
    chosen = _choose_largest(parts, more, compression.most_cells - cells.n_cells)
    if not chosen.any():
        return compression
    finer = grids.add_finer(places[chosen], cells.select(chosen), halves[chosen], n_wider[chosen])
    new_cells, new_places = _make_cells(_scan(compression.table, finer, grids.n_grids), finer)
    return replace(
        compression,
        cells=cells.select(~chosen).join(new_cells),
        n_passes=compression.n_passes + 1,
        grids=finer,
        places=np.concatenate([places[~chosen], new_places]),
    )


def _make_compression(
    table: Table, totals: Totals, grids: Grids | None, most_cells: int, *, strict: bool
) -> Compression:
    """What one pass has given, after all checks of its rows; their grain as if cells were points.

    Args:
        table: the rows.
        totals: of their groups.
        grids: what cut them into groups; None where every group is a point.
        most_cells: the largest number of cells.
        strict: see `compress`.

    Raises:
        TableError: see `compress`.
    """
    n_rows, totals = int(totals.n_rows.sum()), totals.select(totals.are_points)
    check_rows(table, totals, n_rows, strict=strict)
    if grids is None:
        check_number(table, totals.n_groups)
    n_skipped = n_rows - int(totals.n_rows.sum())
    cells, places = _make_cells(totals, grids)
    check_spread(table, cells)
    grain = find_grain(cells)
    return Compression(table, cells, n_rows, n_skipped, 1, grids, places, most_cells, grain)


def _choose_largest(parts: FloatArray, more: FloatArray, room: int) -> npt.NDArray[np.bool_]:
    """Which cells to cut where there is not room for all: those to be cut into most parts.

    Args:
        parts: into how many each cell should be cut, shape (C,).
        more: how many cells that adds at most, shape (C,).
        room: how many more cells there may be.
    """
    order = np.argsort(-parts, kind="stable")
    chosen = np.zeros(len(parts), dtype=np.bool_)
    chosen[order] = (parts[order] > 1) & (np.cumsum(more[order]) <= room)
    return chosen


def _start_anew(compression: Compression) -> Compression:
    """The same rows cut by a grid that follows their covariance, by a second pass."""
    cells, table = compression.cells, compression.table
    most_first = limit_cells(compression.n_rows, compression.most_cells // 2)
    grids = lay_first_grid(cells.mean(), cells.covariance(), most_first)
    totals = _scan(table, grids)
    cells, places = _make_cells(totals.select(totals.are_points), grids)
    return replace(compression, cells=cells, grids=grids, places=places, n_passes=2)


def _choose_first_grid(
    table: Table, head: pa.Table, most_cells: int, sketch: Sketch | None, *, empty: int = 8
) -> Grids:
    """The grid for a table with these first rows, as fine as it has to be and may be.

    Args:
        table: the rows.
        head: the first of them.
        most_cells: the largest number of cells.
        sketch: finds a mixture near some points.
        empty: a grid that follows a sketch may have so many times as many cells as are wanted, as
            most have no points: narrow cells against what more of them take (benchmarks/speed.py).
    """
    n_rows, points = _count_rows_roughly(table), _take_points(table, head)
    most_first = limit_cells(n_rows, most_cells)
    if points.n_cells == 0:
        return lay_first_grid(np.zeros(2), np.zeros((2, 2)), most_first)
    with np.errstate(over="ignore", invalid="ignore"):  # the whitening says what overflows
        mean, covariance = points.mean(), points.covariance()
    if sketch is None or n_rows <= LONG or not covariance.any():
        return lay_first_grid(mean, covariance, most_first)
    n_points = n_rows * float(points.counts.mean())
    cut = follow_sketch(points, sketch, n_points, most_cells)
    return lay_first_grid(mean, covariance, empty * most_cells, cut)


def _take_points(table: Table, head: pa.Table) -> Cells:
    """The points among the first rows of a table, each a cell."""
    numbers = read_numbers(head, *head.column_names)
    numbers = numbers[np.isfinite(numbers).all(axis=1)]
    weights = numbers[:, 2] if table.weight else np.ones(len(numbers))
    if not ((weights > 0) & (weights < np.sqrt(LARGEST))).all():  # what is wrong is said later
        weights = np.ones(len(numbers))
    return Cells(weights, numbers[:, :2], np.zeros((len(numbers), 2, 2)))


def _count_rows_roughly(table: Table) -> float:
    """Roughly how many rows there are.

    A whole power of the fourth root of ten, so that a rough number and the true one give the same
    cells in almost all cases.
    """
    n_rows = table.n_rows_about
    if n_rows is None:
        n_rows = float(table.read(count_rows(table))[0][0].as_py())
    return float(10.0 ** (round(4 * math.log10(max(n_rows, 1))) / 4))


def _misses_much(grids: Grids, cells: Cells, places: IntArray, *, most: float = 0.02) -> bool:
    """Whether the first rows are not like the rest, as in a sorted table.

    Args:
        grids: the first grid, laid for the first rows.
        cells: of all rows in it.
        places: of these cells, shape (C, 2).
        most: the largest share of the points that may lie at its ends: a second pass, against more
            cells to be cut one by one (the passes are in benchmarks/gaps.py).
    """
    at_the_ends = cells.counts[grids.are_outermost(places)].sum()
    return bool(at_the_ends > most * cells.n_points)


def _scan_first(table: Table, head: pa.Table, grids: Grids) -> tuple[Table, Totals]:
    """The totals of the cells of the first grid, and the table as it was read for them.

    Where the first rows are nothing but finite numbers, all are taken to be so at first, as looking
    out for anything else takes a sixth of the time.
    """
    numbers = read_numbers(head, *head.column_names)
    if table.weight is None and bool(np.isfinite(numbers).all()):
        plain = table.assume_plain()
        with suppress(TableError):
            totals = _scan(plain, grids)
            if np.isfinite(totals.sums[totals.are_points]).all():
                return plain, totals
    return table, _scan(table, grids)


def _scan(table: Table, grids: Grids, first: int = 0) -> Totals:
    """The totals of the cells of some grids, from the first that is given on, by one pass."""
    return read_totals(table.read(group_by_cell(table, grids, first=first)))


def _make_cells(totals: Totals, grids: Grids | None) -> tuple[Cells, IntArray]:
    """Cells in data units and their places, in the order of their places or points."""
    totals = totals.sort()
    if grids is None:
        nowhere = np.zeros(totals.keys.shape, dtype=np.int64)
        covariances = np.zeros((len(nowhere), 2, 2))
        return Cells(totals.counts, totals.keys, covariances, totals.squares), nowhere
    places = totals.keys.astype(np.int64)
    cells = grids.make_cells(places, totals.counts, totals.sums)
    return replace(cells, squares=totals.squares), places
