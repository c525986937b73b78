"""Natural-gradient steps that learn from each other near the optimum.

A step is proposed, and the next ELBO is its judge. Here is what is done with the verdict: how long
the next one may be, when one is cut, and when an EM step takes its place. Where a step points is
in `curvature`, and in which units in `local_units`.
"""

import math
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from gmmcli.core.inference.ascent import Evaluation
from gmmcli.core.inference.convergence import ELBO_ROUNDING
from gmmcli.core.inference.curvature import Curvature, Memory
from gmmcli.core.inference.local_units import follow_em, localize, take_roots, walk
from gmmcli.core.inference.model import Components, MixtureModel
from gmmcli.core.inference.natural_gradient import NaturalGradient, differentiate
from gmmcli.core.mixture.covariances import are_floored


@dataclass(frozen=True, eq=False)
class Place:
    """Where a step is taken, and what is known there.

    Attributes:
        components: the parameters there.
        full: where an EM step leads.
        gradient: of the ELBO, in local units, shape (P, 6).
        roots: of the masses, shape (P, 1).
        is_floored: whether a component stands on the floor.
    """

    components: Components
    full: Components
    gradient: Tensor
    roots: Tensor
    is_floored: bool


@dataclass(frozen=True, eq=False)
class Trial:
    """A step whose worth the next ELBO tells.

    Attributes:
        start: where it was taken, and what was known there.
        step: in local units, shape (P, 6).
        least_elbo: in nats; where the next ELBO is lower, the step is taken back.
        gain: what a step of any length should bring, in nats: all that is left, as far as the
            curvature is known.
        is_sure: whether the gain is: no component stands on the floor, where the curvature is not
            worked out, and the ELBO bends downward on every side.
        n_cuts: how often it was taken back and cut.
    """

    start: Place
    step: Tensor
    least_elbo: float
    gain: float
    is_sure: bool
    n_cuts: int = 0


@dataclass(frozen=True, eq=False)
class QuasiNewtonState:
    """Where a climb by quasi-Newton steps stands.

    Attributes:
        memory: what its steps have learned.
        elbo: of the place where the last step was taken, in nats.
        is_near: whether the optimum is near, so that steps are more than EM's.
        trial: the last step, if it was one.
        n_uninformed: how many steps ago the curvature was worked out.
        longest: a Newton step, in local units.
    """

    memory: Memory
    elbo: float = -math.inf
    is_near: bool = False
    trial: Trial | None = None
    n_uninformed: int = 0
    longest: float = math.inf

    @property
    def least_elbo(self) -> float:
        """Where the next ELBO is lower, the last step is to be taken back; in nats."""
        return -math.inf if self.trial is None else self.trial.least_elbo

    @property
    def expected(self) -> float:
        """What was left to climb before the last step, in nats; infinite where that is not known.

        A step along a ridge or that had to be cut tells nothing, and neither does the curvature of
        coarser cells, or that of components on the floor.
        """
        trial = self.trial
        return trial.gain if trial is not None and trial.is_sure and not trial.n_cuts else math.inf


