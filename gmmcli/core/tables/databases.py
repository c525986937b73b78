"""Tables in databases that Ibis knows, as they are there."""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import SplitResult, parse_qsl, unquote

import ibis
import ibis.expr.types as ir
import pyarrow as pa
from ibis.backends import BaseBackend
from ibis.common.exceptions import TableNotFound

from gmmcli.core.tables.complaints import translate_errors
from gmmcli.core.tables.duckdb_files import NO_EXTENSIONS, build_engine
from gmmcli.core.tables.engine import Dataset, Engine
from gmmcli.core.tables.source import EXTRAS, LOCAL_DATABASES, Source, split_url
from gmmcli.errors import TableError


def open_database(source: Source) -> Dataset:
    """All rows and columns of a table in a database.

    Args:
        source: the URL of a database, and the name of a table there.

    Raises:
        TableError: when there is no such database or table, or its driver is missing.
    """
    parts = _check_url(source)
    if source.table is None:
        raise TableError(f"{source.name} is a database: name a table in it with --table")
    if parts.scheme in LOCAL_DATABASES and not Path(parts.netloc + parts.path).is_file():
        raise TableError(f"{parts.netloc + parts.path} does not exist: mend the path of the URL")
    backend = _connect(source, parts)
    with translate_errors(source.name):
        rows = _find_table(backend, source.table, source.name)
        reread = partial(_keep_numbers, rows) if parts.scheme == "sqlite" else None
        return Dataset(rows, _choose_engine(backend), reread=reread, text_may_be_numbers=False)


def _check_url(source: Source) -> SplitResult:
    """The parts of a source's URL; TableError where it is not that of a database."""
    parts = split_url(source.data)
    if parts is None:
        raise TableError(
            f"{source.name} is no URL of a database: its port is a number, and the / ? # @ of a "
            "password are written %2F %3F %23 %40"
        )
    if not source.is_database:
        name = replace(source, table=None).name
        raise TableError(
            f"{name} is no database that Ibis knows: gmm reads files and databases, so "
            "download it first, or mend the URL"
        )
    return parts


def _connect(source: Source, parts: SplitResult) -> BaseBackend:
    is_postgres = EXTRAS.get(parts.scheme) == "postgres"
    options: dict[str, Any] = {}
    if parts.scheme == "duckdb":
        options = {"read_only": True, **NO_EXTENSIONS, **dict(parse_qsl(parts.query))}
    elif is_postgres:
        options = _decode_login(parts)
    try:
        with translate_errors(source.name):
            backend = ibis.connect(source.data, **options)
            if is_postgres:  # scans begin with the first row then, not with what is in memory
                backend.raw_sql("SET synchronize_seqscans = off").close()
            return backend
    except ImportError as error:
        extra = f"gmmcli[{EXTRAS[parts.scheme]}]" if parts.scheme in EXTRAS else ""
        driver = extra or f"ibis-framework[{parts.scheme}]"
        raise TableError(f"{source.name} needs a driver: pip install '{driver}'") from error
    except ValueError as error:  # whose text holds the whole URL
        raise TableError(
            f"{source.name} is no database that Ibis knows: mend the URL, or give a file"
        ) from error


def _choose_engine(backend: BaseBackend) -> Engine:
    """What runs expressions in a database that Ibis is connected to.

    PostgreSQL and SQLite put one step of a derivation into the next, so that what K densities share
    is written out, and evaluated, more than K times over for every row.
    """
    if backend.name == "duckdb":
        return build_engine(backend)
    return Engine(backend, relay=_relay if backend.name in ("postgres", "sqlite") else None)


def _relay(rows: pa.RecordBatchReader) -> Dataset:
    """Rows in DuckDB, to be read once."""
    backend = ibis.duckdb.connect(**NO_EXTENSIONS)
    backend.con.register("relayed", rows)
    return Dataset(backend.table("relayed"), build_engine(backend), text_may_be_numbers=False)


def _decode_login(parts: SplitResult) -> dict[str, str]:
    """What a URL says, decoded as PostgreSQL's own programs do; Ibis leaves some of it as it is."""
    database = parts.path.removeprefix("/").partition("/")[0]
    said = {"user": parts.username, "password": parts.password, "database": database}
    return {name: unquote(value) for name, value in said.items() if value}


def _find_table(backend: BaseBackend, table: str, source: str) -> ir.Table:
    """The table, whose name may have that of a schema and a point before it."""
    try:
        return backend.table(table)
    except TableNotFound:
        schema, _, name = table.rpartition(".")
        if schema:
            with suppress(TableNotFound):
                return backend.table(name, database=schema)
    raise TableError(f"{source}: there is no such table; {_list_tables(backend)}")


def _list_tables(backend: BaseBackend, *, most: int = 5) -> str:
    """The tables that there are, as words; of many, the first."""
    if backend.name == "duckdb":  # whose version 2 Ibis 12 cannot ask for its tables
        listing = "SELECT table_schema, table_name FROM information_schema.tables"
        found = backend.raw_sql(listing).fetchall()
        names = sorted(name if schema == "main" else f"{schema}.{name}" for schema, name in found)
    else:
        names = sorted(backend.list_tables())
    if not names:
        return "there is none without a schema: name others as SCHEMA.TABLE"
    listed = ", ".join(repr(name) for name in names[:most])
    more = f" and {len(names) - most:,} more" if len(names) > most else ""
    return f"there {'is' if len(names) < 2 else 'are'} {listed}{more}: name one with --table"


def _keep_numbers(
    rows: ir.Table,
    columns: Sequence[str],
    *,
    plainly: bool,  # noqa: ARG001
    texts: Sequence[str] = (),  # noqa: ARG001
) -> ir.Table:
    """The rows with null for text in some columns of numbers, where SQLite allows it."""
    kinds = {name: rows[name].typeof() for name in columns if rows[name].type().is_numeric()}
    numbers = {
        name: ((kind == "integer") | (kind == "real")).ifelse(rows[name], None)
        for name, kind in kinds.items()
    }
    return rows.mutate(**numbers)
