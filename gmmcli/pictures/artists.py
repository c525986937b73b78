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

from gmmcli.core.mixture.background import Background
from gmmcli.core.mixture.covariances import FloatArray
from gmmcli.core.mixture.mixture import Mixture
from gmmcli.core.runs.history import History, Snapshot
from gmmcli.pictures.scene import COVERAGES, Scene, compute_radius
from gmmcli.pictures.style import BACKGROUND_COLOUR, pick_colours

# From so many cells on, they make a carpet: outlines have a white rim, and vector files a bitmap.
MANY_CELLS = 5000
# What a step is called that a move of the search led to.
MOVE = "by a move"
# What a step is called that has an ELBO of other cells than the step before.
OTHER_CELLS = "on more cells"


def draw_snapshot(axes: Axes, scene: Scene, snapshot: Snapshot) -> None:
    """Draw the points, and a snapshot's mixture over them, in the scene's view."""
    draw_points(axes, scene, snapshot.mixture)
    draw_components(axes, scene, snapshot.mixture)
    axes.set_xlim(*scene.limits[:, 0])
    axes.set_ylim(*scene.limits[:, 1])


def draw_points(axes: Axes, scene: Scene, mixture: Mixture) -> list[PathCollection]:
    """Draw every cell in its own colour, or those of its components, mixed by responsibility.

    Where it most likely belongs to the background, it is an open circle.
    """
    places = scene.cells.means
    responsibilities = mixture.responsibilities(places)  # (C, K)
    strays = mixture.background_responsibilities(places)  # (C,)
    colours = scene.cell_colours
    if colours is None:
        colours = responsibilities @ scene.colours + np.outer(strays, BACKGROUND_COLOUR)
    are_stray = strays > responsibilities.max(axis=1)
    rest = ~are_stray
    is_carpet = scene.cells.n_cells > MANY_CELLS
    drawn = axes.scatter(
        places[rest, 0],
        places[rest, 1],
        s=scene.sizes[rest],
        c=np.clip(colours[rest], 0, 1),
        alpha=min(max(6000 / scene.cells.n_cells, 0.15), 0.6),
        linewidths=0,
        rasterized=is_carpet,
        zorder=1,
    )
    if not are_stray.any():
        return [drawn]
    circles = axes.scatter(
        places[are_stray, 0],
        places[are_stray, 1],
        s=scene.sizes[are_stray],
        facecolors="none",
        edgecolors=BACKGROUND_COLOUR,
        linewidths=0.4 if is_carpet else 0.7,
        rasterized=is_carpet,
        zorder=1,
    )
    return [drawn, circles]


def draw_components(
    axes: Axes,
    scene: Scene,
    mixture: Mixture,
    *,
    most_with_discs: int = 6,
    small_share: float = 0.03,
    darkening: float = 0.8,
) -> list[PathPatch]:
    """Draw every component's two ellipses, and its number at its mean.

    Where colours are those of groups, these have numbers instead, at their highest modes.

    Args:
        axes: where to draw.
        scene: what all steps share.
        mixture: K components in the order of the scene's colours.
        most_with_discs: the most components that leave room for discs under their numbers, and for
            thick outlines.
        small_share: a component with a reach below this share of the view would hide under its
            number, which then stands beside it.
        darkening: what outlines and numbers have of the brightness of their points.
    """
    ellipses = []
    is_crowded = mixture.n_components > most_with_discs
    parts = mixture.means, mixture.cholesky_factors(), scene.colours, scene.names.tolist()
    for mean, factor, colour, name in zip(*parts, strict=True):
        dark = darkening * colour
        for coverage in COVERAGES:
            ellipse = make_ellipse(mean, factor, coverage)
            width = 1.2 if is_crowded else 1.6
            has_rim = scene.cells.n_cells > MANY_CELLS
            ellipses.append(draw_outline(axes, ellipse, dark, width, has_rim=has_rim))
        reach = compute_radius(max(COVERAGES)) * np.linalg.norm(factor, axis=1)
        is_small = bool((reach < small_share * np.ptp(scene.limits, axis=0)).all())
        has_disc = not (is_crowded or is_small)
        if scene.tops is None:
            draw_number(axes, str(name), mean, dark, has_disc=has_disc, is_beside=is_small)
    if scene.tops is not None:
        parts_of_groups = zip(scene.tops, pick_colours(len(scene.tops)), strict=True)
        for group, (top, colour) in enumerate(parts_of_groups):
            dark = darkening * colour
            draw_number(axes, str(group), top, dark, has_disc=not is_crowded, is_beside=False)
    return ellipses


