"""The parts of a table, one for each value of a column: their cells, or where their rows are.

Every part is fitted as if the table had no other rows. Those of few rows are read one after the
other, in one pass for all; one of more rows is a table of its own, for `compression`.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import groupby
from operator import itemgetter

import pyarrow as pa

from gmmcli.core.cells.cells import Cells
from gmmcli.core.cells.compression import gather
from gmmcli.core.cells.grain import Grain
from gmmcli.core.tables.partition import Partition
from gmmcli.core.tables.table import Table
from gmmcli.errors import TableError
from gmmcli.settings import EXACT_ROWS


@dataclass(frozen=True, eq=False)
class Points:
    """The rows of a part that have been read.

    Attributes:
        cells: the distinct points.
        grain: what they were written down with.
        n_skipped: the rows left out.
    """

    cells: Cells
    grain: Grain
    n_skipped: int


@dataclass(frozen=True, eq=False)
class Part:
    """The rows of a value.

    Attributes:
        value: as text.
        n_rows: how many.
        points: what was read of them; None of a part that is a table of its own.
        problem: why they cannot be fitted; empty where they can.
    """

    value: str
    n_rows: int
    points: Points | None = None
    problem: str = ""


def read_parts(
    table: Table, partition: Partition, counts: Mapping[str, int], *, strict: bool = False
) -> Iterator[Part]:
    """The parts of a table in the order of the file that they are read from.

    Rows without a value are in none.

    Args:
        table: all rows.
        partition: the same, in the order of the values.
        counts: the rows of each value there; the points of those of few are read.
        strict: refuse rows with an empty or non-finite coordinate rather than skip them.
    """
    for value, pieces in groupby(partition.read(), itemgetter(0)):
        if value is not None and counts[value] > EXACT_ROWS:
            yield Part(value, counts[value])
        elif value is not None:
            rows = pa.concat_tables([piece for _, piece in pieces])
            yield _gather(replace(table, source=partition.name(value)), value, rows, strict=strict)


def _gather(table: Table, value: str, rows: pa.Table, *, strict: bool) -> Part:
    """The part with some rows, or why they cannot be fitted; a table that messages call so."""
    try:
        found = gather(table, rows, strict=strict)
    except TableError as error:
        return Part(value, rows.num_rows, problem=str(error))
    points = Points(found.cells, found.grain, found.n_skipped)
    return Part(value, rows.num_rows, points)
