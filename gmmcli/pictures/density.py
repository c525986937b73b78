"""The picture of a mixture's density: the smallest regions that hold given shares of it."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.contour import QuadContourSet
from matplotlib.figure import Figure
from matplotlib.patches import Patch
from matplotlib.path import Path

from gmmcli.core.mixture.covariances import FloatArray
from gmmcli.core.mixture.mixture import Mixture
from gmmcli.core.runs.directory import RunRecord
from gmmcli.core.runs.words import write_share
from gmmcli.pictures.panel import (
    blend_from_paper,
    blur_to_grid,
    describe_points,
    draw_faint_points,
    lay_grid,
    map_grid,
    open_panel,
)
from gmmcli.pictures.scene import Scene
from gmmcli.pictures.style import get_colour

# The shares of a mixture in the regions that are drawn, the smallest first.
SHARES = (0.1, 0.25, 0.5, 0.75, 0.9, 0.95, 0.99)
# The share of a mixture beyond which pictures say nothing of it: more shows its tails farther out,
# where hardly any points tell of it.
SHOWN_SHARE = 0.999


def make_density_figure(scene: Scene, run: RunRecord) -> Figure:
    """The highest-density regions of a run's mixture, with its points over them, as a figure."""
    note = (
        f"each shade is the smallest region that holds its share of the mixture; "
        f"{describe_points(scene.cells)}; crosses: means"
    )
    figure, axes = open_panel(scene, "density of the mixture", note)
    draw_regions(axes, scene, run.mixture)
    draw_faint_points(axes, scene.cells)
    axes.plot(*run.mixture.means.T, "+", color=get_colour("ink"), ms=7, mew=1.1, zorder=4)
    return figure


def draw_regions(
    axes: Axes,
    scene: Scene,
    mixture: Mixture,
    *,
    shape: tuple[int, int] = (300, 400),
    shades: tuple[float, float] = (0.08, 0.6),
) -> QuadContourSet:
    """Draw the regions that hold `SHARES` of a mixture, filled and outlined, and their legend.

    Args:
        axes: where to draw.
        scene: with the view.
        mixture: what is drawn of it.
        shape: rows and columns of the grid: finer shows thinner components and takes longer.
        shades: the shares of ink in the largest region and the smallest: more is stronger, and
            hides the points over it.
    """
    surface, levels = map_density(scene, mixture, np.array(SHARES), shape)
    scale, strengths = blend_from_paper(get_colour("ink")), np.linspace(*shades, len(levels))
    colours = [scale(strength) for strength in strengths]
    filled = axes.contourf(*surface, [*levels, np.inf], colors=colours, zorder=0)
    axes.contour(*surface, levels, colors=[get_colour("note")], linewidths=0.5, linestyles="-")
    patches = [
        Patch(facecolor=shade, label=write_share(share))
        for share, shade in zip(SHARES, colours[::-1], strict=True)
    ]
    axes.figure.legend(handles=patches, title="holds", loc="outside right upper", handlelength=1)
    return filled


def find_levels(mixture: Mixture, shares: FloatArray, *, n_points: int = 100_000) -> FloatArray:
    """The log densities that are exceeded in regions with shares of a mixture, shape (S,), in nats.

    The quantiles of the density at points of the mixture itself (Hyndman 1996, "Computing and
    graphing highest density regions", section 3.2); so they need no grid, and no end of it.

    Args:
        mixture: of K components.
        shares: ascending, shape (S,), between 0 and 1.
        n_points: about as many are laid: shares come out right to about K over this.
    """
    points, weights = lay_points(mixture, max(n_points // mixture.n_components, 100))
    logs = mixture.log_densities(points)
    order = np.argsort(-logs)
    held = np.cumsum(weights[order]) - weights[order] / 2
    # A hair lower, each more than that before: where a background is as dense everywhere, levels
    # are below it, and apart.
    hairs = 1e-6 * np.arange(1, len(shares) + 1)
    return np.asarray(np.interp(shares, held, logs[order]) - hairs)


def outline_region(
    scene: Scene,
    mixture: Mixture,
    *,
    share: float = SHOWN_SHARE,
    shape: tuple[int, int] = (240, 320),
) -> Path:
    """The outline of the smallest region of the view that holds a share of a mixture.

    Args:
        scene: with the view.
        mixture: in data units.
        share: that is held.
        shape: rows and columns of the grid: finer is smoother and takes longer.
    """
    surface, (level,) = map_density(scene, mixture, np.array([share]), shape)
    (path,) = Figure().add_subplot().contourf(*surface, [level, np.inf], colors=["0"]).get_paths()
    return path


def map_density(
    scene: Scene, mixture: Mixture, shares: FloatArray, shape: tuple[int, int]
) -> tuple[tuple[FloatArray, FloatArray, FloatArray], FloatArray]:
    """The log density over a view, and its levels about shares of a mixture.

    The places of columns and rows, shapes (W,) and (H,), in data units; the log densities there,
    shape (H, W), and the ascending levels, shape (S,), in nats.

    Args:
        scene: with the view.
        mixture: in data units.
        shares: ascending, shape (S,), between 0 and 1.
        shape: H rows and W columns of the grid.
    """
    grid = lay_grid(scene.limits, shape)
    seen = blur_to_grid(mixture, grid)
    logs = map_grid(seen.log_densities, grid, seen.n_components)
    return (*grid, logs), find_levels(seen, shares)[::-1]


def lay_points(mixture: Mixture, n_each: int) -> tuple[FloatArray, FloatArray]:
    """Points that stand evenly for a mixture, shape (N, 2), and the weight of each, shape (N,).

    In each component on Vogel's spiral (1979), with as much of it between neighbouring turns; in
    the background by an additive recurrence (Roberts 2018).

    Args:
        mixture: of K components and maybe a background.
        n_each: how many points each of these has.
    """
    ranks = np.arange(n_each) + 0.5
    radii = np.sqrt(-2 * np.log1p(-ranks / n_each))
    angles = np.pi * (3 - np.sqrt(5)) * ranks
    spiral = radii[:, None] * np.column_stack([np.cos(angles), np.sin(angles)])
    factors = mixture.cholesky_factors()
    points = [mixture.means[:, None] + np.einsum("kij,nj->kni", factors, spiral)]
    if mixture.background is not None:
        plastic = 1.324717957244746  # the real root of r³ = r + 1
        points.append(mixture.background.place(ranks[:, None] * plastic ** -np.array([1, 2]) % 1))
    weights = np.repeat(mixture.part_weights / n_each, n_each)
    return np.concatenate([each.reshape(-1, 2) for each in points]), weights
