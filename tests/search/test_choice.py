"""The choice of the number of components and the covariance type: laws, and known answers."""

from collections.abc import Callable
from itertools import count
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from builders import (
    SAMPLE_DATA,
    cells_of,
    choose,
    fit,
    gaussian,
    hooks_of,
    mixture_of,
    n_missed,
    random_mixture,
    sampled,
    spread_clusters,
    table_of,
    touching_clusters,
)

from gmmcli.core.cells.cells import Cells
from gmmcli.core.cells.checks import check_distinct_points
from gmmcli.core.cells.compression import Compressor, compress
from gmmcli.core.cells.grain import Grain
from gmmcli.core.cells.refinement import Coarseness
from gmmcli.core.mixture.covariances import FloatArray
from gmmcli.core.mixture.gaussians import Gaussians
from gmmcli.core.mixture.mixture import Mixture
from gmmcli.core.mixture.sampling import ARTICLE
from gmmcli.core.runs.result import Fit
from gmmcli.core.search.choice import choose_mixture
from gmmcli.core.search.constants import REACH, TOLERANCE
from gmmcli.core.search.criteria import Candidate, Criteria, Selection
from gmmcli.core.search.hooks import Hooks
from gmmcli.core.search.problem import Problem
from gmmcli.core.search.regions import Bounds
from gmmcli.core.search.status import Status
from gmmcli.errors import TableError
from gmmcli.settings import COVARIANCE_TYPES, Choice, CovarianceType, CriterionName, FitSettings

# Two round clusters, well apart.
TWO = mixture_of([0.6, 0.4], [[0, 0], [6, 2]], [np.eye(2), np.eye(2)])
ONE = mixture_of([1.0], [[1, 2]], [[[2.0, 0.5], [0.5, 1.0]]])


def geyser() -> Cells:
    """The 272 eruptions of Old Faithful, in cells of their own."""
    return cells_of(pd.read_csv(SAMPLE_DATA / "old_faithful.csv").to_numpy(np.float64))


def selection_of(found: Fit) -> Selection:
    """What a fit was chosen from."""
    assert found.selection is not None
    return found.selection


def by_number(found: Fit) -> dict[int, Candidate]:
    """The candidates of a choice among numbers of components."""
    return {each.components: each for each in selection_of(found).candidates}


@pytest.mark.parametrize(
    ("points", "expected"),
    [
        (sampled(ONE, 400), 1),
        (sampled(ARTICLE, 400), 2),
        (sampled(touching_clusters(5, seed=1), 1500), 5),
        (sampled(spread_clusters(12), 1200), 12),
    ],
    ids=["one Gaussian", "the article's", "5 that touch", "12 apart"],
)
def test_the_number_of_components_is_found(points: FloatArray, expected: int) -> None:
    found = choose(cells_of(points), FitSettings(), Choice())
    assert found.mixture.n_components == expected
    assert found.settings.components == expected
    assert found.status is Status.CONVERGED
    assert found.mixture.background is None
    # All numbers from one on to beyond the best have a mixture.
    assert sorted(by_number(found)) == list(range(1, int(1.5 * expected + 3) + 1))


@pytest.mark.parametrize("seed", [0, *(pytest.param(s, marks=pytest.mark.slow) for s in (1, 2))])
@pytest.mark.parametrize("n_clusters", [2, 15])
def test_touching_clusters_are_all_found(n_clusters: int, seed: int) -> None:
    true = touching_clusters(n_clusters, seed)
    cells = cells_of(sampled(true, 200 * n_clusters, seed))
    from_truth = fit(cells, FitSettings(n_clusters), start=true)
    for found in (
        fit(cells, FitSettings(n_clusters)),
        choose(cells, FitSettings(), Choice()),
    ):
        assert n_missed(found.mixture, true) == 0
        assert found.mixture.n_components == n_clusters
        assert found.elbo > from_truth.elbo - 1e-3


def test_old_faithful_has_three_tied_components_as_mclust_says() -> None:
    # mclust 6 chooses EEE with three components; its BIC, with the other sign, is -2314.3.
    choice = Choice(1, 4, goes_on=False, covariances=COVARIANCE_TYPES)
    found = choose(geyser(), FitSettings(), choice)
    assert (found.settings.components, found.settings.covariance) == (3, "tied")
    assert found.criteria.bic == pytest.approx(2314.3, abs=0.05)
    selection = selection_of(found)
    # A single component is full, diagonal or round, whatever else a type says.
    assert len(selection.candidates) == 3 + 3 * len(COVARIANCE_TYPES)
    alone = [each.covariance for each in selection.candidates if each.components == 1]
    assert alone == ["full", "diag", "spherical"]
    assert selection.winner.criteria == found.criteria
    assert selection.winner.components == 3
    types = [each.covariance for each in selection.candidates]
    assert types == sorted(types, key=COVARIANCE_TYPES.index)


