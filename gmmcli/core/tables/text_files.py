"""Text files as DuckDB reads them: all of their layout is told, and nothing is guessed."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import ibis
import ibis.expr.types as ir
from ibis.backends import BaseBackend

from gmmcli.core.tables.complaints import NOT_WHOLE, name_file
from gmmcli.core.tables.dialect import Dialect, Kind
from gmmcli.core.tables.fields import read_number, read_word
from gmmcli.core.tables.formats import Packing
from gmmcli.core.tables.spellings import SPELLINGS, Numerals
from gmmcli.errors import TableError

# What DuckDB is told of every text file, so that it takes each line for a row, and no name of a
# directory for a column.
FIXED = {
    "header": False,
    "comment": "",
    "strict_mode": True,
    "null_padding": False,
    "ignore_errors": False,
    "hive_partitioning": False,
    "union_by_name": False,
}
# What DuckDB is told of the fields that are nothing. It knows NaN itself.
SPELLINGS_OF_NOTHING = [" "] + [word for word in SPELLINGS if word.lower() not in ("nan", "-nan")]
# What columns become, by what their first rows hold, where they are not kept as they are.
TYPES: dict[Kind, str] = {
    "whole": "int64",
    "number": "float64",
    "day": "date",
    "moment": "timestamp",
}


@dataclass(frozen=True)
class TextFiles:
    """Text files of one layout, which DuckDB reads at once.

    Attributes:
        paths: as DuckDB is told them.
        dialect: their layout.
        packing: how they are packed.
    """

    paths: tuple[str, ...]
    dialect: Dialect
    packing: Packing

    def read(
        self, backend: BaseBackend, types: Mapping[str, str], options: Mapping[str, Any]
    ) -> ir.Table:
        """Their rows.

        Args:
            backend: Ibis's connection to DuckDB.
            types: what columns are read as, unless as text.
            options: what else DuckDB is told.
        """
        dialect = self.dialect
        return backend.read_csv(
            list(self.paths),
            columns={name: types.get(name, "VARCHAR") for name in dialect.names},
            delim=dialect.delimiter,
            quote=dialect.quote,
            escape=dialect.escape,
            skip=dialect.n_before,
            compression=self.packing,
            **FIXED,
            **options,
        )


@dataclass(frozen=True)
class TextTable:
    """The rows of text files, one after the other, as DuckDB reads them.

    Attributes:
        backend: Ibis's connection to DuckDB.
        parts: the files in their order; those of one layout that follow each other are one part.
        dialect: the layout of all, with all columns.
    """

    backend: BaseBackend
    parts: tuple[TextFiles, ...]
    dialect: Dialect

    def read_text(self) -> ir.Table:
        """The rows with every column as it is written."""
        return self._read({}, {})

    def read_numbers(
        self, columns: Sequence[str], *, plainly: bool, texts: Sequence[str] = ()
    ) -> ir.Table:
        """The rows with some columns read as numbers; see `engine.ReadNumbers`.

        Unless they are plain, they are read as text, which `fields` takes apart: DuckDB takes a
        mark between thousands wherever it is, and words for nothing only as they are spelled.
        """
        self._check_columns((*columns, *texts))
        if plainly and not self.dialect.numerals.thousands:
            rows = self._read_typed(columns)
        else:
            rows = self.read_text()
            numerals = self.dialect.numerals
            rows = rows.mutate(**{name: _parse(rows[name], numerals) for name in columns})
        return _type_columns(rows, self.dialect, (*columns, *texts))

    def _check_columns(self, columns: Sequence[str]) -> None:
        """Raise where a file lacks a column that others have, whose rows would be skipped."""
        for part in self.parts:
            own = {name.lower() for name in part.dialect.names}
            lacking = [name for name in columns if name.lower() not in own]
            if lacking:
                raise TableError(
                    f"{name_file(part.paths[0], '*')} has no column {lacking[0]!r}, which other "
                    "files have: mend its header, or leave it out"
                )

    def find_fault(self, columns: Sequence[str]) -> None:
        """Read columns of numbers so that DuckDB itself names the line of what is none, if it can.

        It is told how nothing is spelled in them, which one more pass for each finds.

        Raises:
            duckdb.Error: with the line, where there is such a value.
        """
        if self.dialect.numerals.thousands:
            return
        text, spellings = self.read_text(), {*SPELLINGS_OF_NOTHING}
        for name in columns:
            is_nothing = read_word(text[name]).isnull() & text[name].notnull()
            found = text.filter(is_nothing).select(text[name]).distinct().limit(1000).to_pyarrow()
            spellings |= {*found[name].to_pylist()}
        words = sorted(word for word in spellings if word and self.dialect.escape not in word)
        rows = self._read_typed(columns, nullstr=words, allow_quoted_nulls=True)
        rows.aggregate(**{name: rows[name].max() for name in columns}).to_pyarrow()

    def _read_typed(self, columns: Sequence[str], **options: Any) -> ir.Table:
        """The rows with some columns read as numbers by DuckDB itself."""
        if self.dialect.numerals.decimal != ".":
            options["decimal_separator"] = self.dialect.numerals.decimal
        return self._read(dict.fromkeys(columns, "DOUBLE"), options)

    def _read(self, types: Mapping[str, str], options: Mapping[str, Any]) -> ir.Table:
        tables = [part.read(self.backend, types, options) for part in self.parts]
        if len(tables) == 1:
            return tables[0]
        names = self.dialect.names
        return ibis.union(*(_pad(table, names, types) for table in tables))

    def check(self, name: str) -> None:
        """Raise unless DuckDB reads the first row of each part as its first lines say.

        Raises:
            TableError: naming the file.
        """
        for part in self.parts:
            expected = list(part.dialect.first_row)
            found = part.read(self.backend, {}, {}).limit(1).to_pyarrow().to_pylist()
            said = [value or "" for row in found for value in row.values()]
            if list(map(_squeeze, said)) != list(map(_squeeze, expected)):
                raise TableError(
                    f"{name}: the first row is read as {said}, where the text says {expected}: "
                    "mend the quotes in or above it"
                )


def _pad(rows: ir.Table, names: Sequence[str], types: Mapping[str, str]) -> ir.Table:
    """The rows with columns of these names in their order, empty where they are not there."""
    own = {name.lower(): name for name in rows.columns}
    empty = {"DOUBLE": "float64", "VARCHAR": "string"}
    return rows.select(
        **{
            name: rows[own[name.lower()]]
            if name.lower() in own
            else ibis.null().cast(empty[types.get(name, "VARCHAR")])
            for name in names
        }
    )


def _type_columns(rows: ir.Table, dialect: Dialect, names: Sequence[str]) -> ir.Table:
    """The rows with columns of text as what the first rows hold there, but for some.

    A whole number that is none is an error: DuckDB would round it.

    Args:
        rows: with columns of text.
        dialect: what the first rows hold.
        names: of the columns that stay as they are.
    """
    typed: dict[str, ir.Value] = {}
    for name, kind in zip(dialect.names, dialect.kinds, strict=True):
        if name in names or kind not in TYPES:
            continue
        is_number = kind in ("whole", "number")
        text = read_number(rows[name], dialect.numerals) if is_number else read_word(rows[name])
        if kind == "whole":
            text = text.re_search(r"^[-+]?[0-9]+$").ifelse(text, text + NOT_WHOLE)
        typed[name] = text.cast(TYPES[kind])
    return rows.mutate(**typed)


def _parse(text: ir.Value, numerals: Numerals) -> ir.Value:
    """A column of text as numbers; see `fields.read_number`.

    DuckDB's own cast is quicker, but takes underscores, and points beside decimal commas: where one
    is, and where the cast does not know what it is, the text is looked into.
    """
    number = read_number(text, numerals).cast("float64")
    if numerals.thousands:
        return number
    plain, is_other = text, text.contains("_")
    if numerals.decimal != ".":
        plain, is_other = text.replace(numerals.decimal, "."), is_other | text.contains(".")
    return ibis.coalesce(is_other.ifelse(None, plain.try_cast("float64")), number)


def _squeeze(text: str) -> str:
    return re.sub(r"\s+", "", text)
