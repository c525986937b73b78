"""The picture of the groups: the modes of a mixture, and the valleys at which they join.

Modes hang from the top, and two parts of the tree join as deep as the valley between them is: high
up where there is next to none, at the bottom where the density falls to nothing. What joins above
the line of the cut is one group.
"""

from dataclasses import dataclass
from itertools import compress

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

from gmmcli.core.groups.groups import Groups
from gmmcli.core.groups.tree import Tree
from gmmcli.core.mixture.covariances import FloatArray
from gmmcli.pictures.style import pick_colours

# Of the picture, its height and the least width, and of a mode, its width.
HEIGHT_INCHES, LEAST_INCHES, MODE_INCHES = 5.4, 7.0, 0.27
# Of what joins groups rather than modes of one.
BETWEEN_COLOUR = "#999999"
# The valleys that the axis names.
NAMED_VALLEYS = (1.0, 0.99, 0.95, 0.9, 0.8, 0.5, 0.2, 0.0)


@dataclass(frozen=True)
class Join:
    """Two parts of a tree that become one.

    Attributes:
        ends: where each is on the axis of modes.
        tops: at which valley each begins: where its own parts join, or 1 for a mode.
        valley: where they join.
        modes: one of each.
    """

    ends: tuple[float, float]
    tops: tuple[float, float]
    valley: float
    modes: tuple[int, int]


def lay_out(tree: Tree) -> tuple[list[int], list[Join]]:
    """The modes from left to right, and the joins from the shallowest valley to the deepest."""
    parts = {mode: [mode] for mode in range(tree.number)}
    merges = []
    for mode in np.argsort(-tree.valleys, kind="stable").tolist():
        if tree.joins[mode] != mode:
            own, other = (_find_part(parts, m) for m in (mode, int(tree.joins[mode])))
            own, other = min(own, other), max(own, other)
            merges.append((own, other, float(tree.valleys[mode])))
            parts[own] += parts.pop(other)
    (order,) = parts.values()
    places: dict[int, float] = {mode: float(place) for place, mode in enumerate(order)}
    tops, joins = dict.fromkeys(order, 1.0), []
    for own, other, valley in merges:
        ends = places[own], places[other]
        joins.append(Join(ends, (tops[own], tops[other]), valley, (own, other)))
        places[own], tops[own] = sum(ends) / 2, valley
    return order, joins


def _find_part(parts: dict[int, list[int]], mode: int) -> int:
    (part,) = (first for first, modes in parts.items() if mode in modes)
    return part


def make_tree_figure(groups: Groups) -> Figure:
    """The tree of the modes with its cut, over the density at each mode, as a figure."""
    order, joins = lay_out(groups.tree)
    width = max(LEAST_INCHES, 1.6 + MODE_INCHES * len(order))
    figure = Figure(figsize=(width, HEIGHT_INCHES))
    left, right = 0.95 / width, 1 - 0.5 / width
    above, below = figure.subplots(
        2,
        sharex=True,
        height_ratios=[3, 1],
        gridspec_kw={"left": left, "right": right, "top": 0.92, "bottom": 0.2, "hspace": 0.2},
    )
    draw_joins(above, groups, joins)
    draw_cut(above, groups.valley)
    draw_heights(below, groups, order)
    n_components = len(groups.shares)
    above.set_title(f"{n_components} components, {len(order)} modes, {groups.number} groups")
    note = (
        "colours and lower numbers: groups; modes that join above the dashed line are one group\n"
        "valley: the density at the saddle, as a share of that at the lower mode"
    )
    figure.text(left, 0.015, note, fontsize=8, color="#666666")
    return figure


