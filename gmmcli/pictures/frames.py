"""One snapshot of a run as a figure, and the same figure moved to another snapshot."""

import math
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.legend import Legend
from matplotlib.lines import Line2D

from gmmcli.core.mixture.covariances import FloatArray
from gmmcli.core.mixture.mixture import Mixture
from gmmcli.core.runs.history import History, Snapshot
from gmmcli.pictures.artists import Components, label_view, set_view
from gmmcli.pictures.captions import (
    describe_background,
    describe_scene,
    describe_snapshot,
    wrap_note,
)
from gmmcli.pictures.labels import choose_ticks, format_ticks
from gmmcli.pictures.points import make_points
from gmmcli.pictures.scene import Scene
from gmmcli.pictures.strip import draw_left, place_on_log_axis
from gmmcli.pictures.style import BACKGROUND_COLOUR, get_colour, scale_type

FRAME_INCHES = (7.0, 5.4)


class Frame:
    """A snapshot of a run as a figure: points, components, weights, and what is left to climb.

    Made once, it moves to any snapshot.

    Attributes:
        figure: of the size that the style has for figures.
    """

    def __init__(self, scene: Scene, history: History, status: str | None = None) -> None:
        """The figure, at step 0.

        Args:
            scene: what all steps share.
            history: of the run.
            status: how the fit ended; None to say nothing of it.
        """
        self._scene, self._history, self._status = scene, history, status
        self._left = place_on_log_axis(history.measure_left(scene.cells.n_points))
        self.figure = Figure()
        width, height = self.figure.get_size_inches().tolist()
        with scale_type((width, height)) as type_share:
            self._draw(type_share)
        self._canvas: Any = FigureCanvasAgg(self.figure)  # without types
        self._still: Any = None  # matplotlib's own kind of pixels
        self.show(history.snapshot(0))

    def _draw(self, type_share: float) -> None:
        """Draw what does not move, and make what does."""
        scene, history = self._scene, self._history
        last = history.snapshot(history.last_step).mixture
        points = 7.5 * type_share
        width = self.figure.get_figwidth() - 0.8 * type_share
        note = wrap_note(describe_scene(scene, last.background), width, points=points)
        layout = _lay_out(self.figure, scene, last, note.count("\n"), type_share)
        self._axes, strip, legend = layout
        left, bottom = strip.get_position().x0, 0.1 * type_share / self.figure.get_figheight()
        self.figure.text(left, bottom, note, fontsize=points, color=get_colour("note"))
        set_view(self._axes, scene)
        label_view(self._axes, scene)
        self._points = make_points(self._axes, scene)
        self._components = Components(self._axes, scene)
        self._legend = _make_legend(self._axes, scene, last, legend)
        draw_left(strip, history, self._left)
        (self._mark,) = strip.plot(
            [], [], "o", ms=6 * type_share, color=get_colour("ink"), zorder=3
        )
        self._title = self._axes.set_title(" ")

    def show(self, snapshot: Snapshot) -> None:
        """Move all to a snapshot: of the history, or of K components between two of its steps.

        Args:
            snapshot: whose step is the one that is left, where it is between two.
        """
        step = min(snapshot.step, self._history.last_step)
        self._points.show(snapshot.mixture)
        trail = trace_means(self._history, step, snapshot.mixture)
        self._components.show(snapshot.mixture, trail)
        title = f"{describe_snapshot(snapshot, self._scene.cells.n_points)} nats per point"
        if self._status is not None and snapshot.step == self._history.last_step:
            title = f"{title}   {self._status}"
        self._title.set_text(title)
        self._mark.set_data([step], [self._left[step]])
        texts = self._legend.get_texts()
        for text, label in zip(texts, list_weights(self._scene, snapshot.mixture), strict=False):
            text.set_text(label)
        if snapshot.mixture.background is not None:
            texts[-1].set_text(_break_line(snapshot.mixture))

    def paint(self) -> npt.NDArray[np.uint8]:
        """The pixels of the figure as it is now, shape (height, width, 3), in RGB.

        What no step changes is drawn once, so that this is several times as fast as saving it.
        """
        spines = self._axes.spines.values()  # they lie over the points
        movers = [self._points.artist, *self._components.artists, *spines]
        over = [self._title, self._mark, *self._legend.get_texts()]
        if self._still is None:
            hidden = [artist for artist in movers if not artist.get_visible()]
            for artist in movers + over:
                artist.set_visible(False)
            self._canvas.draw()
            for artist in movers + over:
                artist.set_visible(artist not in hidden)
            self._still = self._canvas.copy_from_bbox(self.figure.bbox)
        self._canvas.restore_region(self._still)
        renderer = self._canvas.get_renderer()
        for artist in sorted(movers, key=lambda artist: artist.get_zorder()) + over:
            artist.draw(renderer)
        return np.asarray(self._canvas.buffer_rgba())[:, :, :3].copy()


def make_frame(
    scene: Scene, snapshot: Snapshot, history: History | None = None, status: str | None = None
) -> Figure:
    """One snapshot as a figure; without a history, as if there had been no other step."""
    if history is None:
        n_cells = scene.cells.n_cells
        history = History.of([snapshot.mixture], [snapshot.elbo], [snapshot.by_move], [n_cells])
    frame = Frame(scene, history, status)
    frame.show(snapshot)
    return frame.figure


