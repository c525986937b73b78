"""Pictures of a run as figures and as files, of every kind."""

import warnings
from collections.abc import Callable, Iterator
from functools import partial
from io import BytesIO
from pathlib import Path

from matplotlib.figure import Figure

from gmmcli.core.groups.groups import Groups, climb_means, label_points
from gmmcli.core.mixture.gaussians import IntArray
from gmmcli.core.runs.directory import RunRecord
from gmmcli.core.runs.layout import check_links, name_frame, name_picture
from gmmcli.errors import RunError
from gmmcli.files import replace_atomically
from gmmcli.pictures.density import make_density_figure
from gmmcli.pictures.elbo import make_elbo_figure
from gmmcli.pictures.frames import make_frame
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
    scene = _compute_scene(run, order.colour)
    for name, make_figure in _plan_figures(scene, run, order).items():
        with apply_style(order.look):
            save_figure(make_figure(), directory / name, order.picture_format)
        yield directory / name


def make_picture(
    run: RunRecord, step: int, colour: ColourChoice = "component", look: Look | None = None
) -> Figure:
    """A step of a run as a figure, as its frame shows it."""
    with apply_style(look or Look()):
        return make_frame(_compute_scene(run, colour), run.history.snapshot(step))


def make_convergence(run: RunRecord, look: Look | None = None) -> Figure:
    """The snapshots of a run as a figure, as its sheet shows them."""
    with apply_style(look or Look()):
        return make_sheet(compute_scene(run), run, run.history.choose_steps(run.snapshots))


def _compute_scene(run: RunRecord, colour: ColourChoice) -> Scene:
    scene = compute_scene(run)
    if colour == "group" and run.groups is not None:
        return colour_groups(scene, run.groups, _label_cells(run, run.groups))
    return scene


def _plan_figures(scene: Scene, run: RunRecord, order: Order) -> dict[str, Callable[[], Figure]]:
    """What makes each picture, by its path inside a run, in the order of drawing."""
    figures: dict[str, Callable[[], Figure]] = {}
    for kind in order.kinds:
        if kind == "frames":
            for step in order.steps:
                make = partial(_make_frame_at, scene, run, step)
                figures[name_frame(step, order.picture_format)] = make
        else:
            make = partial(_make_whole, kind, scene, run, order)
            figures[name_picture(kind, order.picture_format)] = make
    return figures


def _make_whole(kind: PictureKind, scene: Scene, run: RunRecord, order: Order) -> Figure:
    """The picture of a kind of which a run has one."""
    if (make_figure := OF_A_SCENE.get(kind)) is not None:
        return make_figure(scene, run)
    match kind:
        case "selection" if run.selection is not None:
            return make_selection_figure(run.selection)
        case "groups" if run.groups is not None:
            of_components = climb_means(run.mixture, run.groups.tree)
            return make_tree_figure(run.groups, of_components)
        case "sheet":
            return make_sheet(scene, run, list(order.steps))
        case _:
            raise RunError(f"there is no picture of kind {kind}")


def _label_cells(run: RunRecord, groups: Groups) -> IntArray:
    """The group of each cell of a run, shape (C,)."""
    return label_points(run.mixture, groups.tree, groups.valley, run.cells.means)


def _make_frame_at(scene: Scene, run: RunRecord, step: int) -> Figure:
    return make_frame(scene, run.history.snapshot(step))


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
