"""The distributions of the model: laws that any has, and the figures of Pyro's own."""

import numpy as np
import pyro.distributions as dist
import pytest
import torch
from builders import random_mixture

from gmmcli.core.inference.distributions import (
    AssignedNormal,
    LocalUnits,
    SharedCategorical,
    SparseCategorical,
    Uniform,
    evaluate_all,
)
from gmmcli.core.inference.model import Components
from gmmcli.core.mixture.background import Background
from gmmcli.core.mixture.densities import evaluate_log_densities

MIXTURE = random_mixture(3, seed=5)
MEANS, FACTORS = Components.of(MIXTURE)[1:3]
LOGITS = torch.tensor([0.3, -2.0, 1.0, 0.0], dtype=torch.float64)


def points_of(n_points: int) -> torch.Tensor:
    return torch.tensor(np.random.default_rng(0).normal(0, 2, (n_points, 2)))


def spreads_of(n_cells: int) -> torch.Tensor:
    """Covariances xx, xy, yy of different sizes, shape (C, 3)."""
    roots = np.random.default_rng(1).normal(0, 0.3, (n_cells, 2, 2))
    covariances = roots @ roots.swapaxes(1, 2)
    return torch.tensor(covariances[:, [0, 0, 1], [0, 1, 1]])


def matrices_of(spreads: torch.Tensor) -> torch.Tensor:
    return spreads[:, [0, 1, 1, 2]].reshape(-1, 2, 2)


@pytest.mark.parametrize("shape", [(50,), (4, 1), (4, 50)])
def test_a_shared_categorical_is_a_categorical(shape: tuple[int, ...]) -> None:
    value = torch.tensor(np.random.default_rng(0).integers(0, 4, shape))
    shared = SharedCategorical(LOGITS).expand(torch.Size([50]))
    plain = dist.Categorical(logits=LOGITS).expand(torch.Size([50]))
    expected = plain.log_prob(value).broadcast_to(torch.broadcast_shapes(shape, (50,)))
    found = shared.log_prob(value).broadcast_to(expected.shape)
    torch.testing.assert_close(found, expected, rtol=1e-14, atol=0)
    assert shared.batch_shape == plain.batch_shape
    assert shared.sample(torch.Size([7])).shape == (7, 50)


def test_a_value_that_is_no_component_is_refused() -> None:
    with pytest.raises(ValueError, match="support"):
        SharedCategorical(LOGITS).log_prob(torch.tensor(4))


def sparse() -> SparseCategorical:
    """Two candidates of six for each of three draws."""
    candidates = torch.tensor([[0, 5], [2, 3], [4, 1]])
    logits = torch.tensor([[0.0, 1.0], [2.0, -1.0], [0.0, 0.0]], dtype=torch.float64)
    return SparseCategorical(candidates, logits)


def test_a_sparse_categorical_is_normalised_over_all_values() -> None:
    every = torch.arange(6)[:, None]
    probs = sparse().log_prob(every).exp()  # (6, 3)
    torch.testing.assert_close(probs.sum(dim=0), torch.ones(3, dtype=torch.float64))
    assert (probs > 0).sum(dim=0).tolist() == [2, 2, 2]


def test_a_sparse_categorical_knows_its_support_as_any_other_value() -> None:
    support = sparse().enumerate_support(expand=False)
    assert support.shape == (2, 3)
    assigned = sparse()
    enumerated = assigned.log_prob(assigned.enumerate_support())
    torch.testing.assert_close(enumerated, assigned.log_prob(support.clone()))


def test_a_sparse_categorical_draws_its_candidates_as_often_as_it_says() -> None:
    torch.manual_seed(0)
    n_draws = 4000
    draws = sparse().sample(torch.Size([n_draws]))  # (4000, 3)
    shares = torch.stack([(draws == k).double().mean(dim=0) for k in range(6)])
    probs = sparse().log_prob(torch.arange(6)[:, None]).exp()
    # Five standard errors of a share of so many draws.
    assert (shares - probs).abs().max() < 5 * 0.5 / np.sqrt(n_draws)


@pytest.mark.parametrize("shape", [(50,), (3, 1), (2, 50), ()])
def test_a_density_of_points_is_that_of_a_normal(shape: tuple[int, ...]) -> None:
    assignment = torch.tensor(np.random.default_rng(0).integers(0, 3, shape))
    points = points_of(50)
    found = AssignedNormal(assignment, MEANS, FACTORS).log_prob(points)
    plain = dist.MultivariateNormal(MEANS[assignment], scale_tril=FACTORS[assignment])
    torch.testing.assert_close(found, plain.log_prob(points), rtol=1e-12, atol=0)


