"""The search: what passes find, when it ends, and what it says of its passes."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import count
from typing import Any

import numpy as np
import pytest
from builders import (
    cells_of,
    n_missed,
    random_mixture,
    sampled,
    spread_clusters,
    touching_clusters,
)

from gmmcli.core.mixture.covariances import FloatArray
from gmmcli.core.mixture.gaussians import Gaussians
from gmmcli.core.mixture.mixture import Mixture
from gmmcli.core.search.objective import Objective
from gmmcli.core.search.passes import Findings, Plan, are_same, draw_start, search
from gmmcli.core.search.region import Assessment, Region
from gmmcli.core.search.regions import Bounds

PLAIN = [np.eye(2)]
THREE = spread_clusters(3)


def region_of(mixture: Mixture, n_points: int, seed: int = 0) -> Region:
    """The region of points of a mixture, at the prices of BIC."""
    cells = cells_of(sampled(mixture, n_points, seed))
    return Region.of(cells, Objective.of("bic", "full", float(n_points)))


def searched(
    whole: Region,
    bounds: Bounds,
    metrics: Sequence[FloatArray],
    generator: np.random.Generator,
    *,
    watch: Callable[[int, Assessment], None] = lambda _n_passes, _found: None,
    interrupted: Callable[[], bool] = lambda: False,
    **plan: Any,
) -> Findings:
    """What a search by a plan finds."""
    planned = Plan(metrics, **plan)
    return search(whole, bounds, generator, planned, watch=watch, interrupted=interrupted)


def assessment_of(number: int, score: float) -> Assessment:
    """A mixture of so many components with a score."""
    return Assessment(Gaussians.of(spread_clusters(number)), np.empty(0), np.empty(0), score)


def test_the_order_of_components_does_not_tell_mixtures_apart() -> None:
    gaussians = Gaussians.of(random_mixture(5, seed=0, spread=5.0))
    assert are_same(gaussians, gaussians.select([3, 0, 4, 1, 2]))


@pytest.mark.parametrize(("shift", "expected"), [(0.15, True), (0.25, False)])
def test_mixtures_are_the_same_whose_components_lie_near_in_their_deviations(
    shift: float, expected: bool
) -> None:
    gaussians = Gaussians.of(spread_clusters(4))
    wide = gaussians._replace(covariances=100 * gaussians.covariances, means=10 * gaussians.means)
    moved = wide._replace(means=wide.means + np.array([0, 10 * shift]))  # of a deviation of 10
    assert are_same(wide, moved) is expected


def test_mixtures_of_other_numbers_are_others() -> None:
    gaussians = Gaussians.of(spread_clusters(4))
    assert not are_same(gaussians, gaussians.select([0, 1, 2]))


def test_two_components_have_no_counterpart_in_common() -> None:
    gaussians = Gaussians.of(spread_clusters(2))
    twice = gaussians.select([0, 0])
    assert not are_same(twice, gaussians)


def test_findings_keep_the_best_of_each_number_and_know_the_best_within_bounds() -> None:
    findings = Findings(Bounds(2, 3))
    for number, score in [(2, -10.0), (1, 5.0), (3, -9.0), (2, -12.0), (3, -8.0), (4, 9.0)]:
        findings.note(assessment_of(number, score))
    scores = {number: found.score for number, found in findings.by_number.items()}
    assert scores == {1: 5.0, 2: -10.0, 3: -8.0, 4: 9.0}
    assert [found.gaussians.number for found in findings.allowed] == [2, 3]
    assert findings.best.score == -8


def test_a_return_is_a_pass_that_came_to_the_best_on_its_own() -> None:
    findings = Findings(Bounds())
    findings.note(assessment_of(3, -1.0))
    best = findings.best.gaussians
    others = best._replace(means=best.means + 3.0)
    ends = [best, others, best.select([2, 0, 1]), best.select([0, 1])]
    findings.ends += [replace(findings.best, gaussians=end) for end in ends]
    assert findings.n_passes == 4
    assert findings.count_returns(findings.best.gaussians) == 2
    rival = findings.find_rival(best)
    assert rival is not None
    assert rival.gaussians is others
    assert findings.find_rival(best.select([0, 1])) is None


def test_a_pass_down_notes_every_number() -> None:
    region, findings = region_of(THREE, 300), Findings(Bounds(2, 3))
    begin = draw_start(region, np.eye(2), np.random.default_rng(0), 12)
    best = findings.pass_down(region, begin, 1)
    assert set(range(1, 4)) <= set(findings.by_number)
    assert best is findings.best
    assert best.gaussians.number == 3


@pytest.mark.parametrize("n_clusters", [1, 3, 12])
def test_planted_clusters_are_found_with_their_number(n_clusters: int) -> None:
    true = spread_clusters(n_clusters)
    whole = region_of(true, 100 * n_clusters)
    findings = searched(whole, Bounds(), PLAIN, np.random.default_rng(0))
    best = findings.best.gaussians
    assert best.number == n_clusters
    assert n_missed(best.to_mixture(), true) == 0
    from_truth = whole.assess(whole.climb(Gaussians.of(true), 50))
    assert findings.best.score > from_truth.score - 1


def test_more_clusters_are_found_than_a_first_pass_begins_with() -> None:
    # The first pass begins with 32, which are too few.
    true = spread_clusters(36)
    whole = region_of(true, 36 * 40)
    findings = searched(whole, Bounds(), PLAIN, np.random.default_rng(0), patience=1, most=2)
    assert findings.best.gaussians.number == 36
    assert n_missed(findings.best.gaussians.to_mixture(), true) == 0


@pytest.mark.parametrize("seed", range(2))
def test_touching_clusters_are_all_found(seed: int) -> None:
    true = touching_clusters(10, seed)
    whole = region_of(true, 2000, seed)
    findings = searched(whole, Bounds(), PLAIN, np.random.default_rng(seed))
    assert findings.best.gaussians.number == 10
    assert n_missed(findings.best.gaussians.to_mixture(), true) == 0


@pytest.mark.parametrize("number", [2, 5])
def test_the_number_of_components_is_held(number: int) -> None:
    whole = region_of(THREE, 300)
    findings = searched(whole, Bounds(number, number), PLAIN, np.random.default_rng(0))
    assert findings.best.gaussians.number == number
    assert [found.gaussians.number for found in findings.allowed] == [number]


def test_every_number_within_bounds_has_a_mixture_and_more_are_likelier() -> None:
    whole = region_of(THREE, 300)
    findings = searched(whole, Bounds(1, 6), PLAIN, np.random.default_rng(0))
    numbers = [found.gaussians.number for found in findings.allowed]
    assert numbers == [1, 2, 3, 4, 5, 6]
    totals = [float(whole.counts @ found.logs) for found in findings.allowed]
    assert np.diff(totals).min() > 0


@pytest.mark.parametrize("patience", [1, 2, 4])
def test_a_search_ends_when_so_many_passes_in_a_row_bring_nothing(patience: int) -> None:
    # On three clusters far apart the first pass is as good as any.
    whole = region_of(THREE, 300)
    findings = searched(whole, Bounds(), PLAIN, np.random.default_rng(0), patience=patience)
    assert findings.n_passes == 1 + patience
    assert findings.count_returns(findings.best.gaussians) == findings.n_passes


def test_there_are_no_more_passes_than_the_most() -> None:
    whole = region_of(THREE, 300)
    findings = searched(whole, Bounds(), PLAIN, np.random.default_rng(0), patience=9, most=4)
    assert findings.n_passes == 4


def test_an_interrupt_ends_a_search_after_a_first_pass() -> None:
    whole = region_of(THREE, 300)
    findings = searched(whole, Bounds(), PLAIN, np.random.default_rng(0), interrupted=lambda: True)
    assert findings.n_passes == 1
    assert findings.best.gaussians.number == 3


def test_a_late_interrupt_keeps_the_best_so_far() -> None:
    whole, calls = region_of(THREE, 300), count()
    findings = searched(
        whole, Bounds(), PLAIN, np.random.default_rng(0), interrupted=lambda: next(calls) > 8
    )
    assert findings.best.gaussians.number == 3
    assert next(calls) < 20


def test_what_is_watched_is_the_best_after_every_pass() -> None:
    whole, watched = region_of(touching_clusters(8, seed=3), 600), list[tuple[int, float]]()
    findings = searched(
        whole,
        Bounds(),
        PLAIN,
        np.random.default_rng(0),
        watch=lambda n_passes, best: watched.append((n_passes, best.score)),
    )
    numbers, scores = zip(*watched, strict=True)
    assert list(numbers) == list(range(1, findings.n_passes + 1))
    assert list(scores) == sorted(scores)
    assert scores[-1] == findings.best.score


def test_a_pass_begins_with_an_origin_too() -> None:
    # With one pass of one start alone: what the origin leads to is kept.
    true = touching_clusters(10, seed=2)
    whole = region_of(true, 1000)
    origin = Gaussians.of(true)
    findings = searched(
        whole, Bounds(10, 10), PLAIN, np.random.default_rng(0), origins=[origin], most=1
    )
    from_truth = whole.assess(whole.climb(origin, 20))
    assert findings.best.score >= from_truth.score - 1e-3  # neither has settled to the last digit
    assert findings.n_passes == 1


def test_a_start_with_a_background_leaves_it_its_weight() -> None:
    whole = region_of(THREE, 300)
    begin = draw_start(whole, np.eye(2), np.random.default_rng(0), 4, background=0.2)
    assert begin.number == 4
    assert begin.background == 0.2
    assert begin.weights.sum() == pytest.approx(0.8)


def test_few_points_begin_with_few_components() -> None:
    whole = region_of(THREE, 12)
    findings = searched(whole, Bounds(), PLAIN, np.random.default_rng(0))
    assert max(findings.by_number) <= 3


def test_equal_seeds_search_alike() -> None:
    whole = region_of(touching_clusters(6, seed=1), 400)
    one, other = (searched(whole, Bounds(), PLAIN, np.random.default_rng(5)) for _ in range(2))
    assert one.best.score == other.best.score
    np.testing.assert_array_equal(one.best.gaussians.means, other.best.gaussians.means)
