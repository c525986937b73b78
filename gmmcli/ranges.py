"""Which values an option may have: numbers of a range, words, flags and texts.

What has another value is refused in one line that names the option, which the command line and
Python call alike. Imports nothing heavy. NumPy's numbers are numbers, and truth is none.
"""

import math
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from numbers import Number, Real
from operator import index
from os import PathLike
from pathlib import Path
from reprlib import repr as abridge
from typing import SupportsIndex, TypeVar

from gmmcli.errors import OptionError

Word = TypeVar("Word", bound=str)


@dataclass(frozen=True)
class WholeRange:
    """The whole numbers that an option may be.

    Attributes:
        least: the smallest.
        most: the largest; None where there is none.
    """

    least: int = 0
    most: int | None = None

    def check(self, option: str, value: object) -> int:
        """The value as an integer of Python's.

        Raises:
            OptionError: when it is none of these.
        """
        most = math.inf if self.most is None else self.most
        with suppress(TypeError):  # of arrays, which have an index only where they are one number
            if isinstance(value, SupportsIndex) and not is_flag(value):
                number = index(value)
                if self.least <= number <= most:
                    return number
        end = "on" if self.most is None else f"to {self.most:,}"
        raise OptionError(
            f"{option} is {show(value)}: give a whole number from {self.least:,} {end}"
        )


@dataclass(frozen=True)
class RealRange:
    """The numbers that an option may be.

    Attributes:
        least: the smallest.
        most: the largest.
        is_open: whether the smallest is none of them itself.
    """

    least: float
    most: float
    is_open: bool = False

    def check(self, option: str, value: object) -> float:
        """The value as a float of Python's.

        Raises:
            OptionError: when it is none of these.
        """
        if isinstance(value, Real) and not is_flag(value):
            number = float(value)
            if self.least <= number <= self.most and not (self.is_open and number == self.least):
                return number
        start = f"above {self.least:g} and up" if self.is_open else f"from {self.least:g}"
        raise OptionError(f"{option} is {show(value)}: give a number {start} to {self.most:g}")


def check_word(option: str, value: object, known: Sequence[Word]) -> Word:
    """The value, which is one of some words.

    Raises:
        OptionError: when it is none.
    """
    for word in known:
        if isinstance(value, str) and value == word:
            return word
    raise OptionError(f"{option} is {show(value)}: give {', '.join(known[:-1])} or {known[-1]}")


def check_flag(option: str, value: object) -> bool:
    """The value, which is true or false, as Python's.

    Raises:
        OptionError: when it is neither.
    """
    if is_flag(value):
        return bool(value)
    raise OptionError(f"{option} is {show(value)}: give True or False")


def check_texts(**options: object) -> None:
    """Refuse options that are neither text, such as the name of a column, nor None.

    Raises:
        OptionError: naming the first.
    """
    for option, value in options.items():
        if value is not None and not isinstance(value, str):
            raise OptionError(
                f"{option} is {show(value)}: give text, the name of a column or an expression of "
                "columns"
            )


def take_path(option: str, value: object) -> Path:
    """The value, which is a path, as Python's.

    Raises:
        OptionError: when it is none.
    """
    if isinstance(value, str | PathLike):
        return Path(value)
    raise OptionError(f"{option} is {show(value)}: give a path")


def is_flag(value: object) -> bool:
    """Whether a value is true or false, by Python or NumPy, which both count as numbers too."""
    kind, shape = getattr(value, "dtype", None), getattr(value, "shape", None)
    return isinstance(value, bool) or (str(kind) == "bool" and shape == ())


def show(value: object) -> str:
    """A value as a message has it: numbers as they are printed, all else as Python writes it."""
    return str(value) if isinstance(value, Number) else abridge(value)
