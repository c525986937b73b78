"""Engines: where the rows of a table are, and what runs the expressions over them.

Files are read by an embedded DuckDB, or by Spark where the user asks for it; a table in a database
stays there. All of them give Ibis tables, and no other module knows which one it has. No engine
reaches the network, or loads an extension, unless the user's own URL says so.
"""

import glob
import re
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from functools import partial
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any
from urllib.parse import SplitResult, parse_qsl, unquote, urlsplit

import duckdb
import ibis
import ibis.expr.datatypes as dt
import ibis.expr.types as ir
import pyarrow as pa
from ibis.backends import BaseBackend
from ibis.common.exceptions import TableNotFound

from gmmcli.core.tables.dialect import MISSING, Dialect, dialect_of, first_lines
from gmmcli.errors import TableError
from gmmcli.settings import EngineName

# DuckDB looks at so many rows, and not at ten times as many, where the kinds of columns are known.
SNIFFED = 2048
# How many bytes of numbers a compressed byte holds, about.
PACKED = 2.5
PARQUET = (".parquet", ".pq")
NO_EXTENSIONS = {"autoinstall_known_extensions": False, "autoload_known_extensions": False}
# The extras of this package that bring a driver.
EXTRAS = {"postgres": "postgres", "postgresql": "postgres", "sqlite": "sqlite"}
LOCAL_DATABASES = ("duckdb", "sqlite")
LOCAL_FILES = (*LOCAL_DATABASES, "file")
# The roots of what engines raise: of any database driver (PEP 249), Spark, Ibis and Arrow.
ENGINE_ERRORS = {"Error", "PySparkException", "Py4JError", "IbisError", "ArrowException"}
# What DuckDB says where Ctrl-C has ended a query.
INTERRUPTED = ("KeyboardInterrupt", "Query interrupted")
# What PostgreSQL says where other engines make infinity or zero of a number.
OUT_OF_RANGE = re.compile(r"value out of range: (over|under)flow|out of range for type double")
# What DuckDB and Spark say of text that is no number.
NO_NUMBER = re.compile(
    r"""(?s)(Could not convert string|The value) '(?P<text>.*?)' (to|of the type "STRING" cannot)"""
)
# Types that every driver and every format knows.
PLAIN = (dt.Boolean, dt.Integer, dt.Floating, dt.String, dt.Date, dt.Timestamp)
# Of a database, or of a file system that Spark may know.
URL = re.compile(r"[a-zA-Z][a-zA-Z0-9+.-]+://")


@dataclass(frozen=True)
class Source:
    """What the user named.

    Attributes:
        data: a path, a pattern of paths, or the URL of a database.
        table: the table in the database.
        engine: "spark" to have Spark read the files.
        label: what messages call it, where that is not what it is.
    """

    data: str
    table: str | None = None
    engine: EngineName = "auto"
    label: str | None = None

    @property
    def name(self) -> str:
        """What messages call it: without the password that a URL may hold."""
        if self.label is not None:
            return self.label
        if not self.is_url:
            return self.data
        parts = _url_parts(self.data)
        if parts is None:
            return f"{self.data.partition(':')[0]}://..."
        host = parts.netloc.rpartition("@")[2]
        table = f" {self.table}" if self.table else ""
        return f"{parts.scheme}://{host}{parts.path}{table}"

    @property
    def is_url(self) -> bool:
        """Whether it is a URL, of a database or of files that Spark can read."""
        return URL.match(self.data) is not None

    @property
    def is_database(self) -> bool:
        """Whether it is the URL of a database that Ibis knows."""
        scheme = self.data.partition("://")[0].lower()
        return self.is_url and scheme in (*EXTRAS, *entry_points(group="ibis.backends").names)


