"""Errors against closed forms, automatic differentiation, and simulated samples."""

import json
from collections.abc import Callable
from dataclasses import fields

import numpy as np
import pytest
import torch
from builders import cells_of, fit, gaussian, mixture_of, over_background, random_mixture, sampled
from scipy import stats

from gmmcli.core.assessment.errors import Errors, count_points_behind, estimate_errors
from gmmcli.core.assessment.scales import differentiate_scales, measure_figures, measure_rates
from gmmcli.core.cells.cells import Cells
from gmmcli.core.cells.directions import span_free_moves
from gmmcli.core.cells.grain import Grain
from gmmcli.core.cells.information import observe_information, sum_squared_scores, take_roots
from gmmcli.core.mixture.covariances import FloatArray
from gmmcli.core.mixture.knowledge import NOTHING_KNOWN, Fixed, Knowledge, Prior
from gmmcli.core.mixture.mixture import Mixture
from gmmcli.core.mixture.moves import Moves
from gmmcli.core.mixture.structures import STRUCTURES
from gmmcli.core.search.fit import fit_from
from gmmcli.errors import MixtureError
from gmmcli.settings import COVARIANCE_TYPES, CovarianceType, FitSettings


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
    """The shape of a component on a line, and all but the weight of one on six points."""
    points = np.concatenate([gaussian(100, (0, 0), 1, 0), gaussian(6, (9, 9), 1, 1)])
    _, errors = estimate(points, FitSettings(2))
    assert np.isfinite(errors.standard_errors[0]).all()
    assert np.isnan(errors.standard_errors[1, 1:]).all()
    assert np.isnan(errors.intervals[1, 1:]).all()
    # Of two weights that sum to 1 each is as well known as the other.
    one, other = errors.standard_errors[:, 0]
    assert one == pytest.approx(other)
    np.testing.assert_allclose(errors.intervals[0, 0], 1 - errors.intervals[1, 0, ::-1], rtol=1e-9)
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
    np.testing.assert_allclose(errors.standard_errors[0, 0], errors.background, rtol=1e-6)


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


def test_overlap_is_not_taken_for_shape() -> None:
    """Of Gaussians that overlap, whose errors vary more, few samples are told not to be such."""
    truth = mixture_of([0.4, 0.6], [[0, 0], [2.5, 0]], [np.eye(2)] * 2)
    n_told = 0
    for seed in range(30):
        cells = cells_of(sampled(truth, 300, seed=seed))
        mixture = fit_from(cells, FitSettings(2), truth).mixture
        numbers = 300 * mixture.weights
        n_told += estimate_errors(cells, mixture).find_misfit(numbers) is not None
    assert n_told <= 2  # of 30, where 1 in 100 is told


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
    four = estimate_errors(Grain(np.zeros(2), 0.25).weigh(copied), mixture)
    for name in ("standard_errors", "model_standard_errors", "intervals", "axes"):
        np.testing.assert_allclose(getattr(four, name), getattr(one, name), rtol=1e-12)


