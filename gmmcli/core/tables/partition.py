"""The rows of a table in the order of the values of one of its columns.

One query of the table's own engine, which sorts on disk what memory does not hold, writes the
coordinates, the weights and these values to a Parquet file; what wants the rows of one value, or of
one after the other, then reads that.
"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import ibis.expr.types as ir
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from gmmcli.core.tables.complaints import translate_errors
from gmmcli.core.tables.dialect import MISSING
from gmmcli.core.tables.sink import write_rows
from gmmcli.core.tables.source import Source
from gmmcli.core.tables.table import Table, open_table
from gmmcli.errors import TableError


@dataclass(frozen=True)
class Partition:
    """A file with the rows of a table in the order of the values of a column.

    Attributes:
        path: of the file, whose columns are called as those of the table.
        source: what messages call the table.
        columns: the names of the two coordinates.
        by: the name of the column.
        weight: that of the weights; None where there are none.
    """

    path: Path
    source: str
    columns: tuple[str, str]
    by: str
    weight: str | None

    def name(self, value: str) -> str:
        """What messages call the rows of a value."""
        return f"{self.source}, {self.by} {value}"

    def open(self, value: str) -> Table:
        """The rows of a value, as a table of their own."""
        x, y = self.columns
        source = Source(str(self.path), label=self.name(value))
        table = open_table(source, x=x, y=y, weight=self.weight)
        rows = table.dataset.rows
        own = replace(table.dataset, rows=rows.filter(rows[self.by] == value))
        return replace(table, dataset=own)

    def count_rows(self) -> tuple[dict[str, int], int]:
        """How many rows there are of each value, in the order of the file, and without one."""
        counts: Counter[str | None] = Counter()
        with pq.ParquetFile(self.path) as file:
            for batch in file.iter_batches(columns=[self.by]):
                for value, begin, end in _find_runs(batch.column(self.by)):
                    counts[value] += end - begin
        n_without = counts.pop(None, 0)
        return {value: n for value, n in counts.items() if value is not None}, n_without

    def read(self) -> Iterator[tuple[str | None, pa.Table]]:
        """The rows in pieces of one value each, in the order of the file; None: without one.

        The pieces of a value follow each other. Their columns are x, y and perhaps weight.
        """
        numbers = [*self.columns, *([] if self.weight is None else [self.weight])]
        names = ["x", "y", "weight"][: len(numbers)]
        with pq.ParquetFile(self.path) as file:
            for batch in file.iter_batches(columns=[*numbers, self.by]):
                rows = pa.table([batch.column(name) for name in numbers], names=names)
                for value, begin, end in _find_runs(batch.column(self.by)):
                    yield value, rows.slice(begin, end - begin)


def partition(table: Table, path: Path) -> Partition:
    """Write the rows of a table to a Parquet file in the order of the values of `Table.by`.

    Rows of the weight 0 are left out.

    Args:
        table: the rows.
        path: of the file.

    Raises:
        TableError: when the rows cannot be read, or `Table.by` names no column.
        OutputError: when the file cannot be written.
    """
    if table.by is None:
        raise TableError(f"{table.source} is not parted by a column: name one")
    engine, rows = table.dataset.engine, sort_by_value(table)
    with translate_errors(table.source):
        if engine.write_parquet is not None:
            engine.write_parquet(rows, path)
        else:
            reader = engine.stream(rows, 200_000)
            write_rows(reader, reader.schema, path)
    return Partition(path, table.source, table.columns, table.by, table.weight)


def sort_by_value(table: Table) -> ir.Table:
    """The numbers of a table and the value of each row, as text, in the order of the values."""
    rows, names = table.dataset.rows, [*table.columns]
    if table.weight is not None:
        weight = table.parse_number(table.weight)
        rows = rows.filter(weight.isnull() | (weight != 0))
        names.append(table.weight)
    parsed = replace(table, dataset=replace(table.dataset, rows=rows))
    numbers = {name: parsed.parse_number(name) for name in names}
    return rows.select(**numbers, **read_value(table, rows)).order_by(str(table.by))


def read_value(table: Table, rows: ir.Table) -> dict[str, ir.Value]:
    """The column `Table.by` of some rows of a table, by its name, as text; empty without one.

    Null where a row has no value: NaN, empty text, and in text files what stands for nothing.
    """
    if table.by is None:
        return {}
    column = rows[table.by]
    text = column.cast("string")
    if column.type().is_floating():  # of which not every engine can say whether they are NaN
        text = (text.lower() == "nan").ifelse(None, text)
    for missing in MISSING if table.dialect is not None else [""]:
        text = text.nullif(missing)
    return {table.by: text}


def _find_runs(values: pa.Array) -> Iterator[tuple[str | None, int, int]]:
    """Each value of a column, and from where to where it goes on."""
    runs, begin = pc.run_end_encode(values), 0
    for value, end in zip(runs.values.to_pylist(), runs.run_ends.to_pylist(), strict=True):
        yield value, begin, end
        begin = end
