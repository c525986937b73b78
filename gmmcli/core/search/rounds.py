"""The search for a mixture that no climb alone would find: starts, and moves from the best of them.

Searched on few cells, where trying is cheap, by the same steps as the fit's own; only places for
one more component are looked for on all cells too. How often other starts lead as high tells
how likely it is that there is nothing better.
"""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from itertools import islice

import numpy as np

from gmmcli.core.cells.cells import Cells
from gmmcli.core.cells.tree import LARGEST_TREE, merge_cells
from gmmcli.core.inference.ascent import Ascent
from gmmcli.core.inference.climb import climb, limit_threads, measure
from gmmcli.core.inference.state import State
from gmmcli.core.mixture.mixture import Mixture
from gmmcli.core.search.insertion import inserted
from gmmcli.core.search.moves import aligned, joined, merged_to, split
from gmmcli.core.search.objective import score
from gmmcli.core.search.outcome import Search
from gmmcli.core.search.starts import random_start
from gmmcli.settings import HANDFUL, Effort

# So many rounds of moves in succession that bring nothing end a search, and so do so many other
# starts that lead as high; with fewer than FEW_COMPONENTS, fewer in proportion to those beyond one.
PATIENCE: dict[Effort, int] = {"quick": 1, "normal": 10, "thorough": 40}
RETURNS: dict[Effort, int] = {"quick": 1, "normal": 5, "thorough": 15}
FEW_COMPONENTS = 5
N_STARTS: dict[Effort, int] = {"quick": 2, "normal": 4, "thorough": 8}
# The steps that tell the worth of a start, and that part the halves of components.
TRIAL_STEPS = 8
# A climb has settled when a step brings less than this, in nats per point, or less than this for
# each point of a handful, or after so many steps.
SETTLED = 2e-6
SETTLED_HANDFUL = 0.002
MOST_STEPS = 60
# A move is taken when it brings more than this, in nats per point, and more than this for each
# point of a handful: more than climbs that have settled may still lack.
TAKEN = 2e-5
TAKEN_HANDFUL = 0.02
# Where a climb has come to its end, a move is taken that brings more than this, for each point of a
# handful.
TAKEN_AT_END = 0.2
# A round that brings less than this is no reason to go on.
LEAST_GAIN = 1e-4
ONE_MOVE = Search(rounds=1, moves=1)


@dataclass(frozen=True)
class Trail:
    """The way to a mixture: its states, and what a search tried."""

    states: list[State]
    search: Search | None = None

    @property
    def last(self) -> State:
        """Where it has come to."""
        return self.states[-1]

    @property
    def moves(self) -> int:
        """How many moves of a search it has followed."""
        return self.search.moves if self.search else 0

    def moved(self, more: list[State]) -> "Trail":
        """This path and how it goes on from another place, by a move."""
        after = self.last.step + 1
        states = [replace(state, step=after + state.step) for state in more]
        return replace(self, states=[*self.states, replace(states[0], by_move=True), *states[1:]])

    def after(self, tried: Search) -> "Trail":
        """This path, with what more a search has tried; a move makes what was known of it void."""
        before = self.search or Search()
        known = replace(before, starts=0, returns=0) if tried.moves else before
        search = Search(
            known.rounds + tried.rounds,
            known.moves + tried.moves,
            known.starts + tried.starts,
            known.returns + tried.returns,
        )
        return replace(self, search=search)