@pytest.mark.parametrize("n_rows", range(2, 10))
@pytest.mark.parametrize("covariances", [("full", "tied"), COVARIANCE_TYPES], ids=["two", "all"])
def test_types_are_chosen_among_however_few_rows_there_are(
    n_rows: int, covariances: tuple[CovarianceType, ...]
) -> None:
    points = np.random.default_rng(0).normal(size=(n_rows, 2))
    found = choose(cells_of(points), FitSettings(), Choice(covariances=covariances))
    told = {(each.covariance, each.components) for each in selection_of(found).candidates}
    # One component of a type has a candidate; more have one where the first type has as many.
    alone = {(each, 1) for each in ("full", "diag", "spherical") if each in covariances}
    assert alone <= told
    assert {n for _, n in told} == {n for each, n in told if each == "full"}


@pytest.mark.parametrize("criterion", ["bic", "aic", "icl"])
def test_the_chosen_one_has_the_lowest_value(criterion: CriterionName) -> None:
    found = choose(geyser(), FitSettings(), Choice(1, 5, goes_on=False, criterion=criterion))
    selection = selection_of(found)
    values = [selection.value(candidate) for candidate in selection.candidates]
    assert selection.value(selection.winner) == min(values)
    assert selection.winner.criteria == found.criteria
    assert selection.winner.components == found.mixture.n_components
    assert selection.lead == sorted(values)[1] - min(values)
    assert selection.criterion == criterion


def test_icl_chooses_components_that_do_not_overlap() -> None:
    overlapping = mixture_of(
        [0.5, 0.5], [[0, 0], [0, 0]], [np.diag([9.0, 0.25]), np.diag([0.25, 9.0])]
    )
    cells = cells_of(sampled(overlapping, 600))
    bic, icl = (
        choose(cells, FitSettings(), Choice(1, 3, False, criterion=criterion))
        for criterion in ("bic", "icl")
    )
    assert bic.mixture.n_components == 2
    assert icl.criteria.icl <= bic.criteria.icl
    figures = by_number(icl)
    assert min(figures, key=lambda number: figures[number].criteria.icl) == icl.mixture.n_components


def test_aic_chooses_no_fewer_components_than_bic() -> None:
    cells = cells_of(sampled(random_mixture(4, seed=2), 300))
    bic, aic = (
        choose(cells, FitSettings(), Choice(1, 6, False, criterion=criterion))
        for criterion in ("bic", "aic")
    )
    assert aic.mixture.n_components >= bic.mixture.n_components
    assert aic.criteria.aic <= bic.criteria.aic + 1e-6


def test_candidates_near_the_best_have_climbed_and_others_are_preliminary() -> None:
    found = choose(cells_of(sampled(ARTICLE, 400)), FitSettings(), Choice(1, 6, goes_on=False))
    selection = selection_of(found)
    lowest = selection.value(selection.winner)
    statuses = {each.status for each in selection.candidates}
    assert statuses == {Status.CONVERGED, Status.PRELIMINARY}
    for candidate in selection.candidates:
        behind = selection.value(candidate) - lowest
        if behind > REACH + 1:  # what few cells tell may be wrong by as much at the most
            assert candidate.status is Status.PRELIMINARY
        if behind < REACH - 1:
            assert candidate.status is Status.CONVERGED


@pytest.mark.parametrize(
    "points",
    [
        sampled(ARTICLE, 400),
        sampled(touching_clusters(4, seed=3), 400),
        sampled(random_mixture(4, seed=7, spread=3.0), 300),
        np.round(sampled(TWO, 300), 1),
        np.random.default_rng(0).uniform(0, 1, (200, 2)),
    ],
    ids=["the article's", "4 that touch", "4 at random", "rounded", "uniform"],
)
def test_a_number_that_is_given_has_the_mixture_that_is_told_of_in_the_choice(
    points: FloatArray,
) -> None:
    cells = cells_of(points)
    chosen = choose(cells, FitSettings(), Choice(1, 4, goes_on=False, background="off"))
    for number, candidate in by_number(chosen).items():
        alone = fit(cells, FitSettings(number))
        if candidate.status is Status.CONVERGED:
            assert candidate.log_likelihood == pytest.approx(alone.elbo, abs=0.25)
        else:  # that of a pass, compared with the chosen one by points as wide as their rounding
            assert candidate.log_likelihood < alone.elbo + 0.5