@dataclass(frozen=True)
class Opened:
    """All columns of a source, not read yet.

    Attributes:
        rows: an Ibis table.
        backend: what runs expressions over it.
        dialect: the layout of text files; None of others.
        with_numbers: the same rows with some columns read as numbers, where that is a choice; by
            its second argument, without a look for the spellings of nothing.
        n_rows_about: roughly how many rows there are, where that is known without reading them.
        text_may_be_numbers: whether numbers may be in columns of text, as in files they may.
    """

    rows: ir.Table
    backend: BaseBackend
    dialect: Dialect | None = None
    with_numbers: Callable[[Sequence[str], bool], ir.Table] | None = None
    n_rows_about: float | None = None
    text_may_be_numbers: bool = True

    @property
    def is_duckdb(self) -> bool:
        """Whether DuckDB runs expressions over the rows; it writes Parquet files on all cores."""
        return str(self.backend.name) == "duckdb"

    @property
    def is_spark(self) -> bool:
        """Whether Spark runs expressions over the rows."""
        return str(self.backend.name) == "pyspark"

    def first(self, rows: ir.Table, n_rows: int) -> pa.Table:
        """The first rows, at most so many."""
        if self.is_spark:
            from gmmcli.core.tables.spark import in_order

            return in_order(rows.limit(n_rows), self.backend)
        return rows.limit(n_rows).to_pyarrow()

    def stream(self, rows: ir.Table, n_rows: int) -> pa.RecordBatchReader:
        """Rows as they come, in batches of about so many, with text for columns of rare types."""
        rows = _plain(rows)
        if self.is_duckdb:  # Ibis asks DuckDB 2 for a method that is no more
            return self._relation(rows).to_arrow_reader(n_rows)
        return rows.to_pyarrow_batches(chunk_size=n_rows)

    def write_parquet(self, rows: ir.Table, path: Path) -> None:
        """Write rows, in their order and in bounded memory, where the engine does that."""
        self._relation(rows).write_parquet(str(path))

    def _relation(self, rows: ir.Table) -> duckdb.DuckDBPyRelation:
        connection: duckdb.DuckDBPyConnection = self.backend.con
        return connection.sql(str(ibis.to_sql(rows, dialect="duckdb")))

    def reading_numbers(self, columns: Sequence[str], *, plainly: bool = False) -> "Opened":
        """The same source with some columns read as numbers, where that is a choice.

        Args:
            columns: their names.
            plainly: take what is no number, but for an empty field, as an error.
        """
        if self.with_numbers is None:
            return self
        return replace(self, rows=self.with_numbers(columns, plainly))


@contextmanager
def source_of(data: str, table: str | None, engine: EngineName = "auto") -> Iterator[Source]:
    """What the user named; a temporary CSV file of standard input's where that is -."""
    if data != "-":
        yield Source(data, table, engine)
        return
    with tempfile.TemporaryDirectory(prefix="gmm-") as directory:
        path = Path(directory) / "standard-input.csv"
        with path.open("wb") as file:
            shutil.copyfileobj(sys.stdin.buffer, file)
        yield Source(str(path), table, engine, label="standard input")


def files_of(source: Source) -> set[Path]:
    """The files of this machine that a source names, with nothing relative or linked in a path."""
    names = {source.data, *glob.glob(source.data)}  # noqa: PTH207 (absolute)
    parts = _url_parts(source.data)
    if parts is not None and parts.scheme in LOCAL_FILES:
        names.add(parts.netloc + parts.path)
    return {Path(name).resolve() for name in names}


def open_source(source: Source, named: Sequence[str | None], *, as_text: bool) -> Opened:
    """All columns of a source.

    Args:
        source: what the user named.
        named: the columns that the user named.
        as_text: read the columns of text files as they are written, whatever they hold.

    Raises:
        TableError: when there is no such source, or it cannot be read.
    """
    if any("\ud800" <= letter <= "\udfff" for letter in source.data):
        raise TableError(f"the name {source.data!r} is not UTF-8: rename the file")
    _check_kind(source)
    if source.engine == "spark":
        try:  # an extra, so not imported at the top
            from gmmcli.core.tables.spark import open_with_spark
        except ImportError as error:
            raise TableError("--engine spark needs it: pip install 'gmmcli[spark]'") from error
        return open_with_spark(source, named)
    return _open_database(source) if source.is_url else _open_files(source, named, as_text=as_text)


@contextmanager
def readable_errors(
    source: str, output: str | None = None, *, if_converted: str = ""
) -> Iterator[None]:
    """Turn an engine's complaints into one line each.

    Args:
        source: what messages call it.
        output: what the engine writes to, where it does.
        if_converted: what to add to a complaint about a value that is not of its column's type.

    Raises:
        TableError: with the line of the file, the column and the value where the engine says them.
        KeyboardInterrupt: where Ctrl-C is the complaint.
    """
    try:
        yield
    except Exception as error:
        if any(sign in str(error) for sign in INTERRUPTED):
            raise KeyboardInterrupt from error
        if not any(kind.__name__ in ENGINE_ERRORS for kind in type(error).__mro__):
            raise
        raise TableError(_one_line(source, output, str(error), if_converted)) from error


