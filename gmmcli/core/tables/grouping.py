"""The group of every row of a table, by the cuts of territories, as an expression of the engine."""

from collections.abc import Sequence

import ibis
import ibis.expr.types as ir
import numpy as np

from gmmcli.core.mixture.background import BACKGROUND_LABEL
from gmmcli.core.mixture.territories import Cut, Territories, Territory
from gmmcli.core.mixture.whitening import Whitening
from gmmcli.core.tables.arithmetic import avoid_zero


def add_groups(
    rows: ir.Table, label: ir.Value, territories: Territories, own: str, *, depth: int = 6
) -> ir.Table:
    """The rows with the group of each, in a column whose name ends in group.

    Args:
        rows: with their coordinates within double precision, in columns that end in x and y.
        label: of each, which is its group too where it is that of the background.
        territories: of the groups.
        own: what the names of these and of the new columns begin with.
        depth: how many cuts are followed at once; parsers of databases overflow with many.
    """
    name, left = f"{own}group", dict(enumerate(territories.of_components))
    rows = _whiten(rows.mutate(**{name: label}), territories.whitening, own)
    while left:
        places = [rows[f"{own}whitened_{axis}"] for axis in range(2)]
        found: list[tuple[int, ir.Value]] = []
        ahead: dict[int, Territory] = {}
        for number, part in left.items():
            group, further = _follow(part, places, depth, BACKGROUND_LABEL - 1 - len(ahead))
            found, ahead = [*found, (number, group)], ahead | further
        rows, left = rows.mutate(**{name: rows[name].cases(*found, else_=rows[name])}), ahead
    return rows


def _whiten(rows: ir.Table, whitening: Whitening, own: str) -> ir.Table:
    """The rows with their coordinates in whitened units, from the columns of `add_groups`."""
    units = np.abs(np.linalg.inv(whitening.matrix)).max(axis=1)
    origin = avoid_zero(whitening.origin, units).tolist()
    x, y = (rows[f"{own}{name}"] - o for name, o in zip("xy", origin, strict=True))
    names = [f"{own}whitened_{axis}" for axis in range(2)]
    turned = (from_x * x + from_y * y for from_x, from_y in whitening.matrix.tolist())
    return rows.mutate(**dict(zip(names, turned, strict=True)))


def _follow(
    part: Territory, places: Sequence[ir.Value], depth: int, free: int
) -> tuple[ir.Value, dict[int, Territory]]:
    """The group of each row in a part of the plane, and what is left to follow there, by numbers.

    Rows of what is left to follow have its number in place of a group.

    Args:
        part: of the plane.
        places: the coordinates of the rows, in whitened units.
        depth: how many cuts are followed at most.
        free: the number of the first that is left to follow; the next ones descend from there.
    """
    if not isinstance(part, Cut):
        return ibis.literal(part, "int64"), {}
    if depth == 0:
        return ibis.literal(free, "int64"), {free: part}
    terms = [n * place for n, place in zip(part.normal, places, strict=True) if n]
    is_above = sum(terms[1:], start=terms[0]) > part.offset
    above, left_above = _follow(part.above, places, depth - 1, free)
    below, left_below = _follow(part.below, places, depth - 1, free - len(left_above))
    return is_above.ifelse(above, below), left_above | left_below