def test_figures_of_candidates_are_of_their_log_likelihoods() -> None:
    cells = geyser()
    found = choose(cells, FitSettings(), Choice(1, 5, goes_on=False))
    for candidate in selection_of(found).candidates:
        n_free = 6 * candidate.components - 1
        assert candidate.parameters == n_free
        figures = Criteria.of(candidate.log_likelihood, n_free, 272.0, 0.0)
        assert candidate.criteria.bic == pytest.approx(figures.bic, abs=1e-6)
        assert candidate.criteria.aic == pytest.approx(figures.aic, abs=1e-6)
        assert candidate.criteria.icl >= candidate.criteria.bic
        assert candidate.background == 0


@pytest.mark.parametrize(("fewest", "most"), [(2, 3), (3, 6), (4, 4)])
def test_a_range_is_kept(fewest: int, most: int) -> None:
    cells = cells_of(sampled(touching_clusters(4, seed=3), 800))
    found = choose(cells, FitSettings(), Choice(fewest, most, goes_on=False))
    assert found.mixture.n_components == min(max(4, fewest), most)
    if fewest == most:
        assert found.selection is None
        return
    assert sorted(by_number(found)) == list(range(fewest, most + 1))


def test_a_choice_that_goes_on_finds_more_than_its_range_has() -> None:
    cells = cells_of(sampled(spread_clusters(6), 600))
    assert choose(cells, FitSettings(), Choice(1, 3)).mixture.n_components == 6
    held = choose(cells, FitSettings(), Choice(1, 3, goes_on=False))
    assert held.mixture.n_components == 3


def test_a_range_holds_no_more_components_than_points() -> None:
    cells = cells_of(sampled(ONE, 5))
    with pytest.raises(TableError, match="5 distinct points cannot hold 8 components"):
        choose(cells, FitSettings(), Choice(1, 8, goes_on=False))
    assert choose(cells, FitSettings(), Choice()).mixture.n_components == 1
    check_distinct_points(cells, 5)


@pytest.mark.parametrize("n_points", [1, 2, 3, 7])
def test_very_few_points_are_one_component(n_points: int) -> None:
    points = np.random.default_rng(n_points).normal(size=(max(n_points, 2), 2))[:n_points]
    if n_points == 1:
        with pytest.raises(TableError, match="variance"):
            choose(cells_of(points), FitSettings(), Choice())
        return
    found = choose(cells_of(points), FitSettings(), Choice())
    assert found.mixture.n_components == 1
    assert found.status is Status.CONVERGED


@pytest.mark.parametrize("n_groups", [1, 2])
def test_points_on_a_line_are_grouped_along_it(n_groups: int) -> None:
    places = np.random.default_rng(0).normal(size=300) + 10 * (np.arange(300) % n_groups)
    line = cells_of(np.stack([places, 2 * places + 1], axis=1))
    found = choose(line, FitSettings(), Choice())
    assert found.mixture.n_components == n_groups
    assert len(found.floored) == n_groups


def test_strays_are_of_a_background_and_do_not_hide_the_groups() -> None:
    strays = np.array([[60.0, -40.0], [-50.0, 70.0], [80.0, 80.0]])
    points = np.concatenate([sampled(TWO, 500), strays])
    found = choose(cells_of(points), FitSettings(), Choice())
    assert found.mixture.n_components == 2
    background = found.mixture.background
    assert background is not None
    assert background.weight * 503 == pytest.approx(3, abs=0.5)
    np.testing.assert_allclose(background.box, np.stack([points.min(0), points.max(0)], axis=1))
    assert found.background_gain > 0
    assert all(each.background > 0 for each in selection_of(found).candidates)
    assert selection_of(found).winner.parameters == 12


@pytest.mark.parametrize("n_strays", [5, 8])
def test_strays_near_each_other_are_a_group(n_strays: int) -> None:
    random = np.random.default_rng(0)
    near = random.normal([40, 30], 0.8, (n_strays, 2))
    points = np.concatenate([random.normal(size=(500, 2)), near])
    found = choose(cells_of(points), FitSettings(), Choice())
    assert found.mixture.n_components == 2
    assert found.mixture.background is None
    assert found.mixture.weights.min() * len(points) == pytest.approx(n_strays, abs=0.1)


