"""What parts the lines of a text file into fields, and which of them are comments. Pure text."""

import csv
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import chain, islice
from typing import Any, NamedTuple

from gmmcli.core.tables.spellings import LIKE_A_NUMBER, is_nothing

# What separates fields; of those that do so equally well, the first. A blank is any run of them.
DELIMITERS = "\t;,| "
# What begins a line of comment, above the header and in it.
COMMENTS = ("#", "%")
# What to do where the header is not the first line.
PREAMBLE = "remove the lines above the header, or begin them with #"

Rows = Sequence[Sequence[str]]


class Rate(NamedTuple):
    """How well lines are parted into fields.

    Attributes:
        evenness: the share of the rows that have as many fields as most; less where the first line
            has another number.
        numbers: the share of the fields that may be numbers, of those that are not empty.
    """

    evenness: float
    numbers: float


@dataclass(frozen=True)
class Layout:
    """What parts a line into fields.

    Attributes:
        delimiter: between them; a blank stands for any run of blanks.
        quote: what encloses some of them.
        escape: what stands before a quote inside of one.
    """

    delimiter: str
    quote: str = '"'
    escape: str = '"'

    def split(self, lines: Sequence[str], *, strict: bool = False) -> list[list[str]]:
        """The fields of each line; quoted fields may go on in the next.

        Args:
            lines: without their ends.
            strict: raise `csv.Error` where a quote ends before its field does, or never.
        """
        if self.delimiter == " ":
            return [self._split_by_blanks(line) for line in lines]
        return list(csv.reader((f"{line}\n" for line in lines), **self._options, strict=strict))

    def find_line(self, lines: Iterable[str], number: int) -> int:
        """The line, from 1 on, where a row begins, whose quoted fields may go on in the next lines.

        Args:
            lines: without their ends.
            number: of the row, from 1 on, empty lines and the header counted.
        """
        rest = iter(lines)
        for n, line in enumerate(rest, start=1):
            if n == number:
                break
            if self.quote in line:
                later = (f"{each}\n" for each in chain([line], rest))
                reader = csv.reader(later, **self._options)
                for _ in islice(reader, number - n):
                    pass
                return n + reader.line_num
        return number

    @property
    def _options(self) -> dict[str, Any]:
        """What Python's reader of CSV is told."""
        is_doubled = self.escape == self.quote
        return {
            "delimiter": self.delimiter,
            "quotechar": self.quote,
            "doublequote": is_doubled,
            "escapechar": None if is_doubled else self.escape,
        }

    def _split_by_blanks(self, line: str) -> list[str]:
        if self.quote not in line:
            return line.split()
        mark = self.quote
        found = re.findall(rf"{mark}((?:[^{mark}]|{mark}{mark})*){mark}(?!\S)|(\S+)", line)
        return [plain or quoted.replace(mark + mark, mark) for quoted, plain in found]


def leave_out(line: str, mark: str) -> bool:
    """Whether a line is a comment, or nothing but blanks, in a file with this mark of comments.

    What begins with the mark and is a word for nothing, such as #N/A, is a value.

    Args:
        line: without its end.
        mark: what begins comments; empty where there are none.
    """
    text = line.lstrip()
    if not text:
        return True
    return bool(mark) and text.startswith(mark) and not is_nothing(_take_first_word(text))


def find_mark(lines: Sequence[str]) -> str:
    """The mark of comments of a file with these first lines; empty where the first is none."""
    first = next((line.lstrip() for line in lines if line.strip()), "")
    return next((mark for mark in COMMENTS if leave_out(first, mark)), "")


def _take_first_word(text: str) -> str:
    return re.split(r"[\s,;|]", text, maxsplit=1)[0]


def detect_layout(lines: Sequence[str], declared: str = "", *, enough: int = 1000) -> Layout:
    """What parts lines into fields, as many in each as can be, and numbers best.

    A tab parts fields, and is no blank among others, where the lines are as even by tabs alone:
    blanks would part the text in fields too, and pass over empty ones.

    Args:
        lines: without their ends.
        declared: what parts them, where the file says so.
        enough: how many of them are looked at.
    """
    lines = lines[:enough]
    quote = "'" if re.fullmatch(r"('[^']*'[\t;,| ]*)+", lines[0].strip()) else '"'
    layouts = [Layout(mark, quote, _detect_escape(lines, mark, quote)) for mark in DELIMITERS]
    if declared:
        return layouts[DELIMITERS.index(declared)]
    rates = [_rate(layout.split(lines)) for layout in layouts]
    tabs, blanks = rates[DELIMITERS.index("\t")], rates[DELIMITERS.index(" ")]
    if tabs.numbers and tabs.evenness >= blanks.evenness:
        rates[DELIMITERS.index(" ")] = Rate(0.0, 0.0)
    totals = [sum(rate) for rate in rates]
    if not any(totals):
        unquoted = re.sub('"[^"]*"', "", lines[0])
        return Layout(next((mark for mark in DELIMITERS[:-1] if mark in unquoted), ","))
    return layouts[totals.index(max(totals))]


def _detect_escape(lines: Sequence[str], delimiter: str, quote: str) -> str:
    """What stands before a quote inside of a field: another quote, or what else makes sense."""
    if not any(f"\\{quote}" in line for line in lines):
        return quote
    for escape in (quote, "\\"):
        with suppress(csv.Error):
            Layout(delimiter, quote, escape).split(lines, strict=True)
            return escape
    return quote


def _rate(fields: Rows) -> Rate:
    """How well lines are parted into fields; not at all where into single ones."""
    rows = fields[1:] or fields
    width = find_width(rows)
    if width < 2:
        return Rate(0.0, 0.0)
    share = sum(len(row) == width for row in rows) / len(rows)
    n_off = abs(len(fields[0]) - width)
    evenness = share / (1 + n_off) if len(fields[0]) > 1 else share / 2
    values = [value.strip() for row in rows for value in row if value.strip()]
    n_numbers = sum(LIKE_A_NUMBER.fullmatch(value) is not None for value in values)
    return Rate(evenness, n_numbers / max(len(values), 1))


def find_width(rows: Rows) -> int:
    """The number of fields that most rows have."""
    return Counter(len(row) for row in rows).most_common(1)[0][0]
