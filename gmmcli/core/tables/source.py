"""Sources: what the user named, as it was written. Opens nothing; `opening` does."""

import glob
import re
import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from importlib.metadata import entry_points
from pathlib import Path
from urllib.parse import SplitResult, urlsplit

import pyarrow as pa

from gmmcli.errors import TableError
from gmmcli.settings import EngineName

PARQUET_SUFFIXES = (".parquet", ".pq")
# The extras of this package that bring a driver, by the schemes of URLs that need one.
EXTRAS = {"postgres": "postgres", "postgresql": "postgres", "sqlite": "sqlite"}
# The schemes of URLs that name a file of this machine.
LOCAL_DATABASES = ("duckdb", "sqlite")
LOCAL_FILES = (*LOCAL_DATABASES, "file")
# Of a database, or of a file system that Spark may know.
URL = re.compile(r"[a-zA-Z][a-zA-Z0-9+.-]+://")


@dataclass(frozen=True)
class Source:
    """What the user named.

    Attributes:
        data: a path, a pattern of paths, or the URL of a database.
        table: the table in the database.
        engine: what reads it: "spark", or "auto" for what fits a file or a database.
        label: what messages call it, where that is not what it is.
        where: the condition that its rows have to meet, an expression of columns.
        frame: rows in memory, where `data` is but a name for them.
    """

    data: str
    table: str | None = None
    engine: EngineName = "auto"
    label: str | None = None
    where: str | None = None
    frame: pa.Table | None = None

    @property
    def name(self) -> str:
        """What messages call it: without the password that a URL may hold."""
        if self.label is not None:
            return self.label
        if not self.is_url:
            return self.data
        parts = split_url(self.data)
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

    @property
    def is_distributed(self) -> bool:
        """Whether an engine of several machines reads it.

        Such an engine writes directories of parts, and its paths may be of another file system.
        """
        return self.engine == "spark"


@contextmanager
def resolve_source(
    data: str, table: str | None, engine: EngineName = "auto", *, where: str | None = None
) -> Iterator[Source]:
    """What the user named; where that is -, a temporary CSV file of what standard input holds.

    Args:
        data: a path, a pattern of paths, the URL of a database, or -.
        table: the table in the database.
        engine: what reads it.
        where: the condition that its rows have to meet.
    """
    if data != "-":
        yield Source(data, table, engine, where=where)
        return
    with tempfile.TemporaryDirectory(prefix="gmm-") as directory:
        path = Path(directory) / "standard-input.csv"
        with path.open("wb") as file:
            shutil.copyfileobj(sys.stdin.buffer, file)
        yield Source(str(path), table, engine, label="standard input", where=where)


def check_source(source: Source) -> None:
    """Raise where an engine or a table is asked of what does not have it.

    Raises:
        TableError: naming the source.
    """
    if any("\ud800" <= letter <= "\udfff" for letter in source.data):
        raise TableError(f"the name {source.data!r} is not UTF-8: rename the file")
    name = replace(source, table=None).name
    if source.engine != "auto" and source.is_database:
        raise TableError(f"{name} is a database, not files: leave out --engine {source.engine}")
    if source.table is not None and (source.engine != "auto" or not source.is_url):
        raise TableError(
            f"{name} is not the URL of a database: leave out --table, which names a table "
            "in one, or give a URL such as duckdb://survey.duckdb"
        )


def list_files(source: Source) -> set[Path]:
    """The files of this machine that a source names, with nothing relative or linked in a path."""
    names = {source.data, *glob.glob(source.data)}  # noqa: PTH207 (absolute)
    parts = split_url(source.data)
    if parts is not None and parts.scheme in LOCAL_FILES:
        names.add(parts.netloc + parts.path)
    return {Path(name).resolve() for name in names}


def split_url(data: str) -> SplitResult | None:
    """The parts of a URL; None where it is not clear which of them is the password."""
    try:
        parts = urlsplit(data)
        _ = parts.port
    except ValueError:
        return None
    later = parts.path + parts.query + parts.fragment
    return None if ":" in parts.netloc and "@" in later else parts