def _check_kind(source: Source) -> None:
    """Raise where an engine or a table is asked of what does not have it."""
    name = replace(source, table=None).name
    if source.engine == "spark" and source.is_database:
        raise TableError(f"{name} is a database, not files: leave out --engine spark")
    if source.table is not None and (source.engine == "spark" or not source.is_url):
        raise TableError(
            f"{name} is not the URL of a database: leave out --table, which names a table "
            "in one, or give a URL such as duckdb://survey.duckdb"
        )


def _open_files(source: Source, named: Sequence[str | None], *, as_text: bool) -> Opened:
    paths = _paths(source.data)
    backend = ibis.duckdb.connect(**NO_EXTENSIONS)
    literal = [_literal(path) for path in paths]
    with readable_errors(source.name):
        if paths[0].suffix.lower() in PARQUET:
            rows = backend.read_parquet(literal, union_by_name=len(paths) > 1)
            return Opened(rows, backend)
        lines = first_lines(paths[0], source.label or str(paths[0]))
        dialect = dialect_of(lines, named)
        n_rows = _n_rows_about(paths, lines)
        options = _csv_options(dialect)
        # Where no field of its sample is quoted, DuckDB would take none to be.
        if not any("'" in line for line in lines):
            options["quote"] = '"'
        if len(paths) > 1:
            options["union_by_name"] = True
        if as_text:
            options["all_varchar"] = True
            rows = _with_guessed_types(backend, literal, dialect, options)
            return Opened(rows, backend, dialect, n_rows_about=n_rows)
        if dialect.decimal_comma:
            options["decimal_separator"] = ","
        # DuckDB knows NaN itself, and every spelling of nothing makes it read 2 % slower.
        nothing = [word for word in MISSING if word.lower() != "nan"]
        spelled = {"nullstr": nothing, "allow_quoted_nulls": True}
        rows = _with_guessed_types(backend, literal, dialect, options | spelled)

    def with_numbers(columns: Sequence[str], plainly: bool) -> ir.Table:
        # Types are guessed from the first rows; a decimal point may come after them.
        known = options | {"types": dict.fromkeys(columns, "DOUBLE"), "sample_size": SNIFFED}
        return backend.read_csv(literal, **known, **({} if plainly else spelled))

    return Opened(rows, backend, dialect, with_numbers, n_rows)


def _open_database(source: Source) -> Opened:
    """A table in a database, as it is there."""
    parts = _url_parts(source.data)
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
    if source.table is None:
        raise TableError(f"{source.name} is a database: name a table in it with --table")
    if parts.scheme in LOCAL_DATABASES and not Path(parts.netloc + parts.path).is_file():
        raise TableError(f"{parts.netloc + parts.path} does not exist: give a database file")
    backend = _connected(source, parts)
    with readable_errors(source.name):
        rows = _table_named(backend, source.table, source.name)
        with_numbers = partial(_numbers_alone, rows) if parts.scheme == "sqlite" else None
        return Opened(rows, backend, with_numbers=with_numbers, text_may_be_numbers=False)


def _connected(source: Source, parts: SplitResult) -> BaseBackend:
    is_postgres = EXTRAS.get(parts.scheme) == "postgres"
    options: dict[str, Any] = {}
    if parts.scheme == "duckdb":
        options = {"read_only": True, **NO_EXTENSIONS, **dict(parse_qsl(parts.query))}
    elif is_postgres:
        options = _postgres_options(parts)
    try:
        with readable_errors(source.name):
            backend = ibis.connect(source.data, **options)
            if is_postgres:  # scans begin with the first row then, not with what is in memory
                backend.raw_sql("SET synchronize_seqscans = off").close()
            return backend
    except ImportError as error:
        extra = f"gmmcli[{EXTRAS[parts.scheme]}]" if parts.scheme in EXTRAS else ""
        driver = extra or f"ibis-framework[{parts.scheme}]"
        raise TableError(f"{source.name} needs a driver: pip install '{driver}'") from error
    except ValueError as error:  # whose text holds the whole URL
        raise TableError(f"{source.name} is no database that Ibis knows") from error


