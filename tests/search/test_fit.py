"""Fits of known data: the optimum, the stop, the floor and the search."""

from dataclasses import replace
from itertools import islice

import numpy as np
import pytest
from builders import (
    SAMPLE_DATA,
    cells_of,
    choose,
    fit,
    gaussian,
    mixture_of,
    over_background,
    random_mixture,
    sampled,
    spread_clusters,
)
from sklearn.mixture import GaussianMixture

from gmmcli.core.cells.cells import Cells, find_whitening
from gmmcli.core.inference.ascent import Ascent
from gmmcli.core.inference.climb import climb
from gmmcli.core.mixture.knowledge import Knowledge, Prior
from gmmcli.core.mixture.mixture import read_mixture
from gmmcli.core.mixture.sampling import ARTICLE
from gmmcli.core.mixture.structures import STRUCTURES
from gmmcli.core.search.constants import TOLERANCE
from gmmcli.core.search.criteria import criteria
from gmmcli.core.search.fit import find_larger, fit_from
from gmmcli.core.search.hooks import Hooks
from gmmcli.core.search.status import Status
from gmmcli.errors import FitError, TableError
from gmmcli.settings import COVARIANCE_TYPES, Choice, CovarianceType, FitSettings


def points_of(cells: Cells) -> np.ndarray:
    return np.repeat(cells.means, cells.counts.astype(int), axis=0)


def test_old_faithful_is_as_good_as_the_best_of_twenty_sklearn_fits(old_faithful: Cells) -> None:
    points = points_of(old_faithful)
    assert len(points) == 272
    best = max(
        GaussianMixture(2, tol=1e-8, reg_covar=1e-9, max_iter=1000, random_state=seed)
        .fit(points)
        .score(points)
        * len(points)
        for seed in range(20)
    )
    result = fit(old_faithful, FitSettings(components=2))
    assert result.status is Status.CONVERGED
    assert result.elbo > best - 1e-4
    # mclust 6.0 gives this BIC, with its sign turned, for the same model.
    assert result.criteria.bic == pytest.approx(2322.192, abs=1e-3)


def test_one_component_more_gains_what_fits_differ_by(old_faithful: Cells) -> None:
    one, two, three = (fit(old_faithful, FitSettings(components=k)) for k in (1, 2, 3))
    gain = find_larger(old_faithful, one.settings, one.mixture)
    # EM on the way there has not settled; and rounded values count with the width of their steps.
    assert gain == pytest.approx(one.criteria.bic - two.criteria.bic, abs=5)
    assert three.criteria.bic > two.criteria.bic
    assert find_larger(old_faithful, two.settings, two.mixture) == 0


def test_the_articles_bad_start_converges_in_under_thirty_steps(article: Cells) -> None:
    start = read_mixture(SAMPLE_DATA / "article_start.json")
    natural = fit(article, FitSettings(covariance="diag"), start=start)
    assert natural.status is Status.CONVERGED
    assert natural.history.last_step < 30
    adam = fit(
        article,
        FitSettings(covariance="diag", optimizer="adam", learning_rate=0.1, steps=150),
        start=start,
    )
    assert adam.status is Status.STEP_LIMIT
    assert adam.history.last_step == 150
    assert adam.elbo == pytest.approx(natural.elbo, abs=1e-4 * 400)

    # Standard errors of components of 200 points, from the truth; overlap hardly widens them.
    found, n = adam.mixture, 200
    variances = np.diagonal(ARTICLE.covariances, axis1=1, axis2=2)
    found_variances = np.diagonal(found.covariances, axis1=1, axis2=2)
    assert (abs(found.means - ARTICLE.means) < 3 * np.sqrt(variances / n)).all()
    assert (abs(found_variances - variances) < 3 * variances * np.sqrt(2 / n)).all()
    assert (abs(found.weights - 0.5) < 3 * np.sqrt(0.25 / 400)).all()


@pytest.mark.parametrize("seed", range(6))
def test_converged_means_that_little_is_left_to_climb(seed: int) -> None:
    cells = cells_of(sampled(random_mixture(4, seed), 500, seed=seed))
    result = fit(cells, FitSettings(components=4))
    assert result.status is Status.CONVERGED
    whitening = find_whitening(cells, "full")
    on = climb(
        cells.whiten(whitening),
        whitening.whiten(result.mixture),
        Ascent("full", "natural", 1.0, whitening.floor() * np.eye(2)),
    )
    # Newton's steps: after twenty nothing is left. The estimate is one; on 40 random problems what
    # was left was at most 1.06 of it.
    elbos = [state.elbo for state in islice(on, 100)]
    assert max(elbos) - elbos[0] < 1.5 * TOLERANCE


