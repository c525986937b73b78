"""The choice of the number of components and the covariance type: laws, and known answers."""

from dataclasses import replace
from itertools import count
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from builders import (
    ROOT,
    cells_of,
    choose,
    fit,
    mixture_of,
    n_missed,
    sampled,
    spread_clusters,
    touching_clusters,
)

from gmmcli.core.cells.cells import Cells
from gmmcli.core.cells.compression import Compressor, compress
from gmmcli.core.mixture.covariances import FloatArray
from gmmcli.core.mixture.sampling import ARTICLE
from gmmcli.core.search.choice import _compared, _contenders, _enlarged_best
from gmmcli.core.search.fit import Hooks, Problem
from gmmcli.core.search.rounds import Searcher
from gmmcli.core.search.status import Status
from gmmcli.core.tables.source import Source
from gmmcli.core.tables.table import open_table
from gmmcli.errors import TableError
from gmmcli.settings import (
    COVARIANCE_TYPES,
    Choice,
    CriterionName,
    FitSettings,
)

DATA = "sample_data/old_faithful.csv"
# Two round clusters, well apart.
TWO = mixture_of([0.6, 0.4], [[0, 0], [6, 2]], [np.eye(2), np.eye(2)])
ONE = mixture_of([1.0], [[1, 2]], [[[2.0, 0.5], [0.5, 1.0]]])


def old_faithful() -> Cells:
    path = ROOT / DATA
    return cells_of(pd.read_csv(path).to_numpy(np.float64))


@pytest.mark.parametrize(
    ("points", "expected"),
    [
        (sampled(ONE, 400), 1),
        (sampled(ARTICLE, 400), 2),
        (sampled(touching_clusters(5, seed=1), 1500), 5),
        # Beyond the nine that are always tried.
        pytest.param(sampled(spread_clusters(12), 1200), 12, marks=pytest.mark.slow),
    ],
    ids=["one Gaussian", "the article's", "5 that touch", "12 apart"],
)
def test_the_number_of_components_is_found(points: FloatArray, expected: int) -> None:
    found = choose(cells_of(points), FitSettings(), Choice())
    assert found.mixture.n_components == expected
    assert found.settings.components == expected
    assert found.selection is not None
    numbers = [candidate.components for candidate in found.selection.candidates]
    assert numbers == list(range(1, max(9, expected + 3) + 1))


def test_old_faithful_has_three_tied_components_as_mclust_says() -> None:
    # mclust 6 chooses EEE with three components; its BIC, with the other sign, is -2314.3.
    choice = Choice(1, 4, goes_on=False, covariances=COVARIANCE_TYPES)
    found = choose(old_faithful(), FitSettings(), choice)
    assert (found.settings.components, found.settings.covariance) == (3, "tied")
    assert found.criteria.bic == pytest.approx(2314.3, abs=0.05)
    assert found.selection is not None
    assert len(found.selection.candidates) == 15  # one tied component is a full one
    assert found.selection.winner.criteria == found.criteria


@pytest.mark.parametrize("criterion", ["bic", "aic", "icl"])
def test_the_chosen_fit_is_that_of_its_number_of_components(criterion: CriterionName) -> None:
    choice = Choice(1, 4, goes_on=False, criterion=criterion)
    found = choose(old_faithful(), FitSettings(), choice)
    alone = fit(old_faithful(), found.settings)
    assert found.elbo == pytest.approx(alone.elbo, abs=1e-3)
    assert found.selection is not None
    values = [c.criteria.value(criterion) for c in found.selection.candidates if c.is_eligible]
    assert found.criteria.value(criterion) == min(values)
    assert found.selection.lead == sorted(values)[1] - min(values)


def test_candidates_that_are_close_have_climbed_to_their_optimum() -> None:
    cells = cells_of(sampled(ARTICLE, 400))
    found = choose(cells, FitSettings(), Choice(2, 3, goes_on=False, criterion="aic"))
    assert found.selection is not None
    for candidate in found.selection.candidates:
        alone = fit(cells, FitSettings(candidate.components))
        if candidate.status is Status.CONVERGED:
            assert candidate.log_likelihood == pytest.approx(alone.elbo, abs=1e-3)
        else:
            assert candidate.criteria.aic > found.criteria.aic + 2


