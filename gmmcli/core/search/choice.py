"""The choice among mixtures: how many components, and which covariance type.

One search of a covariance type gives every number of components a mixture, on few cells. The best
climbs on all cells, cut for it, and so do those near it, after their regions have been solved anew
with their number held; what the others are worth is told from few cells.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from time import perf_counter

import numpy as np

from gmmcli.core.cells.cells import Cells
from gmmcli.core.cells.checks import check_distinct_points
from gmmcli.core.inference.state import State
from gmmcli.core.mixture.gaussians import Gaussians
from gmmcli.core.mixture.structures import count_parameters
from gmmcli.core.mixture.units import Nats
from gmmcli.core.search.climbs import Finer, climb_stages, show_way, tell
from gmmcli.core.search.constants import LEAST_MASS, REACH, SHARE, WORTHWHILE
from gmmcli.core.search.criteria import Candidate, Criteria, Selection
from gmmcli.core.search.hooks import Hooks
from gmmcli.core.search.insertion import evaluate_logs
from gmmcli.core.search.lattice import derive, find_nearest, order_types
from gmmcli.core.search.outcome import Outcome, Search
from gmmcli.core.search.passes import Findings
from gmmcli.core.search.problem import Problem, count_few
from gmmcli.core.search.region import Assessment
from gmmcli.core.search.regions import Bounds
from gmmcli.core.search.status import Status
from gmmcli.settings import Choice, FitSettings


@dataclass(frozen=True, eq=False)
class Contender:
    """A candidate while it is fitted.

    Attributes:
        problem: the data, as its covariance type sees them.
        found: its mixture on few cells.
        search: what was done to find it.
        background_gain: what a background brings to the objective, in twice nats.
        outcome: what came of its climb on all cells; None before.
    """

    problem: Problem
    found: Assessment
    search: Search
    background_gain: float = -np.inf
    outcome: Outcome | None = None

    @property
    def key(self) -> tuple[str, int]:
        """Its covariance type and number of components."""
        return self.problem.covariance, self.n_components

    @property
    def n_components(self) -> int:
        """How many components it has, K."""
        return self.found.gaussians.number

    @property
    def end(self) -> Outcome:
        """What came of its climb, which must have been."""
        if self.outcome is None:
            raise AssertionError("it has not climbed")
        return self.outcome

    @property
    def rough(self) -> float:
        """What it is compared by on few cells."""
        return self.problem.compare(self.found)

    @property
    def log_likelihood(self) -> float:
        """Its ELBO on few cells, in nats and data units."""
        problem, cells = self.problem, self.problem.few_cells
        logs = evaluate_logs(cells, self.found.gaussians, problem.log_uniform)
        return float(cells.counts @ logs) + cells.n_points * problem.whitening.log_volume

    @property
    def surcharge(self) -> float:
        """What thin components add to its criterion, in twice nats."""
        return 2 * self.problem.objective.find_excess(self.found.gaussians)

    def tell_candidate(self, before: float, after: float) -> Candidate:
        """What is told of it in the end; without a climb, as few cells compare it with another.

        Args:
            before: the log-likelihood of the other on few cells.
            after: and after its climb on all cells.
        """
        problem, outcome = self.problem, self.outcome
        covariance, background = problem.covariance, self.found.gaussians.background
        n_free = count_parameters(self.n_components, covariance, has_background=bool(background))
        if outcome is not None:
            log_likelihood, figures = outcome.log_likelihood, outcome.criteria
        else:
            log_likelihood = Nats(after + self.log_likelihood - before)
            n_points = problem.cells.n_points * problem.worth
            evidence = log_likelihood * problem.worth
            figures = Criteria.of(evidence, n_free, n_points, problem.doubt(self.found))
        return Candidate(
            components=self.n_components,
            covariance=covariance,
            log_likelihood=log_likelihood,
            parameters=n_free,
            criteria=figures,
            status=outcome.status if outcome else Status.PRELIMINARY,
            background=background,
            surcharge=self.surcharge,
        )


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
    contenders = _solve_near(_search_all(cells, settings, choice, hooks), hooks)
    best = min(contenders, key=lambda contender: contender.rough)
    winner = _climb_fully(best, _find_bounds(choice, best.problem), hooks)
    others = [c for c in contenders if c.key != winner.key]
    climbed = [winner, *_climb_near(others, best, winner, hooks)]
    winner, selection = min(climbed, key=_compare), None
    if choice.is_open:
        known = best.log_likelihood, climbed[0].end.log_likelihood
        selection = _tell_selection([*others, *climbed], winner, choice, known)
    outcome = _show_way(winner, hooks)
    return replace(outcome, selection=selection, seconds=perf_counter() - began)


def _search_all(
    cells: Cells, settings: FitSettings, choice: Choice, hooks: Hooks
) -> list[Contender]:
    """The best mixture of every covariance type and number of components, on few cells.

    The first type is searched; each other begins with the best of its neighbours. Of these, that
    which is best in the end is searched, too.
    """
    grain = hooks.tell_grain(cells)
    contenders: list[Contender] = []
    for covariance in order_types(choice.covariances):
        own = replace(settings, covariance=covariance)
        problem = Problem(cells, grain, own, choice.criterion, count_few(choice.most))
        bounds = _find_bounds(choice, problem)
        if bounds.fewest > bounds.most or (contenders and hooks.interrupted()):
            continue
        if contenders:
            origins = [_carry(contender, problem) for contender in _find_near(contenders, problem)]
            findings = derive(problem, origins, bounds, hooks)
            contenders += _enter(problem, findings, -np.inf)
        else:
            contenders += _search_fully(problem, [], choice, hooks)
    best = min(contenders, key=lambda contender: contender.rough)
    if best.problem is not contenders[0].problem and not hooks.interrupted():
        again = _search_fully(best.problem, [best.found.gaussians], choice, hooks)
        contenders = _keep_better([*contenders, *again])
    order = choice.covariances.index
    return sorted(contenders, key=lambda c: (order(c.problem.covariance), c.n_components))


def _search_fully(
    problem: Problem, origins: Sequence[Gaussians], choice: Choice, hooks: Hooks
) -> list[Contender]:
    """The best mixture of a covariance type and every number of components, on few cells.

    Args:
        problem: the data, as the type sees them.
        origins: mixtures to begin with besides.
        choice: what to choose from.
        hooks: what the caller adds on the way.
    """
    bounds = _find_bounds(choice, problem)
    findings = problem.search(bounds, origins, hooks)
    plain, gain = findings.best, -np.inf
    if not hooks.interrupted():
        before = problem.add_background(plain, bounds)
        if problem.wants_background(choice.background, before):
            origins = [] if before is None else [before.gaussians]
            findings = problem.search(bounds, origins, hooks, background=SHARE)
            if findings.best.gaussians.background:
                gain = 2 * (findings.best.score - plain.score)
        elif before is not None:
            gain = 2 * (before.score - plain.score)
    return _enter(problem, findings, gain)


def _enter(problem: Problem, findings: Findings, gain: float) -> list[Contender]:
    """The contenders that a search of a type has found.

    Args:
        problem: the data, as the type sees them.
        findings: of the search.
        gain: what a background brings to the objective, in twice nats.
    """
    return [
        Contender(
            problem, found, Search(findings.n_passes, findings.count_returns(found.gaussians)), gain
        )
        for found in findings.allowed
    ]


def _find_near(contenders: Sequence[Contender], problem: Problem) -> list[Contender]:
    """The contenders of the types that are nearest to a problem's."""
    types = list(dict.fromkeys(c.problem.covariance for c in contenders))
    nearest = find_nearest(problem.covariance, types)
    return [c for c in contenders if c.problem.covariance in nearest]


