"""From a table to its cells, by aggregates that the table's own engine runs.

A small table keeps every distinct point. A larger one is cut by a grid in one pass, for a long one
by what a rough mixture of its first points needs, and cells that are still too coarse by grids of
their own, in one more pass for all of them. `grids` says where the cuts are, `refinement` which
cells need them.
"""

import math
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace

import ibis
import ibis.expr.types as ir
import numpy as np
import pyarrow as pa

from gmmcli.core.cells.cells import Cells
from gmmcli.core.cells.grids import SPAN, Grids, IntArray, first_grid, halves_for, n_cells_of
from gmmcli.core.cells.refinement import Coarseness, first_cut, plan_parts_of_crowds
from gmmcli.core.mixture.mixture import FloatArray, Mixture
from gmmcli.core.mixture.whitening import whitening_of
from gmmcli.core.tables.engines import readable_errors
from gmmcli.core.tables.table import LARGEST, Table
from gmmcli.errors import TableError
from gmmcli.settings import EXACT_ROWS, MOST_CELLS

# The first grid has so many for tables of up to some 10 million rows, and then more in proportion
# to the square root of their number, which is what the rule on the gap asks of most mixtures.
FIRST_CELLS = 280_000
FIRST_CELLS_ROWS = 1e7
# For a table of more rows, a rough mixture of the first costs less than the cells that it saves.
LONG = 5e5
# Such a grid may have so many times as many cells as are wanted, as most have no points.
EMPTY = 8
# Where a larger share of the points lies at the ends of the first grid, the first rows are not like
# the rest, as in a sorted table.
MOST_OUTERMOST = 0.02
# The most passes in search of fine cells; each cuts tens of times finer on either axis.
MOST_PASSES = 8

