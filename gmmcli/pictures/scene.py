"""What all pictures of a run share, computed once: the view, the points and the colours."""

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache, partial

import numpy as np
import numpy.typing as npt

from gmmcli.core.cells.cells import Cells
from gmmcli.core.groups.groups import Groups
from gmmcli.core.mixture.covariances import FloatArray
from gmmcli.core.mixture.gaussians import IntArray
from gmmcli.core.mixture.mixture import Mixture
from gmmcli.core.runs.directory import RunRecord
from gmmcli.core.runs.words import shorten
from gmmcli.pictures.rasters import rasterise_cells
from gmmcli.pictures.style import BACKGROUND_COLOUR, pick_colours

# The shares of a component that its two ellipses hold.
COVERAGES = (0.5, 0.95)
# From so many cells on, dots would cover each other, and an image of their density is drawn.
MANY_CELLS = 5000


@dataclass(frozen=True, eq=False)
class Scene:
    """The parts of a picture that no step changes.

    Attributes:
        columns: the labels of the axes.
        cells: the data.
        colours: of the components, shape (K, 3) in RGB.
        limits: the lower and upper corner of the view, shape (2, 2), in data units.
        n_outside: how many points lie outside the view.
        sizes: the areas of the cells' markers, shape (C,), in square points.
        names: the number of each component, or of its group; shape (K,).
        cell_colours: of the cells, shape (C, 3) in RGB, where they are those of groups.
        tops: the highest mode of each group, shape (G, 2), in data units, where colours are those
            of groups.
    """

    columns: tuple[str, str]
    cells: Cells
    colours: FloatArray
    limits: FloatArray
    n_outside: float
    sizes: FloatArray
    names: IntArray
    cell_colours: FloatArray | None = None
    tops: FloatArray | None = None

    @property
    def is_carpet(self) -> bool:
        """Whether the cells are so many that their density is drawn, rather than they are."""
        return self.cells.n_cells > MANY_CELLS

    @cached_property
    def rasterise(self) -> Callable[[tuple[int, int], float], FloatArray]:
        """What gives the points at each pixel, of a shape and for a dot; see `rasterise_cells`.

        It remembers the last, as all frames of a run have one image, and all panels of its sheet.
        """
        return lru_cache(maxsize=2)(partial(rasterise_cells, self.cells, self.limits))

    @property
    def has_one_scale(self) -> bool:
        """Whether a unit is to be as long up as across.

        It is where the view is at most twice as long along one axis as along the other, in data
        units. Beyond, the axes measure different things, or the view would be a strip.
        """
        width, height = np.ptp(self.limits, axis=0)
        return bool(0.5 <= width / height <= 2)


def compute_scene(run: RunRecord) -> Scene:
    """The scene of a run's pictures, with a colour for each component."""
    reaches = compute_reaches(run.mixture)
    limits = _compute_view(run.cells, reaches)
    inside = are_within(run.cells.means, limits)
    if not inside.all():  # what lies outside on one axis has no say on the other
        limits = _compute_view(
            run.cells.select(inside), reaches[:, are_within(run.mixture.means, limits)]
        )
        inside = are_within(run.cells.means, limits)
    return Scene(
        columns=(shorten(run.columns[0], 48), shorten(run.columns[1], 48)),
        cells=run.cells,
        colours=pick_colours(run.mixture.n_components),
        limits=limits,
        n_outside=float(run.cells.counts[~inside].sum()),
        sizes=_compute_sizes(run.cells),
        names=np.arange(run.mixture.n_components),
    )


def colour_groups(scene: Scene, groups: Groups, of_cells: IntArray) -> Scene:
    """The same scene with a colour and a number for each group.

    A component has the colour of the group with most of it, and a cell that of its own group.

    Args:
        scene: of a run.
        groups: of its mixture.
        of_cells: the group of each cell, or -1 for the background, shape (C,).
    """
    colours = np.vstack([pick_colours(groups.number), BACKGROUND_COLOUR])
    names = groups.of_components
    tree, of_modes = groups.tree, groups.tree.cut(groups.valley)
    falling = np.argsort(-tree.log_densities, kind="stable")
    tops = tree.modes[falling[np.unique(of_modes[falling], return_index=True)[1]]]
    return replace(
        scene, colours=colours[names], names=names, cell_colours=colours[of_cells], tops=tops
    )


def compute_radius(coverage: float) -> float:
    """The standard deviations at which an ellipse holds a share of a Gaussian.

    In two dimensions the squared distance is exponential with mean 2.
    """
    return math.sqrt(-2 * math.log1p(-coverage))