@pytest.mark.parametrize("rate", [0.03, 0.1, 0.3])
@pytest.mark.parametrize("seed", [0, pytest.param(1, marks=pytest.mark.slow)])
def test_converged_means_the_same_for_adam(seed: int, rate: float) -> None:
    cells = cells_of(sampled(random_mixture(3, seed), 300, seed=seed))
    settings = FitSettings(components=3, optimizer="adam", learning_rate=rate, steps=600)
    adam = fit(cells, settings, start=random_mixture(3, seed + 10))
    natural = fit(cells, FitSettings(components=3), start=adam.mixture)
    gained = natural.elbo - adam.elbo
    if adam.status is Status.CONVERGED:
        assert gained < 2 * TOLERANCE
    else:
        assert adam.history.last_step == 600
    assert gained > -TOLERANCE


def test_steps_that_stall_begin_anew() -> None:
    """Eleven points whose accelerated steps end on a ridge that plain ones leave."""
    x = [-7.9, -1.1, -4.1, 0, 0, 0, 0, 8, 4.2, -9.5, 9.1]
    y = [1, 3, -3, 3, 3, 0, 3, 3, 0, -3, -2]
    settings = FitSettings(2, "EVE", floor=0.5)
    outcome = fit(cells_of(np.column_stack([x, y])), settings)
    assert outcome.status is Status.CONVERGED
    assert outcome.history.last_step < 200


def test_a_fit_says_how_it_ended(article: Cells) -> None:
    assert fit(article, FitSettings(steps=1)).status is Status.STEP_LIMIT
    assert fit(article, FitSettings(steps=0), start=ARTICLE).history.last_step == 0
    calls: list[int] = []
    stopped = fit(
        article,
        FitSettings(),
        start=ARTICLE,
        hooks=Hooks(
            watch=lambda _what, step, _elbo: calls.append(step),
            interrupted=lambda: len(calls) > 2,
        ),
    )
    assert stopped.status is Status.INTERRUPTED
    assert calls == [0, 1, 2]


def test_a_climb_that_diverges_says_what_to_do(article: Cells) -> None:
    # No rate that may be asked for diverges here.
    ascent = Ascent("full", "adam", 1e300, 1e-10 * np.eye(2))
    cells = article.whiten(find_whitening(article, "full"))
    with pytest.raises(FitError, match="diverged at step 1: lower --learning-rate"):
        list(islice(climb(cells, random_mixture(2, seed=0), ascent), 3))


def test_what_is_watched_is_the_elbo_in_data_units(article: Cells) -> None:
    watched: list[float] = []
    hooks = Hooks(watch=lambda _what, _step, elbo: watched.append(elbo))
    result = fit(article, FitSettings(), start=ARTICLE, hooks=hooks)
    np.testing.assert_allclose(watched, result.history.elbos / 400, rtol=1e-12)


def test_one_component_is_the_sample_mean_and_covariance(article: Cells) -> None:
    mixture = fit(article, FitSettings(components=1)).mixture
    np.testing.assert_allclose(mixture.means[0], article.means.mean(axis=0), rtol=1e-10)
    np.testing.assert_allclose(mixture.covariances[0], np.cov(article.means.T, bias=True))


def test_components_keep_the_numbers_of_their_start_throughout(article: Cells) -> None:
    start, order = random_mixture(3, seed=1), np.array([2, 0, 1])
    result = fit(article, FitSettings(components=3), start=start)
    again = fit(article, FitSettings(components=3), start=start.reorder(order))
    np.testing.assert_allclose(result.history.means[0], start.means, rtol=1e-12)
    np.testing.assert_allclose(again.history.means[0], start.means[order], rtol=1e-12)
    np.testing.assert_allclose(again.mixture.means, result.mixture.means[order], rtol=1e-9)


def test_what_is_searched_for_comes_in_canonical_order_throughout(article: Cells) -> None:
    result = fit(article, FitSettings(components=3))
    assert (np.diff(result.mixture.means[:, 0]) > 0).all()
    np.testing.assert_array_equal(result.history.means[-1], result.mixture.means)


def test_equal_points_count_as_often_as_they_occur() -> None:
    points = sampled(ARTICLE, 100).round(0)
    distinct, counts = np.unique(points, axis=0, return_counts=True)
    assert counts.max() > 1
    merged = fit(cells_of(distinct, counts.tolist()), FitSettings(), start=ARTICLE)
    apart = fit(cells_of(points), FitSettings(), start=ARTICLE)
    assert merged.elbo == pytest.approx(apart.elbo, rel=1e-12)