SUMS = ("t", "u", "tt", "tu", "uu")


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
    """

    table: Table
    cells: Cells
    n_rows: int
    n_skipped: int
    n_passes: int
    grids: Grids | None
    places: IntArray
    most_cells: int

    @property
    def row_weight(self) -> float:
        """What a row counts for, on average."""
        return self.cells.n_points / (self.n_rows - self.n_skipped)

    @property
    def is_exact(self) -> bool:
        """Whether every cell is one point."""
        return self.grids is None


def compress(
    table: Table,
    *,
    exact: bool = False,
    most_cells: int = MOST_CELLS,
    strict: bool = False,
    sketch: Callable[[Cells], Mixture] | None = None,
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
    with readable_errors(table.source):
        head = table.opened.first(table.rows, EXACT_ROWS + 1)
    if exact or head.num_rows <= EXACT_ROWS:
        grids = None
        meanwhile()
        found = _fetched(table, table.rows.group_by("x", "y").aggregate(**_totals(table.rows)))
    else:
        grids = _first_grid(table, head, most_cells // 2, sketch)
        meanwhile()
        is_plain = table.weight is None and bool(np.isfinite(_numbers(head)).all())
        table, found = _found_first(grids, table, is_plain=is_plain)
    kept = found.filter(_is_kept(found))
    n_rows = int(_values(found, "n_rows").sum())
    n_skipped = n_rows - int(_values(kept, "n_rows").sum())
    _check_rows(table, kept, n_rows, n_skipped, strict=strict)
    cells, places = _cells_of(kept, grids)
    _check_spread(table, cells)
    n_passes = 1
    if grids is not None and (cells.n_cells > most_cells or _are_beside(grids, cells, places)):
        most_first = _most_first_cells(n_rows, most_cells // 2)
        grids = first_grid(cells.mean(), cells.covariance(), most_first)
        found = _found_in(grids, table, first=0)
        cells, places = _cells_of(found.filter(_is_kept(found)), grids)
        n_passes = 2
    compression = Compression(table, cells, n_rows, n_skipped, n_passes, grids, places, most_cells)
    while True:
        finer = refine(compression, plan_parts_of_crowds(compression.cells))
        if finer is compression:
            return compression
        compression = finer


def refine(compression: Compression, parts: FloatArray) -> Compression:
    """The same rows with some cells cut finer, by one more pass; unchanged where none can be.

    Where there is no room for all, the largest parts have the first claim.

    Args:
        compression: the cells so far.
        parts: into how many each cell should be cut, shape (C,); 1 for those to leave whole.

    Raises:
        TableError: when the rows cannot be read.
    """
    grids, cells, places = compression.grids, compression.cells, compression.places
    if grids is None or compression.n_passes >= MOST_PASSES:
        return compression
    # With weights, nothing is known of how many rows a cell has.
    is_weighted = compression.table.weight is not None
    most_rows = np.full(cells.n_cells, np.inf) if is_weighted else cells.counts
    halves, n_wider = halves_for(parts), np.zeros(cells.n_cells, dtype=np.int64)
    to_cut = parts > 1
    n_wider[to_cut] = grids.wider_for(places[to_cut], cells.select(to_cut), most_rows[to_cut])
    order = np.argsort(-parts, kind="stable")
    more = np.cumsum(np.minimum(n_cells_of(halves, n_wider), most_rows)[order] - 1)
    chosen = np.zeros(cells.n_cells, dtype=np.bool_)
    chosen[order] = (parts[order] > 1) & (more <= compression.most_cells - cells.n_cells)
    if not chosen.any():
        return compression
    finer = grids.with_finer(places[chosen], cells.select(chosen), halves[chosen], n_wider[chosen])
    found = _found_in(finer, compression.table, first=grids.n_grids)
    new_cells, new_places = _cells_of(found, finer)
    return replace(
        compression,
        cells=cells.select(~chosen).join(new_cells),
        n_passes=compression.n_passes + 1,
        grids=finer,
        places=np.concatenate([places[~chosen], new_places]),
    )


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


def _first_grid(
    table: Table, head: pa.Table, most_cells: int, sketch: Callable[[Cells], Mixture] | None
) -> Grids:
    """The grid for a table with these first rows, as fine as it has to be and may be."""
    n_rows = _n_rows_about(table)
    numbers = _numbers(head)
    numbers = numbers[np.isfinite(numbers).all(axis=1)]
    sample = numbers[:, :2]
    weights = numbers[:, 2] if table.weight else np.ones(len(sample))
    if not ((weights > 0) & (weights < np.sqrt(LARGEST))).all():  # what is wrong is said later
        weights = np.ones(len(sample))
    most_first = _most_first_cells(n_rows, most_cells)
    if len(sample) == 0:
        return first_grid(np.zeros(2), np.zeros((2, 2)), most_first)
    points = Cells(weights, sample, np.zeros((len(sample), 2, 2)))
    with np.errstate(over="ignore", invalid="ignore"):  # the whitening says what overflows
        mean, covariance = points.mean(), points.covariance()
    if sketch is None or n_rows <= LONG or not covariance.any():
        return first_grid(mean, covariance, most_first)
    cut = first_cut(points, sketch, n_rows * float(weights.mean()), most_cells)
    return first_grid(mean, covariance, EMPTY * most_cells, cut)


def _most_first_cells(n_rows: float, most_cells: int) -> int:
    """How many cells a first grid may have that follows nothing but the covariance."""
    return int(min(FIRST_CELLS * math.sqrt(max(n_rows / FIRST_CELLS_ROWS, 1)), most_cells))


def _n_rows_about(table: Table) -> float:
    """Roughly how many rows there are.

    A whole power of the fourth root of ten, so that a rough number and the true one give the same
    cells in almost all cases.
    """
    n_rows = table.opened.n_rows_about
    if n_rows is None:
        n_rows = float(_fetched(table, table.rows.count().as_table())[0][0].as_py())
    return float(10.0 ** (round(4 * math.log10(max(n_rows, 1))) / 4))


def _are_beside(grids: Grids, cells: Cells, places: IntArray) -> bool:
    """Whether the first grid misses much of what it should cut."""
    at_the_ends = cells.counts[grids.are_outermost(places)].sum()
    return bool(at_the_ends > MOST_OUTERMOST * cells.n_points)


def _found_first(grids: Grids, table: Table, *, is_plain: bool) -> tuple[Table, pa.Table]:
    """The totals and moments of the cells of the first grid, and the table as it was read for them.

    Args:
        grids: the first grid.
        table: the rows.
        is_plain: whether to try first whether nothing but finite numbers is in them, as in the
            first ones. To look out for anything else takes a sixth of the time.
    """
    if is_plain:
        plain = table.plainly()
        with suppress(TableError):
            found = _found_in(grids, plain, first=0)
            kept = found.filter(_is_kept(found))
            if np.isfinite(_values(kept, *SUMS)).all():
                return plain, found
    return table, _found_in(grids, table, first=0)


def _found_in(grids: Grids, table: Table, *, first: int) -> pa.Table:
    """The totals and moments of the cells of some grids, each with its place; see `_cells_in`."""
    found = _fetched(table, _cells_in(grids, table, first=first))
    if "grid" in found.column_names:
        return found
    return found.append_column("grid", pa.array(np.zeros(found.num_rows)))


def _cells_in(grids: Grids, table: Table, *, first: int) -> ir.Table:
    """The totals and moments of the cells of some grids, from the first that is given on.

    Moments are of the distances from the cell's middle, in cells, so that they keep their digits
    far from zero. Rows without two finite coordinates fall in a cell without an index. Where there
    is but one grid, it is not told, as engines take time over every column that they group by.
    """
    placed = _placed(table, grids, first=first)
    t, u = placed.t, placed.u
    if first == 0:
        t, u = t - placed.column, u - placed.row
    else:
        t = t - _middle(placed.column, placed.half_t, placed.n_wider)
        u = u - _middle(placed.row, placed.half_u, placed.n_wider)
    moments = dict(zip(SUMS, (t, u, t * t, t * u, u * u), strict=True))
    if "weight" in table.rows.columns:
        moments = {name: moment * placed.weight for name, moment in moments.items()}
    sums = {name: moment.sum() for name, moment in moments.items()}
    keys = ("index",) if grids.n_grids == 1 else ("grid", "index")
    return placed.group_by(*keys).aggregate(**_totals(placed), **sums)


def _totals(rows: ir.Table) -> dict[str, ir.Value]:
    """The number of rows and points in a group, and the ends of their weights if there are any."""
    if "weight" not in rows.columns:
        return {"n_rows": rows.count()}
    weight = rows.weight
    ends = {"least": weight.min(), "most": weight.max(), "n_without": weight.isnull().sum()}
    return {"n_rows": rows.count(), "count": weight.sum(), **ends}


def _placed(table: Table, grids: Grids, *, first: int) -> ir.Table:
    """The rows in the grids from the first on, with the grid, column, row and index of each."""
    rows = table.rows
    (everything,) = _frames(grids, np.array([0])).to_pylist()
    framed = rows.mutate(**{name: ibis.literal(value) for name, value in everything.items()})
    placed = framed.select(*rows.columns, **_coordinates(framed))
    if grids.stretch != 1:
        placed = placed.mutate(u=_shortened(placed.u, grids.core + 0.5, grids.stretch))
    column, row = _nearest(placed.t, placed.half_t), _nearest(placed.u, placed.half_u)
    placed = _indexed(placed, table, column, row)
    for depth, generation in enumerate(grids.generations(first)):
        frames = ibis.memtable(_frames(grids, generation))
        here = [placed.grid == frames.parent, placed.index == frames.place]
        # Rows outside the outermost of these grids are done; others may stay where they are.
        joined = placed.join(frames, here, how="inner" if depth == 0 else "left")
        now = _coordinates(joined)
        if depth > 0:
            now = {name: ibis.coalesce(value, joined[name]) for name, value in now.items()}
        placed = joined.select(*rows.columns, **now)
        column = _nearest_or_wider(placed.t, placed.half_t, placed.n_wider)
        row = _nearest_or_wider(placed.u, placed.half_u, placed.n_wider)
        placed = _indexed(placed, table, column, row)
    return placed.filter(placed.grid >= first)


def _frames(grids: Grids, chosen: IntArray) -> pa.Table:
    """Some grids as rows: where each lies, and how it cuts."""
    columns = {
        "parent": grids.places[chosen, 0],
        "place": grids.places[chosen, 1],
        "own_grid": chosen,
        "origin_x": grids.origins[chosen, 0],
        "origin_y": grids.origins[chosen, 1],
        "t_x": grids.matrices[chosen, 0, 0],
        "t_y": grids.matrices[chosen, 0, 1],
        "u_x": grids.matrices[chosen, 1, 0],
        "u_y": grids.matrices[chosen, 1, 1],
        "own_half_t": grids.halves[chosen, 0].astype(np.float64),
        "own_half_u": grids.halves[chosen, 1].astype(np.float64),
        "own_n_wider": grids.n_wider[chosen].astype(np.float64),
    }
    return pa.table(columns)


def _coordinates(framed: ir.Table) -> dict[str, ir.Value]:
    """The grid of each row, its coordinates there, in cells, and how far the grid goes."""
    x, y = framed.x - framed.origin_x, framed.y - framed.origin_y
    return {
        "grid": framed.own_grid,
        "t": framed.t_x * x + framed.t_y * y,
        "u": framed.u_x * x + framed.u_y * y,
        "half_t": framed.own_half_t,
        "half_u": framed.own_half_u,
        "n_wider": framed.own_n_wider,
    }


def _shortened(coordinate: ir.Value, end: float, stretch: float) -> ir.Value:
    """A coordinate in cells that are so many times longer beyond an end on either side."""
    return ibis.cases(
        (coordinate > end, end + (coordinate - end) / stretch),
        (coordinate < -end, -end + (coordinate + end) / stretch),
        else_=coordinate,
    )


def _nearest(coordinate: ir.Value, half: ir.Value) -> ir.Value:
    """The nearest cell of the first grid on an axis."""
    # DuckDB takes three times as long over `least` and `greatest`.
    within = ibis.cases((coordinate > half, half), (coordinate < -half, -half), else_=coordinate)
    return floor(within + 0.5)


def _nearest_or_wider(coordinate: ir.Value, half: ir.Value, n_wider: ir.Value) -> ir.Value:
    """The cell of any other grid on an axis; see `Grids.n_wider`."""
    end = half + 0.5
    last = ibis.cases((n_wider > 0, n_wider * end), else_=end)
    return ibis.cases(
        (coordinate >= last, half + n_wider),
        (coordinate >= end, half + 1 + floor(n_wider - n_wider * end / coordinate)),
        (coordinate < -last, -half - n_wider),
        (coordinate < -end, -half - 1 - floor(n_wider + n_wider * end / coordinate)),
        else_=floor(coordinate + 0.5),
    )


def _middle(cell: ir.Value, half: ir.Value, n_wider: ir.Value) -> ir.Value:
    """The middle of a cell on an axis, as `Grids.cells_of` has it."""
    end = half + 0.5
    return ibis.cases(
        (cell > half, end * n_wider / (n_wider - (cell - end))),
        (cell < -half, -end * n_wider / (n_wider - (-cell - end))),
        else_=cell,
    )


def _indexed(placed: ir.Table, table: Table, column: ir.Value, row: ir.Value) -> ir.Table:
    """The rows with the column, row and index of their cells; no index without two coordinates."""
    placed = placed.mutate(column=column, row=row)
    index = placed.column * SPAN + placed.row
    if not table.is_plain:  # add 0, or NaN or null where a coordinate is not finite
        index += (placed.x - placed.x) + (placed.y - placed.y)
    return placed.mutate(index=index)


@ibis.udf.scalar.builtin  # type: ignore[untyped-decorator]
def floor(_number: float) -> float:  # type: ignore[empty-body]
    """The engine's own function; Ibis would make its result an integer, which takes time."""


