"""How a text file is laid out, from its first lines: all that an engine is told. Pure text."""

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from gmmcli.core.tables.layout import (
    PREAMBLE,
    Layout,
    Rows,
    detect_layout,
    find_mark,
    find_width,
    leave_out,
)
from gmmcli.core.tables.names import make_unique, name_by_place, name_columns
from gmmcli.core.tables.spellings import (
    LIKE_A_NUMBER,
    Numerals,
    detect_numerals,
    find_doubts,
    is_nothing,
)
from gmmcli.errors import TableError

# What all fields of a column are that hold anything; of mixed ones, most are numbers.
Kind = Literal["whole", "number", "mixed", "day", "moment", "text", "empty"]
NUMERIC: tuple[Kind, ...] = ("whole", "number", "mixed")
PATTERNS: dict[Kind, str] = {
    "whole": r"(?a)[-+]?(0|[1-9]\d{0,17})",
    "day": r"(?a)\d{4}-\d\d-\d\d",
    "moment": r"(?a)\d{4}-\d\d-\d\d[ T]\d\d:\d\d(:\d\d(\.\d+)?)?",
}
DECLARATION = re.compile(r"""(?i)"?sep=[\t;,| ]"?[;,]*""")
# How numbers are written where nothing tells otherwise.
POINTS = Numerals()


@dataclass(frozen=True)
class Dialect:
    """The layout of a text file.

    Attributes:
        names: of the columns; no two are the same but for capitals.
        delimiter: what separates the fields; a blank stands for any run of blanks.
        has_header: whether a line names the columns; None where that cannot be told.
        numerals: what stands between the digits of numbers.
        kinds: what each column holds, or mostly holds, in the first rows.
        quote: what encloses fields.
        escape: what stands before a quote inside of them.
        n_before: how many lines come before the first row.
        first_row: its fields; empty where there is none.
        is_irregular: whether lines of comments, or of nothing but blanks, are among the rows.
        doubts: a number of each column whose mark may be read in two ways, or nothing.
        has_preamble: whether the first line has one field where most others have several.
        titles: the names as the header has them, but for those that come again.
        repeated: those of columns whose name comes again.
    """

    names: tuple[str, ...]
    delimiter: str
    has_header: bool | None = True
    numerals: Numerals = POINTS
    kinds: tuple[Kind, ...] = ()
    quote: str = '"'
    escape: str = '"'
    n_before: int = 0
    first_row: tuple[str, ...] = ()
    is_irregular: bool = False
    doubts: tuple[str, ...] = ()
    has_preamble: bool = False
    titles: tuple[str, ...] = ()
    repeated: tuple[str, ...] = ()

    def find(self, *kinds: Kind) -> list[str]:
        """The names of the columns that hold something of these kinds."""
        pairs = zip(self.names, self.kinds, strict=True)
        return [name for name, kind in pairs if kind in kinds]


