"""The model run forward, and the assignments that its guide finds."""

from dataclasses import replace

import numpy as np
import pyro
import pyro.distributions as dist
import pyro.infer
import pytest
import torch
from builders import over_background, random_mixture, sampled
from pyro import poutine
from pyro.infer import Predictive
from pyro.infer.util import is_validation_enabled

from gmmcli.core.cells.cells import Cells
from gmmcli.core.inference.ascent import Ascent
from gmmcli.core.inference.assignment import find_best_assignment
from gmmcli.core.inference.climb import prepare_model
from gmmcli.core.inference.distributions import LocalUnits, SparseCategorical, evaluate_all
from gmmcli.core.inference.model import (
    CellTensors,
    Components,
    MixtureModel,
    enter_pyro,
    skip_checks,
    take_logs,
)
from gmmcli.core.mixture.mixture import Mixture
from gmmcli.core.mixture.sampling import ARTICLE
from gmmcli.core.mixture.structures import STRUCTURES, constrain
from gmmcli.errors import FitError
from gmmcli.settings import COVARIANCE_TYPES, CovarianceType

ASCENT = Ascent("full", "natural", 1.0, 1e-10 * np.eye(2))


def narrow_cells(mixture: Mixture, n_cells: int) -> Cells:
    """Cells about points of a mixture, of different widths."""
    roots = np.random.default_rng(0).normal(0, 0.3, (n_cells, 2, 2))
    points = sampled(mixture, n_cells)
    return Cells(np.ones(n_cells), points, roots @ roots.swapaxes(1, 2))


def test_pyro_checks_the_model_in_all_tests_and_not_where_it_is_told_not_to() -> None:
    assert is_validation_enabled()
    assert poutine.util.is_validation_enabled()
    with skip_checks(), enter_pyro():
        assert not is_validation_enabled()
    with enter_pyro():
        assert is_validation_enabled()


def test_a_trace_without_data_draws_an_assignment_and_a_point() -> None:
    trace = poutine.trace(prepare_model(ARTICLE, ASCENT)).get_trace()
    assert torch.as_tensor(trace.nodes["assignment"]["value"]).shape == (1,)
    assert torch.as_tensor(trace.nodes["obs"]["value"]).shape == (1, 2)
    assert torch.as_tensor(trace.log_prob_sum()).isfinite()


def test_models_that_run_forward_keep_their_own_parameters() -> None:
    one, other = (random_mixture(2, seed=seed) for seed in (1, 2))
    models = [MixtureModel(Components.of(mixture)) for mixture in (one, other)]
    for model in models:
        poutine.trace(model).get_trace()
    for model, mixture in zip(models, (one, other), strict=True):
        np.testing.assert_array_equal(model.components().to_mixture().means, mixture.means)
    assert not list(pyro.get_param_store())


def test_points_that_the_model_predicts_have_the_moments_of_the_mixture() -> None:
    torch.manual_seed(0)
    n_draws = 4000
    drawn = Predictive(prepare_model(ARTICLE, ASCENT), num_samples=n_draws, parallel=True)()
    points, assignment = drawn["obs"].reshape(-1, 2).numpy(), drawn["assignment"].ravel()
    second = ARTICLE.covariances + np.einsum("ki,kj->kij", ARTICLE.means, ARTICLE.means)
    mean = ARTICLE.weights @ ARTICLE.means
    covariance = np.einsum("k,kij->ij", ARTICLE.weights, second) - np.outer(mean, mean)
    errors = np.sqrt(np.diag(covariance) / n_draws)
    assert (np.abs(points.mean(axis=0) - mean) < 5 * errors).all()
    assert abs(assignment.double().mean() - 0.5) < 5 * 0.5 / np.sqrt(n_draws)


def test_points_that_a_model_with_a_background_predicts_are_as_often_stray_as_it_says() -> None:
    torch.manual_seed(0)
    n_draws, box = 4000, np.array([[20.0, 30.0], [24.0, 36.0]])
    mixture = over_background(ARTICLE, 0.3, box)
    drawn = Predictive(prepare_model(mixture, ASCENT), num_samples=n_draws, parallel=True)()
    points, assignment = drawn["obs"].reshape(-1, 2).numpy(), drawn["assignment"].ravel().numpy()
    assert mixture.background is not None
    np.testing.assert_array_equal(mixture.background.contains(points), assignment == 2)
    assert abs((assignment == 2).mean() - 0.3) < 5 * np.sqrt(0.3 * 0.7 / n_draws)
    shares = (points[assignment == 2] - box[0]) / (box[1] - box[0])
    assert (np.abs(shares.mean(axis=0) - 0.5) < 5 * np.sqrt(1 / 12 / len(shares))).all()