def _fetched(table: Table, expression: ir.Table) -> pa.Table:
    with readable_errors(table.source):
        return expression.to_pyarrow()


def _numbers(rows: pa.Table) -> FloatArray:
    """All columns of some rows, shape (rows, columns); null is NaN."""
    return _values(rows, *rows.column_names)


def _values(found: pa.Table, *names: str) -> FloatArray:
    """Columns as an array of shape (rows, columns); null is NaN."""
    columns = [found[name].to_numpy().astype(np.float64) for name in names]
    return np.stack(columns, axis=1)


def _cells_of(found: pa.Table, grids: Grids | None) -> tuple[Cells, IntArray]:
    """Cells in data units and their places, in the order of their places or points."""
    keys = ("x", "y") if grids is None else ("grid", "index")
    found = found.sort_by([(key, "ascending") for key in keys])
    counts = _values(found, "count" if "count" in found.column_names else "n_rows")[:, 0]
    if grids is None:
        nowhere = np.zeros((len(counts), 2), dtype=np.int64)
        return Cells(counts, _values(found, *keys), np.zeros((len(counts), 2, 2))), nowhere
    places = _values(found, *keys).astype(np.int64)
    return grids.cells_of(places, counts, _values(found, *SUMS)), places


def _is_kept(found: pa.Table) -> pa.Array:
    """Which groups have two finite coordinates, shape (groups,)."""
    keys = ("index",) if "index" in found.column_names else ("x", "y")
    return pa.array(np.isfinite(_values(found, *keys)).all(axis=1))


