"""A fit: cells in, the best mixture found and the way to it out."""

import math
from collections.abc import Callable, Sequence
from copy import copy
from dataclasses import dataclass, field, replace
from time import perf_counter

import numpy as np

from gmmcli.core.cells.cells import Cells, find_whitening
from gmmcli.core.cells.refinement import Coarseness
from gmmcli.core.inference.ascent import Ascent
from gmmcli.core.inference.climb import climb, estimate_left_to_climb, limit_threads, measure
from gmmcli.core.inference.convergence import WINDOWS, estimate_remaining_climb
from gmmcli.core.inference.curvature import Memory
from gmmcli.core.inference.state import State
from gmmcli.core.mixture.covariances import are_floored
from gmmcli.core.mixture.mixture import Mixture
from gmmcli.core.mixture.whitening import Whitening
from gmmcli.core.search.criteria import criteria
from gmmcli.core.search.objective import flaw
from gmmcli.core.search.outcome import Outcome
from gmmcli.core.search.rounds import MOST_STEPS, Searcher, Trail
from gmmcli.core.search.stages import Stages, count_few, merge_levels
from gmmcli.core.search.status import Status
from gmmcli.errors import FitError, TableError
from gmmcli.settings import HANDFUL, CovarianceType, FitSettings

# A fit has converged when its remaining climb is estimated below this, in nats for each point ...
TOLERANCE_PER_POINT = 1e-6
# Components closer than this, in whitened units, move alike as far as double precision can tell.
COINCIDING = 1e-5
# The pace of a climb is that of so many steps.
PACE_STEPS = 5
# What is left is probed at every so many steps, since a probe takes as long as they do.
PROBE_EVERY = 3


@dataclass(frozen=True)
class Hooks:
    """What a fit asks of its caller on the way, and tells it.

    Attributes:
        finer: cuts cells where they are too coarse for a mixture, or gives back what it got where
            that cannot be. Without it, all cells are used as they are.
        row_weight: what a row of the table counts for, on average.
        watch: called at every step and after every round of the search with a word for it, its
            number and the ELBO per point, in nats.
        interrupted: asked after every step whether to end here.
    """

    finer: Callable[[Coarseness], Cells] | None = None
    row_weight: float = 1.0
    watch: Callable[[str, int, float], None] = lambda _what, _number, _elbo_per_point: None
    interrupted: Callable[[], bool] = lambda: False


def fit_cells(
    cells: Cells, settings: FitSettings, *, start: Mixture | None = None, hooks: Hooks | None = None
) -> Outcome:
    """Fit a mixture to cells.

    Args:
        cells: the data, in data units.
        settings: what is asked for.
        start: the mixture to begin with; searched for by default.
        hooks: what the caller adds on the way.

    Raises:
        TableError: when there are fewer distinct points than components, or their variance is
            out of double precision's reach.
        FitError: when the climb diverges, or two components of the start coincide.
    """
    check_distinct_points(cells, settings.components)
    began, hooks = perf_counter(), hooks or Hooks()
    merges = start is None or hooks.finer is not None
    problem = Problem(cells, settings, hooks, count_few(settings.components) if merges else None)
    if start is None:
        path = problem.searcher.found(problem.few_cells, settings.components)
    else:
        path = Trail([State(0, _distinct(problem.whitening.whiten(start)), -np.inf)])
    climbed = problem.climbed(path, finer=hooks.finer)
    return replace(problem.told(climbed), seconds=perf_counter() - began)


@dataclass(frozen=True)
class Climbed:
    """Where a climb over all stages ended.

    Attributes:
        path: the states on the way, in whitened units.
        status: why it ended.
        cells: the data, in data units, as fine as was asked for.
        coarseness: how coarse they are for its end, as far as that has been worked out.
    """

    path: Trail
    status: Status
    cells: Cells
    coarseness: Coarseness | None = None


