"""A fit: cells in, the best mixture found and the way to it out."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from time import perf_counter

import numpy as np

from gmmcli.core.cells import Cells, estimated_gap
from gmmcli.core.coarsening import coarsened
from gmmcli.core.history import History
from gmmcli.core.inference import (
    WINDOWS,
    State,
    climb,
    fitting_threads,
    left_to_climb,
    measured,
    remaining_climb,
)
from gmmcli.core.mixture import Mixture
from gmmcli.core.optimizers import Ascent, Memory, empty_memory
from gmmcli.core.refinement import gap_ratio, parts_of_crowded
from gmmcli.core.result import Fit, Status
from gmmcli.core.search import Searcher
from gmmcli.core.selection import criteria
from gmmcli.core.settings import HANDFUL, FitSettings
from gmmcli.core.whitening import Whitening, whitening_of
from gmmcli.errors import FitError, TableError

# A fit has converged when its remaining climb is estimated below this, in nats for each point ...
TOLERANCE_PER_POINT = 1e-6
# ... and in nats for all points: half the square of 1 % of a standard error of a parameter.
TOLERANCE = 5e-5
# On cells that finer ones will follow, as much may be left: far less than the finer ones move it.
NEAR = 0.01
# So many cells are enough to search for a start and to come near the optimum.
FEW_CELLS = 2048
# And so many for each component.
CELLS_PER_COMPONENT = 20
# How many times more cells each further stage has.
MORE = 8
# Components closer than this, in whitened units, move alike as far as double precision can tell.
COINCIDING = 1e-5
# What is left is probed at every so many steps, since a probe takes as long as they do.
PROBE_EVERY = 3
# Rounding moves an eigenvalue off the floor by less than this share.
FLOOR_MARGIN = 1e-3


def fit(
    cells: Cells,
    settings: FitSettings,
    *,
    start: Mixture | None = None,
    finer: Callable[[Cells, Mixture], Cells] | None = None,
    row_weight: float = 1.0,
    watch: Callable[[int, float], None] = lambda _step, _elbo_per_point: None,
    searching: Callable[[int, float], None] = lambda _round, _elbo_per_point: None,
    interrupted: Callable[[], bool] = lambda: False,
) -> Fit:
    """Fit a mixture to cells.

    Args:
        cells: the data, in data units.
        settings: what is asked for.
        start: the mixture to begin with; searched for by default.
        finer: cuts cells where they are too wide for a mixture, or gives back what it got where
            that cannot be. Without it, all cells are used as they are.
        row_weight: what a row of the table counts for, on average.
        watch: called at every step with its number and the ELBO per point, in nats.
        searching: called after every round of the search with its number and the best ELBO so far.
        interrupted: asked after every step whether to end here.

    Raises:
        TableError: when there are fewer distinct points than components, or their variance is
            out of double precision's reach.
        FitError: when the climb diverges, or two components of the start coincide.
    """
    _check_distinct_points(cells, settings.components)
    began = perf_counter()
    is_crowded = bool((parts_of_crowded(cells) > 1).any())
    whitening = whitening_of(cells, settings.covariance)
    floor = whitening.floor(settings.floor)
    ascent = Ascent(settings.covariance, settings.optimizer, settings.learning_rate, floor)

    def per_point(elbo: float) -> float:
        return elbo / cells.n_points + whitening.log_volume

    def told(state: State) -> State:
        watch(state.step, per_point(state.elbo))
        return state

    def searched(n_rounds: int, elbo: float) -> None:
        searching(n_rounds, per_point(elbo))

    few = max(FEW_CELLS, CELLS_PER_COMPONENT * settings.components)
    stages = _Stages(cells, whitening, finer, few if start is None or finer is not None else None)
    handful = HANDFUL * row_weight
    searcher = Searcher(ascent, settings.seed, settings.effort, handful, searched, interrupted)
    if start is None:
        states, search = searcher.found(stages.cells, settings.components)
    else:
        states, search = [State(0, _distinct(whitening.whiten(start)), -np.inf)], None
    is_checked = False
    climber = _Climber(ascent, states[-1].step + settings.steps, told, interrupted)
    states, status = climber.on(stages.cells, states, stages.tolerance)
    while status is Status.CONVERGED and not stages.are_done:
        stages.advance(states[-1].mixture)
        if search is not None and search.moves and not is_checked:  # few cells may have misled it
            states, more = searcher.improved(stages.cells, states, patience=1)
            search, is_checked = search.followed_by(more), True
            if more.moves:
                climber = replace(
                    climber, max_steps=states[-1].step + settings.steps, memory=empty_memory()
                )
        states, status = climber.on(stages.cells, states, stages.tolerance)
    cells = stages.all_cells
    if not stages.are_done:
        states[-1] = measured(states[-1], whitening.whiten_cells(cells), ascent)
    states = _in_canonical_order(states, whitening)
    history = _history_of(states, cells.n_points, whitening)
    last = history.snapshot(history.last_step)
    gap = estimated_gap(cells, last.mixture)
    return Fit(
        history=history,
        status=status,
        cells=cells,
        log_likelihood=last.elbo,
        compression_gap=gap,
        is_coarse=status is not Status.INTERRUPTED and (is_crowded or gap_ratio(cells, gap) > 1),
        criteria=criteria(cells, last.mixture, last.elbo, settings.covariance),
        floored=_floored(states[-1].mixture, floor),
        handful=handful,
        search=search,
        seconds=perf_counter() - began,
    )


@dataclass(frozen=True)
class _Climber:
    """How far to climb, by which steps, and who is told of them.

    Attributes:
        ascent: how to climb.
        max_steps: the most steps to take in all.
        told: called with every state, and gives it back.
        interrupted: asked after every step whether to end here.
        memory: what accelerated steps learn from.
    """

    ascent: Ascent
    max_steps: int
    told: Callable[[State], State]
    interrupted: Callable[[], bool]
    memory: Memory = field(default_factory=empty_memory)

    def on(
        self, cells: Cells, states: list[State], tolerance: float = TOLERANCE
    ) -> tuple[list[State], Status]:
        """The states up to where the climb ends, and why it ends there.

        Args:
            cells: the data, in whitened units.
            states: those so far; the last takes the ELBO that it has on these cells.
            tolerance: what may be left to climb, in nats.
        """
        *before, last = states
        tolerance = min(tolerance, TOLERANCE_PER_POINT * cells.n_points)
        elbos: list[float] = []
        with fitting_threads(cells, last.mixture.n_components):
            for state in climb(cells, last.mixture, self.ascent, self.memory):
                before.append(self.told(replace(state, step=last.step + state.step)))
                elbos.append(state.elbo)
                if _has_converged(elbos, state.mixture, cells, self.ascent, tolerance):
                    return before, Status.CONVERGED
                if self.interrupted():
                    return before, Status.INTERRUPTED
                if before[-1].step >= self.max_steps:
                    return before, Status.STEP_LIMIT
        raise AssertionError("an ascent has no end of its own")


class _Stages:
    """The cells to climb on: few at first, and all of them at last.

    A few merged cells are enough to come near the optimum. Whenever the climb on some has slowed
    down, more take their place; those that are too wide for the mixture so far are cut first.

    Args:
        cells: the data, in data units.
        whitening: to whitened units.
        finer: cuts cells where they are too wide for a mixture, in data units; None where all are
            as fine as can be.
        few: how many cells to begin with; None to begin with all.

    Attributes:
        all_cells: the data, in data units, as fine as has been asked for.
        are_done: whether this is the last stage.
    """

    def __init__(
        self,
        cells: Cells,
        whitening: Whitening,
        finer: Callable[[Cells, Mixture], Cells] | None,
        few: int | None,
    ) -> None:
        self.all_cells = cells
        self._whitening, self._finer, self._few, self._stage = whitening, finer, few, 0
        self._stages = self._fewer_and_fewer()[::-1]
        self.are_done = finer is None and len(self._stages) == 1

    @property
    def cells(self) -> Cells:
        """The cells to climb on, in whitened units."""
        return self._stages[self._stage]

    @property
    def tolerance(self) -> float:
        """What may be left to climb on them, in nats."""
        return TOLERANCE if self.are_done else NEAR

    def advance(self, mixture: Mixture) -> None:
        """Take more cells, cut where they are too wide for a mixture in whitened units."""
        before = self.all_cells
        if self._finer is not None:
            self.all_cells = self._finer(before, self._whitening.unwhiten(mixture))
        if self.all_cells is not before:
            self._stages = self._fewer_and_fewer()[::-1]
        self._stage = min(self._stage + 1, len(self._stages) - 1)
        self.are_done = self._stage == len(self._stages) - 1

    def _fewer_and_fewer(self) -> list[Cells]:
        """All cells, and fewer and fewer that they are merged into, down to few."""
        stages = [self._whitening.whiten_cells(self.all_cells)]
        if self._few is None:
            return stages
        levels = round(math.log(max(self.all_cells.n_cells / self._few, 1), MORE))
        for level in reversed(range(max(levels, 1))):
            stages.append(coarsened(stages[-1], self._few * MORE**level))
        return [stage for n, stage in enumerate(stages) if n == 0 or stage is not stages[n - 1]]


def _check_distinct_points(cells: Cells, n_components: int) -> None:
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
    elbos: list[float], mixture: Mixture, cells: Cells, ascent: Ascent, tolerance: float
) -> bool:
    """Whether less is left to climb than is tolerable, in nats."""
    window = WINDOWS[ascent.optimizer]
    if len(elbos) % window or remaining_climb(elbos, window) >= tolerance:
        return False
    if window == 1 and not ascent.is_accelerated:
        return True
    is_due = window > 1 or len(elbos) % PROBE_EVERY == 0
    return is_due and left_to_climb(cells, mixture, ascent) < tolerance


def _history_of(states: Sequence[State], n_points: float, whitening: Whitening) -> History:
    """The history in data units of states in whitened units."""
    jacobian = n_points * whitening.log_volume
    return History.of(
        [whitening.unwhiten(state.mixture) for state in states],
        [state.elbo + jacobian for state in states],
        [state.by_move for state in states],
    )


def _in_canonical_order(states: Sequence[State], whitening: Whitening) -> list[State]:
    """The states with their components in the canonical order of the last mixture."""
    order = whitening.unwhiten(states[-1].mixture).canonical_order()
    return [replace(state, mixture=state.mixture.reordered(order)) for state in states]


def _floored(mixture: Mixture, floor: float) -> tuple[int, ...]:
    """The components of a whitened mixture that stand on the floor."""
    least = np.linalg.eigvalsh(mixture.covariances)[:, 0]
    return tuple(np.flatnonzero(least <= floor * (1 + FLOOR_MARGIN)).tolist())
