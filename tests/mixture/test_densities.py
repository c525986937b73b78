"""The one density: against a Gaussian written out, and the laws of shares and moments."""

import numpy as np
import pytest
from builders import random_mixture, sampled

from gmmcli.core.mixture.covariances import FloatArray
from gmmcli.core.mixture.densities import (
    assign,
    evaluate_joint,
    evaluate_log_densities,
    evaluate_pairs,
    exponentiate,
    log_sum_exp,
    maximize,
)
from gmmcli.core.mixture.mixture import Mixture

MIXTURE = random_mixture(3, seed=1)


def write_out(points: FloatArray, mixture: Mixture) -> FloatArray:
    """The log density of each point under each component, (K, N), from its offset from the mean."""
    rows = []
    for mean, covariance in zip(mixture.means, mixture.covariances, strict=True):
        away = points - mean
        squares = (away * np.linalg.solve(covariance, away.T).T).sum(axis=1)
        area = np.linalg.slogdet(covariance).logabsdet
        rows.append(-np.log(2 * np.pi) - 0.5 * (area + squares))
    return np.stack(rows)


def spreads_of(n_points: int) -> FloatArray:
    """Covariances of different sizes, shape (N, 2, 2)."""
    roots = np.random.default_rng(0).normal(0, 0.3, (n_points, 2, 2))
    return np.asarray(roots @ roots.swapaxes(1, 2))


def test_a_density_of_points_is_the_gaussian_one() -> None:
    points = sampled(MIXTURE, 50)
    found = evaluate_log_densities(points, MIXTURE.means, MIXTURE.covariances)
    np.testing.assert_allclose(found, write_out(points, MIXTURE), rtol=1e-12)


@pytest.mark.parametrize(("offset", "scale"), [(0.0, 1e-7), (1e6, 1.0), (1e9, 1e3)])
def test_a_density_keeps_its_digits(offset: float, scale: float) -> None:
    tight = Mixture(MIXTURE.weights, MIXTURE.means, scale**2 * MIXTURE.covariances)
    points = sampled(tight, 50)
    own = write_out(points, tight).max(axis=0)
    moved = evaluate_log_densities(points + offset, tight.means + offset, tight.covariances)
    # Rounding moves a point and a mean by so many standard deviations at the most, of which no
    # point is more than 6 away.
    deviation = np.sqrt(np.linalg.eigvalsh(tight.covariances).min())
    rounding = 4 * np.spacing(max(offset, 10.0)) / deviation
    np.testing.assert_allclose(moved.max(axis=0), own, rtol=1e-12, atol=6 * rounding)


def test_a_density_about_points_is_the_mean_over_points_with_that_spread() -> None:
    points, spreads = sampled(MIXTURE, 50), spreads_of(50)
    reaches = np.sqrt(2) * np.linalg.cholesky(spreads)
    # Four places have the mean and the covariance of a cell, of which alone these means are made.
    places = [points + sign * reaches[:, :, i] for sign in (-1, 1) for i in (0, 1)]
    expected = np.mean([write_out(place, MIXTURE) for place in places], axis=0)
    found = evaluate_log_densities(points, MIXTURE.means, MIXTURE.covariances, spreads)
    np.testing.assert_allclose(found, expected, rtol=1e-11)


def test_densities_of_some_points_and_components_are_those_of_all() -> None:
    generator, points, spreads = np.random.default_rng(0), sampled(MIXTURE, 50), spreads_of(50)
    parts = MIXTURE.weights, MIXTURE.means, MIXTURE.covariances
    pairs = generator.integers(0, 3, 30), generator.integers(0, 50, 30)
    expected = evaluate_joint(points, *parts, spreads)[pairs]
    found = evaluate_pairs(points, *parts, pairs, spreads)
    np.testing.assert_allclose(found, expected, rtol=1e-12)


def test_an_empty_component_has_no_share() -> None:
    weights = np.array([0.6, 0.4, 0.0])
    joint = evaluate_joint(sampled(MIXTURE, 50), weights, MIXTURE.means, MIXTURE.covariances)
    shares = assign(joint)
    np.testing.assert_allclose(shares.sum(axis=0), 1, rtol=1e-12)
    assert shares[2].max() < 1e-200


def test_an_empty_component_has_no_share_of_points_at_its_mean() -> None:
    means = np.array([[0.0, 0.0], [1e17, 0.0]])
    points = np.array([[0.0, 0.0], [100.0, 0.0], [1e3, 0.0]])
    covariances = np.tile(np.eye(2), (2, 1, 1))
    for place in (100.0, 1e17):
        means[1, 0] = place
        joint = evaluate_joint(points, np.array([1.0, 0.0]), means, covariances)
        np.testing.assert_allclose(joint[0], -np.log(2 * np.pi) - points[:, 0] ** 2 / 2)
        assert assign(joint)[1].max() < 1e-200


def test_moments_of_whole_points_are_those_of_their_groups() -> None:
    points, labels = sampled(MIXTURE, 60), np.arange(60) % 3
    masses = 2.0 * (labels == np.arange(3)[:, None])
    totals, means, covariances = maximize(points, masses)
    np.testing.assert_allclose(totals, 40)
    for k in range(3):
        np.testing.assert_allclose(means[k], points[labels == k].mean(axis=0))
        np.testing.assert_allclose(covariances[k], np.cov(points[labels == k].T, ddof=0))


def test_moments_of_cells_are_those_of_their_points() -> None:
    points, spreads = sampled(MIXTURE, 50), spreads_of(50)
    masses = np.random.default_rng(1).uniform(size=(3, 50))
    reaches = np.sqrt(2) * np.linalg.cholesky(spreads)
    places = np.concatenate([points + s * reaches[:, :, i] for s in (-1, 1) for i in (0, 1)])
    expected = maximize(places, np.tile(masses / 4, (1, 4)))
    for found, known in zip(maximize(points, masses, spreads), expected, strict=True):
        np.testing.assert_allclose(found, known, rtol=1e-12)


def test_steps_of_em_never_lower_the_log_likelihood() -> None:
    points, mixture = sampled(MIXTURE, 200), random_mixture(3, seed=9)
    before = -np.inf
    for _ in range(20):
        joint = evaluate_joint(points, mixture.weights, mixture.means, mixture.covariances)
        after = float(log_sum_exp(joint, axis=0).sum())
        assert after > before - 1e-9
        totals, means, covariances = maximize(points, assign(joint))
        before, mixture = after, Mixture(totals / totals.sum(), means, covariances)


def test_exponentials_are_never_denormal() -> None:
    assert exponentiate(np.array([-1e6]))[0] > np.finfo(np.float64).tiny
