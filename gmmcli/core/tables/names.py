"""What the columns of a text file are called. Pure text."""

from collections.abc import Sequence

from gmmcli.core.tables.layout import Rows

# What a first column is called that R, pandas or nobody gave a name.
UNNAMED = "rownames"
ROW_NAMES = (UNNAMED, "row.names", "unnamed: 0", "__index_level_0__")


def name_by_place(n_columns: int) -> list[str]:
    """The names of columns that have none: column0, column1 and so on."""
    return [f"column{i}" for i in range(n_columns)]


def name_columns(header: Sequence[str] | None, rows: Rows, width: int) -> list[str]:
    """The names of columns, of which the first is `UNNAMED` where it has none or counts the rows.

    Args:
        header: the names that the file has for them.
        rows: the first of them.
        width: how many fields most of these have.
    """
    if header is None:
        names = name_by_place(width)
        return [UNNAMED, *names[1:]] if width > 2 and _count_rows(rows) else names
    are_even = all(len(row) == width for row in rows)
    names = list(header)
    if are_even and len(names) == width - 1:
        is_last_empty = bool(rows) and all(not row[-1].strip() for row in rows)
        names = [*names, ""] if is_last_empty else ["", *names]
    elif are_even and len(names) == width + 1 and not names[-1]:
        names = names[:-1]
    named = [name or place for name, place in zip(names, name_by_place(len(names)), strict=True)]
    return named if names[0] or len(names) < 2 else [UNNAMED, *named[1:]]


def _count_rows(rows: Rows, *, enough: int = 3) -> bool:
    """Whether the first fields of some rows count them, from 0 or 1 on."""
    numbers = [row[0].strip() for row in rows]
    counted = [[str(i) for i in range(first, first + len(rows))] for first in (0, 1)]
    return len(rows) >= enough and numbers in counted


def make_unique(keys: Sequence[str], names: Sequence[str]) -> tuple[str, ...]:
    """The names with a number after those whose keys came before.

    Args:
        keys: what has to differ, in small letters or as the names are.
        names: of columns.
    """
    taken: set[str] = set()
    unique = []
    for key, name in zip(keys, names, strict=True):
        n, end = 0, ""
        while f"{key}{end}" in taken:
            n += 1
            end = f"_{n}"
        taken.add(f"{key}{end}")
        unique.append(f"{name}{end}")
    return tuple(unique)
