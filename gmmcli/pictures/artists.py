"""Parts of a picture, each drawn into an Axes that the caller owns."""

from typing import Literal

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection, PathCollection
from matplotlib.lines import Line2D
from matplotlib.patches import PathPatch
from matplotlib.path import Path
from matplotlib.patheffects import withStroke
from matplotlib.text import Annotation
from matplotlib.ticker import MaxNLocator
from matplotlib.transforms import Affine2D

from gmmcli.core.mixture.covariances import FloatArray
from gmmcli.core.mixture.mixture import Mixture
from gmmcli.core.runs.history import History, Snapshot
from gmmcli.pictures.scene import COVERAGES, Scene, ellipse_radius

# So many cells make a carpet: outlines need a white rim on it, and vector files a bitmap.
MANY_CELLS = 5000
# So many components have no room for discs under their numbers, nor for thick outlines.
MANY_COMPONENTS = 6
# A component with a reach of less than this share of the view would hide under its number, which
# stands beside it, so many points to the right and up.
SMALL, BESIDE = 0.03, 9
# What a step is called that a move of the search led to.
MOVE = "by a move"
# What a step is called that has an ELBO of other cells than the step before.
OTHER_CELLS = "on more cells"
# Outlines stand out from the points of their own colour.
DARKER = 0.8


def draw_snapshot(axes: Axes, scene: Scene, snapshot: Snapshot) -> None:
    """Draw the points, and a snapshot's mixture over them, in the scene's view."""
    draw_points(axes, scene, snapshot.mixture)
    draw_components(axes, scene, snapshot.mixture)
    axes.set_xlim(*scene.limits[:, 0])
    axes.set_ylim(*scene.limits[:, 1])


def draw_points(axes: Axes, scene: Scene, mixture: Mixture) -> PathCollection:
    """Draw every cell in the colours of its components, mixed by responsibility."""
    responsibilities = mixture.responsibilities(scene.cells.means)  # (C, K)
    return axes.scatter(
        scene.cells.means[:, 0],
        scene.cells.means[:, 1],
        s=scene.sizes,
        c=np.clip(responsibilities @ scene.colours, 0, 1),
        alpha=min(max(6000 / scene.cells.n_cells, 0.15), 0.6),
        linewidths=0,
        rasterized=scene.cells.n_cells > MANY_CELLS,
        zorder=1,
    )


def draw_components(axes: Axes, scene: Scene, mixture: Mixture) -> list[PathPatch]:
    """Draw every component's two ellipses, and its number at its mean."""
    ellipses = []
    is_crowded = mixture.n_components > MANY_COMPONENTS
    width = 1.2 if is_crowded else 1.6
    components = zip(mixture.means, mixture.cholesky_factors(), scene.colours, strict=True)
    for k, (mean, factor, colour) in enumerate(components):
        for coverage in COVERAGES:
            ellipse = PathPatch(ellipse_of(mean, factor, coverage))
            ellipse.set(fill=False, edgecolor=DARKER * colour, linewidth=width, zorder=3)
            if scene.cells.n_cells > MANY_CELLS:
                ellipse.set_path_effects([withStroke(linewidth=2 * width, foreground="white")])
            axes.add_patch(ellipse)
            ellipses.append(ellipse)
        reach = ellipse_radius(max(COVERAGES)) * np.linalg.norm(factor, axis=1)
        is_small = bool((reach < SMALL * np.ptp(scene.limits, axis=0)).all())
        on_disc, beside = not (is_crowded or is_small), BESIDE if is_small else 0
        draw_number(axes, k, mean, DARKER * colour, on_disc=on_disc, beside=beside)
    return ellipses


def draw_number(
    axes: Axes, k: int, mean: FloatArray, colour: FloatArray, *, on_disc: bool, beside: float
) -> Annotation:
    """Draw the number of a component, on a disc or with no more than a white rim.

    At its mean, or so many points to the right of it and up.
    """
    number = axes.annotate(
        str(k),
        tuple(mean),
        (beside, beside),
        textcoords="offset points",
        ha="center",
        va="center",
        color=colour,
    )
    number.set(clip_on=True, zorder=5)
    if on_disc:
        number.set(fontsize=8)
        axes.plot(*mean, "o", ms=13, mfc="white", mec=colour, mew=1.6, zorder=4)
    else:
        rim = withStroke(linewidth=2.5, foreground="white")
        number.set(fontsize=7.5, fontweight="bold", path_effects=[rim])
    return number


def ellipse_of(mean: FloatArray, factor: FloatArray, coverage: float) -> Path:
    """The ellipse of equal density that holds a share of a Gaussian, in data units.

    The image of a circle under the Cholesky factor of the covariance, which stays exact however
    different the units of x and y are.
    """
    matrix = np.eye(3)
    matrix[:2, :2] = ellipse_radius(coverage) * factor
    matrix[:2, 2] = mean
    return Path.unit_circle().transformed(Affine2D(matrix))


def draw_climb(axes: Axes, history: History, n_points: float, steps: list[int]) -> Line2D:
    """Draw the ELBO per point against the step, with marks at some steps and at all moves.

    Its line is faint where other cells, and not a step alone, changed it.
    """
    elbos = history.elbos / n_points
    moves = np.flatnonzero(history.by_move)
    marks = [
        draw_marks(axes, moves, MOVE, "#999999", "dotted"),
        draw_marks(axes, history.on_other_cells, OTHER_CELLS, "#cccccc", "solid"),
    ]
    shown = [lines for lines in marks if lines.get_segments()]
    if shown:
        axes.legend(handles=shown, loc="lower right", bbox_to_anchor=(1, 1), ncols=2, borderpad=0)
    places = np.insert(np.arange(len(elbos), dtype=np.float64), history.on_other_cells, np.nan)
    broken = np.insert(elbos, history.on_other_cells, np.nan)
    axes.plot(elbos, color="#dddddd", linewidth=1.2, zorder=1)
    (line,) = axes.plot(places, broken, color="#999999", linewidth=1.2, zorder=1)
    axes.plot(steps, elbos[steps], "o", ms=5, color="#333333", zorder=2)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
    axes.set_xlabel("step")
    axes.ticklabel_format(axis="y", style="plain", useOffset=False)
    axes.tick_params(axis="y", labelsize=8)  # climbs of a millionth need eight digits
    axes.set_title("ELBO, nats per point", fontsize=9)
    return line


def draw_marks(
    axes: Axes,
    steps: npt.NDArray[np.intp],
    name: str,
    colour: str,
    style: Literal["dotted", "solid"],
) -> LineCollection:
    """Draw a line from bottom to top at each of some steps, with a name for a legend."""
    across = axes.get_xaxis_transform()
    lines = axes.vlines(steps, 0, 1, colour, style, linewidth=0.8, transform=across, zorder=0)
    lines.set_label(name)
    return lines


def note_of(scene: Scene) -> str:
    """What a reader needs to know to read the picture."""
    shares = " and ".join(f"{coverage:.0%}" for coverage in COVERAGES)
    note = f"colours: mixed by responsibility; ellipses: {shares} of their component"
    if scene.n_outside:
        lie = "point lies" if scene.n_outside == 1 else "points lie"
        note = f"{scene.n_outside:,.0f} {lie} outside the view\n{note}"
    return note


def title_of(snapshot: Snapshot, n_points: float) -> str:
    """A title with a snapshot's step and ELBO per point."""
    elbo = f"{snapshot.elbo / n_points:.4f}".replace("-", "\N{MINUS SIGN}")
    move = f", {MOVE}" if snapshot.by_move else ""
    return f"step {snapshot.step}{move}   ELBO {elbo}"
