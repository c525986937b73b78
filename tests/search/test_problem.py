"""The data as a search sees them: units, what rounding hides, few cells, and the background."""

import numpy as np
import pytest
from builders import (
    cells_of,
    choose,
    fit,
    gaussian,
    mixture_of,
    n_missed,
    over_background,
    random_mixture,
    sampled,
    spread_clusters,
    touching_clusters,
)

from gmmcli.core.cells.cells import Cells
from gmmcli.core.cells.grain import Grain, find_grain
from gmmcli.core.cells.tree import merge_cells
from gmmcli.core.mixture.covariances import FloatArray
from gmmcli.core.mixture.gaussians import Gaussians
from gmmcli.core.mixture.sampling import ARTICLE
from gmmcli.core.mixture.structures import STRUCTURES, count_parameters
from gmmcli.core.search.constants import PATIENCE, SHARE
from gmmcli.core.search.criteria import Criteria
from gmmcli.core.search.hooks import Hooks
from gmmcli.core.search.problem import Problem, count_few, find_box, merge_levels
from gmmcli.core.search.regions import Bounds
from gmmcli.settings import (
    COVARIANCE_TYPES,
    Choice,
    CovarianceType,
    CriterionName,
    Effort,
    FitSettings,
)

CONTINUOUS = Grain(np.zeros(2), 1.0)
POINTS = sampled(ARTICLE, 400)


def problem_of(
    cells: Cells,
    settings: FitSettings | None = None,
    criterion: CriterionName = "bic",
    *,
    grain: Grain = CONTINUOUS,
    few: int | None = None,
) -> Problem:
    """The problem of some cells whose points are continuous."""
    return Problem(cells, grain, settings or FitSettings(), criterion, few)


def test_the_box_of_points_has_all_of_them() -> None:
    lowest, highest = find_box(cells_of(POINTS))
    np.testing.assert_array_equal(lowest, POINTS.min(axis=0))
    np.testing.assert_array_equal(highest, POINTS.max(axis=0))


def test_the_box_of_a_cell_is_where_evenly_spread_points_of_its_variance_lie() -> None:
    # Points between -2 and 2 have the variance 4²/12.
    spread = np.diag([4.0**2 / 12, 0.0])
    lowest, highest = find_box(Cells(np.array([9.0]), np.array([[1.0, 5.0]]), spread[None]))
    np.testing.assert_allclose([lowest, highest], [[-1, 5], [3, 5]])


@pytest.mark.parametrize("covariance", COVARIANCE_TYPES)
def test_the_background_is_as_dense_as_one_point_in_the_box(covariance: CovarianceType) -> None:
    problem = problem_of(cells_of(POINTS), FitSettings(covariance=covariance))
    area = np.prod(np.ptp(POINTS, axis=0))
    in_data_units = problem.log_uniform + problem.whitening.log_volume
    assert in_data_units == pytest.approx(-np.log(area))
    assert problem.background is not None
    assert problem.background.weight == 0
    assert problem.background.contains(problem.few_cells.means).all()


def test_points_on_a_line_along_an_axis_have_no_background() -> None:
    line = POINTS * [1, 0]
    problem = problem_of(cells_of(line))
    assert problem.background is None
    best = problem.region.assess(Gaussians.of(spread_clusters(1)))
    assert problem.add_background(best, Bounds()) is None


@pytest.mark.parametrize("covariance", COVARIANCE_TYPES)
def test_no_covariance_is_less_than_what_rounding_hides(covariance: CovarianceType) -> None:
    steps = np.array([0.5, 0.25])
    grain = find_grain(cells_of(np.round(POINTS / steps) * steps))
    problem = problem_of(cells_of(POINTS), FitSettings(covariance=covariance), grain=grain)
    inverse = np.linalg.inv(problem.whitening.matrix)
    least = inverse @ problem.least @ inverse.T
    hidden = np.diag(steps**2 / 12)
    if not STRUCTURES[covariance].is_round:  # and a floor of a ten-thousandth of a thousandth
        np.testing.assert_allclose(least, hidden, rtol=1e-4, atol=1e-6)
    else:
        np.testing.assert_allclose(least, hidden[0, 0] * np.eye(2), rtol=1e-4)


def test_the_floor_is_a_share_of_the_deviation() -> None:
    problem = problem_of(cells_of(POINTS), FitSettings(floor=1e-2))
    np.testing.assert_allclose(problem.least, 1e-4 * np.eye(2), rtol=1e-9)


