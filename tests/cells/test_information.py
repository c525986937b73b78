"""The information against automatic differentiation, and the steps that it leads to."""

from itertools import islice

import numpy as np
import pytest
import torch
from builders import cells_of, over_background, random_mixture, sampled
from torch import Tensor

from gmmcli.core.cells.cells import Cells
from gmmcli.core.cells.information import observe_information
from gmmcli.core.inference.ascent import Ascent
from gmmcli.core.inference.climb import climb
from gmmcli.core.inference.distributions import LocalUnits, evaluate_all
from gmmcli.core.inference.model import CellTensors
from gmmcli.core.mixture.knowledge import Fixed, Knowledge, Prior
from gmmcli.core.mixture.mixture import Mixture
from gmmcli.core.mixture.moves import Moves
from gmmcli.core.mixture.structures import STRUCTURES, CovarianceStructure
from gmmcli.settings import COVARIANCE_TYPES, CovarianceType

LEAST = 1e-10 * np.eye(2)


def wide_cells(mixture: Mixture, n_cells: int) -> Cells:
    random = np.random.default_rng(0)
    roots = 0.1 * random.normal(size=(n_cells, 2, 2))
    counts = random.uniform(1, 5, n_cells)
    return Cells(counts, sampled(mixture, n_cells), roots @ roots.swapaxes(1, 2))


def follow_path(
    structure: CovarianceStructure, factors: Tensor, typed: Moves, growth: Tensor
) -> Tensor:
    """The factors of components that have grown by so much, (K, 3), as their type grows.

    Where it bends, by volumes, elongations and angles; else each by its own factor.
    """
    if not structure.is_bent:
        u, across, v = growth.T
        zero = torch.zeros_like(u)
        rows = [
            torch.stack([(u / 2**0.5).exp(), zero], 1),
            torch.stack([across, (v / 2**0.5).exp()], 1),
        ]
        return factors @ torch.stack(rows, dim=1)
    ellipses = structure.describe((factors @ factors.mT).numpy())
    volume, longer, turned = torch.einsum("kpg,kg->pk", torch.tensor(typed.frames), growth)
    r = torch.tensor(ellipses.elongations)
    angles = torch.tensor(ellipses.angles) + turned / (2 * torch.sinh(r))
    v, r = torch.tensor(ellipses.log_volumes) + volume, r + longer
    axes = torch.stack([torch.cos(angles), torch.sin(angles)], 1)
    across = torch.stack([-axes[:, 1], axes[:, 0]], 1)
    first = (v + r).exp()[:, None, None] * axes[:, :, None] * axes[:, None, :]
    second = (v - r).exp()[:, None, None] * across[:, :, None] * across[:, None, :]
    made: Tensor = torch.linalg.cholesky(first + second)
    return made


def know(words: str, mixture: Mixture, covariance: CovarianceType) -> Knowledge:
    """A prior of a mixture's components, or parameters that stay, or both, by these words."""
    prior = Prior(np.array([20.0, 0.0, 30.0]), mixture.means + 0.3, 1.2 * mixture.covariances)
    names = [["weight"], ["mean"], [] if STRUCTURES[covariance].n_shared else ["covariance"]]
    return Knowledge(
        prior if "prior" in words else None,
        Fixed.from_json(names, mixture) if "fixed" in words else None,
    )