def test_a_background_is_taken_off_or_on_as_is_asked() -> None:
    strays = np.array([[60.0, -40.0], [-50.0, 70.0], [80.0, 80.0]])
    points = np.concatenate([sampled(TWO, 500), strays])
    without = choose(cells_of(points), FitSettings(), Choice(background="off"))
    assert without.mixture.background is None
    assert without.background_gain > 10
    clean = cells_of(sampled(TWO, 400))
    forced = choose(clean, FitSettings(), Choice(background="on"))
    assert forced.mixture.n_components == 2
    background = forced.mixture.background
    assert background is not None
    assert background.weight < 0.05
    assert forced.background_gain < 0
    plain = choose(clean, FitSettings(), Choice())
    assert plain.mixture.background is None
    assert plain.background_gain < 0


def test_one_search_has_all_covariance_types() -> None:
    round_ones = mixture_of([0.5, 0.5], [[0, 0], [7, 0]], [np.eye(2), 4 * np.eye(2)])
    cells = cells_of(sampled(round_ones, 600))
    choice = Choice(1, 4, goes_on=False, covariances=COVARIANCE_TYPES)
    found = choose(cells, FitSettings(), choice)
    assert (found.settings.components, found.settings.covariance) == (2, "spherical")
    selection = selection_of(found)
    for covariance in COVARIANCE_TYPES:
        own = choose(cells, FitSettings(covariance=covariance), Choice(1, 4, False, (covariance,)))
        best = min(selection.value(c) for c in selection.candidates if c.covariance == covariance)
        alone = selection_of(own).value(selection_of(own).winner)
        if best < selection.value(selection.winner) + REACH:
            assert best == pytest.approx(alone, abs=1)
        else:  # of types far behind less is known, but that they are so
            assert selection.value(selection.winner) + REACH < alone < best + 1


def test_equal_seeds_search_alike(article: Cells) -> None:
    first, second = (choose(article, FitSettings(seed=3), Choice()) for _ in range(2))
    np.testing.assert_array_equal(first.history.means, second.history.means)
    assert selection_of(first) == selection_of(second)


@pytest.mark.slow
def test_many_rows_are_chosen_from_by_all_that_their_cells_say(work: Path) -> None:
    true = touching_clusters(4, seed=3)
    points = sampled(true, 60_000)
    pd.DataFrame(points, columns=["x", "y"]).to_parquet(work / "d.parquet")
    compressor = Compressor(compress(table_of(work / "d.parquet"), most_cells=1_000_000))
    cells = compressor.compression.cells
    assert cells.n_cells < len(points) / 2
    found = choose(cells, FitSettings(), Choice(), hooks=hooks_of(compressor))
    assert n_missed(found.mixture, true) == 0
    assert found.mixture.n_components == 4
    # BIC is that of the points, as far as the gap can be estimated.
    exact = float(found.mixture.log_densities(points).sum())
    bic = 23 * np.log(len(points)) - 2 * exact
    gap = found.cost.gap * len(points)
    assert found.criteria.bic == pytest.approx(bic, abs=0.1 * gap)


def test_cells_are_cut_for_the_best_and_others_are_compared_on_them() -> None:
    fine = cells_of(sampled(touching_clusters(3, seed=0), 6000))
    coarse = fine.merge(np.unique(np.round(fine.means / 2), axis=0, return_inverse=True)[1].ravel())
    asked: list[Mixture] = []

    def cut(coarseness: Coarseness) -> Cells:
        asked.append(coarseness.mixture)
        return fine

    hooks = Hooks(cut, grain=Grain(np.zeros(2), 1.0))
    found = choose(coarse, FitSettings(), Choice(1, 4, goes_on=False), hooks=hooks)
    assert asked
    assert found.cells is fine
    assert found.mixture.n_components == 3
    assert found.history.n_cells[-1] == 6000
    total = found.mixture.log_densities(fine.means).sum()
    assert found.elbo == pytest.approx(total, rel=1e-9)
    # A few cells do not know what the points say: all that is told is on the fine ones.
    for candidate in selection_of(found).candidates:
        alone = fit(fine, FitSettings(candidate.components))
        assert candidate.log_likelihood < alone.elbo + 0.1


