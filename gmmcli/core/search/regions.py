"""A few components solved anew, with their number free, before all others.

What split and merge moves, swaps and crossings do one at a time (Ueda et al. 2000; Fränti 2018),
a pass over a region does at once and at a cost that does not grow with the number of components.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from gmmcli.core.mixture.covariances import FloatArray
from gmmcli.core.mixture.distances import measure_distances
from gmmcli.core.mixture.gaussians import Gaussians, IntArray
from gmmcli.core.search.constants import (
    ASIDE,
    LEAST_MASS,
    NEIGHBOURS,
    STEPS,
    STEPS_TO_SETTLE,
    WORTHWHILE,
)
from gmmcli.core.search.region import Assessment, Region, keep_best
from gmmcli.core.search.starts import start


@dataclass(frozen=True)
class Bounds:
    """How many components a mixture may have.

    Attributes:
        fewest: at least.
        most: at most.
    """

    fewest: int = 1
    most: int = 1_000_000

    def allow(self, number: int) -> bool:
        """Whether a mixture may have so many components."""
        return self.fewest <= number <= self.most


@dataclass(frozen=True)
class Fresh:
    """What regions are begun with besides what is there.

    Attributes:
        draw: a start, given a region and how many components move; None where there is none.
        known: a mixture where it brings nothing: where all components of a region are this one's,
            nothing is looked for.
    """

    draw: Callable[[Region, int], Gaussians | None]
    known: Gaussians | None = None


def seed_afresh(generator: np.random.Generator, known: Gaussians | None = None) -> Fresh:
    """Fresh starts from random points of a region that its components account for.

    Args:
        generator: of random numbers.
        known: a mixture whose regions have been solved anew already.
    """

    def draw(region: Region, n_moving: int) -> Gaussians | None:
        wanted = max(n_moving, 2) + ASIDE
        n_seeds = int(min(wanted, max(region.masses.sum() // (4 * LEAST_MASS), 1), region.n_cells))
        return region.climb(start(region, n_seeds, np.eye(2), generator), STEPS)

    return Fresh(draw, known)


def take_from(whole: Region, other: Assessment) -> Fresh:
    """The components of another mixture that have most of their points in a region."""
    masses = other.shares @ whole.counts

    def draw(region: Region, _n_moving: int) -> Gaussians | None:
        own = other.shares[:, region.inside] @ region.masses
        taken = other.gaussians.select(own > masses / 2)
        return taken.scale(region.share / taken.weights.sum()) if taken.number else None

    return Fresh(draw, other.gaussians)


def improve(
    whole: Region,
    found: Assessment,
    bounds: Bounds,
    fresh: Fresh,
    *,
    patience: int = 1,
    interrupted: Callable[[], bool] = lambda: False,
) -> Assessment:
    """A mixture after its components have been solved anew, until none leads higher.

    Args:
        whole: the region of all points.
        found: a mixture of it.
        bounds: how many components it may have.
        fresh: what is begun with besides the components that are there.
        patience: how often each component is the centre of a region without success.
        interrupted: asked before each whether to end here.
    """
    place = _Place.of(whole, found)
    failures = np.zeros(found.gaussians.number, dtype=np.intp)
    while failures.min() < patience and not interrupted():
        centre = int(failures.argmin())
        moving = place.choose_neighbours(centre)
        is_known = place.shares_with(fresh.known, moving)
        better = None if is_known else _solve(place, moving, bounds, fresh)
        if better is None or better.score < place.found.score + WORTHWHILE:
            failures[centre] += 1
            continue
        kept = np.delete(failures, moving) if place.stays_first_in(better, moving) else ()
        failures = np.zeros(better.gaussians.number, dtype=np.intp)
        failures[: len(kept)] = kept
        place = _Place.of(whole, better)
    return place.found


def has_all(gaussians: Gaussians, some: Gaussians, *, apart: float = 0.005) -> bool:
    """Whether each of some components is among those of a mixture, where neither has settled.

    Args:
        gaussians: of the mixture.
        some: components.
        apart: the Bhattacharyya distance below which two components may be the same, in nats: 0.2
            standard deviations between means, or variances by a fifth apart.
    """
    distances = measure_distances(some, gaussians)
    counterparts = distances.argmin(axis=1)
    are_near = distances.min(axis=1) < apart
    return bool(are_near.all()) and len(set(counterparts.tolist())) == some.number


@dataclass(frozen=True, eq=False)
class _Place:
    """A mixture of all points, and what is worked out of it once.

    Attributes:
        whole: the region of all points.
        found: the mixture.
        overlaps: how many points every two components share, shape (K, K).
    """

    whole: Region
    found: Assessment
    overlaps: FloatArray

    @staticmethod
    def of(whole: Region, found: Assessment) -> "_Place":
        """What a mixture is of all points."""
        return _Place(whole, found, np.asarray((found.shares * whole.counts) @ found.shares.T))

    @cached_property
    def least_loss(self) -> float:
        """What the objective loses at least by one component less, about, in nats."""
        return self.whole.find_least_loss(self.found)

    def choose_neighbours(self, centre: int, *, least: float = 0.05) -> IntArray:
        """A component and those that overlap it most, by so many points at least."""
        own = self.overlaps[centre].copy()
        own[centre] = np.inf
        order = np.argsort(-own, kind="stable")[: NEIGHBOURS + 1]
        return np.asarray(order[own[order] > least])

    def shares_with(self, known: Gaussians | None, moving: IntArray) -> bool:
        """Whether another mixture has the same components as those that move."""
        return known is not None and has_all(known, self.found.gaussians.select(moving))

    def replace(self, moving: IntArray, better: Gaussians) -> Gaussians:
        """The components that stay, and then others in place of those that move."""
        gaussians = self.found.gaussians
        staying = gaussians.select(np.delete(np.arange(gaussians.number), moving))
        return staying.join(better.scale(gaussians.weights[moving].sum() / better.weights.sum()))

    def stays_first_in(self, better: Assessment, moving: IntArray) -> bool:
        """Whether the components that stayed are the first of a better mixture still."""
        staying = np.delete(self.found.gaussians.means, moving, axis=0)
        first = better.gaussians.means[: len(staying)]
        return len(first) == len(staying) and bool(np.allclose(staying, first, atol=0.1))


def _solve(place: _Place, moving: IntArray, bounds: Bounds, fresh: Fresh) -> Assessment | None:
    """The best mixture by other components in a region; None where none promises more.

    Where there may be no more components in all, one more here is paid for by one less elsewhere.
    """
    whole, gaussians = place.whole, place.found.gaussians
    region = whole.narrow(place.found, moving)
    if region.n_cells < 3:
        return None
    own, n_staying = gaussians.select(moving), gaussians.number - len(moving)
    before = region.assess(own).score
    solutions = _descend(region, own, fresh, bounds.fewest - n_staying)
    allowed = [n for n in solutions if bounds.allow(n + n_staying)]
    if allowed:
        best = max(allowed, key=lambda number: solutions[number].score)
        better = region.settle(solutions[best].gaussians, STEPS_TO_SETTLE)
        if region.assess(better).score > before + WORTHWHILE:
            return whole.assess(whole.settle(place.replace(moving, better), STEPS))
    one_more = solutions.get(bounds.most - n_staying + 1)
    if one_more is None or gaussians.number < bounds.most:
        return None
    if one_more.score - before < place.least_loss + WORTHWHILE:
        return None
    larger = whole.climb(place.replace(moving, one_more.gaussians), STEPS)
    if larger.number > bounds.most:
        larger = whole.reduce(whole.assess(larger), larger.number - bounds.most)
    return whole.assess(whole.settle(larger, STEPS_TO_SETTLE))


def _descend(region: Region, own: Gaussians, fresh: Fresh, fewest: int) -> dict[int, Assessment]:
    """The best mixtures of a region by number of components, from those there and others.

    Args:
        region: where some components move.
        own: these.
        fresh: what is begun with besides.
        fewest: how many components there must be at least.
    """
    others = fresh.draw(region, own.number)
    begin = own if others is None else own.scale(0.5).join(others.scale(0.5))
    solutions: dict[int, Assessment] = {}
    least = max(1, fewest, own.number - ASIDE)
    for solution in region.descend(region.climb(begin, STEPS_TO_SETTLE), least):
        keep_best(solutions, solution)
    return solutions
