"""The picture of where a mixture is wrong: counts observed and expected in bins of a k-d tree."""

import math
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import PolyCollection
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure

from gmmcli.core.assessment.bins import cut_bins, weigh_bins
from gmmcli.core.assessment.misfit import Misfit
from gmmcli.core.assessment.rounding import compare_steps, narrow
from gmmcli.core.cells.cells import Cells
from gmmcli.core.cells.grain import find_grain
from gmmcli.core.mixture.covariances import FloatArray
from gmmcli.core.mixture.mixture import Mixture
from gmmcli.core.runs.directory import RunRecord
from gmmcli.core.runs.words import write_number, write_share
from gmmcli.pictures.artists import draw_outline, make_ellipse
from gmmcli.pictures.captions import describe_ellipses
from gmmcli.pictures.density import SHOWN_SHARE, outline_region
from gmmcli.pictures.panel import draw_scale, open_panel
from gmmcli.pictures.scene import COVERAGES, Scene
from gmmcli.pictures.style import get_colour, pick_sides


@dataclass(frozen=True, eq=False)
class Residuals:
    """What a mixture has too many or too few of, in B bins.

    Attributes:
        lows: the lower corners, shape (B, 2), in data units; -inf where a bin has no end.
        highs: the upper corners.
        observed: how many points each holds, shape (B,), in what they are worth as evidence.
        expected: how many the mixture has there, shape (B,).
    """

    lows: FloatArray
    highs: FloatArray
    observed: FloatArray
    expected: FloatArray

    @property
    def values(self) -> FloatArray:
        """The signed root of the deviance of each, shape (B,); see `take_signed_roots`."""
        return take_signed_roots(self.observed, self.expected)


def make_residuals_figure(scene: Scene, run: RunRecord) -> Figure:
    """Where a run's mixture has too few or too many points, as a figure."""
    found = compute_residuals(run.cells, run.mixture)
    misfit = None if run.diagnostics is None else run.diagnostics.misfit
    note = f"{describe_residuals(found)}{describe_misfit(misfit)}"
    figure, axes = open_panel(scene, "points observed against those expected", note)
    bins = draw_residuals(axes, scene, run.mixture, found)
    ink = np.array(get_colour("ink"))
    for mean, factor in zip(run.mixture.means, run.mixture.cholesky_factors(), strict=True):
        for coverage in COVERAGES:
            path = make_ellipse(mean, factor, coverage)
            draw_outline(axes, path, ink, 0.7, has_rim=False).set_alpha(0.6)
    draw_scale(axes, bins, "← fewer points than expected        more →")
    return figure


def describe_misfit(misfit: Misfit | None) -> str:
    """What a histogram has over the mixture, where the run knows."""
    if misfit is None:
        return ""
    if misfit.excess <= 0:
        return "; a histogram describes the points no better"
    n_decimals = max(math.ceil(-math.log10(max(misfit.excess_error, 1e-9))), 0) + 1
    excess, error = (
        write_number(value, n_decimals) for value in (misfit.excess, misfit.excess_error)
    )
    return f"; a histogram describes the points better by {excess} ± {error} nats per point"


def describe_residuals(found: Residuals) -> str:
    """What a reader needs to know to read the picture."""
    number, each = len(found.observed), float(np.median(found.observed))
    far = float(np.mean(np.abs(found.values) > 2))
    return (
        f"colours: signed root of the deviance, in {number:,} bins of about {each:,.0f} points; "
        f"by chance about 5 % of them are beyond ±2, and {100 * far:.0f} % are; "
        f"pale beyond {write_share(SHOWN_SHARE, 1)} of the mixture; {describe_ellipses()}"
    )