class Problem:
    """The data as a covariance type sees them, and the climbs on them.

    Args:
        cells: the data, in data units.
        settings: what is asked for.
        hooks: what the caller adds on the way.
        few: how many cells to search on, and to begin climbs with; None for all.

    Attributes:
        whitening: to the units in which everything here is.
        searcher: finds where to start.

    Raises:
        TableError: when the variance of the coordinates is out of double precision's reach.
    """

    def __init__(self, cells: Cells, settings: FitSettings, hooks: Hooks, few: int | None) -> None:
        self.whitening = find_whitening(cells, settings.covariance)
        self._cells, self._settings, self._hooks, self._few = cells, settings, hooks, few
        self._floor = self.whitening.floor(settings.floor)
        self._ascent = Ascent(
            settings.covariance, settings.optimizer, settings.learning_rate, self._floor
        )
        self.handful = HANDFUL * hooks.row_weight
        self.searcher = Searcher(
            self._ascent,
            settings.seed,
            settings.effort,
            self.handful,
            lambda n_rounds, elbo: self.watch("search, round", n_rounds, elbo),
            hooks.interrupted,
        )
        self._levels = merge_levels(cells, self.whitening, few)

    @property
    def covariance(self) -> CovarianceType:
        """The covariance type."""
        return self._settings.covariance

    @property
    def few_cells(self) -> Cells:
        """The cells to search on, in whitened units."""
        return self._levels[0]

    @property
    def more_cells(self) -> Cells:
        """The cells of the stage after few cells, or those if it is the last; in whitened units."""
        return self._levels[:2][-1]

    @property
    def all_cells(self) -> Cells:
        """All cells, in whitened units."""
        return self._levels[-1]

    def flaw(self, cells: Cells, mixture: Mixture) -> Status | None:
        """What keeps a mixture of these cells from being chosen, both in whitened units.

        See `objective.flaw`.
        """
        return flaw(cells, mixture, self.handful, self._floor)

    def watch(self, what: str, number: int, elbo: float) -> None:
        """Tell the caller of an ELBO, in nats and whitened units."""
        per_point = elbo / self._cells.n_points + self.whitening.log_volume
        self._hooks.watch(what, number, per_point)

    def on(self, cells: Cells) -> "Problem":
        """The same problem on other cells of the same points, in the same whitened units."""
        other = copy(self)
        other._cells, other._levels = cells, merge_levels(cells, self.whitening, self._few)
        return other

    def on_few(self, path: Trail) -> Trail:
        """The path with the ELBO that its end has on few cells."""
        last = measure(path.last, self.few_cells, self._ascent)
        return replace(path, states=[*path.states[:-1], last])

    def measure(self, path: Trail) -> Climbed:
        """The end of a path as it is, on all cells."""
        last = measure(path.last, self.all_cells, self._ascent)
        status = Status.INTERRUPTED if self._hooks.interrupted() else Status.STEP_LIMIT
        return Climbed(replace(path, states=[*path.states[:-1], last]), status, self._cells)

    def climbed(
        self,
        path: Trail,
        *,
        finer: Callable[[Coarseness], Cells] | None = None,
        by_natural: bool = False,
        on_all: bool = False,
        behind: float = 0.0,
        target: float = -math.inf,
    ) -> Climbed:
        """Where the climb from the end of a path leads, on more and more cells.

        Args:
            path: the states so far.
            finer: cuts cells where they are too coarse for a mixture, in data units.
            by_natural: climb by natural gradient, whatever was asked for.
            on_all: begin on all cells, since the path has come to its end on them.
            behind: how far it has to climb to matter, in nats; it ends where it is too slow for
                that, or less is left than a step of a search would have to bring.
            target: the ELBO on all cells that matters, in nats and data units.

        Raises:
            FitError: when Adam, at too high a learning rate, diverges.
        """
        levels = self._levels[-1:] if on_all else self._levels
        ascent = self._ascent.accelerate() if by_natural else self._ascent
        stages = Stages(self._cells, levels, self.whitening, ascent.covariance, finer, self._few)
        max_steps = path.last.step + self._settings.steps
        target -= self._cells.n_points * self.whitening.log_volume
        tolerance = behind / MOST_STEPS
        climber = _Climber(
            ascent, max_steps, self._told_step, self._hooks.interrupted, behind, target
        )
        states, status, climber = climber.on(stages, path.states, self._left(stages, tolerance))
        search, is_checked, n_swaps = path.search, path.moves == 0, 0
        while status is Status.CONVERGED:
            before = path = Trail(states, search)
            if stages.has_more_cells and not is_checked:  # few cells may mislead
                path, is_checked = self.searcher.improved(stages.cells, path, patience=1), True
            goes_on = path.moves > before.moves or stages.advance(path.last.mixture)
            if not goes_on and search is not None and n_swaps < path.last.mixture.n_components:
                path, n_swaps = self.searcher.swapped(stages.cells, path), n_swaps + 1
            search = path.search
            if path.moves > before.moves:
                max_steps = path.last.step + self._settings.steps
                climber = replace(climber, max_steps=max_steps, memory=Memory())
            elif not goes_on:
                break
            states, status, climber = climber.on(stages, path.states, self._left(stages, tolerance))
        if not stages.is_last:
            all_cells = stages.all_cells.whiten(self.whitening)
            states = [*states[:-1], measure(states[-1], all_cells, self._ascent)]
        coarseness = stages.coarseness if status is Status.CONVERGED else None
        return Climbed(Trail(states, search), status, stages.all_cells, coarseness)

    def _left(self, stages: "Stages", tolerance: float) -> float:
        """What may be left to climb on the cells of a stage, in nats, and so much always."""
        in_all = self._hooks.row_weight * stages.tolerance  # a nat for each point is one for a row
        return max(min(in_all, TOLERANCE_PER_POINT * self._cells.n_points), tolerance)

    def _told_step(self, state: State) -> State:
        self.watch("step", state.step, state.elbo)
        return state

    def told(self, climbed: Climbed) -> Outcome:
        """What came of a climb, in data units."""
        cells, status = climbed.cells, climbed.status
        states = _in_canonical_order(climbed.path.states, self.whitening)
        mixture = self.whitening.unwhiten(states[-1].mixture)
        coarseness = climbed.coarseness or Coarseness(
            cells, mixture, self.covariance, is_optimum=status is Status.CONVERGED
        )
        elbo = states[-1].elbo + cells.n_points * self.whitening.log_volume
        log_likelihood = elbo + coarseness.gap * cells.n_points
        return Outcome(
            settings=replace(self._settings, components=mixture.n_components),
            states=tuple(states),
            whitening=self.whitening,
            status=status,
            cells=cells,
            coarseness=coarseness,
            criteria=criteria(cells, mixture, log_likelihood, self._settings.covariance),
            floored=tuple(
                np.flatnonzero(are_floored(states[-1].mixture.covariances, self._floor)).tolist()
            ),
            handful=self.handful,
            search=climbed.path.search,
        )


