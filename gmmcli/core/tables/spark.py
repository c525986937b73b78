"""Files that Spark reads, with the user's own session: the road beyond one machine."""

import os
import sys
import tempfile
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import ibis
import ibis.expr.types as ir
import pyarrow as pa
from ibis.backends import BaseBackend
from pyspark.logger import PySparkLogger
from pyspark.sql import SparkSession

from gmmcli.core.tables.dialect import dialect_of
from gmmcli.core.tables.engines import PARQUET, Opened, Source, readable_errors
from gmmcli.errors import TableError

FIRST_LINES = 200
BY_ARROW = "spark.sql.execution.arrow.pyspark.enabled"


def open_with_spark(source: Source, named: Sequence[str | None]) -> Opened:
    """All columns of files, as text where they are text files.

    The session is whatever `SparkSession.builder.getOrCreate()` gives, so spark-submit,
    spark-defaults.conf and SPARK_REMOTE choose it. Paths are Spark's: patterns, and URLs of any
    file system that it knows.

    Raises:
        TableError: when there is no Spark, or it cannot read the files.
    """
    session = _session(source.name)
    _say_errors_once()
    with readable_errors(source.name):
        # A value that is no number then is an error, as everywhere else, and not null.
        session.conf.set("spark.sql.ansi.enabled", "true")
        # Spark would multiply conditions on every column by each other until memory runs out.
        session.conf.set("spark.sql.constraintPropagation.enabled", "false")
        # Grids then are sent to the rows; otherwise the rows of both are sent where they meet.
        session.conf.set(BY_ARROW, "true")
        backend = ibis.pyspark.connect(session)
        path = _literal(source.data)
        if source.data.lower().endswith(PARQUET):
            return Opened(backend.read_parquet(path), backend)
        lines = [row.value for row in session.read.text(path).limit(FIRST_LINES).collect()]
        lines = [line.removeprefix("\ufeff") for line in lines if line.strip("\ufeff \t")]
        if not lines:
            raise TableError(f"{source.name} is empty: it needs a header and rows")
        dialect = dialect_of(lines, named)
        rows = backend.read_csv(
            path,
            header=dialect.has_header,
            sep=dialect.delimiter,
            inferSchema=False,
            escape='"',
            enforceSchema=False,
            mode="FAILFAST",
        )
        if not dialect.has_header:
            rows = rows.rename({f"column{i}": name for i, name in enumerate(rows.columns)})
        return Opened(rows, backend, dialect)


def in_order(rows: ir.Table, backend: BaseBackend) -> pa.Table:
    """The first rows of a table in its order; Arrow collects parts as workers have done them."""
    settings = backend._session.conf
    settings.set(BY_ARROW, "false")
    try:
        return rows.to_pyarrow()
    finally:
        settings.set(BY_ARROW, "true")


def write_parts(opened: Opened, rows: ir.Table, directory: str, *, overwrite: bool) -> None:
    """Write rows as Spark does: a directory with a file for each part, in their order.

    Args:
        opened: what the rows come from.
        rows: what to write.
        directory: a path or URL that Spark knows; its suffix tells the format of the parts.
        overwrite: replace what is there.
    """
    frame = opened.backend.raw_sql(rows.compile())
    writer = frame.write.mode("overwrite" if overwrite else "errorifexists")
    if directory.lower().endswith(".parquet"):
        writer.parquet(directory)
    else:
        packed = "gzip" if directory.lower().endswith(".gz") else "none"
        writer.csv(directory, header=True, escape='"', emptyValue="", compression=packed)


def _session(source: str) -> SparkSession:
    """The user's session. What its Java virtual machine says goes nowhere, unless it won't start.

    Raises:
        TableError: when there is no session to be had.
    """
    with tempfile.TemporaryFile() as log:
        try:
            with readable_errors(source), _stderr_to(log.fileno()):
                return SparkSession.builder.getOrCreate()
        except TableError as error:
            log.seek(0)
            said = log.read().decode(errors="replace").strip().splitlines()
            raise TableError(f"{error}; Java says: {said[-1]}" if said else str(error)) from error


def _say_errors_once() -> None:
    """Have pyspark raise its errors, and not write them to standard error too."""
    for kind in ("SQL", "DataFrame"):
        PySparkLogger.getLogger(f"{kind}QueryContextLogger").disabled = True
    warnings.filterwarnings("ignore", "toPandas attempted Arrow", UserWarning)


def _literal(data: str) -> str:
    """The path, with the marks of a pattern made literal where a file of this name is here."""
    path = Path(data)
    if not path.exists():
        return data
    return "".join(f"\\{letter}" if letter in "*?[]{}\\" else letter for letter in str(path))


@contextmanager
def _stderr_to(file: int) -> Iterator[None]:
    """A context in which new processes have another file for their standard error, for good."""
    sys.stderr.flush()
    terminal = os.dup(2)
    os.dup2(file, 2)
    try:
        yield
    finally:
        os.dup2(terminal, 2)
        os.close(terminal)