def test_points_count_by_what_they_are_worth() -> None:
    problem = problem_of(cells_of(POINTS, np.full(400, 3.0)), grain=Grain(np.zeros(2), 0.25))
    assert problem.objective.n_points == pytest.approx(300)
    np.testing.assert_allclose(problem.region.counts, 0.75)
    assert problem.objective.of_parameter == pytest.approx(np.log(300) / 2)


@pytest.mark.parametrize("covariance", COVARIANCE_TYPES)
def test_thin_is_against_the_narrowest_extent_of_the_data(covariance: CovarianceType) -> None:
    points = POINTS * [1.0, 1e-3]
    problem = problem_of(cells_of(points), FitSettings(covariance=covariance))
    variances = np.linalg.eigvalsh(problem.few_cells.covariance())
    assert problem.objective.narrowest == pytest.approx(variances[0], rel=1e-3)
    if covariance in ("full", "tied"):
        assert problem.objective.narrowest == pytest.approx(1)


def test_few_cells_become_more_and_at_last_all() -> None:
    cells = cells_of(sampled(ARTICLE, 5000))
    whitening = problem_of(cells).whitening
    levels = merge_levels(cells, whitening, 100, more=4.5)
    numbers = [level.n_cells for level in levels]
    assert numbers[0] <= 100
    assert numbers[-1] == 5000
    assert (np.array(numbers[1:]) <= 4.6 * np.array(numbers[:-1])).all()
    assert numbers == sorted(numbers)
    for level in levels:
        assert level.n_points == pytest.approx(5000)
        np.testing.assert_allclose(level.mean(), 0, atol=1e-9)
        np.testing.assert_allclose(level.covariance(), np.eye(2), atol=1e-9)


@pytest.mark.parametrize("few", [None, 400, 1000])
def test_cells_that_are_few_are_all_used(few: int | None) -> None:
    problem = problem_of(cells_of(POINTS), few=few)
    assert [level.n_cells for level in problem.levels] == [400]
    assert not problem.has_more_cells


def test_more_components_ask_for_more_cells() -> None:
    assert count_few(1) == count_few(9) == 4096
    assert count_few(1000) == 40_000


def test_on_other_cells_a_problem_keeps_its_units() -> None:
    cells = cells_of(POINTS)
    problem = problem_of(cells)
    merged = merge_cells(cells, 100)
    assert problem.region.n_cells == 400
    other = problem.on(merged)
    assert other.whitening is problem.whitening
    assert other.region.n_cells == merged.n_cells
    assert problem.region.n_cells == 400


def test_mixtures_become_gaussians_and_back() -> None:
    problem = problem_of(cells_of(POINTS))
    with_background = problem.whitening.whiten(over_background(ARTICLE, 0.2, POINTS))
    for mixture in (problem.whitening.whiten(ARTICLE), with_background):
        back = Gaussians.of(mixture).to_mixture(problem.background)
        np.testing.assert_allclose(back.weights, mixture.weights, rtol=1e-12)
        np.testing.assert_array_equal(back.means, mixture.means)
        assert (back.background is None) == (mixture.background is None)
    back_again = Gaussians.of(with_background).to_mixture(problem.background).background
    assert back_again is not None
    assert with_background.background is not None
    assert back_again.weight == with_background.background.weight
    np.testing.assert_allclose(back_again.edges, with_background.background.edges, atol=1e-9)


@pytest.mark.parametrize("criterion", ["bic", "aic", "icl"])
def test_mixtures_are_compared_by_the_criterion_in_data_units(criterion: CriterionName) -> None:
    problem = problem_of(cells_of(POINTS), FitSettings(floor=1e-7), criterion)
    found = problem.region.assess(Gaussians.of(problem.whitening.whiten(ARTICLE)))
    certain = np.log(ARTICLE.responsibilities(POINTS).max(axis=1)).sum()
    total = float(ARTICLE.log_densities(POINTS).sum())
    expected = Criteria.of(total, count_parameters(2, "full"), 400.0, -float(certain))
    surcharge = 2 * problem.objective.find_excess(found.gaussians)
    expected_value = expected.value(criterion) + surcharge
    assert problem.compare(found) == pytest.approx(expected_value, abs=1e-6)
    assert surcharge == 0