def trace_means(
    history: History, step: int, mixture: Mixture, *, most_stops: int = 100
) -> FloatArray:
    """The means at the steps so far and, last, those of a mixture, shape (S, K, 2), in data units.

    Where a move led to a step, the components are others than before: a stop of NaN breaks the
    paths.

    Args:
        history: of the run.
        step: the last of the history that counts.
        mixture: where the paths end.
        most_stops: of more steps, about so many are kept, evenly.
    """
    stride = math.ceil((step + 1) / most_stops)
    kept = np.unique(np.append(np.arange(0, step + 1, stride), step))
    trail = np.concatenate([history.means[kept], mixture.means[None]])
    breaks = np.searchsorted(kept, np.flatnonzero(history.by_move[: step + 1]))
    return np.insert(trail, np.unique(breaks), np.nan, axis=0)


def list_weights(scene: Scene, mixture: Mixture) -> list[str]:
    """The number and weight of each component, or of each group, as a legend has them."""
    weights = np.bincount(scene.names, mixture.weights)
    return [f"{n}   {write_weight(weights[n])}" for n in np.unique(scene.names)]


def write_weight(weight: float) -> str:
    """A weight with three digits after the point; one of less is told to be less."""
    return f"{weight:.3f}" if weight >= 0.0005 or weight == 0 else "<0.001"


class LegendLayout(NamedTuple):
    """The size of a legend's type, in points, its columns, how many entries fit, and its inches."""

    size: float
    n_columns: int
    n_shown: int
    width: float


def arrange_legend(
    n_entries: int,
    n_letters: int,
    inches: tuple[float, float],
    *,
    sizes: tuple[float, ...] = (9, 8, 7, 6, 5),
) -> LegendLayout:
    """The largest type in which all entries fit, in columns; some, where they fit in none.

    Args:
        n_entries: of the legend.
        n_letters: of the longest entry.
        inches: the width and height that there is at most.
        sizes: of type, in points, descending.
    """
    ems = 2.6 + 0.52 * n_letters  # with its disc, and the gap to the next column
    for size in sizes:
        rows = max(int(inches[1] * 72 / (1.42 * size)) - 2, 1)
        columns = max(int(inches[0] * 72 / (ems * size)), 1)
        if n_entries <= rows * columns:
            break
    n_shown = min(n_entries, rows * columns)
    n_columns = math.ceil(n_shown / rows)
    return LegendLayout(size, n_columns, n_shown, n_columns * ems * size / 72)


def _lay_out(
    figure: Figure, scene: Scene, last: Mixture, n_breaks: int, type_share: float
) -> tuple[Axes, Axes, LegendLayout]:
    """The axes of the panel and of the strip below, and the legend beside it.

    Args:
        figure: empty.
        scene: for its ticks, and how many weights there are.
        last: the final mixture.
        n_breaks: of the lines of the note.
        type_share: the size of type, as a share of the usual one: what is between axes follows.
    """
    width, height = (figure.get_size_inches() / type_share).tolist()  # in inches of usual type
    longest = max(map(len, format_ticks(choose_ticks(scene.limits[:, 1], 6))))
    left, bottom = 0.52 + 0.075 * longest, 0.72 + 0.14 * n_breaks  # the note is below
    strip_height = 0.11 * height
    low = bottom + strip_height + 0.78
    panel_height = max(height - low - 0.38, 0.1 * height)
    n_entries = len(np.unique(scene.names)) + 2 * (last.background is not None)
    n_letters = len(list_weights(scene, last)[-1])
    legend = arrange_legend(n_entries, n_letters, (0.33 * width, panel_height))
    across = max(width - left - 0.15 - legend.width, 0.1 * width)
    panel = figure.add_axes((left / width, low / height, across / width, panel_height / height))
    strip_box = left / width, bottom / height, across / width, strip_height / height
    legend = legend._replace(size=legend.size * type_share)
    return panel, figure.add_axes(strip_box), legend


def _make_legend(axes: Axes, scene: Scene, last: Mixture, layout: LegendLayout) -> Legend:
    """A disc of each colour, with the number and weight that it is of, and the background's."""
    _, first = np.unique(scene.names, return_index=True)
    labels = list_weights(scene, last)
    size, n_columns, n_shown, _ = layout
    handles = [
        Line2D([], [], marker="o", ms=0.65 * size, linestyle="", color=colour, label=label)
        for colour, label in zip(scene.colours[first], labels, strict=True)
    ]
    handles = handles[:n_shown]
    title = "weights" if scene.cell_colours is None else "groups"
    if n_shown < len(labels):
        title = f"{title}, {n_shown} of {len(labels)}"
    if last.background is not None:
        circle = Line2D([], [], marker="o", ms=0.65 * size, linestyle="", mfc="none")
        circle.set(markeredgecolor=BACKGROUND_COLOUR, label=_break_line(last))
        handles.append(circle)
    return axes.legend(
        handles=handles,
        title=title,
        loc="upper left",
        bbox_to_anchor=(1.0, 1.0),
        handlelength=0.8,
        ncols=n_columns,
        fontsize=size,
        title_fontsize=size,
        alignment="left",
        columnspacing=1.0,
        labelspacing=0.35,
    )


def _break_line(mixture: Mixture) -> str:
    """The background with its weight below."""
    assert mixture.background is not None  # noqa: S101 (for the type)
    return describe_background(mixture.background).replace(" ", "\n", 1)
