"""Spark: the engine of several machines, which reads files with the user's own session."""

import os
import sys
import tempfile
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import ibis
import ibis.expr.types as ir
import pyarrow as pa
from ibis.backends import BaseBackend
from pyspark.logger import PySparkLogger
from pyspark.sql import SparkSession

from gmmcli.core.tables.complaints import translate_errors
from gmmcli.core.tables.dialect import Dialect, check_header, detect_dialect
from gmmcli.core.tables.engine import Dataset, Engine, match_titles
from gmmcli.core.tables.formats import PARQUET_SUFFIXES
from gmmcli.core.tables.source import Source
from gmmcli.errors import TableError

# What Spark's optimizer leaves undone: here to move conditions to where rows are read.
EXCLUDED_RULES = "spark.sql.optimizer.excludedRules"
PUSHING_CONDITIONS = (
    "org.apache.spark.sql.catalyst.optimizer.PushDownPredicates",
    "org.apache.spark.sql.catalyst.optimizer.PushPredicateThroughNonJoin",
)
# What to do about text that Spark does not read.
WITHOUT_SPARK = "leave out --engine spark, or write it as plain CSV or Parquet"
# Whether rows go to and from Spark by Arrow.
BY_ARROW = "spark.sql.execution.arrow.pyspark.enabled"


def open_with_spark(source: Source, named: Sequence[str | None]) -> Dataset:
    """All rows and columns of files, as text where they are text files.

    The session is whatever `SparkSession.builder.getOrCreate()` gives, so spark-submit,
    spark-defaults.conf and SPARK_REMOTE choose it. Paths are Spark's: patterns, and URLs of any
    file system that it knows.

    Args:
        source: such a path, pattern or URL.
        named: the columns that the user named.

    Raises:
        TableError: when there is no Spark, or it cannot read the files.
    """
    session = _start_session(source.name)
    _silence_loggers()
    with translate_errors(source.name):
        _configure(session)
        backend = ibis.pyspark.connect(session)
        engine = build_engine(backend)
        path = _escape(source.place)
        if source.place.lower().endswith(PARQUET_SUFFIXES):
            return Dataset(backend.read_parquet(path), engine)
        _parse_text_once(session)
        dialect = detect_dialect(_read_first_lines(session, path, source.name), named)
        _check_dialect(dialect, source.name)
        rows = _read_csv(backend, path, dialect, source.name)
        return Dataset(rows, engine, dialect, titles=match_titles(dialect.titles, rows))


def build_engine(backend: BaseBackend) -> Engine:
    """Spark as an engine.

    Args:
        backend: a connection of Ibis's to Spark.
    """
    return Engine(
        backend,
        read_first=partial(_read_first, backend),
        write_parts=partial(_write_parts, backend),
    )


def _read_first(backend: BaseBackend, rows: ir.Table, n_rows: int) -> pa.Table:
    """The first rows in their order; Arrow collects parts as workers have done them."""
    settings = backend._session.conf
    settings.set(BY_ARROW, "false")
    try:
        return rows.limit(n_rows).to_pyarrow()
    finally:
        settings.set(BY_ARROW, "true")


def _write_parts(backend: BaseBackend, rows: ir.Table, directory: str, *, overwrite: bool) -> None:
    """Write rows as Spark does: a directory with a file for each part, in their order.

    Args:
        backend: Ibis's connection to Spark.
        rows: what to write.
        directory: a path or URL that Spark knows; its suffix tells the format of the parts.
        overwrite: replace what is there.
    """
    frame = backend.raw_sql(rows.compile())
    writer = frame.write.mode("overwrite" if overwrite else "errorifexists")
    if directory.lower().endswith(".parquet"):
        writer.parquet(directory)
    else:
        packed = "gzip" if directory.lower().endswith(".gz") else "none"
        writer.csv(directory, header=True, escape='"', emptyValue="", compression=packed)