def test_a_stray_costs_no_doubt_that_is_surely_of_the_background() -> None:
    points = np.concatenate([POINTS, [[500.0, 500.0]]])
    problem = problem_of(cells_of(points), FitSettings(floor=1e-7))
    mixture = problem.whitening.whiten(over_background(ARTICLE, 0.01, points))
    found = problem.region.assess(Gaussians.of(mixture))
    last = np.array([0.0] * 400 + [1.0])
    only = problem.on(Cells(last + 1e-12, points, np.zeros((401, 2, 2))))
    assert only.doubt(only.region.assess(found.gaussians)) < 1e-6


@pytest.mark.parametrize("matrix", [[[3.0, 1.0], [-1.0, 0.5]], [[1e9, 2e8], [0, 1e-9]]])
def test_an_affine_map_of_the_data_changes_nothing(matrix: list[list[float]]) -> None:
    points = sampled(touching_clusters(5, seed=5), 1000)
    mapped = points @ np.array(matrix).T
    shift = 2 * len(points) * np.linalg.slogdet(matrix).logabsdet
    settings, choice = FitSettings(), Choice(background="off")
    found, other = (choose(cells_of(each), settings, choice) for each in (points, mapped))
    assert other.mixture.n_components == found.mixture.n_components == 5
    assert other.criteria.bic == pytest.approx(found.criteria.bic + shift, abs=1e-3)
    back = other.mixture.means @ np.linalg.inv(matrix).T
    apart = np.abs(back[:, None] - found.mixture.means).max(axis=2)
    assert apart.min(axis=1).max() < 1e-3


@pytest.mark.parametrize(("covariance", "scales"), [("diag", (1e6, 1e-3)), ("spherical", (50, 50))])
def test_scales_that_a_type_survives_change_nothing(
    covariance: CovarianceType, scales: tuple[float, float]
) -> None:
    points = sampled(touching_clusters(3, seed=2), 450)
    settings = FitSettings(3, covariance=covariance)
    found, other = (fit(cells_of(each), settings) for each in (points, points * scales))
    assert other.elbo == pytest.approx(found.elbo - 450 * np.log(np.prod(scales)), abs=1e-3)


def test_starts_are_drawn_in_units_of_each_axis_too() -> None:
    problem = problem_of(cells_of(POINTS @ np.array([[3.0, 1.0], [0.0, 0.2]])))
    scaled = problem.few_cells.means @ problem._scale_axes().T
    # Only the scales of the axes differ from those of the data, which correlate.
    covariance = cells_of(scaled).covariance()
    assert covariance[0, 0] == pytest.approx(covariance[1, 1])
    (xx, expected), (_, yy) = problem.cells.covariance()
    expected /= np.sqrt(xx * yy)
    assert abs(expected) > 0.5
    assert covariance[0, 1] / covariance[0, 0] == pytest.approx(expected)


@pytest.mark.parametrize("effort", ["quick", "normal", "thorough"])
def test_more_effort_is_more_passes(effort: Effort) -> None:
    cells = cells_of(sampled(spread_clusters(2), 300))
    settings = FitSettings(effort=effort)
    findings = problem_of(cells, settings).search(Bounds(), [], Hooks())
    assert findings.n_passes == 1 + PATIENCE[settings.effort]


def test_what_is_watched_are_the_passes_and_the_elbo_in_data_units() -> None:
    watched: list[tuple[str, int, float]] = []
    hooks = Hooks(watch=lambda *what: watched.append(what))
    problem = problem_of(cells_of(POINTS))
    best = problem.search(Bounds(), [], hooks).best
    assert {what for what, _, _ in watched} == {"search, pass"}
    assert [number for _, number, _ in watched] == list(range(1, len(watched) + 1))
    mixture = problem.whitening.unwhiten(best.gaussians.to_mixture(problem.background))
    # The search sees points with the extent of the floor.
    assert watched[-1][2] == pytest.approx(mixture.log_densities(POINTS).mean(), abs=1e-6)


def test_a_search_that_gets_better_by_insertion_keeps_what_it_inserted() -> None:
    true = mixture_of(
        [0.7, 0.298, 0.002],
        [[0, 0], [8, 0], [0.5, 0.3]],
        [np.eye(2), np.eye(2), 1e-5 * np.eye(2)],
    )
    problem = problem_of(cells_of(sampled(true, 20_000)), few=4096)
    best = problem.search(Bounds(), [], Hooks()).best
    assert best.gaussians.number == 3
    means = problem.whitening.unwhiten(best.gaussians.to_mixture(problem.background)).means
    assert np.linalg.norm(means - true.means[2], axis=1).min() < 0.01


