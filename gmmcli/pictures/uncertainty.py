"""The picture of what is in doubt: labels, by place, and where the means are."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure
from matplotlib.image import AxesImage

from gmmcli.core.assessment.errors import Errors
from gmmcli.core.assessment.overlap import expect_wrong, measure_overlap
from gmmcli.core.mixture.covariances import FloatArray
from gmmcli.core.mixture.mixture import Mixture
from gmmcli.core.runs.directory import RunRecord
from gmmcli.core.runs.words import write_share
from gmmcli.pictures.artists import draw_number, draw_outline, make_ellipse
from gmmcli.pictures.captions import describe_ellipses
from gmmcli.pictures.density import SHOWN_SHARE, outline_region
from gmmcli.pictures.panel import (
    blend_from_paper,
    blur_to_grid,
    describe_points,
    draw_faint_points,
    draw_scale,
    lay_grid,
    map_grid,
    open_panel,
)
from gmmcli.pictures.scene import COVERAGES, Scene, compute_shares
from gmmcli.pictures.style import get_colour, pick_sides, stress


def make_uncertainty_figure(scene: Scene, run: RunRecord) -> Figure:
    """Where the labels of a run are in doubt, and how sure its means are, as a figure."""
    known = run.diagnostics
    overlap = measure_overlap(run.cells, run.mixture) if known is None else known.overlap
    wrong = expect_wrong(overlap, run.mixture)
    share = f"{100 * wrong:.2g} %" if wrong >= 1e-4 else "under 0.01 %"
    title = f"labels in doubt: {share} of all are expected to be wrong"
    figure, axes = open_panel(scene, title, describe_uncertainty(scene, run.errors))
    image = draw_doubt(axes, scene, run.mixture)
    draw_scale(axes, image, "chance that the likeliest label is wrong")
    draw_faint_points(axes, scene.cells).set_zorder(1)
    draw_means(axes, scene, run.mixture, run.errors)
    return figure


def describe_uncertainty(scene: Scene, errors: Errors | None) -> str:
    """What a reader needs to know to read the picture."""
    notes = [
        describe_ellipses([max(COVERAGES)]),
        describe_points(scene.cells),
    ]
    if errors is not None:
        notes.insert(
            0, f"crosses: {write_share(errors.level)} intervals of the means, on either axis"
        )
    return "; ".join([*notes, f"shaded where {write_share(SHOWN_SHARE, 1)} of the mixture is"])


def measure_doubt(mixture: Mixture, points: FloatArray) -> FloatArray:
    """One minus the largest responsibility, that of a background too, at points; shape (N,).

    The chance that the likeliest label is wrong, where the mixture is right.

    Args:
        mixture: of K components.
        points: shape (N, 2), in data units.
    """
    return np.asarray(1 - compute_shares(mixture, points).max(axis=1)).clip(0, 1)


def draw_doubt(
    axes: Axes, scene: Scene, mixture: Mixture, *, shape: tuple[int, int] = (240, 320)
) -> AxesImage:
    """Draw the doubt at each place as an image, where 99.9 % of the mixture is.

    Args:
        axes: where to draw.
        scene: with the view.
        mixture: that doubts.
        shape: rows and columns of the grid: finer is sharper and takes longer.
    """
    grid = lay_grid(scene.limits, shape)
    seen, number = blur_to_grid(mixture, grid), mixture.n_components
    doubt = map_grid(lambda points: measure_doubt(seen, points), grid, number)
    colour, _ = pick_sides()
    image = axes.imshow(
        doubt,
        extent=(*scene.limits[:, 0], *scene.limits[:, 1]),
        origin="lower",
        aspect="auto",
        cmap=blend_from_paper(colour),
        vmin=0,
        vmax=max(0.5, float(doubt.max())),
        interpolation="bilinear",
        zorder=0,
    )
    image.set_clip_path(outline_region(scene, mixture), axes.transData)
    return image


def draw_means(
    axes: Axes, scene: Scene, mixture: Mixture, errors: Errors | None
) -> list[LineCollection]:
    """Draw each component's ellipse and number, and the intervals of its mean as a cross."""
    parts = zip(mixture.means, mixture.cholesky_factors(), scene.colours, strict=True)
    crosses = []
    for k, (mean, factor, colour) in enumerate(parts):
        path = make_ellipse(mean, factor, max(COVERAGES))
        draw_outline(axes, path, colour, 1.2, has_rim=False)
        name = str(scene.names[k])
        draw_number(axes, name, mean, stress(colour), is_beside=True)
        ends = np.tile(mean[:, None], 2) if errors is None else errors.intervals[k, 1:3]
        if not np.isfinite(ends).all():  # a mean that the points do not settle has none
            continue
        x, y = mean
        lines = LineCollection(
            [[(ends[0, 0], y), (ends[0, 1], y)], [(x, ends[1, 0]), (x, ends[1, 1])]],
            colors=[get_colour("ink")],
            linewidths=1.6,
            capstyle="projecting",
            zorder=5,
        )
        crosses.append(lines)
        axes.add_collection(lines, autolim=False)
    return crosses
