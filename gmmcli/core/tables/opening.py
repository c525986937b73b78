"""The one place that chooses an engine for what the user named."""

from collections.abc import Sequence

from gmmcli.core.tables.databases import open_database
from gmmcli.core.tables.duckdb_files import open_files, silence_ibis
from gmmcli.core.tables.engine import Dataset
from gmmcli.core.tables.frames import open_frame
from gmmcli.core.tables.source import Source, check_source
from gmmcli.errors import TableError


def open_source(source: Source, named: Sequence[str | None], *, as_text: bool) -> Dataset:
    """All rows and columns of a source, by the engine that is asked for or else fits it.

    Args:
        source: what the user named.
        named: the columns that the user named.
        as_text: read the columns of text files as they are written, whatever they hold; Spark
            always does.

    Raises:
        TableError: when there is no such source, or it cannot be read.
    """
    silence_ibis()
    if source.frame is not None:
        return open_frame(source)
    check_source(source)
    if source.engine == "spark":
        return _open_with_spark(source, named)
    return open_database(source) if source.is_url else open_files(source, named, as_text=as_text)


def _open_with_spark(source: Source, named: Sequence[str | None]) -> Dataset:
    # Imported here, as pyspark is an extra of this package: everything else works without it.
    try:
        from gmmcli.core.tables.spark import open_with_spark
    except ImportError as error:
        raise TableError("--engine spark needs pyspark: pip install 'gmmcli[spark]'") from error
    return open_with_spark(source, named)