def _check_rows(table: Table, kept: pa.Table, n_rows: int, n_skipped: int, *, strict: bool) -> None:
    source, (x, y) = table.source, table.columns
    if n_rows == 0:
        nothing = f"no rows with a {table.weight!r} above 0" if table.weight else "no rows"
        raise TableError(f"{source} has a header and {nothing}: there is nothing to fit")
    if strict and n_skipped:
        raise TableError(
            f"{source}: {n_skipped:,} of {n_rows:,} rows have an empty or non-finite {x!r} or "
            f"{y!r}: mend them, or leave out --strict to skip them"
        )
    if kept.num_rows == 0:
        raise TableError(f"{source}: every row has an empty or non-finite {x!r} or {y!r}")
    if n_rows - n_skipped == 1:
        raise TableError(f"{source} has one row with a point: a fit needs two that differ, or more")
    if table.weight is None:
        return
    least, most = _values(kept, "least").min(), _values(kept, "most").max()
    if _values(kept, "n_without").any():
        missing = "empty" if table.opened.dialect is None else "empty or not a number, as NaN or NA"
        raise TableError(
            f"{source}: column {table.weight!r} has weights that are {missing}: give each row one"
        )
    if not (least >= 0 and most <= LARGEST):
        wrong = least if not least >= 0 else most
        raise TableError(
            f"{source}: column {table.weight!r} holds the weight {wrong:g}: "
            "weights are finite and 0 or more"
        )
    with np.errstate(over="ignore"):
        total = _values(kept, "count").sum()
    if not np.isfinite(total):
        raise TableError(f"{source}: the weights in {table.weight!r} are too large to be added up")


def _check_spread(table: Table, cells: Cells) -> None:
    if not (cells.means != cells.means[0]).any() and not cells.covariances.any():
        point = ", ".join(f"{value:g}" for value in cells.means[0])
        raise TableError(
            f"{table.source}: all points equal ({point}): a fit needs points that differ; choose "
            "other columns with -x and -y"
        )
    try:
        whitening_of(cells, "full")
    except TableError as error:
        raise TableError(f"{table.source}: {error}") from None
