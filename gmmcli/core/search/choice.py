"""The choice among mixtures: how many components, and which covariance type.

One search of a covariance type gives every number of components a mixture, on few cells. The best
climbs on all cells, cut for it, and so do those near it, after their regions have been solved anew
with their number held; what the others are worth is told from few cells.
"""

from collections.abc import Sequence
from dataclasses import replace
from time import perf_counter

import numpy as np

from gmmcli.core.cells.cells import Cells
from gmmcli.core.cells.checks import check_distinct_points
from gmmcli.core.inference.state import State
from gmmcli.core.mixture.gaussians import Gaussians
from gmmcli.core.mixture.units import Nats
from gmmcli.core.search.climbs import Finer, climb_stages, show_way, tell
from gmmcli.core.search.constants import LEAST_MASS, REACH, RIVAL, WORTHWHILE
from gmmcli.core.search.contenders import Contender, find_bounds, search_contenders
from gmmcli.core.search.criteria import Selection
from gmmcli.core.search.hooks import Hooks
from gmmcli.core.search.lattice import count_told
from gmmcli.core.search.outcome import Outcome, SecondOptimum
from gmmcli.core.search.passes import are_same
from gmmcli.core.search.regions import Bounds
from gmmcli.settings import Choice, FitSettings


def choose_mixture(
    cells: Cells, settings: FitSettings, choice: Choice, *, hooks: Hooks | None = None
) -> Outcome:
    """The fit of the mixture that a criterion prefers, with what it was chosen from.

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
    contenders = _solve_near(search_contenders(cells, settings, choice, hooks), hooks)
    best = min(contenders, key=lambda contender: contender.rough)
    winner = _climb_fully(best, find_bounds(choice, best.problem), hooks)
    others = [c for c in contenders if c.key != winner.key]
    climbed = [winner, *_climb_near(others, best, winner, hooks)]
    known = best.log_likelihood, climbed[0].end.log_likelihood
    winner, second = _face_rival(min(climbed, key=_compare), hooks)
    climbed, selection = [*climbed, winner], None
    if choice.is_open:
        selection = _tell_selection([*others, *climbed], winner, choice, known)
    outcome, seconds = _show_way(winner, hooks), perf_counter() - began
    return replace(outcome, selection=selection, second=second, seconds=seconds)


def _solve_near(contenders: Sequence[Contender], hooks: Hooks) -> list[Contender]:
    """The contenders, with those near the best solved anew on few cells, their number held.

    So is the one with a component more, which has more left to climb than the best.
    """
    best, solved = min(contenders, key=lambda contender: contender.rough), list[Contender]()
    for contender in contenders:
        has_one_more = contender.n_components == best.n_components + 1
        is_near = contender.rough < best.rough + REACH
        is_next = contender.problem is best.problem and has_one_more
        if contender is not best and (is_near or is_next) and not hooks.interrupted():
            found = contender.problem.improve(contender.found)
            contender = replace(contender, found=found)
        solved.append(contender)
    return solved


def _climb_fully(contender: Contender, bounds: Bounds, hooks: Hooks) -> Contender:
    """A contender after its climb on all cells, with components where few cells hid points."""
    best = _climb_without_lost(contender, bounds, hooks, on_all=False)
    while best.problem.has_more_cells and not hooks.interrupted():
        problem = best.problem
        gaussians = problem.insert(problem.all_cells, best.found, bounds)
        if gaussians is best.found.gaussians:
            return best
        larger = replace(best, found=problem.region.assess(gaussians))
        larger = _climb_without_lost(larger, bounds, hooks, on_all=True)
        if _compare(larger) > _compare(best) - 2 * WORTHWHILE:
            return best
        best = larger
    return best


def _climb_without_lost(
    contender: Contender, bounds: Bounds, hooks: Hooks, *, on_all: bool
) -> Contender:
    """A contender after its climb on all cells, without components that are not worth it there."""
    best = _climb_alive(contender, bounds, hooks, on_all=on_all)
    while best.problem.has_more_cells and not hooks.interrupted():
        left = best.problem.shrink(best.found.gaussians, bounds)
        if left.number == best.n_components:
            return best
        begun = replace(best, found=best.problem.region.assess(left))
        fewer = _climb_alive(begun, bounds, hooks, on_all=True)
        if _compare(fewer) > _compare(best):
            return best
        best = fewer
    return best


def _climb_alive(contender: Contender, bounds: Bounds, hooks: Hooks, *, on_all: bool) -> Contender:
    """A contender after its climb on all cells, without components that have lost their points."""
    while True:
        climbed = _climb(contender, hooks, hooks.finer, on_all=on_all)
        problem, gaussians = climbed.problem, climbed.found.gaussians
        left = gaussians.select(gaussians.weights * problem.objective.n_points > LEAST_MASS)
        if left.number == gaussians.number or not bounds.allow(left.number):
            return climbed
        left = left.scale(gaussians.weights.sum() / left.weights.sum())
        contender, on_all = replace(climbed, found=problem.region.assess(left)), True


def _climb(
    contender: Contender,
    hooks: Hooks,
    finer: Finer | None = None,
    *,
    on_all: bool = False,
    enough: float = 0.0,
) -> Contender:
    """A contender after the climb on all cells.

    Args:
        contender: what climbs.
        hooks: what the caller adds on the way.
        finer: cuts cells where they are too coarse for a mixture, in data units.
        on_all: begin on all cells, since few hide something of its mixture.
        enough: what may be left to climb, in nats, if less is asked for.
    """
    problem = contender.problem
    first = State(0, contender.found.gaussians.to_mixture(problem.background), -np.inf)
    climbed = climb_stages(problem, [first], hooks, finer, on_all=on_all, enough=enough)
    outcome = tell(climbed, contender.search)
    found = climbed.problem.region.assess(Gaussians.of(outcome.states[-1].mixture))
    return replace(contender, problem=climbed.problem, found=found, outcome=outcome)


def _climb_near(
    others: Sequence[Contender], best: Contender, winner: Contender, hooks: Hooks
) -> list[Contender]:
    """Those near the best after their climb on all cells."""
    climbed = []
    for contender in sorted(others, key=lambda c: c.rough):
        if hooks.interrupted() or contender.rough > best.rough + REACH:
            break
        is_alike = contender.problem.covariance == winner.problem.covariance
        problem = winner.problem if is_alike else contender.problem.on(winner.problem.cells)
        near = _climb(replace(contender, problem=problem), hooks, enough=WORTHWHILE / 10)
        if _compare(near) < _compare(winner) + 4 * WORTHWHILE:
            near = _climb(near, hooks, on_all=True)
        climbed.append(near)
    return climbed


def _face_rival(winner: Contender, hooks: Hooks) -> tuple[Contender, SecondOptimum | None]:
    """The best and another optimum of as many components, if that is nearly as good.

    Few cells tell whether it climbs; on all cells it may turn out to be the better.
    """
    found, region = winner.rival, winner.problem.region
    if found is None or hooks.interrupted():
        return winner, None
    own, other = (region.assess(each.gaussians).score for each in (winner.found, found))
    if other < own - 2 * RIVAL:
        return winner, None
    climbed = _climb(replace(winner, found=found), hooks, on_all=True)
    best, worse = sorted((winner, climbed), key=_compare)
    deficit = best.end.log_likelihood - worse.end.log_likelihood
    if deficit > RIVAL or are_same(best.found.gaussians, worse.found.gaussians):
        return best, None
    return best, SecondOptimum(worse.end.mixture, Nats(deficit))


def _compare(contender: Contender) -> float:
    """What contenders are compared by on all cells, in twice nats."""
    return contender.end.criteria.value(contender.problem.criterion) + contender.surcharge


def _tell_selection(
    contenders: Sequence[Contender],
    winner: Contender,
    choice: Choice,
    known: tuple[float, float],
) -> Selection:
    """What the winner was chosen from: all numbers from the fewest to beyond its own.

    Args:
        contenders: those that were compared; of the same type and number, the last is told of.
        winner: the best of them.
        choice: what was asked for.
        known: a log-likelihood on few cells, and after a climb on all; see `tell_candidate`.
    """
    most = count_told(winner.n_components)
    told = {c.key: c for c in contenders if c.n_components <= most}
    order = choice.covariances.index
    ordered = sorted(told.values(), key=lambda c: (order(c.problem.covariance), c.n_components))
    candidates = tuple(contender.tell_candidate(*known) for contender in ordered)
    goes_on = choice.goes_on or winner.n_components < choice.most
    return Selection(candidates, choice.criterion, ordered.index(winner), goes_on)


def _show_way(contender: Contender, hooks: Hooks) -> Outcome:
    """What came of a contender, with a way to where its climb began, if that is wanted."""
    outcome, problem = contender.end, contender.problem
    if hooks.interrupted():
        return outcome
    states = show_way(problem, outcome.states, hooks) if hooks.shows_way else outcome.states
    gain = contender.background_gain
    return replace(outcome, states=tuple(states), background_gain=gain)
