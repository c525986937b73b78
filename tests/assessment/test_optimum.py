"""The climb of replicates against the fit that people get, for every covariance type."""

from typing import get_args

import numpy as np
import pytest
from builders import cells_of, fit, mixture_of, over_background, sampled

from gmmcli.core.assessment.optimum import Likelihood, climb
from gmmcli.core.assessment.scales import measure_figures
from gmmcli.core.cells.cells import Cells
from gmmcli.core.cells.information import take_roots
from gmmcli.core.mixture.covariances import FloatArray
from gmmcli.core.mixture.mixture import Mixture
from gmmcli.settings import CovarianceType, FitSettings

TRUTH = mixture_of(
    [0.3, 0.3, 0.4],
    [[0, 0], [3, 0.5], [0.5, 4]],
    [np.diag([1.0, 0.5]), [[1.2, 0.5], [0.5, 0.8]], [[0.7, -0.3], [-0.3, 1.5]]],
)
LEAST = 1e-10 * np.eye(2)


def weigh(n_points: int, seed: int = 0) -> Cells:
    """Points with exponential weights."""
    points = sampled(TRUTH, n_points, seed)
    return cells_of(points, np.random.default_rng(seed).exponential(size=n_points))


def likelihood_of(cells: Cells, covariance: CovarianceType = "full") -> Likelihood:
    """Their likelihood."""
    return Likelihood(cells, covariance, LEAST)


@pytest.mark.parametrize("covariance", get_args(CovarianceType))
def test_the_optimum_is_that_of_a_fit(covariance: CovarianceType) -> None:
    cells = weigh(300)
    fitted = fit(cells, FitSettings(3, covariance), start=TRUTH).mixture
    likelihood = likelihood_of(cells, covariance)
    # From where EM has not yet gone far.
    start = likelihood.maximize(likelihood.evaluate(TRUTH))
    summit = climb(likelihood, start)
    assert summit.has_settled
    # A thousandth of a nat is a twentieth of a standard error.
    best = likelihood.evaluate(fitted).log_likelihood
    assert summit.place.log_likelihood >= best - 1e-6
    found = measure_figures(summit.place.mixture)
    np.testing.assert_allclose(found, measure_figures(fitted), atol=1e-3)


def test_a_background_climbs_too() -> None:
    cells = weigh(400)
    start = over_background(TRUTH, 0.1, cells.means)
    fitted = fit(cells, FitSettings(3), start=start).mixture
    summit = climb(likelihood_of(cells), start)
    assert summit.has_settled
    found = summit.place.mixture
    assert found.background is not None
    assert fitted.background is not None
    assert found.background.weight == pytest.approx(fitted.background.weight, abs=1e-4)
    np.testing.assert_allclose(measure_figures(found), measure_figures(fitted), atol=1e-3)


@pytest.mark.parametrize("share", [0.0, 0.2])
def test_the_gradient_is_that_of_the_log_likelihood(share: float) -> None:
    cells = weigh(200)
    mixture = over_background(TRUTH, share, cells.means) if share else TRUTH
    likelihood = likelihood_of(cells)
    gradient = likelihood.differentiate(likelihood.evaluate(mixture))
    random = np.random.default_rng(0)
    for _ in range(5):
        step = project(random.normal(size=len(gradient)), mixture, cells.n_points)
        ahead, behind = (
            likelihood.evaluate(likelihood.walk(mixture, sign * 1e-4 * step)).log_likelihood
            for sign in (1, -1)
        )
        assert (ahead - behind) / 2e-4 == pytest.approx(gradient @ step, rel=1e-5, abs=1e-5)


def project(step: FloatArray, mixture: Mixture, n_points: float) -> FloatArray:
    """A step that leaves the mass of all parts together as it is."""
    weights = mixture.weights
    if mixture.background is not None:
        weights = np.append(weights, mixture.background.weight)
    roots = take_roots(weights, n_points)
    moved = step.reshape(-1, 6).copy()
    if mixture.background is not None:
        moved[-1, 1:] = 0
    moved[:, 0] -= roots * (roots @ moved[:, 0]) / (roots @ roots)
    return moved.ravel()


def test_a_step_of_em_is_that_of_moments() -> None:
    cells = weigh(200)
    likelihood = likelihood_of(cells)
    moved = likelihood.maximize(likelihood.evaluate(TRUTH))
    masses = TRUTH.responsibilities(cells.means) * cells.counts[:, None]
    totals = masses.sum(axis=0)
    np.testing.assert_allclose(moved.weights, totals / totals.sum(), rtol=1e-12)
    means = masses.T @ cells.means / totals[:, None]
    np.testing.assert_allclose(moved.means, means, rtol=1e-10)
    for k in range(3):
        own = np.cov(cells.means.T, aweights=masses[:, k], bias=True)
        np.testing.assert_allclose(moved.covariances[k], own, rtol=1e-9)


def test_parts_of_points_do_not_change_the_place() -> None:
    cells = weigh(500)
    whole = likelihood_of(cells).evaluate(TRUTH)
    parts = likelihood_of(cells).evaluate(TRUTH, at_once=100)
    assert parts.log_likelihood == pytest.approx(whole.log_likelihood, rel=1e-12)
    np.testing.assert_allclose(parts.sums, whole.sums, rtol=1e-9, atol=1e-9)


def test_a_component_on_the_least_covariance_settles_there() -> None:
    line = np.column_stack([np.linspace(-1, 1, 60), np.zeros(60)])
    cloud = sampled(mixture_of([1.0], [[6, 0]], [np.eye(2)]), 200)
    cells = cells_of(np.concatenate([line, cloud]))
    start = mixture_of([0.3, 0.7], [[0, 0], [6, 0]], [np.diag([0.5, 0.1]), np.eye(2)])
    least = 1e-4 * np.eye(2)
    summit = climb(Likelihood(cells, "full", least), start)
    assert summit.has_settled
    np.testing.assert_allclose(summit.place.mixture.covariances[0, 1, 1], 1e-4, rtol=1e-2)
    assert summit.place.mixture.covariances[0, 0, 0] == pytest.approx(line[:, 0].var(), rel=1e-3)


def test_curvature_of_other_points_leads_to_the_same_optimum() -> None:
    cells = weigh(300)
    likelihood = likelihood_of(cells)
    plain = likelihood.reweigh(np.ones(300))
    top = climb(plain, TRUTH)
    own, others = (
        climb(likelihood, top.place.mixture, information).place
        for information in (None, top.information)
    )
    assert own.log_likelihood == pytest.approx(others.log_likelihood, abs=1e-6)
    assert own.log_likelihood > likelihood.evaluate(top.place.mixture).log_likelihood + 1