def test_components_on_few_points_are_not_chosen() -> None:
    close = np.random.default_rng(0).normal(9, 1e-4, (4, 2))
    cells = cells_of(np.concatenate([sampled(ONE, 200), close]))
    found = choose(cells, FitSettings(), Choice(1, 3, goes_on=False))
    assert found.selection is not None
    spurious = [c for c in found.selection.candidates if not c.is_eligible]
    assert spurious
    assert min(c.criteria.bic for c in spurious) < found.criteria.bic
    assert {c.status for c in spurious} <= {Status.ON_FLOOR, Status.ON_FEW}
    assert not found.with_few_points
    assert not found.floored


@pytest.mark.parametrize("n_groups", [1, 2])
def test_points_on_a_line_are_grouped_along_it(n_groups: int) -> None:
    places = np.random.default_rng(0).normal(size=300) + 10 * (np.arange(300) % n_groups)
    line = cells_of(np.stack([places, 2 * places + 1], axis=1))
    found = choose(line, FitSettings(), Choice())
    assert found.mixture.n_components == n_groups
    assert len(found.floored) == n_groups


def test_strays_do_not_hide_the_groups() -> None:
    strays = np.array([[60.0, -40.0], [-50.0, 70.0], [80.0, 80.0]])
    found = choose(cells_of(np.concatenate([sampled(TWO, 500), strays])), FitSettings(), Choice())
    assert found.mixture.n_components == 3
    assert len(found.with_few_points) == 1


@pytest.mark.parametrize("n_strays", [4, 5])
def test_strays_near_each_other_are_a_group(n_strays: int) -> None:
    random = np.random.default_rng(0)
    near = random.normal([40, 30], 0.8, (n_strays, 2))
    points = np.concatenate([random.normal(size=(500, 2)), near])
    found = choose(cells_of(points), FitSettings(), Choice())
    assert found.mixture.n_components == 2
    assert found.with_few_points == (1,)


@pytest.mark.slow
def test_scales_and_shears_change_no_choice() -> None:
    points = sampled(touching_clusters(3, seed=2), 600)
    matrix = np.array([[1e9, 2e8], [0, 1e-9]])
    choice = Choice(1, 5, goes_on=False)
    found = choose(cells_of(points), FitSettings(), choice)
    mapped = choose(cells_of(points @ matrix.T), FitSettings(), choice)
    shift = 2 * len(points) * np.linalg.slogdet(matrix).logabsdet
    assert mapped.settings.components == found.settings.components == 3
    assert mapped.criteria.bic == pytest.approx(found.criteria.bic + shift, abs=1e-3)


@pytest.mark.slow
def test_many_rows_are_chosen_from_by_all_that_their_cells_say(work: Path) -> None:
    true = touching_clusters(4, seed=3)
    points = sampled(true, 60_000)
    pd.DataFrame(points, columns=["x", "y"]).to_parquet("d.parquet")
    table = open_table(Source("d.parquet"))
    compressor = Compressor(compress(table, most_cells=1_000_000))
    cells = compressor.compression.cells
    assert cells.n_cells < len(points) / 2
    found = choose(cells, FitSettings(), Choice(), hooks=Hooks(compressor.finer))
    assert n_missed(found.mixture, true) == 0
    assert found.mixture.n_components == 4
    # BIC is that of the points, as far as the gap can be estimated.
    exact = float(found.mixture.log_densities(points).sum())
    bic = 23 * np.log(len(points)) - 2 * exact
    gap = found.cost.gap * len(points)
    assert found.criteria.bic == pytest.approx(bic, abs=0.1 * gap)


def test_a_range_holds_no_more_components_than_points() -> None:
    cells = cells_of(sampled(ONE, 5))
    with pytest.raises(TableError, match="5 distinct points cannot hold 8 components"):
        choose(cells, FitSettings(), Choice(1, 8, goes_on=False))
    assert choose(cells, FitSettings(), Choice()).mixture.n_components == 1


