"""The components of a mixture as rows of text: every figure with its standard error, if known."""

import math
import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

from gmmcli.core.assessment.scales import measure_figures
from gmmcli.core.mixture.covariances import FloatArray
from gmmcli.core.runs.words import round_to_scale

if TYPE_CHECKING:
    from gmmcli.core.assessment.errors import Errors
    from gmmcli.core.mixture.mixture import Mixture


def write_components(
    mixture: "Mixture", errors: "Errors | None", *, shows_axes: bool = False
) -> list[list[str]]:
    """The figures of each component, a row for each: the weight, the mean and the shape.

    Args:
        mixture: in data units.
        errors: of the figures; None where they have none.
        shows_axes: whether the shape is told by the axes and the angle of the longer, in place of
            the coordinates' standard deviations and correlation.
    """
    rows = []
    for k, plain in enumerate(_write_plainly(mixture, shows_axes=shows_axes)):
        row = list(plain)
        if errors is not None:
            values, own = _pair_figures(mixture, errors, k, shows_axes=shows_axes)
            are_known = np.isfinite(own) & (own > 0)
            for place in np.flatnonzero(are_known):
                row[place] = write_with_error(values[place], own[place])
        rows.append(row)
    return rows


def write_with_error(value: float, error: float, *, most_digits: int = 7) -> str:
    """A value with its standard error in the last digits: 2.036(25) is 2.036 ± 0.025.

    The error has two digits, and the value ends where they do. Numbers too large or too small to be
    written out have an exponent: 1.2340(25)e-09.

    Args:
        value: any number.
        error: above zero.
        most_digits: with more before its point, or as many zeros after it, a number has an
            exponent.
    """
    error = max(error, abs(value) * 10.0**-sys.float_info.dig)
    place = math.floor(math.log10(float(f"{error:.1e}"))) - 1  # of the error's last digit
    exponent, end = math.floor(math.log10(max(abs(value), error))), ""
    if not 3 - most_digits <= exponent < most_digits:
        value, error, place = value / 10.0**exponent, error / 10.0**exponent, place - exponent
        end = f"e{exponent:+03d}"
    last = error / 10.0**place if place < 0 else round(error, -place)
    return f"{round(value, -place):z.{max(-place, 0)}f}({last:.0f}){end}"


def explain_errors(rows: list[list[str]], n_resamples: int = 0) -> str | None:
    """What brackets mean, by an example from the rows; None where there are none.

    Args:
        rows: that `write_components` gave.
        n_resamples: of how many the errors are; 0 where they are of none.
    """
    source = f" (of {n_resamples:,} resamples)" if n_resamples else ""
    for written in (figure for row in rows for figure in row):
        value, _, rest = written.partition("(")
        digits, _, end = rest.partition(")")
        if digits and "." in value and not end:
            n_decimals = len(value.partition(".")[2])
            error = int(digits) / 10**n_decimals
            meaning = f"{written} is {value} ± {error:.{n_decimals}f}"
            return f"brackets hold the standard errors of the last digits{source}: {meaning}"
    return None


def _write_plainly(mixture: "Mixture", *, shows_axes: bool) -> Iterator[list[str]]:
    """The figures of each component without errors."""
    figures, axes = measure_figures(mixture), mixture.axes
    for k, (weight, x, y, sd_x, sd_y, correlation) in enumerate(figures.tolist()):
        start = [f"{weight:.4f}", round_to_scale(x, sd_x), round_to_scale(y, sd_y)]
        if not shows_axes:
            yield [*start, f"{sd_x:.4g}", f"{sd_y:.4g}", f"{correlation:z.3f}"]
            continue
        long, short = axes[k].sds
        angle = f"{axes[k].angle:z.1f}" if long > short else "any"
        yield [*start, f"{long:.4g}", f"{short:.4g}", angle]


def _pair_figures(
    mixture: "Mixture", errors: "Errors", k: int, *, shows_axes: bool
) -> tuple[FloatArray, FloatArray]:
    """The six figures of a component that a row shows, and their standard errors."""
    values, own = measure_figures(mixture)[k], errors.standard_errors[k]
    if not shows_axes:
        return values, own
    axes = mixture.axes[k]
    return np.array([*values[:3], *axes.sds, axes.angle]), np.append(own[:3], errors.axes[k])
