"""What can be wrong with the rows of a table for a fit, each said in one line with its remedy."""

import numpy as np

from gmmcli.core.cells.cells import Cells, find_whitening
from gmmcli.core.cells.totals import Totals
from gmmcli.core.mixture.mixture import Mixture
from gmmcli.core.tables.arithmetic import LARGEST
from gmmcli.core.tables.table import Table
from gmmcli.errors import FitError, TableError
from gmmcli.settings import CELLS_AT_MOST


def check_rows(table: Table, kept: Totals, n_rows: int, *, strict: bool) -> None:
    """Refuse rows that no fit can be of.

    Args:
        table: the rows.
        kept: the totals of those with two finite coordinates.
        n_rows: how many there are in all.
        strict: refuse rows with an empty or non-finite coordinate.

    Raises:
        TableError: when too few rows are left, or a weight is negative or not finite.
    """
    source, (x, y) = table.source, table.columns
    n_points = int(kept.n_rows.sum())
    n_skipped = n_rows - n_points
    if n_rows == 0:
        if table.where is not None and table.count_selected()[0] == 0:
            raise TableError(f"{source}: no row meets {table.where!r}: mend the condition")
        nothing = f"no rows with a {table.weight!r} above 0" if table.weight else "no rows"
        raise TableError(f"{source} has a header and {nothing}: there is nothing to fit")
    if strict and n_skipped:
        raise TableError(
            f"{source}: {n_skipped:,} of {n_rows:,} rows have an empty or non-finite {x!r} or "
            f"{y!r}: mend them, or leave out --strict to skip them"
        )
    if n_points == 0:
        raise TableError(
            f"{source}: every row has an empty or non-finite {x!r} or {y!r}: choose other columns "
            "with -x and -y, or mend these"
        )
    if n_points == 1:
        raise TableError(
            f"{source} has one row with a point: a fit needs at least two different points"
        )
    if table.weight is not None:
        _check_weights(table, kept)


def _check_weights(table: Table, kept: Totals) -> None:
    column = f"{table.source}: column {table.weight!r}"
    least, most = kept.weights[:, 0].min(), kept.weights[:, 1].max()
    if kept.weights[:, 2].any():
        missing = "empty" if table.dialect is None else "empty or not a number, as NaN or NA"
        raise TableError(f"{column} has weights that are {missing}: give each row one")
    if not (least >= 0 and most <= LARGEST):
        wrong = least if not least >= 0 else most
        raise TableError(f"{column} holds the weight {wrong:g}: weights are finite and 0 or more")
    with np.errstate(over="ignore"):
        total = kept.counts.sum()
    if not np.isfinite(total):
        raise TableError(
            f"{table.source}: the weights in {table.weight!r} are too large to be added up"
        )


def check_number(table: Table, n_points: int) -> None:
    """Refuse more distinct points than a run can have as cells.

    Raises:
        TableError: saying how many there are.
    """
    if n_points > CELLS_AT_MOST:
        raise TableError(
            f"{table.source} has {n_points:,} distinct points, and --exact takes at most "
            f"{CELLS_AT_MOST:,}: leave out --exact"
        )


def check_spread(table: Table, cells: Cells) -> None:
    """Refuse points that are all equal, or lie where double precision has no numbers.

    Raises:
        TableError: when they do.
    """
    if not (cells.means != cells.means[0]).any() and not cells.covariances.any():
        point = ", ".join(f"{value:g}" for value in cells.means[0])
        raise TableError(
            f"{table.source}: all points equal ({point}): a fit needs points that differ; choose "
            "other columns with -x and -y"
        )
    try:
        find_whitening(cells, "full")
    except TableError as error:
        largest = np.abs(cells.means).max(axis=0)
        sizes = (f"{size:g} in {name!r}" for name, size in zip(table.columns, largest, strict=True))
        raise TableError(
            f"{table.source}: {error}; the largest in size are {' and '.join(sizes)}"
        ) from None


def check_distinct_points(cells: Cells, n_components: int) -> None:
    """Raise where there are fewer distinct points than components.

    Raises:
        TableError: saying how many there are.
    """
    if cells.n_cells < n_components:
        raise TableError(
            f"{cells.n_cells} distinct points cannot hold {n_components} components: "
            f"ask for at most {cells.n_cells}"
        )


def check_box(cells: Cells, start: Mixture) -> None:
    """Refuse a start whose background has a box that some cells lie outside.

    Args:
        cells: in data units.
        start: in data units.

    Raises:
        FitError: when it has.
    """
    if start.background is not None and not start.background.contains(cells.means).all():
        (x_low, x_high), (y_low, y_high) = start.background.box.tolist()
        raise FitError(
            f"points lie outside the box of the start's background, {x_low:g} to {x_high:g} by "
            f"{y_low:g} to {y_high:g}: widen it, or leave the background out"
        )
