"""Where the result of a fit is not to be trusted, and what to do about it, as lines to print.

They name options as the command line does; Python's words for these are in `wording`.
"""

import math
import shlex
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np

from gmmcli.core.runs.layout import SECOND
from gmmcli.core.runs.misfits import caution_on_misfit, caution_on_overlap
from gmmcli.core.runs.words import count, list_components, name_candidate
from gmmcli.core.search.status import Status
from gmmcli.settings import ALIKE, MOST_SHIFT

if TYPE_CHECKING:
    from gmmcli.core.assessment.diagnostics import Diagnostics
    from gmmcli.core.assessment.errors import Errors
    from gmmcli.core.cells.compression import Compression
    from gmmcli.core.mixture.covariances import FloatArray
    from gmmcli.core.mixture.units import Nats
    from gmmcli.core.runs.result import Fit
    from gmmcli.core.search.criteria import Candidate, Selection
    from gmmcli.core.tables.table import Table


def caution_on_header(table: "Table") -> Iterator[str]:
    """A line where the first line of a text file is no header."""
    if not table.has_header:
        yield "no header: the first line is read as a row"


def caution_on_rows(
    table: "Table", compression: "Compression", *, are_columns_chosen: bool
) -> Iterator[str]:
    """Lines on rows left out, and on values that are hardly measurements.

    Args:
        table: the rows.
        compression: the same as cells.
        are_columns_chosen: whether a coordinate was chosen for the user.
    """
    if compression.n_skipped:
        skipped, rows = compression.n_skipped, compression.n_rows
        yield f"skipped {skipped:,} of {rows:,} rows: a coordinate is empty or not finite"
    if (doubt := table.doubt) is not None:
        yield describe_doubt(*doubt)
    yield from caution_on_large(table, compression)
    for code in compression.codes:
        n = f"{code.count:,.10g} of the weight" if table.weight else count(int(code.count), "row")
        name, value = table.columns[code.axis], f"{code.value:.10g}"
        others = f"({table.where}) and " if table.where else ""
        condition = shlex.quote(f"{others}{table.write_name(name)} != {value}")
        yield (
            f"{value} in {name!r} ({n}) is far outside all other values, as codes for missing ones "
            f"are: if it is one, leave those fields empty, or add --where {condition}"
        )
    if are_columns_chosen:
        for axis in find_counters(compression):
            yield (
                f"{table.columns[axis]!r} counts the rows: if it is no coordinate, choose others "
                "with -x and -y"
            )


def describe_doubt(columns: Sequence[str], text: str, value: float) -> str:
    """How numbers are read whose mark may be decimal, or part thousands.

    Args:
        columns: that hold such numbers.
        text: one of them.
        value: as which it is read.
    """
    names, mark = " and ".join(map(repr, columns)), "comma" if "," in text else "point"
    remedy = f"if its {mark} parts thousands, take these marks out of the file"
    if value.is_integer():
        remedy = f"if its {mark} is a decimal mark, write decimals otherwise"
    return f"{text!r} in {names} is read as {value:.10g}: {remedy}"


def caution_on_large(
    table: "Table", compression: "Compression", *, largest: float = 2.0**53
) -> Iterator[str]:
    """Lines on coordinates that double precision rounds.

    Args:
        table: the rows.
        compression: the same as cells.
        largest: beyond which doubles leave out whole numbers.
    """
    sizes = abs(compression.cells.means).max(axis=0)
    for name, size in zip(table.columns, sizes.tolist(), strict=True):
        if size > largest and table.is_whole(name):
            yield (
                f"{name!r} holds whole numbers beyond 2**53, which are rounded to multiples of "
                f"{math.ulp(size):,.0f}, and so is what is told of them: subtract a number of this "
                "size from the column before it is read"
            )


def find_counters(compression: "Compression") -> list[int]:
    """The coordinates that count the rows, as their numbers do: 1, 2 and so on, each once.

    A table of cells that are no points says nothing of it.
    """
    cells, n_rows = compression.cells, compression.n_rows
    if not compression.is_exact or cells.n_cells != n_rows or n_rows < 3:
        return []
    numbers = np.sort(cells.means, axis=0)
    is_whole = (numbers == np.rint(numbers)).all(axis=0)
    is_counting = (np.diff(numbers, axis=0) == 1).all(axis=0)
    return [int(axis) for axis in np.flatnonzero(is_whole & is_counting)]


def caution_on_end(fit: "Fit") -> Iterator[str]:
    """A line where a fit did not converge."""
    if fit.status is not Status.CONVERGED:
        yield describe_end(fit)


def describe_end(fit: "Fit") -> str:
    """How a fit ended, after how many steps, and what to do where it did not converge."""
    end = f"{fit.status.value} after {count(fit.history.last_step, 'step')}"
    return f"{end}: {fit.status.remedy}" if fit.status.remedy else end


def caution(fit: "Fit", exact_log_likelihood: "Nats | None", *, is_weighted: bool) -> Iterator[str]:
    """All lines of caution on a fit, in the order in which a user needs them."""
    yield from caution_on_search(fit)
    if fit.second is not None:
        yield (
            f"another optimum is nearly as good, its log-likelihood {fit.second.deficit:.2f} nats "
            f"lower, with components elsewhere: {SECOND} has it, for --init"
        )
    yield from caution_on_cells(fit, exact_log_likelihood)
    if fit.selection is not None and fit.status is Status.INTERRUPTED:
        yield (
            "interrupted before all candidates were compared: the choice is preliminary; fit again "
            "to complete it"
        )
    elif fit.selection is not None:
        yield from caution_on_selection(fit.selection)
    if fit.mixture.background is None and fit.background_gain > 0:
        yield (
            f"a background would be better by {fit.background_gain:.0f}, what thin components cost "
            "counted: there are strays, or tails that no Gaussian has; see --background on"
        )
    yield from caution_on_components(fit, is_weighted=is_weighted)
    if fit.diagnostics is not None:
        yield from caution_on_diagnostics(fit, fit.diagnostics)