def test_an_insertion_where_no_more_is_allowed_is_paid_for_by_one_less_elsewhere() -> None:
    true = mixture_of(
        [0.498, 0.498, 0.004],
        [[0, 0], [8, 0], [0.5, 0.3]],
        [np.eye(2), np.eye(2), 1e-5 * np.eye(2)],
    )
    points = sampled(true, 10_000)
    problem = problem_of(cells_of(points))
    # Three for the two broad clusters: one of them has two.
    half = mixture_of([0.25, 0.25, 0.5], [[-0.3, 0], [0.3, 0], [8, 0]], [np.eye(2)] * 3)
    begin = Gaussians.of(problem.whitening.whiten(half))
    found = problem.region.assess(problem.region.climb(begin, 10))
    exchanged = problem.insert(problem.few_cells, found, Bounds(3, 3))
    assert exchanged.number == 3
    means = problem.whitening.unwhiten(exchanged.to_mixture(problem.background)).means
    assert np.linalg.norm(means - true.means[2], axis=1).min() < 0.05
    freely = problem.insert(problem.few_cells, found, Bounds(1, 9))
    assert freely.number == 4


def test_nothing_is_exchanged_for_the_only_component() -> None:
    problem = problem_of(cells_of(POINTS))
    found = problem.region.assess(Gaussians.of(spread_clusters(1)))
    assert problem.insert(problem.few_cells, found, Bounds(1, 1)) is found.gaussians


def test_regions_are_solved_anew_with_the_number_held() -> None:
    true = spread_clusters(6)
    problem = problem_of(cells_of(sampled(true, 900)))
    lost = mixture_of(
        true.weights,
        [*true.means[:4], true.means[4:].mean(axis=0), true.means[0] + 0.1],
        [*true.covariances[:4], np.diag([1.0, 20.0]), np.eye(2)],
    )
    begin = problem.region.climb(Gaussians.of(problem.whitening.whiten(lost)), 10)
    found = problem.improve(problem.region.assess(begin))
    mixture = problem.whitening.unwhiten(found.gaussians.to_mixture(problem.background))
    assert mixture.n_components == 6
    assert n_missed(mixture, true) == 0


def with_strays(n_strays: int) -> FloatArray:
    """A round Gaussian of 200 points, and so many strays anywhere in a wide field."""
    strays = np.random.default_rng(1).uniform(-60, 60, (n_strays, 2))
    return np.concatenate([gaussian(200, (0, 0), 1.0, seed=0), strays])


def test_a_background_is_added_where_there_are_strays() -> None:
    problem = problem_of(cells_of(with_strays(12)))
    plain = problem.search(Bounds(), [], Hooks()).best
    before = problem.add_background(plain, Bounds())
    assert before is not None
    assert before.score > plain.score
    assert before.gaussians.number == 1
    # All strays lie farther out than five deviations, or one of them does not.
    assert before.gaussians.background * 212 == pytest.approx(12, abs=1.5)
    total = before.gaussians.weights.sum() + before.gaussians.background
    assert total == pytest.approx(1)


def test_clean_points_have_no_background() -> None:
    problem = problem_of(cells_of(with_strays(0)))
    plain = problem.search(Bounds(), [], Hooks()).best
    assert problem.add_background(plain, Bounds()) is None


def test_a_search_before_a_background_begins_with_its_share() -> None:
    problem = problem_of(cells_of(with_strays(12)))
    findings = problem.search(Bounds(), [], Hooks(), background=SHARE)
    assert findings.best.gaussians.background * 212 == pytest.approx(12, abs=1.5)


def test_the_cells_of_rounded_points_are_as_wide_as_their_step() -> None:
    step = 0.5
    points = np.round(sampled(random_mixture(1, seed=3), 400) / step) * step
    problem = problem_of(cells_of(points), grain=find_grain(cells_of(points)))
    inverse = np.linalg.inv(problem.whitening.matrix)
    features = problem.region.features
    x, y = features[1:3]
    xx, xy, yy = features[3] - x * x, features[4] - x * y, features[5] - y * y
    extents = np.stack([np.stack([xx, xy]), np.stack([xy, yy])]).transpose(2, 0, 1)
    hidden = np.tile(step**2 / 12 * np.eye(2), (400, 1, 1))
    np.testing.assert_allclose(inverse @ extents @ inverse.T, hidden, atol=1e-6)