class Posterior:
    """The log posterior of three components of a type as a function of its free parameters.

    Logits of weights, means, and log volumes, elongations and angles, each of all or of one.

    Args:
        points: shape (N, 2).
        covariance: the type.
        known: before the points.
    """

    def __init__(self, points: FloatArray, covariance: CovarianceType, known: Knowledge) -> None:
        self.points, self.known = torch.tensor(points), known
        self.structure = STRUCTURES[covariance]

    def read(self, mixture: Mixture) -> torch.Tensor:
        """All parameters of a mixture, in one row."""
        ellipses = self.structure.describe(mixture.covariances)
        logs = np.log(mixture.weights)
        parts = [logs[1:] - logs[0], mixture.means.ravel()]
        shapes = zip(
            (ellipses.log_volumes, ellipses.elongations, ellipses.angles),
            self.structure.code,
            strict=True,
        )
        parts += [{"V": own, "E": own[:1], "I": own[:0]}[letter] for own, letter in shapes]
        return torch.tensor(np.concatenate(parts))

    def make(self, values: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """Weights (3,), means (3, 2) and covariances (3, 2, 2) of such a row."""
        weights = torch.softmax(torch.cat([values.new_zeros(1), values[:2]]), 0)
        means, place, shapes = values[2:8].reshape(3, 2), 8, []
        for letter in self.structure.code:
            size = {"V": 3, "E": 1, "I": 0}[letter]
            own = values[place : place + size]
            shapes.append(own.expand(3) if size else values.new_zeros(3))
            place += size
        volume, r, angle = shapes
        along = torch.stack([angle.cos(), angle.sin()], 1)
        across = torch.stack([-angle.sin(), angle.cos()], 1)
        first = (volume + r).exp()[:, None, None] * along[:, :, None] * along[:, None]
        second = (volume - r).exp()[:, None, None] * across[:, :, None] * across[:, None]
        return weights, means, first + second

    def evaluate(self, values: torch.Tensor) -> torch.Tensor:
        """The log-likelihood and the log prior, in nats."""
        weights, means, covariances = self.make(values)
        each = torch.distributions.MultivariateNormal(means, covariances)
        total = torch.logsumexp(each.log_prob(self.points[:, None]) + weights.log(), 1).sum()
        if (prior := self.known.prior) is not None:
            counts, centres, spreads = (torch.tensor(each) for each in vars(prior).values())
            inside = torch.linalg.solve(covariances, spreads).diagonal(dim1=1, dim2=2).sum(1)
            total = total + counts @ (weights.log() + each.log_prob(centres) - inside / 2)
        return total

    def measure(self, values: torch.Tensor) -> torch.Tensor:
        """The figures of the components, shape (3, 6)."""
        weights, means, covariances = self.make(values)
        sds = covariances.diagonal(dim1=1, dim2=2).sqrt()
        correlations = covariances[:, 0, 1] / sds.prod(1)
        return torch.cat([weights[:, None], means, sds, correlations[:, None]], 1)


def climb_newton(
    start: torch.Tensor, free: torch.Tensor, evaluate: Callable[[torch.Tensor], torch.Tensor]
) -> torch.Tensor:
    """Where the gradient in the free parameters vanishes, near an optimum."""
    values = start.clone()
    for _ in range(6):
        gradient = torch.autograd.functional.jacobian(evaluate, values)[free]
        second = torch.autograd.functional.hessian(evaluate, values)[free][:, free]
        values[free] -= torch.linalg.solve(second, gradient)
    assert gradient.abs().max() < 1e-6
    return values


@pytest.mark.parametrize("words", ["", "prior", "prior and fixed"])
@pytest.mark.parametrize("covariance", COVARIANCE_TYPES)
def test_model_errors_are_those_of_a_hessian(covariance: CovarianceType, words: str) -> None:
    """To 1e-5 of each, by automatic differentiation, for all covariance types."""
    truth = mixture_of(
        [0.3, 0.3, 0.4],
        [[0, 0], [4, 1], [1, 5]],
        [np.diag([1.0, 0.5]), [[1.5, 0.6], [0.6, 1.0]], [[0.8, -0.2], [-0.2, 1.4]]],
    )
    points, cells = sampled(truth, 500), cells_of(sampled(truth, 500))
    prior = Prior(np.array([30.0, 0.0, 20.0]), truth.means + 0.2, 1.1 * truth.covariances)
    names = [["mean"], [], ["mean"]]
    known = Knowledge(
        prior if "prior" in words else None,
        Fixed.from_json(names, truth) if "fixed" in words else None,
    )
    settings = FitSettings(3, covariance)
    begun = fit_from(cells, settings, truth, known).mixture
    posterior = Posterior(points, covariance, known)
    values = posterior.read(begun)
    free = torch.ones(len(values), dtype=torch.bool)
    if known.fixed is not None:
        free[2:8] = ~torch.tensor(known.fixed.means).repeat_interleave(2)
    values = climb_newton(values, free, posterior.evaluate)
    weights, means, covariances = (each.numpy() for each in posterior.make(values))
    mixture = Mixture(weights, means, covariances)

    second = torch.autograd.functional.hessian(posterior.evaluate, values)[free][:, free]
    rates = torch.autograd.functional.jacobian(posterior.measure, values)[:, :, free]
    spread = torch.linalg.inv(-second)
    expected = torch.einsum("kfp,pq,kfq->kf", rates, spread, rates).sqrt().numpy()
    found = estimate_errors(cells, mixture, covariance, known=known).model_standard_errors
    roots = take_roots(mixture.weights, len(points) + known.n_points)
    moves = Moves.of(STRUCTURES[covariance], mixture.covariances, roots)
    found = found / allow_for_few(mixture, len(points) + known.n_points, expected, moves, known)
    if known.fixed is not None:
        assert np.isnan(found[known.fixed.parameters]).all()
        found = np.where(known.fixed.parameters, 0.0, found)
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-9)