class QuasiNewton:
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
        memory: what it learns from; that of an earlier climb on the same data, in coarser cells,
            gives it a good start.
        curvature: works out how the ELBO bends at a place, for Newton's steps; None where that
            takes too long.
        steps_informed: the curvature is worked out anew after so many steps
            (`benchmarks/convergence.py`).
        shorter: a step that leads down is cut to this share of itself, and one that does not lets
            the next be as much longer (`benchmarks/convergence.py`).
    """

    def __init__(
        self,
        natural: NaturalGradient,
        memory: Memory,
        curvature: Curvature | None = None,
        *,
        steps_informed: int = 3,
        shorter: float = 0.3,
    ) -> None:
        self._natural, self._memory, self._curvature = natural, memory, curvature
        self._steps_informed, self._shorter = steps_informed, shorter

    def init(self) -> QuasiNewtonState:
        """The state before the first step."""
        return QuasiNewtonState(
            self._memory, is_near=not self._memory.is_empty, n_uninformed=self._steps_informed
        )

    def step(
        self, state: QuasiNewtonState, evaluation: Evaluation, model: MixtureModel
    ) -> QuasiNewtonState:
        """The state after a step; the model is moved, or moved back where the last led down."""
        if state.trial is not None and not evaluation.elbo >= state.least_elbo:
            return self._take_back(state, state.trial, model)
        gradients = differentiate(evaluation)
        here = evaluation.components.detach()
        with torch.no_grad():
            full = self._natural.propose(here, gradients)
            state = self._judge(state, evaluation.elbo)
            if not state.is_near:
                model.move(full)
                return state
            roots = take_roots(here.weights, self._natural.n_points)
            ascent = self._natural.ascent
            gradient = localize(here, gradients, roots, ascent)
            floored = self._find_floored(here)
            if is_floored := bool(floored.any()):
                gradient = follow_em(gradient, here, full, roots, floored)
            state = self._inform(self._learn(state, gradient), here)
            return self._try(state, Place(here, full, gradient, roots, is_floored), model)

    def _judge(
        self, state: QuasiNewtonState, elbo: float, *, near: float = 1e-2
    ) -> QuasiNewtonState:
        """The state at an ELBO that is accepted.

        Args:
            state: before.
            elbo: in nats.
            near: once a step gains less than this, in nats per point, the optimum counts as near
                (`benchmarks/convergence.py`).
        """
        is_near = state.is_near or elbo - state.elbo < near * self._natural.n_points
        return replace(state, elbo=elbo, is_near=is_near)

    def _find_floored(self, here: Components) -> Tensor:
        """Which components stand on the floor, shape (K,)."""
        covariances = (here.factors @ here.factors.mT).numpy()
        return torch.from_numpy(are_floored(covariances, self._natural.ascent.least))

    def _learn(self, state: QuasiNewtonState, gradient: Tensor) -> QuasiNewtonState:
        """The state with what the last step has taught, given the gradient where it led."""
        trial = state.trial
        if trial is None:
            return state
        memory = state.memory.learn(trial.step, trial.start.gradient - gradient)
        longest = state.longest if trial.n_cuts else state.longest / self._shorter
        return replace(state, memory=memory, longest=longest)

    def _inform(self, state: QuasiNewtonState, here: Components) -> QuasiNewtonState:
        """The state with the curvature worked out anew when it is due; steps are part of it."""
        n_uninformed = state.n_uninformed + 1
        if self._curvature is None or n_uninformed <= self._steps_informed:
            return replace(state, n_uninformed=n_uninformed)
        memory = Memory(curvature=self._curvature(here))
        return replace(state, memory=memory, n_uninformed=0)

    def _try(
        self,
        state: QuasiNewtonState,
        start: Place,
        model: MixtureModel,
    ) -> QuasiNewtonState:
        """The state with a new trial, which moves the model.

        Args:
            state: before.
            start: where the step is taken.
            model: what is moved.
        """
        step = whole = state.memory.recommend(start.gradient, math.inf)
        if state.longest < math.inf:
            step = state.memory.recommend(start.gradient, state.longest)
        curvature = state.memory.curvature if self._curvature else None
        trial = Trial(
            start,
            step,
            least_elbo=state.elbo - ELBO_ROUNDING * abs(state.elbo),
            gain=float((whole * start.gradient).sum()) / 2,
            is_sure=curvature is not None and curvature.is_positive and not start.is_floored,
        )
        self._walk(trial, model)
        return replace(state, trial=trial)

    def _take_back(
        self,
        state: QuasiNewtonState,
        trial: Trial,
        model: MixtureModel,
        *,
        most_cuts: int = 2,
        shortest: float = 1e-6,
    ) -> QuasiNewtonState:
        """The state after a shorter step from the last place, or at last an EM step.

        Args:
            state: before.
            trial: the step that led down.
            model: what is moved.
            most_cuts: how often a step is cut (`benchmarks/convergence.py`).
            shortest: a step in local units that would bring nothing.
        """
        n_cuts, step = trial.n_cuts + 1, self._shorter * trial.step
        if n_cuts > most_cuts or step.norm() < shortest:
            model.move(trial.start.full)
            return replace(state, trial=None, memory=replace(state.memory, pairs=()))
        if state.memory.curvature is not None:
            longest, memory = float(step.norm()), replace(state.memory, pairs=())
            step = memory.recommend(trial.start.gradient, longest)
            n_uninformed = self._steps_informed
            state = replace(state, memory=memory, longest=longest, n_uninformed=n_uninformed)
        trial = replace(trial, step=step, n_cuts=n_cuts)
        self._walk(trial, model)
        return replace(state, trial=trial)

    def _walk(self, trial: Trial, model: MixtureModel) -> None:
        """Move a model to where a trial leads."""
        start = trial.start
        model.move(walk(start.components, trial.step, start.roots, self._natural.ascent))