@pytest.mark.parametrize("direction", [(1.0, 0.0), (0.0, 1.0), (1.0, 2.0), (1e6, 1e-3)])
@pytest.mark.parametrize("covariance", COVARIANCE_TYPES)
def test_the_floor_carries_points_on_a_line(
    direction: tuple[float, float], covariance: CovarianceType
) -> None:
    along = sampled(ARTICLE, 200)[:, :1]
    result = fit(cells_of(along * direction + [3.0, 0.0]), FitSettings(covariance=covariance))
    assert result.status is Status.CONVERGED
    assert np.isfinite(result.elbo)
    structure, on_an_axis = STRUCTURES[covariance], 0.0 in direction
    can_be_thin = on_an_axis and not structure.is_round if structure.is_aligned else True
    expected = (0, 1) if can_be_thin else ()
    assert result.floored == expected


@pytest.mark.parametrize("offset", [1e6, 1e9, 1e12, 1e15])
def test_the_log_likelihood_is_that_of_the_mixture_far_from_zero(offset: float) -> None:
    points = np.concatenate([sampled(ARTICLE, 200), [[20.0, 20.0]] * 5]) + offset
    result = fit(cells_of(points), FitSettings(components=3))
    total = result.mixture.log_densities(points).sum()
    # A mean is off by half the distance between doubles at most, here 1/16 of the least standard
    # deviation, and by chance: each point by less than the square of it.
    step = np.spacing(offset) / np.sqrt(result.mixture.covariances[:, [0, 1], [0, 1]].min())
    assert result.elbo == pytest.approx(total, abs=205 * (step**2 + 1e-10))


@pytest.mark.parametrize("offset", [1e9, 1e14, -1e15, 2.0**55])
def test_two_clusters_are_the_same_far_from_zero(offset: float) -> None:
    generator = np.random.default_rng(1)
    near = np.concatenate([generator.normal(0, 4, (200, 2)), generator.normal(40, 4, (200, 2))])
    near *= np.spacing(offset) / np.spacing(1e14)  # as coarse as doubles at 1e14 are
    there, here = fit(cells_of(near + offset), FitSettings(2)), fit(cells_of(near), FitSettings(2))
    np.testing.assert_allclose(there.mixture.weights, here.mixture.weights, rtol=1e-3)
    # Rounding to 1/256 of a standard deviation moves those of 200 points by far less.
    np.testing.assert_allclose(
        there.mixture.covariances, here.mixture.covariances, atol=1e-3 * near.var()
    )


@pytest.mark.parametrize(("n_points", "number"), [(2, 2), (4, 4), (12, 2), (20, 3), (40, 4)])
def test_a_number_is_held_however_few_points_there_are(n_points: int, number: int) -> None:
    points = np.random.default_rng(n_points).normal(size=(n_points, 2))
    found = fit(cells_of(points), FitSettings(number))
    assert found.status is Status.CONVERGED
    assert found.mixture.n_components == number


def test_points_nearer_than_whitened_units_can_tell_are_fitted() -> None:
    points = np.array([[0.0, 0.0], [1e-200, 0.0], [1.0, 1.0], [2.0, 0.0]])
    assert fit(cells_of(points), FitSettings(components=4)).status is Status.CONVERGED


def test_ctrl_c_is_heard_during_the_search(article: Cells) -> None:
    asked: list[int] = []

    def interrupted() -> bool:
        asked.append(1)
        return len(asked) >= 5

    result = fit(article, FitSettings(components=5), hooks=Hooks(interrupted=interrupted))
    assert result.status is Status.INTERRUPTED
    assert len(asked) < 12  # of about a hundred steps


def test_fewer_distinct_points_than_components_are_refused() -> None:
    with pytest.raises(TableError, match="2 distinct points cannot hold 3 components"):
        fit(cells_of(np.array([[0.0, 1.0], [2.0, 3.0]])), FitSettings(components=3))


def test_a_component_without_weight_stays_without(article: Cells) -> None:
    start = ARTICLE.to_json() | {"weights": [1.0, 0.0]}
    result = fit(article, FitSettings(), start=ARTICLE.from_json(start))
    assert sorted(result.mixture.weights) == [0.0, 1.0]


def test_the_same_seed_gives_the_same_fit(article: Cells) -> None:
    first, second = (fit(article, FitSettings(components=3, seed=5)) for _ in range(2))
    np.testing.assert_array_equal(first.history.elbos, second.history.elbos)


