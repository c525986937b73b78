"""The parameters of each component in its own units, in which a step of EM is a gradient step.

Six for each component: the log of its mass, two of its mean and three of its covariance, in units
in which the component is round, times the root of its mass; see `cells.information`, which knows
the same in NumPy. A background comes last, whose mass is all that moves: P parts are K components,
and a background if there is one.
"""

import math

import torch
from torch import Tensor

from gmmcli.core.inference.ascent import Ascent
from gmmcli.core.inference.held import Held
from gmmcli.core.inference.model import Components
from gmmcli.core.inference.natural_gradient import EMPTY, constrain_factors
from gmmcli.core.mixture.moves import Moves
from gmmcli.core.mixture.structures import STRUCTURES
from gmmcli.settings import CovarianceType


def take_roots(weights: Tensor, n_points: float) -> Tensor:
    """The square roots of the masses of parts, shape (P, 1); of no less than an empty one."""
    return (n_points * weights).clamp(min=EMPTY * n_points).sqrt()[:, None]


def localize(here: Components, gradients: Components, roots: Tensor, ascent: Ascent) -> Tensor:
    """The gradient in units in which an EM step is a step along it, shape (P, 6).

    Of the log weight, the mean, and the lower triangle of a factor's growth, in the units of the
    component, times the root of its mass; twice the mass for the diagonal.

    Args:
        here: where it is the gradient.
        gradients: of the ELBO there.
        roots: of the masses, shape (P, 1).
        ascent: the covariance type, which the growth follows, and what stays.
    """
    # The model normalises its weights, which takes N off their gradient already.
    weights = here.weights * gradients.weights
    means = (here.factors.mT @ gradients.means[:, :, None])[:, :, 0]
    lower = here.factors.mT @ gradients.factors
    growth = torch.stack(
        [lower[:, 0, 0] / math.sqrt(2), lower[:, 1, 0], lower[:, 1, 1] / math.sqrt(2)], dim=1
    )
    own = roots[: here.n_components]
    moves = torch.cat([means / own, _project(growth / own, here, own, ascent.covariance)], dim=1)
    gradient = torch.cat([weights[:, None] / roots, _pad(moves, len(roots))], dim=1)
    held = Held.of(ascent.known)
    return gradient if held is None else held.project(gradient, roots)


def follow_em(
    gradient: Tensor, here: Components, full: Components, roots: Tensor, floored: Tensor
) -> Tensor:
    """The gradient, (P, 6), with what an EM step does where a component stands on the floor.

    There the gradient points through the floor, and never vanishes.

    Args:
        gradient: in local units.
        here: where it is the gradient.
        full: where an EM step leads.
        roots: of the masses, shape (P, 1).
        floored: which components stand on the floor, shape (K,).
    """
    grown = torch.linalg.solve_triangular(here.factors, full.factors, upper=False)
    root = math.sqrt(2)
    growth = [root * (grown[:, 0, 0] - 1), grown[:, 1, 0], root * (grown[:, 1, 1] - 1)]
    by_em = _pad(torch.stack(growth, dim=1), len(roots)) * roots
    within = torch.cat([gradient[:, :3], by_em], dim=1)
    return torch.where(_pad(floored[:, None], len(roots)), within, gradient)


def walk(
    here: Components, step: Tensor, roots: Tensor, ascent: Ascent, *, farthest: float = 2.0
) -> Components:
    """Where a step in local units leads.

    Args:
        here: where it begins.
        step: shape (P, 6).
        roots: of the masses, shape (P, 1).
        ascent: the covariance type and the least covariance.
        farthest: that it moves the log of a weight or of a standard deviation, or the mean in
            standard deviations.
    """
    step = (step / roots).clamp(-farthest, farthest)
    weights = torch.softmax(here.weights.log() + step[:, 0], dim=0)
    step = step[: here.n_components]
    means = here.means + (here.factors @ step[:, 1:3, None])[:, :, 0]
    growth = torch.zeros_like(here.factors)
    growth[:, 0, 0] = (step[:, 3] / math.sqrt(2)).exp()
    growth[:, 1, 0] = step[:, 4]
    growth[:, 1, 1] = (step[:, 5] / math.sqrt(2)).exp()
    factors = here.factors @ growth
    masses = weights[: here.n_components]
    typed = constrain_factors(factors @ factors.mT, masses, ascent)
    return Components(weights, means, typed, here.background)


def _pad(values: Tensor, n_parts: int) -> Tensor:
    """Values of components, shape (K, D), with zeros for a background, shape (P, D)."""
    none = torch.zeros(n_parts - len(values), values.shape[1], dtype=values.dtype)
    return torch.cat([values, none])


def _project(growth: Tensor, here: Components, roots: Tensor, covariance: CovarianceType) -> Tensor:
    """The part of a growth, shape (K, 3), that the covariance type can follow.

    Args:
        growth: in local units.
        here: where the components stand.
        roots: of their masses, shape (K, 1).
        covariance: the covariance type.
    """
    structure = STRUCTURES[covariance]
    if not structure.n_shared and not structure.is_aligned:
        return growth
    covariances = (here.factors @ here.factors.mT).numpy()
    moves = Moves.of(structure, covariances, roots[:, 0].numpy())
    return torch.from_numpy(moves.project(growth.numpy()))
