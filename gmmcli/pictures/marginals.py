"""The picture of a mixture with its two margins: histograms of the points, and its curves."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from gmmcli.core.assessment.bins import fill_bins
from gmmcli.core.cells.cells import Cells
from gmmcli.core.cells.grain import find_grain
from gmmcli.core.mixture.covariances import FloatArray
from gmmcli.core.mixture.mixture import Mixture
from gmmcli.core.runs.directory import RunRecord
from gmmcli.pictures.artists import draw_components, draw_points
from gmmcli.pictures.captions import describe_ellipses
from gmmcli.pictures.panel import frame_view, open_figure
from gmmcli.pictures.scene import Scene
from gmmcli.pictures.style import BACKGROUND_COLOUR, get_colour


def make_marginals_figure(scene: Scene, run: RunRecord) -> Figure:
    """The points and the mixture of a run in the plane and along either axis, as a figure."""
    figure = open_figure("the mixture and its margins", describe_margins(scene))
    grid = figure.add_gridspec(2, 2, width_ratios=[4, 1.1], height_ratios=[1.1, 4])
    panel = figure.add_subplot(grid[1, 0])
    draw_points(panel, scene, run.mixture)
    draw_components(panel, scene, run.mixture)
    frame_view(panel, scene)
    places = grid[0, 0], grid[1, 1]
    shared = {"sharex": panel}, {"sharey": panel}
    steps = find_grain(run.cells).steps
    for axis, (place, share) in enumerate(zip(places, shared, strict=True)):
        margin = figure.add_subplot(place, **share)
        width = choose_width(run.mixture, axis, run.cells.n_points)
        edges = lay_edges(run.cells.means[0, axis], scene.limits[:, axis], width, steps[axis])
        draw_histogram(margin, run.cells, axis, edges)
        draw_curves(margin, scene, run.mixture, axis)
        strip_margin(margin, axis)
    return figure


def describe_margins(scene: Scene) -> str:
    """What a reader needs to know to read the picture."""
    note = (
        "histograms: the points, as densities; lines: the mixture and each of its components; "
        f"{describe_ellipses()}"
    )
    return f"{note}; {scene.n_outside:,.0f} outside the view" if scene.n_outside else note


def choose_width(mixture: Mixture, axis: int, n_points: float) -> float:
    """The width of bins whose histogram is nearest to a density, in data units.

    The cube root of 6 over N times the integral of the squared slope (Scott 1979, "On optimal and
    data-based histograms", section 2), of the fitted density in place of one that is not known: so
    apart as they may be, thin components have bins that are thin enough.

    Args:
        mixture: in data units; a background has no slope.
        axis: 0 or 1.
        n_points: N.
    """
    means, variances = mixture.means[:, axis], mixture.covariances[:, axis, axis]
    totals = variances[:, None] + variances  # of the difference of two components, (K, K)
    squares = (means[:, None] - means) ** 2 / totals
    products = np.exp(-squares / 2) / np.sqrt(2 * np.pi * totals) * (1 - squares) / totals
    roughness = float(mixture.weights @ products @ mixture.weights)
    return float((6 / (n_points * roughness)) ** (1 / 3))


def lay_edges(
    value: float, ends: FloatArray, width: float, step: float, *, most: int = 400
) -> FloatArray:
    """The edges of bins over an axis of a view, shape (B + 1,), in data units.

    They are half-way between values that were rounded, and a multiple of their step apart.

    Args:
        value: one of these.
        ends: of the view, shape (2,).
        width: about that of a bin.
        step: between values.
        most: bins: more are thinner than a picture shows.
    """
    low, high = ends
    width = min(max(width, (high - low) / most), (high - low) / 4)
    width = max(round(width / step), 1) * step
    anchor = value - step / 2
    first = anchor + np.floor((low - anchor) / width) * width
    return np.asarray(first + width * np.arange(int(np.ceil((high - first) / width)) + 1))


def draw_histogram(axes: Axes, cells: Cells, axis: int, edges: FloatArray) -> FloatArray:
    """Draw a histogram of one coordinate as a density, and give its heights, shape (B,)."""
    counts = fill_bins(edges, cells, axis)
    heights = counts / cells.n_points / np.diff(edges)
    axes.stairs(
        heights,
        edges,
        fill=True,
        orientation="vertical" if axis == 0 else "horizontal",
        color=get_colour("line"),
        alpha=0.45,
        zorder=0,
    )
    return np.asarray(heights)


def draw_curves(axes: Axes, scene: Scene, mixture: Mixture, axis: int) -> list[Line2D]:
    """Draw the density of one coordinate: of the mixture, and over it of each component."""
    places = place_along(mixture, axis, scene.limits[:, axis])
    parts = measure_margins(mixture, axis, places)  # (P, M)
    ink = get_colour("ink")
    colours = [*scene.colours, BACKGROUND_COLOUR][: len(parts)]
    lines = []
    for heights, colour in zip([parts.sum(axis=0), *parts], [ink, *colours], strict=True):
        both = (places, heights) if axis == 0 else (heights, places)
        width, opacity = (2.2, 0.5) if colour is ink else (1.0, 1.0)
        lines += axes.plot(*both, color=colour, linewidth=width, alpha=opacity)
    return lines


def measure_margins(mixture: Mixture, axis: int, places: FloatArray) -> FloatArray:
    """The density of one coordinate in each part by its weight, shape (P, M).

    The parts are K components and, last, a background, if there is one.

    Args:
        mixture: in data units.
        axis: 0 or 1.
        places: shape (M,), in data units.
    """
    means, spreads = mixture.means[:, axis, None], mixture.standard_deviations[:, axis, None]
    away = (places - means) / spreads
    peaks = mixture.weights[:, None] / (spreads * np.sqrt(2 * np.pi))
    parts = peaks * np.exp(-0.5 * np.minimum(np.abs(away), 38.0) ** 2)
    if mixture.background is not None:
        low, high = mixture.background.box[axis]
        inside = (places >= low) & (places <= high)
        flat = mixture.background.weight / (high - low) * inside
        parts = np.concatenate([parts, flat[None]])
    return np.asarray(parts)


def place_along(
    mixture: Mixture, axis: int, ends: FloatArray, *, n_even: int = 400, n_each: int = 41
) -> FloatArray:
    """Where to draw a curve along an axis, shape (M,), ascending: evenly, and about every mean.

    Args:
        mixture: whose components may be far thinner than the axis is long.
        axis: 0 or 1.
        ends: of the axis, shape (2,).
        n_even: how many places are even.
        n_each: and how many more a component has, up to four deviations from its mean.
    """
    steps = np.linspace(-4, 4, n_each)
    about = mixture.means[:, axis, None] + mixture.standard_deviations[:, axis, None] * steps
    places = np.concatenate([np.linspace(ends[0], ends[1], n_even), about.ravel()])
    return np.unique(places[(places >= ends[0]) & (places <= ends[1])])


def strip_margin(axes: Axes, axis: int) -> None:
    """Leave of a margin's axes what does not repeat the panel's, from zero on."""
    axes.tick_params(labelbottom=False, labelleft=False, length=0)
    for side in ("left", "bottom"):
        axes.spines[side].set_visible(side == ("bottom" if axis == 0 else "left"))
    if axis == 0:
        axes.set_yticks([])
        axes.set_ylim(bottom=0)
    else:
        axes.set_xticks([])
        axes.set_xlim(left=0)
