"""Which rows of a table a mixture takes for strays: those that its background explains best."""

import numpy as np

from gmmcli.core.cells.totals import read_numbers
from gmmcli.core.mixture.mixture import Mixture
from gmmcli.core.tables.table import Table
from gmmcli.settings import EXACT_ROWS


def find_strays(table: Table, mixture: Mixture, *, most_rows: int = EXACT_ROWS) -> list[int]:
    """The rows whose likeliest origin is the background, by number from 1 on; strangest first.

    None of a table of more rows than are read, or where rows are left out for their weights
    or by a condition, as then they have other numbers.

    Args:
        table: the rows.
        mixture: in the units of the coordinates.
        most_rows: how many are read at most.

    Raises:
        TableError: when the rows cannot be read.
    """
    if mixture.background is None or table.weight is not None or table.where is not None:
        return []
    head = table.read_first(most_rows + 1)
    if head.num_rows > most_rows:
        return []
    points = read_numbers(head, *head.column_names)[:, :2]
    (rows,) = np.nonzero(np.isfinite(points).all(axis=1))
    points = points[rows]
    likeliest = mixture.responsibilities(points).max(axis=1)
    are_strays = mixture.background_responsibilities(points) > likeliest
    rows, likeliest = rows[are_strays] + 1, likeliest[are_strays]
    strangest = np.argsort(likeliest, kind="stable")
    return [int(row) for row in rows[strangest]]