def _keep_better(contenders: Sequence[Contender]) -> list[Contender]:
    """The better of contenders of the same type and number; the later of equal ones."""
    kept: dict[tuple[str, int], Contender] = {}
    for contender in contenders:
        before = kept.get(contender.key, contender)
        kept[contender.key] = before if before.rough < contender.rough else contender
    return list(kept.values())


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


def _find_bounds(choice: Choice, problem: Problem) -> Bounds:
    """How many components a mixture may have of a covariance type."""
    narrow = choice.narrow_to(problem.covariance)
    most = problem.few_cells.n_cells if choice.goes_on else narrow.most
    return Bounds(narrow.fewest, most)


def _carry(contender: Contender, problem: Problem) -> Gaussians:
    """The components of a contender in the units of another problem, to begin with there."""
    mixture = contender.found.gaussians.to_mixture()
    there = problem.whitening.whiten(contender.problem.whitening.unwhiten(mixture))
    return Gaussians.of(there)


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


def _compare(contender: Contender) -> float:
    """What contenders are compared by on all cells, in twice nats."""
    return contender.end.criteria.value(contender.problem.criterion) + contender.surcharge


def _tell_selection(
    contenders: Sequence[Contender],
    winner: Contender,
    choice: Choice,
    known: tuple[float, float],
    *,
    times: float = 1.5,
    beyond: int = 3,
) -> Selection:
    """What the winner was chosen from: all numbers from the fewest to beyond its own.

    Args:
        contenders: those that were compared; of the same type and number, the last is told of.
        winner: the best of them.
        choice: what was asked for.
        known: a log-likelihood on few cells, and after a climb on all; see `tell_candidate`.
        times: numbers up to so many times the winner's are told of.
        beyond: and so many more.
    """
    most = times * winner.n_components + beyond
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