@pytest.mark.parametrize("last", [0, 3, 10])
def test_an_interrupt_keeps_the_best_so_far(last: int) -> None:
    calls = count()
    hooks = Hooks(interrupted=lambda: next(calls) > last)
    found = choose(cells_of(sampled(ARTICLE, 400)), FitSettings(), Choice(), hooks=hooks)
    assert found.status is Status.INTERRUPTED
    assert found.mixture.n_components == 2
    assert selection_of(found).winner.status is Status.INTERRUPTED
    others = [c.status for c in selection_of(found).candidates if c.components != 2]
    assert set(others) <= {Status.PRELIMINARY}


@pytest.mark.parametrize("share", [0.3, 0.6, 0.95])
def test_a_late_interrupt_is_one_too(share: float) -> None:
    cells = cells_of(sampled(ARTICLE, 400))
    settings = FitSettings(optimizer="adam", learning_rate=0.1, steps=100)
    calls = count()

    def is_after(last: float) -> Hooks:
        return Hooks(interrupted=lambda: next(calls) > last)

    choose(cells, settings, Choice(), hooks=is_after(np.inf))
    n_calls, calls = next(calls), count()
    found = choose(cells, settings, Choice(), hooks=is_after(share * n_calls))
    assert next(calls) < n_calls
    assert found.status in (Status.INTERRUPTED, Status.STEP_LIMIT, Status.CONVERGED)
    assert found.mixture.n_components == 2


def test_candidates_are_compared_alike_whatever_the_optimizer() -> None:
    settings = FitSettings(optimizer="adam", learning_rate=0.1, steps=5)
    found = choose(geyser(), settings, Choice(1, 3, goes_on=False))
    assert found.status is Status.STEP_LIMIT
    assert selection_of(found).lead is not None
    assert found.mixture.n_components == 2


def with_equal_rows(points: FloatArray, number: int, axes: slice) -> Cells:
    """Cells of points of which so many have the first one's values on some axes."""
    points = points.copy()
    points[:number, axes] = points[0, axes]
    distinct, counts = np.unique(points, axis=0, return_counts=True)
    return cells_of(distinct, counts)


@pytest.mark.parametrize("axes", [slice(0, 2), slice(0, 1)], ids=["one value", "a line"])
def test_a_value_that_many_rows_share_is_a_component(axes: slice) -> None:
    cells = with_equal_rows(sampled(TWO, 2000), 300, axes)
    found = choose(cells, FitSettings(), Choice(1, 4, goes_on=False))
    assert found.mixture.n_components == 3
    assert len(found.floored) == 1
    assert found.mixture.weights[found.floored[0]] == pytest.approx(0.15, abs=0.01)


@pytest.mark.parametrize("step", [0.1, 0.5, 1.0, 2.0])
def test_the_values_of_rounded_data_are_no_components(step: float) -> None:
    rounded = np.round(sampled(TWO, 2000) / step) * step
    distinct, counts = np.unique(rounded, axis=0, return_counts=True)
    found = choose(cells_of(distinct, counts), FitSettings(), Choice())
    assert found.mixture.n_components == 2
    assert not found.floored


@pytest.mark.parametrize("step", [0.003, 0.1, 0.6, 1.0])
def test_one_rounded_gaussian_is_one_component(step: float) -> None:
    rounded = np.round(gaussian(600, (0, 0), 1.0, seed=1) / step) * step
    distinct, counts = np.unique(rounded, axis=0, return_counts=True)
    assert choose(cells_of(distinct, counts), FitSettings(), Choice()).mixture.n_components == 1


@pytest.mark.parametrize("seed", range(3))
def test_copies_of_the_points_of_one_gaussian_are_one_component(seed: int) -> None:
    counts = np.random.default_rng(seed).integers(1, 21, 120)
    found = choose(cells_of(gaussian(120, (0, 0), 1.0, seed), counts), FitSettings(), Choice())
    assert found.mixture.n_components == 1
    assert found.n_effective == pytest.approx(counts.sum() ** 2 / (counts**2).sum())


def test_copies_of_the_rounded_points_of_one_gaussian_are_one_component() -> None:
    points = np.round(gaussian(300, (0, 0), 1.0, seed=1), 2)
    distinct, counts = np.unique(points, axis=0, return_counts=True)
    found = choose(cells_of(distinct, 2 * counts), FitSettings(), Choice())
    assert found.mixture.n_components == 1


