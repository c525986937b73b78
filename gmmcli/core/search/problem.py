"""The data as a search sees them, and what is searched for there.

They are whitened, each point as coarse as it was written down, and on few cells at first.

NumPy only.
"""

import math
from collections.abc import Sequence
from copy import copy
from dataclasses import replace
from functools import cached_property

import numpy as np

from gmmcli.core.cells.cells import Cells, find_whitening
from gmmcli.core.cells.grain import Grain
from gmmcli.core.cells.tree import merge_cells
from gmmcli.core.mixture.background import Background
from gmmcli.core.mixture.covariances import FloatArray
from gmmcli.core.mixture.gaussians import Gaussians
from gmmcli.core.mixture.knowledge import NOTHING_KNOWN, Knowledge
from gmmcli.core.mixture.structures import STRUCTURES
from gmmcli.core.mixture.whitening import Whitening, find_whitening_matrices
from gmmcli.core.search.constants import PATIENCE, SHARE, STEPS_TO_SETTLE, WORTHWHILE
from gmmcli.core.search.criteria import weigh_doubt
from gmmcli.core.search.hooks import Hooks
from gmmcli.core.search.insertion import insert
from gmmcli.core.search.objective import Objective
from gmmcli.core.search.passes import Findings, Plan, count_later, draw_start, search
from gmmcli.core.search.region import Assessment, Region
from gmmcli.core.search.regions import Bounds, improve, seed_afresh
from gmmcli.errors import TableError
from gmmcli.settings import BackgroundChoice, CovarianceType, CriterionName, FitSettings


