"""Where a mixture does not describe the points: component by component, and as a whole.

A component is compared with a Gaussian by how far its points are from the mean, and by where they
lie about it; the mixture with a histogram of all points.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any, NamedTuple

import numpy as np

from gmmcli.core.assessment.bins import cut_bins, weigh_bins
from gmmcli.core.assessment.rounding import compare_steps, narrow, spread_grains
from gmmcli.core.cells.cells import Cells
from gmmcli.core.cells.grain import Grain, find_grain
from gmmcli.core.mixture.covariances import FloatArray
from gmmcli.core.mixture.densities import LocalUnits, assign, log_weights
from gmmcli.core.mixture.mixture import Mixture

# The mean of the fourth power of the Mahalanobis distance of a Gaussian's points (Mardia 1970): a
# fact, with nothing to be traded.
GAUSSIAN_KURTOSIS = 8.0


class Shape(Enum):
    """How a component's points differ from a Gaussian's, as a summary says it of the component.

    Attributes:
        remedies: what may describe them.
    """

    HEAVY = "has heavier tails", ("more components", "--background on")
    FLAT = "is flatter, or hollow in the middle", ("more components",)
    LEANING = "leans to one side", ("more components", "the log of a coordinate")
    OTHER = "is of another shape", ("more components",)

    def __init__(self, words: str, remedies: tuple[str, ...]) -> None:
        self.words = words
        self.remedies = remedies


@dataclass(frozen=True, eq=False)
class Misfit:
    """Where a mixture does not describe the points.

    Attributes:
        distances: by component, the largest distance between the distributions of its points and
            of a Gaussian's over ellipses about the mean (Kolmogorov-Smirnov), shape (K,).
        leanings: how far the directions from its mean to its points are from balanced: the length
            of the mean of them as vectors of length 1, shape (K,).
        kurtoses: the mean fourth power of the Mahalanobis distance, 8 of a Gaussian, shape (K,).
        numbers: how many points each is worth, shape (K,).
        limits: from where on a distance or leaning is no chance and matters, shape (K,); infinite
            where the points do not tell.
        excess: what a histogram of the points describes better than the mixture, in nats per point.
        excess_error: its standard error.
        n_bins: of the histogram.
    """

    distances: FloatArray
    leanings: FloatArray
    kurtoses: FloatArray
    numbers: FloatArray
    limits: FloatArray
    excess: float
    excess_error: float
    n_bins: int

    @property
    def worst_first(self) -> list[int]:
        """The components that are not Gaussian, the farthest beyond its limit first."""
        beyond = np.maximum(self.distances, self.leanings) / self.limits
        return [int(k) for k in np.argsort(-beyond, kind="stable") if beyond[k] > 1]

    def find_shape(self, component: int, *, share: float = 0.5, n_errors: float = 2.0) -> Shape:
        """How a component differs from a Gaussian.

        Args:
            component: one of those that do.
            share: leaning is named where it is beyond its limit and so much of the distance: in
                samples of t with 3 degrees of freedom it is 0.15, of lognormals 0.8 and more
                (benchmarks/misfit.py).
            n_errors: tails are named where the kurtosis is so many standard errors from 8.
        """
        leaning, distance = self.leanings[component], self.distances[component]
        if leaning > max(share * distance, self.limits[component]):
            return Shape.LEANING
        beyond = self.kurtoses[component] / GAUSSIAN_KURTOSIS - 1
        if abs(beyond) * math.sqrt(self.numbers[component]) < n_errors:
            return Shape.OTHER
        return Shape.HEAVY if beyond > 0 else Shape.FLAT

    def is_excess_sure(self, *, least: float = 0.005, n_errors: float = 3.0) -> bool:
        """Whether the histogram shows what the mixture misses.

        Args:
            least: in nats per point, what matters at all: a half percent of each point's density.
            n_errors: in standard errors, what is no chance.
        """
        return self.excess > max(least, n_errors * self.excess_error)

    def to_json(self) -> dict[str, Any]:
        """The figures ready for `json.dump`: of each component, and of the histogram."""
        components = [
            {
                "kolmogorov_smirnov": float(self.distances[k]),
                "leaning": float(self.leanings[k]),
                "kurtosis": float(self.kurtoses[k]),
                "effective_points": float(self.numbers[k]),
                "limit": float(limit) if math.isfinite(limit) else None,
                "is_gaussian": k not in self.worst_first if math.isfinite(limit) else None,
            }
            for k, limit in enumerate(self.limits)
        ]
        histogram = {
            "bins": self.n_bins,
            "excess_per_point": self.excess,
            "standard_error": self.excess_error,
        }
        return {"components": components, "histogram": histogram}

    @staticmethod
    def from_json(values: Mapping[str, Any]) -> "Misfit":
        """The figures that `to_json` gave."""
        of_components, histogram = values["components"], values["histogram"]

        def take(name: str) -> FloatArray:
            return np.array([each[name] for each in of_components], dtype=np.float64)

        limits = take("limit")
        return Misfit(
            distances=take("kolmogorov_smirnov"),
            leanings=take("leaning"),
            kurtoses=take("kurtosis"),
            numbers=take("effective_points"),
            limits=np.where(np.isnan(limits), np.inf, limits),
            excess=float(histogram["excess_per_point"]),
            excess_error=float(histogram["standard_error"]),
            n_bins=int(histogram["bins"]),
        )


def measure_misfit(
    cells: Cells,
    mixture: Mixture,
    grain: Grain | None = None,
    *,
    floored: Sequence[int] = (),
) -> Misfit:
    """Where a mixture does not describe the points of some cells.

    Args:
        cells: in data units.
        mixture: in the same units, fitted to them.
        grain: what the points were written down with; found from the cells by default. Values that
            were rounded, and the mixture with them, are spread over as much before they are
            compared, and components narrower than a step are not judged.
        floored: components that are as thin as can be, which are not judged either.
    """
    grain = find_grain(cells) if grain is None else grain
    squares = grain.find_squares(cells)
    coarseness = compare_steps(mixture, grain.steps)
    points, origins, seen = spread_grains(cells, mixture, grain, coarseness)
    moments = _take_moments(points, seen, (squares / cells.counts)[origins] * points.counts)
    squared = np.maximum(moments.squares, np.finfo(np.float64).tiny)
    numbers = moments.masses * (moments.masses / squared)
    limits = find_limits(numbers, mixture.n_components)
    limits[coarseness > 1] = limits[list(floored)] = np.inf
    masses = np.where(moments.masses > 0, moments.masses, np.inf)
    n_points = cells.n_points * (cells.n_points / float(squares.sum()))
    before = narrow(mixture, grain, coarseness)
    excess, excess_error, n_bins = _measure_excess(cells, before, n_points)
    return Misfit(
        distances=_measure_distances(moments.histograms, masses),
        leanings=np.hypot(*moments.directions.T) / masses,
        kurtoses=moments.fourths / masses,
        numbers=numbers,
        limits=limits,
        excess=excess,
        excess_error=excess_error,
        n_bins=n_bins,
    )


def find_limits(
    numbers: FloatArray, n_components: int, *, least: float = 0.03, chance: float = 0.005
) -> FloatArray:
    """From where on distances of components of so many points are told, shape (K,).

    Squares of Mahalanobis distances are exponential, and their mean is fitted. The distance of n of
    them is beyond c / sqrt(n) with a probability of about exp(0.75 - 3.13 c²) where that is small:
    a curve through critical values of Stephens (1974, "EDF statistics for goodness of fit and some
    comparisons"), 1.094 for 5 % and 1.308 for 1 %. Leanings are smaller. The chance is shared among
    the components.

    Args:
        numbers: of points, shape (K,).
        n_components: K.
        least: what matters however many points show it.
        chance: the share of Gaussian mixtures of which some component is told not to be Gaussian,
            against others that are not found out (benchmarks/misfit.py).
    """
    reach = math.sqrt((0.75 + math.log(n_components / chance)) / 3.13)
    with np.errstate(divide="ignore"):
        return np.maximum(least, reach / np.sqrt(numbers))


class _Moments(NamedTuple):
    """Sums over the points of each component, by their shares in it.

    Attributes:
        masses: of counts, shape (K,).
        squares: of the squares of weights, shape (K,).
        fourths: of the fourth powers of Mahalanobis distances, shape (K,).
        directions: of the directions from the mean, where the component is round, shape (K, 2).
        histograms: of counts, over ellipses that hold as much of a Gaussian each, shape (K, B).
    """

    masses: FloatArray
    squares: FloatArray
    fourths: FloatArray
    directions: FloatArray
    histograms: FloatArray


def _take_moments(
    points: Cells,
    mixture: Mixture,
    squares: FloatArray,
    *,
    n_ellipses: int = 1024,
    at_once: int = 150_000,
) -> _Moments:
    """What the points of each component are like, by their responsibilities.

    Args:
        points: cells at one place each, in data units.
        mixture: in the same units.
        squares: the sums of the squares of the points' weights, shape (N,).
        n_ellipses: a distance comes out too small by one over it at most.
        at_once: see `gaps.iterate_spread_cells`.
    """
    n_components = mixture.n_components
    masses, weights = np.zeros(n_components), np.zeros(n_components)
    fourths, directions = np.zeros(n_components), np.zeros((n_components, 2))
    histograms = np.zeros((n_components, n_ellipses))
    for part in np.array_split(
        np.arange(points.n_cells), points.n_cells * n_components // at_once + 1
    ):
        u, v, shares = _place(points.means[part], mixture)
        distances = u * u + v * v
        held = shares * points.counts[part]
        masses += held.sum(axis=1)
        weights += shares @ squares[part]
        fourths += (held * distances**2).sum(axis=1)
        lengths = np.sqrt(np.where(distances > 0, distances, 1.0))
        directions += np.stack([(held * each / lengths).sum(axis=1) for each in (u, v)], axis=1)
        inside = -np.expm1(-distances / 2)  # the share of a Gaussian in the ellipse through each
        ellipses = np.minimum((inside * n_ellipses).astype(np.intp), n_ellipses - 1)
        for k, histogram in enumerate(histograms):
            histogram += np.bincount(ellipses[k], held[k], n_ellipses)
    return _Moments(masses, weights, fourths, directions, histograms)


def _place(places: FloatArray, mixture: Mixture) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Both coordinates in units of each component, and the responsibilities, all (K, N)."""
    units = LocalUnits.of(mixture.covariances)
    x, y = (places[:, axis] - mixture.means[:, axis, None] for axis in (0, 1))
    u = units.u_x[:, None] * x
    v = units.v_x[:, None] * x + units.v_y[:, None] * y
    heights = log_weights(mixture.weights) + units.log_peaks
    return u, v, assign(heights[:, None] - (u * u + v * v) / 2, mixture.rest)


def _measure_distances(histograms: FloatArray, masses: FloatArray) -> FloatArray:
    """The largest difference between shares of points and of a Gaussian in ellipses, shape (K,)."""
    n_ellipses = histograms.shape[1]
    expected = np.arange(1, n_ellipses + 1) / n_ellipses
    found = np.cumsum(histograms, axis=1) / masses[:, None]
    return np.where(np.isfinite(masses), np.abs(found - expected).max(axis=1), 0.0)


def _measure_excess(
    cells: Cells, mixture: Mixture, n_points: float, *, fewest: int = 100, nothing: float = 1e-15
) -> tuple[float, float, int]:
    """What a histogram has over a mixture, in nats per point, its standard error, and its bins.

    Half the likelihood-ratio statistic of the histogram's counts, less what that is on average
    where the mixture is right (Wilks 1938), of about as many bins as points in each.

    Args:
        cells: in data units.
        mixture: in the same units.
        n_points: how many the points are worth.
        fewest: cells in a bin where these have a spread: more leave less of chance to cells that
            edges cut, which have less of it than points, fewer are finer.
        nothing: the least share of the mixture in a bin, below which is rounding.
    """
    depth = math.log2(max(n_points, 1)) / 2
    if cells.have_spread.any():
        depth = min(depth, math.log2(max(cells.n_cells / fewest, 1)))
    bins = cut_bins(cells, round(depth))
    shares = bins.counts / cells.n_points
    ratios = np.log(shares / np.maximum(weigh_bins(bins, mixture), nothing))
    chance = (len(shares) - 1) / 2 / n_points
    excess = float(shares @ ratios)
    variance = chance / n_points + float(shares @ (ratios - excess) ** 2) / n_points
    return excess - chance, math.sqrt(variance), len(shares)
