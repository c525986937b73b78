"""A picture with one panel in the scene's view: its figure, its grid of places, its faint data."""

from collections.abc import Callable
from dataclasses import replace
from textwrap import wrap
from typing import Any, Literal

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import PathCollection, PolyCollection
from matplotlib.colorbar import Colorbar
from matplotlib.colors import LinearSegmentedColormap, to_rgb
from matplotlib.figure import Figure
from matplotlib.image import AxesImage
from matplotlib.typing import ColorType

from gmmcli.core.cells.cells import Cells
from gmmcli.core.cells.gaps import place_cubature_points
from gmmcli.core.mixture.covariances import FloatArray
from gmmcli.core.mixture.mixture import Mixture
from gmmcli.pictures.artists import label_view
from gmmcli.pictures.scene import Scene
from gmmcli.pictures.style import get_colour


def open_figure(title: str, note: str, *, letters_an_inch: float = 16.0) -> Figure:
    """A figure of the style's size with a title, and a note at its foot.

    Args:
        title: above all.
        note: what a reader needs to know; wrapped.
        letters_an_inch: of a note's line, about as many as its size of type has, of few
            narrow ones.
    """
    figure = Figure(figsize=matplotlib.rcParams["figure.figsize"])
    width, height = figure.get_size_inches()
    lines = wrap(note, int(letters_an_inch * (width - 0.3)))
    room = (0.22 + 0.14 * len(lines)) / height
    figure.set_layout_engine("constrained", rect=(0.01, room, 0.98, 1 - room - 0.32 / height))
    note_colour = get_colour("note")
    figure.text(0.02, 0.09 / height, "\n".join(lines), fontsize=8, color=note_colour)
    size = fit_type(title, 0.95 * width, setting="axes.titlesize")
    figure.suptitle(title, x=0.02, y=1 - 0.08 / height, ha="left", fontsize=size)
    return figure


def open_panel(scene: Scene, title: str, note: str) -> tuple[Figure, Axes]:
    """A figure with one panel in the scene's view, its axes named, with a title and a note."""
    figure = open_figure(title, note)
    axes = figure.add_subplot()
    if scene.has_one_scale:
        axes.set_aspect("equal", adjustable="box")
    frame_view(axes, scene)
    return figure, axes


def frame_view(axes: Axes, scene: Scene) -> None:
    """Give axes the scene's limits and names, with ticks in full."""
    axes.set_xlim(*scene.limits[:, 0])
    axes.set_ylim(*scene.limits[:, 1])
    axes.autoscale(enable=False)
    width, height = matplotlib.rcParams["figure.figsize"]
    across, along = scene.columns
    label_view(axes, scene)
    axes.xaxis.label.set_fontsize(fit_type(across, 0.7 * width))
    axes.yaxis.label.set_fontsize(fit_type(along, 0.7 * height))


def fit_type(
    text: str,
    inches: float,
    *,
    setting: Literal["font.size", "axes.titlesize"] = "font.size",
    share: float = 0.62,
) -> float:
    """The size of type, in points, at which a text has room, and no more than the style's.

    Args:
        text: of lines.
        inches: the room that these have.
        setting: the style's for the size, in points.
        share: the width of a letter over the size of its type, of wide letters.
    """
    longest = max(map(len, text.splitlines()), default=1)
    return min(float(matplotlib.rcParams[setting]), 72 * inches / (share * longest))


def draw_scale(axes: Axes, shown: AxesImage | PolyCollection, label: str) -> Colorbar:
    """Draw what the colours of something in a panel mean beside it."""
    ends: Any = {} if isinstance(shown, AxesImage) else {"extend": "both"}
    bar = axes.figure.colorbar(shown, ax=axes, pad=0.02, aspect=30, **ends)
    height = matplotlib.rcParams["figure.figsize"][1]
    bar.set_label(label, fontsize=fit_type(label, 0.6 * height))
    bar.outline.set_visible(False)
    return bar


def lay_grid(limits: FloatArray, shape: tuple[int, int]) -> tuple[FloatArray, FloatArray]:
    """The middles of the columns and rows of a grid over a view, shapes (W,) and (H,).

    Args:
        limits: the lower and upper corner, shape (2, 2).
        shape: H rows and W columns.
    """
    n_rows, n_columns = shape
    shares = [(np.arange(n) + 0.5) / n for n in (n_columns, n_rows)]
    x, y = (low + (high - low) * s for (low, high), s in zip(limits.T, shares, strict=True))
    return x, y


def map_grid(
    function: Callable[[FloatArray], FloatArray],
    grid: tuple[FloatArray, FloatArray],
    n_components: int,
    *,
    at_once: int = 2_000_000,
) -> FloatArray:
    """A function of points, (N, 2) to (N,), at all places of a grid, shape (H, W).

    Args:
        function: of a mixture of so many components.
        grid: of `lay_grid`.
        n_components: K.
        at_once: how many points times components it sees together: memory against calls.
    """
    x, y = grid
    points = np.stack(np.meshgrid(x, y), axis=-1).reshape(-1, 2)
    n_parts = len(points) * n_components // at_once + 1
    values = [function(part) for part in np.array_split(points, n_parts)]
    return np.concatenate(values).reshape(len(y), len(x))


def blur_to_grid(mixture: Mixture, grid: tuple[FloatArray, FloatArray]) -> Mixture:
    """The mixture as a grid of places shows it: with a pixel's width for a deviation more.

    So what is thinner than a pixel is not lost between two of them.
    """
    pixels = np.array([places[1] - places[0] for places in grid])
    return replace(mixture, covariances=mixture.covariances + np.diag(pixels**2))


def sample_points(cells: Cells, most: int = 5000) -> FloatArray:
    """The places of all cells, or of a sample of so many points of them; shape (N, 2).

    A systematic sample by counts (Madow & Madow 1944), each at one of the four places that have
    the mean and the covariance of its cell: the same for the same cells.

    Args:
        cells: in data units.
        most: of more cells, as many points are sampled: a carpet of points shows nothing.
    """
    if cells.n_cells <= most:
        return cells.means
    totals = np.cumsum(cells.counts)
    ranks = (np.arange(most) + 0.5) / most * totals[-1]
    chosen = cells.select(np.searchsorted(totals, ranks).clip(max=cells.n_cells - 1))
    return place_cubature_points(chosen)[np.arange(most) % 4, np.arange(most)]


def draw_faint_points(axes: Axes, cells: Cells) -> PathCollection:
    """Draw the points, or a sample of them, in ink, faintly, over what tells of the mixture."""
    places = sample_points(cells)
    return axes.scatter(
        places[:, 0],
        places[:, 1],
        s=min(max(1500 / len(places), 1.2), 9),
        c=[get_colour("ink")],
        alpha=min(max(200 / len(places), 0.2), 0.6),
        linewidths=0,
        rasterized=len(places) > 1000,
        zorder=2,
    )


def describe_points(cells: Cells) -> str:
    """What the points of `draw_faint_points` are."""
    shown = len(sample_points(cells))
    if shown == cells.n_cells:
        return "dots: the points" if not cells.have_spread.any() else "dots: the cells"
    return f"dots: {shown:,} points of {cells.n_points:,.0f}"


def blend_from_paper(*colours: ColorType) -> LinearSegmentedColormap:
    """A scale of colours from that of the paper on."""
    ends = [get_colour("paper"), *map(to_rgb, colours)]
    return LinearSegmentedColormap.from_list("from paper", ends)