class Problem:
    """The data as a covariance type sees them, and the searches there.

    Args:
        cells: the data, in data units.
        grain: what they were written down with.
        settings: what is asked for.
        criterion: what mixtures are compared by.
        few: how many cells to search on, and to begin climbs with; None for all.
        known: of the mixture before the data, in data units; searches know nothing of it.

    Attributes:
        cells: the data, in data units.
        whitening: to the units in which everything here is.
        least: what a covariance exceeds, in whitened units, shape (2, 2).
        worth: what a count is worth as evidence.
        settings: what is asked for.
        criterion: what mixtures are compared by.
        objective: what components cost by it.
        levels: few cells, more and more, and last all, in whitened units.
        known: of the mixture before the data, in data units.

    Raises:
        TableError: when the variance of the coordinates is out of double precision's reach.
    """

    def __init__(
        self,
        cells: Cells,
        grain: Grain,
        settings: FitSettings,
        criterion: CriterionName,
        few: int | None,
        known: Knowledge = NOTHING_KNOWN,
    ) -> None:
        self.cells, self.settings, self._few = cells, settings, few
        self.criterion, self.known = criterion, known
        self.whitening = find_whitening(cells, settings.covariance)
        matrix, floor = self.whitening.matrix, self.whitening.floor(settings.floor)
        structure = STRUCTURES[settings.covariance]
        self.least = structure.adapt_least(matrix @ grain.covariance @ matrix.T + floor * np.eye(2))
        self.grain, self.worth = grain, grain.worth
        n_points = cells.n_points * grain.worth
        variances = np.linalg.eigvalsh(matrix @ cells.covariance() @ matrix.T + self.least)
        self.objective = Objective.of(
            criterion, settings.covariance, n_points, narrowest=float(variances[0])
        )
        self.levels = merge_levels(cells, self.whitening, few)

    @property
    def covariance(self) -> CovarianceType:
        """The covariance type."""
        return self.settings.covariance

    @property
    def few_cells(self) -> Cells:
        """The cells to search on, in whitened units."""
        return self.levels[0]

    @property
    def all_cells(self) -> Cells:
        """All cells, in whitened units."""
        return self.levels[-1]

    @cached_property
    def region(self) -> Region:
        """The region of all points, in the cells to search on."""
        return Region.of(self._blur(self.few_cells), self.objective, self.log_uniform)

    @property
    def has_more_cells(self) -> bool:
        """Whether there are more cells than those to search on."""
        return len(self.levels) > 1

    @cached_property
    def background(self) -> Background | None:
        """The background over the box of all points, in whitened units; None where it has no area.

        Its weight is 0.
        """
        background = lay_background(self.cells, 0.0)
        return None if background is None else self.whitening.whiten_background(background)

    @property
    def log_uniform(self) -> float:
        """The log density of the background, in whitened units."""
        return 0.0 if self.background is None else self.background.log_density

    def on(self, cells: Cells) -> "Problem":
        """The same problem on other cells of the same points, in the same whitened units."""
        if cells is self.cells:
            return self
        other = copy(self)
        other.cells, other.levels = cells, merge_levels(cells, self.whitening, self._few)
        vars(other).pop("region", None)
        return other

    def search(
        self,
        bounds: Bounds,
        origins: Sequence[Gaussians],
        hooks: Hooks,
        *,
        background: float = 0.0,
    ) -> Findings:
        """The best mixtures with so many components, on few cells.

        Args:
            bounds: how many components the best may have.
            origins: mixtures to begin with besides.
            hooks: what the caller adds on the way.
            background: the weight of the background to begin with; 0 for none.
        """

        def watch(n_passes: int, found: Assessment) -> None:
            per_point = float(self.region.counts @ found.logs) / self.region.counts.sum()
            hooks.watch("search, pass", n_passes, per_point + self.whitening.log_volume)

        metrics = np.eye(2), self._scale_axes()
        patience = PATIENCE[self.settings.effort]
        plan = Plan(metrics, origins, patience, background=background)
        generator, interrupted = np.random.default_rng(self.settings.seed), hooks.interrupted
        region = self.hold(bounds)
        findings = search(region, bounds, generator, plan, watch=watch, interrupted=interrupted)
        self._enlarge(findings, generator, hooks)
        return findings

    def wants_background(self, asked: BackgroundChoice, before: Assessment | None) -> bool:
        """Whether there is to be a background, given what was asked and what one brings.

        Raises:
            TableError: where one is asked for over a box without area.
        """
        if asked == "on" and self.background is None:
            raise TableError(
                "a background needs points that differ in both coordinates: leave out --background"
            )
        return asked == "on" or (asked == "auto" and before is not None)

    def add_background(self, best: Assessment, bounds: Bounds) -> Assessment | None:
        """The best mixture before a background that two passes find; None where it is no better.

        One begins with the best without a background, and one afresh.

        Args:
            best: to begin with.
            bounds: how many components there may be.
        """
        region = self.hold(bounds)
        if self.background is None:
            return None
        generator = np.random.default_rng(self.settings.seed)
        n_first = count_later(best.gaussians.number)
        origins = [
            best.gaussians.put_before(SHARE),
            draw_start(region, np.eye(2), generator, n_first, SHARE),
        ]
        findings = Findings(bounds)
        fewest = max(bounds.fewest, best.gaussians.number // 2)
        for origin in origins:
            findings.pass_down(region, origin, fewest)
        before = findings.best
        return before if before.gaussians.background and before.score > best.score else None

    def _enlarge(self, findings: Findings, generator: np.random.Generator, hooks: Hooks) -> None:
        """Add components where few cells have more points than the best of findings explains."""
        bounds = findings.bounds
        region = self.hold(bounds)
        while not hooks.interrupted():
            best = findings.best
            larger = self.insert(self.few_cells, best, bounds)
            if larger is best.gaussians:
                return
            begun = region.assess(region.settle(larger, STEPS_TO_SETTLE))
            fresh, interrupted = seed_afresh(generator), hooks.interrupted
            findings.note(improve(region, begun, bounds, fresh, interrupted=interrupted))
            if findings.best.score < best.score + WORTHWHILE:
                return

    def hold(self, bounds: Bounds) -> Region:
        """The region of all points, where there are at least so many components."""
        return replace(self.region, fewest=bounds.fewest)

    def improve(self, found: Assessment, *, n_steps: int = 100) -> Assessment:
        """A mixture after its regions have been solved anew, with its number of components held.

        Args:
            found: on few cells.
            n_steps: of EM, before that.
        """
        bounds = Bounds(found.gaussians.number, found.gaussians.number)
        generator = np.random.default_rng(self.settings.seed)
        region = self.hold(bounds)
        settled = region.assess(region.climb(found.gaussians, n_steps))
        return improve(region, settled, bounds, seed_afresh(generator))

    def shrink(self, gaussians: Gaussians, bounds: Bounds) -> Gaussians:
        """A mixture without the components that all cells show to be worth less than they cost.

        Args:
            gaussians: to begin with.
            bounds: how many components there may be.
        """
        cells = self._blur(self.all_cells)
        region = Region.of(cells, self.objective, self.log_uniform, bounds.fewest)
        best = region.assess(region.climb(gaussians, STEPS_TO_SETTLE))
        while bounds.allow(best.gaussians.number - 1):
            fewer = region.assess(region.climb(region.reduce(best, 1), STEPS_TO_SETTLE))
            if fewer.score < best.score:
                break
            best, gaussians = fewer, fewer.gaussians
        return gaussians

    def insert(self, cells: Cells, found: Assessment, bounds: Bounds) -> Gaussians:
        """A mixture with components where cells have more points than it explains.

        Where there may be no more components, one more there is paid for by one less elsewhere.

        Args:
            cells: the data, in whitened units.
            found: a mixture of them, on few cells.
            bounds: how many components it may have.
        """
        cells, gaussians = self._blur(cells), found.gaussians
        room = bounds.most - gaussians.number
        if room:
            larger = insert(cells, gaussians, self.log_uniform, self.objective, most=room)
            return larger if larger.number > gaussians.number else gaussians
        if gaussians.number == 1:
            return gaussians
        fewer = self.region.assess(self.region.climb(self.region.reduce(found, 1), STEPS_TO_SETTLE))
        cost = found.score - fewer.score
        other = insert(cells, fewer.gaussians, self.log_uniform, self.objective, cost=cost, most=1)
        return other if other.number == gaussians.number else gaussians

    def compare(self, found: Assessment) -> float:
        """What mixtures are compared by on few cells, in data units and twice nats."""
        doubt = self.doubt(found) if self.criterion == "icl" else 0.0
        volume = self.region.n_points * self.whitening.log_volume
        return 2 * (doubt - found.score - volume)

    def doubt(self, found: Assessment) -> float:
        """What it costs to assign every point to its likeliest component, in nats."""
        return weigh_doubt(self.region.counts, found.shares)

    def _blur(self, cells: Cells) -> Cells:
        """Cells with every point as coarse as it was written down, and counted as evidence."""
        return Cells(cells.counts * self.worth, cells.means, cells.covariances + self.least)

    def _scale_axes(self) -> FloatArray:
        """What takes whitened points to such with the same variance on either axis of the data."""
        inverse = np.linalg.inv(self.whitening.matrix)
        scaled = find_whitening_matrices((inverse @ inverse.T)[None], "diag")[0]
        return np.asarray(scaled @ inverse)


def lay_background(cells: Cells, weight: float) -> Background | None:
    """The background of a weight over the box of cells, in their units; None where it has no area.

    Args:
        cells: the data.
        weight: of the background.
    """
    lowest, highest = find_box(cells)
    if not (lowest < highest).all():
        return None
    return Background.over(np.stack([lowest, highest], axis=1), weight)


def find_box(cells: Cells) -> tuple[FloatArray, FloatArray]:
    """The lowest and the highest coordinates, both of shape (2,), in the units of the cells.

    Of a cell whose points differ, those of a box with their variances.
    """
    variances = np.diagonal(cells.covariances, axis1=1, axis2=2)
    reach = np.sqrt(3 * np.maximum(variances, 0.0))  # rounding may leave less than none
    return (cells.means - reach).min(axis=0), (cells.means + reach).max(axis=0)


def merge_levels(
    cells: Cells, whitening: Whitening, few: int | None, *, more: float = 4.5
) -> list[Cells]:
    """Few cells that these are merged into, more and more, and last all, in whitened units.

    Args:
        cells: the data, in data units.
        whitening: to whitened units.
        few: how many are enough to begin with; None for all.
        more: each has at most so many times as many cells as the last (benchmarks/speed.py).
    """
    levels = [cells.whiten(whitening)]
    if few is None or cells.n_cells <= few:
        return levels
    n_merged = math.ceil(math.log(cells.n_cells / few, more))
    factor = (cells.n_cells / few) ** (1 / n_merged)
    for level in reversed(range(n_merged)):
        levels.insert(0, merge_cells(levels[0], round(few * factor**level)))
    return levels


def count_few(n_components: int, *, enough: int = 4096, per_component: int = 40) -> int:
    """How many cells are enough to search for so many components (benchmarks/planted.py)."""
    return max(enough, per_component * n_components)
