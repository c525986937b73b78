"""Errors against closed forms, automatic differentiation, and simulated samples."""

import json
from dataclasses import fields

import numpy as np
import pytest
import torch
from builders import cells_of, fit, gaussian, mixture_of, over_background, random_mixture, sampled
from scipy import stats

from gmmcli.core.assessment.errors import Errors, estimate_errors
from gmmcli.core.assessment.scales import measure_figures
from gmmcli.core.cells.cells import Cells
from gmmcli.core.cells.information import sum_squared_scores, take_roots
from gmmcli.core.mixture.covariances import FloatArray
from gmmcli.core.mixture.mixture import Mixture
from gmmcli.errors import MixtureError
from gmmcli.settings import FitSettings


def estimate(points: FloatArray, settings: FitSettings | None = None) -> tuple[Mixture, Errors]:
    """The mixture of a fit to points, and its errors."""
    settings = settings or FitSettings(1)
    cells = cells_of(points)
    mixture = fit(cells, settings).mixture
    return mixture, estimate_errors(cells, mixture, settings.covariance)


def test_errors_of_one_gaussian_are_those_of_textbooks() -> None:
    n, points = 500, gaussian(500, (3, -1), 2.0, 0) @ np.array([[1.0, 0.4], [0.0, 1.0]])
    mixture, errors = estimate(points)
    _, _, _, sd_x, sd_y, correlation = measure_figures(mixture)[0]
    few = np.sqrt(n / (n - 6))
    sds = np.array([sd_x, sd_y])
    own = np.append(sds, sds / np.sqrt(2)) / np.sqrt(n) * few
    np.testing.assert_allclose(errors.model_standard_errors[0, 1:5], own, rtol=1e-9)
    of_correlation = (1 - correlation**2) / np.sqrt(n) * few
    np.testing.assert_allclose(errors.model_standard_errors[0, 5], of_correlation, rtol=1e-9)
    # A mean's needs no Gaussian; those of deviations are the fourth moments'.
    np.testing.assert_allclose(errors.standard_errors[0, 1:3], sds / np.sqrt(n) * few, rtol=1e-9)
    fourth = ((points - points.mean(axis=0)) ** 4).mean(axis=0)
    own = np.sqrt((fourth - sds**4) / n) / (2 * sds) * few
    np.testing.assert_allclose(errors.standard_errors[0, 3:5], own, rtol=1e-9)
    assert np.isnan(errors.standard_errors[0, 0])  # the weight is 1
    reach = stats.t.ppf(0.975, n - 3) * errors.standard_errors[0, 1]
    np.testing.assert_allclose(
        errors.intervals[0, 1], mixture.means[0, 0] + reach * np.array([-1, 1])
    )


@pytest.mark.parametrize("share", [0.0, 0.2])
def test_scores_are_gradients_of_log_densities(share: float) -> None:
    mixture = random_mixture(3, seed=4)
    points = sampled(mixture, 50)
    if share:
        mixture = over_background(mixture, share, points)
    weights = mixture.weights
    if mixture.background is not None:
        weights = np.append(weights, mixture.background.weight)
    roots = torch.tensor(take_roots(weights, len(points)))
    means, factors = torch.tensor(mixture.means), torch.tensor(mixture.cholesky_factors())
    data, n_components = torch.tensor(points), mixture.n_components

    def evaluate(step: torch.Tensor) -> torch.Tensor:
        step = step / roots[:, None]
        u, across, v = step[:n_components, 3:].T
        zero = torch.zeros_like(u)
        rows = [torch.stack([(u / 2**0.5).exp(), zero], 1)]
        rows += [torch.stack([across, (v / 2**0.5).exp()], 1)]
        grown = factors @ torch.stack(rows, dim=1)
        moved = means + (factors @ step[:n_components, 1:3, None])[..., 0]
        each = torch.distributions.MultivariateNormal(moved, scale_tril=grown)
        joint = each.log_prob(data[:, None])
        if mixture.background is not None:
            rest = torch.full((len(data), 1), mixture.background.log_density, dtype=data.dtype)
            joint = torch.cat([joint, rest], 1)
        return torch.logsumexp(joint + torch.tensor(weights).log() + step[:, 0], dim=1)

    start = torch.zeros(len(weights), 6, dtype=torch.float64)
    scores = torch.autograd.functional.jacobian(evaluate, start).reshape(len(points), -1).numpy()
    found = sum_squared_scores(cells_of(points), mixture)
    np.testing.assert_allclose(found, scores.T @ scores, rtol=1e-9, atol=1e-12)


def test_no_figure_has_an_error_that_the_points_do_not_settle() -> None:
    """The shape of a component on a line, and all of one on six points."""
    points = np.concatenate([gaussian(100, (0, 0), 1, 0), gaussian(6, (9, 9), 1, 1)])
    _, errors = estimate(points, FitSettings(2))
    assert np.isfinite(errors.standard_errors[0]).all()
    assert np.isnan(errors.standard_errors[1]).all()
    assert np.isnan(errors.intervals[1]).all()
    line = np.column_stack([np.linspace(0, 1, 50), np.zeros(50)])
    cells = cells_of(line)
    mixture = mixture_of([1.0], [line.mean(axis=0)], [np.diag([0.08, 1e-8])])
    errors = estimate_errors(cells, mixture, least=1e-8 * np.eye(2))
    assert np.isfinite(errors.standard_errors[0, 1:3]).all()
    assert np.isnan(errors.standard_errors[0, 3:]).all()


