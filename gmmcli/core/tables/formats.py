"""What a file is, by its first bytes, or else by the end of its name; and text, unpacked."""

import codecs
import glob
import gzip
import os
import re
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from difflib import get_close_matches
from io import TextIOWrapper
from pathlib import Path
from typing import BinaryIO, Literal, cast

import pyarrow as pa

from gmmcli.errors import TableError

Format = Literal["text", "json", "parquet", "arrow", "workbook"]
Packing = Literal["none", "gzip", "zstd"]

PARQUET_SUFFIXES = (".parquet", ".pq")
WORKBOOKS = (".xlsx", ".xlsm", ".xlsb", ".xls", ".ods")
SUFFIXES: dict[str, Format] = {
    **dict.fromkeys(PARQUET_SUFFIXES, "parquet"),
    **dict.fromkeys((".arrow", ".arrows", ".feather", ".ipc"), "arrow"),
    **dict.fromkeys(WORKBOOKS, "workbook"),
    **dict.fromkeys((".jsonl", ".ndjson", ".json"), "json"),
}
# How files begin that are read whatever their names, if what follows is no text.
SIGNATURES: dict[bytes, Format] = {
    b"PAR1": "parquet",
    b"ARROW1": "arrow",
    b"PK\x03\x04": "workbook",
    b"\xd0\xcf\x11\xe0": "workbook",
}
PACKINGS: dict[bytes, Packing] = {b"\x1f\x8b": "gzip", b"\x28\xb5\x2f\xfd": "zstd"}
# How files begin that are not read, with what they are and what to do. Where this is all text, a
# table may begin so too, unless more of it is said.
FOREIGN = {
    rb"\x93NUMPY": ("a NumPy array", "write it as text, with numpy.savetxt"),
    rb"\x89HDF": ("an HDF5 file", "write its table as CSV or Parquet"),
    rb"SIMPLE  = +T ": ("a FITS file", "write its table as CSV or Parquet"),
    rb"SQLite format 3\0": ("an SQLite database", "give its URL, sqlite://FILE, with --table"),
    rb"BZh[1-9](1AY&SY|\x17rE8P)": ("packed by bzip2", "unpack it, with bunzip2"),
    rb"\xfd7zXZ\0": ("packed by xz", "unpack it, with unxz"),
    rb"\x80[\x02-\x05]": ("a pickle, which is never opened", "write its table as CSV or Parquet"),
    rb"%PDF-\d\.\d": ("a PDF document", "write its table as CSV"),
    rb"FEA1(?=[^\r\n]*[\0-\x08])": (
        "Feather of version 1",
        "write it anew as version 2, or as Parquet",
    ),
    rb"(?i)\s*<(!DOCTYPE html|html)\b": ("a web page", "save the table on it as CSV"),
    rb"<\?xml ": ("XML", "write its table as CSV"),
}
# What no text holds: bytes below 32 but for tabs, ends of lines and pages, and escapes.
NO_TEXT = re.compile(rb"[\0-\x08\x0e-\x1a\x1c-\x1f]")
# The marks with which text in some encodings begins; the longer ones first.
MARKS = {
    b"\xff\xfe\0\0": "utf-32",
    b"\0\0\xfe\xff": "utf-32",
    b"\xff\xfe": "utf-16",
    b"\xfe\xff": "utf-16",
}
# What reading a file that is damaged, or cannot be opened, raises.
UNREADABLE = (OSError, EOFError, zlib.error, pa.ArrowException)


@dataclass(frozen=True)
class Sample:
    """The first lines of a text file.

    Attributes:
        lines: without their ends; at least one holds more than blanks.
        encoding: of the file, as Python calls it.
        packing: how the file is packed.
        has_mixed_ends: whether some lines end as on Windows and some as elsewhere.
    """

    lines: tuple[str, ...]
    encoding: str
    packing: Packing
    has_mixed_ends: bool