def compute_reaches(mixture: Mixture) -> FloatArray:
    """The lower and upper corners of the boxes about the largest ellipses, shape (2, K, 2)."""
    deviations = np.sqrt(np.diagonal(mixture.covariances, axis1=1, axis2=2))  # (K, 2)
    reach = compute_radius(max(COVERAGES)) * deviations
    return np.stack([mixture.means - reach, mixture.means + reach])


def are_within(points: FloatArray, limits: FloatArray) -> npt.NDArray[np.bool_]:
    """Which points, shape (N, 2), lie between two corners, shape (2, 2)."""
    x, y = (
        (values >= low) & (values <= high)
        for values, low, high in zip(points.T, *limits, strict=True)
    )
    return np.asarray(x & y)


def _compute_view(cells: Cells, reaches: FloatArray) -> FloatArray:
    """The corners of a view of some cells, (2, 2), and of ellipses with these, (2, K, 2)."""
    columns = zip(cells.means.T, reaches.transpose(2, 0, 1), strict=True)
    return np.column_stack(
        [_compute_limits(values, cells.counts, reach) for values, reach in columns]
    )


def _compute_limits(
    values: FloatArray,
    counts: FloatArray,
    reach: FloatArray,
    *,
    middle: tuple[float, float] = (0.025, 0.975),
    least_share: float = 0.1,
    beyond_share: float = 0.75,
) -> FloatArray:
    """The ends of an axis that shows all values and ellipses, but for far outliers; shape (2,).

    Args:
        values: shape (C,).
        counts: shape (C,).
        reach: where ellipses begin and end, shape (2, K).
        middle: the quantiles between which most of the points lie.
        least_share: outliers are left out where these would have less than this share of the axis.
        beyond_share: how far the axis then goes beyond them, as a share of their width.
    """
    low, high = (find_quantile(values, counts, share) for share in middle)
    ends = np.array([min([values.min(), *reach[0]]), max([values.max(), *reach[1]])])
    if 0 < high - low < least_share * (ends[1] - ends[0]):
        beyond = beyond_share * (high - low)
        ends = np.clip(ends, low - beyond, high + beyond)
    return _add_margins(ends)


def find_quantile(
    values: FloatArray, counts: FloatArray, share: float, *, n_bins: int = 4096
) -> float:
    """The least value up to which a share of all points lie, without sorting them all.

    Args:
        values: shape (C,), finite.
        counts: of the points at each, above 0, shape (C,).
        share: from 0 to 1.
        n_bins: where more values are left, only those in one of so many bins are looked at next:
            time alone.
    """
    wanted = share * counts.sum()
    while len(values) > n_bins and (width := np.ptp(values)) > 0:
        heights = (values - values.min()) / width  # 0 to 1
        bins = np.minimum((n_bins * heights).astype(np.intp), n_bins - 1)
        totals = np.append(0, np.cumsum(np.bincount(bins, counts, minlength=n_bins)))
        held = min(int(np.searchsorted(totals[1:], wanted)), n_bins - 1)
        wanted -= totals[held]
        values, counts = values[bins == held], counts[bins == held]
    order = np.argsort(values, kind="stable")
    place = np.searchsorted(np.cumsum(counts[order]), wanted)
    return float(values[order][min(place, len(values) - 1)])


def _add_margins(ends: FloatArray, share: float = 0.04) -> FloatArray:
    """The ends of an axis, shape (2,), with margins of a share of its width."""
    width = ends[1] - ends[0]
    # Points on a line along an axis need a view all the same.
    margin = share * width if width > 0 else max(abs(ends[0]) * share, share)
    return np.array([ends[0] - margin, ends[1] + margin])


def _compute_sizes(cells: Cells) -> FloatArray:
    """The areas of markers, in square points: smaller for many cells, larger for many points."""
    typical = min(max(9000 / cells.n_cells, 2), 24)
    relative: FloatArray = np.clip(cells.counts / np.median(cells.counts), 0.25, 9)
    return typical * np.sqrt(relative)


def compute_shares(mixture: Mixture, places: FloatArray) -> FloatArray:
    """The responsibilities of the components and, last, of a background, if any; shape (N, P)."""
    shares = mixture.responsibilities(places)
    if mixture.background is None:
        return shares
    return np.column_stack([shares, 1 - shares.sum(axis=1)])


def list_colours(scene: Scene, mixture: Mixture) -> FloatArray:
    """The colours of the components and, last, of a background, if any; shape (P, 3) in RGB."""
    if mixture.background is None:
        return scene.colours
    return np.vstack([scene.colours, BACKGROUND_COLOUR])
