"""Sheets of workbooks as rows of text: Excel's files and OpenDocument's."""

import re
import zipfile
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import IO
from zipfile import ZipFile

from python_calamine import CalamineError, CalamineWorkbook, PasswordError

from gmmcli.errors import TableError

# The fields that a sheet may span, empty ones among them, as all are held at once: so many take
# some gigabytes, and the longest sheet that Excel writes, of 50 columns, has less.
MOST_FIELDS = 60_000_000
# A cell or a row of Excel's with its place, of which a row has no letters.
PLACE = re.compile(rb"""<(?:\w+:)?(?:c|row)\s[^<>]*?\br\s*=\s*["']([A-Z]{0,3})(\d{1,7})["']""")


def read_rows(path: Path, name: str, sheet: str | None) -> Iterator[list[str]]:
    """The rows of a sheet, with empty ones above them and between.

    Args:
        path: the workbook.
        name: what messages call it.
        sheet: its name; by default that of the only sheet that holds anything.

    Raises:
        TableError: when it is no workbook, has no such sheet, or one that is too large.
    """
    _check_size(path, name)
    try:
        workbook = CalamineWorkbook.from_path(path)
        chosen = sheet or _find_sheet(workbook, name)
        if chosen not in workbook.sheet_names:
            listed = ", ".join(map(repr, workbook.sheet_names))
            raise TableError(f"{name} has no sheet {chosen!r}; it has {listed}: name one of them")
        rows = workbook.get_sheet_by_name(chosen).to_python(skip_empty_area=False)
    except PasswordError as error:
        raise TableError(f"{name} is locked by a password: save it without one") from error
    except CalamineError as error:
        raise TableError(
            f"{name} is no workbook, or damaged: {error}: save it anew, or as CSV"
        ) from error
    return ([_write(value) for value in row] for row in rows)


def _check_size(path: Path, name: str) -> None:
    """Raise where a sheet of Excel's spans more cells than can be held, whatever is in them."""
    if not zipfile.is_zipfile(path):
        return
    with suppress(zipfile.BadZipFile, NotImplementedError, RuntimeError), ZipFile(path) as archive:
        for part in archive.namelist():
            with archive.open(part) as file:
                height, width = _find_corner(file)
            if height * width > MOST_FIELDS:
                raise TableError(
                    f"{name} has a sheet of {height:,} rows and {width:,} columns, most of which "
                    "hold nothing: delete what lies far from the table, or save the sheet as CSV"
                )


def _find_corner(file: IO[bytes], *, n_bytes: int = 1 << 20) -> tuple[int, int]:
    """The last row and the last column of which a part of a workbook gives the place."""
    height, width, rest = 0, 0, b""
    while piece := file.read(n_bytes):
        text = rest + piece
        end = text.rfind(b"<")
        for letters, digits in PLACE.findall(text[:end]):
            height = max(height, int(digits))
            width = max(width, _number_column(letters))
        rest = text[end:] if len(text) - end < n_bytes else b""
    return height, width


def _number_column(letters: bytes) -> int:
    """The number of a column: 1 for A, 27 for AA; 0 for none."""
    number = 0
    for letter in letters:
        number = 26 * number + letter - ord("A") + 1
    return number


def _find_sheet(workbook: CalamineWorkbook, name: str) -> str:
    """The only sheet that holds anything."""
    names = [each for each in workbook.sheet_names if workbook.get_sheet_by_name(each).total_height]
    if not names:
        raise TableError(f"{name} is empty: it needs a header and rows")
    if len(names) > 1:
        listed = ", ".join(map(repr, names))
        raise TableError(f"{name} has the sheets {listed}: name one with --table")
    return names[0]


def _write(value: object) -> str:
    """A value as text; a whole number without decimals, which all numbers of Excel have."""
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value)
