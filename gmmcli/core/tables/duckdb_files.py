"""DuckDB: the engine inside this process, which reads files of this machine.

No connection of ours reaches the network, or loads an extension, unless the user's own URL says so.
"""

import glob
import re
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import duckdb
import ibis
import ibis.expr.types as ir
import pyarrow as pa
from ibis.backends import BaseBackend

from gmmcli.core.tables.complaints import translate_errors
from gmmcli.core.tables.dialect import MISSING, Dialect, detect_dialect, read_first_lines
from gmmcli.core.tables.engine import Dataset, Engine
from gmmcli.core.tables.source import PARQUET_SUFFIXES, Source
from gmmcli.errors import TableError

NO_EXTENSIONS = {"autoinstall_known_extensions": False, "autoload_known_extensions": False}
# What DuckDB is told of the fields that are nothing. It knows NaN itself, and every spelling makes
# it read 2 % slower.
SPELLINGS_OF_NOTHING = {
    "nullstr": [word for word in MISSING if word.lower() != "nan"],
    "allow_quoted_nulls": True,
}


def open_files(source: Source, named: Sequence[str | None], *, as_text: bool) -> Dataset:
    """All rows and columns of a file, or of all files that a pattern matches.

    Args:
        source: a path or a pattern of paths.
        named: the columns that the user named.
        as_text: read the columns of text files as they are written.

    Raises:
        TableError: when there are no such files, or they cannot be read.
    """
    paths = _find_paths(source.data)
    backend = ibis.duckdb.connect(**NO_EXTENSIONS)
    engine = build_engine(backend)
    with translate_errors(source.name):
        if _is_parquet(paths[0]):
            rows = backend.read_parquet(_escape(paths), union_by_name=len(paths) > 1)
            return Dataset(rows, engine)
        lines = read_first_lines(paths[0], source.label or str(paths[0]))
        dialect = detect_dialect(lines, named)
        n_rows = _estimate_rows(paths, lines)
        options = _choose_options(lines, dialect, n_files=len(paths), as_text=as_text)
        if as_text:
            rows = _read_csv(backend, _escape(paths), dialect, options)
            return Dataset(rows, engine, dialect, n_rows_about=n_rows)
        rows = _read_csv(backend, _escape(paths), dialect, options | SPELLINGS_OF_NOTHING)
        reread = partial(_read_numbers, backend, _escape(paths), options)
        return Dataset(rows, engine, dialect, reread, n_rows)


def build_engine(backend: BaseBackend) -> Engine:
    """DuckDB as an engine; it writes Parquet files on all cores, in the order of the rows.

    Args:
        backend: a connection of Ibis's to DuckDB.
    """
    return Engine(
        backend,
        stream=partial(_stream, backend),
        write_parquet=partial(_write_parquet, backend),
        names_lines=True,
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


def _find_paths(data: str) -> list[Path]:
    """The file of this name or else those that match the pattern, in the order of their names."""
    path = Path(data)
    if path.is_file():
        return [path]
    if path.is_dir():
        raise TableError(f"{path} is a directory, not a file: give a CSV or Parquet file")
    found = [Path(name) for name in sorted(glob.glob(data))]  # noqa: PTH207 (absolute)
    paths = [path for path in found if path.is_file()]
    if not paths:
        raise TableError(f"{path} does not exist: give a CSV or Parquet file")
    if len({_is_parquet(path) for path in paths}) > 1:
        raise TableError(f"{data} matches both Parquet and CSV files: match one kind")
    return paths


def _is_parquet(path: Path) -> bool:
    return path.suffix.lower() in PARQUET_SUFFIXES


def _escape(paths: Sequence[Path]) -> list[str]:
    """The paths with the marks that DuckDB would read as a pattern made literal."""
    return [re.sub(r"([*?\[\]])", r"[\1]", str(path)) for path in paths]


def _estimate_rows(paths: Sequence[Path], lines: Sequence[str], *, expansion: float = 2.5) -> float:
    """Roughly how many rows text files have, by their sizes and the length of the first lines.

    Args:
        paths: the files.
        lines: the first lines of the first of them, without their ends.
        expansion: how many bytes of numbers a compressed byte holds, about.
    """
    n_bytes = sum(
        path.stat().st_size * (expansion if path.suffix.lower() == ".gz" else 1) for path in paths
    )
    return n_bytes * len(lines) / sum(len(line) + 1 for line in lines)


def _choose_options(
    lines: Sequence[str], dialect: Dialect, *, n_files: int, as_text: bool
) -> dict[str, Any]:
    """What DuckDB is told of text files that begin with these lines."""
    options: dict[str, Any] = {"delim": dialect.delimiter, "header": dialect.has_header}
    # Where no field of its sample is quoted, DuckDB would take none to be.
    if not any("'" in line for line in lines):
        options["quote"] = '"'
    if n_files > 1:
        options["union_by_name"] = True
    if as_text:
        options["all_varchar"] = True
    elif dialect.decimal_comma:
        options["decimal_separator"] = ","
    return options


def _read_csv(
    backend: BaseBackend, paths: list[str], dialect: Dialect, options: Mapping[str, Any]
) -> ir.Table:
    """The rows of text files with the types that DuckDB guesses, unless the options say them."""
    try:
        return backend.read_csv(paths, **options)
    except duckdb.InvalidInputException:
        # The guess failed without a reason; reading every column as text names the bad line.
        text = dict.fromkeys(dialect.names, "VARCHAR")
        table = backend.read_csv(paths, columns=text, auto_detect=False, **options)
        table.count().to_pyarrow()
        return table


def _read_numbers(
    backend: BaseBackend,
    paths: list[str],
    options: Mapping[str, Any],
    columns: Sequence[str],
    *,
    plainly: bool,
    texts: Sequence[str] = (),
) -> ir.Table:
    """The rows of text files with some columns read as numbers; see `engine.ReadNumbers`.

    Types are guessed from the first rows, and a decimal point may come after them. As the kinds of
    columns are known, DuckDB looks at one vector of rows, and not at its ten.
    """
    types = dict.fromkeys(columns, "DOUBLE") | dict.fromkeys(texts, "VARCHAR")
    known = {"types": types, "sample_size": 2048}
    spelled = {} if plainly else SPELLINGS_OF_NOTHING
    return backend.read_csv(paths, **options, **known, **spelled)
