"""Pictures as files: a frame for each snapshot, and all of them on one sheet."""

import math
import warnings
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from gmmcli.core.runs.directory import Run, frame_name, selection_name, sheet_name
from gmmcli.core.runs.history import History, Snapshot
from gmmcli.files import replace_atomically
from gmmcli.pictures.artists import draw_climb, draw_snapshot, note_of, title_of
from gmmcli.pictures.scene import Scene, scene_of
from gmmcli.pictures.selection import selection_figure
from gmmcli.pictures.style import styled
from gmmcli.settings import PictureFormat

FRAME_INCHES = (7.0, 5.4)
# The share of a frame that is left of its axes.
LEFT = 0.12
# The inches of a sheet that are left of its axes.
SHEET_LEFT = 0.9
PANEL_INCHES = (3.3, 2.9)
CLIMB_INCHES = 2.2
MOST_PANELS = 100
MOST_LEGEND_ENTRIES = 12


def draw_run(
    run: Run, steps: list[int], directory: Path, picture_format: PictureFormat = "png"
) -> Iterator[Path]:
    """Draw a run's frames and then its other pictures, and yield the path of each once written.

    Args:
        run: the run.
        steps: the steps to draw, ascending, each in the run's history.
        directory: where frames/ and the other pictures go.
        picture_format: of every picture.

    Raises:
        OutputError: when a picture cannot be written.
    """
    scene = scene_of(run)
    figures: dict[str, Callable[[], Figure]] = {
        frame_name(step, picture_format): partial(_frame_at, scene, run.history, step)
        for step in steps
    }
    if run.selection is not None:
        figures[selection_name(picture_format)] = partial(selection_figure, run.selection)
    figures[sheet_name(picture_format)] = partial(sheet_of, scene, run, steps)
    for name, figure in figures.items():
        with styled():
            save(figure(), directory / name, picture_format)
        yield directory / name


def _frame_at(scene: Scene, history: History, step: int) -> Figure:
    return frame_of(scene, history.snapshot(step))


def frame_of(scene: Scene, snapshot: Snapshot) -> Figure:
    """One snapshot as a figure."""
    n_components = snapshot.mixture.n_components
    with_legend = n_components <= MOST_LEGEND_ENTRIES
    figure = Figure(figsize=FRAME_INCHES)
    right = 0.82 if with_legend else 0.97
    axes = figure.add_axes((LEFT, 0.14, right - LEFT, 0.78))
    draw_snapshot(axes, scene, snapshot)
    axes.set_title(f"{title_of(snapshot, scene.cells.n_points)} nats per point")
    axes.set_xlabel(scene.columns[0], parse_math=False)
    axes.set_ylabel(scene.columns[1], parse_math=False)
    if with_legend:
        axes.legend(
            handles=_legend_handles(scene, snapshot),
            title="weights",
            loc="upper left",
            bbox_to_anchor=(1.0, 1.0),
            handlelength=0.8,
        )
    figure.text(LEFT, 0.015, note_of(scene), fontsize=8, color="#666666")
    return figure


def sheet_of(scene: Scene, run: Run, steps: list[int]) -> Figure:
    """Snapshots side by side, over the climb of the ELBO from step to step."""
    shown = steps if len(steps) <= MOST_PANELS else _thinned(steps)
    figure, panels, strip = _sheet_layout(len(shown))
    n_columns = _n_columns(len(shown))
    for place, (axes, step) in enumerate(zip(panels, shown, strict=True)):
        snapshot = run.history.snapshot(step)
        draw_snapshot(axes, scene, snapshot)
        axes.set_title(title_of(snapshot, scene.cells.n_points), fontsize=9)
        axes.locator_params(axis="x", nbins=5)
        is_first, is_lowest = place % n_columns == 0, place + n_columns >= len(shown)
        _label_outside(axes, scene, is_first=is_first, is_lowest=is_lowest)
    draw_climb(strip, run.history, scene.cells.n_points, shown)
    note = note_of(scene)
    if len(shown) < len(steps):
        note = f"{len(shown)} of {len(steps)} snapshots; {note}"
    left, bottom = SHEET_LEFT / figure.get_figwidth(), 0.12 / figure.get_figheight()
    figure.text(left, bottom, note, fontsize=8, color="#666666")
    return figure


def save(figure: Figure, path: Path, picture_format: PictureFormat) -> None:
    """Write a figure to a file, the same bytes for the same picture.

    Raises:
        OutputError: when it cannot be written.
    """
    # A date would make equal pictures differ in their bytes.
    dates = {"png": {}, "svg": {"Date": None}, "pdf": {"CreationDate": None}}
    with replace_atomically(path) as file, warnings.catch_warnings():
        # A column's name may have letters that the font lacks; they show as boxes.
        warnings.filterwarnings("ignore", message="Glyph .* missing from font")
        figure.savefig(file, format=picture_format, metadata=dates[picture_format])


def _sheet_layout(n_panels: int) -> tuple[Figure, list[Axes], Axes]:
    """A figure with so many panels in rows, and a strip below them all."""
    n_columns = _n_columns(n_panels)
    n_rows = math.ceil(n_panels / n_columns)
    width = max(n_columns, 2) * PANEL_INCHES[0]
    height = n_rows * PANEL_INCHES[1] + CLIMB_INCHES
    figure = Figure(figsize=(width, height))
    grid = figure.add_gridspec(
        n_rows + 1,
        n_columns,
        height_ratios=[PANEL_INCHES[1]] * n_rows + [CLIMB_INCHES],
        left=SHEET_LEFT / width,
        right=1 - 0.15 / width,
        top=1 - 0.35 / height,
        bottom=0.75 / height,
        hspace=0.42,
        wspace=0.12,
    )
    places = [divmod(place, n_columns) for place in range(n_panels)]
    panels = [figure.add_subplot(grid[row, column]) for row, column in places]
    return figure, panels, figure.add_subplot(grid[n_rows, :])


def _n_columns(n_panels: int) -> int:
    """The panels of a row, such that rows are about equally long."""
    widest = 4 if n_panels <= 12 else 6 if n_panels <= 36 else 10
    return math.ceil(n_panels / math.ceil(n_panels / widest))


def _label_outside(axes: Axes, scene: Scene, *, is_first: bool, is_lowest: bool) -> None:
    """Label a panel's axes where no other panel is to its left or below it."""
    if is_first:
        axes.set_ylabel(scene.columns[1], parse_math=False)
    else:
        axes.tick_params(labelleft=False)
    if is_lowest:
        axes.set_xlabel(scene.columns[0], parse_math=False)
    else:
        axes.tick_params(labelbottom=False)


def _legend_handles(scene: Scene, snapshot: Snapshot) -> list[Line2D]:
    return [
        Line2D([], [], marker="o", linestyle="", color=colour, label=f"{k}   {weight:.3f}")
        for k, (weight, colour) in enumerate(
            zip(snapshot.mixture.weights, scene.colours, strict=True)
        )
    ]


def _thinned(steps: list[int]) -> list[int]:
    """As many of the steps as a sheet holds, evenly, first and last included."""
    places = (round(i * (len(steps) - 1) / (MOST_PANELS - 1)) for i in range(MOST_PANELS))
    return [steps[place] for place in places]
