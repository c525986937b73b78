"""Where rows go: CSV, compressed CSV or Parquet by the suffix of a path, or an open stream."""

import csv
import gzip
import io
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import IO

import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet

from gmmcli.errors import OutputError
from gmmcli.files import check_file_target, replace_atomically

SUFFIXES = (".csv", ".csv.gz", ".parquet")


def check_sink(path: Path, *, overwrite: bool, option: str = "-o") -> None:
    """Raise where rows cannot go to a file of this name, or would replace one unasked.

    Args:
        path: the file.
        overwrite: whether to replace it where it exists.
        option: the option that names it.

    Raises:
        OutputError: naming the file.
    """
    if not path.name.lower().endswith(SUFFIXES):
        raise OutputError(f"cannot tell the format of {path}: end it in {' or '.join(SUFFIXES)}")
    check_file_target(path, overwrite=overwrite, option=option)


def is_parquet(path: Path) -> bool:
    """Whether a file of this name is Parquet rather than CSV."""
    return path.name.lower().endswith(".parquet")


def write_rows(
    batches: Iterable[pa.RecordBatch], schema: pa.Schema, path: Path, *, overwrite: bool = True
) -> None:
    """Write batches to a file in the format of its suffix, atomically and in bounded memory.

    Args:
        batches: the rows.
        schema: of them.
        path: the file.
        overwrite: whether to replace what is there by then.

    Raises:
        OutputError: when the file cannot be written.
    """
    with replace_atomically(path, overwrite=overwrite) as file:
        if is_parquet(path):
            with pyarrow.parquet.ParquetWriter(file, schema) as writer:
                for batch in batches:
                    writer.write_batch(batch)
        elif path.name.lower().endswith(".gz"):
            # Without a file name and a time, equal rows make equal bytes.
            with gzip.GzipFile("", "wb", compresslevel=6, fileobj=file, mtime=0) as compressed:
                stream_csv(batches, schema, compressed)
        else:
            stream_csv(batches, schema, file)


def print_rows(batches: Iterable[pa.RecordBatch], schema: pa.Schema) -> None:
    """Write batches to standard output as CSV.

    Raises:
        OutputError: when it takes no more.
        BrokenPipeError: when its reader has left.
    """
    try:
        stream_csv(batches, schema, sys.stdout.buffer)
    except BrokenPipeError:
        raise
    except OSError as error:
        raise OutputError(
            f"cannot write to standard output: {error.strerror}: write to a file with -o"
        ) from error


def stream_csv(
    batches: Iterable[pa.RecordBatch], schema: pa.Schema, stream: IO[bytes] | gzip.GzipFile
) -> None:
    """Write a header and batches as CSV to an open binary stream, one batch at a time."""
    header = io.StringIO()
    csv.writer(header, lineterminator="\n").writerow(schema.names)
    stream.write(header.getvalue().encode())
    for batch in batches:
        stream.write(_csv_lines(batch))
    stream.flush()


def _csv_lines(batch: pa.RecordBatch) -> bytes:
    """Rows as CSV, with quotes only in batches where some value needs them."""
    lines = io.BytesIO()
    try:
        plain = pyarrow.csv.WriteOptions(include_header=False, quoting_style="none")
        pyarrow.csv.write_csv(batch, lines, plain)
    except pa.ArrowInvalid:
        lines = io.BytesIO()
        pyarrow.csv.write_csv(batch, lines, pyarrow.csv.WriteOptions(include_header=False))
    return lines.getvalue()