def detect_dialect(lines: Sequence[str], named: Collection[str | None]) -> Dialect:
    """The layout of a file with these first lines.

    Args:
        lines: without their ends; at least one holds more than blanks.
        named: the columns that the user named, which settle whether there is a header.
    """
    declared = _find_declaration(lines)
    body, comments = _leave_out_comments(lines, declared)
    texts = [lines[number] for number in body] or [*filter(None, comments)][-1:]
    texts = texts or [line for line in lines if line.strip()][:1]
    layout = detect_layout(texts, "" if declared is None else lines[declared].strip('"')[4])
    fields = layout.split(texts)
    rows = fields[1:]
    width = find_width(rows or fields)
    columns = [[row[i] for row in rows if len(row) == width] for i in range(width)]
    numerals = detect_numerals(columns, layout.delimiter)
    kinds = [_judge(column, numerals) for column in columns]
    doubts = find_doubts(columns, numerals, layout.delimiter)
    header: list[str] | None = [name.strip() for name in fields[0]]
    # Nothing but comments has no rows, and names columns at most.
    has_header = not body or _judge_header(header or [], columns, kinds, numerals, named)
    if not has_header:
        above = _find_names(comments, layout, width)
        has_header, header, rows = (True, above, fields) if above else (has_header, None, fields)
    names = name_columns(header, rows, width)
    unseen: list[Kind] = ["empty"] * len(names)  # where no row has the fields of the header
    n_before = len(lines) if not rows else _count_before(body, [] if rows is fields else fields[0])
    return Dialect(
        names=make_unique([name.lower() for name in names], names),
        titles=(titles := make_unique(names, names)),
        repeated=tuple(t for t, name in zip(titles, names, strict=True) if names.count(name) > 1),
        delimiter=layout.delimiter,
        has_header=has_header,
        numerals=numerals,
        kinds=(*kinds, *unseen)[: len(names)],
        quote=layout.quote,
        escape=layout.escape,
        n_before=n_before,
        first_row=tuple(rows[0]) if rows else (),
        is_irregular=_are_irregular(lines, body, n_before),
        has_preamble=len(fields[0]) == 1 and width > 1,
        doubts=(*doubts, *[""] * len(names))[: len(names)],
    )


def check_header(dialect: Dialect, name: str) -> None:
    """Raise where the first line may name the columns as well as be a row, or is neither.

    Args:
        dialect: of a file.
        name: what messages call the file.

    Raises:
        TableError: saying how to settle it.
    """
    if dialect.has_preamble:
        raise TableError(
            f"{name}: the first line has 1 field, and most others have more: {PREAMBLE}"
        )
    if dialect.has_header is not None:
        return
    # Rows may have one more field than the first line, before the others.
    n_more = max(len(dialect.kinds) - len(dialect.first_row), 0)
    places = zip(dialect.first_row, dialect.kinds[n_more:], strict=False)
    number, value = next(
        (n_more + i, value) for i, (value, kind) in enumerate(places) if kind in NUMERIC
    )
    raise TableError(
        f"{name}: the first line, with {value!r}, may be a row or a header: name the coordinates "
        f"with -x and -y, column {number + 1} by 'column{number}' if it is a row, and by {value!r} "
        "if it is a header"
    )


def _find_declaration(lines: Sequence[str]) -> int | None:
    """The number of the line that says what parts fields, as Excel writes it: sep=; alone."""
    first = next(number for number, line in enumerate(lines) if line.strip())
    return first if DECLARATION.fullmatch(lines[first]) else None


def _leave_out_comments(lines: Sequence[str], declared: int | None) -> tuple[list[int], list[str]]:
    """The numbers of the lines that are rows or a header, and what the comments above them say.

    Args:
        lines: without their ends.
        declared: the number of one that is neither.
    """
    lines = ["" if number == declared else line for number, line in enumerate(lines)]
    mark = find_mark(lines)
    body = [number for number, line in enumerate(lines) if not leave_out(line, mark)]
    end = body[0] if body else len(lines)
    above = [line.strip().lstrip(mark).strip() for line in lines[:end] if line.strip()]
    return body, above


def _count_before(body: Sequence[int], header: Sequence[str]) -> int:
    """How many lines come before the first row.

    DuckDB and others take a header whose fields go on in the next line for one line.

    Args:
        body: the numbers of the lines that are rows or a header.
        header: its fields; empty where there is none.
    """
    if not header:
        return body[0]
    n_more = sum(field.count("\n") for field in header)
    return body[1 + n_more] - n_more


def _are_irregular(lines: Sequence[str], body: Sequence[int], n_before: int) -> bool:
    """Whether comments, or lines of nothing but blanks, are among the rows or after them."""
    rows = set(body)
    return any(lines[i] and i not in rows for i in range(n_before, len(lines)))


