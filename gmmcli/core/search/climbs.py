"""The way to a mixture by Pyro, on few cells and then on all, and what comes of it."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from gmmcli.core.cells.cells import Cells
from gmmcli.core.cells.refinement import Coarseness
from gmmcli.core.inference.ascent import Ascent
from gmmcli.core.inference.climb import climb, estimate_left_to_climb, limit_threads, measure
from gmmcli.core.inference.convergence import WINDOWS, estimate_remaining_climb
from gmmcli.core.inference.curvature import Memory
from gmmcli.core.inference.state import State
from gmmcli.core.mixture.covariances import are_floored
from gmmcli.core.mixture.gaussians import Gaussians, IntArray
from gmmcli.core.mixture.mixture import Mixture
from gmmcli.core.mixture.whitening import Whitening
from gmmcli.core.search.constants import NEAR
from gmmcli.core.search.criteria import criteria
from gmmcli.core.search.hooks import Hooks
from gmmcli.core.search.outcome import Outcome, Search
from gmmcli.core.search.problem import Problem
from gmmcli.core.search.stages import Stages
from gmmcli.core.search.starts import start
from gmmcli.core.search.status import Status

Finer = Callable[[Coarseness], Cells]


@dataclass(frozen=True)
class Climbed:
    """Where a climb ended.

    Attributes:
        states: those on the way, in whitened units.
        status: why it ended.
        problem: the data, as fine as was asked for.
        coarseness: how coarse they are for its end, as far as that has been worked out.
    """

    states: list[State]
    status: Status
    problem: Problem
    coarseness: Coarseness | None = None


def make_ascent(problem: Problem) -> Ascent:
    """How the settings of a problem say to climb."""
    settings = problem.settings
    return Ascent(
        settings.covariance,
        settings.optimizer,
        settings.learning_rate,
        problem.least,
        known=problem.known.whiten(problem.whitening),
    )


def show_way(
    problem: Problem, states: Sequence[State], hooks: Hooks, *, most: int = 60
) -> list[State]:
    """A climb from a random start, and then some states as they go on from where it ends.

    Where it ends at another optimum than theirs, a move leads from there to them.

    Args:
        problem: the data.
        states: of a climb, in whitened units; the first may be on few cells or on all.
        hooks: what the caller adds on the way.
        most: the most steps of the climb from the start.
    """
    first, n_components = states[0], states[0].mixture.n_components
    # Strays, which a background is for, would stretch what a random start begins with.
    if n_components == 1 or first.mixture.background is not None:
        return list(states)
    generator = np.random.default_rng(problem.settings.seed)
    parts = start(problem.region, n_components, np.eye(2), generator)
    if parts.number < n_components:
        return list(states)
    even = np.full(n_components, 1 / n_components)
    pooled = np.einsum("k,kij->ij", parts.weights, parts.covariances)
    begin = Gaussians(even, parts.means, np.tile(pooled, (n_components, 1, 1)))
    climber = _Climber(make_ascent(problem), min(most, problem.settings.steps), problem, hooks)
    begun = State(0, begin.to_mixture(), -np.inf)
    way, _ = climber.climb(problem.few_cells, [begun], NEAR)
    elbos_there = [state.elbo for state in states if state.n_cells == way[-1].n_cells]
    has_come_there = bool(elbos_there) and abs(way[-1].elbo - elbos_there[-1]) < 2 * NEAR
    way = [state for state in way if not elbos_there or state.elbo < first.elbo]
    if not way:
        return list(states)
    order = _match(first.mixture, way[-1].mixture)
    way = [replace(state, mixture=state.mixture.reorder(order)) for state in way]
    joined = [*way, replace(first, by_move=not has_come_there), *states[1:]]
    return [replace(state, step=step) for step, state in enumerate(joined)]


def climb_stages(
    problem: Problem,
    states: Sequence[State],
    hooks: Hooks,
    finer: Finer | None = None,
    *,
    on_all: bool = False,
    enough: float = 0.0,
) -> Climbed:
    """Where the climb from the end of a way leads, on more and more cells.

    Args:
        problem: the data.
        states: those so far.
        hooks: what the caller adds on the way.
        finer: cuts cells where they are too coarse for a mixture, in data units.
        on_all: begin on all cells.
        enough: what may be left to climb, in nats, if the last cells ask for less.

    Raises:
        FitError: when Adam, at too high a learning rate, diverges.
    """
    stages = Stages(problem, finer, on_all=on_all)
    climber = _Climber(
        make_ascent(problem), states[-1].step + problem.settings.steps, problem, hooks
    )
    states, status = climber.climb(stages.cells, states, max(stages.tolerance, enough))
    while status is Status.CONVERGED and stages.advance(states[-1].mixture):
        states, status = climber.climb(stages.cells, states, max(stages.tolerance, enough))
    if not stages.is_last:
        last = measure(states[-1], stages.problem.all_cells, make_ascent(problem))
        states = [*states[:-1], last]
    coarseness = stages.coarseness if status is Status.CONVERGED else None
    return Climbed(states, status, stages.problem, coarseness)


def tell(climbed: Climbed, search: Search | None) -> Outcome:
    """What came of a climb, in data units.

    What a search has found is in canonical order; the components of a start keep their numbers.

    Args:
        climbed: where the climb ended.
        search: what was done to find where it began; None where that was given.
    """
    problem, status = climbed.problem, climbed.status
    cells, states = problem.cells, climbed.states
    if search is not None:
        states = _order_canonically(states, problem.whitening)
    mixture = problem.whitening.unwhiten(states[-1].mixture)
    coarseness = climbed.coarseness or Coarseness(
        cells, mixture, problem.covariance, is_optimum=status is Status.CONVERGED
    )
    elbo = states[-1].elbo + cells.n_points * problem.whitening.log_volume
    log_likelihood = elbo + coarseness.gap * cells.n_points
    floored = are_floored(states[-1].mixture.covariances, problem.least)
    return Outcome(
        settings=replace(problem.settings, components=mixture.n_components),
        states=tuple(states),
        whitening=problem.whitening,
        status=status,
        cells=cells,
        coarseness=coarseness,
        criteria=criteria(
            cells, mixture, log_likelihood, problem.covariance, problem.worth, problem.known.fixed
        ),
        floored=tuple(np.flatnonzero(floored).tolist()),
        least=problem.whitening.unwhiten_covariances(problem.least),
        grain=problem.grain,
        search=search,
        known=problem.known,
    )


@dataclass(frozen=True)
class _Climber:
    """How far to climb, by which steps, and who is told of them.

    Attributes:
        ascent: how to climb.
        max_steps: the most steps to take in all.
        problem: the data.
        hooks: who is told of every step, and asked whether to end there.
    """

    ascent: Ascent
    max_steps: int
    problem: Problem
    hooks: Hooks

    def climb(
        self, cells: Cells, states: Sequence[State], tolerance: float
    ) -> tuple[list[State], Status]:
        """The states up to where the climb ends, and why it ends there.

        Steps that stall short of the optimum begin anew from there, without what they remember.

        Args:
            cells: the data to climb on, in whitened units.
            states: those so far; the last takes the ELBO that it has on these cells.
            tolerance: what may be left to climb, in nats.
        """
        way, status = list(states), None
        with limit_threads(cells, way[-1].mixture.n_components):
            while status is None:
                onward, status = self._climb_on(cells, way.pop(), tolerance)
                way += onward
        return way, status

    def _climb_on(
        self, cells: Cells, last: State, tolerance: float
    ) -> tuple[list[State], Status | None]:
        """The states from one on, and why the climb ends; None where it stalls."""
        way, elbos = list[State](), list[float]()
        for state in climb(cells, last.mixture, self.ascent, Memory()):
            way.append(self._pass_on(state, last.step))
            elbos.append(state.log_posterior)
            if state.expected < tolerance:
                return way, Status.CONVERGED
            if self._seems_over(elbos, tolerance):
                is_over = self._is_over(state.mixture, cells, tolerance)
                return way, Status.CONVERGED if is_over else None
            if self.hooks.interrupted():
                return way, Status.INTERRUPTED
            if way[-1].step >= self.max_steps:
                return way, Status.STEP_LIMIT
        raise AssertionError("an ascent has no end of its own")

    def _pass_on(self, state: State, n_before: int) -> State:
        """The state as one of a longer way, after the caller has been told of it."""
        here = replace(state, step=n_before + state.step, expected=math.inf, memory=None)
        volume = self.problem.whitening.log_volume
        self.hooks.watch("step", here.step, here.elbo / self.problem.cells.n_points + volume)
        return here

    def _seems_over(self, elbos: list[float], tolerance: float, *, probe_every: int = 3) -> bool:
        """Whether the ELBOs of a climb, in nats, say that less is left than is tolerable.

        Args:
            elbos: so far, what a prior adds included.
            tolerance: in nats.
            probe_every: they are asked at every so many steps where a probe confirms what they say,
                since it takes as long as these do.
        """
        window = WINDOWS[self.ascent.optimizer]
        every = max(window, probe_every) if self._is_probed(tolerance) else window
        return len(elbos) % every == 0 and estimate_remaining_climb(elbos, window) < tolerance

    def _is_over(self, mixture: Mixture, cells: Cells, tolerance: float) -> bool:
        """Whether less is left to climb than is tolerable, in nats, where the ELBOs say so."""
        if not self._is_probed(tolerance):
            return True
        return estimate_left_to_climb(cells, mixture, self.ascent) < tolerance

    def _is_probed(self, tolerance: float) -> bool:
        """Whether a probe confirms the end of a climb.

        Accelerated steps may stall for a while, which does no harm before the last cells.
        """
        is_stepwise = WINDOWS[self.ascent.optimizer] == 1
        return not is_stepwise or (self.ascent.is_accelerated and tolerance < NEAR)


def _match(before: Mixture, mixture: Mixture) -> IntArray:
    """The order that puts a mixture's components to the places of those before nearest to them."""
    apart = np.linalg.norm(before.means[:, None] - mixture.means, axis=2)
    order = np.zeros(mixture.n_components, dtype=np.intp)
    for _ in range(mixture.n_components):
        old, new = np.unravel_index(np.argmin(apart), apart.shape)
        order[old] = new
        apart[old], apart[:, new] = np.inf, np.inf
    return order


def _order_canonically(states: Sequence[State], whitening: Whitening) -> list[State]:
    """The states with their components in the canonical order of the last mixture."""
    order = whitening.unwhiten(states[-1].mixture).canonical_order()
    return [replace(state, mixture=state.mixture.reorder(order)) for state in states]