def test_criteria_agree_with_sklearn(article: Cells) -> None:
    model = GaussianMixture(2, tol=1e-10, max_iter=1000, random_state=0).fit(article.means)
    result = fit(article, FitSettings())
    assert result.criteria.bic == pytest.approx(model.bic(article.means), abs=1e-3)
    assert result.criteria.aic == pytest.approx(model.aic(article.means), abs=1e-3)
    certain = model.predict_proba(article.means).max(axis=1)
    icl = model.bic(article.means) - 2 * np.log(certain).sum()
    # ICL moves to first order with what either fit has left to climb; the others to second.
    assert result.criteria.icl == pytest.approx(icl, abs=0.1)
    assert criteria(article, result.mixture, result.elbo, "full") == result.criteria


def test_a_component_on_the_floor_does_not_keep_the_others_from_converging() -> None:
    points = 2 * np.random.default_rng(3).normal(size=(2000, 2))
    points[:500] = points[0]
    found = fit(cells_of(points), FitSettings(3, covariance="spherical", steps=1000))
    assert found.status is Status.CONVERGED
    assert found.floored
    settings = FitSettings(3, covariance="spherical", steps=100)
    longer = fit(cells_of(points), settings, start=found.mixture)
    assert longer.elbo - found.elbo < TOLERANCE


def test_the_floor_can_be_set() -> None:
    points = sampled(ARTICLE, 400) * [1, 0] + [0, 5]
    found = fit(cells_of(points), FitSettings(1, floor=1e-2))
    thinner, wider = np.sqrt(np.linalg.eigvalsh(found.mixture.covariances[0]))
    assert thinner == pytest.approx(1e-2 * wider, rel=1e-6)


def test_components_of_a_start_that_coincide_are_refused(article: Cells) -> None:
    twice = ARTICLE.to_json() | {
        "weights": [0.3, 0.3, 0.4],
        "means": [[0, 5], [5, 0], [0, 5]],
        "covariances": [[[1, 0], [0, 3]], [[4, 0], [0, 1]], [[1, 0], [0, 3]]],
    }
    with pytest.raises(FitError, match="components 0 and 2 of the start coincide"):
        fit(article, FitSettings(3), start=ARTICLE.from_json(twice))


def test_a_start_is_neither_searched_nor_chosen(article: Cells) -> None:
    found = fit_from(article, FitSettings(2), ARTICLE)
    assert found.search is None
    assert found.selection is None
    assert found.background_gain == -np.inf
    assert not any(state.by_move for state in found.states)
    assert found.seconds > 0


def test_rounded_values_hold_no_component_narrower_than_their_step() -> None:
    step = 0.5
    points = np.round(sampled(ARTICLE, 400) / step) * step
    distinct, counts = np.unique(points, axis=0, return_counts=True)
    most = distinct[np.argmax(counts)]
    start = ARTICLE.to_json() | {
        "weights": [0.45, 0.5, 0.05],
        "means": [*ARTICLE.means.tolist(), most.tolist()],
        "covariances": [*ARTICLE.covariances.tolist(), [[1e-3, 0], [0, 1e-3]]],
    }
    found = fit(cells_of(distinct, counts), FitSettings(3), start=ARTICLE.from_json(start))
    least = step**2 / 12
    assert np.linalg.eigvalsh(found.mixture.covariances).min() > 0.999 * least
    spike = [k for k, each in enumerate(found.mixture.covariances) if each[0, 0] < 1.01 * least]
    assert set(spike) <= set(found.floored)


def test_a_background_keeps_its_place_and_takes_the_strays(article: Cells) -> None:
    strays = np.random.default_rng(0).uniform(-30, 30, (20, 2))
    points = np.concatenate([article.means, strays])
    start = over_background(ARTICLE, 0.3, points)
    found = fit_from(cells_of(points), FitSettings(2), start)
    background = found.mixture.background
    assert background is not None
    # Of 20 strays in an area of 3,600, about two lie where the 400 are.
    assert background.weight * 420 == pytest.approx(20, abs=6)
    lows, highs = background.box.T
    np.testing.assert_allclose(lows, points.min(axis=0), rtol=1e-9)
    np.testing.assert_allclose(highs, points.max(axis=0), rtol=1e-9)
    criteria_of = criteria(cells_of(points), found.mixture, found.elbo, "full")
    assert found.criteria.bic == pytest.approx(criteria_of.bic)
    assert found.criteria.bic == pytest.approx(12 * np.log(420) - 2 * found.elbo, abs=1e-6)


