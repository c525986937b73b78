"""Where the result of a fit is not to be trusted, and what to do about it, as lines to print."""

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from gmmcli.cli.words import count, list_components, name_candidate
from gmmcli.core.search.status import Status
from gmmcli.settings import ALIKE, HANDFUL, MOST_SHIFT

if TYPE_CHECKING:
    from gmmcli.core.mixture.units import Nats
    from gmmcli.core.runs.result import Fit
    from gmmcli.core.search.criteria import Candidate, Selection


def caution(fit: "Fit", exact_log_likelihood: "Nats | None", *, is_weighted: bool) -> Iterator[str]:
    """All lines of caution on a fit, in the order in which a user needs them."""
    yield from caution_on_search(fit)
    yield from caution_on_cells(fit, exact_log_likelihood)
    if fit.selection is not None and fit.status is Status.INTERRUPTED:
        yield (
            "interrupted before all candidates were compared: the choice is preliminary; fit again "
            "to complete it"
        )
    elif fit.selection is not None:
        has_enough = fit.cells.n_points >= fit.handful
        yield from caution_on_selection(fit.selection, has_enough_points=has_enough)
    yield from caution_on_components(fit, is_weighted=is_weighted)


def caution_on_search(fit: "Fit") -> Iterator[str]:
    """A line where no other start confirms the optimum."""
    if fit.search is not None and fit.search.starts and not fit.search.returns:
        effort = "another --seed" if fit.settings.effort == "thorough" else "--effort thorough"
        yield (
            "no other start reached the same optimum: there may be a better one, which "
            f"{effort} may find"
        )


def caution_on_cells(fit: "Fit", exact_log_likelihood: "Nats | None") -> Iterator[str]:
    """A line where the cells are too coarse for the mixture."""
    if exact_log_likelihood is None:
        gap, ratio = "estimated gap", fit.cost.gap_ratio
    else:
        gap, ratio = "true gap", fit.gap_ratio(fit.true_gap(exact_log_likelihood))
    if fit.status is not Status.INTERRUPTED and (fit.cost.is_coarse or ratio > 1):
        coarseness = describe_coarseness(gap, ratio, fit.cost.shift or 0.0)
        yield f"{coarseness}; raise --cells, or use --exact"


def describe_coarseness(gap: str, ratio: float, shift: float, *, far_ratio: float = 10) -> str:
    """What cells that break a rule do to a fit.

    Args:
        gap: what the gap is called.
        ratio: of the gap to the largest that is allowed.
        shift: by which cells move parameters, in standard errors.
        far_ratio: from here on, estimates say little any more, and parameters may be off by more
            than a standard error: by proportion that is at a ratio of some 20 to 30.
    """
    if ratio <= 1 and shift <= MOST_SHIFT:
        return (
            f"some cells are too coarse to be sure of the parameters to {MOST_SHIFT} standard "
            "errors: they may move them by more than is estimated"
        )
    if ratio > far_ratio:
        return (
            f"the cells are far too coarse: the {gap} is {ratio:,.1f} times the largest that is "
            "allowed, so parameters may be off by more than a standard error"
        )
    found = []
    if shift > MOST_SHIFT:
        found.append(f"they move parameters by up to {shift:.3f} standard errors")
    if ratio > 1:
        found.append(f"the {gap} is {ratio:,.1f} times the largest that is allowed")
    return f"the cells are too coarse: {' and '.join(found)}"


def caution_on_selection(
    selection: "Selection", *, has_enough_points: bool = True
) -> Iterator[str]:
    """Lines where a choice among candidates is in doubt.

    Args:
        selection: what the mixture was chosen from.
        has_enough_points: whether there are enough for one component.
    """
    name, winner, second = selection.criterion.upper(), selection.winner, selection.runner_up
    lower = [c for c in selection.candidates if selection.value(c) < selection.value(winner)]
    if winner.is_eligible and lower:
        yield describe_rejected(selection, lower)
    if not winner.is_eligible:
        remedy = "ask for another with -k" if has_enough_points else "fit more points"
        yield (
            f"every candidate is rejected, for a component {_list_reasons(selection.candidates)}: "
            f"this is the simplest; {remedy}"
        )
    elif second is not None and selection.lead is not None and selection.lead < ALIKE:
        yield (
            f"the data do not distinguish {name_candidate(winner)} from {name_candidate(second)}: "
            f"their {name} differs by less than {ALIKE:g}; prefer the simpler, or fit each with "
            f"{'-k' if winner.components != second.components else '--covariance'}"
        )
    numbers = [candidate.components for candidate in selection.candidates]
    if min(numbers) < winner.components == max(numbers):
        wider = f"-k {max(numbers)}:{2 * max(numbers)}"
        yield f"the best number of components ends the range: try more, such as {wider}"


def describe_rejected(selection: "Selection", lower: "list[Candidate]") -> str:
    """How many candidates with a lower criterion than the winner are rejected, and why."""
    lowest = min(lower, key=selection.value)
    by = selection.value(selection.winner) - selection.value(lowest)
    rejected, name = count(len(lower), "candidate"), selection.criterion.upper()
    up_to, has = ("", "it has") if len(lower) == 1 else ("up to ", "each has")
    line = (
        f"rejected {rejected} whose {name} is {up_to}{by:.2f} lower "
        f"({count(lowest.components, 'component')}, {lowest.covariance}), as {has} a component "
        f"{_list_reasons(lower)}"
    )
    remedies = {candidate.status.remedy for candidate in lower} - {""}
    return "; ".join([line, *sorted(remedies)])


def caution_on_components(fit: "Fit", *, is_weighted: bool) -> Iterator[str]:
    """Lines on components that stand on the floor, or on few points or none."""
    if fit.floored:
        yield (
            f"on the covariance floor: {list_components(fit.floored)} (points on a line or at one "
            "spot); the log-likelihood and the criteria depend on --floor"
        )
    empty = find_empty(fit)
    few = [k for k in fit.with_few_points if k not in empty]
    if empty:
        yield f"without points: {list_components(empty)}; start elsewhere, or choose a lower -k"
    if few:
        points = f"{HANDFUL} rows' weight" if is_weighted else f"{HANDFUL} points"
        less = "less than" if is_weighted else "fewer than"
        remedy = "choose a lower -k" if fit.mixture.n_components > 1 else "fit more points"
        if fit.has_strays_alone_on_few:
            remedy = "they may be strays, far from all other points"
        yield f"on {less} {points}: {list_components(few)}; {remedy}"


def find_empty(fit: "Fit", *, share: float = 1 / 12) -> list[int]:
    """The components with less than a share of a handful of points, ascending."""
    held = fit.mixture.weights * fit.cells.n_points
    return [k for k, number in enumerate(held) if number < share * fit.handful]


def _list_reasons(candidates: "Iterable[Candidate]") -> str:
    """Why candidates are rejected."""
    return " or ".join(sorted({c.status.value for c in candidates if not c.is_eligible}))
