"""Components solved anew: what no climb leaves is mended, with their number free or held."""

from itertools import count

import numpy as np
import pytest
from builders import cells_of, n_missed, sampled, spread_clusters, touching_clusters

from gmmcli.core.mixture.gaussians import Gaussians
from gmmcli.core.mixture.mixture import Mixture
from gmmcli.core.search.objective import Objective
from gmmcli.core.search.region import Assessment, Region
from gmmcli.core.search.regions import (
    Bounds,
    has_all,
    improve,
    seed_afresh,
    take_from,
)

TRUE = spread_clusters(15)
POINTS = sampled(TRUE, 1500)
CELLS = cells_of(POINTS / 10)  # about as wide as whitened points
SCALED = Mixture(TRUE.weights, TRUE.means / 10, TRUE.covariances / 100)
WHOLE = Region.of(CELLS, Objective.of("bic", "full", CELLS.n_points))
BEST = WHOLE.assess(WHOLE.settle(Gaussians.of(SCALED), 30))


def join_and_split() -> Assessment:
    """An optimum of 15 components that no climb leaves: one for two clusters, and two for one."""
    gaussians = Gaussians.of(SCALED)
    apart = ((gaussians.means[:, None] - gaussians.means) ** 2).sum(axis=2) + np.eye(15)
    one, other = np.unravel_index(apart.argmin(), apart.shape)
    far = int(apart[one].argmax())
    means, covariances = gaussians.means.copy(), gaussians.covariances.copy()
    middle = (means[one] + means[other]) / 2
    covariances[one] = covariances[one] + np.outer(means[one] - middle, means[one] - middle)
    means[one] = middle
    means[other], means[far] = means[far] + [0.05, 0], means[far] - [0.05, 0]
    covariances[other] = covariances[far]
    begin = gaussians._replace(means=means, covariances=covariances)
    return WHOLE.assess(WHOLE.settle(begin, 60))


BAD = join_and_split()


def missed(found: Assessment) -> int:
    """How many clusters a mixture has no component for."""
    weights, means, covariances, _ = found.gaussians
    return n_missed(Mixture(weights / weights.sum(), means, covariances), SCALED)


def solve(
    found: Assessment, bounds: Bounds, seed: int = 0, *, other: Assessment | None = None
) -> Assessment:
    """The mixture after its regions were solved anew."""
    generator = np.random.default_rng(seed)
    fresh = seed_afresh(generator) if other is None else take_from(WHOLE, other)
    return improve(WHOLE, found, bounds, fresh)


def test_no_climb_leaves_the_bad_optimum() -> None:
    assert BAD.gaussians.number == 15
    assert missed(BAD) == 1
    climbed = WHOLE.assess(WHOLE.climb(BAD.gaussians, 50))
    assert missed(climbed) == 1
    assert BEST.score - climbed.score > 50


@pytest.mark.parametrize("bounds", [Bounds(), Bounds(15, 15), Bounds(1, 15), Bounds(15, 40)])
@pytest.mark.parametrize("seed", range(2))
def test_a_bad_optimum_is_mended(bounds: Bounds, seed: int) -> None:
    found = solve(BAD, bounds, seed)
    assert missed(found) == 0
    assert found.gaussians.number == 15
    # What is left to climb after so few steps.
    assert found.score > BEST.score - 1


@pytest.mark.parametrize("seed", range(3))
def test_clusters_that_touch_are_told_apart(seed: int) -> None:
    true = touching_clusters(8, seed)
    cells = cells_of(sampled(true, 1600))
    whole = Region.of(cells, Objective.of("bic", "full", 1600.0))
    two = whole.settle(Gaussians.of(true).select([0, 1]).scale(4), 10)
    generator = np.random.default_rng(seed)
    found = improve(whole, whole.assess(two), Bounds(), seed_afresh(generator))
    assert found.gaussians.number == 8
    weights, means, covariances, _ = found.gaussians
    assert n_missed(Mixture(weights / weights.sum(), means, covariances), true) == 0


@pytest.mark.parametrize(("bounds", "number"), [(Bounds(17, 17), 17), (Bounds(12, 15), 14)])
def test_a_number_is_held(bounds: Bounds, number: int) -> None:
    begun = list(WHOLE.descend(BEST.gaussians, 10))
    twice = BEST.gaussians.scale(0.5).join(
        BEST.gaussians.scale(0.5)._replace(means=BEST.gaussians.means + 0.1)
    )
    fewer = {each.gaussians.number: each for each in [*begun, *WHOLE.descend(twice, 16)]}
    found = solve(fewer[number], bounds)
    assert bounds.allow(found.gaussians.number)
    assert found.score >= fewer[number].score


