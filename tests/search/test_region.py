"""Steps, passes and moves on a region: against the densities and against brute force."""

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

from gmmcli.core.cells.cells import Cells, assign_cells
from gmmcli.core.cells.tree import merge_cells
from gmmcli.core.mixture.covariances import FloatArray
from gmmcli.core.mixture.densities import evaluate_joint, log_total, maximize
from gmmcli.core.mixture.gaussians import Gaussians, merge_pairs
from gmmcli.core.mixture.mixture import Mixture
from gmmcli.core.mixture.structures import STRUCTURES
from gmmcli.core.search.constants import LEAST_MASS
from gmmcli.core.search.objective import Objective
from gmmcli.core.search.region import Assessment, Region
from gmmcli.settings import COVARIANCE_TYPES, CovarianceType

MIXTURE = random_mixture(4, seed=6, spread=1.5)
# As fine as 600 points and as coarse as 150 cells, so that shares of cells are tested too.
CELLS = merge_cells(cells_of(sampled(MIXTURE, 600)), 150)
CELLS = Cells(CELLS.counts, CELLS.means, CELLS.covariances + 1e-6 * np.eye(2))
LOG_UNIFORM = -4.0
EVERY_PAIR = np.triu_indices(4, 1)


def region_of(cells: Cells, covariance: CovarianceType = "full") -> Region:
    """The region of all points, at the prices of BIC."""
    return Region.of(cells, Objective.of("bic", covariance, cells.n_points), LOG_UNIFORM)


def before_background(weight: float) -> Gaussians:
    """The mixture of these tests, and a background of a weight."""
    return Gaussians.of(MIXTURE).scale(1 - weight)._replace(background=weight)


def log_densities(cells: Cells, gaussians: Gaussians) -> FloatArray:
    """The log density of the points of each cell as the ELBO has it, shape (C,)."""
    joint = evaluate_joint(cells.means, *gaussians[:3], cells.covariances)
    share = gaussians.background
    return log_total(joint, np.log(share) + LOG_UNIFORM if share else None, axis=0)


def replace_some(gaussians: Gaussians, components: list[int], others: Gaussians) -> Gaussians:
    """The mixture with others in place of some components."""
    staying = [k for k in range(gaussians.number) if k not in components]
    return gaussians.select(staying).join(others)


@pytest.mark.parametrize("weight", [0.0, 0.1])
def test_the_score_is_the_elbo_less_the_price(weight: float) -> None:
    region, gaussians = region_of(CELLS), before_background(weight)
    found = region.assess(gaussians)
    logs = log_densities(CELLS, gaussians)
    np.testing.assert_allclose(found.logs, logs, rtol=1e-9)
    price = region.objective.price(gaussians)
    assert found.score == pytest.approx(CELLS.counts @ logs - price, rel=1e-12)


def test_shares_are_the_responsibilities_and_leave_the_background_the_rest() -> None:
    shares = region_of(CELLS).assess(Gaussians.of(MIXTURE)).shares
    np.testing.assert_allclose(shares, assign_cells(CELLS, MIXTURE), atol=1e-10)
    gaussians = before_background(0.1)
    rest = np.log(0.1) + LOG_UNIFORM - log_densities(CELLS, gaussians)
    shares = region_of(CELLS).assess(gaussians).shares
    np.testing.assert_allclose(1 - shares.sum(axis=0), np.exp(rest), atol=1e-10)


