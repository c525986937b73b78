"""DuckDB: the engine inside this process, which reads files of this machine.

How it reads text files is in `text_files`. No connection of ours reaches the network, or loads an
extension, unless the user's own URL says so.
"""

import re
import warnings
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from itertools import groupby
from pathlib import Path

import duckdb
import ibis
import ibis.expr.types as ir
import pyarrow as pa
import pyarrow.parquet as pq
from ibis.backends import BaseBackend

from gmmcli.core.tables.complaints import translate_errors
from gmmcli.core.tables.dialect import (
    Dialect,
    check_header,
    detect_dialect,
    merge_dialects,
)
from gmmcli.core.tables.engine import Dataset, Engine, match_titles
from gmmcli.core.tables.formats import Packing, find_paths, read_sample, recognize_all, share_sample
from gmmcli.core.tables.names import make_unique
from gmmcli.core.tables.source import Source
from gmmcli.core.tables.spellings import Numerals
from gmmcli.core.tables.text_files import TextFiles, TextTable

NO_EXTENSIONS = {"autoinstall_known_extensions": False, "autoload_known_extensions": False}


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
            titles = {} if is_many else match_titles(read_names(paths[0]), rows)
            return Dataset(rows, engine, titles=titles)
        if kind == "json":
            whole = {"sample_size": -1, "hive_partitioning": False, "union_by_name": True}
            return Dataset(backend.read_json(places, **whole), engine)
        table, n_rows = _open_text(backend, paths, source.name, named)
        table.check(source.name)
        reread = None if as_text else table.read_numbers
        titles = match_titles(table.dialect.titles, table.read_text())
        found = table.dialect, reread, table.find_fault, n_rows
        return Dataset(table.read_text(), engine, *found, titles=titles)


def read_names(path: Path) -> tuple[str, ...]:
    """The names of the columns of a Parquet file, all different, if by capitals alone."""
    names = pq.read_schema(path).names
    return make_unique(names, names)


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


def silence_ibis() -> None:
    """Have Ibis 12 not tell users that it asks DuckDB 2 for a method by its old name."""
    warnings.filterwarnings("ignore", "fetch_arrow_table", DeprecationWarning)


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
