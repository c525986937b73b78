"""From a table to its cells, by one aggregate that the table's own engine runs.

Every distinct point is a cell: the fit is exact, and equal points cost nothing twice.
"""

from dataclasses import dataclass

import numpy as np

from gmmcli.core.cells import Cells
from gmmcli.core.tables import Table, readable_errors
from gmmcli.errors import TableError


@dataclass(frozen=True)
class Compression:
    """What compressing a table gave.

    Attributes:
        cells: the cells of all rows with two finite coordinates.
        n_rows: the rows read.
        n_skipped: the rows left out, because a coordinate is empty or not finite.
    """

    cells: Cells
    n_rows: int
    n_skipped: int


def compress(table: Table, *, strict: bool = False) -> Compression:
    """The cells of a table, by one aggregate that the table's own engine runs.

    Args:
        table: the rows.
        strict: refuse rows with an empty or non-finite coordinate rather than skip them.

    Raises:
        TableError: when the rows cannot be read, none is left, all points are equal, or `strict`
            and a row would be skipped.
    """
    groups = table.rows.group_by("x", "y").aggregate(count=table.rows.count()).order_by("x", "y")
    with readable_errors(table.source):
        columns = groups.to_pyarrow()
    means = np.column_stack([columns["x"].to_numpy(), columns["y"].to_numpy()])  # null is NaN
    counts = columns["count"].to_numpy().astype(np.float64)
    finite = np.isfinite(means).all(axis=1)
    n_rows, n_skipped = int(counts.sum()), int(counts[~finite].sum())
    cells = Cells(counts[finite], means[finite], np.zeros((int(finite.sum()), 2, 2)))
    _check_rows(table, cells, n_rows, n_skipped, strict=strict)
    return Compression(cells, n_rows, n_skipped)


def _check_rows(table: Table, cells: Cells, n_rows: int, n_skipped: int, *, strict: bool) -> None:
    source, (x, y) = table.source, table.columns
    if n_rows == 0:
        raise TableError(f"{source} has a header and no rows: there is nothing to fit")
    if strict and n_skipped:
        raise TableError(
            f"{source}: {n_skipped:,} of {n_rows:,} rows have an empty or non-finite {x!r} or "
            f"{y!r}: mend them, or leave out --strict to skip them"
        )
    if cells.n_cells == 0:
        raise TableError(f"{source}: every row has an empty or non-finite {x!r} or {y!r}")
    if cells.n_cells == 1:
        point = ", ".join(f"{value:g}" for value in cells.means[0])
        raise TableError(f"{source}: all points equal ({point}), {int(cells.n_points):,} of them")
