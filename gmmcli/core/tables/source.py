"""Sources: what the user named, as it was written. Opens nothing; `opening` does."""

import glob
import re
from dataclasses import dataclass, replace
from importlib.metadata import entry_points
from pathlib import Path
from urllib.parse import SplitResult, urlsplit

import pyarrow as pa

from gmmcli.errors import TableError
from gmmcli.settings import EngineName

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
        copy: a path or pattern of paths that is read in its place; see `copies`.
        where: the condition that its rows have to meet, an expression of columns.
        frame: rows in memory, where `data` is but a name for them.
    """

    data: str
    table: str | None = None
    engine: EngineName = "auto"
    label: str | None = None
    copy: str | None = None
    where: str | None = None
    frame: pa.Table | None = None

    @property
    def place(self) -> str:
        """What is read: what the user named, or its copy."""
        return self.data if self.copy is None else self.copy

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


def check_name(source: Source) -> None:
    """Raise where what the user named is no text, as names of files may be.

    Raises:
        TableError: naming the source.
    """
    if any("\ud800" <= letter <= "\udfff" for letter in source.data):
        raise TableError(f"the name {source.data!r} is not UTF-8: rename the file")


def check_source(source: Source) -> None:
    """Raise where an engine or a table is asked of what does not have it.

    Raises:
        TableError: naming the source.
    """
    check_name(source)
    name = replace(source, table=None).name
    if source.table is not None and not source.table.strip():
        raise TableError(f"--table of {name} is empty: name a table, or leave it out")
    if source.engine != "auto" and source.is_database:
        raise TableError(f"{name} is a database, not files: leave out --engine {source.engine}")
    is_asked = source.table is not None and source.copy is None  # a copy may be of a sheet
    if is_asked and (source.engine != "auto" or not source.is_url):
        raise TableError(
            f"{name} is not the URL of a database: leave out --table, which names a table "
            "in one, or give a URL such as duckdb://survey.duckdb"
        )


def list_files(source: Source) -> set[Path]:
    """The files of this machine that a source names, with nothing relative or linked in a path."""
    if source.frame is not None:
        return set()
    names = {source.data, *glob.glob(source.data)}  # noqa: PTH207 (absolute)
    parts = split_url(source.data)
    if parts is not None and parts.scheme in LOCAL_FILES:
        names.add(parts.netloc + parts.path)
    return {Path(name).resolve() for name in names}


def check_apart(source: Source, directory: Path) -> None:
    """Refuse to read what lies in a directory that is about to be replaced.

    Raises:
        TableError: naming the file.
    """
    place = directory.resolve()
    if any(path.is_relative_to(place) for path in list_files(source)):
        raise TableError(
            f"{source.name} lies in {directory}, which the run is to replace: choose another "
            "place with -o"
        )


def split_url(data: str) -> SplitResult | None:
    """The parts of a URL; None where it is not clear which of them is the password."""
    try:
        parts = urlsplit(data)
        _ = parts.port
    except ValueError:
        return None
    later = parts.path + parts.query + parts.fragment
    return None if ":" in parts.netloc and "@" in later else parts
