"""Tables of points: a source with two chosen numeric columns, and perhaps one of weights.

Everything that can be wrong with the columns of a user's table is found here, and said in one line.
How a source is opened is in `opening`.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import ibis.expr.datatypes as dt
import ibis.expr.types as ir
import pyarrow as pa

from gmmcli.core.tables.complaints import translate_errors
from gmmcli.core.tables.dialect import MISSING, Dialect
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
        return self.dialect is None or self.dialect.has_header

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
        return _parse_number(self.dataset, name)

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
        columns = _choose_columns(dataset, (x, y), (weight, by), source=source.name)
        numbers = [name for name in (*columns, weight) if name is not None]
        for name in numbers:
            _check_type(dataset, name, source=source.name)
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


def _parse_number(dataset: Dataset, name: str, *, lenient: bool = False) -> ir.Value:
    """A column as float64; where lenient, what is no number is null."""
    column = dataset.rows[name]
    if not column.type().is_string():
        return column.cast("float64")
    text = column.strip()
    for missing in MISSING:  # DuckDB would make a join of `isin`, and lose the order of the rows
        text = text.nullif(missing)
    if dataset.dialect is not None and dataset.dialect.decimal_comma:
        text = text.replace(",", ".")
    return text.try_cast("float64") if lenient else text.cast("float64")


def _choose_columns(
    dataset: Dataset,
    coordinates: tuple[str | None, str | None],
    taken: tuple[str | None, str | None],
    *,
    source: str,
) -> tuple[str, str]:
    """The names of the coordinates: those that the user gave, or the first numeric columns.

    Args:
        dataset: all columns.
        coordinates: the names that the user gave.
        taken: the names of the column of weights, and of that whose values part the rows.
        source: what messages call the table.
    """
    x, y = coordinates
    names = [str(name) for name in dataset.rows.columns]
    for name in (*coordinates, *taken):
        if name is not None and name not in names:
            raise TableError(f"{source} has no column {name!r}; it has {_quote(names)}")
    others = [name for name in names if name not in (*coordinates, *taken)]
    free = _find_numeric_columns(dataset, others)
    chosen_x = x if x is not None else next(free, None)
    chosen_y = y if y is not None else next(free, None)
    if chosen_x is None or chosen_y is None:
        raise TableError(_explain_lack(dataset, taken, source=source))
    if chosen_x == chosen_y:
        raise TableError(f"-x and -y both name {chosen_x!r}: give two different columns")
    return chosen_x, chosen_y


def _explain_lack(dataset: Dataset, taken: tuple[str | None, str | None], *, source: str) -> str:
    """Why there are no two columns of numbers to choose, in one line; see `_choose_columns`."""
    if dataset.rows.limit(1).count().to_pyarrow().as_py() == 0:
        # A length of more than one row and a half is more than a header.
        if (dataset.n_rows_about or 0) > 1.5:  # DuckDB passed over what did not fit
            return f"{source}: rows differ in their number of fields: mend the last"
        return f"{source} has a header and no rows: there is nothing to fit"
    weight, by = taken
    uses = [("the weight", weight), ("that of --by,", by)]
    others = [f"{use} {name!r}" for use, name in uses if name is not None]
    n_others = len(dataset.rows.columns) - len(others)
    remedy = "name the columns with -x and -y, or mend their values"
    if n_others < 2:
        remedy = "give a table with both coordinates"
    beside = f" beside {' and '.join(others)}" if others else ""
    return (
        f"{source} needs two numeric columns{beside}; it has {_describe_columns(dataset.rows)}: "
        f"{remedy}"
    )


def _find_numeric_columns(
    dataset: Dataset, names: Sequence[str], *, n_sampled: int = 1000
) -> Iterator[str]:
    """The columns that hold numbers, or mostly numbers, in their order.

    One bad value makes a whole column text to the reader; leaving such a column out would fit
    another one in its place without a word.

    Args:
        dataset: all columns.
        names: of those to look at.
        n_sampled: how many of the first rows with text in a column are looked at.
    """
    for name in names:
        column = dataset.rows[name]
        if column.type().is_numeric():
            yield name
        elif column.type().is_string() and dataset.text_may_be_numbers:
            numbers = _parse_number(dataset, name, lenient=True)
            sample = dataset.rows.filter(column.notnull()).select(number=numbers).limit(n_sampled)
            values = sample.aggregate(rows=sample.count(), numbers=sample.number.count())
            found = values.to_pyarrow()
            n_rows, n_numbers = found["rows"][0].as_py(), found["numbers"][0].as_py()
            if n_rows > 0 and n_numbers * 2 > n_rows:
                yield name


def _check_type(dataset: Dataset, name: str, *, source: str) -> None:
    kind = dataset.rows[name].type()
    if not (kind.is_numeric() or (kind.is_string() and dataset.text_may_be_numbers)):
        raise TableError(f"{source}: column {name!r} is {_name_kind(kind)}, not numbers")


def _quote(names: Sequence[str]) -> str:
    return ", ".join(repr(name) for name in names)


def _describe_columns(rows: ir.Table) -> str:
    columns = zip(rows.columns, rows.schema().types, strict=True)
    return ", ".join(f"{name!r} ({_name_kind(kind)})" for name, kind in columns)


def _name_kind(kind: dt.DataType) -> str:
    return "number" if kind.is_numeric() else "text" if kind.is_string() else str(kind)