@pytest.mark.parametrize("covariance", COVARIANCE_TYPES)
@pytest.mark.parametrize("weight", [0.0, 0.1])
def test_a_step_is_one_of_em_that_takes_the_least_mass_off(
    covariance: CovarianceType, weight: float
) -> None:
    gaussians = before_background(weight)
    joint = evaluate_joint(CELLS.means, *gaussians[:3], CELLS.covariances)
    shares = np.exp(joint - log_densities(CELLS, gaussians))
    masses, means, covariances = maximize(CELLS.means, shares * CELLS.counts, CELLS.covariances)
    strays = CELLS.n_points - masses.sum() if weight else 0.0
    left = masses - LEAST_MASS
    found = region_of(CELLS, covariance).step(gaussians)
    np.testing.assert_allclose(found.weights, left / (left.sum() + strays), rtol=1e-9)
    np.testing.assert_allclose(found.means, means, rtol=1e-9)
    projected = STRUCTURES[covariance].project(covariances, masses)
    np.testing.assert_allclose(found.covariances, projected, rtol=1e-8, atol=1e-10)
    assert found.background == pytest.approx(strays / (left.sum() + strays))


def test_a_component_of_no_more_than_the_least_mass_is_annihilated() -> None:
    far = np.array([[60.0, 0.0], [60.0, 0.1]])
    region = region_of(CELLS.join(cells_of(far)))
    rare = Gaussians(np.array([1.0]), far.mean(axis=0)[None], np.eye(2)[None])
    both = Gaussians.of(MIXTURE).scale(0.99).join(rare.scale(0.01))
    stepped = region.step(both)
    assert stepped.number == 4
    assert stepped.weights.sum() == pytest.approx(1)


def test_of_too_few_points_for_any_component_the_largest_stays() -> None:
    region = region_of(cells_of(np.array([[0.0, 0.0], [5.0, 5.0]])))
    pair = Gaussians(np.full(2, 0.5), np.array([[0.0, 0], [5, 5]]), np.tile(np.eye(2), (2, 1, 1)))
    stepped = region.step(pair)
    assert stepped.number >= 1
    assert stepped.weights.sum() == pytest.approx(1)


@pytest.mark.parametrize("fewest", [2, 3])
def test_the_fewest_components_stay_however_few_points_they_have(fewest: int) -> None:
    points = np.array([[0.0, 0.0], [1.0, 0.0], [50.0, 50.0]])
    objective = Objective.of("bic", "full", 3.0)
    cells = cells_of(points)
    cells = Cells(cells.counts, points, np.tile(0.1 * np.eye(2), (3, 1, 1)))
    region = Region.of(cells, objective, LOG_UNIFORM, fewest)
    three = Gaussians(np.full(3, 1 / 3), points, np.tile(np.eye(2), (3, 1, 1)))
    found = region.climb(three, 20)
    assert found.number == fewest
    assert (found.weights > 0).all()
    assert found.weights.sum() == pytest.approx(1)


def test_a_region_has_as_many_at_least_as_all_may_not_lose() -> None:
    whole = Region.of(CELLS, Objective.of("bic", "full", CELLS.n_points), fewest=3)
    before = whole.assess(Gaussians.of(MIXTURE))
    moving = [np.arange(4), np.array([0, 2]), np.array([1])]
    assert [whole.narrow(before, some).fewest for some in moving] == [3, 1, 1]


def narrowed(covariance: CovarianceType = "full") -> tuple[Region, Assessment, Region]:
    """The region of all cells, a mixture, and the region of two of its components, on all cells."""
    whole = region_of(CELLS, covariance)
    gaussians = whole.climb(before_background(0.1), 3)
    before = whole.assess(gaussians)
    return whole, before, whole.narrow(before, np.array([1, 3]), least=-1.0)


def test_what_a_region_gains_the_whole_gains() -> None:
    whole, before, region = narrowed()
    own = before.gaussians.select([1, 3])
    moved = own._replace(means=own.means + 0.3, weights=own.weights[::-1].copy())
    after = whole.assess(replace_some(before.gaussians, [1, 3], moved))
    gain = region.assess(moved).score - region.assess(own).score
    # Differences of totals near a thousand nats keep ten digits.
    assert gain == pytest.approx(after.score - before.score, abs=1e-8)
    fewer = own.select([0]).scale(own.weights.sum() / own.weights[0])
    after = whole.assess(replace_some(before.gaussians, [1, 3], fewer))
    gain = region.assess(fewer).score - region.assess(own).score
    assert gain == pytest.approx(after.score - before.score, abs=1e-8)


