"""The Ibis expressions that group the rows of a table: by point, or by the cell of a grid.

The table's own engine runs them, so only groups travel. An engine takes time over every column that
it groups by, and DuckDB three times as long over `least` and `greatest` as over cases, so neither
is used where it is not needed. `places` has the same arithmetic in NumPy.
"""

import ibis
import ibis.expr.types as ir
import numpy as np
import pyarrow as pa

from gmmcli.core.cells.grids import Grids
from gmmcli.core.cells.places import SPAN, IntArray
from gmmcli.core.cells.totals import SUMS
from gmmcli.core.tables.table import Table


def count_rows(table: Table) -> ir.Table:
    """One row with the number of rows of a table."""
    return table.rows.count().as_table()


def group_by_point(table: Table) -> ir.Table:
    """The totals of each distinct point; see `Totals`."""
    return table.rows.group_by("x", "y").aggregate(**_total(table.rows))


def group_by_cell(table: Table, grids: Grids, *, first: int) -> ir.Table:
    """The totals and moments of the cells of some grids, from the first that is given on.

    Moments are of the distances from the cell's middle, in cells, so that they keep their digits
    far from zero. Rows without two finite coordinates fall in a cell without an index. Where there
    is but one grid, its number is left out.
    """
    placed = _place(table, grids, first=first)
    t, u = placed.t, placed.u
    if first == 0:
        t, u = t - placed.column, u - placed.row
    else:
        t = t - find_middle(placed.column, placed.half_t, placed.n_wider)
        u = u - find_middle(placed.row, placed.half_u, placed.n_wider)
    moments = dict(zip(SUMS, (t, u, t * t, t * u, u * u), strict=True))
    if "weight" in table.rows.columns:
        moments = {name: moment * placed.weight for name, moment in moments.items()}
    sums = {name: moment.sum() for name, moment in moments.items()}
    keys = ("index",) if grids.n_grids == 1 else ("grid", "index")
    return placed.group_by(*keys).aggregate(**_total(placed), **sums)


def _total(rows: ir.Table) -> dict[str, ir.Value]:
    """The number of rows and points in a group, and what is asked of weights if there are any."""
    if "weight" not in rows.columns:
        return {"n_rows": rows.count()}
    weight = rows.weight
    ends = {"least": weight.min(), "most": weight.max(), "n_without": weight.isnull().sum()}
    sums = {"count": weight.sum(), "squares": (weight * weight).sum()}
    return {"n_rows": rows.count(), **sums, **ends}


def _place(table: Table, grids: Grids, *, first: int) -> ir.Table:
    """The rows in the grids from the first on, with the grid, column, row and index of each."""
    placed = _place_in_first(table, grids)
    for depth, generation in enumerate(grids.sort_by_depth(first)):
        frames = ibis.memtable(_frame(grids, generation))
        here = [placed.grid == frames.parent, placed.index == frames.place]
        # Rows outside the outermost of these grids are done; others may stay where they are.
        joined = placed.join(frames, here, how="inner" if depth == 0 else "left")
        now = _find_coordinates(joined)
        if depth > 0:
            now = {name: ibis.coalesce(value, joined[name]) for name, value in now.items()}
        placed = joined.select(*table.rows.columns, **now)
        column = find_number(placed.t, placed.half_t, placed.n_wider)
        row = find_number(placed.u, placed.half_u, placed.n_wider)
        placed = _index(placed, table, column, row)
    return placed.filter(placed.grid >= first)


def _place_in_first(table: Table, grids: Grids) -> ir.Table:
    """All rows, with the column, row and index of each in the first grid."""
    (frame,) = _frame(grids, np.array([0])).to_pylist()
    framed = table.rows.mutate(**{name: ibis.literal(value) for name, value in frame.items()})
    placed = framed.select(*table.rows.columns, **_find_coordinates(framed))
    if grids.stretch != 1:
        placed = placed.mutate(u=shorten(placed.u, grids.core, grids.stretch))
    column = find_number_within(placed.t, placed.half_t)
    row = find_number_within(placed.u, placed.half_u)
    return _index(placed, table, column, row)


def _frame(grids: Grids, chosen: IntArray) -> pa.Table:
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


def _find_coordinates(framed: ir.Table) -> dict[str, ir.Value]:
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


def shorten(coordinate: ir.Value, core: int, stretch: float) -> ir.Value:
    """A coordinate in cells that are so many times longer beyond a core on either side."""
    end = core + 0.5
    return ibis.cases(
        (coordinate > end, end + (coordinate - end) / stretch),
        (coordinate < -end, -end + (coordinate + end) / stretch),
        else_=coordinate,
    )


def find_number_within(coordinate: ir.Value, half: ir.Value) -> ir.Value:
    """The cell of the first grid on an axis, whose outermost have no end."""
    within = ibis.cases((coordinate > half, half), (coordinate < -half, -half), else_=coordinate)
    return floor(within + 0.5)


def find_number(coordinate: ir.Value, half: ir.Value, n_wider: ir.Value) -> ir.Value:
    """The cell of any other grid on an axis; see `places`."""
    end = half + 0.5
    last = ibis.cases((n_wider > 0, n_wider * end), else_=end)
    return ibis.cases(
        (coordinate >= last, half + n_wider),
        (coordinate >= end, half + 1 + floor(n_wider - n_wider * end / coordinate)),
        (coordinate < -last, -half - n_wider),
        (coordinate < -end, -half - 1 - floor(n_wider + n_wider * end / coordinate)),
        else_=floor(coordinate + 0.5),
    )


def find_middle(number: ir.Value, half: ir.Value, n_wider: ir.Value) -> ir.Value:
    """The middle of a cell on an axis, as `places.find_middles` has it."""
    end = half + 0.5
    return ibis.cases(
        (number > half, end * n_wider / (n_wider - (number - end))),
        (number < -half, -end * n_wider / (n_wider - (-number - end))),
        else_=number,
    )


def _index(placed: ir.Table, table: Table, column: ir.Value, row: ir.Value) -> ir.Table:
    """The rows with the column, row and index of their cells; no index without two coordinates."""
    placed = placed.mutate(column=column, row=row)
    index = placed.column * SPAN + placed.row
    if not table.is_plain:  # add 0, or NaN or null where a coordinate is not finite
        index += (placed.x - placed.x) + (placed.y - placed.y)
    return placed.mutate(index=index)


@ibis.udf.scalar.builtin  # type: ignore[untyped-decorator]
def floor(_number: float) -> float:  # type: ignore[empty-body]
    """The engine's own function; Ibis would make its result an integer, which takes time."""
