"""The rows of a table in the order of the values of one of its columns.

One query of the table's own engine, which sorts on disk what memory does not hold, writes the
coordinates, the weights and these values to a Parquet file; what wants the rows of one value, or of
one after the other, then reads that. Here values are text, and so they are in the file, but for
floating-point numbers: engines write these each in their own way, and here there is one.
"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import ibis
import ibis.expr.types as ir
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from gmmcli.core.tables.engine import BATCH_ROWS, have_twins, rename
from gmmcli.core.tables.fields import read_word
from gmmcli.core.tables.sink import write_rows
from gmmcli.core.tables.source import Source
from gmmcli.core.tables.table import Table, open_table


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
        column = rows[self.by]
        is_number = column.type().is_floating()
        wanted = ibis.literal(float(value)).cast(column.type()) if is_number else value
        return replace(table, dataset=replace(table.dataset, rows=rows.filter(column == wanted)))

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
        TableError: when the rows cannot be read.
        OutputError: when the file cannot be written.
    """
    if table.by is None:
        raise AssertionError("nothing parts the rows")
    engine, rows = table.dataset.engine, sort_by_value(table)
    with table.translate_errors():
        if engine.write_parquet is not None and not have_twins(rows.columns):
            engine.write_parquet(rows, path)
        else:
            schema, batches = rename(engine.stream(rows, BATCH_ROWS), rows.columns)
            write_rows(batches, schema, path)
    return Partition(path, table.source, table.columns, table.by, table.weight)


def sort_by_value(table: Table) -> ir.Table:
    """The numbers of a table and the value of each row, in the order of the values."""
    rows, names = table.dataset.rows, [*table.columns]
    if table.weight is not None:
        weight = table.parse_number(table.weight)
        rows = rows.filter(weight.isnull() | (weight != 0))
        names.append(table.weight)
    parsed = replace(table, dataset=replace(table.dataset, rows=rows))
    numbers = {name: parsed.parse_number(name) for name in names}
    values = {name: _write_text(value) for name, value in read_value(table, rows).items()}
    return rows.select(**numbers, **values).order_by(*values)


def read_value(table: Table, rows: ir.Table) -> dict[str, ir.Value]:
    """The column `Table.by` of some rows of a table, or its expression, by name; empty without one.

    Numbers stay numbers, and what else there is becomes text. Null where a row has no value: NaN,
    empty text, and in text files what stands for nothing.
    """
    if table.by is None:
        return {}
    column = table.take_value(rows)
    if column.type().is_floating():  # of which not every engine can say whether they are NaN
        return {table.by: (column.cast("string").lower() == "nan").ifelse(None, column)}
    if column.type().is_numeric():
        return {table.by: column}
    text = column.cast("string")
    if table.dialect is None:
        return {table.by: text.nullif("")}
    return {table.by: read_word(text).isnull().ifelse(None, text)}


def _write_text(value: ir.Value) -> ir.Value:
    """A value as text, unless it is a floating-point number."""
    return value if value.type().is_floating() else value.cast("string")


def _find_runs(values: pa.Array) -> Iterator[tuple[str | None, int, int]]:
    """Each value of a column, as text, and from where to where it goes on."""
    runs, begin = pc.run_end_encode(values), 0
    texts = runs.values.to_pylist()
    if pa.types.is_floating(values.type):
        # The fewest digits that tell a number of its precision from others; 0.0 for -0.0.
        numbers = runs.values.to_numpy(zero_copy_only=False) + 0
        texts = [None if np.isnan(number) else str(number) for number in numbers]
    for text, end in zip(texts, runs.run_ends.to_pylist(), strict=True):
        yield text, begin, end
        begin = end