def allow_for_few(
    mixture: Mixture, n_points: float, errors: FloatArray, moves: Moves, known: Knowledge
) -> FloatArray:
    """The factor of errors of few points, (K, 6), by the share of information that labels leave."""
    roots = take_roots(mixture.weights, n_points)
    free = span_free_moves(roots, moves, known.fixed).reshape(mixture.n_components, 6, -1)
    apart = np.linalg.norm(differentiate_scales(mixture, roots) @ free, axis=2)
    apart = apart * measure_rates(measure_figures(mixture))
    with np.errstate(invalid="ignore"):
        shares = np.minimum(np.nan_to_num(apart / errors, nan=1.0) ** 2, 1.0)
    numbers = count_points_behind(mixture, n_points)
    return np.asarray(np.sqrt(1 + 6 / (shares * (numbers - 6))))


def test_a_prior_makes_errors_smaller_as_so_many_points_more_would() -> None:
    truth = mixture_of([0.4, 0.6], [[0, 0], [9, 1]], [np.eye(2), np.diag([1.0, 2.0])])
    points = sampled(truth, 300)
    cells, settings = cells_of(points), FitSettings(2)
    without, some, known = None, None, Knowledge(Prior.of(truth, 900))
    for told in (NOTHING_KNOWN, known):
        mixture = fit_from(cells, settings, truth, told).mixture
        errors = estimate_errors(cells, mixture, known=told)
        without, some = some, errors.standard_errors
    assert without is not None
    assert some is not None
    # Of four times as many points errors are half as large, and their own scatter a tenth.
    ratios = some[:, :5] / without[:, :5]
    np.testing.assert_allclose(ratios, 0.5, rtol=0.15)


def test_what_is_fixed_has_no_error_and_others_smaller_ones() -> None:
    truth = mixture_of([0.4, 0.6], [[0, 0], [3, 1]], [np.eye(2), np.diag([1.0, 2.0])])
    cells = cells_of(sampled(truth, 400))
    fixed = Fixed.from_json([["mean", "weight"], ["covariance"]], truth)
    mixture = fit_from(cells, FitSettings(2), truth, Knowledge(fixed=fixed)).mixture
    free = estimate_errors(cells, mixture).standard_errors
    found = estimate_errors(cells, mixture, known=Knowledge(fixed=fixed)).standard_errors
    settled = fixed.parameters.copy()
    settled[:, 0] = True  # the other weight is what the fixed one leaves
    np.testing.assert_array_equal(np.isnan(found), settled)
    assert (found[~settled] < free[~settled]).all()


def test_weights_count_by_their_squares() -> None:
    """Of a mean of weighted points, its variance is that of the sum of the squares of weights."""
    random = np.random.default_rng(0)
    points, weights = gaussian(500, (0, 0), 2.0, 0), random.uniform(0.1, 5, 500)
    weights[points[:, 0] > 0] *= 3
    cells = Cells(weights, points, np.zeros((500, 2, 2)), weights**2)
    mean = weights @ points / weights.sum()
    deviations = points - mean
    mixture = mixture_of([1.0], [mean], [(weights * deviations.T) @ deviations / weights.sum()])
    grain = Grain(np.zeros(2), float(weights.sum() / (weights @ weights)), are_rows=False)
    errors = estimate_errors(grain.weigh(cells), mixture)
    expected = np.sqrt(weights**2 @ deviations**2) / weights.sum()
    number = weights.sum() * grain.worth
    few = np.sqrt(number / (number - 6))
    np.testing.assert_allclose(errors.standard_errors[0, 1:3], expected * few, rtol=1e-9)


def test_errors_allow_for_labels_in_doubt() -> None:
    """Where components overlap, few points count as fewer: nothing of that where they are apart."""
    found = []
    for between in (20.0, 2.5):
        truth = mixture_of([0.5, 0.5], [[0, 0], [between, 0]], [np.eye(2)] * 2)
        cells = cells_of(sampled(truth, 300))
        mixture = fit_from(cells, FitSettings(2), truth).mixture
        errors = estimate_errors(cells, mixture)
        information = observe_information(cells, mixture)
        roots = take_roots(mixture.weights, 300)
        spread = differentiate_scales(mixture, roots) @ information.directions.reshape(2, 6, -1)
        bare = np.sqrt((spread**2 / information.lengths).sum(axis=2))
        bare *= measure_rates(measure_figures(mixture))
        found.append(errors.model_standard_errors / bare)
    numbers = count_points_behind(mixture_of([0.5, 0.5], [[0, 0]] * 2, [np.eye(2)] * 2), 300)
    np.testing.assert_allclose(found[0], np.sqrt(numbers / (numbers - 6)), rtol=0.01)
    assert (found[1][:, 1] > 1.1).all()  # of the means along the line between the two
    assert (found[1][:, 2] < 1.1).all()