def test_a_cell_is_left_out_that_hardly_belongs_to_a_region() -> None:
    whole, before, _ = narrowed()
    region = whole.narrow(before, np.array([1, 3]), least=0.01)
    shares = before.shares[[1, 3]].sum(axis=0)
    np.testing.assert_array_equal(region.inside, np.flatnonzero(shares > 0.01))
    assert 0 < region.n_cells < whole.n_cells
    np.testing.assert_allclose(region.masses, (CELLS.counts * shares)[region.inside])
    np.testing.assert_array_equal(region.points, CELLS.means[region.inside])
    assert region.n_points == CELLS.n_points


def test_a_step_in_a_region_moves_its_components_as_if_the_rest_stayed() -> None:
    whole, before, region = narrowed()
    own = before.gaussians.select([1, 3])
    found = region.step(own)
    shares = before.shares[[1, 3]] * CELLS.counts
    masses, means, covariances = maximize(CELLS.means, shares, CELLS.covariances)
    left = masses - LEAST_MASS
    np.testing.assert_allclose(found.weights, left / left.sum() * own.weights.sum(), rtol=1e-9)
    np.testing.assert_allclose(found.means, means, rtol=1e-9)
    np.testing.assert_allclose(found.covariances, covariances, rtol=1e-8, atol=1e-10)
    assert whole.assess(replace_some(before.gaussians, [1, 3], found)).score > before.score


def test_a_region_keeps_a_covariance_that_is_shared() -> None:
    _, before, region = narrowed("tied")
    found = region.climb(before.gaussians.select([1, 3]), 3)
    for covariance in found.covariances:
        np.testing.assert_allclose(covariance, before.gaussians.covariances[0], rtol=1e-14)


@pytest.mark.parametrize("covariance", COVARIANCE_TYPES)
def test_a_region_keeps_the_type_with_the_components_that_stay(covariance: CovarianceType) -> None:
    _, before, region = narrowed(covariance)
    found = region.climb(before.gaussians.select([1, 3]), 3)
    structure = STRUCTURES[covariance]
    staying = before.gaussians.select([0, 2])
    both = staying.join(found)
    kept = structure.project(both.covariances, both.weights)
    np.testing.assert_allclose(kept, both.covariances, rtol=1e-7, atol=1e-9)
    np.testing.assert_allclose(kept[:2], staying.covariances, rtol=1e-7, atol=1e-9)


@pytest.mark.parametrize("seed", range(3))
def test_steps_never_lower_the_elbo_where_components_have_many_points(seed: int) -> None:
    # What the least mass takes is 2 of 2000 points for each of three components: with it a step
    # maximises the ELBO less 2 log weight for each (Figueiredo & Jain 2002, equation 15).
    mixture = random_mixture(3, seed)
    region = region_of(cells_of(sampled(mixture, 2000)))
    gaussians, values = Gaussians.of(random_mixture(3, seed + 10)), list[float]()
    for _ in range(15):
        found = region.assess(gaussians)
        values.append(
            float(region.counts @ found.logs) - LEAST_MASS * np.log(gaussians.weights).sum()
        )
        gaussians = region.step(gaussians)
        if gaussians.number < 3:
            break
    assert np.diff(values).min() > -1e-6


def test_a_pass_has_every_number_below_its_start_down_to_the_fewest() -> None:
    region = region_of(cells_of(sampled(spread_clusters(6), 1200)))
    begin = Gaussians.of(spread_clusters(20))._replace(means=sampled(spread_clusters(6), 20, 1))
    found = list(region.descend(begin, 2))
    numbers = [each.gaussians.number for each in found]
    assert numbers[0] == 20
    assert numbers[-1] == 2
    assert numbers == sorted(set(numbers), reverse=True)
    # A step may annihilate a component; from the truth on there is none so small.
    assert set(range(2, 7)) <= set(numbers)
    best = max(found, key=lambda each: each.score)
    assert best.gaussians.number == 6
    for each in found:
        assert each.gaussians.weights.sum() == pytest.approx(1)