@pytest.mark.parametrize(
    "change",
    [lambda points: points[::-1], lambda points: points[:, ::-1], lambda points: -points],
    ids=["rows", "axes", "signs"],
)
def test_the_order_of_rows_and_axes_changes_nothing(
    change: Callable[[FloatArray], FloatArray],
) -> None:
    points = sampled(touching_clusters(4, seed=1), 600)
    found, other = (
        choose(cells_of(each), FitSettings(), Choice()) for each in (points, change(points))
    )
    assert other.mixture.n_components == found.mixture.n_components == 4
    assert other.criteria.bic == pytest.approx(found.criteria.bic, abs=1e-3)


def test_the_search_tells_of_its_passes(article: Cells) -> None:
    found = choose(article, FitSettings(), Choice())
    assert found.search is not None
    assert 3 <= found.search.passes <= 20
    assert 1 <= found.search.returns <= found.search.passes


@pytest.mark.parametrize(
    "word", ["left behind", "on the covariance floor", "on fewer than 6 points"]
)
def test_words_of_earlier_runs_are_known(word: str) -> None:
    assert Status(word) is Status.PRELIMINARY
    with pytest.raises(ValueError, match="no such word"):
        Status("no such word")


def test_a_status_has_a_remedy_where_there_is_one() -> None:
    with_remedy = {status for status in Status if status.remedy}
    assert with_remedy == {Status.STEP_LIMIT, Status.INTERRUPTED}


@pytest.mark.parametrize("factor", [1e-6, 1e6])
def test_the_scale_of_weights_means_nothing(factor: float) -> None:
    points = sampled(touching_clusters(4, seed=7), 400)
    weights = np.random.default_rng(0).uniform(0.5, 2, len(points))
    found, scaled = (
        choose(cells_of(points, each), FitSettings(), Choice())
        for each in (weights, factor * weights)
    )
    assert scaled.mixture.n_components == found.mixture.n_components == 4
    np.testing.assert_allclose(scaled.mixture.means, found.mixture.means, atol=1e-5)
    assert scaled.criteria.bic == pytest.approx(found.criteria.bic, abs=1e-3)


def test_what_a_mixture_loses_in_vain_it_gets_back(monkeypatch: pytest.MonkeyPatch) -> None:
    def leave_one_out(_self: Problem, gaussians: Gaussians, bounds: Bounds) -> Gaussians:
        fewer = max(gaussians.number - 1, bounds.fewest)
        return gaussians.select(list(range(fewer)))

    cells, choice = cells_of(sampled(spread_clusters(5), 6000)), Choice(1, 9)
    before = choose(cells, FitSettings(), choice)
    monkeypatch.setattr(Problem, "shrink", leave_one_out)
    monkeypatch.setattr("gmmcli.core.search.choice.REACH", -np.inf)  # no other may climb
    after = choose(cells, FitSettings(), choice)
    assert after.mixture.n_components == before.mixture.n_components == 5
    assert after.criteria.bic == pytest.approx(before.criteria.bic, abs=1e-3)


def test_the_way_from_a_random_start_is_shown_unless_it_is_not_wanted() -> None:
    cells = cells_of(sampled(random_mixture(3, seed=1), 300))
    shown, hidden = (
        choose_mixture(cells, FitSettings(), Choice(), hooks=Hooks(shows_way=shows))
        for shows in (True, False)
    )
    assert len(shown.states) > len(hidden.states)
    np.testing.assert_array_equal(shown.mixture.means, hidden.mixture.means)
    last = [(state.mixture.means.tolist(), state.elbo) for state in hidden.states]
    told = [(state.mixture.means.tolist(), state.elbo) for state in shown.states]
    assert told[-len(last) :] == last


def test_another_optimum_that_is_nearly_as_good_is_told() -> None:
    """Four clusters at the corners of a square, the same in x and y, are two in two ways."""
    corners = [(0.0, 0.0), (0.0, 6.0), (6.0, 0.0), (6.0, 6.0)]
    points = np.concatenate([gaussian(50, corner, 1.0, n) for n, corner in enumerate(corners)])
    cells = cells_of(np.concatenate([points, points[:, ::-1]]))
    found = fit(cells, FitSettings(2))
    assert found.second is not None
    assert found.second.deficit == pytest.approx(0, abs=2 * TOLERANCE)
    means = found.second.mixture.means
    assert np.abs(found.mixture.means - means).max() > 2
    swapped = means[:, ::-1][np.argsort(means[:, 1])]
    np.testing.assert_allclose(swapped, found.mixture.means, atol=0.01)
    assert fit(cells, FitSettings(4)).second is None