def _configure(session: SparkSession) -> None:
    # A value that is no number then is an error, as everywhere else, and not null.
    session.conf.set("spark.sql.ansi.enabled", "true")
    # Spark would multiply conditions on every column by each other until memory runs out.
    session.conf.set("spark.sql.constraintPropagation.enabled", "false")
    # Grids then are sent to the rows; otherwise the rows of both are sent where they meet.
    session.conf.set(BY_ARROW, "true")


def _parse_text_once(session: SparkSession) -> None:
    # Spark would read the text of a number anew wherever a condition has it, some a hundred times:
    # of 25,000 rows of which some are cut finer, 42 s of processor time for 4 s.
    excluded = (session.conf.get(EXCLUDED_RULES, "") or "").split(",")
    rules = dict.fromkeys(rule for rule in (*excluded, *PUSHING_CONDITIONS) if rule)
    session.conf.set(EXCLUDED_RULES, ",".join(rules))


def _read_first_lines(
    session: SparkSession, path: str, name: str, *, n_lines: int = 200
) -> list[str]:
    """The first lines of text files that are not blank; at least one.

    Raises:
        TableError: when there is none.
    """
    lines = [row.value for row in session.read.text(path).limit(n_lines).collect()]
    lines = [line.removeprefix("\ufeff") for line in lines if line.strip("\ufeff \t")]
    if not lines:
        raise TableError(f"{name} is empty: it needs a header and rows")
    return lines


def _read_csv(backend: BaseBackend, path: str, dialect: Dialect, name: str) -> ir.Table:
    """The rows of text files, with every column as it is written."""
    rows = backend.read_csv(
        path,
        header=dialect.has_header,
        sep=dialect.delimiter,
        inferSchema=False,
        quote=dialect.quote,
        escape=dialect.escape,
        enforceSchema=False,
        mode="FAILFAST",
    )
    if len(rows.columns) != len(dialect.names):
        raise TableError(f"{name} has other columns than its header names: {WITHOUT_SPARK}")
    return rows.rename(dict(zip(dialect.names, rows.columns, strict=True)))


def _check_dialect(dialect: Dialect, name: str) -> None:
    """Raise where Spark would lose rows of a text file, or take comments for some.

    Raises:
        TableError: when fields are separated by blanks, or comments are above the rows.
    """
    check_header(dialect, name)
    is_header_first = dialect.n_before == bool(dialect.has_header)
    if dialect.delimiter == " " or dialect.is_irregular or not is_header_first:
        raise TableError(f"{name} has blanks between fields, or comments: {WITHOUT_SPARK}")


def _start_session(source: str) -> SparkSession:
    """The user's session. What its Java virtual machine says goes nowhere, unless it won't start.

    Raises:
        TableError: when there is no session to be had.
    """
    with tempfile.TemporaryFile() as log:
        try:
            with translate_errors(source), _redirect_stderr(log.fileno()):
                return SparkSession.builder.getOrCreate()
        except TableError as error:
            log.seek(0)
            said = log.read().decode(errors="replace").strip().splitlines()
            raise TableError(f"{error}; Java says: {said[-1]}" if said else str(error)) from error


def _silence_loggers() -> None:
    """Have pyspark raise its errors, and not write them to standard error too."""
    for kind in ("SQL", "DataFrame"):
        PySparkLogger.getLogger(f"{kind}QueryContextLogger").disabled = True
    warnings.filterwarnings("ignore", "toPandas attempted Arrow", UserWarning)


def _escape(data: str) -> str:
    """The path, with the marks of a pattern made literal where a file of this name is here."""
    path = Path(data)
    if not path.exists():
        return data
    return "".join(f"\\{letter}" if letter in "*?[]{}\\" else letter for letter in str(path))


@contextmanager
def _redirect_stderr(file: int) -> Iterator[None]:
    """A context in which new processes have another file for their standard error, for good."""
    sys.stderr.flush()
    terminal = os.dup(2)
    os.dup2(file, 2)
    try:
        yield
    finally:
        os.dup2(terminal, 2)
        os.close(terminal)
