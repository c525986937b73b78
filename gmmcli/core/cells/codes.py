"""Values that look like codes for missing ones, such as -999: many rows have them, far outside."""

import re
from dataclasses import dataclass

import numpy as np

from gmmcli.core.cells.cells import Cells


@dataclass(frozen=True)
class Code:
    """A value that looks like a code for a missing one.

    Attributes:
        axis: the coordinate: 0 or 1.
        value: in data units.
        count: how many points have it, or what they weigh.
    """

    axis: int
    value: float
    count: float


def find_codes(cells: Cells, *, fewest: int = 2) -> list[Code]:
    """The values at an end of a coordinate that lie farther off than all others do from each other.

    One that a single point has in a single coordinate is a stray, and no code, unless it is one of
    those that people write: -999, 9999 and others of nothing but nines.

    Args:
        cells: of all points.
        fewest: how often a code has to be there, in both coordinates together.
    """
    found = [code for axis in range(2) for code in _find_far_ends(cells, axis)]
    times = {code.value: sum(c.count for c in found if c.value == code.value) for code in found}
    return [code for code in found if times[code.value] >= fewest or is_usual(code.value)]


def is_usual(value: float) -> bool:
    """Whether people write a number for what is missing: nothing but nines, three at least."""
    return re.fullmatch(r"-?999+(\.9+)?", f"{value:.12g}") is not None


def _find_far_ends(cells: Cells, axis: int, *, precision: float = 1e-12) -> list[Code]:
    """The lowest and the highest value of a coordinate, where they lie far from all others.

    Args:
        cells: of all points.
        axis: the coordinate.
        precision: values that differ by less are one, as a share of the range of all, and so are
            squares, as a share of its square: the means and variances of cells are rounded.
    """
    numbers = cells.means[:, axis]
    low, high = float(numbers.min()), float(numbers.max())
    if not 0 < high - low < np.inf:
        return []
    places = np.rint((numbers - low) / (high - low) / precision)
    at_ends = places == 0, places == places.max()
    inner = ~(at_ends[0] | at_ends[1])
    if not inner.any() or np.ptp(places[inner]) == 0:
        return []
    are_far = _judge_ends(low, float(numbers[inner].min()), float(numbers[inner].max()), high)
    spreads, limit = cells.covariances[:, axis, axis], precision * (high - low) ** 2
    return [
        Code(axis, float(f"{value:.12g}"), float(cells.counts[are_there].sum()))
        for value, are_there, is_far in zip((low, high), at_ends, are_far, strict=True)
        if is_far and spreads[are_there].sum() <= limit
    ]


def _judge_ends(low: float, second: float, last: float, high: float) -> tuple[bool, bool]:
    """Whether the lowest and the highest of some values lie farther off than the others' range.

    Args:
        low: the lowest.
        second: the lowest but that.
        last: the highest but one.
        high: the highest.
    """
    gap_below, gap_above, inner = second - low, high - last, last - second
    is_above = gap_above > inner
    is_below = gap_below > (inner if is_above else high - second)
    is_above = is_above and gap_above > (inner if is_below else last - low)
    return is_below, is_above