def test_a_model_gives_back_the_background_of_its_start() -> None:
    mixture = over_background(ARTICLE, 0.3, np.array([[-9.0, -7.0], [8.0, 6.0]]))
    back = prepare_model(mixture, ASCENT).components().to_mixture().background
    assert back is not None
    assert mixture.background is not None
    assert back.weight == pytest.approx(0.3, rel=1e-14)
    np.testing.assert_array_equal(back.box, mixture.background.box)


@pytest.mark.parametrize("covariance", COVARIANCE_TYPES)
def test_a_model_keeps_the_components_that_it_is_moved_to(covariance: CovarianceType) -> None:
    ascent = replace(ASCENT, covariance=covariance)
    model = prepare_model(random_mixture(4, seed=0), ascent)
    there = random_mixture(4, seed=1)
    made = constrain(there.covariances, there.weights, covariance, least=ascent.least)
    there = Mixture(np.array([0.5, 0.3, 0.2, 0.0]), there.means, made)
    model.move(Components.of(there))
    back = model.components().to_mixture()
    np.testing.assert_allclose(back.weights, there.weights, rtol=1e-14, atol=0)
    np.testing.assert_array_equal(back.means, there.means)
    np.testing.assert_allclose(back.covariances, there.covariances, rtol=1e-13, atol=1e-15)


@pytest.mark.parametrize("covariance", COVARIANCE_TYPES)
def test_a_model_makes_the_covariances_of_its_start_the_types(covariance: CovarianceType) -> None:
    there = random_mixture(3, seed=1)
    found = MixtureModel(Components.of(there), covariance).components().to_mixture()
    expected = STRUCTURES[covariance].project(there.covariances, there.weights)
    np.testing.assert_allclose(found.covariances, expected, rtol=1e-13, atol=1e-15)


def find_shares(
    mixture: Mixture, cells: Cells
) -> tuple[torch.Tensor, pyro.distributions.Categorical]:
    """Log weights plus mean log densities, (K, C), and the assignment that is best for them."""
    weights, means, factors, _ = Components.of(mixture)
    _, points, spreads = CellTensors.of(cells)
    joint = evaluate_all(points, LocalUnits.of(means, factors), spreads)
    joint += take_logs(weights)[:, None]
    return joint, assign(joint)


def assign(joint: torch.Tensor, **options: int) -> dist.Categorical:
    """The best assignment of cells with these log weights plus log densities, (K, C)."""
    n_components, n_cells = joint.shape
    return find_best_assignment(lambda part: joint[:, part], (n_components, n_cells), **options)


@pytest.mark.parametrize(("n_components", "spread"), [(5, 2.0), (60, 100.0)])
def test_an_assignment_shares_cells_by_responsibilities(n_components: int, spread: float) -> None:
    mixture = random_mixture(n_components, seed=3, spread=spread)
    joint, assignment = find_shares(mixture, narrow_cells(mixture, 400))
    shares = assignment.log_prob(torch.arange(n_components)[:, None]).exp()
    # No share that is left out is above the rounding of 1.
    np.testing.assert_allclose(shares, joint.softmax(dim=0), rtol=1e-12, atol=1e-15)


@pytest.mark.parametrize("n_components", [5, 60])
def test_an_assignment_is_the_same_by_parts(n_components: int) -> None:
    mixture = random_mixture(n_components, seed=3, spread=100.0)
    joint, whole = find_shares(mixture, narrow_cells(mixture, 400))
    by_parts = assign(joint, at_once=70 * n_components)
    assert type(by_parts) is type(whole)
    assert torch.equal(by_parts.logits, whole.logits)
    assert torch.equal(
        by_parts.enumerate_support(expand=False), whole.enumerate_support(expand=False)
    )


def test_only_the_components_that_may_have_points_of_a_cell_are_enumerated() -> None:
    mixture = random_mixture(60, seed=3, spread=100.0)
    _, assignment = find_shares(mixture, narrow_cells(mixture, 400))
    assert isinstance(assignment, SparseCategorical)
    n_candidates, n_cells = assignment.enumerate_support(expand=False).shape
    assert n_cells == 400
    assert n_candidates < 20


@pytest.mark.parametrize("far", [-np.inf, np.nan])
def test_points_without_a_density_are_told(far: float) -> None:
    with pytest.raises(FitError, match="too far from every component"):
        assign(torch.full((2, 5), far))


def test_points_far_from_all_components_have_the_nearest() -> None:
    joint = torch.tensor([[-1e20, -3e20], [-2e20, -2e20]], dtype=torch.float64)
    assignment = assign(joint, look_up=0)
    assert assignment.enumerate_support(expand=False).tolist() == [[0, 1]]