def draw_outline(
    axes: Axes, path: Path, colour: FloatArray, width: float, *, has_rim: bool
) -> PathPatch:
    """Draw a closed line of a width in points, with a white rim if it needs one."""
    outline = PathPatch(path)
    outline.set(fill=False, edgecolor=colour, linewidth=width, zorder=3)
    if has_rim:
        outline.set_path_effects([withStroke(linewidth=2 * width, foreground="white")])
    axes.add_patch(outline)
    return outline


def draw_number(
    axes: Axes, text: str, mean: FloatArray, colour: FloatArray, *, has_disc: bool, is_beside: bool
) -> Annotation:
    """Draw the number of a component, on a disc or with no more than a white rim.

    At its mean, or beside it: some points (1/72 inch) to the right and up.
    """
    beside_points = 9 if is_beside else 0
    number = axes.annotate(
        text,
        tuple(mean),
        (beside_points, beside_points),
        textcoords="offset points",
        ha="center",
        va="center",
        color=colour,
    )
    number.set(clip_on=True, zorder=5)
    if has_disc:
        number.set(fontsize=8)
        axes.plot(*mean, "o", ms=13, mfc="white", mec=colour, mew=1.6, zorder=4)
    else:
        rim = withStroke(linewidth=2.5, foreground="white")
        number.set(fontsize=7.5, fontweight="bold", path_effects=[rim])
    return number


def make_ellipse(mean: FloatArray, factor: FloatArray, coverage: float) -> Path:
    """The ellipse of equal density that holds a share of a Gaussian, in data units.

    The image of a circle under the Cholesky factor of the covariance, which stays exact however
    different the units of x and y are.
    """
    matrix = np.eye(3)
    matrix[:2, :2] = compute_radius(coverage) * factor
    matrix[:2, 2] = mean
    return Path.unit_circle().transformed(Affine2D(matrix))


def draw_climb(axes: Axes, history: History, n_points: float, steps: list[int]) -> Line2D:
    """Draw the ELBO per point against the step, with marks at some steps and at all moves.

    Its line is faint where other cells, and not a step alone, changed it.
    """
    draw_changes(axes, history)
    elbos = history.elbos / n_points
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


def draw_changes(axes: Axes, history: History) -> list[LineCollection]:
    """Draw a mark at each step to which a move or other cells led, and a legend of the marks."""
    moves = np.flatnonzero(history.by_move)
    marks = [
        draw_marks(axes, moves, MOVE, "#999999", "dotted"),
        draw_marks(axes, history.on_other_cells, OTHER_CELLS, "#cccccc", "solid"),
    ]
    shown = [lines for lines in marks if lines.get_segments()]
    if shown:
        axes.legend(handles=shown, loc="lower right", bbox_to_anchor=(1, 1), ncols=2, borderpad=0)
    return marks


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


def describe_scene(scene: Scene, background: Background | None) -> str:
    """What a reader needs to know to read the picture, of mixtures with a background or none."""
    shares = " and ".join(f"{coverage:.0%}" for coverage in COVERAGES)
    mixed, grouped = "colours: mixed by responsibility", "colours and numbers: groups of the fit"
    colours = mixed if scene.cell_colours is None else grouped
    note = f"{colours}; ellipses: {shares} of their component"
    if background is not None:
        note = f"{note}; open circles: background"
    if scene.n_outside:
        lie = "point lies" if scene.n_outside == 1 else "points lie"
        note = f"{scene.n_outside:,.0f} {lie} outside the view\n{note}"
    return note


def describe_snapshot(snapshot: Snapshot, n_points: float) -> str:
    """A title with a snapshot's step and ELBO per point."""
    elbo = f"{snapshot.elbo / n_points:.4f}".replace("-", "\N{MINUS SIGN}")
    move = f", {MOVE}" if snapshot.by_move else ""
    return f"step {snapshot.step}{move}   ELBO {elbo}"


def describe_background(background: Background) -> str:
    """What the background is called in a picture, with its weight."""
    return f"background {background.weight:.1%}"
