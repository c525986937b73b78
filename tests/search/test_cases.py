"""Small tables that go wrong, each with its right answer: files in `tests/cases`, fresh tables."""

from dataclasses import dataclass
from itertools import product

import numpy as np
import pytest
from builders import ROOT, cells_of, choose, fit
from search.case_tables import TABLES, Case, Reached, case_of, clean, reach
from sklearn.cluster import KMeans

from gmmcli.core.mixture.covariances import FloatArray
from gmmcli.core.mixture.mixture import Mixture
from gmmcli.settings import Choice, FitSettings

# A BIC that is higher by less is as good.
AS_GOOD = 0.5


@dataclass(frozen=True)
class Answer:
    """What is right of a file: K where only one is, the background's weight, the highest BIC."""

    n_components: int | None
    bic: float
    background: float = 0.0


# As the README of tests/cases explains.
ANSWERS = {
    "iris_petals": Answer(3, 355.0),
    "twelve_in_two_groups": Answer(2, 82.3),
    "twenty_of_one_gaussian": Answer(1, 122.1),
    "stray_decimal": Answer(2, 629.6, 1 / 41),
    "stray_missing_code": Answer(2, 904.3, 1 / 61),
    "rounded_lost": Answer(3, 357.6),
    "start_metric": Answer(3, 361.3),
    "rare_genotype": Answer(3, -1185.7),
    "end_of_range": Answer(None, 47_460.0),
    "uniform_field": Answer(1, 1847.6, 0.8),
    "elongated": Answer(2, 2214.4),
}


def points_of(name: str) -> FloatArray:
    """The points of a file of `tests/cases`, shape (N, 2)."""
    return np.loadtxt(ROOT / "tests" / "cases" / f"{name}.csv", delimiter=",", skiprows=1)


def background_of(mixture: Mixture) -> float:
    """The weight of a mixture's background, 0 without one."""
    background = getattr(mixture, "background", None)
    weight = getattr(background, "weight", background)
    return 0.0 if weight is None else float(weight)


@pytest.mark.parametrize("name", ANSWERS)
def test_a_table_that_went_wrong_gives_its_right_answer(name: str) -> None:
    right = ANSWERS[name]
    found = choose(cells_of(points_of(name)), FitSettings(), Choice())
    if right.n_components is not None:
        assert found.mixture.n_components == right.n_components
    assert background_of(found.mixture) == pytest.approx(right.background, abs=0.02)
    assert found.criteria.bic <= right.bic


@pytest.mark.parametrize(("kind", "number"), TABLES)
def test_a_fresh_table_gives_its_right_answer(kind: str, number: int) -> None:
    case = case_of(kind, number)
    right = reach(case)
    found = choose(cells_of(case.points), FitSettings(), Choice())
    background = background_of(found.mixture)
    assert found.mixture.n_components == case.n_components
    assert (background > 0) == case.has_background
    assert background == pytest.approx(right.background, abs=0.02)
    assert found.criteria.bic <= right.bic + AS_GOOD


@pytest.mark.slow
def test_clean_tables_have_no_background_in_99_of_100() -> None:
    tables = [clean(np.random.default_rng(seed)).points for seed in range(100)]
    found = [choose(cells_of(points), FitSettings(), Choice()).mixture for points in tables]
    assert sum(background_of(mixture) > 0 for mixture in found) <= 1


@pytest.mark.parametrize("seed", range(3))
def test_groups_along_the_main_axis_are_found_by_every_seed(seed: int) -> None:
    points = points_of("start_metric")
    found = fit(cells_of(points), FitSettings(3, seed=seed))
    assert found.mixture.log_densities(points).sum() >= -137.9


@pytest.mark.parametrize("number", range(12))
def test_correlated_sizes_are_found_with_their_number_given(number: int) -> None:
    case = case_of("correlated sizes", number)
    found = fit(cells_of(case.points), FitSettings(case.n_components, seed=number))
    log_likelihood = found.mixture.log_densities(case.points).sum()
    assert log_likelihood >= reach(case).log_likelihood - AS_GOOD / 2


def label(points: FloatArray, n: int, share: float, random: np.random.RandomState) -> Case:
    """The points with labels of k-means from random rows, and so large a share in the background.

    In the background are those farthest from all centres; no centre is among the 2 % farthest out.
    """
    away = points - np.median(points, axis=0)
    scaled = away / np.abs(away).mean(axis=0)
    distances = np.abs(scaled).max(axis=1)
    is_near = distances <= np.quantile(distances, 0.98 if share > 0 else 1)
    means = KMeans(n, init="random", n_init=1, random_state=random).fit(scaled[is_near])
    apart = means.transform(scaled)
    is_far = apart.min(axis=1) > np.quantile(apart.min(axis=1), 1 - share)
    return Case(points, np.where(is_far, -1, apart.argmin(axis=1)))


def reach_or_collapse(case: Case) -> Reached | None:
    """Where EM ends; nothing where a component closes in on a line or on nothing."""
    try:
        return reach(case)
    except np.linalg.LinAlgError:
        return None


@pytest.mark.slow
@pytest.mark.parametrize(("kind", "number"), TABLES[::6])
def test_no_other_mixture_is_better_than_the_right_answer(kind: str, number: int) -> None:
    case = case_of(kind, number)
    right = reach(case)
    random = np.random.RandomState(number)
    numbers = range(max(1, case.n_components - 1), case.n_components + 2)
    for n, share, _ in product(numbers, (0.0, 0.02, 0.5), range(5)):
        ended = reach_or_collapse(label(case.points, n, share, random))
        assert ended is None or ended.bic > right.bic - AS_GOOD
