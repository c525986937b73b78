"""Pictures of a run as figures and as files, of every kind."""

import warnings
from collections.abc import Callable, Iterator
from functools import cache, partial
from io import BytesIO
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from matplotlib.figure import Figure
from PIL import Image

from gmmcli.core.groups.groups import Groups, climb_means, label_points
from gmmcli.core.mixture.gaussians import IntArray
from gmmcli.core.runs.directory import RunRecord
from gmmcli.core.runs.layout import check_links, name_frame, name_picture
from gmmcli.errors import RunError
from gmmcli.files import replace_atomically
from gmmcli.pictures.density import make_density_figure
from gmmcli.pictures.elbo import make_elbo_figure
from gmmcli.pictures.frames import Frame, make_frame
from gmmcli.pictures.kinds import Look, Order
from gmmcli.pictures.marginals import make_marginals_figure
from gmmcli.pictures.residuals import make_residuals_figure
from gmmcli.pictures.scene import Scene, colour_groups, compute_scene
from gmmcli.pictures.selection import make_selection_figure
from gmmcli.pictures.sheet import make_sheet
from gmmcli.pictures.style import apply_style
from gmmcli.pictures.tree import make_tree_figure
from gmmcli.pictures.uncertainty import make_uncertainty_figure
from gmmcli.settings import ColourChoice, PictureFormat, PictureKind

# What makes the pictures that need no more than a scene and its run.
OF_A_SCENE: dict[PictureKind, Callable[[Scene, RunRecord], Figure]] = {
    "elbo": make_elbo_figure,
    "density": make_density_figure,
    "uncertainty": make_uncertainty_figure,
    "residuals": make_residuals_figure,
    "marginals": make_marginals_figure,
}


class Picture(NamedTuple):
    """A figure, and what gives its pixels sooner than saving it would, if anything does."""

    figure: Figure
    paint: Callable[[], npt.NDArray[np.uint8]] | None = None


def draw_run(run: RunRecord, order: Order, directory: Path) -> Iterator[Path]:
    """Draw a run's pictures, and yield the path of each once written.

    Args:
        run: the run.
        order: what to draw of it.
        directory: where frames/ and the other pictures go.

    Raises:
        OutputError: when a picture cannot be written.
        RunError: when frames/ is a link.
    """
    check_links(directory)
    with apply_style(order.look):
        scene = compute_coloured_scene(run, order.colour)
        pictures = _plan_pictures(scene, run, order)
    for name, make in pictures.items():
        with apply_style(order.look):
            picture = make()
            save_figure(picture.figure, directory / name, order.picture_format, picture.paint)
        yield directory / name


def make_picture(
    run: RunRecord, step: int, colour: ColourChoice = "component", look: Look | None = None
) -> Figure:
    """A step of a run as a figure, as its frame shows it."""
    with apply_style(look or Look()):
        snapshot, status = run.history.snapshot(step), run.figures.status.value
        return make_frame(compute_coloured_scene(run, colour), snapshot, run.history, status)


def make_convergence(run: RunRecord, look: Look | None = None) -> Figure:
    """The snapshots of a run as a figure, as its sheet shows them."""
    with apply_style(look or Look()):
        return make_sheet(compute_scene(run), run, run.history.choose_steps(run.snapshots))


def compute_coloured_scene(run: RunRecord, colour: ColourChoice) -> Scene:
    """The scene of a run, with a colour for each component or each group."""
    scene = compute_scene(run)
    if colour == "group" and run.groups is not None:
        return colour_groups(scene, run.groups, _label_cells(run, run.groups))
    return scene


def _plan_pictures(scene: Scene, run: RunRecord, order: Order) -> dict[str, Callable[[], Picture]]:
    """What makes each picture, by its path inside a run, in the order of drawing."""
    pictures: dict[str, Callable[[], Picture]] = {}
    frame = cache(partial(Frame, scene, run.history, run.figures.status.value))
    for kind in order.kinds:
        if kind == "frames":
            for step in order.steps:
                make = partial(_show_step, frame, run, step)
                pictures[name_frame(step, order.picture_format)] = make
        else:
            make = partial(_make_whole, kind, scene, run, order)
            pictures[name_picture(kind, order.picture_format)] = make
    return pictures


def _make_whole(kind: PictureKind, scene: Scene, run: RunRecord, order: Order) -> Picture:
    """The picture of a kind of which a run has one."""
    if (make_figure := OF_A_SCENE.get(kind)) is not None:
        return Picture(make_figure(scene, run))
    match kind:
        case "selection" if run.selection is not None:
            return Picture(make_selection_figure(run.selection))
        case "groups" if run.groups is not None:
            of_components = climb_means(run.mixture, run.groups.tree)
            return Picture(make_tree_figure(run.groups, of_components))
        case "sheet":
            return Picture(make_sheet(scene, run, list(order.steps)))
        case _:
            raise RunError(f"there is no picture of kind {kind}")


def _label_cells(run: RunRecord, groups: Groups) -> IntArray:
    """The group of each cell of a run, shape (C,)."""
    return label_points(run.mixture, groups.tree, groups.valley, run.cells.means)


def _show_step(make_frame: Callable[[], Frame], run: RunRecord, step: int) -> Picture:
    frame = make_frame()  # the same for all steps
    frame.show(run.history.snapshot(step))
    return Picture(frame.figure, frame.paint)


def rehearse() -> None:
    """Draw a picture for nobody, so that all which matplotlib loads when it draws is loaded."""
    with apply_style():
        figure = Figure(layout="constrained")
        figure.add_subplot().set_title("ELBO")
        figure.savefig(BytesIO())


def save_figure(
    figure: Figure,
    path: Path,
    picture_format: PictureFormat,
    paint: Callable[[], npt.NDArray[np.uint8]] | None = None,
    *,
    compression: int = 1,
) -> None:
    """Write a figure to a file, the same bytes for the same picture.

    Args:
        figure: to write.
        path: of the file.
        picture_format: of the file.
        paint: what gives the pixels sooner, shape (height, width, 3).
        compression: of PNG, from 0 to 9: more takes time, less takes space.

    Raises:
        OutputError: when it cannot be written.
    """
    # A date would make equal pictures differ in their bytes.
    options: dict[PictureFormat, dict[str, Any]] = {
        "png": {"pil_kwargs": {"compress_level": compression}},
        "svg": {"metadata": {"Date": None}},
        "pdf": {"metadata": {"CreationDate": None}},
    }
    with replace_atomically(path) as file, warnings.catch_warnings():
        # A column's name may have letters that the font lacks; they show as boxes.
        warnings.filterwarnings("ignore", message="Glyph .* missing from font")
        if paint is not None and picture_format == "png":
            resolution = figure.dpi, figure.dpi
            image = Image.fromarray(paint())
            image.save(file, "png", dpi=resolution, compress_level=compression)
        else:
            figure.savefig(file, format=picture_format, **options[picture_format])
