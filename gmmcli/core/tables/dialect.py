"""How a text file is laid out, from its first lines: delimiter, header, decimal mark. Pure text."""

import csv
import gzip
import re
import zlib
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path

from gmmcli.errors import TableError

# What separates fields, the first of them that a header has; a comma where it has none.
DELIMITERS = "\t;,|"
# What stands for nothing in a field of numbers.
MISSING = ["", " ", "NA", "N/A", "NaN", "nan", "NULL", "null", "None"]
DECIMAL_POINT = re.compile(r"[-+]?\d*\.\d+([eE][-+]?\d+)?")
DECIMAL_COMMA = re.compile(r"[-+]?\d+,\d+")


@dataclass(frozen=True)
class Dialect:
    """The layout of a text file.

    Attributes:
        names: the fields of its first line.
        delimiter: what separates the fields.
        has_header: whether the first line names the columns.
        decimal_comma: whether numbers have a comma where others have a point.
    """

    names: tuple[str, ...]
    delimiter: str
    has_header: bool
    decimal_comma: bool


def detect_dialect(lines: Sequence[str], named: Collection[str | None]) -> Dialect:
    """The layout of a file with these first lines.

    Args:
        lines: at least one, none of them blank.
        named: the columns that the user named, which no file without a header has.
    """
    header, *rows = lines
    unquoted = re.sub('"[^"]*"', "", header)
    delimiter = next((mark for mark in DELIMITERS if mark in unquoted), ",")
    names, *fields = csv.reader([header, *rows], delimiter=delimiter)
    # Where a comma is the decimal mark, fields are separated by semicolons or tabs.
    values = [value.strip() for row in fields for value in row]
    with_commas = any(DECIMAL_COMMA.fullmatch(value) for value in values)
    with_points = any(DECIMAL_POINT.fullmatch(value) for value in values)
    has_header = not all(_is_number(name) for name in names) or bool(set(names) & set(named))
    return Dialect(
        tuple(names), delimiter, has_header, delimiter != "," and with_commas and not with_points
    )


def read_first_lines(path: Path, name: str, *, n_characters: int = 100_000) -> list[str]:
    """The first lines of a text file that are not blank, without their ends; at least one.

    Args:
        path: the file.
        name: what messages call it.
        n_characters: how much of the file is looked at: some thousand lines.

    Raises:
        TableError: when the file cannot be read, is empty, or no text in UTF-8.
    """
    opener = gzip.open if path.suffix.lower() == ".gz" else open
    try:
        with opener(path, "rt", encoding="utf-8-sig", newline="") as file:
            text = file.read(n_characters)
    except UnicodeDecodeError as error:
        raise TableError(f"{name} is not UTF-8 text: save it as a UTF-8 CSV") from error
    except (OSError, EOFError, zlib.error) as error:
        raise TableError(f"cannot read {name}: {error}") from error
    lines = [line for line in re.split("\r\n|\r|\n", text) if line.strip()]
    if not lines:
        raise TableError(f"{name} is empty: it needs a header and rows")
    # Unless the file ends there, the last line may be cut short.
    whole = lines if len(text) < n_characters else lines[:-1]
    if not whole:
        raise TableError(f"{name} has a first line of over {n_characters:,} characters")
    return whole


def _is_number(text: str) -> bool:
    try:
        float(text.strip().strip('"'))
    except ValueError:
        return False
    return True