@dataclass(frozen=True)
class _Climber:
    """How far to climb, by which steps, and who is told of them.

    Attributes:
        ascent: how to climb.
        max_steps: the most steps to take in all.
        told: called with every state, and gives it back.
        interrupted: asked after every step whether to end here.
        behind: how far it has to climb to matter, in nats; it ends where it is too slow for that.
        target: the ELBO on all cells that matters, in nats.
        memory: what accelerated steps begin with.
    """

    ascent: Ascent
    max_steps: int
    told: Callable[[State], State]
    interrupted: Callable[[], bool]
    behind: float
    target: float
    memory: Memory = field(default_factory=Memory)

    def on(
        self, stages: "Stages", states: list[State], tolerance: float
    ) -> tuple[list[State], Status, "_Climber"]:
        """The states up to where the climb ends, why it ends there, and what climbs on from there.

        Args:
            stages: the cells to climb on.
            states: those so far; the last takes the ELBO that it has on these cells.
            tolerance: what may be left to climb, in nats.
        """
        *before, last = states
        cells, elbos = stages.cells, list[float]()
        with limit_threads(cells, last.mixture.n_components):
            for state in climb(cells, last.mixture, self.ascent, self.memory):
                here = replace(state, step=last.step + state.step, memory=None)
                before.append(self.told(here))
                learned = replace(self, memory=state.memory or Memory())
                elbos.append(state.elbo)
                if state.expected < tolerance or _has_converged(
                    elbos, state.mixture, stages, self.ascent, tolerance
                ):
                    return before, Status.CONVERGED, learned
                goal = self.target if stages.is_last else elbos[0] + self.behind
                if self.behind and _is_too_slow(elbos, goal):
                    return before, Status.CONVERGED, learned
                if self.interrupted():
                    return before, Status.INTERRUPTED, learned
                if before[-1].step >= self.max_steps:
                    return before, Status.STEP_LIMIT, learned
        raise AssertionError("an ascent has no end of its own")


def check_distinct_points(cells: Cells, n_components: int) -> None:
    """Raise where there are fewer distinct points than components.

    Raises:
        TableError: saying how many there are.
    """
    if cells.n_cells < n_components:
        raise TableError(
            f"{cells.n_cells} distinct points cannot hold {n_components} components: "
            f"ask for at most {cells.n_cells}"
        )


def _distinct(start: Mixture) -> Mixture:
    """The start; FitError where two of its components coincide, as they then would for ever."""
    for k, mean in enumerate(start.means):
        away = np.abs(start.means - mean).max(axis=1)
        shape = np.abs(start.covariances - start.covariances[k]).max(axis=(1, 2))
        same = (away < COINCIDING) & (shape < COINCIDING)
        if same[:k].any():
            raise FitError(
                f"components {int(np.argmax(same[:k]))} and {k} of the start coincide, and no step "
                "would part them: move one of them"
            )
    return start


def _has_converged(
    elbos: list[float], mixture: Mixture, stages: Stages, ascent: Ascent, tolerance: float
) -> bool:
    """Whether less is left to climb than is tolerable, in nats.

    Accelerated steps may stall for a while, which does no harm before the last cells.
    """
    window = WINDOWS[ascent.optimizer]
    if len(elbos) % window or estimate_remaining_climb(elbos, window) >= tolerance:
        return False
    if window == 1 and not (ascent.is_accelerated and stages.is_last):
        return True
    is_due = window > 1 or len(elbos) % PROBE_EVERY == 0
    return is_due and estimate_left_to_climb(stages.cells, mixture, ascent) < tolerance


def _is_too_slow(elbos: list[float], target: float) -> bool:
    """Whether an ELBO at its present pace does not come to a target in many more steps."""
    if len(elbos) <= PACE_STEPS:
        return False
    pace = (elbos[-1] - elbos[-1 - PACE_STEPS]) / PACE_STEPS
    return elbos[-1] + pace * MOST_STEPS < target


def _in_canonical_order(states: Sequence[State], whitening: Whitening) -> list[State]:
    """The states with their components in the canonical order of the last mixture."""
    order = whitening.unwhiten(states[-1].mixture).canonical_order()
    return [replace(state, mixture=state.mixture.reorder(order)) for state in states]
