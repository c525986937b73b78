"""Distances against SciPy's, what is told of samples of known shapes, and laws."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from builders import cells_of, gaussian, mixture_of, over_background, random_mixture, sampled
from scipy import stats

from gmmcli.core.assessment.misfit import Misfit, Shape, find_limits, measure_misfit
from gmmcli.core.cells.cells import Cells
from gmmcli.core.cells.grain import Grain
from gmmcli.core.mixture.covariances import FloatArray
from gmmcli.core.mixture.mixture import Mixture

NO_STEPS = Grain(np.zeros(2), 1.0)


def fit_one(points: FloatArray) -> Mixture:
    """The Gaussian of some points."""
    return mixture_of([1.0], [points.mean(axis=0)], [np.cov(points.T, bias=True)])


def measure(points: FloatArray) -> Misfit:
    """Where the Gaussian of some points does not describe them."""
    return measure_misfit(cells_of(points), fit_one(points))


def draw_t(n: int, random: np.random.Generator) -> FloatArray:
    return np.asarray(random.normal(size=(n, 2)) * np.sqrt(3 / random.chisquare(5, (n, 1))))


def draw_ring(n: int, random: np.random.Generator) -> FloatArray:
    round_ones = random.normal(size=(n, 2))
    lengths = np.linalg.norm(round_ones, axis=1, keepdims=True)
    return np.asarray(round_ones / lengths + 0.2 * random.normal(size=(n, 2)))


def draw_two(n: int, random: np.random.Generator) -> FloatArray:
    return random.normal(size=(n, 2)) + [[5.0, 0.0]] * (random.random((n, 1)) < 0.25)


def draw_block(n: int, random: np.random.Generator) -> FloatArray:
    return random.random((n, 2))


def draw_lognormal(n: int, random: np.random.Generator) -> FloatArray:
    return np.asarray(np.exp(0.5 * random.normal(size=(n, 2))))


@pytest.mark.parametrize("draw", [draw_t, draw_ring, draw_block])
def test_distances_are_those_of_scipy(draw: Callable[..., FloatArray]) -> None:
    points = draw(500, np.random.default_rng(0))
    mixture = fit_one(points)
    away = points - mixture.means[0]
    squares = np.einsum("ni,ij,nj->n", away, np.linalg.inv(mixture.covariances[0]), away)
    misfit = measure(points)
    expected = stats.kstest(squares, stats.chi2(2).cdf).statistic
    assert expected - 1 / 1024 <= misfit.distances[0] <= expected + 1e-12
    assert misfit.kurtoses[0] == pytest.approx((squares**2).mean())
    round_ones = away @ np.linalg.inv(mixture.cholesky_factors()[0]).T
    directions = round_ones / np.linalg.norm(round_ones, axis=1, keepdims=True)
    assert misfit.leanings[0] == pytest.approx(np.linalg.norm(directions.mean(axis=0)))
    np.testing.assert_allclose(misfit.limits, find_limits(np.array([500.0]), 1))


@pytest.mark.parametrize(
    ("draw", "shape"),
    [
        (draw_t, Shape.HEAVY),
        (draw_ring, Shape.FLAT),
        (draw_block, Shape.FLAT),
        (draw_lognormal, Shape.LEANING),
        (draw_two, Shape.LEANING),
    ],
)
def test_a_shape_is_named_and_by_its_name(draw: Callable[..., FloatArray], shape: Shape) -> None:
    for seed in range(5):
        misfit = measure(draw(2000, np.random.default_rng(seed)))
        assert misfit.worst_first == [0]
        assert misfit.find_shape(0) is shape
        assert misfit.is_excess_sure()


@pytest.mark.parametrize("chance", [0.05, 0.01])
def test_limits_are_passed_by_chance_as_often_as_they_say(chance: float) -> None:
    """Of exponential samples with a fitted mean, or a little less often."""
    n, n_samples = 100, 20_000
    samples = np.random.default_rng(0).exponential(size=(n_samples, n))
    inside = np.sort(-np.expm1(-samples / samples.mean(axis=1, keepdims=True)), axis=1)
    steps = np.arange(n + 1) / n
    distances = np.maximum(steps[1:] - inside, inside - steps[:-1]).max(axis=1)
    beyond = (distances > find_limits(np.array([float(n)]), 1, chance=chance)).mean()
    error = np.sqrt(chance / n_samples)
    assert 0.6 * chance < beyond < chance + 2 * error
    shared = find_limits(np.array([float(n)]), 5, chance=5 * chance)
    np.testing.assert_allclose(shared, find_limits(np.array([float(n)]), 1, chance=chance))
    assert find_limits(np.array([1e6]), 1).tolist() == [0.03]


def test_gaussians_are_not_named() -> None:
    """In 2 of 100 samples at most, where half a one is expected; see benchmarks/misfit.py."""
    found = [measure(gaussian(300, (3, 1), 2.0, seed)) for seed in range(100)]
    assert sum(bool(misfit.worst_first) for misfit in found) <= 2
    assert not any(misfit.is_excess_sure() for misfit in found)
    # On average a histogram shows nothing but what the parameters, five of them, take from it.
    excess = np.array([misfit.excess for misfit in found]) * 300
    assert -5 / 2 < excess.mean() < 3 * excess.std() / np.sqrt(len(found))


@pytest.mark.parametrize("turn", [0.0, 0.5])
def test_edges_of_bins_that_cut_cells_make_no_excess(turn: float) -> None:
    right = mixture_of([0.5, 0.5], [[-4, 0], [4, 0]], [np.eye(2), np.eye(2)])
    points = sampled(right, 200_000)
    rotation = np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
    _, groups = np.unique(np.round(points @ rotation / 0.1), axis=0, return_inverse=True)
    misfit = measure_misfit(cells_of(points).merge(groups.ravel()), right, NO_STEPS)
    assert misfit.n_bins > 50
    assert abs(misfit.excess) < 3 * misfit.excess_error


def test_the_excess_is_the_divergence_from_what_is_so() -> None:
    """Of points whose density is known, where bins are fine."""
    random, n = np.random.default_rng(0), 100_000
    points = draw_two(n, random)
    true = mixture_of([0.75, 0.25], [[0, 0], [5, 0]], [np.eye(2)] * 2)
    mixture = fit_one(points)
    divergence = (true.log_densities(points) - mixture.log_densities(points)).mean()
    misfit = measure(points)
    assert misfit.n_bins == 256
    # Bins hide some of it, and never add to it.
    assert 0.8 * divergence < misfit.excess < divergence + 3 * misfit.excess_error


def test_other_components_and_a_background_take_their_shares() -> None:
    ring = draw_ring(3000, np.random.default_rng(1)) + np.array([12, 0])
    points = np.concatenate([gaussian(3000, (0, 0), 1, 0), ring])
    strays = np.random.default_rng(2).uniform(-8, 20, (600, 2))
    every = np.concatenate([points, strays])
    spread = np.cov(points[3000:].T)
    plain = mixture_of([0.5, 0.5], [[0, 0], [12, 0]], [np.eye(2), spread])
    misfit = measure_misfit(cells_of(every), over_background(plain, 1 / 11, every), NO_STEPS)
    assert misfit.worst_first == [1]
    assert misfit.find_shape(1) is Shape.FLAT
    np.testing.assert_allclose(misfit.numbers, 3000, rtol=0.05)


def test_units_change_nothing() -> None:
    mixture = random_mixture(2, seed=1)
    points = sampled(mixture, 1000)
    scale = np.array([1e-6, 1e4])
    turned = Mixture(
        mixture.weights, mixture.means * scale, mixture.covariances * np.outer(scale, scale)
    )
    one = measure_misfit(cells_of(points), mixture, NO_STEPS)
    other = measure_misfit(cells_of(points * scale), turned, NO_STEPS)
    for name in ("distances", "leanings", "kurtoses", "excess"):
        np.testing.assert_allclose(getattr(other, name), getattr(one, name), rtol=1e-6, atol=1e-9)


def test_points_count_for_what_they_are_worth() -> None:
    points = gaussian(400, (0, 0), 1, 0)
    mixture, twice = fit_one(points), Cells(np.full(400, 2.0), points, np.zeros((400, 2, 2)))
    plain = measure_misfit(cells_of(points), mixture)
    copies = measure_misfit(twice, mixture)
    for name in ("distances", "numbers", "limits", "excess", "excess_error", "n_bins"):
        np.testing.assert_allclose(getattr(copies, name), getattr(plain, name), rtol=1e-9)
    weights = np.random.default_rng(1).uniform(0.1, 2, 400)
    cells = Cells(weights, points, np.zeros((400, 2, 2)), weights**2)
    weighted = measure_misfit(cells, mixture, Grain(np.zeros(2), 0.7, are_rows=False))
    assert weighted.numbers[0] == pytest.approx(weights.sum() ** 2 / (weights @ weights))


@pytest.mark.parametrize("draw", [draw_t, lambda n, random: random.normal(size=(n, 2))])
def test_cells_have_the_figures_of_their_rows(draw: Callable[..., FloatArray]) -> None:
    points = draw(60_000, np.random.default_rng(0))
    mixture, rows = fit_one(points), cells_of(points)
    # Cells of a tenth of a deviation, as fits to large tables have them.
    numbers = np.floor(points / 0.1).astype(int) @ np.array([100_000, 1])
    coarse = measure_misfit(rows.merge(numbers), mixture, NO_STEPS)
    fine = measure_misfit(rows, mixture, NO_STEPS)
    np.testing.assert_allclose(coarse.distances, fine.distances, atol=3e-3)
    np.testing.assert_allclose(coarse.leanings, fine.leanings, atol=1e-3)
    np.testing.assert_allclose(coarse.kurtoses, fine.kurtoses, rtol=0.01)
    assert coarse.n_bins < fine.n_bins  # and fewer bins see less
    assert 0.7 * fine.excess - 1e-3 < coarse.excess < fine.excess + 1e-3


@pytest.mark.parametrize("step", [0.1, 1 / 3, 0.5, 1.0])
def test_rounding_is_no_misfit(step: float) -> None:

    def measure_rounded(points: FloatArray) -> Misfit:
        places, counts = np.unique(np.round(points / step) * step, axis=0, return_counts=True)
        return measure_misfit(cells_of(places, counts), fit_one(np.repeat(places, counts, axis=0)))

    misfit = measure_rounded(gaussian(20_000, (0, 0), 1, 0))
    assert misfit.worst_first == []
    assert misfit.distances[0] < 0.027
    assert abs(misfit.excess) < 4 * misfit.excess_error
    heavy = measure_rounded(draw_t(20_000, np.random.default_rng(0)))
    assert heavy.find_shape(heavy.worst_first[0]) is Shape.HEAVY


def test_what_points_do_not_tell_is_not_told() -> None:
    """Of components narrower than the steps of values, as thin as can be, and without points."""
    coarse = measure(np.round(gaussian(5000, (0, 0), 0.4, 0)))
    assert coarse.limits[0] == np.inf
    assert coarse.worst_first == []
    ring = draw_ring(500, np.random.default_rng(0))
    thin = measure_misfit(cells_of(ring), fit_one(ring), floored=[0])
    assert thin.worst_first == []
    assert thin.to_json()["components"][0]["limit"] is None
    empty = mixture_of([1.0, 0.0], np.zeros((2, 2)), [np.eye(2)] * 2)
    assert 1 not in measure_misfit(cells_of(ring), empty).worst_first
    few = measure(gaussian(4, (0, 0), 1, 0))
    assert few.limits[0] > 0.6
    assert np.isfinite([few.excess, few.excess_error]).all()


def test_a_shape_without_a_name_is_another() -> None:
    misfit = replace(measure(gaussian(1000, (0, 0), 1, 0)), distances=np.array([0.2]))
    assert misfit.worst_first == [0]
    assert misfit.find_shape(0) is Shape.OTHER


def test_figures_as_json() -> None:
    points = draw_ring(400, np.random.default_rng(0))
    misfit = measure(points)
    told = misfit.to_json()
    assert told["components"] == [
        {
            "kolmogorov_smirnov": misfit.distances[0],
            "leaning": misfit.leanings[0],
            "kurtosis": misfit.kurtoses[0],
            "effective_points": 400.0,
            "limit": misfit.limits[0],
            "is_gaussian": False,
        }
    ]
    assert told["histogram"]["bins"] == 16
    assert told["histogram"]["excess_per_point"] == misfit.excess
    assert told["histogram"]["standard_error"] == misfit.excess_error
