"""How numbers, and what stands for nothing, are written in text. Pure text.

Engines are told these, and where they read a column as text `fields` reads its values by them.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property

# What stands for nothing in a field of numbers, in small letters.
WORDS = (
    *("", "na", "n/a", "n.a.", "n.a", "<na>", "#n/a", "#na", "nan", "-nan", "nat"),
    *("null", "(null)", "#null!", "none", "nil", "missing", "unknown", "nd", "n.d.", "n.d", "\\n"),
    *("?", "*", "-", "--", "---", ".", "..", "...", ":"),
    *("#value!", "#div/0!", "#num!", "#ref!", "#name?", "1.#ind", "-1.#ind", "1.#qnan", "-1.#qnan"),
)
WORD_SET = frozenset(WORDS)
# The same in the letters that people write them in, for engines that tell cases apart.
SPELLINGS = tuple(
    dict.fromkeys(case(word) for word in WORDS for case in (str.lower, str.upper, str.title))
)
# What engines find any of them with.
NOTHING = rf"(?i)^\s*({'|'.join(map(re.escape, WORDS))})\s*$"
# What may be a number in one notation or another; in time that grows with its length.
LIKE_A_NUMBER = re.compile(r"[-+]?[.,]?[0-9]+([.,][0-9]+)*\.?([eE][-+]?[0-9]+)?")
WITH_POINT = re.compile(r"[-+]?[0-9]*\.[0-9]+([eE][-+]?[0-9]+)?")
WITH_COMMA = re.compile(r"[-+]?[0-9]*,[0-9]+([eE][-+]?[0-9]+)?")
# What is a number of three decimals, or else of one group of thousands.
EITHER = re.compile(r"[-+]?[1-9][0-9]{0,2}[.,][0-9]{3}")


@dataclass(frozen=True)
class Numerals:
    """What stands between the digits of numbers.

    Attributes:
        decimal: the mark before the decimals.
        thousands: the mark between groups of three digits; empty where there is none.
    """

    decimal: str = "."
    thousands: str = ""

    @property
    def groups(self) -> str:
        """A pattern of numbers with marks between groups of three digits."""
        mark, decimal = re.escape(self.thousands), re.escape(self.decimal)
        return rf"^[-+]?[1-9][0-9]{{0,2}}({mark}[0-9]{{3}})+({decimal}[0-9]*)?$"

    @cached_property
    def pattern(self) -> str:
        """A pattern of all numbers, infinite ones among them, that Python and engines know.

        Blanks may be around them: to take these off first takes most of the time.
        """
        decimal = re.escape(self.decimal)
        plain = rf"([0-9]+({decimal}[0-9]*)?|{decimal}[0-9]+)([eE][-+]?[0-9]+)?|inf(inity)?"
        grouped = f"|{self.groups[1:-1]}" if self.thousands else ""
        return rf"(?i)^\s*([-+]?({plain}){grouped})\s*$"

    def is_number(self, text: str) -> bool:
        """Whether a field holds a number, infinite ones among them, and not nothing."""
        return self._expression.search(text.strip()) is not None

    @cached_property
    def _expression(self) -> re.Pattern[str]:
        return re.compile(self.pattern)

    def parse(self, text: str) -> float:
        """The number that a field holds; see `is_number`."""
        text = text.strip()
        return float(text.replace(self.thousands, "").replace(self.decimal, "."))


def is_nothing(text: str) -> bool:
    """Whether a field of numbers holds a word for nothing."""
    return text.strip().lower() in WORD_SET


def detect_numerals(columns: Iterable[Sequence[str]], delimiter: str) -> Numerals:
    """What stands between the digits of the numbers in some columns of text.

    A mark parts thousands where all numbers that have it are in groups of three, and it can be
    nothing else: where one has it twice, or the other mark after it, or where the other is surely
    the decimal mark; and commas where they are what parts fields too. A comma is so only where
    semicolons part fields, as otherwise it may be in a list. Else a comma is the decimal
    mark where numbers have one and none has a point.

    Args:
        columns: the fields of each.
        delimiter: what parts fields.
    """
    values = [value for column in columns for value in _find_numbers(column)]
    commas = [value for value in values if "," in value]
    points = [value for value in values if "." in value]
    in_groups, by_points = Numerals(".", ","), Numerals(",", ".")
    are_groups = all(re.match(in_groups.groups, value) for value in commas)
    are_groups_by_points = all(re.match(by_points.groups, value) for value in points)
    have_both = any("," in value for value in points)
    is_plain = delimiter == "," or have_both or any(v.count(",") > 1 for v in commas)
    if commas and are_groups and (is_plain or not are_groups_by_points):
        return in_groups
    if points and (have_both or (commas and not are_groups and delimiter == ";")):
        if are_groups_by_points:
            return by_points
        if have_both:
            return Numerals()
    with_commas = any(WITH_COMMA.fullmatch(value) for value in commas)
    with_points = any(WITH_POINT.fullmatch(value) for value in points)
    return Numerals(",") if with_commas and not with_points else Numerals()


def find_doubts(
    columns: Sequence[Sequence[str]], numerals: Numerals, delimiter: str
) -> tuple[str, ...]:
    """A number of each column whose mark may be decimal or part thousands; empty where none is.

    Nothing tells where all numbers of a file that have a mark have one, before three digits and
    after a few, and no number of the column has four digits without one. A point is no doubt but
    where semicolons part fields, as where commas are decimal marks.

    Args:
        columns: the fields of each.
        numerals: as they are read.
        delimiter: what parts fields.
    """
    numbers = [_find_numbers(column) for column in columns]
    marked = [[value for value in column if re.search("[.,]", value)] for column in numbers]
    marks = {mark for column in marked for value in column for mark in ".," if mark in value}
    are_either = all(EITHER.fullmatch(value) for column in marked for value in column)
    is_told = numerals.decimal == "." and not numerals.thousands and delimiter != ";"
    if len(marks) != 1 or not are_either or is_told:
        return ("",) * len(columns)
    plain = [any(re.search("^[-+]?[0-9]{4}", value) for value in column) for column in numbers]
    pairs = zip(marked, plain, strict=True)
    return tuple("" if is_plain or not column else column[0] for column, is_plain in pairs)


def _find_numbers(column: Sequence[str]) -> list[str]:
    """The fields of a column that may be numbers, where most that hold anything may be."""
    values = [value.strip() for value in column if not is_nothing(value)]
    found = [value for value in values if LIKE_A_NUMBER.fullmatch(value)]
    return found if 2 * len(found) > len(values) else []