def compute_residuals(cells: Cells, mixture: Mixture, *, fewest: float = 4) -> Residuals:
    """The counts in bins of a k-d tree, and those that a mixture has there.

    Rounded values are compared with the mixture before they were rounded, and copies count as what
    they are worth. A cell that an edge cuts counts on either side as its mean and covariance tell:
    as the share of its points there is not seen but expected, chance adds a little less than it
    does to counts of points.

    Args:
        cells: in data units.
        mixture: in the same units.
        fewest: cells in a half of a bin that is cut: more leave less to expectation, fewer are
            finer. Of a million rows of two Gaussians, in 12,000 cells, about 4 % of bins are beyond
            ±2 whatever this is.
    """
    grain = find_grain(cells)
    n_points = cells.n_points * grain.worth
    bins = cut_bins(cells, choose_depth(n_points), fewest=2 * fewest)
    before = narrow(mixture, grain, compare_steps(mixture, grain.steps))
    expected = n_points * weigh_bins(bins, before)
    return Residuals(bins.lows, bins.highs, bins.counts * grain.worth, expected)


def choose_depth(n_points: float, *, least: float = 16, deepest: int = 11) -> int:
    """How often to cut points in two.

    Args:
        n_points: how many there are.
        least: points in a bin: fewer tell of nothing but chance, more hide where they are.
        deepest: 2,048 bins, each of which can be seen still.
    """
    return min(math.floor(math.log2(max(n_points / least, 1))), deepest)


def take_signed_roots(observed: FloatArray, expected: FloatArray) -> FloatArray:
    """The signed roots of the deviances of Poisson counts, shape (B,).

    About standard normal where the expectations are right, of few expected points too (McCullagh &
    Nelder 1989, "Generalized Linear Models", section 2.4.3).

    Args:
        observed: shape (B,), 0 or more.
        expected: shape (B,), 0 or more.
    """
    least = np.finfo(np.float64).tiny
    known = np.maximum(expected, 1e-12)  # what rounding leaves of nothing
    logs = observed * np.log(np.maximum(observed, least) / known)
    deviances = 2 * np.maximum(logs - (observed - known), 0.0)
    return np.asarray(np.sign(observed - known) * np.sqrt(deviances))


def find_reach(values: FloatArray, *, chance: float = 3.0, share: float = 0.98) -> float:
    """Where the colours of residuals end on either side of zero.

    Args:
        values: shape (B,).
        chance: no nearer than this: what chance makes stays pale.
        share: of the bins that lie within, so that a few stand out and hide no others.
    """
    return max(chance, float(np.quantile(np.abs(values), share)))


def draw_residuals(
    axes: Axes, scene: Scene, mixture: Mixture, found: Residuals, *, paleness: float = 0.25
) -> PolyCollection:
    """Draw every bin within the view: violet where it has too few points, olive where too many.

    Args:
        axes: where to draw.
        scene: with the view.
        mixture: where hardly any of it is, bins are pale: they may be wide and hold nothing.
        found: what is drawn.
        paleness: how opaque they are there.
    """
    low, high = scene.limits
    lows, highs = np.clip(found.lows, low, high), np.clip(found.highs, low, high)
    (x0, y0), (x1, y1) = lows.T, highs.T
    corners = np.stack(
        [np.stack(corner, axis=-1) for corner in ((x0, y0), (x1, y0), (x1, y1), (x0, y1))], axis=1
    )
    reach, layers = find_reach(found.values), []
    for opacity in (paleness, 1.0):
        drawn = PolyCollection(list(corners), array=found.values, cmap=make_scale(), zorder=0)
        drawn.set(clim=(-reach, reach), linewidth=0, antialiased=False, alpha=opacity)
        axes.add_collection(drawn, autolim=False)
        layers.append(drawn)
    _, strong = layers
    strong.set_clip_path(outline_region(scene, mixture), axes.transData)
    return strong


def make_scale() -> LinearSegmentedColormap:
    """Colours from that of too little over the paper's to that of too much."""
    fewer, more = pick_sides()
    return LinearSegmentedColormap.from_list("residuals", [fewer, get_colour("paper"), more])