def test_one_more_here_is_paid_for_by_one_less_elsewhere() -> None:
    # With 14 components at most, two of the 15 clusters share one: those that lose least by it.
    held = Bounds(14, 14)
    passed = {each.gaussians.number: each for each in WHOLE.descend(BAD.gaussians, 14)}
    found = solve(passed[14], held)
    assert found.gaussians.number == 14
    assert missed(found) == 1
    best = {each.gaussians.number: each for each in WHOLE.descend(BEST.gaussians, 14)}[14]
    assert found.score > best.score - 1


def test_an_optimum_that_is_the_best_is_left_alone() -> None:
    assert solve(BEST, Bounds()) is BEST


def test_what_is_found_has_a_higher_score_or_is_what_there_was() -> None:
    for seed in range(5):
        points = cells_of(np.random.default_rng(seed).standard_t(3, (200, 2)))
        whole = Region.of(points, Objective.of("bic", "full", 200.0))
        begin = Gaussians.of(touching_clusters(4, seed))._replace(means=points.means[:4])
        before = whole.assess(whole.settle(begin, 5))
        generator = np.random.default_rng(seed)
        found = improve(whole, before, Bounds(), seed_afresh(generator))
        assert found is before or found.score > before.score


def test_an_interrupt_ends_it_at_once() -> None:
    asked = count()
    generator = np.random.default_rng(0)
    found = improve(
        WHOLE, BAD, Bounds(), seed_afresh(generator), interrupted=lambda: next(asked) > 2
    )
    assert next(asked) == 4
    assert found.score >= BAD.score


@pytest.mark.parametrize("patience", [1, 2])
def test_patience_is_how_often_a_component_is_a_centre_without_success(patience: int) -> None:
    asked, generator = count(), np.random.default_rng(0)
    improve(
        WHOLE,
        BEST,
        Bounds(),
        seed_afresh(generator),
        patience=patience,
        interrupted=lambda: next(asked) < 0,
    )
    assert next(asked) == 15 * patience


def test_another_mixture_lends_its_better_part() -> None:
    found = solve(BAD, Bounds(15, 15), other=BEST)
    assert missed(found) == 0
    assert found.score > BEST.score - 1


def test_fresh_starts_share_the_weight_of_a_region() -> None:
    region = WHOLE.narrow(BEST, np.array([2, 5, 7]))
    expected = BEST.gaussians.weights[[2, 5, 7]].sum()
    afresh = seed_afresh(np.random.default_rng(0)).draw(region, 3)
    lent = take_from(WHOLE, BEST).draw(region, 3)
    assert afresh is not None
    assert lent is not None
    assert afresh.weights.sum() == pytest.approx(expected)
    assert lent.weights.sum() == pytest.approx(expected)
    assert 1 <= afresh.number <= 5  # two more than move; a step annihilates those without points
    np.testing.assert_array_equal(lent.means, BEST.gaussians.means[[2, 5, 7]])


def test_nothing_is_lent_where_the_other_has_no_component() -> None:
    region = WHOLE.narrow(BEST, np.array([2]))
    one = Gaussians(np.ones(1), np.zeros((1, 2)), 9 * np.eye(2)[None])
    assert take_from(WHOLE, WHOLE.assess(one)).draw(region, 1) is None


def test_bounds_allow_what_is_within_them() -> None:
    assert [number for number in range(6) if Bounds(2, 4).allow(number)] == [2, 3, 4]
    assert Bounds().allow(1)
    assert not Bounds().allow(0)


def test_a_region_that_is_known_is_not_solved_again() -> None:
    bounds, generator = Bounds(15, 15), np.random.default_rng(0)
    assert improve(WHOLE, BAD, bounds, seed_afresh(generator, known=BAD.gaussians)) is BAD
    found = improve(WHOLE, BAD, bounds, seed_afresh(generator, known=BEST.gaussians))
    assert missed(found) == 0


def test_a_mixture_has_components_of_the_same_place_and_shape() -> None:
    gaussians = Gaussians.of(SCALED)
    some = gaussians.select([3, 0, 4])
    assert has_all(gaussians, some)
    assert not has_all(gaussians, some._replace(means=some.means + 0.5))
    assert not has_all(gaussians, some._replace(covariances=2 * some.covariances))
    assert not has_all(gaussians, gaussians.select([3, 3]))  # two cannot be one
