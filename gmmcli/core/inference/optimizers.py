"""Optimizers of a mixture's ELBO that see all its parameters at once, as Pyro's multi-optimizers.

The natural gradient, and the (quasi-)Newton steps that it turns into near the optimum. Both work in
the units of each component, where a step of EM is a step along the gradient.
"""

import math
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import NamedTuple

import torch
from pyro.optim.multi import MultiOptimizer
from torch import Tensor

from gmmcli.core.cells.information import Information
from gmmcli.core.inference.model import constrained
from gmmcli.core.mixture.whitening import are_floored
from gmmcli.settings import CovarianceType, OptimizerName

NAMES = ("weights_unconstrained", "means_unconstrained", "factors_unconstrained")

# A component that accounts for a smaller share of the points than this is empty.
LEAST_MASS = 1e-13
# Once a step gains less than this, in nats per point, the optimum counts as near.
NEAR = 1e-2
# How many steps quasi-Newton steps learn from.
MEMORY = 20
# The curvature is worked out anew after so many steps: that takes as long as one evaluation with
# ten components, as three with thirty, and with more is left out.
STEPS_INFORMED = 3
MOST_INFORMED = 30
# A step that leads down is cut to this share of itself, so often, before EM takes over.
SHORTER = 0.3
MOST_CUTS = 2
# Or until it is shorter than this, in local units, and would bring nothing.
SHORTEST = 1e-6
# The farthest that a step moves the log of a weight or of a standard deviation.
FARTHEST = 2.0
# A step tells of curvature when this share of it lies along the change of the gradient.
LEAST_CURVATURE = 1e-8
# An ELBO that falls by less than this share of itself has not fallen.
ROUNDING = 1e-14


@dataclass(frozen=True)
class Ascent:
    """How to climb the ELBO.

    Attributes:
        covariance: the covariance type.
        optimizer: natural gradient or Adam.
        learning_rate: the share of a full natural-gradient step, or Adam's rate.
        floor: the least eigenvalue of a covariance, in whitened units.
        accelerated: whether full natural-gradient steps may learn from those before them.
    """

    covariance: CovarianceType
    optimizer: OptimizerName
    learning_rate: float
    floor: float
    accelerated: bool = True

    @property
    def is_accelerated(self) -> bool:
        """Whether its steps are those of `QuasiNewton`."""
        return self.accelerated and self.optimizer == "natural" and self.learning_rate == 1

    def accelerating(self) -> "Ascent":
        """The same ascent by full natural-gradient steps that learn from those before them."""
        return replace(self, optimizer="natural", learning_rate=1.0, accelerated=True)

    def by_full_steps(self) -> "Ascent":
        """The same ascent by full natural-gradient steps."""
        return replace(self, optimizer="natural", learning_rate=1.0, accelerated=False)


@dataclass(eq=False)
class Memory:
    """What quasi-Newton steps have learned of the curvature of an ELBO, in local units.

    Attributes:
        pairs: steps that were taken, and how much each took off the gradient.
        curvature: the information at the place where the first of them was taken, if it is known.
    """

    pairs: deque[tuple[Tensor, Tensor]] = field(default_factory=lambda: deque(maxlen=MEMORY))
    curvature: Information | None = None


class Place(NamedTuple):
    """Where an ascent stands: weights (K,), means (K, 2), Cholesky factors (K, 2, 2)."""

    weights: Tensor
    means: Tensor
    factors: Tensor


@dataclass(frozen=True, eq=False)
class Trial:
    """A step whose worth the next ELBO tells.

    Attributes:
        place: where it was taken.
        gradient: of the ELBO there, in local units, shape (K, 6).
        step: in local units, shape (K, 6).
        full: where an EM step would have led.
        gain: what a step of any length should bring, in nats: all that is left, as far as the
            curvature is known.
        n_cuts: how often it was taken back and cut.
    """

    place: Place
    gradient: Tensor
    step: Tensor
    full: Place
    gain: float
    n_cuts: int = 0


