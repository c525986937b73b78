"""Gaussians as exponential families: against the densities, and the laws of moments."""

import numpy as np
import pytest
from builders import random_mixture, sampled

from gmmcli.core.mixture.covariances import FloatArray
from gmmcli.core.mixture.densities import evaluate_joint, maximize
from gmmcli.core.mixture.gaussians import (
    Gaussians,
    find_least_variances,
    find_natural_parameters,
    make_features,
    merge_pairs,
    rank_pairs,
    take_moments,
)

MIXTURE = random_mixture(4, seed=1)
GAUSSIANS = Gaussians.of(MIXTURE)
POINTS = sampled(MIXTURE, 60)


def spreads_of(n_cells: int) -> FloatArray:
    """Covariances of different sizes, shape (C, 2, 2)."""
    roots = np.random.default_rng(0).normal(0, 0.3, (n_cells, 2, 2))
    return np.asarray(roots @ roots.swapaxes(1, 2))


def sum_moments(gaussians: Gaussians) -> tuple[FloatArray, FloatArray, FloatArray]:
    """The weight of some Gaussians together, and their first and second moments times it."""
    weights, means, covariances, _ = gaussians
    seconds = covariances + means[:, :, None] * means[:, None, :]
    return np.asarray(weights.sum()), weights @ means, np.einsum("k,kij->ij", weights, seconds)


@pytest.mark.parametrize("are_points", [True, False])
def test_parameters_times_features_are_the_densities(are_points: bool) -> None:
    spreads = np.zeros((60, 2, 2)) if are_points else spreads_of(60)
    found = find_natural_parameters(GAUSSIANS) @ make_features(POINTS, spreads)
    np.testing.assert_allclose(found, evaluate_joint(POINTS, *GAUSSIANS[:3], spreads), rtol=1e-10)


def test_a_gaussian_without_weight_has_no_point() -> None:
    empty = GAUSSIANS._replace(weights=np.array([0.0, 0.5, 0.3, 0.2]))
    found = find_natural_parameters(empty) @ make_features(POINTS, spreads_of(60))
    assert np.isfinite(found).all()
    assert (found[0] < found[1:].min() - 1e200).all()


def test_moments_of_shares_of_cells_are_those_of_the_m_step() -> None:
    spreads, generator = spreads_of(60), np.random.default_rng(1)
    masses = generator.dirichlet(np.ones(4), 60).T * generator.integers(1, 9, 60)
    found = take_moments(masses @ make_features(POINTS, spreads).T)
    totals, means, covariances = maximize(POINTS, masses, spreads)
    np.testing.assert_allclose(found.weights, totals, rtol=1e-12)
    np.testing.assert_allclose(found.means, means, rtol=1e-10)
    np.testing.assert_allclose(found.covariances, covariances, rtol=1e-10, atol=1e-12)


def test_moments_of_no_points_are_finite() -> None:
    found = take_moments(np.zeros((1, 6)))
    assert found.weights.tolist() == [0]
    assert np.isfinite(found.means).all()
    assert np.isfinite(found.covariances).all()


def test_merging_keeps_weight_mean_and_covariance() -> None:
    first, second = np.triu_indices(4, 1)
    merged = merge_pairs(GAUSSIANS, first, second)
    assert merged.number == 6
    for place, pair in enumerate(zip(first.tolist(), second.tolist(), strict=True)):
        both = sum_moments(GAUSSIANS.select(list(pair)))
        for found, expected in zip(sum_moments(merged.select([place])), both, strict=True):
            np.testing.assert_allclose(found, expected, rtol=1e-12)


def bound_loss(gaussians: Gaussians, pair: list[int]) -> float:
    """Runnalls' bound of one pair, written out."""
    weights, _, covariances, _ = gaussians
    total, first, second = sum_moments(gaussians.select(pair))
    mean = first / total
    merged = second / total - np.outer(mean, mean)
    own = sum(weights[k] * np.linalg.slogdet(covariances[k]).logabsdet for k in pair)
    return float(0.5 * (total * np.linalg.slogdet(merged).logabsdet - own))


@pytest.mark.parametrize("seed", range(3))
def test_pairs_are_ranked_by_the_bound_on_what_merging_loses(seed: int) -> None:
    gaussians = Gaussians.of(random_mixture(6, seed))
    pairs = np.stack(rank_pairs(gaussians), axis=1).tolist()
    every = [[one, other] for one in range(6) for other in range(one + 1, 6)]
    assert pairs == sorted(every, key=lambda pair: bound_loss(gaussians, pair))


def test_equal_gaussians_are_merged_first_and_at_no_loss() -> None:
    twin = GAUSSIANS.select([0, 1, 2, 3, 1])
    first, second = rank_pairs(twin)
    assert (first[0], second[0]) == (1, 4)
    assert bound_loss(twin, [1, 4]) == pytest.approx(0, abs=1e-12)


def test_one_gaussian_has_no_pairs() -> None:
    first, second = rank_pairs(GAUSSIANS.select([2]))
    assert len(first) == len(second) == 0


def test_the_least_variance_is_the_smaller_eigenvalue() -> None:
    thin = np.array([[[1.0, 1.0], [1.0, 1.0 + 1e-6]], [[4.0, 0.0], [0.0, 1e-9]]])
    covariances = np.concatenate([GAUSSIANS.covariances, thin, np.eye(2)[None]])
    expected = np.linalg.eigvalsh(covariances)[:, 0]
    # An eigenvalue near 5e-7 of a matrix near 1 keeps nine digits in double precision.
    np.testing.assert_allclose(find_least_variances(covariances), expected, rtol=1e-8)


def test_some_are_selected_joined_and_scaled() -> None:
    gaussians = GAUSSIANS._replace(background=0.1)
    one, others = gaussians.select([2]), gaussians.select(np.array([True, True, False, True]))
    both = others.join(one)
    assert (one.number, others.number, both.number) == (1, 3, 4)
    np.testing.assert_array_equal(both.means, GAUSSIANS.means[[0, 1, 3, 2]])
    np.testing.assert_array_equal(both.covariances, GAUSSIANS.covariances[[0, 1, 3, 2]])
    np.testing.assert_array_equal(both.scale(0.5).weights, 0.5 * GAUSSIANS.weights[[0, 1, 3, 2]])
    assert both.background == both.scale(0.5).background == 0.1