@pytest.mark.parametrize(
    ("share", "moves", "words"),
    [
        (0.0, False, ""),
        (0.2, False, ""),
        (0.2, True, ""),
        (0.0, False, "prior"),
        (0.2, True, "prior and fixed"),
        (0.0, False, "fixed"),
    ],
)
@pytest.mark.parametrize("covariance", COVARIANCE_TYPES)
def test_information_is_what_second_derivatives_tell(
    covariance: CovarianceType, share: float, moves: bool, words: str
) -> None:
    """Of the ELBO, as the parameters of a covariance type move in the units of components.

    A background keeps its weight unless it is among the parameters.
    """
    n_components, start = 3, random_mixture(3, seed=2)
    cells = wide_cells(start, 400)
    if share:
        start = over_background(start, share, cells.means)
    (state,) = islice(climb(cells, start, Ascent(covariance, "natural", 1.0, LEAST)), 1)
    mixture = state.mixture
    tensors, means = CellTensors.of(cells), torch.tensor(mixture.means)
    factors = torch.tensor(mixture.cholesky_factors())
    weights = parts = torch.tensor(mixture.weights)
    if moves and mixture.background is not None:
        parts = torch.cat([weights, weights.new_tensor([mixture.background.weight])])
    known = know(words, mixture, covariance)
    roots = (parts * (cells.n_points + known.n_points)).sqrt()[:, None]
    are_free, stays = torch.ones_like(parts, dtype=torch.bool), torch.zeros(n_components, 6)
    if known.fixed is not None:
        are_free[:n_components] = torch.tensor(~known.fixed.weights)
        stays = torch.tensor(known.fixed.parameters)
    held_by_parts = torch.where(are_free, parts, 0).sqrt()
    held_by_parts = held_by_parts / held_by_parts.norm()
    fixed = weights.new_tensor(-np.inf if mixture.rest is None else mixture.rest)

    structure = STRUCTURES[covariance]
    typed = Moves.of(structure, mixture.covariances, roots[:n_components, 0].numpy())
    basis = torch.from_numpy(typed.span().reshape(3 * n_components, -1))
    open_moves = basis @ basis.T  # that they are is held by the tests of moves

    def negative_elbo(flat: Tensor) -> Tensor:
        step = flat.reshape(len(parts), 6)
        step = torch.cat([torch.where(stays.bool(), 0, step[:n_components]), step[n_components:]])
        # The masses of all together stay.
        along = step[:, 0] - held_by_parts * (held_by_parts @ step[:, 0])
        grown_parts = torch.where(are_free, parts * (along / roots[:, 0]).exp(), 0)
        left = parts[are_free].sum() * grown_parts / grown_parts.sum()
        masses = torch.where(are_free, left, parts)
        rest = fixed
        if moves and mixture.background is not None:
            rest = masses[-1].log() + mixture.background.log_density
        masses, step, own = masses[:n_components], step[:n_components], roots[:n_components]
        growth = (open_moves @ step[:, 3:].reshape(-1)).reshape(n_components, 3) / own
        moved = means + (factors @ (step[:, 1:3] / own)[:, :, None])[:, :, 0]
        grown = follow_path(structure, factors, typed, growth)
        joint = masses.log()[:, None] + evaluate_all(
            tensors.means, LocalUnits.of(moved, grown), tensors.spreads
        )
        told = torch.zeros(())
        if known.prior is not None:  # the points of each component are known
            pseudo = CellTensors.of(Cells(*map(np.array, vars(known.prior).values())))
            labelled = evaluate_all(pseudo.means, LocalUnits.of(moved, grown), pseudo.spreads)
            told = pseudo.counts @ (labelled.diagonal() + masses.log())
        return -(tensors.counts * torch.logaddexp(joint.logsumexp(dim=0), rest)).sum() - told

    zeros = torch.zeros(6 * len(parts), dtype=torch.float64)
    second = torch.autograd.functional.hessian(negative_elbo, zeros).numpy()
    lengths, directions = np.linalg.eigh(second)
    are_open = np.abs(lengths) > 1e-9  # some parameters do not move
    size = np.where(are_open, np.abs(lengths), np.inf)
    found = observe_information(cells, mixture, covariance, moves_background=moves, known=known)
    np.testing.assert_allclose(found.inverse, (directions / size) @ directions.T, atol=1e-9)
    assert found.is_positive == (lengths > -1e-6).all()


def test_a_component_apart_from_others_has_the_information_of_a_gaussian() -> None:
    apart = Mixture(
        np.array([0.5, 0.5]), np.array([[-50.0, 0], [50, 0]]), np.tile(np.eye(2), (2, 1, 1))
    )
    found = observe_information(cells_of(sampled(apart, 100_000)), apart)
    expected = np.eye(12)
    expected[np.ix_([0, 6], [0, 6])] = [[0.5, -0.5], [-0.5, 0.5]]  # one grows as the other shrinks
    np.testing.assert_allclose(found.inverse, expected, atol=0.03)
    assert found.is_positive


def test_between_two_optima_the_elbo_does_not_bend_downward() -> None:
    one = sampled(random_mixture(1, seed=0), 500)
    cells = cells_of(np.concatenate([one, one + np.array([3.0, 0])]))
    both = np.tile(cells.covariance(), (2, 1, 1))
    halves = Mixture(np.array([0.5, 0.5]), np.tile(cells.mean(), (2, 1)), both)
    assert not observe_information(cells, halves).is_positive


def test_newtons_steps_are_cut_where_they_are_longest() -> None:
    mixture = random_mixture(3, seed=2)
    found = observe_information(cells_of(sampled(mixture, 2000)), mixture)
    gradient = found.directions @ np.random.default_rng(0).normal(size=len(found.lengths))
    whole = found.step(gradient, np.inf)
    np.testing.assert_allclose(whole, found.inverse @ gradient, atol=1e-9)
    length = float(np.linalg.norm(whole))
    cut = found.step(gradient, 0.3 * length)
    assert np.linalg.norm(cut) == pytest.approx(0.3 * length, rel=0.02)
    assert cut @ gradient > 0
    shares = (found.directions.T @ cut) / (found.directions.T @ whole)
    assert (np.diff(shares) > 0).all()  # the longer, the more