def draw_joins(axes: Axes, groups: Groups, joins: list[Join]) -> LineCollection:
    """Draw every join as a bridge under two parts, in the colour of its group above the cut."""
    colours, of_modes = pick_colours(groups.number), groups.tree.cut(groups.valley)
    lines, shades = [], []
    for join in joins:
        for end, top, mode in zip(join.ends, join.tops, join.modes, strict=True):
            middle = max(join.valley, min(top, groups.valley))
            lines += [[(end, top), (end, middle)], [(end, middle), (end, join.valley)]]
            shades += [tuple(colours[of_modes[mode]]), BETWEEN_COLOUR]
        lines.append([(end, join.valley) for end in join.ends])
        is_within = join.valley >= groups.valley
        shades.append(tuple(colours[of_modes[join.modes[0]]]) if is_within else BETWEEN_COLOUR)
    shown = [first != last for first, last in lines]
    drawn = LineCollection(
        list(compress(lines, shown)),
        colors=list(compress(shades, shown)),
        linewidths=1.8,
        capstyle="projecting",
    )
    axes.add_collection(drawn)
    axes.set_yscale("function", functions=(_raise, _sink))
    axes.set_ylim(0, 1)
    axes.yaxis.set_major_locator(FixedLocator(list(NAMED_VALLEYS)))
    axes.yaxis.set_minor_locator(NullLocator())
    axes.yaxis.set_major_formatter(FuncFormatter(lambda valley, _: f"{valley:g}"))
    axes.set_ylabel("valley")
    axes.tick_params(axis="x", length=0)
    axes.spines["bottom"].set_visible(False)
    return drawn


def draw_cut(axes: Axes, valley: float) -> Line2D:
    """Draw a line at the valley from which modes are one group."""
    line = axes.axhline(valley, color="#333333", linewidth=1, linestyle=(0, (4, 3)), zorder=3)
    axes.annotate(
        f"{valley:g}",
        (1, valley),
        (4, 0),
        xycoords=("axes fraction", "data"),
        textcoords="offset points",
        ha="left",
        va="center",
        fontsize=8,
        color="#333333",
    )
    return line


def draw_heights(axes: Axes, groups: Groups, order: list[int], *, most_linear: float = 50) -> None:
    """Draw the density at each mode as a share of the highest, with its number and its group's.

    Args:
        axes: where to draw.
        groups: with the modes.
        order: of the modes, from left to right.
        most_linear: where the highest is more times the lowest, the axis is logarithmic.
    """
    tree, of_modes = groups.tree, groups.tree.cut(groups.valley)
    heights = np.exp(tree.log_densities - tree.log_densities.max())[order]
    shades = pick_colours(groups.number)[of_modes[order]]
    places = np.arange(len(order))
    low = 0.0
    if heights.max() > most_linear * heights.min():
        axes.set_yscale("log")
        low = float(heights.min()) / 3
    axes.vlines(places, low, heights, colors=shades.tolist(), linewidth=1.6)
    axes.scatter(places, heights, s=22, color=shades.tolist(), zorder=3)
    axes.set_ylim(bottom=low)
    axes.set_ylabel("density")
    axes.set_xlim(-0.6, len(order) - 0.4)
    axes.set_xticks(places, [str(mode) for mode in order], fontsize=8)
    axes.set_xlabel("mode, and its group below", labelpad=14)
    for place, mode, shade in zip(places, order, shades, strict=True):
        _label_below(axes, int(place), str(of_modes[mode]), shade)


def _label_below(axes: Axes, place: int, text: str, shade: FloatArray) -> None:
    """Write the number of a group below that of a mode."""
    axes.annotate(
        text,
        (place, 0),
        (0, -18),
        xycoords=("data", "axes fraction"),
        textcoords="offset points",
        ha="center",
        va="top",
        fontsize=8,
        fontweight="bold",
        color=tuple(0.8 * shade),
    )


def _raise(valleys: FloatArray) -> FloatArray:
    """How far up the axis valleys are: what they fall short of 1 counts by its root.

    So both dents can be told from nothing and clear valleys from each other.
    """
    return np.asarray(1 - np.sqrt(np.clip(1 - np.asarray(valleys), 0, None)))


def _sink(heights: FloatArray) -> FloatArray:
    """The valleys that are so far up the axis."""
    return np.asarray(1 - (1 - np.asarray(heights)) ** 2)