def test_a_pass_over_many_components_takes_several_at_a_time_and_one_of_few() -> None:
    true = spread_clusters(36)
    region = region_of(cells_of(sampled(true, 3600)))
    numbers = [each.gaussians.number for each in region.descend(Gaussians.of(true), 25)]
    assert numbers == [36, 34, 32, 30, 29, 28, 27, 26, 25]


def test_a_pass_that_begins_with_the_fewest_only_looks() -> None:
    region = region_of(CELLS)
    (only,) = region.descend(Gaussians.of(MIXTURE), 4)
    np.testing.assert_array_equal(only.gaussians.means, MIXTURE.means)


def gains_by_brute_force(region: Region, before: Assessment) -> tuple[FloatArray, FloatArray]:
    """What every merge of two and every omission of one brings to the objective."""
    gaussians = before.gaussians
    merges, omissions = list[float](), list[float]()
    for one, other in zip(*(pair.tolist() for pair in EVERY_PAIR), strict=True):
        merged = merge_pairs(gaussians, np.array([one]), np.array([other]))
        after = region.assess(replace_some(gaussians, [one, other], merged))
        merges.append(after.score - before.score)
    for k in range(4):
        left = gaussians.select([j for j in range(4) if j != k])
        left = left.scale(gaussians.weights.sum() / left.weights.sum())
        after = region.assess(left)
        lost = np.maximum(after.logs - before.logs, np.log(1e-12))  # no point loses more
        saved = region.objective.price(gaussians) - region.objective.price(left)
        omissions.append(float(lost @ region.counts) + saved)
    return np.array(merges), np.array(omissions)


@pytest.mark.parametrize("weight", [0.0, 0.1])
def test_gains_by_merging_and_by_omission_are_those_of_brute_force(weight: float) -> None:
    region = region_of(CELLS)
    before = region.assess(before_background(weight))
    merges, omissions = gains_by_brute_force(region, before)
    merged = merge_pairs(before.gaussians, *EVERY_PAIR)
    found = region._gain_by_merging(before, *EVERY_PAIR, merged)
    np.testing.assert_allclose(found, merges, rtol=1e-9, atol=1e-8)
    found = region._gain_by_omission(before, np.arange(4))
    np.testing.assert_allclose(found, omissions, rtol=1e-7)


def test_the_gains_in_a_region_are_those_of_the_whole() -> None:
    whole, before, region = narrowed()
    own = region.assess(before.gaussians.select([1, 3]))
    pair = np.array([0]), np.array([1])
    merged = merge_pairs(own.gaussians, *pair)
    after = whole.assess(replace_some(before.gaussians, [1, 3], merged))
    (found,) = region._gain_by_merging(own, *pair, merged)
    assert found == pytest.approx(after.score - before.score, abs=1e-8)


@pytest.mark.parametrize("seed", range(4))
def test_the_way_is_taken_that_loses_least(seed: int) -> None:
    mixture = random_mixture(4, seed, spread=3.0)
    region = region_of(cells_of(sampled(mixture, 600, seed)))
    before = region.assess(Gaussians.of(mixture))
    merges, omissions = gains_by_brute_force(region, before)
    best = max(merges.max(), omissions.max())
    found = region.assess(region.reduce(before, 1))
    assert found.gaussians.number == 3
    assert found.score - before.score == pytest.approx(best, abs=1e-8)