def caution_on_search(fit: "Fit") -> Iterator[str]:
    """A line where no other pass confirms the optimum."""
    if fit.search is not None and fit.search.passes > 1 >= fit.search.returns:
        effort = "another --seed" if fit.settings.effort == "thorough" else "--effort thorough"
        yield (
            "no two passes of the search came to this optimum: there may be a better one, which "
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


def caution_on_selection(selection: "Selection") -> Iterator[str]:
    """Lines where a choice among candidates is in doubt."""
    name, winner, second = selection.criterion.upper(), selection.winner, selection.runner_up
    own = winner.criteria.value(selection.criterion)
    lower = [c for c in selection.candidates if c.criteria.value(selection.criterion) < own]
    if lower and min(c.surcharge for c in lower) > 0:
        yield describe_thin(selection, lower)
    if second is not None and selection.lead is not None and selection.lead < ALIKE:
        yield (
            f"the data do not distinguish {name_candidate(winner)} from {name_candidate(second)}: "
            f"their {name} differs by less than {ALIKE:g}; prefer the simpler, or fit each with "
            f"{'-k' if winner.components != second.components else '--covariance'}"
        )
    numbers = [candidate.components for candidate in selection.candidates]
    if not selection.goes_on and min(numbers) < winner.components == max(numbers):
        wider = f"-k {max(numbers)}:{2 * max(numbers)}"
        yield f"the best number of components ends the range: try more, such as {wider}"


def describe_thin(selection: "Selection", lower: "list[Candidate]") -> str:
    """How many candidates have a lower criterion than the winner, for nothing but thinness."""
    lowest = min(lower, key=lambda c: c.criteria.value(selection.criterion))
    by = selection.winner.criteria.value(selection.criterion)
    by -= lowest.criteria.value(selection.criterion)
    more = "" if len(lower) == 1 else f" and {count(len(lower) - 1, 'other')}"
    name = selection.criterion.upper()
    return (
        f"passed over {name_candidate(lowest)}{more}, {name} {by:.2f} lower, for components as "
        "thin as chance brings"
    )


def caution_on_components(
    fit: "Fit", *, is_weighted: bool, enough: int = 6, nothing: float = 0.5
) -> Iterator[str]:
    """Lines on components that are as thin as can be, or on few points or none.

    Args:
        fit: what came of it.
        is_weighted: whether rows count as a column says.
        enough: with fewer points a covariance is little more than a guess.
        nothing: a component with fewer points has none.
    """
    if fit.floored:
        yield (
            f"as thin as can be: {list_components(fit.floored)} (points on a line or at one spot); "
            "the log-likelihood and the criteria depend on the rounding of the values, or on "
            "--floor"
        )
    held = fit.mixture.weights * fit.n_effective
    empty = [k for k, number in enumerate(held) if number < nothing]
    few = [k for k, number in enumerate(held) if nothing <= number < enough - 0.1]
    if empty:
        yield f"without points: {list_components(empty)}; start elsewhere, or lower -k"
    if few:
        its = "its shape is" if len(few) == 1 else "their shapes are"
        points = f"{enough} rows' weight" if is_weighted else f"{enough} points"
        less = "less than" if is_weighted else "fewer than"
        yield f"on {less} {points}: {list_components(few)}; {its} a guess"


def caution_on_diagnostics(fit: "Fit", diagnostics: "Diagnostics") -> Iterator[str]:
    """Lines where components are not Gaussian or overlap, and on what that does to errors.

    Cells that are too coarse tell nothing of either.
    """
    if fit.cost.is_coarse:
        return
    mixture, covariance = fit.mixture, fit.settings.covariance
    has_background = mixture.background is not None
    yield from caution_on_misfit(
        diagnostics.misfit, covariance=covariance, has_background=has_background
    )
    yield from caution_on_overlap(diagnostics.overlap, mixture)
    n_points = fit.n_effective + fit.known.n_points
    can_resample = not fit.known.is_any
    numbers = mixture.weights * n_points
    yield from caution_on_errors(diagnostics.errors, numbers, can_resample=can_resample)


def caution_on_errors(
    errors: "Errors",
    numbers: "FloatArray",
    *,
    can_resample: bool = True,
    little: float = 0.1,
    many: float = 0.05,
    nothing: float = 0.5,
) -> Iterator[str]:
    """Lines where errors are not those of Gaussian components, or too small.

    Args:
        errors: of the figures of a fit.
        numbers: of the points of each component, shape (K,), those of a prior included.
        can_resample: whether there are better ones.
        little: with less of the information of components apart, figures do not vary as the
            quadratic approximation has it (benchmarks/coverage.py).
        many: the share of resamples that may be left out without a word.
        nothing: a component with fewer points has none, and there is no information about it.
    """
    if (factor := errors.find_misfit(numbers)) is not None:
        yield (
            "standard errors allow for components that are not quite Gaussian: they differ by a "
            f"factor of up to {factor:.1f} from those of Gaussian ones"
        )
    if errors.n_left_out > many * errors.n_replicates:
        yield (
            f"{errors.n_left_out:,} of {count(errors.n_replicates, 'resample')} are not among the "
            "errors, as a component lost its points or no optimum was found: prefer fewer "
            "components"
        )
    has_all = bool((numbers > nothing).all())
    if errors.method == "sandwich" and has_all and errors.least_information < little:
        yield (
            "some components overlap so much that standard errors come out too small"
            f"{': --bootstrap 200 gives better ones' if can_resample else ''}"
        )
