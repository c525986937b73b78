"""Parts of a picture, each drawn into an Axes that the caller owns."""

from typing import Literal

import numpy as np
import numpy.typing as npt
from matplotlib import rcParams
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection, PolyCollection
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
from gmmcli.core.runs.words import shorten
from gmmcli.pictures.captions import MOVE, OTHER_CELLS
from gmmcli.pictures.labels import choose_ticks, format_ticks, lay_leaders, place_labels
from gmmcli.pictures.points import make_points, measure_view
from gmmcli.pictures.scene import COVERAGES, Scene, compute_radius
from gmmcli.pictures.style import get_colour, pick_colours, stress


def draw_snapshot(axes: Axes, scene: Scene, snapshot: Snapshot) -> None:
    """Draw the points, and a snapshot's mixture over them, in the scene's view."""
    set_view(axes, scene)
    draw_points(axes, scene, snapshot.mixture)
    draw_components(axes, scene, snapshot.mixture)


def set_view(axes: Axes, scene: Scene) -> None:
    """Give axes the scene's limits, and units of one length where they share a scale."""
    axes.set_xlim(*scene.limits[:, 0])
    axes.set_ylim(*scene.limits[:, 1])
    if scene.has_one_scale:
        axes.set_aspect("equal", adjustable="box", anchor="NW")
        axes.apply_aspect()


def label_view(axes: Axes, scene: Scene, *, letter_inches: float = 0.085) -> None:
    """Name the axes, with ticks in plain numbers, as many as there is room for.

    Args:
        axes: in the scene's view.
        scene: what all steps share.
        letter_inches: the width of a letter in a name, which has the room of its axis.
    """
    inches = measure_view(axes) / 72
    width = max(map(len, format_ticks(choose_ticks(scene.limits[:, 0], 4))))
    n_most = (int(inches[0] / (0.3 + 0.08 * width)), int(inches[1] / 0.45))
    both = axes.xaxis, axes.yaxis
    parts = zip(both, scene.limits.T, n_most, scene.columns, inches.tolist(), strict=True)
    for axis, limits, n, name, room in parts:
        ticks = choose_ticks(limits, min(max(n, 2), 8))
        axis.set_ticks(ticks, format_ticks(ticks), parse_math=False)
        axis.set_label_text(shorten(name, int(room / letter_inches)), parse_math=False)


def draw_points(axes: Axes, scene: Scene, mixture: Mixture) -> list[Artist]:
    """Draw the data: cells, or their density where they are many, coloured by responsibility.

    Where it is an image, it is for the axes as large as they are now; see `points`.
    """
    points = make_points(axes, scene)
    points.show(mixture)
    return [points.artist]


def draw_components(axes: Axes, scene: Scene, mixture: Mixture) -> list[PathPatch]:
    """Draw every component's two ellipses, and its number; see `Components`."""
    components = Components(axes, scene)
    components.show(mixture)
    return components.ellipses


class Components:
    """The ellipses, numbers and paths of K components, which can be moved.

    Where colours are those of groups, these have numbers instead, at their highest modes.

    Attributes:
        ellipses: two of each component, shape (2 K,).
        numbers: of the components, or of groups.
    """

    def __init__(self, axes: Axes, scene: Scene, *, most_with_discs: int = 6) -> None:
        """All of them, not yet at their places.

        Args:
            axes: where to draw, with the scene's view.
            scene: what all steps share.
            most_with_discs: the most components that leave room for discs under their numbers,
                and for thick outlines.
        """
        self._axes, self._scene = axes, scene
        inks = stress(scene.colours)
        is_crowded = len(inks) > most_with_discs
        nowhere = Path(np.zeros((1, 2)))
        self.ellipses = [
            draw_outline(axes, nowhere, ink, 1.1 if is_crowded else 1.6, has_rim=scene.is_carpet)
            for ink in inks
            for _ in COVERAGES
        ]
        if scene.tops is None:
            texts = [str(name) for name in scene.names.tolist()]
        else:
            texts, inks = list_groups(scene), stress(pick_colours(len(scene.tops)))
        self.numbers = [
            draw_number(axes, text, scene.limits[0], ink, is_beside=False)
            for text, ink in zip(texts, inks, strict=True)
        ]
        self._sizes = np.array([measure_number(number) for number in self.numbers])
        self._leaders = LineCollection([], colors=inks, linewidths=0.9, zorder=4)
        self._arrows = PolyCollection([], facecolors=inks, zorder=5)
        self._trails = LineCollection([], colors=stress(scene.colours), linewidths=0.9, zorder=3.5)
        for lines in (self._leaders, self._arrows, self._trails):
            axes.add_collection(lines, autolim=False)
        self._stops = axes.scatter([], [], s=4, linewidths=0, zorder=3.5)
        self._discs = axes.scatter([], [], s=1, zorder=4.5)
        self._has_discs = not is_crowded

    @property
    def artists(self) -> list[Artist]:
        """All that moves."""
        lines = (self._trails, self._stops, self._leaders, self._discs, self._arrows)
        return [*self.ellipses, *self.numbers, *lines]

    def show(self, mixture: Mixture, trail: FloatArray | None = None) -> None:
        """Move all to where a mixture has them.

        Args:
            mixture: K components in the order of the scene's colours.
            trail: the means at the steps so far, shape (S, K, 2), NaN where a path is broken.
        """
        factors = mixture.cholesky_factors()
        paths = (
            make_ellipse(mean, factor, coverage)
            for mean, factor in zip(mixture.means, factors, strict=True)
            for coverage in COVERAGES
        )
        for ellipse, path in zip(self.ellipses, paths, strict=True):
            ellipse.set_path(path)
        self._label(mixture, factors)
        if trail is not None:
            self._trails.set_segments(list(trail.swapaxes(0, 1)))
            self._stops.set_offsets(trail.reshape(-1, 2))
            self._stops.set_facecolor(
                np.tile(stress(self._scene.colours), (len(trail), 1)).tolist()
            )

    def _label(self, mixture: Mixture, factors: FloatArray) -> None:
        """Move the numbers, with their discs, leaders and arrows."""
        axes, (low, high) = self._axes, self._scene.limits
        axes.apply_aspect()
        view = measure_view(axes)
        scale = view / (high - low)  # points per unit
        if self._scene.tops is None:
            anchors = (mixture.means - low) * scale
            reaches = compute_radius(min(COVERAGES)) * np.linalg.norm(factors, axis=2) * scale
        else:
            anchors = (self._scene.tops - low) * scale
            reaches = np.full_like(anchors, 100.0)
        labels = place_labels(anchors, reaches, self._sizes, view)
        places = low + labels.places / scale
        for number, place, is_shown in zip(self.numbers, places, labels.are_shown, strict=True):
            number.xy = tuple(place)
            number.set_alpha(float(is_shown))
        leaders, arrows = lay_leaders(labels, anchors, self._sizes)
        self._leaders.set_segments([low + line / scale for line in leaders])
        self._arrows.set_verts([low + arrow / scale for arrow in arrows])
        are_beside = np.array([bool(np.ptp(line, axis=0).any()) for line in leaders])
        have_discs = self._has_discs & ~are_beside & ~labels.are_outside & labels.are_shown
        self._discs.set_offsets(places)
        self._discs.set(
            sizes=np.where(have_discs, (1.7 * self._sizes[:, 1]) ** 2 * 0.65, 0.0),
            facecolors=[get_colour("paper")],
            edgecolors=[number.get_color() for number in self.numbers],
            linewidths=np.where(have_discs, 1.4, 0.0),
        )