def find_paths(data: str) -> list[Path]:
    """The file of this name or else those that match the pattern, in the order of their names.

    Raises:
        TableError: when there is none.
    """
    path = Path(data)
    try:
        if path.is_file():
            return [path]
        if path.is_dir():
            raise TableError(f"{path} is a directory: give a file, or a quoted pattern of files")
        if path.exists():
            raise TableError(f"{path} is a device: give a file, or - for standard input")
    except OSError as error:
        raise TableError(_explain(str(path), error)) from error
    found = [Path(name) for name in sorted(glob.glob(data))]  # noqa: PTH207 (absolute)
    paths = [path for path in found if path.is_file()]
    if not paths:
        raise TableError(_explain_absence(path))
    return paths


def _explain_absence(path: Path) -> str:
    """That there is no file of this name, or none that matches a pattern, and what there is."""
    place = path.parent
    if glob.has_magic(str(path)):
        return f"no file matches {path} in {Path.cwd()}: mend the pattern"
    if not place.is_dir():
        return f"{path} does not exist, nor does the directory {place}: mend the path"
    with suppress(OSError):
        near = get_close_matches(path.name, [each.name for each in place.iterdir()], n=3)
        if near:
            return f"{path} does not exist; did you mean {', '.join(map(repr, near))}?"
    return f"{path} does not exist in {place.resolve()}: mend the path"


def recognize_all(paths: Sequence[Path], name: str) -> Format:
    """What some files are, all of one kind.

    Args:
        paths: of the files.
        name: what messages call them; a single file goes by it.

    Raises:
        TableError: when they are of several kinds; see `recognize`.
    """
    kinds = {recognize(path, name if len(paths) == 1 else str(path)): path for path in paths}
    if len(kinds) > 1:
        named = " and ".join(f"{path.name} ({kind})" for kind, path in sorted(kinds.items()))
        raise TableError(f"{name} matches files of several kinds, such as {named}: match one kind")
    return next(iter(kinds))


def recognize(path: Path, name: str) -> Format:
    """What a file is.

    Args:
        path: the file.
        name: what messages call it.

    Raises:
        TableError: when the file cannot be read, or is of a kind that nothing here reads.
    """
    start = _read_bytes(path, name, 512)
    by_signature = [kind for mark, kind in SIGNATURES.items() if start.startswith(mark)]
    if by_signature and NO_TEXT.search(start):
        return by_signature[0]
    for pattern, (what, remedy) in FOREIGN.items():
        if re.match(pattern, start):
            raise TableError(f"{name} is {what}: {remedy}")
    if start[8:12] == b"DUCK":
        raise TableError(f"{name} is a DuckDB database: give its URL, duckdb://FILE, with --table")
    suffixes = [suffix.lower() for suffix in path.suffixes]
    if find_packing(path, name) != "none" and suffixes:
        suffixes = suffixes[:-1] if suffixes[-1] in (".gz", ".zst") else suffixes
    kind = SUFFIXES.get(suffixes[-1] if suffixes else "", "text")
    return "json" if kind == "text" and start.lstrip()[:1] == b"{" else kind


def is_stream(data: str) -> bool:
    """Whether a path is that of a pipe or a socket, which can be read but once."""
    try:
        path = Path(data)
        return path.is_fifo() or path.is_socket()
    except (OSError, ValueError):
        return False


def find_packing(path: Path, name: str) -> Packing:
    """How a text file is packed, by its first bytes.

    Raises:
        TableError: when the file cannot be read.
    """
    start = _read_bytes(path, name, 4)
    return next((p for mark, p in PACKINGS.items() if start.startswith(mark)), "none")


def read_lines(path: Path, name: str, encoding: str) -> Iterator[str]:
    """The lines of a text file, without their ends.

    Args:
        path: the file.
        name: what messages call it.
        encoding: of the file.

    Raises:
        TableError: when the file cannot be read, or is not in this encoding.
    """
    number = 0
    try:
        with _open_unpacked(path) as file, TextIOWrapper(file, encoding=encoding) as text:
            for line in text:
                number += 1
                yield line.removesuffix("\n")
    except UnicodeDecodeError as error:
        raise TableError(
            f"{name}, after line {number}, is not {encoding} text: mend it, or save it as UTF-8"
        ) from error
    except UNREADABLE as error:
        raise TableError(_explain(name, error)) from error