@dataclass(frozen=True)
class Searcher:
    """How to search, and who is told.

    Attributes:
        ascent: the covariance type and the floor of the trial steps.
        seed: of the random choices.
        effort: how soon to give up.
        handful: how many points are enough for a component, in the units of the cells' counts.
        told: called after every round with its number and the best ELBO so far, in nats.
        interrupted: asked after every step whether to end with the best so far.
        settled: a climb has settled when a step brings less than this for each point of a handful.
    """

    ascent: Ascent
    seed: int
    effort: Effort = "normal"
    handful: float = HANDFUL
    told: Callable[[int, float], None] = lambda _round, _elbo: None
    interrupted: Callable[[], bool] = lambda: False
    settled: float = SETTLED_HANDFUL

    def found(self, cells: Cells, n_components: int) -> Trail:
        """The path from a first guess to the best mixture found.

        Args:
            cells: the data, in whitened units.
            n_components: K, at most the number of cells.
        """
        return self.improved(cells, self.begun(cells, n_components))

    def begun(self, cells: Cells, n_components: int, n_starts: int | None = None) -> Trail:
        """The path from the best of several random starts to where a climb settles.

        Args:
            cells: the data, in whitened units.
            n_components: K, at most the number of cells.
            n_starts: how many starts are tried; by effort where not given.
        """
        n_starts = N_STARTS[self.effort] if n_starts is None else n_starts
        generator = np.random.default_rng(self.seed)
        trials = []
        with limit_threads(cells, n_components):
            if n_components == 1:  # all starts lead to the same
                start = random_start(cells, 1, self.ascent.floor, generator)
                return Trail(self._settled(cells, State(0, start, -np.inf)))
            for _ in range(n_starts):
                start = random_start(cells, n_components, self.ascent.floor, generator)
                trials.append(self._trial(cells, start))
                if self.interrupted():
                    break
            best = max(trials, key=lambda states: self.worth(cells, states[-1]))
            return Trail([*best[:-1], *self._settled(cells, best[-1])])

    def improved(self, cells: Cells, path: Trail, patience: int | None = None) -> Trail:
        """The path with the moves that lead higher.

        Args:
            cells: the data, in whitened units.
            path: the states so far; the last takes the ELBO that it has on these cells.
            patience: how many rounds may bring nothing in succession; by effort and the number of
                components where not given.
        """
        generator = np.random.default_rng([self.seed, 1])  # other starts than those of `begun`
        path = replace(path, states=[*path.states[:-1], measure(path.last, cells, self.ascent)])
        tried, n_failures, n_components = Search(), 0, path.last.mixture.n_components
        share = min((n_components - 1) / (FEW_COMPONENTS - 1), 1)
        enough = max(1, round(RETURNS[self.effort] * share))
        if patience is None:
            patience = math.ceil(PATIENCE[self.effort] * share)
        while n_components > 1 and n_failures < patience and tried.returns < enough:
            if self.interrupted():
                break
            if n_failures:
                states = self.crossed(cells, path.last.mixture, generator)
            else:
                states = self.moved(cells, path.last.mixture, n_components)
            gain = self.worth(cells, states[-1]) - self.worth(cells, path.last)
            if gain > self._lacking(cells):
                path, tried = path.moved(states), Search(tried.rounds, tried.moves + 1)
            elif n_failures:
                returns = tried.returns + (gain > -self._lacking(cells))
                tried = replace(tried, starts=tried.starts + 1, returns=returns)
            tried = replace(tried, rounds=tried.rounds + 1)
            n_failures = 0 if gain > self._worthwhile(cells) else n_failures + 1
            self.told(tried.rounds, path.last.elbo)
        return path.after(tried)

    def _lacking(self, cells: Cells) -> float:
        """What climbs that have settled may still lack, in nats."""
        return max(TAKEN * cells.n_points, TAKEN_HANDFUL * self.handful)

    def _worthwhile(self, cells: Cells) -> float:
        """What a round has to bring for splits to be tried again, in nats."""
        return max(LEAST_GAIN * cells.n_points, self._lacking(cells))

    def worth(self, cells: Cells, state: State) -> float:
        """The ELBO of a state, in nats, less what its components gain by being thin."""
        return score(state.mixture, state.elbo, cells.n_points, self.handful)

    def after_trial(self, cells: Cells, mixture: Mixture) -> State:
        """The state after a few steps from a mixture."""
        with limit_threads(cells, mixture.n_components):
            return self._trial(cells, mixture)[-1]

    def is_better(self, cells: Cells, state: State, than: State) -> bool:
        """Whether a state is worth more than another by more than climbs may still lack."""
        return self.worth(cells, state) - self.worth(cells, than) > self._lacking(cells)

    def moved(self, cells: Cells, mixture: Mixture, n_components: int) -> list[State]:
        """The states after a move of all components at once to so many."""
        with limit_threads(cells, 2 * n_components):
            least = TAKEN * cells.n_points
            more = inserted(
                cells, mixture, mixture.n_components, least, self.handful, self.ascent.floor
            )
            return self._reduced(cells, split(cells, more), mixture, n_components)

    def crossed(
        self, cells: Cells, mixture: Mixture, generator: np.random.Generator
    ) -> list[State]:
        """The states after a mixture and a random start are put together, and merged.

        A crossover that keeps of both what explains the points best (Fränti 2000).
        """
        n_components = mixture.n_components
        with limit_threads(cells, 2 * n_components):
            start = random_start(cells, n_components, self.ascent.floor, generator)
            other = self._trial(cells, start)[-1].mixture
            return self._reduced(cells, joined(mixture, other), mixture, n_components)

    def _reduced(
        self, cells: Cells, more: Mixture, before: Mixture, n_components: int
    ) -> list[State]:
        """The states after merging more components than are wanted to so many.

        Args:
            cells: the data.
            more: the components.
            before: whose order they take, if it has as many.
            n_components: how many are wanted.
        """
        doubled = self._trial(cells, more)[-1].mixture
        merged = merged_to(cells, doubled, n_components, self.handful)
        if n_components == before.n_components:
            merged = aligned(merged, before)
        return self._settled(cells, State(0, merged, -np.inf))

    def swapped(self, cells: Cells, path: Trail) -> Trail:
        """The path with a component moved to where points are explained worst, if that pays off.

        Told by a few steps, and only where the points are badly explained, so it costs next to
        nothing elsewhere, on many cells too.

        Args:
            cells: the data, in whitened units.
            path: the states so far; the last has the ELBO that it has on these cells.
        """
        mixture = path.last.mixture
        if mixture.n_components == 1:
            return path
        more = self.enlarged(cells, mixture)
        if more is None:
            return path
        with limit_threads(cells, mixture.n_components):
            fewer = aligned(merged_to(cells, more, mixture.n_components, self.handful), mixture)
            tried = self._trial(cells, fewer)
            gain = self.worth(cells, tried[-1]) - self.worth(cells, path.last)
            if gain < TAKEN_AT_END * self.handful:
                return path
            tried = [*tried[:-1], *self._settled(cells, tried[-1])]
            return path.moved(tried).after(ONE_MOVE)

    def enlarged(self, cells: Cells, mixture: Mixture) -> Mixture | None:
        """A mixture with one more component where points are explained worst; None if nowhere."""
        least = TAKEN_AT_END * self.handful
        cells = merge_cells(cells, LARGEST_TREE)
        more = inserted(cells, mixture, 1, least, self.handful, self.ascent.floor)
        return more if more.n_components > mixture.n_components else None

    def merged(self, cells: Cells, mixture: Mixture, before: Mixture) -> list[State]:
        """The states after merging a mixture to as many components as another, in its order."""
        with limit_threads(cells, mixture.n_components):
            merged = merged_to(cells, mixture, before.n_components, self.handful)
            return self._settled(cells, State(0, aligned(merged, before), -np.inf))

    def _trial(self, cells: Cells, start: Mixture) -> list[State]:
        """The states of a few steps from a start."""
        return self._taken(climb(cells, start, self.ascent.take_full_steps()), TRIAL_STEPS)

    def _settled(self, cells: Cells, start: State) -> list[State]:
        """The states from a start on, until steps bring next to nothing."""
        steps = climb(cells, start.mixture, self.ascent.accelerate())
        least = max(SETTLED * cells.n_points, self.settled * self.handful)
        states = self._taken(steps, MOST_STEPS, least)
        return [replace(state, step=start.step + state.step) for state in states]

    def _taken(self, steps: Iterator[State], most: int, least: float = -np.inf) -> list[State]:
        """The first states, as long as steps bring enough."""
        states = [replace(next(steps), memory=None)]
        for state in islice(steps, most):
            states.append(replace(state, memory=None))
            if state.elbo - states[-2].elbo < least or self.interrupted():
                break
        return states
