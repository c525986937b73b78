"""Copies of what DuckDB does not read as it is: streams, workbooks, Arrow files, uneven text.

A copy is a temporary CSV or Parquet file with the same rows, and text in the same lines. It is made
in bounded memory, and removed in the end.
"""

import csv
import errno
import glob
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TextIO

import pyarrow as pa
import pyarrow.parquet as pq

from gmmcli.core.tables.complaints import COPY, translate_errors
from gmmcli.core.tables.dialect import Dialect, detect_dialect
from gmmcli.core.tables.formats import (
    WORKBOOKS,
    Sample,
    find_paths,
    is_stream,
    read_lines,
    read_sample,
    recognize,
    share_sample,
)
from gmmcli.core.tables.layout import Layout, find_mark, leave_out
from gmmcli.core.tables.source import Source, check_name
from gmmcli.errors import TableError
from gmmcli.settings import EngineName

# Writes a file that DuckDB reads.
Write = Callable[[Path], None]


@contextmanager
def resolve_source(
    data: str, table: str | None, engine: EngineName = "auto", *, where: str | None = None
) -> Iterator[Source]:
    """What the user named, with a temporary copy of it where DuckDB does not read it as it is.

    Args:
        data: a path, a pattern of paths, the URL of a database, or - for standard input.
        table: the table in the database, or the sheet of a workbook.
        engine: what reads it.
        where: the condition that its rows have to meet.

    Raises:
        TableError: when there is nothing to be read, or no copy can be made.
    """
    label = "standard input" if data == "-" else None
    source = Source(data, table, engine, label, where=where)
    check_name(source)
    is_kept = data == "-" or is_stream(data)
    if not is_kept and (source.is_url or source.is_distributed):
        yield source
        return
    plans = [] if is_kept else _plan_copies(find_paths(data), source)
    if not is_kept and all(write is None for _, write in plans):
        yield source
        return
    with tempfile.TemporaryDirectory(prefix="gmm-") as directory:
        with _explain(source.name):
            place = Path(directory)
            if is_kept:
                kept = _keep_stream(source, place)
                plans = [] if source.is_distributed else _plan_copies([kept], source)
                source = replace(source, copy=str(kept))
            if any(write is not None for _, write in plans):
                source = replace(source, copy=_make_copies(plans, place))
        yield source


@contextmanager
def _explain(name: str) -> Iterator[None]:
    """Have no room for a copy be the user's error, with what to do."""
    try:
        yield
    except OSError as error:
        if error.errno == errno.EBADF:
            raise TableError(f"cannot copy {name}: {error.strerror}") from error
        raise TableError(
            f"cannot make a temporary copy of {name}: {error.strerror or error}: have TMPDIR name "
            "a directory with room"
        ) from error


def _plan_copies(paths: Sequence[Path], source: Source) -> list[tuple[Path, Write | None]]:
    """The files of a source, each with what writes a copy of it; None where none is needed.

    Raises:
        TableError: when a file cannot be read.
    """
    names = [source.name] if len(paths) == 1 else [str(path) for path in paths]
    n_bytes = share_sample(len(paths))
    return [
        (path, _plan_copy(path, name, source.table, n_bytes))
        for path, name in zip(paths, names, strict=True)
    ]


def _plan_copy(path: Path, name: str, sheet: str | None, n_bytes: int) -> Write | None:
    kind = recognize(path, name)
    if kind == "arrow":
        return partial(_copy_arrow, path, name)
    if kind == "workbook":
        return partial(_copy_sheet, path, name, sheet)
    if kind != "text":
        return None
    sample = read_sample(path, name, n_bytes=n_bytes)
    dialect = detect_dialect(sample.lines, ())
    is_even = not (dialect.is_irregular or sample.has_mixed_ends or dialect.delimiter == " ")
    is_utf8 = sample.encoding.startswith("utf-8")
    return None if is_even and is_utf8 else partial(_copy_text, path, name, sample, dialect)


def _keep_stream(source: Source, directory: Path) -> Path:
    """A file with all that a stream holds."""
    path = directory / "stream"
    if source.data != "-":
        with Path(source.data).open("rb") as stream, path.open("wb") as file:
            shutil.copyfileobj(stream, file)
        return path
    if sys.stdin is None:
        raise TableError("standard input is closed: give a file")
    with path.open("wb") as file:
        shutil.copyfileobj(sys.stdin.buffer, file)
    return path


def _make_copies(plans: Sequence[tuple[Path, Write | None]], directory: Path) -> str:
    """Copies of some files, and links to those that need none, as a pattern of their paths."""
    for number, (path, write) in enumerate(plans):
        own = directory / f"{number:06}"
        own.mkdir()
        copy = own / f"{COPY}{path.name}"
        if write is None:
            copy.symlink_to(path.absolute())
        elif path.suffix.lower() in WORKBOOKS:
            write(copy.with_name(f"{copy.name}.csv"))
        else:
            write(copy)
    return str(Path(glob.escape(str(directory)), "[0-9]*", "*"))


def _copy_text(path: Path, name: str, sample: Sample, dialect: Dialect, target: Path) -> None:
    """Write text as UTF-8 with even lines, empty ones for comments among rows, and no blanks."""
    mark = find_mark(sample.lines)
    by_blanks = dialect.delimiter == " "
    layout = Layout(dialect.delimiter, dialect.quote, dialect.escape)
    with target.open("w", encoding="utf-8", newline="") as file:
        for number, line in enumerate(read_lines(path, name, sample.encoding)):
            text = line
            if leave_out(line, mark):
                text = line.strip() if number < dialect.n_before else ""
            elif by_blanks:
                text = _join(layout.split([line])[0])
            file.write(f"{text}\n")


def _join(fields: Sequence[str]) -> str:
    """Fields as a line with tabs between them."""
    if not any('"' in field or "\t" in field for field in fields):
        return "\t".join(fields)
    return "\t".join('"' + field.replace('"', '""') + '"' for field in fields)


def _copy_arrow(path: Path, name: str, target: Path) -> None:
    """Write an Arrow or Feather file as Parquet."""
    with translate_errors(name), pa.memory_map(str(path)) as file:
        try:
            reader = pa.ipc.open_file(file)
            batches = (reader.get_batch(i) for i in range(reader.num_record_batches))
        except pa.ArrowInvalid:
            file.seek(0)
            reader = batches = pa.ipc.open_stream(file)
        with pq.ParquetWriter(target, reader.schema) as writer:
            for batch in batches:
                writer.write_batch(batch)


def _copy_sheet(path: Path, name: str, sheet: str | None, target: Path) -> None:
    """Write a sheet of a workbook as CSV."""
    # Imported here, as python-calamine is an extra of this package.
    try:
        from gmmcli.core.tables.workbooks import read_rows
    except ImportError as error:
        raise TableError(
            f"{name} is a workbook, which needs python-calamine: pip install 'gmmcli[excel]', or "
            "save it as CSV"
        ) from error
    with target.open("w", encoding="utf-8", newline="") as file:
        write_lines(read_rows(path, name, sheet), file)


def write_lines(rows: Iterator[list[str]], file: TextIO) -> None:
    """Write rows as CSV; those of nothing but empty fields as empty lines."""
    writer = csv.writer(file, lineterminator="\n")
    for row in rows:
        if any(row):
            writer.writerow(row)
        else:
            file.write("\n")
