"""DuckDB: the engine inside this process, which reads files of this machine.

DuckDB is told all of how a text file is laid out, and guesses nothing. No connection of ours
reaches the network, or loads an extension, unless the user's own URL says so.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import groupby
from pathlib import Path
from typing import Any

import duckdb
import ibis
import ibis.expr.types as ir
import pyarrow as pa
from ibis.backends import BaseBackend

from gmmcli.core.tables.complaints import NOT_WHOLE, name_file, translate_errors
from gmmcli.core.tables.dialect import (
    Dialect,
    Kind,
    check_header,
    detect_dialect,
    merge_dialects,
)
from gmmcli.core.tables.engine import Dataset, Engine
from gmmcli.core.tables.fields import read_number, read_word
from gmmcli.core.tables.formats import Packing, find_paths, read_sample, recognize_all, share_sample
from gmmcli.core.tables.source import Source
from gmmcli.core.tables.spellings import SPELLINGS, Numerals
from gmmcli.errors import TableError

NO_EXTENSIONS = {"autoinstall_known_extensions": False, "autoload_known_extensions": False}
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
            texts_of = {name: read_number(rows[name], self.dialect.numerals) for name in columns}
            rows = rows.mutate(**{n: text.cast("float64") for n, text in texts_of.items()})
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


def open_files(source: Source, named: Sequence[str | None], *, as_text: bool) -> Dataset:
    """All rows and columns of a file, or of all files that a pattern matches.

    Args:
        source: a path or a pattern of paths, of what DuckDB reads; see `copies`.
        named: the columns that the user named.
        as_text: read the columns of text files as they are written.

    Raises:
        TableError: when there are no such files, or they cannot be read.
    """
    paths = find_paths(source.place)
    kind = recognize_all(paths, source.name)
    backend = ibis.duckdb.connect(**NO_EXTENSIONS)
    engine, places = build_engine(backend), _escape(paths)
    with translate_errors(source.name):
        if kind == "parquet":
            is_many = len(paths) > 1
            rows = backend.read_parquet(places, union_by_name=is_many, hive_partitioning=False)
            return Dataset(rows, engine)
        if kind == "json":
            whole = {"sample_size": -1, "hive_partitioning": False, "union_by_name": True}
            return Dataset(backend.read_json(places, **whole), engine)
        table, n_rows = _open_text(backend, paths, source.name, named)
        table.check(source.name)
        if as_text:
            return Dataset(table.read_text(), engine, table.dialect, None, table.find_fault, n_rows)
        return Dataset(
            table.read_text(), engine, table.dialect, table.read_numbers, table.find_fault, n_rows
        )


def _open_text(
    backend: BaseBackend,
    paths: Sequence[Path],
    name: str,
    named: Sequence[str | None],
) -> tuple[TextTable, float]:
    """The rows of text files, and roughly how many there are.

    Args:
        backend: Ibis's connection to DuckDB.
        paths: of the files.
        name: what messages call them.
        named: the columns that the user named.
    """
    found: list[TextFiles] = []
    n_rows = 0.0
    for path in paths:
        own = name if len(paths) == 1 else str(path)
        sample = read_sample(path, own, n_bytes=share_sample(len(paths)))
        dialect = detect_dialect(sample.lines, named)
        check_header(dialect, own)
        found.append(TextFiles((*_escape([path]),), dialect, sample.packing))
        n_rows += _estimate_rows(path, sample.lines, sample.packing)
    merged = merge_dialects([files.dialect for files in found], name)
    groups = [list(group) for _, group in groupby(found, _describe_layout)]
    parts = [
        replace(group[0], paths=tuple(path for files in group for path in files.paths))
        for group in groups
    ]
    return TextTable(backend, tuple(parts), merged), n_rows


def _describe_layout(files: TextFiles) -> tuple[Dialect, Packing]:
    """What files share that DuckDB reads at once."""
    plain = replace(files.dialect, kinds=(), first_row=(), numerals=Numerals(), doubts=())
    return plain, files.packing


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


def _squeeze(text: str) -> str:
    return re.sub(r"\s+", "", text)


def build_engine(backend: BaseBackend) -> Engine:
    """DuckDB as an engine; it writes Parquet files on all cores, in the order of the rows.

    Args:
        backend: a connection of Ibis's to DuckDB.
    """
    return Engine(
        backend,
        stream=partial(_stream, backend),
        write_parquet=partial(_write_parquet, backend),
    )


def _stream(backend: BaseBackend, rows: ir.Table, n_rows: int) -> pa.RecordBatchReader:
    # Ibis asks DuckDB 2 for a method that is no more.
    return _relate(backend, rows).to_arrow_reader(n_rows)


def _write_parquet(backend: BaseBackend, rows: ir.Table, path: Path) -> None:
    _relate(backend, rows).write_parquet(str(path))


def _relate(backend: BaseBackend, rows: ir.Table) -> duckdb.DuckDBPyRelation:
    """The rows as DuckDB's own library has them."""
    connection: duckdb.DuckDBPyConnection = backend.con
    return connection.sql(str(ibis.to_sql(rows, dialect="duckdb")))


def _escape(paths: Sequence[Path]) -> list[str]:
    """The paths with the marks that DuckDB would read as a pattern made literal."""
    return [re.sub(r"([*?\[\]])", r"[\1]", str(path)) for path in paths]


def _estimate_rows(
    path: Path, lines: Sequence[str], packing: Packing, *, expansion: float = 2.5
) -> float:
    """Roughly how many rows a text file has, by its size and the length of its first lines.

    Args:
        path: the file.
        lines: the first of them, without their ends.
        packing: how the file is packed.
        expansion: how many bytes of numbers a packed byte holds, about.
    """
    n_bytes = path.stat().st_size * (1 if packing == "none" else expansion)
    return n_bytes * len(lines) / sum(len(line) + 1 for line in lines)