def _judge(column: Sequence[str], numerals: Numerals) -> Kind:
    """What the fields of a column mostly are."""
    values = [value for value in column if not is_nothing(value)]
    if not values:
        return "empty"
    for kind, pattern in PATTERNS.items():
        if all(re.fullmatch(pattern, value.strip()) for value in values):
            return kind
    n_numbers = sum(map(numerals.is_number, values))
    if n_numbers == len(values):
        return "number"
    return "mixed" if 2 * n_numbers > len(values) else "text"


def _judge_header(
    first: Sequence[str],
    columns: Rows,
    kinds: Sequence[Kind],
    numerals: Numerals,
    named: Collection[str | None],
) -> bool | None:
    """Whether the first line names the columns; None where it may be a row as well.

    Args:
        first: its fields.
        columns: the fields of the rows after it, column by column.
        kinds: of these columns.
        numerals: of the numbers in them.
        named: the columns that the user named.
    """
    if set(first) & set(named):
        return True
    if set(name_by_place(len(first))) & set(named):
        return False
    # Rows may have one more field than a header, before the others.
    places = list(zip(first, kinds[-len(first) :], columns[-len(first) :], strict=False))
    over_numbers = [field for field, kind, _ in places if kind in NUMERIC and not is_nothing(field)]
    numbers = [field for field in over_numbers if numerals.is_number(field)]
    if not over_numbers or len(numbers) == len(first):
        return not all(is_nothing(field) or numerals.is_number(field) for field in first)
    is_value = any(not number.isdecimal() for number in numbers)  # nobody calls a column -1 or 2.5
    if len(numbers) < len(over_numbers):
        return None if is_value else True
    recurs = any(kind == "text" and field in column for field, kind, column in places)
    others = [field for field, kind, _ in places if kind not in NUMERIC]
    return False if is_value or recurs or all(map(is_nothing, others)) else None


def _find_names(comments: Sequence[str], layout: Layout, width: int) -> list[str] | None:
    """The names of so many columns that the last of some comments says, if it does."""
    for text in comments[-1:]:
        by_blanks = re.split(r"[\s,;]+", text)
        in_layout = by_blanks if layout.delimiter == " " else layout.split([text])[0]
        for names in (in_layout, by_blanks):
            if len(names) == width and not all(map(LIKE_A_NUMBER.fullmatch, names)):
                return [name.strip() for name in names]
    return None


def merge_dialects(dialects: Sequence[Dialect], name: str) -> Dialect:
    """The layout of several files as one table: that of the first, with the columns of all.

    Args:
        dialects: of the files, in their order.
        name: what messages call them.

    Raises:
        TableError: when only some have a header, or they write numbers in different ways.
    """
    first = dialects[0]
    if len({dialect.has_header for dialect in dialects}) > 1:
        raise TableError(f"{name}: some files have a header and some have none: mend the first")
    numerals = {dialect.numerals for dialect in dialects} - {POINTS} or {POINTS}
    if len(numerals) > 1:
        raise TableError(f"{name}: the files write numbers in different ways: fit each by itself")
    found: dict[str, tuple[str, str, set[Kind], list[str]]] = {}
    for each in dialects:
        columns = zip(each.names, each.titles, each.kinds, each.doubts, strict=True)
        for column, title, kind, doubt in columns:
            *_, kinds, doubts = found.setdefault(column.lower(), (column, title, set(), []))
            kinds.add(kind)
            doubts.append(doubt)
    return replace(
        first,
        names=tuple(column for column, *_ in found.values()),
        titles=make_unique(*[[title for _, title, *_ in found.values()]] * 2),
        kinds=tuple(_merge_kinds(kinds) for *_, kinds, _ in found.values()),
        numerals=numerals.pop(),
        doubts=tuple(max(doubts) for *_, doubts in found.values()),
    )


def _merge_kinds(kinds: set[Kind]) -> Kind:
    """What a column holds that holds each of these in some files."""
    kinds = kinds - {"empty"} or {"empty"}
    if len(kinds) == 1:
        return next(iter(kinds))
    if not kinds <= {*NUMERIC}:
        return "text"
    return "mixed" if "mixed" in kinds else "number"
