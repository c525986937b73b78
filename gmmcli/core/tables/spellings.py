"""How numbers, and what stands for nothing, are written in text.

Engines are told these, and where they read a column as text its values are read by `read_number`.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import ibis.expr.types as ir

# What stands for nothing in a field of numbers, in small letters.
WORDS = (
    *("", "na", "n/a", "n.a.", "n.a", "<na>", "#n/a", "#na", "nan", "-nan", "nat"),
    *("null", "(null)", "#null!", "none", "nil", "missing", "\\n"),
    *("?", "-", "--", "---", ".", "..", "...", ":"),
    *("#value!", "#div/0!", "#num!", "#ref!", "#name?", "1.#ind", "-1.#ind", "1.#qnan", "-1.#qnan"),
)
WORD_SET = frozenset(WORDS)
# The same in the letters that people write them in, for engines that tell cases apart.
SPELLINGS = tuple(
    dict.fromkeys(case(word) for word in WORDS for case in (str.lower, str.upper, str.title))
)
# What engines find any of them with.
NOTHING = f"(?i)^({'|'.join(map(re.escape, WORDS))})$"
EXPONENT = r"([eE][-+]?\d+)?"
# What may be a number in one notation or another.
LIKE_A_NUMBER = re.compile(rf"[-+]?[\d.,]*\d[\d.,]*{EXPONENT}")
WITH_POINT = re.compile(rf"[-+]?\d*\.\d+{EXPONENT}")
WITH_COMMA = re.compile(rf"[-+]?\d*,\d+{EXPONENT}")


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
        """A pattern of whole numbers with marks between groups of three digits."""
        mark = re.escape(self.thousands)
        return rf"^[-+]?[1-9][0-9]{{0,2}}({mark}[0-9]{{3}})+({re.escape(self.decimal)}[0-9]*)?$"

    def is_number(self, text: str) -> bool:
        """Whether a field holds a number, infinite ones among them, and not nothing."""
        text = text.strip()
        if self.thousands and re.match(self.groups, text):
            text = text.replace(self.thousands, "")
        elif "," in text and self.decimal != ",":
            return False
        try:
            return not is_nothing(text) and float(text.replace(self.decimal, ".")) is not None
        except ValueError:
            return False


def is_nothing(text: str) -> bool:
    """Whether a field of numbers holds a word for nothing."""
    return text.strip().lower() in WORD_SET


def detect_numerals(columns: Iterable[Sequence[str]], delimiter: str) -> Numerals:
    """What stands between the digits of the numbers in some columns of text.

    A comma is the decimal mark where a number has one comma and none has a point. It parts
    thousands where all that have one are in groups of three, and this can be nothing else: where
    one has two commas, or a point after them, or where commas are what parts fields too.

    Args:
        columns: the fields of each.
        delimiter: what parts fields.
    """
    values = [value for column in columns for value in _find_numbers(column)]
    commas = [value for value in values if "," in value]
    in_groups, by_points = Numerals(".", ","), Numerals(",", ".")
    are_groups = all(re.match(in_groups.groups, value) for value in commas)
    is_plain = delimiter == "," or any(v.count(",") > 1 or "." in v for v in commas)
    if commas and are_groups and is_plain:
        return in_groups
    points = [value for value in values if "." in value]
    if any("," in value for value in points):
        are_groups = all(re.match(by_points.groups, value) for value in points)
        return by_points if are_groups else Numerals()
    with_commas = any(WITH_COMMA.fullmatch(value) for value in commas)
    with_points = any(WITH_POINT.fullmatch(value) for value in points)
    return Numerals(",") if with_commas and not with_points else Numerals()


def _find_numbers(column: Sequence[str]) -> list[str]:
    """The fields of a column that may be numbers, where most that hold anything may be."""
    values = [value.strip() for value in column if not is_nothing(value)]
    found = [value for value in values if LIKE_A_NUMBER.fullmatch(value)]
    return found if 2 * len(found) > len(values) else []


def read_word(text: ir.Value) -> ir.Value:
    """Text without blanks around it; null where that is a word for nothing.

    DuckDB would make a join of `isin`, and lose the order of the rows, and every `nullif` around
    another would double an expression.
    """
    text = text.strip()
    return text.re_search(NOTHING).ifelse(None, text)


def read_number(text: ir.Value, numerals: Numerals) -> ir.Value:
    """Text that a cast makes a number of: null where it is nothing; see `Numerals`."""
    word = read_word(text)
    if numerals.thousands:
        plain = word.replace(numerals.thousands, "")
        word = word.re_search(numerals.groups).ifelse(plain, word)
    return word if numerals.decimal == "." else word.replace(numerals.decimal, ".")
