"""A fit from a start: cells and a mixture in, the way to a better one out."""

from collections.abc import Sequence
from dataclasses import replace
from time import perf_counter

import numpy as np

from gmmcli.core.cells.cells import Cells
from gmmcli.core.cells.checks import check_distinct_points
from gmmcli.core.inference.state import State
from gmmcli.core.mixture.covariances import are_inside
from gmmcli.core.mixture.gaussians import Gaussians
from gmmcli.core.mixture.knowledge import NOTHING_KNOWN, Knowledge
from gmmcli.core.mixture.mixture import Mixture
from gmmcli.core.search.climbs import climb_stages, tell
from gmmcli.core.search.constants import STEPS_TO_SETTLE
from gmmcli.core.search.hooks import Hooks
from gmmcli.core.search.outcome import Outcome, Search
from gmmcli.core.search.problem import Problem, count_few
from gmmcli.core.search.regions import Bounds, improve, seed_afresh
from gmmcli.errors import FitError
from gmmcli.settings import FitSettings


def fit_from(
    cells: Cells,
    settings: FitSettings,
    start: Mixture,
    known: Knowledge = NOTHING_KNOWN,
    *,
    hooks: Hooks | None = None,
) -> Outcome:
    """Fit a mixture to cells from a start.

    Args:
        cells: the data, in data units.
        settings: what is asked for.
        start: the mixture to begin with, in data units.
        known: of the mixture before the data, in data units; what is fixed is as in the start.
        hooks: what the caller adds on the way.

    Raises:
        TableError: when there are fewer distinct points than components, or their variance is
            out of double precision's reach.
        FitError: when the climb diverges, two components of the start coincide, all are too far
            from some points, or what is fixed cannot be.
        MixtureError: when a prior is of another number of components.
    """
    check_distinct_points(cells, settings.components)
    began, hooks = perf_counter(), hooks or Hooks()
    few = count_few(settings.components) if hooks.finer is not None else None
    known = known.settle(start, settings.covariance)
    problem = Problem(cells, hooks.tell_grain(cells), settings, "bic", few, known)
    begin = _check_distinct(problem.whitening.whiten(start))
    _check_width(problem)
    _check_near(begin, problem.all_cells)
    first = State(0, begin, -np.inf)
    climbed = climb_stages(problem, [first], hooks, hooks.finer)
    return replace(tell(climbed, None), seconds=perf_counter() - began)


def resume_from(
    cells: Cells,
    settings: FitSettings,
    way: Sequence[State],
    search: Search | None = None,
    known: Knowledge = NOTHING_KNOWN,
    *,
    hooks: Hooks | None = None,
) -> Outcome:
    """Go on with a climb from where it ended, on all cells.

    Args:
        cells: the data, in data units.
        settings: what is asked for; the steps are those in all, with those so far.
        way: the states so far, in data units.
        search: what was done to find where the way began; None where that was given.
        known: see `fit_from`.
        hooks: what the caller adds on the way.

    Raises:
        TableError: when there are fewer distinct points than components, or their variance is
            out of double precision's reach.
        FitError: when the climb diverges.
    """
    check_distinct_points(cells, settings.components)
    began, hooks = perf_counter(), hooks or Hooks()
    left = replace(settings, steps=settings.steps - way[-1].step)
    few = count_few(settings.components) if hooks.finer is not None else None
    known = known.settle(way[0].mixture, settings.covariance)
    problem = Problem(cells, hooks.tell_grain(cells), left, "bic", few, known)
    whitening, jacobian = problem.whitening, cells.n_points * problem.whitening.log_volume
    states = [
        replace(state, mixture=whitening.whiten(state.mixture), elbo=state.elbo - jacobian)
        for state in way
    ]
    climbed = climb_stages(problem, states, hooks, hooks.finer, on_all=True)
    outcome = tell(climbed, search)
    return replace(outcome, settings=settings, seconds=perf_counter() - began)


def find_larger(
    cells: Cells, settings: FitSettings, mixture: Mixture, *, hooks: Hooks | None = None
) -> float:
    """By how much a mixture with one component more has the lower BIC, in twice nats.

    On few cells, what thin components cost counted; 0 where none is found. A fit from a start has
    the number of its components, whatever the data.

    Args:
        cells: the data, in data units.
        settings: what was asked of the fit.
        mixture: that it came to, in data units.
        hooks: what the caller adds on the way.
    """
    number, hooks = mixture.n_components, hooks or Hooks()
    problem = Problem(cells, hooks.tell_grain(cells), settings, "bic", count_few(number))
    bounds = Bounds(number, number + 1)
    region, fresh = problem.hold(bounds), seed_afresh(np.random.default_rng(settings.seed))
    own = region.assess(Gaussians.of(problem.whitening.whiten(mixture)))
    begun = region.assess(
        region.settle(problem.insert(problem.few_cells, own, bounds), STEPS_TO_SETTLE)
    )
    found = improve(region, max(own, begun, key=lambda each: each.score), bounds, fresh)
    return 2 * (found.score - own.score) if found.gaussians.number > number else 0.0


def _check_width(problem: Problem) -> None:
    """Raise where a fixed covariance is narrower than any may be.

    Raises:
        FitError: naming the component.
    """
    fixed = problem.known.whiten(problem.whitening).fixed
    if fixed is None:
        return
    inside = are_inside(fixed.mixture.covariances, problem.least, np.inf)
    for k in np.flatnonzero(fixed.covariances & ~inside)[:1]:
        raise FitError(
            f"the covariance of component {k} is fixed at less than --floor and the rounding of "
            "the values let it be: make it wider, or lower --floor"
        )


def _check_near(start: Mixture, cells: Cells, *, lost: float = 1.0) -> None:
    """Raise where points are so far from a start that its density has no digits there.

    Args:
        start: in whitened units.
        cells: the data, in whitened units.
        lost: what the last digit of a point's log density may stand for, in nats.

    Raises:
        FitError: when some are.
    """
    with np.errstate(over="ignore"):
        logs = start.log_densities(cells.means)
    if not (np.spacing(np.abs(logs)) < lost).all():
        raise FitError(
            "the start is so far from some points that double precision cannot tell how likely "
            "they are: start nearer to them"
        )


def _check_distinct(start: Mixture, *, coinciding: float = 1e-5) -> Mixture:
    """The start; FitError where two of its components coincide, as they then would for ever.

    Args:
        start: in whitened units.
        coinciding: components closer than this move alike as far as double precision can tell.
    """
    for k, mean in enumerate(start.means):
        away = np.abs(start.means - mean).max(axis=1)
        shape = np.abs(start.covariances - start.covariances[k]).max(axis=(1, 2))
        same = (away < coinciding) & (shape < coinciding)
        if same[:k].any():
            raise FitError(
                f"components {int(np.argmax(same[:k]))} and {k} of the start coincide, and no step "
                "would part them: move one of them"
            )
    return start
