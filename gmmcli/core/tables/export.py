"""Rows that an engine makes, to files: by the engine itself where it can, or else batch by batch.

Rows stream, so memory stays bounded, and the order of a file is kept.
"""

from collections.abc import Iterator
from pathlib import Path

import ibis.expr.types as ir
import pyarrow as pa

from gmmcli.core.tables.complaints import translate_errors
from gmmcli.core.tables.engine import BATCH_ROWS, have_twins, rename
from gmmcli.core.tables.sink import check_sink, is_parquet, print_rows, write_rows
from gmmcli.core.tables.source import Source, list_files
from gmmcli.core.tables.table import Table, cast_rare_types
from gmmcli.errors import OutputError
from gmmcli.files import check_writable, replace_atomically

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
    if output is None:
        if source.is_distributed:
            engine = source.engine.capitalize()
            raise OutputError(f"{engine} writes a directory of parts: name it with {option}")
        return
    if Path(output).resolve() in list_files(source):
        raise OutputError(f"{output} is what is read: choose another place with {option}")
    check_sink(Path(output), overwrite=overwrite, option=option)
    if not source.is_distributed:  # whose paths may be of another file system
        check_writable(Path(output), option)


def is_text_kept(output: str | None) -> bool:
    """Whether what is written there keeps the columns of text files as they are."""
    return output is None or not is_parquet(Path(output))


def export(table: Table, rows: ir.Table, output: str | None, *, overwrite: bool) -> None:
    """Write rows made from a table, in the format of the file's suffix, atomically.

    CSV goes to standard output where no file is named. An engine of several machines makes a
    directory of this name with a file for each of its parts, one after the other.

    Args:
        table: what the rows are made from.
        rows: an expression over all its columns.
        output: the file or directory; standard output by default.
        overwrite: whether to replace what has this name by then.

    Raises:
        TableError: when the rows cannot be read.
        OutputError: when the file cannot be written.
    """
    engine = table.dataset.engine
    if output is None:
        schema, batches = _stream(table, rows)
        print_rows(batches, schema)
    elif engine.write_parts is not None:
        with translate_errors(table.source, output):
            engine.write_parts(rows, output, overwrite=overwrite)
    elif (
        engine.write_parquet is not None
        and is_parquet(Path(output))
        and not have_twins([table.dataset.titles.get(name, name) for name in rows.columns])
    ):
        with (
            replace_atomically(Path(output), overwrite=overwrite) as file,
            translate_errors(table.source, output, if_converted=KEEP_TEXT),
        ):
            engine.write_parquet(rows, Path(file.name))
    else:
        schema, batches = _stream(table, rows)
        write_rows(batches, schema, Path(output), overwrite=overwrite)


def _stream(table: Table, rows: ir.Table) -> tuple[pa.Schema, Iterator[pa.RecordBatch]]:
    """The schema of some rows made from a table, and the rows themselves, batch by batch.

    Args:
        table: what the rows are made from.
        rows: an expression over all its columns.
    """
    with translate_errors(table.source):
        reader = table.dataset.engine.stream(cast_rare_types(rows), BATCH_ROWS)

    titles = [table.dataset.titles.get(name, name) for name in reader.schema.names]
    schema, batches = rename(reader, titles)

    def read() -> Iterator[pa.RecordBatch]:
        with translate_errors(table.source):
            yield from batches

    return schema, read()