def test_a_background_has_an_error_of_its_weight() -> None:
    points = np.concatenate([gaussian(300, (0, 0), 1, 0), gaussian(30, (0, 0), 30, 1)])
    cells = cells_of(points)
    start = over_background(mixture_of([1.0], [[0, 0]], [np.eye(2)]), 0.1, points)
    mixture = fit(cells, FitSettings(1), start=start).mixture
    errors = estimate_errors(cells, mixture)
    assert mixture.background is not None
    weight = mixture.background.weight
    binomial = np.sqrt(weight * (1 - weight) / len(points))
    assert errors.background is not None
    # Strays that may be the component's take some of what is known, but not half.
    assert binomial < errors.background < 2 * binomial
    number = mixture.weights[0] * len(points)
    own = errors.background * np.sqrt(number / (number - 6))
    np.testing.assert_allclose(errors.standard_errors[0, 0], own, rtol=1e-6)


def test_heavy_tails_widen_the_errors_of_deviations() -> None:
    random = np.random.default_rng(0)
    tails = np.sqrt(3 / random.chisquare(5, (2000, 1)))
    _, errors = estimate(random.normal(size=(2000, 2)) * tails)
    assert (errors.find_misfit(np.array([2000.0])) or 0) > 1.25
    assert (errors.standard_errors[0, 3:5] > errors.model_standard_errors[0, 3:5]).all()
    for n_points in (20, 100, 2000):
        numbers = np.array([float(n_points)])
        found = [estimate(random.normal(size=(n_points, 2)))[1] for _ in range(20)]
        assert all(plain.find_misfit(numbers) is None for plain in found)


def test_components_that_overlap_are_less_well_known() -> None:
    apart, near = (
        np.concatenate([gaussian(150, (0, 0), 1, 0), gaussian(150, (distance, 0), 1, 1)])
        for distance in (12, 2.5)
    )
    assert estimate(apart, FitSettings(2))[1].least_information == pytest.approx(1, abs=1e-6)
    assert estimate(near, FitSettings(2))[1].least_information < 0.3


@pytest.mark.parametrize("n_cuts", [80, 160])
def test_cells_have_the_errors_of_their_rows(n_cuts: int) -> None:
    """To one in a hundred, of cells up to an eighth of a standard deviation wide."""
    mixture = mixture_of([0.4, 0.6], [[0, 0], [3, 1]], [np.eye(2), np.diag([1.0, 2.0])])
    points = sampled(mixture, 60_000)
    rows = cells_of(points)
    lowest, widths = points.min(axis=0), np.ptp(points, axis=0)
    columns = np.floor((points - lowest) / widths * n_cuts).astype(int)
    cells: Cells = rows.merge(columns @ np.array([1000, 1]))
    fine, coarse = (estimate_errors(each, mixture) for each in (rows, cells))
    np.testing.assert_allclose(coarse.standard_errors, fine.standard_errors, rtol=0.01)


def test_errors_come_back_from_json() -> None:
    points = np.concatenate([gaussian(100, (0, 0), 1, 0), gaussian(5, (9, 9), 1, 1)])
    _, errors = estimate(points, FitSettings(2))
    read = Errors.from_json(json.loads(json.dumps(errors.to_json())))
    for field in fields(Errors):
        one, other = getattr(errors, field.name), getattr(read, field.name)
        np.testing.assert_array_equal(one, other)
    swapped = errors.reorder(np.array([1, 0])).reorder(np.array([1, 0]))
    np.testing.assert_array_equal(swapped.intervals, errors.intervals)


@pytest.mark.parametrize("name", ["standard_errors", "model_standard_errors", "intervals"])
def test_errors_of_other_numbers_of_components_are_refused(name: str) -> None:
    _, errors = estimate(gaussian(100, (0, 0), 1, 0))
    two = np.concatenate([gaussian(100, (0, 0), 1, 0), gaussian(100, (9, 9), 1, 1)])
    _, others = estimate(two, FitSettings(2))
    values = {**errors.to_json(), name: others.to_json()[name]}
    with pytest.raises(MixtureError, match="not of one number of them"):
        Errors.from_json(values)


def test_points_that_are_copies_are_worth_less() -> None:
    """Every row written four times has the errors of one each."""
    points = gaussian(200, (0, 0), 1, 0)
    cells = cells_of(points)
    mixture = fit(cells, FitSettings(1)).mixture
    one = estimate_errors(cells, mixture)
    copied = Cells(4 * cells.counts, cells.means, cells.covariances)
    four = estimate_errors(copied, mixture, worth=0.25)
    for name in ("standard_errors", "model_standard_errors", "intervals", "axes"):
        np.testing.assert_allclose(getattr(four, name), getattr(one, name), rtol=1e-12)
