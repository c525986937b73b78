"""Options that several commands share, and types that are more than a number or a name."""

import math
from collections.abc import Sequence
from contextlib import suppress
from typing import Any, Literal

import click

from gmmcli.errors import OptionError
from gmmcli.ranges import RealRange, WholeRange
from gmmcli.settings import (
    COVARIANCE_TYPES,
    ENGINES,
    INCHES_RANGE,
    PICTURE_KINDS,
    SEED_RANGE,
    VALLEY_RANGE,
    CovarianceType,
    FitSettings,
    PictureKind,
    read_covariances,
)


class NumberRange(click.FloatRange):
    """A number between two others, which NaN is not."""

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> float:
        """The number."""
        number = float(super().convert(value, param, ctx))
        return self.fail("nan is not a number", param, ctx) if math.isnan(number) else number


def whole(numbers: WholeRange) -> click.IntRange:
    """The type of an option that is a whole number of a range."""
    return click.IntRange(min=numbers.least, max=numbers.most)


def real(numbers: RealRange) -> NumberRange:
    """The type of an option that is a number of a range."""
    return NumberRange(min=numbers.least, max=numbers.most, min_open=numbers.is_open)


seed_option = click.option(
    "--seed",
    type=whole(SEED_RANGE),
    default=FitSettings.seed,
    show_default=True,
    metavar="INT",
    help="The seed of the random numbers: with the same, results are the same.",
)

table_option = click.option(
    "--table",
    metavar="NAME",
    help="The table to read, where DATA is the URL of a database, or the sheet of a workbook.",
)

engine_option = click.option(
    "--engine",
    type=click.Choice(ENGINES),
    default="auto",
    show_default=True,
    help="What reads files: DuckDB (auto), or the Spark session of this environment (spark).",
)


where_option = click.option(
    "--where",
    metavar="CONDITION",
    help="Only the rows of DATA that meet a condition, an expression of columns such as "
    "'parallax > 1 and band == \"g\"'.",
)


def read_numbers(words: Sequence[str], *, most_digits: int = 18) -> list[int] | None:
    """The whole numbers that some words are, none below 0; None where one is none, or too large.

    Args:
        words: one number each, perhaps between blanks.
        most_digits: of a number, so that it is one in 64 bits.
    """
    stripped = [word.strip() for word in words]
    if not all(word.isdecimal() and len(word) <= most_digits for word in stripped):
        return None
    return [int(word) for word in stripped]


class ComponentChoice(click.ParamType[Literal["auto"] | tuple[int, int]]):
    """How many components: 'auto', a number, or a range of numbers; a number is its own range."""

    name = "components"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> Literal["auto"] | tuple[int, int]:
        """The word, or the smallest and the largest number."""
        if value == "auto":
            return "auto"
        fewest, colon, most = str(value).partition(":")
        numbers = read_numbers([fewest, most] if colon else [fewest, fewest])
        if numbers and 0 < numbers[0] <= numbers[1]:
            return numbers[0], numbers[1]
        message = f"{value!r} is neither 'auto', a number above 0, nor a range such as 1:12"
        return self.fail(message, param, ctx)


class CovarianceChoice(click.ParamType[tuple[CovarianceType, ...]]):
    """Covariance types: 'auto' for all, or some by their names or codes, separated by commas."""

    name = "covariance types"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[CovarianceType, ...]:
        """The types by their names, each once, in the order in which they were given."""
        if value == "auto":
            return COVARIANCE_TYPES
        try:
            return read_covariances(str(value).split(","))
        except OptionError as error:
            return self.fail(str(error), param, ctx)


class StepChoice(click.ParamType[Literal["auto"] | int]):
    """Which steps to show: one of some words, or a number of steps between two of them."""

    name = "snapshots"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> Literal["auto"] | int:
        """The word, or the number."""
        if value == "auto":
            return "auto"
        numbers = read_numbers([str(value)])
        if numbers and numbers[0] > 0:
            return numbers[0]
        return self.fail(f"{value!r} is neither 'auto' nor a number of steps above 0", param, ctx)


class StepList(click.ParamType[Literal["auto", "all"] | tuple[int, ...]]):
    """Steps to draw: 'auto', 'all', or numbers separated by commas."""

    name = "steps"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> Literal["auto", "all"] | tuple[int, ...]:
        """The word, or the numbers, ascending."""
        if value == "auto":
            return "auto"
        if value == "all":
            return "all"
        numbers = read_numbers(str(value).split(","))
        if numbers:
            return tuple(sorted(set(numbers)))
        message = f"{value!r} is neither 'auto', 'all' nor numbers such as 0,50,100"
        return self.fail(message, param, ctx)


class KindList(click.ParamType[tuple[PictureKind, ...] | Literal["all"]]):
    """Kinds of pictures, separated by commas, or 'all'."""

    name = "kinds"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[PictureKind, ...] | Literal["all"]:
        """The kinds, in the order of `settings`, or the word."""
        if value == "all":
            return "all"
        asked = {word.strip() for word in str(value).split(",")}
        for word in sorted(asked - set(PICTURE_KINDS)):
            known = ", ".join(PICTURE_KINDS)
            self.fail(f"{word!r} is no kind of picture: give all, or some of {known}", param, ctx)
        return tuple(kind for kind in PICTURE_KINDS if kind in asked)


class PictureSize(click.ParamType[tuple[float, float]]):
    """The width and height of a picture, in inches, such as 7x5.4."""

    name = "size"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[float, float]:
        """The two numbers."""
        if isinstance(value, tuple):
            return value
        with suppress(ValueError):
            width, height = (float(part) for part in str(value).lower().split("x"))
            if all(INCHES_RANGE.least <= part <= INCHES_RANGE.most for part in (width, height)):
                return width, height
        message = (
            f"{value!r} is no width and height in inches from {INCHES_RANGE.least:g} to "
            f"{INCHES_RANGE.most:g}, such as 7x5.4"
        )
        return self.fail(message, param, ctx)


axes_option = click.option(
    "--axes",
    is_flag=True,
    help="Report the axes of components, by standard deviations along them and the angle of the "
    "longer, in place of those of the coordinates and the correlation. So it is unasked where a "
    "correlation would be 1.000.",
)

json_option = click.option(
    "--json",
    is_flag=True,
    help="Print one JSON object in place of the summary, which goes to standard error.",
)

exit_code_option = click.option(
    "--exit-code",
    is_flag=True,
    help="Exit with code 3 where the fit did not converge, or the summary says to be careful.",
)

valley_type = real(VALLEY_RANGE)

valley_option = click.option(
    "--valley",
    type=valley_type,
    metavar="F",
    help="Two modes are one group unless the density between them falls below this share of the "
    "lower one. By default that of the fit.",
)
