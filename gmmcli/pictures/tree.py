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
from matplotlib.text import Annotation
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

from gmmcli.core.groups.groups import Groups
from gmmcli.core.groups.tree import Tree
from gmmcli.core.mixture.covariances import FloatArray
from gmmcli.core.mixture.gaussians import IntArray
from gmmcli.pictures.style import get_colour, pick_colours, stress

# Of the picture, its height above what is written below and the least width; of a mode, its width.
HEIGHT_INCHES, LEAST_INCHES, MODE_INCHES = 4.4, 7.0, 0.27
# Of a line of text below a mode, in points and inches.
POINTS_A_LINE = 11
LINE_INCHES = POINTS_A_LINE / 72
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


def make_tree_figure(groups: Groups, of_components: IntArray) -> Figure:
    """The tree of the modes with its cut, over the density at each mode, as a figure.

    Args:
        groups: of a mixture.
        of_components: the mode that the mean of each component climbs to, shape (K,).
    """
    order, joins = lay_out(groups.tree)
    climbing = [np.flatnonzero(of_components == mode).tolist() for mode in order]
    bottom_inches = 0.95 + LINE_INCHES * max(map(len, climbing))
    height = HEIGHT_INCHES + bottom_inches
    width = max(LEAST_INCHES, 1.6 + MODE_INCHES * len(order))
    figure = Figure(figsize=(width, height))
    left, right = 0.95 / width, 1 - 0.5 / width
    above, below = figure.subplots(
        2,
        sharex=True,
        height_ratios=[3, 1],
        gridspec_kw={
            "left": left,
            "right": right,
            "top": 1 - 0.4 / height,
            "bottom": bottom_inches / height,
            "hspace": 0.2,
        },
    )
    draw_joins(above, groups, joins)
    draw_cut(above, groups.valley)
    if groups.clear_valley is not None:
        draw_cut(above, groups.clear_valley, colour=get_colour("line"))
    draw_heights(below, groups, order)
    label_modes(below, groups, order, climbing)
    n_components = len(groups.shares)
    above.set_title(f"{n_components} components, {len(order)} modes, {groups.number} groups")
    note = (
        "colours: groups; modes that join above the dashed line are one group\n"
        "valley: the density at the saddle, as a share of that at the lower mode; density: of the "
        "highest"
    )
    figure.text(left, 0.015, note, fontsize=8, color=get_colour("note"))
    return figure


def draw_joins(axes: Axes, groups: Groups, joins: list[Join]) -> LineCollection:
    """Draw every join as a bridge under two parts, in the colour of its group above the cut."""
    colours, of_modes = pick_colours(groups.number), groups.tree.cut(groups.valley)
    lines, shades = [], []
    between = get_colour("line")  # what joins groups rather than modes of one
    for join in joins:
        for end, top, mode in zip(join.ends, join.tops, join.modes, strict=True):
            middle = max(join.valley, min(top, groups.valley))
            lines += [[(end, top), (end, middle)], [(end, middle), (end, join.valley)]]
            shades += [tuple(colours[of_modes[mode]]), between]
        lines.append([(end, join.valley) for end in join.ends])
        is_within = join.valley >= groups.valley
        shades.append(tuple(colours[of_modes[join.modes[0]]]) if is_within else between)
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


def draw_cut(
    axes: Axes, valley: float, *, colour: tuple[float, float, float] | None = None
) -> Line2D:
    """Draw a line at the valley from which modes are, or would be, one group; in ink by default."""
    colour = colour or get_colour("ink")
    line = axes.axhline(valley, color=colour, linewidth=1, linestyle=(0, (4, 3)), zorder=3)
    axes.annotate(
        f"{valley:g}",
        (1, valley),
        (4, 0),
        xycoords=("axes fraction", "data"),
        textcoords="offset points",
        ha="left",
        va="center",
        fontsize=8,
        color=colour,
    )
    return line


def draw_heights(axes: Axes, groups: Groups, order: list[int], *, most_linear: float = 50) -> None:
    """Draw the density at each mode as a share of the highest.

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
    axes.set_xticks(places, [])


def label_modes(
    axes: Axes, groups: Groups, order: list[int], climbing: list[list[int]]
) -> list[Annotation]:
    """Write below each mode its name, its group, and the components that climb to it.

    Args:
        axes: of the modes.
        groups: with the modes.
        order: of the modes, from left to right.
        climbing: the components whose means climb to each, in this order.
    """
    of_modes, colours = groups.tree.cut(groups.valley), pick_colours(groups.number)
    headings = [
        axes.annotate(
            name,
            (0, 0),
            (-8, -6 - row * POINTS_A_LINE),
            xycoords="axes fraction",
            textcoords="offset points",
            ha="right",
            va="top",
            fontsize=8,
            color=get_colour("note"),
        )
        for row, name in enumerate(("mode", "group", "components"))
    ]
    labels = []
    for place, (mode, components) in enumerate(zip(order, climbing, strict=True)):
        own = of_modes[mode]
        group = {"fontweight": "bold", "color": tuple(stress(colours[own]))}
        rows = [(f"m{mode}", {}), (str(own), group), *((str(k), {}) for k in components)]
        for row, (text, look) in enumerate(rows):
            label = _label_below(axes, place, row, text)
            label.set(**look)
            labels.append(label)
    return [*headings, *labels]


def _label_below(axes: Axes, place: int, row: int, text: str) -> Annotation:
    """Write something below a mode, in one of the rows there."""
    return axes.annotate(
        text,
        (place, 0),
        (0, -6 - row * POINTS_A_LINE),
        xycoords=("data", "axes fraction"),
        textcoords="offset points",
        ha="center",
        va="top",
        fontsize=8,
    )


def _raise(valleys: FloatArray) -> FloatArray:
    """How far up the axis valleys are: what they fall short of 1 counts by its root.

    So both dents can be told from nothing and clear valleys from each other.
    """
    return np.asarray(1 - np.sqrt(np.clip(1 - np.asarray(valleys), 0, None)))


def _sink(heights: FloatArray) -> FloatArray:
    """The valleys that are so far up the axis."""
    return np.asarray(1 - (1 - np.asarray(heights)) ** 2)
