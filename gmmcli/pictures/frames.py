"""Pictures as files: a frame for each snapshot, the picture of a choice, and the sheet."""

import warnings
from collections.abc import Callable, Iterator
from functools import partial
from io import BytesIO
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from gmmcli.core.groups.groups import Groups, climb_means, label_points
from gmmcli.core.mixture.gaussians import IntArray
from gmmcli.core.runs.directory import RunRecord
from gmmcli.core.runs.history import Snapshot
from gmmcli.core.runs.layout import (
    check_links,
    name_frame,
    name_selection,
    name_sheet,
    name_tree,
)
from gmmcli.files import replace_atomically
from gmmcli.pictures.artists import (
    describe_background,
    describe_scene,
    describe_snapshot,
    draw_snapshot,
)
from gmmcli.pictures.scene import Scene, colour_groups, compute_scene
from gmmcli.pictures.selection import make_selection_figure
from gmmcli.pictures.sheet import make_sheet
from gmmcli.pictures.style import BACKGROUND_COLOUR, apply_style
from gmmcli.pictures.tree import make_tree_figure
from gmmcli.settings import ColourChoice, PictureFormat

FRAME_INCHES = (7.0, 5.4)


def draw_run(
    run: RunRecord,
    steps: list[int],
    directory: Path,
    picture_format: PictureFormat = "png",
    colour: ColourChoice = "component",
) -> Iterator[Path]:
    """Draw a run's frames and then its other pictures, and yield the path of each once written.

    Args:
        run: the run.
        steps: the steps to draw, ascending, each in the run's history.
        directory: where frames/ and the other pictures go.
        picture_format: of every picture.
        colour: what has a colour in frames.

    Raises:
        OutputError: when a picture cannot be written.
        RunError: when frames/ is a link.
    """
    check_links(directory)
    scene = _compute_scene(run, colour)
    for name, make_figure in _plan_figures(scene, run, steps, picture_format).items():
        with apply_style():
            save_figure(make_figure(), directory / name, picture_format)
        yield directory / name


def make_picture(run: RunRecord, step: int, colour: ColourChoice = "component") -> Figure:
    """A step of a run as a figure, as its frame shows it."""
    with apply_style():
        return _make_frame_at(_compute_scene(run, colour), run, step)


def make_convergence(run: RunRecord) -> Figure:
    """The snapshots of a run as a figure, as its sheet shows them."""
    with apply_style():
        return make_sheet(compute_scene(run), run, run.history.choose_steps(run.snapshots))


def _compute_scene(run: RunRecord, colour: ColourChoice) -> Scene:
    scene = compute_scene(run)
    if colour == "group" and run.groups is not None:
        return colour_groups(scene, run.groups, _label_cells(run, run.groups))
    return scene


def _plan_figures(
    scene: Scene, run: RunRecord, steps: list[int], picture_format: PictureFormat
) -> dict[str, Callable[[], Figure]]:
    """What makes each picture, by its path inside a run, in the order of drawing."""
    figures: dict[str, Callable[[], Figure]] = {
        name_frame(step, picture_format): partial(_make_frame_at, scene, run, step)
        for step in steps
    }
    if run.selection is not None:
        figures[name_selection(picture_format)] = partial(make_selection_figure, run.selection)
    if run.groups is not None and run.has_tree:
        of_components = climb_means(run.mixture, run.groups.tree)
        figures[name_tree(picture_format)] = partial(make_tree_figure, run.groups, of_components)
    figures[name_sheet(picture_format)] = partial(make_sheet, scene, run, steps)
    return figures


def _label_cells(run: RunRecord, groups: Groups) -> IntArray:
    """The group of each cell of a run, shape (C,)."""
    return label_points(run.mixture, groups.tree, groups.valley, run.cells.means)


def _make_frame_at(scene: Scene, run: RunRecord, step: int) -> Figure:
    return make_frame(scene, run.history.snapshot(step))


def make_frame(scene: Scene, snapshot: Snapshot, *, most_legend_entries: int = 12) -> Figure:
    """One snapshot as a figure, with a legend of the weights where they are few enough."""
    has_legend = len(np.unique(scene.names)) <= most_legend_entries
    figure = Figure(figsize=FRAME_INCHES)
    left, right = 0.12, 0.82 if has_legend else 0.97
    axes = figure.add_axes((left, 0.14, right - left, 0.78))
    draw_snapshot(axes, scene, snapshot)
    background = snapshot.mixture.background
    title = f"{describe_snapshot(snapshot, scene.cells.n_points)} nats per point"
    if background is not None and not has_legend:
        title = f"{title}   {describe_background(background)}"
    axes.set_title(title)
    axes.set_xlabel(scene.columns[0], parse_math=False)
    axes.set_ylabel(scene.columns[1], parse_math=False)
    if has_legend:
        axes.legend(
            handles=_make_legend_handles(scene, snapshot),
            title="weights" if scene.cell_colours is None else "groups",
            loc="upper left",
            bbox_to_anchor=(1.0, 1.0),
            handlelength=0.8,
        )
    note = describe_scene(scene, background)
    figure.text(left, 0.015, note, fontsize=8, color="#666666")
    return figure


def _make_legend_handles(scene: Scene, snapshot: Snapshot) -> list[Line2D]:
    """A disc of each colour, with the number and weight that it is of, and the background's.

    A group whose components weigh nothing has none.
    """
    weights = np.bincount(scene.names, snapshot.mixture.weights)
    numbers, first = np.unique(scene.names, return_index=True)
    handles = [
        Line2D([], [], marker="o", linestyle="", color=colour, label=f"{n}   {weights[n]:.3f}")
        for n, colour in zip(numbers, scene.colours[first], strict=True)
        if scene.tops is None or weights[n] >= 0.0005
    ]
    if snapshot.mixture.background is not None:
        label = describe_background(snapshot.mixture.background).replace(" ", "\n", 1)
        circle = Line2D([], [], marker="o", linestyle="", mfc="none", label=label)
        circle.set_markeredgecolor(BACKGROUND_COLOUR)
        handles.append(circle)
    return handles


def rehearse() -> None:
    """Draw a picture for nobody, so that all which matplotlib loads when it draws is loaded."""
    with apply_style():
        figure = Figure(layout="constrained")
        figure.add_subplot().set_title("ELBO")
        figure.savefig(BytesIO())


def save_figure(figure: Figure, path: Path, picture_format: PictureFormat) -> None:
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