@contextmanager
def _open_unpacked(path: Path) -> Iterator[BinaryIO]:
    """The bytes of a text file, unpacked."""
    packing = find_packing(path, str(path))
    if packing == "gzip":
        with gzip.open(path, "rb") as file:
            yield cast("BinaryIO", file)
    elif packing == "zstd":
        with pa.input_stream(str(path), compression="zstd") as stream:
            yield cast("BinaryIO", stream)
    else:
        with path.open("rb") as plain:
            yield plain


def share_sample(n_files: int, *, n_bytes: int = 100_000, least: int = 5_000) -> int:
    """How many bytes of each of some text files are looked at before they are read.

    Args:
        n_files: how many there are.
        n_bytes: of all together, some thousand lines: surer against sooner.
        least: of each.
    """
    return max(n_bytes // n_files, least)


def read_sample(path: Path, name: str, *, n_bytes: int = 100_000) -> Sample:
    """The first lines of a text file.

    Args:
        path: the file.
        name: what messages call it.
        n_bytes: how much of the file is looked at, unpacked: some thousand lines.

    Raises:
        TableError: when the file cannot be read, is empty, or is no text.
    """
    try:
        with _open_unpacked(path) as file:
            start = file.read(n_bytes)
    except UNREADABLE as error:
        raise TableError(_explain(name, error)) from error
    encoding = next((e for mark, e in MARKS.items() if start.startswith(mark)), "utf-8-sig")
    text = _decode(start, encoding, name)
    is_whole = len(start) < n_bytes
    if not text.strip():
        raise TableError(f"{name} is empty: it needs a header and rows")
    lines = re.split("\r\n|\r|\n", text)
    # Unless the file ends there, the last line may be cut short.
    lines = lines[:-1] if not is_whole or not lines[-1] else lines
    if not any(line.strip() for line in lines):
        raise TableError(f"{name} has a first line of over {n_bytes:,} characters")
    packing = find_packing(path, name)
    end = b"" if is_whole or packing != "none" else _read_end(path)
    ends = set(re.findall("\r\n|\r|\n", text + end.decode("latin-1")))
    return Sample(tuple(lines), encoding, packing, len(ends) > 1)


def say_encoding(name: str, line: int) -> str:
    """What is wrong with a line that is not UTF-8, and what to do."""
    return (
        f"{name}, line {line} is not UTF-8 text: convert it first, as by "
        "iconv -f WINDOWS-1252 -t UTF-8 OLD > NEW"
    )


def _decode(start: bytes, encoding: str, name: str) -> str:
    """The first bytes of a text file as text, but for a letter that is cut short."""
    try:
        text = codecs.getincrementaldecoder(encoding)().decode(start)
    except UnicodeDecodeError as error:
        if NO_TEXT.search(start):
            raise TableError(
                f"{name} is no text, nor another table that is read: write its table as CSV or "
                "Parquet"
            ) from error
        line = len(re.findall(b"\r\n|\r|\n", start[: error.start])) + 1
        raise TableError(say_encoding(name, line)) from error
    if "\0" in text:
        raise TableError(
            f"{name} holds zero bytes: it is no text, or UTF-16 without its mark; convert that by "
            "iconv -f UTF-16LE -t UTF-8 OLD > NEW"
        )
    return text


def _explain(name: str, error: Exception) -> str:
    """What an error of reading says, in one line, and what to do."""
    said = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    reason = said.splitlines()[0] if said else type(error).__name__
    remedy = "it is damaged or cut short: copy it, or pack it, anew"
    if isinstance(error, PermissionError):
        remedy = "give yourself the right to read it, or copy it"
    elif isinstance(error, OSError) and error.errno is not None:
        remedy = "copy it to where it can be read"
    return f"cannot read {name}: {reason}: {remedy}"


def _read_bytes(path: Path, name: str, n_bytes: int) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(n_bytes)
    except OSError as error:
        raise TableError(_explain(name, error)) from error


def _read_end(path: Path, *, n_bytes: int = 10_000) -> bytes:
    """The last bytes of a file."""
    with path.open("rb") as file:
        file.seek(-min(n_bytes, path.stat().st_size), os.SEEK_END)
        return file.read()
