"""Tables of points: a source with two chosen numeric columns, and perhaps one of weights.

How a source is opened is in `opening`, how its columns are chosen in `columns`.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import ibis.expr.datatypes as dt
import ibis.expr.types as ir
import pyarrow as pa

from gmmcli.core.tables.columns import check_type, choose_columns, parse_number
from gmmcli.core.tables.complaints import translate_errors
from gmmcli.core.tables.dialect import Dialect
from gmmcli.core.tables.engine import BATCH_ROWS, Dataset
from gmmcli.core.tables.opening import open_source
from gmmcli.core.tables.source import Source
from gmmcli.errors import TableError

# Types that every driver and every format knows.
COMMON_TYPES = (dt.Boolean, dt.Integer, dt.Floating, dt.String, dt.Date, dt.Timestamp)


@dataclass(frozen=True)
class Table:
    """Rows with two numeric columns, not read yet.

    Attributes:
        dataset: all columns, and what runs expressions over them.
        columns: the names of the two coordinates in the source.
        source: what messages call the table.
        weight: the name of the column of weights; None where every row counts as 1.
        by: the name of the column whose values part the rows; None where none does.
        is_plain: whether every coordinate is taken to be finite, or nothing at all.
    """

    dataset: Dataset
    columns: tuple[str, str]
    source: str
    weight: str | None = None
    by: str | None = None
    is_plain: bool = False

    @property
    def dialect(self) -> Dialect | None:
        """The layout of text files; None of others."""
        return self.dataset.dialect

    @property
    def has_header(self) -> bool:
        """Whether the source names its columns."""
        return self.dialect is None or self.dialect.has_header is not False

    @property
    def n_rows_about(self) -> float | None:
        """Roughly how many rows there are, where that is known without reading them."""
        return self.dataset.n_rows_about

    @property
    def rows(self) -> ir.Table:
        """The float64 columns x, y and perhaps weight, of the rows whose weight is not 0."""
        x, y = (self.parse_number(name) for name in self.columns)
        if self.weight is None:
            return self.dataset.rows.select(x=x, y=y)
        weighted = self.dataset.rows.select(x=x, y=y, weight=self.parse_number(self.weight))
        return weighted.filter(weighted.weight.isnull() | (weighted.weight != 0))

    def parse_number(self, name: str) -> ir.Value:
        """A column as float64: null where it is empty, and an error where it is no number."""
        return parse_number(self.dataset, name)

    def assume_plain(self) -> "Table":
        """The same rows, read in less time where nothing but finite numbers is in them."""
        numbers = [name for name in (*self.columns, self.weight) if name is not None]
        dataset = self.dataset.read_numbers(numbers, plainly=True)
        return replace(self, dataset=dataset, is_plain=True)

    def relay(self, columns: Sequence[str] | None = None) -> "Table":
        """The same rows for long expressions, to be read once, in an engine that is made for these.

        Args:
            columns: those that are wanted beside the coordinates; all by default.

        Raises:
            TableError: when they cannot be read.
        """
        engine, rows = self.dataset.engine, self.dataset.rows
        if engine.relay is None:
            return self
        if columns is not None:
            rows = rows.select(*dict.fromkeys([*self.columns, *columns]))
        with translate_errors(self.source):
            read = engine.stream(cast_rare_types(rows), BATCH_ROWS)
            return replace(self, dataset=engine.relay(read))

    def read(self, expression: ir.Table) -> pa.Table:
        """The rows of an expression over this table, all at once.

        Raises:
            TableError: when they cannot be read.
        """
        with translate_errors(self.source):
            return expression.to_pyarrow()

    def read_first(self, n_rows: int) -> pa.Table:
        """The first of `rows` in the order of the source, at most so many.

        Raises:
            TableError: when they cannot be read.
        """
        with translate_errors(self.source):
            return self.dataset.engine.read_first(self.rows, n_rows)


def open_table(
    source: Source,
    *,
    x: str | None = None,
    y: str | None = None,
    weight: str | None = None,
    by: str | None = None,
    as_text: bool = False,
) -> Table:
    """The table of a source.

    Args:
        source: what the user named.
        x: the column of the first coordinate; the first numeric column by default.
        y: the column of the second; the next numeric column by default.
        weight: the column of weights.
        by: the column whose values part the rows.
        as_text: read the columns of text files as they are written.

    Raises:
        TableError: when the source cannot be read, is empty, or lacks the columns.
    """
    dataset = open_source(source, (x, y, weight, by), as_text=as_text)
    with translate_errors(source.name):
        columns = choose_columns(dataset, (x, y), (weight, by), source=source.name)
        numbers = [name for name in (*columns, weight) if name is not None]
        for name in numbers:
            check_type(dataset, name, source=source.name)
        if by in numbers:
            raise TableError(
                f"--by names {by!r}, which is a coordinate or the weight: name another"
            )
        texts = [] if by is None else [by]
        dataset = dataset.read_numbers(numbers, texts=texts)
        return Table(dataset, columns, source.name, weight, by)


def cast_rare_types(rows: ir.Table) -> ir.Table:
    """The rows with columns of other types than the common ones as text."""
    rare = [
        name
        for name, kind in rows.schema().items()
        if not isinstance(kind, COMMON_TYPES) and not (kind.is_decimal() and kind.precision)
    ]
    return rows.mutate(**{name: rows[name].cast("string") for name in rare})
