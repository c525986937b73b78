"""The search: passes over the number of components, solved anew by regions, and mated.

A pass begins with many components and ends with few, so that it gives every number of components a
mixture, and the objective tells the best. Its regions are solved anew; further passes from other
starts are mated with the best so far, region by region, until some in a row bring nothing.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np

from gmmcli.core.mixture.covariances import FloatArray
from gmmcli.core.mixture.gaussians import Gaussians
from gmmcli.core.search.constants import (
    ASIDE,
    FIRST,
    LEAST_MASS,
    NEARLY,
    STEPS_TO_SETTLE,
    WORTHWHILE,
)
from gmmcli.core.search.region import Assessment, Region, keep_best
from gmmcli.core.search.regions import Bounds, has_all, improve, seed_afresh, take_from
from gmmcli.core.search.starts import start


class Findings:
    """The best mixture by number of components, and how they were found.

    Args:
        bounds: how many components the best may have.

    Attributes:
        by_number: the best so far of each number of components.
        ends: where each pass led, before it was mated.
    """

    def __init__(self, bounds: Bounds) -> None:
        self.bounds = bounds
        self.by_number: dict[int, Assessment] = {}
        self.ends: list[Assessment] = []

    def note(self, found: Assessment) -> None:
        """Keep a mixture if it is the best of its number."""
        keep_best(self.by_number, found)

    def pass_down(self, whole: Region, begin: Gaussians, fewest: int) -> Assessment:
        """The best mixture within bounds of a pass from many components down to few.

        The best and those with some more components settle before they are judged: the more there
        are, the more may be left to climb.

        Args:
            whole: the region of all points.
            begin: the mixture to begin with.
            fewest: how many components it ends with.
        """
        passed = Findings(self.bounds)
        for found in whole.descend(whole.climb(begin, STEPS_TO_SETTLE), fewest):
            passed.note(found)
        number = passed.best.gaussians.number
        for near in range(number, number + ASIDE + 1):
            if near in passed.by_number and self.bounds.allow(near):
                settled = whole.settle(passed.by_number[near].gaussians, STEPS_TO_SETTLE)
                passed.note(whole.assess(settled))
        for found in passed.by_number.values():
            self.note(found)
        return passed.best

    @property
    def allowed(self) -> list[Assessment]:
        """The best mixtures within bounds, by ascending number of components."""
        numbers = [n for n in sorted(self.by_number) if self.bounds.allow(n)]
        return [self.by_number[number] for number in numbers]

    @property
    def best(self) -> Assessment:
        """The best mixture within bounds; there must be one."""
        return max(self.allowed, key=lambda found: found.score)

    @property
    def n_passes(self) -> int:
        """How many passes there were."""
        return len(self.ends)

    def count_returns(self, gaussians: Gaussians) -> int:
        """How many passes came to the optimum of a mixture on their own."""
        return sum(are_same(end.gaussians, gaussians) for end in self.ends)

    def find_rival(self, gaussians: Gaussians) -> Assessment | None:
        """The best other optimum of as many components that a pass came to; None without one.

        Both have a background, or none has.
        """
        others = [
            end
            for end in self.ends
            if end.gaussians.number == gaussians.number
            and bool(end.gaussians.background) == bool(gaussians.background)
            and not are_same(end.gaussians, gaussians)
        ]
        return max(others, key=lambda end: end.score, default=None)


def are_same(one: Gaussians, other: Gaussians) -> bool:
    """Whether two mixtures are at the same optimum, though they may not have settled there."""
    return one.number == other.number and has_all(one, other)


@dataclass(frozen=True)
class Plan:
    """How to search.

    Attributes:
        metrics: in which starts are drawn, in turn; each of shape (2, 2).
        origins: mixtures to begin with besides.
        patience: so many passes in a row bring nothing before the search ends.
        most: passes in all.
        background: the weight of the background that passes begin with; 0 for none.
    """

    metrics: Sequence[FloatArray]
    origins: Sequence[Gaussians] = ()
    patience: int = 2
    most: int = 20
    background: float = 0.0


def search(
    whole: Region,
    bounds: Bounds,
    generator: np.random.Generator,
    plan: Plan,
    *,
    watch: Callable[[int, Assessment], None] = lambda _n_passes, _found: None,
    interrupted: Callable[[], bool] = lambda: False,
) -> Findings:
    """The best mixtures that passes, regions and matings lead to.

    Args:
        whole: the region of all points.
        bounds: how many components the best may have.
        generator: of random numbers.
        plan: how to search.
        watch: called after every pass with the number of passes and the best so far.
        interrupted: asked between steps whether to end here.
    """
    findings, n_failures = Findings(bounds), 0
    for origin in plan.origins:
        findings.pass_down(whole, origin, bounds.fewest)
    for number in range(plan.most):
        if number and (n_failures >= plan.patience or interrupted()):
            break
        champion = findings.best if number else None
        metric = plan.metrics[number % len(plan.metrics)]
        draw = partial(draw_start, whole, metric, generator, background=plan.background)
        found = _begin(whole, findings, draw) if champion is None else _go_on(whole, findings, draw)
        solve = partial(improve, whole, bounds=bounds, interrupted=interrupted)
        settled = whole.assess(whole.settle(found.gaussians, 0))
        fresh = seed_afresh(generator, known=champion.gaussians if champion else None)
        own = solve(settled, fresh=fresh, patience=1 if champion else 2)
        findings.note(own)
        findings.ends.append(own)
        if champion is not None:
            one, other = sorted((champion, own), key=lambda each: -each.score)
            findings.note(solve(one, fresh=take_from(whole, other)))
            gain = findings.best.score - champion.score
            n_failures = 0 if gain > WORTHWHILE else n_failures + 1
        watch(number + 1, findings.best)
    return findings


def draw_start(
    whole: Region,
    metric: FloatArray,
    generator: np.random.Generator,
    n_components: int,
    background: float = 0.0,
    *,
    n_tries: int = 4,
) -> Gaussians:
    """The start of a pass: so many parts of all points, or fewer where there are few points.

    Args:
        whole: the region of all points.
        metric: in which the start is drawn, shape (2, 2).
        generator: of random numbers.
        n_components: how many parts.
        background: the weight of the background to begin with.
        n_tries: the best of so many seeds is taken at a time.
    """
    parts = start(whole, n_components, metric, generator, n_tries)
    if parts.number < whole.fewest:  # the rest differ by less than doubles can tell
        parts = parts.select(np.resize(np.argsort(-parts.weights), whole.fewest))
        parts = parts.scale(whole.share / parts.weights.sum())
    return parts.put_before(background)


def _begin(whole: Region, findings: Findings, draw: Callable[[int], Gaussians]) -> Assessment:
    """The best mixture of a first pass, which begins with enough components."""
    bounds, room = findings.bounds, _count_room(whole, findings.bounds)
    n_first = max(FIRST, int(2 * NEARLY * bounds.fewest))
    while True:
        best = findings.pass_down(whole, draw(min(n_first, room)), bounds.fewest)
        has_enough = best.gaussians.number < NEARLY * n_first or n_first >= room
        if has_enough or n_first > bounds.most:
            return best
        n_first *= 2


def _go_on(whole: Region, findings: Findings, draw: Callable[[int], Gaussians]) -> Assessment:
    """The best mixture of a later pass, which is about the number of components of the best."""
    bounds, number = findings.bounds, findings.best.gaussians.number
    n_first = min(count_later(number), _count_room(whole, bounds))
    return findings.pass_down(whole, draw(n_first), max(bounds.fewest, number // 2))


def count_later(n_components: int) -> int:
    """How many components a later pass begins with where the best so far has so many."""
    return max(FIRST // 2, int(2 * NEARLY * n_components))


def _count_room(whole: Region, bounds: Bounds) -> int:
    """How many components there is room for at the beginning of a pass."""
    least = max(min(bounds.fewest, whole.n_cells), 1)
    return max(min(int(whole.counts.sum() / (2 * LEAST_MASS)), whole.n_cells // 2), least)