def list_groups(scene: Scene) -> list[str]:
    """The numbers of a scene's groups."""
    return [str(group) for group in range(len(scene.tops if scene.tops is not None else ()))]


def measure_number(number: Annotation) -> tuple[float, float]:
    """About the width and height of a number, in points."""
    size = float(number.get_fontsize())
    return 0.7 * size * len(number.get_text()) + 2, size + 1


def draw_outline(
    axes: Axes, path: Path, colour: FloatArray, width: float, *, has_rim: bool
) -> PathPatch:
    """Draw a closed line of a width in points, with a rim of paper if it needs one."""
    outline = PathPatch(path)
    outline.set(fill=False, edgecolor=colour, linewidth=width, zorder=3)
    if has_rim:
        outline.set_path_effects([withStroke(linewidth=2 * width, foreground=get_colour("paper"))])
    axes.add_patch(outline)
    return outline


def draw_number(
    axes: Axes, text: str, mean: FloatArray, colour: FloatArray, *, is_beside: bool
) -> Annotation:
    """Draw the number of a component, with a rim of paper.

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
    rim = withStroke(linewidth=2.5, foreground=get_colour("paper"))
    size = 0.75 * rcParams["font.size"]
    number.set(fontsize=size, fontweight="bold", path_effects=[rim])
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
    axes.plot(elbos, color=get_colour("faint"), linewidth=1.2, zorder=1)
    (line,) = axes.plot(places, broken, color=get_colour("line"), linewidth=1.2, zorder=1)
    axes.plot(steps, elbos[steps], "o", ms=5, color=get_colour("ink"), zorder=2)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
    axes.set_xlabel("step")
    axes.ticklabel_format(axis="y", style="plain", useOffset=False)
    axes.tick_params(axis="y", labelsize=8)  # climbs of a millionth need eight digits
    axes.set_title("ELBO, nats per point", fontsize=9)
    return line


def draw_changes(axes: Axes, history: History, *, has_legend: bool = True) -> list[LineCollection]:
    """Draw a mark at each step to which a move or other cells led, and a legend of the marks."""
    moves = np.flatnonzero(history.by_move)
    marks = [
        draw_marks(axes, moves, MOVE, get_colour("line"), "dotted"),
        draw_marks(axes, history.on_other_cells, OTHER_CELLS, get_colour("faint"), "solid"),
    ]
    shown = [lines for lines in marks if lines.get_segments()]
    if shown and has_legend:
        axes.legend(handles=shown, loc="lower right", bbox_to_anchor=(1, 1), ncols=2, borderpad=0)
    return marks


def draw_marks(
    axes: Axes,
    steps: npt.NDArray[np.intp],
    name: str,
    colour: tuple[float, float, float],
    style: Literal["dotted", "solid"],
) -> LineCollection:
    """Draw a line from bottom to top at each of some steps, with a name for a legend."""
    across = axes.get_xaxis_transform()
    lines = axes.vlines(steps, 0, 1, colour, style, linewidth=0.8, transform=across, zorder=0)
    lines.set_label(name)
    return lines
