"""The grid that cuts everything: as fine as a table's first rows say that it has to be.

It follows the covariance of those rows, or, for a long table, a mixture sketched from them: then
its cells are about as wide as the rules of `refinement` allow, long where components differ little,
which is along the border between two, and longer where there is next to no border. NumPy only.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from gmmcli.core.cells.cells import Cells, find_whitening
from gmmcli.core.cells.gaps import estimate_gap_rates
from gmmcli.core.cells.grids import Grids, move_off_zero
from gmmcli.core.cells.places import SPAN
from gmmcli.core.cells.refinement import AIM, CROWD, MOST_GAP
from gmmcli.core.cells.shifts import estimate_shift
from gmmcli.core.mixture.covariances import FloatArray
from gmmcli.core.mixture.mixture import Mixture
from gmmcli.core.mixture.whitening import find_whitening_matrices
from gmmcli.settings import MOST_SHIFT

Sketch = Callable[[Cells], Mixture]  # a mixture near some points, both in whitened units

# How far the cells of a first grid reach if the outermost are as wide as the others, in standard
# deviations of the data: tails in cells of a known width against fewer cells. The passes that a
# nearer end costs are in benchmarks/gaps.py, the seconds of more cells in benchmarks/speed.py.
FIRST_REACH = 5.0


@dataclass(frozen=True, eq=False)
class Cut:
    """How narrow the cells of a first grid have to be.

    Attributes:
        matrix: from data units to cells, shape (2, 2).
        origin: the middle of the core, shape (2,), in data units.
        core: on the second axis, how many cells lie on either side of the middle one before the
            cells become longer.
        stretch: so many times.
    """

    matrix: FloatArray
    origin: FloatArray
    core: int
    stretch: float


def limit_cells(
    n_rows: float, most_cells: int, *, n_cells: int = 280_000, up_to_rows: float = 1e7
) -> int:
    """How many cells a first grid may have that follows nothing but the covariance.

    In proportion to the square root of the number of rows, which is what the rule on the gap asks
    of most mixtures. More cells take longer, fewer need another pass: benchmarks/speed.py has the
    seconds, benchmarks/gaps.py the passes.

    Args:
        n_rows: of the table, about.
        most_cells: the largest number of cells.
        n_cells: for tables of up to so many rows.
        up_to_rows: see `n_cells`.
    """
    return int(min(n_cells * math.sqrt(max(n_rows / up_to_rows, 1)), most_cells))


def lay_first_grid(
    mean: FloatArray, covariance: FloatArray, most_cells: int, cut: Cut | None = None
) -> Grids:
    """The grid that cuts everything into at most so many cells.

    Args:
        mean: of the points, as far as is known, shape (2,), in data units.
        covariance: of the points, as far as is known, shape (2, 2).
        most_cells: the largest number of cells.
        cut: cells that are narrow enough. By default there are as many as may be, as long as wide
            in units of the covariance.
    """
    if not covariance.any():  # nothing is known about scale; finer grids will find it
        covariance = np.eye(2)
    most_scale = np.inf if cut is None else 1.0
    if cut is None:
        (matrix,) = find_whitening_matrices(covariance[None])
        cut = Cut(matrix, mean, core=0, stretch=1.0)
    away = np.abs(cut.matrix @ (mean - cut.origin))
    variances = np.maximum(np.diag(cut.matrix @ covariance @ cut.matrix.T), 0)  # rounding
    reaches = away + FIRST_REACH * np.sqrt(variances)
    beyond = max(reaches[1] - cut.core - 0.5, 0.0)
    reaches[1] -= beyond * (1 - 1 / cut.stretch)
    scale = min(_find_largest_scale(reaches, most_cells), most_scale)
    halves = np.clip(np.floor(scale * reaches - 0.5), 1, SPAN // 2 - 1).astype(np.int64)
    matrices = scale * cut.matrix[None]
    origins = move_off_zero(cut.origin[None], matrices)
    nowhere, none = np.full((1, 2), -1), np.zeros(1, dtype=np.int64)
    core = int(scale * cut.core)
    return Grids(nowhere, origins, matrices, halves[None], none, core, cut.stretch)


def _find_largest_scale(reaches: FloatArray, most_cells: int) -> float:
    """How many times narrower cells may be, given how far they reach on either axis, in cells.

    There are at least three in a row.
    """
    short, long = np.sort(reaches)
    if short > 0 and (scale := np.sqrt(most_cells / (4 * short * long))) * short >= 1.5:
        return float(scale)
    return float(most_cells / 3 / (2 * long))


def follow_sketch(points: Cells, sketch: Sketch, n_points: float, most_cells: int) -> Cut:
    """The widest cells that obey the rules but on width, if all points are like these.

    Args:
        points: a few of the points, each a cell.
        sketch: finds a mixture near some points.
        n_points: how many points there are in all.
        most_cells: about the largest number of cells with points, which comes before the rules.

    Raises:
        TableError: when the variance of the coordinates overflows or vanishes.
    """
    whitening = find_whitening(points, "full")
    points = points.whiten(whitening)
    survey = _survey_points(points, sketch(points), n_points)
    stretch = survey.choose_stretch()
    area = survey.narrow_for_shifts(survey.find_widest(stretch), stretch)
    while survey.count_occupied(area, stretch) > most_cells:
        area *= 1.25  # in steps that are small beside what the estimate is off by
    width, (low, high) = np.sqrt(area), survey.core
    matrix = survey.matrix @ whitening.matrix
    middle = np.linalg.inv(matrix) @ np.array([0.0, (low + high) / 2])
    core = int(np.ceil((high - low) / 2 / width))
    return Cut(matrix / width, whitening.origin + middle, core, stretch)


@dataclass(frozen=True, eq=False)
class _Survey:
    """What cells about each of S points would cost a mixture near them.

    Cells are as wide as long in the units of two axes: on the first, components differ least, on
    the second most. Areas and lengths are in these units.

    Attributes:
        points: in whitened units.
        mixture: in whitened units.
        n_points: how many points there are in all.
        matrix: from whitened units to these axes, shape (2, 2).
        scales: the units of whitened ones in which either axis is measured, shape (2,).
        rates: what the second moments of a cell on either axis cost, shape (2, S), in nats per
            point of all.
        densities: shape (S,), of one point, per area.
        core: where on the second axis nearly all the gap lies, from and to.
        are_beyond: which points lie beyond the core, shape (S,).
    """

    points: Cells
    mixture: Mixture
    n_points: float
    matrix: FloatArray
    scales: FloatArray
    rates: FloatArray
    densities: FloatArray
    core: tuple[float, float]
    are_beyond: npt.NDArray[np.bool_]

    @property
    def masses(self) -> FloatArray:
        """The share of each point in all, shape (S,)."""
        return self.points.counts / self.points.n_points

    def lengthen(self, stretch: float) -> FloatArray:
        """The lengths of the cells about each point, (S,): 1 in the core, and beyond it longer."""
        return np.where(self.are_beyond, stretch, 1.0)

    def find_widest(self, stretch: float) -> float:
        """The largest area of the cells of the core, where those beyond are so much longer."""
        lengths, (flat, steep) = self.lengthen(stretch), self.rates
        # A cell of width w has the variance w² / 12 along an axis, and costs half of it.
        cost = (flat + steep * lengths**2).sum() / 24
        by_gap = AIM * MOST_GAP / np.sqrt(self.n_points) / cost if cost > 0 else np.inf
        beyond = self.masses * self.are_beyond
        densest = _find_densest(self.densities, self.masses)
        densest_beyond = _find_densest(self.densities, beyond) if beyond.any() else 0.0
        return float(min(by_gap, AIM * CROWD / max(densest, stretch * densest_beyond)))

    def choose_stretch(self, among: tuple[float, ...] = (1.0, 2.0, 4.0)) -> float:
        """How many times longer cells beyond the core are to be, so that there are fewest.

        Args:
            among: what to choose from; the first where two give as many. Longer cells are fewer
                and hide more (benchmarks/gaps.py).
        """

        def count(stretch: float) -> float:
            """Up to a factor."""
            low, high = self.core
            beyond = max(2 * FIRST_REACH * self.scales[1] - (high - low), 0)
            return float((high - low + beyond / stretch) / self.find_widest(stretch))

        return min(among, key=count)

    def narrow_for_shifts(self, area: float, stretch: float) -> float:
        """An area of the cells of the core that obeys the rule on shifts as well.

        Half of what may be moved is the least that the estimate is taken for.
        """
        lengths, axes = self.lengthen(stretch), np.linalg.inv(self.matrix)
        variances = area / 12 * np.stack([np.ones_like(lengths), lengths**2], axis=1)
        covariances = np.einsum("ia,na,ja->nij", axes, variances, axes)
        cells = Cells(self.n_points * self.masses, self.points.means, covariances)
        shift = estimate_shift(cells, self.mixture)
        return area * min(AIM * MOST_SHIFT / max(shift, MOST_SHIFT / 2), 1.0)

    def count_occupied(self, area: float, stretch: float) -> float:
        """About how many cells have points."""
        shares = area * self.lengthen(stretch) * self.densities  # of all points in a cell
        shares = np.maximum(shares, np.finfo(np.float64).tiny)
        return float((self.masses * -np.expm1(-self.n_points * shares) / shares).sum())


def _survey_points(
    points: Cells,
    mixture: Mixture,
    n_points: float,
    *,
    longest: float = 4.0,
    no_border: float = 1e-30,
) -> _Survey:
    """What cells about some points would cost a mixture near them.

    Args:
        points: in whitened units.
        mixture: in whitened units.
        n_points: how many points there are in all.
        longest: the cells of the core are at most so many times as long as wide, in whitened units:
            fewer cells against such as span a component (benchmarks/gaps.py).
        no_border: at most such a rate of the gap, in nats per point and whitened unit squared, that
            there is none: one component, or two far apart. Any number that is next to nothing.
    """
    masses = points.counts / points.n_points
    rates = masses[:, None, None] * estimate_gap_rates(points.means, mixture)
    lengths, directions = np.linalg.eigh(rates.sum(axis=0))
    steepest = lengths[1] if lengths[1] > no_border else 1.0
    scales = np.sqrt(np.maximum(lengths, steepest / longest**2))
    matrix = (directions * scales).T
    along = np.einsum("ij,njk,ik->in", matrix, rates, matrix) / scales[:, None] ** 4
    places = points.means @ matrix[1]
    densities = np.exp(mixture.log_densities(points.means)) / np.prod(scales)
    low, high = _find_core(places, along[1])
    return _Survey(
        points=points,
        mixture=mixture,
        n_points=n_points,
        matrix=matrix,
        scales=scales,
        rates=along,
        densities=densities,
        core=(low, high),
        are_beyond=(places < low) | (places > high),
    )


def _find_core(
    places: FloatArray, costs: FloatArray, *, beyond: float = 0.0005
) -> tuple[float, float]:
    """Between which places on a line nearly all the costs are; the middle where there are none.

    Args:
        places: shape (S,).
        costs: at each, shape (S,).
        beyond: the share of the costs on either side, where cells may be longer: fewer cells
            against what they hide (benchmarks/gaps.py).
    """
    if not costs.any():
        return 0.0, 0.0
    order = np.argsort(places)
    so_far = np.cumsum(costs[order])
    ends = np.searchsorted(so_far, np.array([beyond, 1 - beyond]) * so_far[-1])
    low, high = places[order[np.minimum(ends, len(places) - 1)]]
    return float(low), float(high)


def _find_densest(densities: FloatArray, masses: FloatArray, *, share: float = 0.99) -> float:
    """The density that next to no mass of points exceeds.

    Args:
        densities: shape (S,).
        masses: shape (S,).
        share: of the mass about which the density is at most this. The rest may be in cells that
            are cut once more; one pass in place of two, against more cells (benchmarks/gaps.py).
    """
    return float(np.quantile(densities, share, weights=masses, method="inverted_cdf"))
