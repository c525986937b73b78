"""Tables of points: a source with two chosen numeric columns, and perhaps one of weights.

Everything that can be wrong with the columns of a user's table is found here, and said in one line.
How a source is opened is in `opening`, and what an expression of columns is in `formulas`.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import reduce
from operator import or_

import ibis.expr.datatypes as dt
import ibis.expr.types as ir
import pyarrow as pa

from gmmcli.core.tables.complaints import translate_errors
from gmmcli.core.tables.dialect import MISSING, Dialect
from gmmcli.core.tables.engine import Dataset
from gmmcli.core.tables.formulas import Formula, Kind, mention_columns, read_formulas
from gmmcli.core.tables.opening import open_source
from gmmcli.core.tables.source import Source
from gmmcli.errors import TableError


@dataclass(frozen=True)
class Table:
    """Rows with two numeric columns, not read yet.

    Attributes:
        dataset: all columns, and what runs expressions over them.
        columns: the two coordinates: names of columns in the source, or expressions of them.
        source: what messages call the table.
        weight: the column of weights, or an expression; None where every row counts as 1.
        by: the column whose values part the rows, or an expression; None where none does.
        is_plain: whether every coordinate is taken to be finite, or nothing at all.
        where: the condition that all rows meet, as it was written; None where there is none.
        formulas: what of all this is no column, but an expression of columns, by its text.
        selection: one row with the numbers of all rows, and of those that meet the condition.
    """

    dataset: Dataset
    columns: tuple[str, str]
    source: str
    weight: str | None = None
    by: str | None = None
    is_plain: bool = False
    where: str | None = None
    formulas: Mapping[str, Formula] = field(default_factory=dict)
    selection: ir.Table | None = None

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
        """A column as float64: null where it is empty, and an error where it is no number.

        Args:
            name: of the column, or an expression among `columns` and `weight`.
        """
        if name in self.formulas:
            return self._evaluate(self.formulas[name])
        return _parse_number(self.dataset, name)

    def take_value(self, rows: ir.Table) -> ir.Value:
        """What parts some rows of this table: the column `by`, or its expression."""
        name = str(self.by)
        if name not in self.formulas:
            return rows[name]
        return replace(self, dataset=replace(self.dataset, rows=rows))._evaluate(
            self.formulas[name]
        )

    def assume_plain(self) -> "Table":
        """The same rows, read in less time where nothing but finite numbers is in them."""
        return replace(self._read_columns(plainly=True), is_plain=True)

    def count_selected(self) -> tuple[int, int]:
        """How many rows meet the condition, of how many.

        Raises:
            TableError: when they cannot be read, or there is no condition.
        """
        if self.selection is None:
            raise TableError(f"{self.source}: no condition chooses rows")
        counts = self.read(self.selection)
        return counts["selected"][0].as_py() or 0, counts["all"][0].as_py()

    def _read_columns(self, *, plainly: bool = False) -> "Table":
        """The same table with its columns read as what they are wanted as, and its rows chosen."""
        asked = [name for name in (*self.columns, self.weight) if name is not None]
        numbers = [name for name in asked if name not in self.formulas]
        texts = [] if self.by is None or self.by in self.formulas else [self.by]
        for formula in self.formulas.values():
            numbers += formula.list_columns("number")
            texts += formula.list_columns("text")
        dataset = self.dataset.read_numbers(numbers, plainly=plainly, texts=texts)
        if self.where is None:
            return replace(self, dataset=dataset)
        everything = dataset.rows
        condition = replace(self, dataset=dataset)._evaluate(self.formulas[self.where])
        counts = {"all": everything.count(), "selected": condition.cast("int64").sum()}
        chosen = replace(dataset, rows=everything.filter(condition), n_rows_about=None)
        return replace(self, dataset=chosen, selection=everything.aggregate(**counts))

    def _evaluate(self, formula: Formula) -> ir.Value:
        return formula.build(lambda name: _take(self.dataset, name, formula.uses[name]))

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
    asked = [text for text in (x, y, weight, by, source.where) if text is not None]
    mentioned = [name for text in asked for name in mention_columns(text)]
    dataset = open_source(source, mentioned, as_text=as_text)
    with translate_errors(source.name):
        wanted: list[tuple[str | None, Kind]] = [(name, "number") for name in (x, y, weight)]
        wanted += [(by, "any"), (source.where, "truth")]
        formulas = read_formulas(wanted, [str(n) for n in dataset.rows.columns], source.name)
        for formula in formulas.values():
            for name, use in formula.uses.items():
                _check_use(dataset, name, use, source=source.name)
        columns = _choose_columns(dataset, (x, y), (weight, by), formulas, source=source.name)
        numbers = [name for name in (*columns, weight) if name is not None]
        for name in numbers:
            if name not in formulas:
                _check_type(dataset, name, source=source.name)
        if by in numbers:
            raise TableError(
                f"--by names {by!r}, which is a coordinate or the weight: name another"
            )
        table = Table(dataset, columns, source.name, weight, by, False, source.where, formulas)
        return table._read_columns()


def _check_use(dataset: Dataset, name: str, use: Kind, *, source: str) -> None:
    """Raise where a column cannot be what an expression wants of it."""
    kind, is_written = dataset.rows[name].type(), dataset.dialect is not None
    if use == "number":
        _check_type(dataset, name, source=source)
    elif use == "text" and kind.is_numeric() and not is_written:
        raise TableError(
            f"{source}: column {name!r} is numbers: compare it with one, not with text"
        )
    elif use == "truth" and (is_written or not kind.is_boolean()):
        raise TableError(
            f"{source}: column {name!r} is {_name_kind(kind)}, no condition: compare it with "
            "something"
        )


def _take(dataset: Dataset, name: str, use: Kind) -> ir.Value:
    """A column as an expression wants it."""
    column = dataset.rows[name]
    if use == "number" or (use == "any" and column.type().is_numeric()):
        return _parse_number(dataset, name)
    if use == "truth":
        return column
    text = column.cast("string")
    return text if dataset.dialect is None else _drop_missing(text)


def _parse_number(dataset: Dataset, name: str, *, lenient: bool = False) -> ir.Value:
    """A column as float64; where lenient, what is no number is null."""
    column = dataset.rows[name]
    if not column.type().is_string():
        return column.cast("float64")
    text = _drop_missing(column.strip())
    if dataset.dialect is not None and dataset.dialect.decimal_comma:
        text = text.replace(",", ".")
    return text.try_cast("float64") if lenient else text.cast("float64")


def _drop_missing(text: ir.Value) -> ir.Value:
    """Text, or null where it stands for nothing.

    DuckDB would make a join of `isin`, and lose the order of the rows; and Spark writes the operand
    of every `nullif` twice, those within each other a thousand times.
    """
    is_missing = reduce(or_, (text == missing for missing in MISSING))
    return is_missing.ifelse(None, text)


def _choose_columns(
    dataset: Dataset,
    coordinates: tuple[str | None, str | None],
    taken: tuple[str | None, str | None],
    formulas: Mapping[str, Formula],
    *,
    source: str,
) -> tuple[str, str]:
    """The coordinates: those that the user gave, or the first numeric columns.

    Args:
        dataset: all columns.
        coordinates: the names that the user gave.
        taken: the names of the column of weights, and of that whose values part the rows.
        formulas: what of all these is an expression, whose columns are not chosen by themselves.
        source: what messages call the table.
    """
    x, y = coordinates
    names = [str(name) for name in dataset.rows.columns]
    given = [name for name in (*coordinates, *taken) if name is not None]
    used = {column for name in given if name in formulas for column in formulas[name].uses}
    others = [name for name in names if name not in given and name not in used]
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


def _describe_columns(rows: ir.Table) -> str:
    columns = zip(rows.columns, rows.schema().types, strict=True)
    return ", ".join(f"{name!r} ({_name_kind(kind)})" for name, kind in columns)


def _name_kind(kind: dt.DataType) -> str:
    return "number" if kind.is_numeric() else "text" if kind.is_string() else str(kind)
