"""Tables of points: a source with two chosen numeric columns, and perhaps one of weights.

Everything that can be wrong with the columns of a user's table is found here, and said in one line.
How a source is opened is in `engines`.
"""

import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import ibis.expr.types as ir

from gmmcli.core.tables.dialect import MISSING
from gmmcli.core.tables.engines import Opened, Source, open_source, readable_errors
from gmmcli.errors import TableError

SAMPLE_ROWS = 1000
# About so many lines are more than a header.
MORE_THAN_ONE = 1.5
LARGEST = sys.float_info.max


@dataclass(frozen=True)
class Table:
    """Rows with two numeric columns, not read yet.

    Attributes:
        opened: all columns, and what runs expressions over them.
        columns: the names of the two coordinates in the source.
        source: what messages call the table.
        weight: the name of the column of weights; None where every row counts as 1.
        is_plain: whether every coordinate is taken to be finite, or nothing at all.
    """

    opened: Opened
    columns: tuple[str, str]
    source: str
    weight: str | None = None
    is_plain: bool = False

    @property
    def has_header(self) -> bool:
        """Whether the source names its columns."""
        return self.opened.dialect is None or self.opened.dialect.has_header

    @property
    def rows(self) -> ir.Table:
        """The float64 columns x, y and perhaps weight, of the rows whose weight is not 0."""
        x, y = (self.coordinate(name) for name in self.columns)
        if self.weight is None:
            return self.opened.rows.select(x=x, y=y)
        weighted = self.opened.rows.select(x=x, y=y, weight=self.coordinate(self.weight))
        return weighted.filter(weighted.weight.isnull() | (weighted.weight != 0))

    def coordinate(self, name: str) -> ir.Value:
        """A column as float64."""
        return _number(self.opened, name)

    def plainly(self) -> "Table":
        """The same rows, read in less time where nothing but finite numbers is in them."""
        numbers = [name for name in (*self.columns, self.weight) if name is not None]
        return replace(
            self, opened=self.opened.reading_numbers(numbers, plainly=True), is_plain=True
        )


def open_table(
    source: Source,
    *,
    x: str | None = None,
    y: str | None = None,
    weight: str | None = None,
    as_text: bool = False,
) -> Table:
    """The table of a source.

    Args:
        source: what the user named.
        x: the column of the first coordinate; the first numeric column by default.
        y: the column of the second; the next numeric column by default.
        weight: the column of weights.
        as_text: read the columns of text files as they are written.

    Raises:
        TableError: when the source cannot be read, is empty, or lacks the columns.
    """
    opened = open_source(source, (x, y, weight), as_text=as_text)
    with readable_errors(source.name):
        columns = _choose_columns(opened, x, y, weight, source=source.name)
        numbers = [name for name in (*columns, weight) if name is not None]
        for name in numbers:
            _check_type(opened, name, source=source.name)
        return Table(opened.reading_numbers(numbers), columns, source.name, weight)


def both_finite(x: ir.Value, y: ir.Value) -> ir.Value:
    """Whether two coordinates are finite: null or false where one is empty, NaN or infinite."""
    return (x.abs() <= LARGEST) & (y.abs() <= LARGEST)


def _number(opened: Opened, name: str, *, lenient: bool = False) -> ir.Value:
    """A column as float64; where lenient, what is no number is null."""
    column = opened.rows[name]
    if not column.type().is_string():
        return column.cast("float64")
    text = column.strip()
    for missing in MISSING:  # DuckDB would make a join of `isin`, and lose the order of the rows
        text = text.nullif(missing)
    if opened.dialect is not None and opened.dialect.decimal_comma:
        text = text.replace(",", ".")
    return text.try_cast("float64") if lenient else text.cast("float64")


def _choose_columns(
    opened: Opened, x: str | None, y: str | None, weight: str | None, *, source: str
) -> tuple[str, str]:
    names = [str(name) for name in opened.rows.columns]
    for name in (x, y, weight):
        if name is not None and name not in names:
            raise TableError(f"{source} has no column {name!r}; it has {_listed(names)}")
    free = _numeric_columns(opened, [name for name in names if name not in (x, y, weight)])
    chosen_x = x if x is not None else next(free, None)
    chosen_y = y if y is not None else next(free, None)
    if chosen_x is None or chosen_y is None:
        if opened.rows.limit(1).count().to_pyarrow().as_py() == 0:
            if (opened.n_rows_about or 0) > MORE_THAN_ONE:  # DuckDB passed over what did not fit
                raise TableError(f"{source}: rows differ in their number of fields: mend the last")
            raise TableError(f"{source} has a header and no rows: there is nothing to fit")
        beside = f" beside the weight {weight!r}" if weight is not None else ""
        raise TableError(
            f"{source} needs two numeric columns{beside}; it has {_described(opened.rows)}: "
            "name the columns with -x and -y, or mend their values"
        )
    if chosen_x == chosen_y:
        raise TableError(f"-x and -y both name {chosen_x!r}: give two different columns")
    return chosen_x, chosen_y


def _numeric_columns(opened: Opened, names: Sequence[str]) -> Iterator[str]:
    """The columns that hold numbers, or mostly numbers, in their order.

    One bad value makes a whole column text to the reader; leaving such a column out would fit
    another one in its place without a word.
    """
    for name in names:
        column = opened.rows[name]
        if column.type().is_numeric():
            yield name
        elif column.type().is_string() and opened.text_may_be_numbers:
            numbers = _number(opened, name, lenient=True)
            sample = opened.rows.filter(column.notnull()).select(number=numbers).limit(SAMPLE_ROWS)
            values = sample.aggregate(rows=sample.count(), numbers=sample.number.count())
            found = values.to_pyarrow()
            n_rows, n_numbers = found["rows"][0].as_py(), found["numbers"][0].as_py()
            if n_rows > 0 and n_numbers * 2 > n_rows:
                yield name


def _check_type(opened: Opened, name: str, *, source: str) -> None:
    kind = opened.rows[name].type()
    if not (kind.is_numeric() or (kind.is_string() and opened.text_may_be_numbers)):
        raise TableError(f"{source}: column {name!r} is {kind}, not numbers")


def _listed(names: Sequence[str]) -> str:
    return ", ".join(repr(name) for name in names)


def _described(rows: ir.Table) -> str:
    kinds = ("number" if kind.is_numeric() else str(kind) for kind in rows.schema().types)
    columns = zip(rows.columns, kinds, strict=True)
    return ", ".join(f"{name!r} ({kind})" for name, kind in columns)