def test_a_wide_component_over_tight_ones_is_left_out_rather_than_merged() -> None:
    tight = Mixture(
        np.full(2, 0.5), np.array([[-5.0, 0], [5, 1]]), np.tile(0.1 * np.eye(2), (2, 1, 1))
    )
    region = region_of(cells_of(sampled(tight, 2000)))
    wide = Gaussians(np.array([0.02]), np.zeros((1, 2)), 30 * np.eye(2)[None])
    three = Gaussians.of(tight).scale(0.98).join(wide)
    found = region.reduce(region.assess(three), 1)
    np.testing.assert_array_equal(found.means, tight.means)
    np.testing.assert_allclose(found.weights, tight.weights)


def test_several_at_once_take_no_component_twice() -> None:
    true = touching_clusters(9, seed=2)
    region = region_of(cells_of(sampled(true, 900)))
    twice = Gaussians.of(true).scale(0.5).join(Gaussians.of(true).scale(0.5))
    found = region.reduce(region.assess(twice), 9)
    assert found.number == 9
    assert found.weights.sum() == pytest.approx(1)
    # Every pair of equal components becomes one of them again, at no loss.
    left = Mixture(found.weights, found.means, found.covariances)
    assert n_missed(left, true) == 0


def test_shared_covariances_stay_shared_when_components_are_merged() -> None:
    region = region_of(CELLS, "tied")
    before = region.assess(region.step(Gaussians.of(MIXTURE)))
    found = region.reduce(before, 2)
    for covariance in found.covariances:
        np.testing.assert_allclose(covariance, before.gaussians.covariances[0], rtol=1e-14)


def test_the_least_loss_is_that_of_one_component_less_after_its_steps() -> None:
    true = spread_clusters(3)
    region = region_of(cells_of(sampled(true, 600)))
    before = region.assess(region.climb(Gaussians.of(true), 5))
    fewer = [each for each in region.descend(before.gaussians, 2) if each.gaussians.number == 2]
    loss = region.find_least_loss(before)
    assert loss == pytest.approx(before.score - fewer[0].score)
    assert loss > 100
    assert region.find_least_loss(region.assess(Gaussians.of(spread_clusters(1)))) == np.inf


def test_a_small_component_settles_or_is_annihilated() -> None:
    points = sampled(random_mixture(1, seed=0), 300)
    region = region_of(cells_of(points))
    for k in range(0, 300, 30):  # a component that closes in on a point, and holds a few
        close = Gaussians(np.array([5 / 300]), points[k : k + 1], 0.01 * np.eye(2)[None])
        both = Gaussians.of(random_mixture(1, seed=0)).scale(295 / 300).join(close)
        settled = region.settle(both, 1, settled=1e-3)
        after = region.step(settled)
        small = settled.weights * 300 < 4 * LEAST_MASS
        assert after.number == settled.number or not small.any()
        lost = (settled.weights - after.weights)[small] * 300
        assert (lost < 2e-3).all()


def test_the_weight_of_a_background_settles_at_the_share_of_strays() -> None:
    points = np.concatenate(
        [
            sampled(random_mixture(1, seed=0), 400),
            np.random.default_rng(0).uniform(-40, 40, (40, 2)),
        ]
    )
    region = Region.of(
        cells_of(points), Objective.of("bic", "full", 440.0), log_uniform=-2 * np.log(80)
    )
    begin = Gaussians.of(random_mixture(1, seed=0)).scale(0.5)._replace(background=0.5)
    found = region.climb(begin, 30)
    # Of 40 strays in 6,400 units of area, about one lies within the 25 of the component.
    assert found.background == pytest.approx(40 / 440, abs=4 / 440)
    assert found.background + found.weights.sum() == pytest.approx(1)


def test_logs_of_a_region_count_from_what_was_there() -> None:
    _, before, region = narrowed()
    own = region.assess(before.gaussians.select([1, 3]))
    np.testing.assert_allclose(own.logs, 0, atol=1e-9)
    np.testing.assert_allclose(own.shares, before.shares[[1, 3]], atol=1e-9)
    assert region.log_rest is not None
    rest = 1 - before.shares[[1, 3]].sum(axis=0)
    np.testing.assert_allclose(np.exp(region.log_rest), rest, atol=1e-12)
