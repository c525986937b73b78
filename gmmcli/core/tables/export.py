"""Rows that an engine makes, to files: by the engine itself where it can, or else batch by batch.

Rows stream, so memory stays bounded, and the order of a file is kept.
"""

from collections.abc import Iterator
from pathlib import Path

import ibis.expr.types as ir
import pyarrow as pa

from gmmcli.core.tables.engines import Source, files_of, readable_errors
from gmmcli.core.tables.sink import check_sink, is_parquet, print_rows, write_rows
from gmmcli.core.tables.table import Table
from gmmcli.errors import OutputError
from gmmcli.files import check_writable, replace_atomically

BATCH_ROWS = 200_000
KEEP_TEXT = "; only the first rows were looked at: write a .csv, which keeps columns as they are"


def check_export(
    source: Source, output: str | None, *, overwrite: bool, option: str = "-o"
) -> None:
    """Raise where rows of a source cannot be written to a file, or would replace one unasked.

    Nothing that is read is ever replaced.

    Args:
        source: where the rows are.
        output: the file; standard output by default.
        overwrite: whether to replace it where it exists.
        option: the option that names it.

    Raises:
        OutputError: naming the file.
    """
    is_spark = source.engine == "spark"
    if output is None:
        if is_spark:
            raise OutputError(f"Spark writes a directory of parts: name it with {option}")
        return
    if Path(output).resolve() in files_of(source):
        raise OutputError(f"{output} is what is read: choose another place with {option}")
    check_sink(Path(output), overwrite=overwrite, option=option)
    if not is_spark:  # whose paths may be of another file system
        check_writable(Path(output), option)


def keeps_text(output: str | None) -> bool:
    """Whether what is written there keeps the columns of text files as they are."""
    return output is None or not is_parquet(Path(output))


def export(table: Table, rows: ir.Table, output: str | None, *, overwrite: bool) -> None:
    """Write rows made from a table, in the format of the file's suffix, atomically.

    CSV goes to standard output where no file is named. Spark makes a directory of this name with a
    file for each of its parts, one after the other.

    Raises:
        TableError: when the rows cannot be read.
        OutputError: when the file cannot be written.
    """
    if output is None:
        schema, stream = _batches(table, rows)
        print_rows(stream, schema)
    elif table.opened.is_spark:
        from gmmcli.core.tables.spark import write_parts  # an extra, so not imported at the top

        with readable_errors(table.source, output):
            write_parts(table.opened, rows, output, overwrite=overwrite)
    elif is_parquet(Path(output)) and table.opened.is_duckdb:
        with (
            replace_atomically(Path(output)) as file,
            readable_errors(table.source, output, if_converted=KEEP_TEXT),
        ):
            table.opened.write_parquet(rows, Path(file.name))
    else:
        schema, stream = _batches(table, rows)
        write_rows(stream, schema, Path(output))


def _batches(table: Table, rows: ir.Table) -> tuple[pa.Schema, Iterator[pa.RecordBatch]]:
    """The schema of some rows made from a table, and the rows themselves, batch by batch."""
    with readable_errors(table.source):
        reader = table.opened.stream(rows, BATCH_ROWS)

    def read() -> Iterator[pa.RecordBatch]:
        with readable_errors(table.source):
            yield from reader

    return reader.schema, read()