@pytest.mark.parametrize("share", [0.25, 0.5])
def test_copies_count_by_what_they_are_worth_in_the_criteria(share: float) -> None:
    points = sampled(ARTICLE, 200)
    copied = cells_of(points, np.full(200, 1 / share))
    found, alone = (fit(each, FitSettings(2), start=ARTICLE) for each in (copied, cells_of(points)))
    assert found.elbo == pytest.approx(alone.elbo / share, rel=1e-9)
    assert found.n_effective == pytest.approx(200)
    assert found.criteria.bic == pytest.approx(alone.criteria.bic, rel=1e-6)


@pytest.mark.parametrize("far", [1e10, 1e40, 9e74])
def test_a_start_too_far_from_the_points_is_refused(far: float) -> None:
    start = mixture_of([0.5, 0.5], [[far, 0], [far, far]], [np.eye(2)] * 2)
    with pytest.raises(FitError, match="the start is so far from some points that double"):
        fit(cells_of(sampled(ARTICLE, 50)), FitSettings(2), start=start)


def test_a_start_far_out_of_the_data_is_fitted() -> None:
    start = mixture_of([0.5, 0.5], [[0, 0], [1e60, 1e60]], [np.eye(2), 1e-20 * np.eye(2)])
    found = fit(cells_of(sampled(ARTICLE, 50)), FitSettings(2), start=start)
    assert np.isfinite(found.elbo)


@pytest.mark.parametrize("weight", [1e14, 1e100])
def test_a_row_that_outweighs_all_others_is_all_that_is_fitted(weight: float) -> None:
    points, weights = sampled(ARTICLE, 50), np.ones(50)
    weights[3] = weight
    found = choose(cells_of(points, weights), FitSettings(), Choice(1, 5, True))
    np.testing.assert_allclose(found.mixture.means, points[3:4], rtol=1e-9)


@pytest.mark.parametrize("covariance", ["full", "tied", "VEE", "EII"])
def test_components_without_points_stay_where_they_are(covariance: CovarianceType) -> None:
    points = np.concatenate([gaussian(100, (0, 0), 1, 0), gaussian(100, (8, 3), 1, 1)])
    means = np.array([[0.0, 0.0], [8.0, 3.0], [4.0, 200.0], [-1e6, 5.0]])
    start = mixture_of([0.49, 0.49, 0.01, 0.01], means, [np.eye(2)] * 4)
    found = fit(cells_of(points), FitSettings(4, covariance), start=start).mixture
    assert np.allclose(found.weights[2:], 0, atol=1e-9)
    assert np.allclose(found.means[2:], means[2:], rtol=0, atol=1e-12 * 1e6)  # of the farthest


def test_more_components_than_clusters_are_all_among_the_points() -> None:
    points = sampled(spread_clusters(12), 600)
    found = fit(cells_of(points), FitSettings(20)).mixture
    assert (found.means > points.min(axis=0)).all()
    assert (found.means < points.max(axis=0)).all()
    assert found.weights.min() > 0


def test_a_prior_counts_alike_on_few_cells_and_on_all() -> None:
    truth = random_mixture(3, seed=5, spread=4.0)
    cells = cells_of(sampled(truth, 6000))
    known = Knowledge(Prior.of(replace(truth, means=truth.means + 0.5), 2000))
    as_it_is = Hooks(finer=lambda coarseness: coarseness.cells)
    staged, whole = (
        fit_from(cells, FitSettings(3), truth, known, hooks=hooks) for hooks in (as_it_is, None)
    )
    assert staged.states[0].n_cells < staged.states[-1].n_cells == len(cells.counts)
    assert staged.status is whole.status is Status.CONVERGED
    for found in (staged, whole):
        last = found.states[-1]
        assert last.log_prior == pytest.approx(
            known.whiten(found.whitening).evaluate(last.mixture), rel=1e-12
        )
    assert staged.states[-1].log_posterior == pytest.approx(
        whole.states[-1].log_posterior, abs=0.01
    )
    np.testing.assert_allclose(staged.mixture.means, whole.mixture.means, atol=0.02)


def test_a_fit_converges_by_what_it_climbs_even_where_the_elbo_falls() -> None:
    """From the optimum of the points alone, a strong prior leads away and the ELBO down."""
    truth = random_mixture(2, seed=5, spread=4.0)
    cells = cells_of(sampled(truth, 300))
    best = fit_from(cells, FitSettings(2), truth).mixture
    known = Knowledge(Prior.of(replace(truth, means=truth.means + 1.0), 3000))
    found = fit_from(cells, FitSettings(2), best, known)
    assert found.status is Status.CONVERGED
    assert found.states[-1].elbo < found.states[0].elbo - 10
    climbs = np.diff([state.log_posterior for state in found.states])
    assert (climbs > -1e-9).all()
