"""The contenders of a choice: the best mixtures of each type and number, on few cells. NumPy only.

One covariance type is searched; each other begins with the best of those nearest to it in the
`lattice` of types.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from gmmcli.core.cells.cells import Cells
from gmmcli.core.mixture.gaussians import Gaussians
from gmmcli.core.mixture.structures import count_parameters
from gmmcli.core.mixture.units import Nats
from gmmcli.core.search.constants import SHARE, STEPS_TO_SETTLE
from gmmcli.core.search.criteria import Candidate, Criteria
from gmmcli.core.search.hooks import Hooks
from gmmcli.core.search.insertion import evaluate_logs
from gmmcli.core.search.lattice import derive, measure_distance, order_types
from gmmcli.core.search.outcome import Outcome, Search
from gmmcli.core.search.passes import Findings
from gmmcli.core.search.problem import Problem, count_few
from gmmcli.core.search.region import Assessment
from gmmcli.core.search.regions import Bounds
from gmmcli.core.search.status import Status
from gmmcli.settings import Choice, CovarianceType, FitSettings


@dataclass(frozen=True, eq=False)
class Contender:
    """A candidate while it is fitted.

    Attributes:
        problem: the data, as its covariance type sees them.
        found: its mixture on few cells.
        search: what was done to find it.
        background_gain: what a background brings to the objective, in twice nats.
        rival: the best other optimum of as many components that a pass came to, on few cells.
        outcome: what came of its climb on all cells; None before.
    """

    problem: Problem
    found: Assessment
    search: Search
    background_gain: float = -np.inf
    rival: Assessment | None = None
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
            mixture=outcome.mixture if outcome else None,
        )


def search_contenders(
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
        bounds = find_bounds(choice, problem)
        if bounds.fewest > bounds.most or (contenders and hooks.interrupted()):
            continue
        if contenders:
            allowed = [c for c in contenders if bounds.allow(c.n_components)]
            origins = [_carry(contender, problem) for contender in _find_near(allowed, problem)]
            contenders += _derive(problem, origins, choice, hooks) if origins else []
        else:
            contenders += _search_fully(problem, [], choice, hooks)
    best = min(contenders, key=lambda contender: contender.rough)
    if best.problem is not contenders[0].problem and not hooks.interrupted():
        again = _search_fully(best.problem, [best.found.gaussians], choice, hooks)
        contenders = _keep_better([*contenders, *again])
    order = choice.covariances.index
    return sorted(contenders, key=lambda c: (order(c.problem.covariance), c.n_components))


def _derive(
    problem: Problem, origins: Sequence[Gaussians], choice: Choice, hooks: Hooks
) -> list[Contender]:
    """The best mixtures of a type that those of its neighbours lead to, on few cells.

    With a background, if one is asked for or the best is better with one.

    Args:
        problem: the data, as the type sees them.
        origins: mixtures of its neighbours.
        choice: what to choose from.
        hooks: what the caller adds on the way.
    """
    bounds = find_bounds(choice, problem)
    plain = derive(problem, origins, bounds, hooks)
    if problem.background is None or plain.best.gaussians.background or hooks.interrupted():
        return _enter(problem, plain, -np.inf)
    region = problem.hold(bounds)
    tried = region.settle(plain.best.gaussians.put_before(SHARE), STEPS_TO_SETTLE)
    gain = 2 * (region.assess(tried).score - plain.best.score)
    if choice.background != "on" and (choice.background == "off" or gain <= 0):
        return _enter(problem, plain, gain)
    begun = [found.gaussians.put_before(SHARE) for found in plain.allowed]
    return _enter(problem, derive(problem, begun, bounds, hooks), gain)


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
    bounds = find_bounds(choice, problem)
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
    contenders = []
    for found in findings.allowed:
        search = Search(findings.n_passes, findings.count_returns(found.gaussians))
        rival = findings.find_rival(found.gaussians)
        contenders.append(Contender(problem, found, search, gain, rival))
    return contenders


def _find_near(contenders: Sequence[Contender], problem: Problem) -> list[Contender]:
    """Of each number of components, the contenders whose types are nearest to a problem's."""
    near = dict[int, list[Contender]]()
    for contender in contenders:
        near.setdefault(contender.n_components, []).append(contender)
    return [c for each in near.values() for c in _keep_nearest(each, problem.covariance)]


def _keep_nearest(
    contenders: Sequence[Contender], covariance: CovarianceType
) -> Iterator[Contender]:
    """Those contenders from whose types the fewest steps lead to another."""
    steps = [measure_distance(c.problem.covariance, covariance) for c in contenders]
    return (c for c, n in zip(contenders, steps, strict=True) if n == min(steps))


def _keep_better(contenders: Sequence[Contender]) -> list[Contender]:
    """The better of contenders of the same type and number; the later of equal ones."""
    kept: dict[tuple[str, int], Contender] = {}
    for contender in contenders:
        before = kept.get(contender.key, contender)
        kept[contender.key] = before if before.rough < contender.rough else contender
    return list(kept.values())


def find_bounds(choice: Choice, problem: Problem) -> Bounds:
    """How many components a mixture may have of a covariance type."""
    narrow = choice.narrow_to(problem.covariance)
    most = problem.few_cells.n_cells if choice.goes_on else narrow.most
    return Bounds(narrow.fewest, most)


def _carry(contender: Contender, problem: Problem) -> Gaussians:
    """The components of a contender in the units of another problem, to begin with there."""
    mixture = contender.found.gaussians.to_mixture()
    there = problem.whitening.whiten(contender.problem.whitening.unwhiten(mixture))
    return Gaussians.of(there)