def test_an_interrupt_keeps_the_best_so_far() -> None:
    calls = iter(range(10_000))
    hooks = Hooks(interrupted=lambda: next(calls) > 120)
    found = choose(cells_of(sampled(ARTICLE, 400)), FitSettings(), Choice(), hooks=hooks)
    assert found.status is Status.INTERRUPTED
    assert found.selection is not None
    # Nothing is measured but the best that a few cells know of.
    (chosen,) = found.selection.candidates
    assert (chosen.components, chosen.status) == (2, Status.INTERRUPTED)


@pytest.mark.parametrize("share", [0.6, pytest.param(0.95, marks=pytest.mark.slow)])
def test_a_late_interrupt_is_one_too(share: float) -> None:
    cells = cells_of(sampled(ARTICLE, 400))
    settings = FitSettings(optimizer="adam", learning_rate=0.1)
    calls = count()

    def is_after(last: float) -> Hooks:
        return Hooks(interrupted=lambda: next(calls) > last)

    choose(cells, settings, Choice(), hooks=is_after(np.inf))
    n_calls, calls = next(calls), count()
    found = choose(cells, settings, Choice(), hooks=is_after(share * n_calls))
    assert found.status is Status.INTERRUPTED
    assert found.mixture.n_components == 2


def test_candidates_are_compared_alike_whatever_the_optimizer() -> None:
    settings = FitSettings(optimizer="adam", learning_rate=0.1, steps=5)
    found = choose(old_faithful(), settings, Choice(1, 3, goes_on=False))
    assert found.status is Status.STEP_LIMIT
    assert found.selection is not None
    assert found.selection.lead is not None
    assert found.selection.lead > 0


def test_the_best_and_its_neighbours_are_searched() -> None:
    hooks = Hooks()
    problem = Problem(old_faithful(), FitSettings(), hooks, few=None)
    contenders = _contenders(problem, Choice(1, 5, goes_on=False), hooks)
    compared = _compared(contenders, "bic", hooks)
    assert [c.n_components for c in compared] == [1, 2, 3, 4, 5]
    assert min(compared, key=lambda c: c.fit.criteria.bic) is compared[1]
    assert all(c.is_searched for c in compared[:3])
    assert not _enlarged_best(compared, "bic")


def test_no_way_on_all_cells_begins_twice_from_one_mixture(monkeypatch: pytest.MonkeyPatch) -> None:
    hooks = Hooks()
    problem = Problem(cells_of(sampled(TWO, 300)), FitSettings(), hooks, few=None)
    one, two = _contenders(problem, Choice(1, 2, goes_on=False), hooks)
    better = two.farthest.last.mixture
    monkeypatch.setattr(Searcher, "enlarged", lambda *_: better)
    ((place, larger),) = _enlarged_best([one, replace(two, flaw=Status.ON_FEW)], "bic")
    assert place == 1
    assert larger.has_begun_from(better)
    assert not _enlarged_best([one, replace(larger, flaw=Status.ON_FEW)], "bic")


def with_equal_rows(points: FloatArray, number: int, axes: slice) -> Cells:
    """Cells of points of which so many have the first one's values on some axes."""
    points = points.copy()
    points[:number, axes] = points[0, axes]
    distinct, counts = np.unique(points, axis=0, return_counts=True)
    return cells_of(distinct, counts)


@pytest.mark.parametrize("axes", [slice(0, 2), slice(0, 1)], ids=["one value", "a line"])
def test_a_value_that_many_rows_share_is_a_component(axes: slice) -> None:
    found = choose(
        with_equal_rows(sampled(TWO, 2000), 300, axes), FitSettings(), Choice(1, 4, goes_on=False)
    )
    assert found.mixture.n_components == 3
    assert len(found.floored) == 1
    assert found.mixture.weights[found.floored[0]] == pytest.approx(0.15, abs=0.01)


def test_the_values_of_rounded_data_are_no_components() -> None:
    distinct, counts = np.unique(np.round(sampled(TWO, 2000) / 2), axis=0, return_counts=True)
    found = choose(cells_of(distinct, counts), FitSettings(), Choice(1, 4, goes_on=False))
    assert found.selection is not None
    assert not found.floored
    assert Status.ON_FLOOR in {c.status for c in found.selection.candidates}