@pytest.mark.parametrize("shape", [(50,), (3, 1), (2, 50)])
def test_a_density_of_cells_is_the_mean_of_their_points(shape: tuple[int, ...]) -> None:
    assignment = torch.tensor(np.random.default_rng(0).integers(0, 3, shape))
    points, spreads = points_of(50), spreads_of(50)
    density = AssignedNormal(assignment, MEANS, FACTORS, spreads)
    assert density.batch_shape == torch.broadcast_shapes(shape, (50,))
    reaches = torch.linalg.cholesky(matrices_of(spreads))  # two axes of each cell
    # Four points with the mean and the covariance of a cell.
    places = [points + s * np.sqrt(2) * reaches[..., i] for s in (-1, 1) for i in (0, 1)]
    each = AssignedNormal(assignment, MEANS, FACTORS)
    mean = torch.stack([each.log_prob(place) for place in places]).mean(dim=0)
    torch.testing.assert_close(density.log_prob(points), mean, rtol=1e-12, atol=0)


@pytest.mark.parametrize("shape", [(50,), (4, 1), (2, 50), ()])
def test_the_density_of_stray_points_is_that_of_the_background(shape: tuple[int, ...]) -> None:
    background = Uniform.of(Background.over([[-9, 7], [-8, 8]], 0.1))
    assignment = torch.tensor(np.random.default_rng(0).integers(0, 4, shape))
    points, spreads = points_of(50), spreads_of(50)
    found = AssignedNormal(assignment, MEANS, FACTORS, spreads, background).log_prob(points)
    plain = AssignedNormal(assignment.clamp(max=2), MEANS, FACTORS, spreads).log_prob(points)
    expected = torch.where(assignment == 3, -np.log(16 * 16), plain)
    torch.testing.assert_close(found, expected, rtol=1e-14, atol=0)


def test_stray_points_are_drawn_over_the_whole_parallelogram() -> None:
    torch.manual_seed(0)
    n_draws, edges = 4000, np.array([[3.0, -1.0], [1.0, 2.0]])
    background = Uniform.of(Background(0.1, np.array([5.0, 6.0]), edges))
    assignment = torch.tensor([0, 3])
    density = AssignedNormal(assignment, MEANS, FACTORS, background=background)
    points = density.expand(torch.Size([2])).rsample(torch.Size([n_draws]))
    assert points.shape == (n_draws, 2, 2)
    shares = np.linalg.solve(edges, (points[:, 1].numpy() - [5.0, 6.0]).T)
    assert (shares >= 0).all()
    assert (shares <= 1).all()
    assert (np.abs(shares.mean(axis=1) - 0.5) < 5 * np.sqrt(1 / 12 / n_draws)).all()


def test_the_torch_density_is_the_numpy_one() -> None:
    points, spreads = points_of(50), spreads_of(50)
    found = evaluate_all(points, LocalUnits.of(MEANS, FACTORS), spreads)
    means, covariances = MIXTURE.means, MIXTURE.covariances
    expected = evaluate_log_densities(
        points.numpy(), means, covariances, matrices_of(spreads).numpy()
    )
    np.testing.assert_allclose(found.numpy(), expected, rtol=1e-12)


def test_points_are_drawn_with_the_moments_of_their_component() -> None:
    torch.manual_seed(0)
    n_draws = 4000
    points = AssignedNormal(torch.tensor([0, 2]), MEANS, FACTORS).rsample(torch.Size([n_draws]))
    assert points.shape == (n_draws, 2, 2)
    for place, k in enumerate([0, 2]):
        standard_errors = np.sqrt(np.diag(MIXTURE.covariances[k]) / n_draws)
        away = points[:, place].numpy().mean(axis=0) - MIXTURE.means[k]
        assert (np.abs(away) < 5 * standard_errors).all()
        found = np.cov(points[:, place].numpy().T)
        # The variance of a variance is about 2 / n of its square.
        np.testing.assert_allclose(
            found, MIXTURE.covariances[k], atol=5 * np.sqrt(2 / n_draws) * found.max()
        )


def test_a_density_is_that_of_any_batch_that_it_is_expanded_to() -> None:
    density = AssignedNormal(torch.tensor(1), MEANS, FACTORS).expand(torch.Size([50]))
    assert density.log_prob(points_of(50)).shape == (50,)
    assert density.sample().shape == (50, 2)


def test_one_value_has_a_log_probability_for_each_member_of_a_batch() -> None:
    batch = torch.Size([5])
    assert SharedCategorical(LOGITS).expand(batch).log_prob(torch.tensor(1)).shape == batch
    density = AssignedNormal(torch.tensor(1), MEANS, FACTORS).expand(batch)
    assert density.log_prob(points_of(1)[0]).shape == batch


def test_the_mode_of_a_sparse_categorical_is_a_candidate() -> None:
    assert sparse().mode.tolist()[:2] == [5, 2]


def test_factors_that_are_none_are_refused() -> None:
    with pytest.raises(ValueError, match="factors"):
        AssignedNormal(torch.tensor(1), MEANS, -FACTORS)
