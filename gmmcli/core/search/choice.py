"""The choice among mixtures: how many components, and which covariance type.

Each number of components starts from its neighbour's mixture: upward by a split of all components
and merges to one more, or from random starts where they lead higher, and downward by one merge.
This is done on few cells. Then the candidates are compared on all cells, cut for the best of them,
and those that are far behind there are left behind. The neighbours of the best start from it once
more, and are searched for as long. Where the best explains some points badly, which few cells may
hide, a candidate gets a component there.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from time import perf_counter

import numpy as np

from gmmcli.core.cells.cells import Cells
from gmmcli.core.cells.gaps import estimate_gap
from gmmcli.core.inference.state import State
from gmmcli.core.mixture.covariances import count_parameters
from gmmcli.core.mixture.mixture import Mixture
from gmmcli.core.search.criteria import Candidate, Selection, criteria
from gmmcli.core.search.fit import Climbed, Hooks, Problem, check_distinct_points
from gmmcli.core.search.outcome import Outcome
from gmmcli.core.search.rounds import MOST_STEPS, ONE_MOVE, Searcher, Trail
from gmmcli.core.search.stages import count_few
from gmmcli.core.search.status import Status
from gmmcli.settings import Choice, CriterionName, FitSettings

# So many components beyond the best so far tell that more are no better.
BEYOND = 3
# Before candidates are compared, a climb has settled when a step brings less than this for each
# point of a handful, in nats.
ROUGHLY_SETTLED = 0.02
# So many random starts are tried beside what a neighbour leads to.
FEW_STARTS = 2
# Candidates are left behind whose criterion is higher than the best one's by more than this, and so
# many times the most that another has gained by its search and climb.
CLOSE = 10.0
GAINS = 2.0


@dataclass(frozen=True, eq=False)
class Contender:
    """A candidate while it is fitted.

    Attributes:
        problem: the data, as its covariance type sees them.
        path: the way to a mixture of so many components on few cells.
        fit: what came of a climb on all cells, or what it would begin with.
        flaw: what keeps that from being chosen, or None; see `objective.flaw`.
        is_searched: whether it needs no search of its own any more: it has been searched for as
            long as if it were the only candidate, or begins from the best, enlarged.
        is_final: whether it has climbed on all cells as far as it could matter.
        enlarged: a way to its mixture that begins on all cells, from that of another with one
            component less.
        on_all: the way to its mixture on all cells, once it has climbed there.
        is_behind: whether its climb was given up, as it could not catch up.
    """

    problem: Problem
    path: Trail
    fit: Outcome
    flaw: Status | None
    is_searched: bool = False
    is_final: bool = False
    enlarged: Trail | None = None
    on_all: Trail | None = None
    is_behind: bool = False

    @property
    def n_components(self) -> int:
        """How many components it has, K."""
        return self.fit.settings.components

    def has_begun_from(self, mixture: Mixture) -> bool:
        """Whether its way on all cells has begun at a mixture; that is not tried again."""
        if self.enlarged is None:
            return False
        return np.array_equal(self.enlarged.states[0].mixture.means, mixture.means)

    @property
    def farthest(self) -> Trail:
        """The way to its mixture, on all cells if it has one there."""
        return self.on_all or self.enlarged or self.path

    def candidate(self) -> Candidate:
        """What is told of it in the end."""
        left = self.is_behind or not self.is_final
        status = self.flaw or (Status.PRELIMINARY if left else self.fit.status)
        covariance = self.problem.covariance
        return Candidate(
            components=self.n_components,
            covariance=covariance,
            log_likelihood=self.fit.log_likelihood,
            parameters=count_parameters(self.n_components, covariance),
            criteria=self.fit.criteria,
            status=status,
        )


def choose_mixture(
    cells: Cells, settings: FitSettings, choice: Choice, *, hooks: Hooks | None = None
) -> Outcome:
    """The fit of the mixture that a criterion prefers, with what it was chosen from.

    A mixture with a flaw is not chosen, as its likelihood says nothing about the data (see
    `objective.flaw`); where all have one, it is the simplest.

    Args:
        cells: the data, in data units.
        settings: what is asked for, but for the number of components and the covariance type.
        choice: what to choose from.
        hooks: what the caller adds on the way.

    Raises:
        TableError: when there are fewer distinct points than components, or their variance is
            out of double precision's reach.
        FitError: when the last climb, by Adam, diverges.
    """
    began, hooks = perf_counter(), hooks or Hooks()
    check_distinct_points(cells, choice.fewest if choice.goes_on else choice.most)
    contenders: list[Contender] = []
    for covariance in choice.covariances:
        problem = Problem(
            cells, replace(settings, covariance=covariance), hooks, count_few(choice.most)
        )
        contenders += _contenders(problem, choice.narrow_to(covariance), hooks)
        if hooks.interrupted():
            break
    if (finer_cells := _cut(contenders, choice.criterion, hooks)) is not None:
        contenders = _on(finer_cells, contenders)  # coarse ones favour those with more components
    contenders = _compared(contenders, choice.criterion, hooks)
    while (finer_cells := _cut(contenders, choice.criterion, hooks)) is not None:
        contenders = _compared(_on(finer_cells, contenders), choice.criterion, hooks)
    place = _best_of(contenders, choice.criterion)
    if is_interrupted := hooks.interrupted():
        fit = replace(contenders[place].fit, status=Status.INTERRUPTED)
        contenders[place] = replace(contenders[place], fit=fit, is_final=True, is_behind=False)
    selection = Selection(tuple(c.candidate() for c in contenders), choice.criterion, place)
    fit = contenders[place].fit
    is_by_natural = settings.optimizer == "natural" and settings.learning_rate == 1
    if not is_interrupted and not is_by_natural:
        again = replace(contenders[place], on_all=None)  # from where the search has ended
        fit = _climbed(again, by_natural=False).fit
    return replace(fit, selection=selection, seconds=perf_counter() - began)


def _contenders(problem: Problem, choice: Choice, hooks: Hooks) -> list[Contender]:
    """The candidates of a covariance type, on all cells; after an interrupt only the best so far.

    All cells are many, and who interrupts does not want to wait for candidates that lose. The best
    is told by its figure before the number after it led it on.
    """
    paths, figures = _paths(problem, choice, hooks)
    contenders: list[Contender] = []
    for place in np.argsort(figures, kind="stable"):
        contenders.append(_of(problem, paths[place]))
        if hooks.interrupted():
            break
    return sorted(contenders, key=lambda contender: contender.n_components)


def _cut(contenders: Sequence[Contender], criterion: CriterionName, hooks: Hooks) -> Cells | None:
    """Finer cells where they are too wide for the best contender; None where that is not so."""
    if hooks.finer is None or hooks.interrupted():
        return None
    best = contenders[_best_of(contenders, criterion)].fit
    finer = hooks.finer(best.coarseness)
    return None if finer is best.cells else finer


def _on(cells: Cells, contenders: Sequence[Contender]) -> list[Contender]:
    """The contenders as they are on finer cells."""
    problems = {problem: problem.on(cells) for problem in {c.problem for c in contenders}}
    paths = [problems[c.problem].on_few(c.path) for c in contenders]
    return [
        _begun(replace(contender, problem=problems[contender.problem], path=path))
        for contender, path in zip(contenders, paths, strict=True)
    ]


def _paths(problem: Problem, choice: Choice, hooks: Hooks) -> tuple[list[Trail], list[float]]:
    """The paths to mixtures of one number of components after the other, on few cells.

    With the figures that they had before those after them were known; see `_figure`.
    """
    cells, searcher = problem.few_cells, replace(problem.searcher, settled=ROUGHLY_SETTLED)
    begin = searcher.begun if choice.fewest == 1 else searcher.found
    paths = [begin(cells, choice.fewest)]
    figures = [_figure(problem, paths[0], choice.criterion)]
    while (n_components := choice.fewest + len(paths)) <= cells.n_cells and not hooks.interrupted():
        is_better_nearby = len(figures) - 1 - int(np.argmin(figures)) < BEYOND
        has_cells = count_few(n_components) <= max(cells.n_cells, count_few(choice.most))
        goes_on = choice.goes_on and is_better_nearby and has_cells
        if n_components > choice.most and not goes_on:
            break
        settled = max(ROUGHLY_SETTLED, _behind(figures) / MOST_STEPS / searcher.handful)
        path = _grown(replace(searcher, settled=settled), cells, paths[-1], n_components)
        paths.append(path)
        figures.append(_figure(problem, path, choice.criterion))
        problem.watch("components", n_components, path.last.elbo)
    for place in reversed(range(len(paths) - 1)):
        paths[place] = _led_on(searcher, cells, paths[place], paths[place + 1].last.mixture)
    return paths, figures


def _led_on(searcher: Searcher, cells: Cells, path: Trail, other: Mixture) -> Trail:
    """A path, from another number of components on where a merge or a split of it leads higher."""
    mixture = path.last.mixture
    if mixture.n_components < other.n_components:
        states = searcher.merged(cells, other, mixture)
    else:
        states = searcher.moved(cells, other, mixture.n_components)
    if not searcher.is_better(cells, states[-1], path.last):
        return path
    return path.moved(states).after(ONE_MOVE)


def _behind(figures: Sequence[float]) -> float:
    """How far behind the best the last candidate that can be chosen is, in nats.

    The next is about as far: where its steps bring less than would catch up in all of them, it
    cannot win.
    """
    finite = [figure for figure in figures if figure < math.inf]
    return (finite[-1] - min(finite)) / 2 if finite else 0.0


def _grown(searcher: Searcher, cells: Cells, path: Trail, n_components: int) -> Trail:
    """A path to one more component: from a start of its own, or from those there are if better.

    Where both lead to the same mixture, the way from the start shows it finding its shape.
    """
    own = searcher.begun(cells, n_components, n_starts=FEW_STARTS)
    grown = Trail(searcher.moved(cells, path.last.mixture, n_components))
    return grown if searcher.is_better(cells, grown.last, own.last) else own


def _figure(problem: Problem, path: Trail, criterion: CriterionName) -> float:
    """The criterion where a path on few cells leads; infinite where that cannot be chosen.

    Few cells may hide so much that more components seem better, or too little, so a few steps are
    taken on more of them.
    """
    cells, last = problem.more_cells, path.last
    if cells is not problem.few_cells:
        last = problem.searcher.after_trial(cells, last.mixture)
    mixture = last.mixture
    if problem.flaw(cells, mixture):
        return math.inf
    log_likelihood = last.elbo + cells.n_points * estimate_gap(cells, mixture)
    return criteria(cells, mixture, log_likelihood, problem.covariance).value(criterion)


def _of(problem: Problem, path: Trail) -> Contender:
    """A contender that has a path on few cells."""
    return Contender(problem, path, *_told(problem, problem.measure(path)))


def _begun(contender: Contender) -> Contender:
    """A contender with its mixture as it is on all cells, before a climb there."""
    problem = contender.problem
    fit, flaw = _told(problem, problem.measure(contender.farthest))
    return replace(contender, fit=fit, flaw=flaw, is_final=False)


def _told(problem: Problem, climbed: Climbed) -> tuple[Outcome, Status | None]:
    """What came of a climb, and what keeps that from being chosen; None where nothing does."""
    return problem.told(climbed), problem.flaw(problem.all_cells, climbed.path.last.mixture)


def _climbed(contender: Contender, *, by_natural: bool = True, behind: float = 0.0) -> Contender:
    """A contender after the climb over all stages, or all cells if it has been there.

    Args:
        contender: what climbs.
        by_natural: by natural gradient, whatever was asked for.
        behind: how far it has to climb to matter, in nats.
    """
    problem, path = contender.problem, contender.farthest
    climbed = problem.climbed(
        path,
        by_natural=by_natural,
        on_all=path is not contender.path,
        behind=behind,
        target=contender.fit.elbo + behind,
    )
    fit, flaw = _told(problem, climbed)
    return replace(
        contender,
        fit=fit,
        flaw=flaw,
        on_all=climbed.path,
        is_final=True,
        is_behind=behind > 0,
    )


def _searched(contender: Contender) -> Contender:
    """A contender after a search as long as if no other number of components were asked for."""
    if contender.is_searched:
        return contender
    problem = contender.problem
    path = problem.searcher.improved(problem.few_cells, contender.path)
    return replace(contender, path=path, is_searched=True)


def _led(contender: Contender, path: Trail, criterion: CriterionName) -> Contender:
    """A contender with another path on few cells, from whose end it begins if it is better there.

    What leads higher on few cells may not on all.
    """
    led = _of(contender.problem, path)
    is_better = _rank(led, criterion) < _rank(contender, criterion)
    return led if is_better else replace(contender, path=path)


def _compared(
    contenders: Sequence[Contender], criterion: CriterionName, hooks: Hooks
) -> list[Contender]:
    """The contenders, of which all have climbed that could turn out the best."""
    compared, gained = list(contenders), 0.0
    close = CLOSE * hooks.row_weight
    while not hooks.interrupted():
        place = _next_of(compared, criterion, close + GAINS * gained)
        if place is None:
            challengers = (
                _neighbours_of_best(compared, criterion)
                or _enlarged_best(compared, criterion)
                or _searched_beside_best(compared, criterion)
            )
            if not challengers:
                break
            for place, contender in challengers:
                compared[place] = contender
            continue
        before, reach = _value(compared[place], criterion), _lowest(compared, criterion) + close
        behind = max(before - reach, 0.0) / 2
        compared[place] = _climbed(_searched(compared[place]), behind=behind)
        if compared[place].is_behind and _value(compared[place], criterion) < reach:
            compared[place] = _climbed(compared[place])  # it has caught up
        gained = max(gained, before - _value(compared[place], criterion))
    return compared


def _value(contender: Contender, criterion: CriterionName) -> float:
    """The criterion of a contender."""
    return contender.fit.criteria.value(criterion)


def _neighbours_of_best(
    contenders: Sequence[Contender], criterion: CriterionName
) -> list[tuple[int, Contender]]:
    """Candidates that the best one leads higher, by a merge or a split, and their places.

    What made it the best may have come after its neighbours started, or by chance.
    """
    best = contenders[_best_of(contenders, criterion)]
    problem, mixture = best.problem, best.farthest.last.mixture
    challengers: list[tuple[int, Contender]] = []
    for place, contender in enumerate(contenders):
        if _are_neighbours(contender, best):
            path = _led_on(problem.searcher, problem.few_cells, contender.path, mixture)
            if path is not contender.path:
                challengers.append((place, _led(contender, path, criterion)))
    return challengers


def _enlarged_best(
    contenders: Sequence[Contender], criterion: CriterionName
) -> list[tuple[int, Contender]]:
    """The candidate with one more component than the best, where the best explains points badly.

    With its place; none where that candidate is better already.
    """
    best = contenders[_best_of(contenders, criterion)]
    problem, n_more = best.problem, best.n_components + 1
    for place, contender in enumerate(contenders):
        if contender.problem is problem and contender.n_components == n_more:
            more = problem.searcher.enlarged(problem.all_cells, best.farthest.last.mixture)
            if more is None or contender.has_begun_from(more):
                return []
            start = Trail([State(0, more, -math.inf)]).after(ONE_MOVE)
            larger = _begun(
                replace(contender, enlarged=start, on_all=None, is_searched=True, is_behind=False)
            )
            is_better = _rank(larger, criterion) < _rank(contender, criterion)
            return [(place, larger)] if is_better else []
    return []


def _searched_beside_best(
    contenders: Sequence[Contender], criterion: CriterionName
) -> list[tuple[int, Contender]]:
    """Neighbours of the best candidate after a search as long as its own, and their places.

    They may have been left behind only because they were not searched for as long.
    """
    best = contenders[_best_of(contenders, criterion)]
    challengers: list[tuple[int, Contender]] = []
    for place, contender in enumerate(contenders):
        if _are_neighbours(contender, best) and not contender.is_searched:
            searched = _searched(contender)
            if searched.path.moves > contender.path.moves:
                searched = replace(_led(contender, searched.path, criterion), is_searched=True)
            challengers.append((place, searched))
    return challengers


def _are_neighbours(one: Contender, other: Contender) -> bool:
    """Whether one candidate has one component more than another of its covariance type."""
    return one.problem is other.problem and abs(one.n_components - other.n_components) == 1


def _next_of(contenders: Sequence[Contender], criterion: CriterionName, reach: float) -> int | None:
    """The place of the best contender that has not climbed and is within reach of the best."""
    values = [_value(contender, criterion) for contender in contenders]
    highest = _lowest(contenders, criterion) + reach
    waiting = [n for n, c in enumerate(contenders) if not c.is_final and values[n] <= highest]
    return min(waiting, key=values.__getitem__, default=None)


def _lowest(contenders: Sequence[Contender], criterion: CriterionName) -> float:
    """The lowest criterion of those that have climbed and can be chosen; infinite without any."""
    final = [c for c in contenders if c.is_final and not c.flaw]
    return min((_value(contender, criterion) for contender in final), default=math.inf)


def _best_of(contenders: Sequence[Contender], criterion: CriterionName) -> int:
    """The place of the best contender without a flaw, or of the simplest where all have one."""
    return min(range(len(contenders)), key=lambda place: _rank(contenders[place], criterion))


def _rank(contender: Contender, criterion: CriterionName) -> tuple[bool, float]:
    """What orders contenders: those without a flaw by criterion, then the others by simplicity."""
    if contender.flaw is None:
        return False, _value(contender, criterion)
    return True, count_parameters(contender.n_components, contender.problem.covariance)
