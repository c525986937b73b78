"""The picture of two runs: the ellipses of both in one view, partners in one colour."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Literal

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from gmmcli.core.mixture.gaussians import IntArray
from gmmcli.core.mixture.mixture import Mixture
from gmmcli.core.runs.directory import RunRecord
from gmmcli.pictures.artists import draw_number, draw_outline, make_ellipse
from gmmcli.pictures.captions import describe_ellipses
from gmmcli.pictures.frames import FRAME_INCHES
from gmmcli.pictures.scene import COVERAGES, Scene, compute_scene
from gmmcli.pictures.style import BACKGROUND_COLOUR, choose_inches, get_colour, pick_colours, stress

# The lines of the first run and the second.
STYLES: tuple[Literal["solid", "dashed"], ...] = ("solid", "dashed")


def make_comparison(
    first: RunRecord, second: RunRecord, names: Sequence[str], pairs: IntArray
) -> Figure:
    """The mixtures of two runs in one view, with the points of both.

    Args:
        first: solid lines.
        second: dashed lines.
        names: of the two.
        pairs: the numbers of components that are partners, shape (P, 2).
    """
    scene = _compute_common_scene(first, second)
    figure = Figure(figsize=choose_inches(FRAME_INCHES))
    axes = figure.add_axes((0.12, 0.14, 0.85, 0.78))
    _draw_points(axes, scene)
    colours = pick_colours(len(pairs))
    for place, (run, style) in enumerate(zip((first, second), STYLES, strict=True)):
        of_component = dict(zip(pairs[:, place].tolist(), colours, strict=True))
        parts = enumerate(zip(run.mixture.means, run.mixture.cholesky_factors(), strict=True))
        for k, (mean, factor) in parts:
            colour = stress(of_component.get(k, np.array(BACKGROUND_COLOUR)))
            for coverage in COVERAGES:
                path = make_ellipse(mean, factor, coverage)
                draw_outline(axes, path, colour, 1.4, has_rim=False).set_linestyle(style)
    for (one, other), colour in zip(pairs.tolist(), colours, strict=True):
        name = str(one) if one == other else f"{one}, {other}"
        middle = (first.mixture.means[one] + second.mixture.means[other]) / 2
        draw_number(axes, name, middle, stress(colour), is_beside=False)
    axes.set_xlim(*scene.limits[:, 0])
    axes.set_ylim(*scene.limits[:, 1])
    axes.set_xlabel(scene.columns[0], parse_math=False)
    axes.set_ylabel(scene.columns[1], parse_math=False)
    handles = [Line2D([], [], color=get_colour("ink"), linestyle=style) for style in STYLES]
    legend = axes.legend(handles, list(names), loc="lower right", bbox_to_anchor=(1, 1), ncols=2)
    for text in legend.get_texts():
        text.set_parse_math(False)
    note = f"{describe_ellipses()}; partners share a colour"
    figure.text(0.12, 0.015, note, fontsize=8, color=get_colour("note"))
    return figure


def _compute_common_scene(first: RunRecord, second: RunRecord) -> Scene:
    """A scene in whose view the points and the components of both runs are."""
    one, other = first.mixture, second.mixture
    weights = np.concatenate([one.weights, other.weights])
    both = Mixture(
        weights / weights.sum(),
        np.concatenate([one.means, other.means]),
        np.concatenate([one.covariances, other.covariances]),
    )
    return compute_scene(replace(first, mixture=both, cells=first.cells.join(second.cells)))


def _draw_points(axes: Axes, scene: Scene) -> None:
    """Draw every cell of both runs, faintly, as ellipses are what is to be seen."""
    places = scene.cells.means
    axes.scatter(
        places[:, 0],
        places[:, 1],
        s=scene.sizes,
        c=[BACKGROUND_COLOUR],
        alpha=min(max(3000 / scene.cells.n_cells, 0.08), 0.35),
        linewidths=0,
        rasterized=True,
        zorder=1,
    )