class NaturalGradient(MultiOptimizer):
    """Steps along the natural gradient of the ELBO of a mixture.

    A full step is an EM step exactly, and with any share of one the ELBO never falls (Xu & Jordan
    1996, equations 5 to 7; Hoffman et al. 2013, section 2).

    Args:
        n_points: N, the sum of the cells' counts.
        ascent: the covariance type, the share of a full step and the floor.
    """

    def __init__(self, n_points: float, ascent: Ascent) -> None:
        self.n_points = n_points
        self.ascent = ascent

    def get_step(self, loss: Tensor, params: dict[str, Tensor]) -> dict[str, Tensor]:
        """The weights (K,), means (K, 2) and factors (K, 2, 2) after a step down the loss."""
        gradients = torch.autograd.grad(-loss, [params[name] for name in NAMES])
        here = Place(*(params[name].detach() for name in NAMES))
        with torch.no_grad():
            return _named(self.moved(here, gradients))

    def moved(self, here: Place, gradients: Sequence[Tensor]) -> Place:
        """Where a step leads, given the gradients of the ELBO with respect to the parameters."""
        masses, mean_steps, covariances = self._moments(here.weights, here.factors, gradients)
        typed = constrained(covariances, masses, self.ascent.covariance, self.ascent.floor)
        means = here.means + mean_steps
        return Place(masses / masses.sum(), means, torch.linalg.cholesky(typed))

    def _moments(
        self, weights: Tensor, factors: Tensor, gradients: Sequence[Tensor]
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Masses (K,), steps of the means (K, 2) and free covariances (K, 2, 2) after a step.

        The gradients are taken to the units of each component, where they have the size of its
        mass however tight it is.
        """
        weight_gradient, mean_gradient, factor_gradient = gradients
        share = self.ascent.learning_rate
        # The model normalises its weights, which takes N off their gradient.
        accounted = (weights * (self.n_points + weight_gradient)).clamp(min=0)
        masses = (1 - share) * self.n_points * weights + share * accounted
        # A component that no point is left for has only rounding to go by, and stays as it is.
        alive = masses > LEAST_MASS * self.n_points
        per_mass = torch.where(alive, share / masses, 0.0)[:, None, None]
        masses = torch.where(alive, masses, 0.0)
        steps = per_mass * (factors.mT @ mean_gradient[:, :, None])  # (K, 2, 1), in its units
        lower = (factors.mT @ factor_gradient).tril()
        growth = per_mass * (lower + lower.tril(-1).mT)  # (K, 2, 2), in its units
        unit = torch.eye(2, dtype=factors.dtype)
        covariances = factors @ (unit + growth - steps @ steps.mT) @ factors.mT
        return masses, (factors @ steps)[:, :, 0], covariances


class QuasiNewton(MultiOptimizer):
    """Full natural-gradient steps that learn from each other near the optimum.

    Where components overlap, EM crawls. In the units of each component, scaled by the root of its
    mass, the information of the complete data is the identity, so an EM step is a plain gradient
    step, and L-BFGS (Liu & Nocedal 1989; Jamshidian & Jennrich 1997, section 2, of EM) finds from
    successive gradients how much farther each direction leads. Where the curvature is worked out,
    it takes the place of the identity, and the first step is Newton's. A step that turns out to
    lead down is taken back and made shorter, Newton's where it is longest; if that does not help,
    an EM step takes its place, so the ELBO never falls.

    Args:
        natural: takes the steps before the optimum is near.
        memory: what it learns from, and adds to; that of an earlier climb on the same data, in
            coarser cells, gives it a good start.
        curvature: works out how the ELBO bends at a place, for Newton's steps; None where that
            takes too long.
    """

    def __init__(
        self,
        natural: NaturalGradient,
        memory: Memory,
        curvature: Callable[[Place], Information] | None = None,
    ) -> None:
        self._natural = natural
        self._memory = memory
        self._curvature = curvature
        self._elbo = -math.inf
        self._is_near = len(memory.pairs) > 0 or memory.curvature is not None
        self._trial: Trial | None = None
        self._n_uninformed = STEPS_INFORMED
        self._longest = math.inf  # a Newton step, in local units
        self._are_any_floored = False

    @property
    def expected(self) -> float:
        """What was left to climb before the last step, in nats; infinite where that is not known.

        A step along a ridge or that had to be cut tells nothing, and neither does the curvature of
        coarser cells, or that of components on the floor, which is not worked out.
        """
        curvature = self._memory.curvature if self._curvature else None
        is_told = curvature is not None and curvature.is_positive and not self._are_any_floored
        if self._trial is None or self._trial.n_cuts > 0 or not is_told:
            return math.inf
        return self._trial.gain

    def overshot(self, elbo: float) -> bool:
        """Whether the last step has led down to this ELBO, so that the next one takes it back."""
        rounding = ROUNDING * abs(self._elbo)
        return self._trial is not None and not elbo >= self._elbo - rounding

    def get_step(self, loss: Tensor, params: dict[str, Tensor]) -> dict[str, Tensor]:
        """The weights (K,), means (K, 2) and factors (K, 2, 2) after a step down the loss."""
        elbo = -loss.item()
        if self._trial is not None and self.overshot(elbo):
            return _named(self._taken_back(self._trial))
        gradients = torch.autograd.grad(-loss, [params[name] for name in NAMES])
        here = Place(*(params[name].detach().clone() for name in NAMES))  # those will move
        with torch.no_grad():
            full = self._natural.moved(here, gradients)
            self._is_near |= elbo - self._elbo < NEAR * self._natural.n_points
            self._elbo = elbo
            if not self._is_near:
                return _named(full)
            gradient = self._within_floor(here, full, self._local_gradient(here, gradients))
            if self._trial is not None:
                self._learn(self._trial, gradient)
                if self._trial.n_cuts == 0:
                    self._longest /= SHORTER
            self._inform(here)
            step = whole = self._direction(gradient, math.inf)
            if self._longest < math.inf:
                step = self._direction(gradient, self._longest)
            gain = float((whole * gradient).sum()) / 2
            self._trial = Trial(here, gradient, step, full, gain)
            return _named(self._moved(here, step))

    def _inform(self, here: Place) -> None:
        """Work out the curvature anew when it is due; what steps have told is part of it."""
        self._n_uninformed += 1
        if self._curvature is not None and self._n_uninformed > STEPS_INFORMED:
            self._memory.pairs.clear()
            self._memory.curvature = self._curvature(here)
            self._n_uninformed = 0

    def _taken_back(self, trial: Trial) -> Place:
        """Where a shorter step from the last place leads, or at last an EM step."""
        trial = replace(trial, n_cuts=trial.n_cuts + 1)
        step = SHORTER * trial.step
        if trial.n_cuts > MOST_CUTS or step.norm() < SHORTEST:
            self._trial = None
            self._memory.pairs.clear()
            return trial.full
        if self._memory.curvature is not None:
            self._longest = float(step.norm())
            self._memory.pairs.clear()
            self._n_uninformed = STEPS_INFORMED
            step = self._direction(trial.gradient, self._longest)
        self._trial = replace(trial, step=step)
        return self._moved(trial.place, step)

    def _learn(self, trial: Trial, gradient: Tensor) -> None:
        """Keep a step and how much it took off the gradient, where the ELBO is concave along it."""
        fall = trial.gradient - gradient
        if (trial.step * fall).sum() > LEAST_CURVATURE * trial.step.norm() * fall.norm():
            self._memory.pairs.append((trial.step, fall))

    def _direction(self, gradient: Tensor, longest: float) -> Tensor:
        """The step that the memory recommends (Nocedal 1980, the two-loop recursion)."""
        step, shares, memory = gradient, [], self._memory
        for move, fall in reversed(memory.pairs):
            share = (move * step).sum() / (move * fall).sum()
            step = step - share * fall
            shares.append(share)
        if memory.curvature is not None:
            newton = memory.curvature.step(step.ravel().numpy(), longest)
            step = torch.from_numpy(newton).reshape(step.shape)
        for (move, fall), share in zip(memory.pairs, reversed(shares), strict=True):
            step = step + move * (share - (fall * step).sum() / (move * fall).sum())
        return step if (step * gradient).sum() > 0 else gradient

    def _roots(self, here: Place) -> Tensor:
        """The square roots of the components' masses, shape (K, 1)."""
        least = LEAST_MASS * self._natural.n_points
        return (self._natural.n_points * here.weights).clamp(min=least).sqrt()[:, None]

    def _local_gradient(self, here: Place, gradients: Sequence[Tensor]) -> Tensor:
        """The gradient in units in which an EM step is a step along it, shape (K, 6).

        Of the log weight, the mean, and the lower triangle of a factor's growth, in the units of
        the component, times the root of its mass; twice the mass for the diagonal.
        """
        weight_gradient, mean_gradient, factor_gradient = gradients
        roots = self._roots(here)
        weights = (
            here.weights * weight_gradient
        )  # the model normalises them, which takes off N already
        means = (here.factors.mT @ mean_gradient[:, :, None])[:, :, 0]
        lower = here.factors.mT @ factor_gradient
        growth = torch.stack(
            [lower[:, 0, 0] / math.sqrt(2), lower[:, 1, 0], lower[:, 1, 1] / math.sqrt(2)], dim=1
        )
        local = torch.cat([weights[:, None], means, growth], dim=1) / roots
        return torch.cat([local[:, :3], self._typed(local[:, 3:], roots)], dim=1)

    def _within_floor(self, here: Place, full: Place, gradient: Tensor) -> Tensor:
        """The gradient, (K, 6), with what an EM step does where a component stands on the floor.

        There the gradient points through the floor, and never vanishes.
        """
        covariances = (here.factors @ here.factors.mT).numpy()
        stand = torch.from_numpy(are_floored(covariances, self._natural.ascent.floor))
        self._are_any_floored = bool(stand.any())
        if not self._are_any_floored:
            return gradient
        grown = torch.linalg.solve_triangular(here.factors, full.factors, upper=False)
        root = math.sqrt(2)
        growth = [root * (grown[:, 0, 0] - 1), grown[:, 1, 0], root * (grown[:, 1, 1] - 1)]
        by_em = torch.stack(growth, dim=1) * self._roots(here)
        within = torch.cat([gradient[:, :3], by_em], dim=1)
        return torch.where(stand[:, None], within, gradient)

    def _typed(self, growth: Tensor, roots: Tensor) -> Tensor:
        """The part of a growth, shape (K, 3), that the covariance type can follow."""
        covariance = self._natural.ascent.covariance
        if covariance == "full":
            return growth
        if covariance == "tied":
            return roots * ((roots * growth).sum(dim=0) / (roots**2).sum())
        along_axes = growth * torch.tensor([1.0, 0.0, 1.0], dtype=growth.dtype)
        if covariance == "diag":
            return along_axes
        return along_axes.sum(dim=1, keepdim=True) * torch.tensor([0.5, 0, 0.5], dtype=growth.dtype)

    def _moved(self, here: Place, step: Tensor) -> Place:
        """Where a step in local units, shape (K, 6), leads."""
        step = (step / self._roots(here)).clamp(-FARTHEST, FARTHEST)
        weights = torch.softmax(here.weights.log() + step[:, 0], dim=0)
        means = here.means + (here.factors @ step[:, 1:3, None])[:, :, 0]
        growth = torch.zeros_like(here.factors)
        growth[:, 0, 0] = (step[:, 3] / math.sqrt(2)).exp()
        growth[:, 1, 0] = step[:, 4]
        growth[:, 1, 1] = (step[:, 5] / math.sqrt(2)).exp()
        factors = here.factors @ growth
        ascent = self._natural.ascent
        typed = constrained(factors @ factors.mT, weights, ascent.covariance, ascent.floor)
        return Place(weights, means, torch.linalg.cholesky(typed))


def _named(place: Place) -> dict[str, Tensor]:
    return dict(zip(NAMES, place, strict=True))