def _url_parts(data: str) -> SplitResult | None:
    """The parts of a URL; None where it is not clear which of them is the password."""
    try:
        parts = urlsplit(data)
        _ = parts.port
    except ValueError:
        return None
    later = parts.path + parts.query + parts.fragment
    return None if ":" in parts.netloc and "@" in later else parts


def _postgres_options(parts: SplitResult) -> dict[str, str]:
    """What a URL says, decoded as PostgreSQL's own programs do; Ibis leaves some of it as it is."""
    database = parts.path.removeprefix("/").partition("/")[0]
    said = {"user": parts.username, "password": parts.password, "database": database}
    return {name: unquote(value) for name, value in said.items() if value}


def _numbers_alone(rows: ir.Table, columns: Sequence[str], _plainly: bool) -> ir.Table:
    """The rows with null for text in some columns of numbers, where SQLite allows it."""
    kinds = {name: rows[name].typeof() for name in columns if rows[name].type().is_numeric()}
    numbers = {
        name: ((kind == "integer") | (kind == "real")).ifelse(rows[name], None)
        for name, kind in kinds.items()
    }
    return rows.mutate(**numbers)


def _plain(rows: ir.Table) -> ir.Table:
    """The rows with columns of other types than the plain ones as text."""
    rare = [
        name
        for name, kind in rows.schema().items()
        if not isinstance(kind, PLAIN) and not (kind.is_decimal() and kind.precision)
    ]
    return rows.mutate(**{name: rows[name].cast("string") for name in rare})


def _table_named(backend: BaseBackend, table: str, source: str) -> ir.Table:
    """The table, whose name may have that of a schema and a point before it."""
    try:
        return backend.table(table)
    except TableNotFound:
        schema, _, name = table.rpartition(".")
        if schema:
            with suppress(TableNotFound):
                return backend.table(name, database=schema)
    raise TableError(f"{source}: there is no such table")


def _paths(data: str) -> list[Path]:
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
    kinds = {path.suffix.lower() in PARQUET for path in paths}
    if len(kinds) > 1:
        raise TableError(f"{data} matches both Parquet and CSV files: match one kind")
    return paths


def _n_rows_about(paths: Sequence[Path], lines: Sequence[str]) -> float:
    """The number of rows in text files, by their sizes and the length of the first lines."""
    n_bytes = sum(
        path.stat().st_size * (PACKED if path.suffix.lower() == ".gz" else 1) for path in paths
    )
    return n_bytes * len(lines) / sum(len(line) + 1 for line in lines)


def _csv_options(dialect: Dialect) -> dict[str, Any]:
    return {"delim": dialect.delimiter, "header": dialect.has_header}


def _with_guessed_types(
    backend: BaseBackend, paths: list[str], dialect: Dialect, options: dict[str, Any]
) -> ir.Table:
    """The files as a table with the types that DuckDB guesses, unless the options say them."""
    try:
        return backend.read_csv(paths, **options)
    except duckdb.InvalidInputException:
        # The guess failed without a reason; reading every column as text names the bad line.
        text = dict.fromkeys(dialect.names, "VARCHAR")
        table = backend.read_csv(paths, columns=text, auto_detect=False, **options)
        table.count().to_pyarrow()
        return table


def _literal(path: Path) -> str:
    """The path with the marks that DuckDB would read as a pattern made literal."""
    return re.sub(r"([*?\[\]])", r"[\1]", str(path))


def _one_line(source: str, output: str | None, message: str, if_converted: str) -> str:
    if OUT_OF_RANGE.search(message):
        return f"{source} holds numbers that double precision cannot work with: change their units"
    line = re.search(r"CSV Error on Line: (\d+)", message)
    where = f"{source}, line {line[1]}" if line else source
    converted = re.search(
        r'converting column "(.*)"\. Could not convert string "(.*)" to', message
    ) or NO_NUMBER.search(message)
    if converted and line:
        what = f"column {converted[1]!r} holds {converted[2]!r}, which is not a number"
        return f"{where}: {what}{if_converted}"
    if converted:
        return f"{where}: a chosen column holds {converted['text']!r}, which is not a number"
    lines = [part.strip() for part in message.splitlines() if part.strip()]
    reasons = [part for part in lines[1:] if not part.startswith("Original Line")]
    to = f" or write {output}" if output else ""
    return f"cannot read {where}{to}: {reasons[0] if line and reasons else lines[0]}"
