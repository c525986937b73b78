"""Tables of points: a source with two chosen numeric columns, and perhaps one of weights.

How a source is opened is in `opening`, how its columns are chosen in `columns`, and what an
expression of columns is in `formulas`.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace

import ibis.expr.datatypes as dt
import ibis.expr.types as ir
import pyarrow as pa

from gmmcli.core.tables.columns import check_type, check_use, choose_columns, parse_number, take
from gmmcli.core.tables.complaints import MEND_TEXT, UnplacedError, translate_errors
from gmmcli.core.tables.dialect import Dialect
from gmmcli.core.tables.engine import BATCH_ROWS, Dataset, match_titles
from gmmcli.core.tables.formulas import Formula, Use, mention_columns, read_formulas
from gmmcli.core.tables.grammar import write_name
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
        """A column as float64: null where it is empty, and an error where it is no number.

        Args:
            name: of the column, or an expression among `columns` and `weight`.
        """
        if name in self.formulas:
            return self._evaluate(self.formulas[name])
        return parse_number(self.dataset, name)

    def take_value(self, rows: ir.Table) -> ir.Value:
        """What parts some rows of this table: the column `by`, or its expression."""
        name = str(self.by)
        if name not in self.formulas:
            return rows[self.dataset.find(name)]
        return replace(self, dataset=replace(self.dataset, rows=rows))._evaluate(
            self.formulas[name]
        )

    def assume_plain(self) -> "Table":
        """The same rows, read in less time where nothing but finite numbers is in them."""
        return replace(self._read_columns(plainly=True), is_plain=True)

    @property
    def doubt(self) -> tuple[list[str], str, float] | None:
        """The columns that are used and hold numbers which may be read in two ways.

        With one of these numbers, and the value as which it is read; None where there is none.
        """
        if self.dialect is None:
            return None
        doubts = dict(zip(self.dialect.names, self.dialect.doubts, strict=True))
        columns = [name for name in self._list_numbers() if doubts.get(self.dataset.find(name))]
        if not columns:
            return None
        text = doubts[self.dataset.find(columns[0])]
        return columns, text, self.dialect.numerals.parse(text)

    def is_whole(self, name: str) -> bool:
        """Whether a column, which is no expression, holds whole numbers; in text, the first row."""
        if name in self.formulas:
            return False
        if self.dialect is not None:
            fields = dict(zip(self.dialect.titles, self.dialect.first_row, strict=False))
            return fields.get(name, "").strip().lstrip("+-").isdecimal()
        return bool(self.dataset.rows[self.dataset.find(name)].type().is_integer())

    def write_name(self, name: str) -> str:
        """A column, or an expression, as expressions have it."""
        return name if name in self.formulas else write_name(name)

    def count_selected(self) -> tuple[int, int]:
        """How many rows meet the condition, of how many.

        Raises:
            TableError: when they cannot be read.
        """
        if self.selection is None:
            raise AssertionError("no condition chooses rows")
        counts = self.read(self.selection)
        return counts["selected"][0].as_py() or 0, counts["all"][0].as_py()

    def _read_columns(self, *, plainly: bool = False) -> "Table":
        """The same table with its columns read as what they are wanted as, and its rows chosen."""
        texts = [] if self.by is None or self.by in self.formulas else [self.by]
        for formula in self.formulas.values():
            texts += formula.list_columns("text")
        numbers, texts = (
            list(map(self.dataset.find, names)) for names in (self._list_numbers(), texts)
        )
        dataset = self.dataset.read_numbers(numbers, plainly=plainly, texts=texts)
        if self.where is None:
            return replace(self, dataset=dataset)
        everything = dataset.rows
        condition = replace(self, dataset=dataset)._evaluate(self.formulas[self.where])
        counts = {"all": everything.count(), "selected": condition.cast("int64").sum()}
        chosen = replace(dataset, rows=everything.filter(condition), n_rows_about=None)
        return replace(self, dataset=chosen, selection=everything.aggregate(**counts))

    def _list_numbers(self) -> list[str]:
        """The columns that are read as numbers, by themselves or for an expression."""
        asked = [name for name in (*self.columns, self.weight) if name is not None]
        numbers = [name for name in asked if name not in self.formulas]
        for formula in self.formulas.values():
            numbers += formula.list_columns("number")
        return list(dict.fromkeys(numbers))

    @contextmanager
    def translate_errors(self) -> Iterator[None]:
        """Turn an engine's complaints about these rows into one line each.

        Raises:
            TableError: with the line of a text file that holds what is no number.
        """
        try:
            with translate_errors(self.source):
                yield
        except UnplacedError:
            self.find_fault()
            raise

    def find_fault(
        self, columns: Sequence[str] | None = None, if_converted: str = MEND_TEXT
    ) -> None:
        """Raise where a column of a text file holds what is no number.

        Args:
            columns: to be read as numbers, where that can be done; by default those that are.
            if_converted: what to do about such a value.

        Raises:
            TableError: with the line.
        """
        columns = self._list_numbers() if columns is None else columns
        if self.dataset.find_fault is not None and columns:
            with translate_errors(self.source, if_converted=if_converted):
                self.dataset.find_fault(list(map(self.dataset.find, columns)))

    def _evaluate(self, formula: Formula) -> ir.Value:
        return formula.build(lambda name: take(self.dataset, name, formula.uses[name]))

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
            asked = [*self.columns, *columns]
            rows = rows.select(*dict.fromkeys(name for each in asked for name in self._list(each)))
        with translate_errors(self.source):
            read = engine.stream(cast_rare_types(rows), BATCH_ROWS)
            relayed = engine.relay(read)
            titles = match_titles(rows.columns, relayed.rows)
            return replace(self, dataset=replace(relayed, titles=titles))

    def _list(self, name: str) -> list[str]:
        """The columns that an expression uses, or a column by itself."""
        return list(self.formulas[name].uses) if name in self.formulas else [name]

    def read(self, expression: ir.Table) -> pa.Table:
        """The rows of an expression over this table, all at once.

        Raises:
            TableError: when they cannot be read.
        """
        with self.translate_errors():
            return self.dataset.title(expression.to_pyarrow())

    def read_first(self, n_rows: int) -> pa.Table:
        """The first of `rows` in the order of the source, at most so many.

        Raises:
            TableError: when they cannot be read.
        """
        with self.translate_errors():
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
        wanted: list[tuple[str | None, Use]] = [(name, "number") for name in (x, y, weight)]
        wanted += [(by, "any"), (source.where, "truth")]
        formulas = read_formulas(wanted, dataset.names, source.name)
        for formula in formulas.values():
            for name, use in formula.uses.items():
                check_use(dataset, name, use, source=source.name)
        columns = choose_columns(dataset, (x, y), (weight, by), formulas, source=source.name)
        numbers = [name for name in (*columns, weight) if name is not None]
        for name in numbers:
            if name not in formulas:
                check_type(dataset, name, source=source.name)
        if by in numbers:
            raise TableError(
                f"--by names {by!r}, which is a coordinate or the weight: name another"
            )
        table = Table(dataset, columns, source.name, weight, by, False, source.where, formulas)
        return table._read_columns()


def cast_rare_types(rows: ir.Table) -> ir.Table:
    """The rows with columns of other types than the common ones as text."""
    rare = [
        name
        for name, kind in rows.schema().items()
        if not isinstance(kind, COMMON_TYPES) and not (kind.is_decimal() and kind.precision)
    ]
    return rows.mutate(**{name: rows[name].cast("string") for name in rare})
