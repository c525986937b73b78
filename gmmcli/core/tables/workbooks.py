"""Sheets of workbooks as rows of text: Excel's files and OpenDocument's."""

from collections.abc import Iterator
from pathlib import Path

from python_calamine import CalamineError, CalamineWorkbook, PasswordError

from gmmcli.errors import TableError


def read_rows(path: Path, name: str, sheet: str | None) -> Iterator[list[str]]:
    """The rows of a sheet, with empty ones above them and between.

    Args:
        path: the workbook.
        name: what messages call it.
        sheet: its name; by default that of the only sheet that holds anything.

    Raises:
        TableError: when it is no workbook, or has no such sheet.
    """
    try:
        workbook = CalamineWorkbook.from_path(path)
        chosen = sheet or _find_sheet(workbook, name)
        if chosen not in workbook.sheet_names:
            listed = ", ".join(map(repr, workbook.sheet_names))
            raise TableError(f"{name} has no sheet {chosen!r}; it has {listed}")
        rows = workbook.get_sheet_by_name(chosen).to_python(skip_empty_area=False)
    except PasswordError as error:
        raise TableError(f"{name} is locked by a password: save it without one") from error
    except CalamineError as error:
        raise TableError(f"{name} is no workbook, or damaged: {error}") from error
    return ([_write(value) for value in row] for row in rows)


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
