"""The steps of `gmm fit --by`, after the fit of all rows: a run for each value, and their table."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING

from rich import box
from rich.table import Table

from gmmcli.claims import claim
from gmmcli.cli.fitting import Task, make_provenance
from gmmcli.cli.interrupts import Interrupts
from gmmcli.cli.reporter import Reporter
from gmmcli.cli.request import make_settings
from gmmcli.core.runs.words import count

# Where all rows are, sorted by value, while these are fitted.
ROWS = "rows.parquet"

if TYPE_CHECKING:
    from gmmcli.core.runs.parts import Ending, Found, PartPlan
    from gmmcli.core.runs.result import Fit
    from gmmcli.core.tables.partition import Partition


@dataclass(frozen=True, eq=False)
class ValueFits:
    """What came of the values of a column.

    Attributes:
        by: the name of the column.
        endings: of each value, in their order.
        n_without: the rows without a value.
        table: the file with all their components.
    """

    by: str
    endings: "Sequence[Ending]"
    n_without: int
    table: Path

    @property
    def failed(self) -> "list[Ending]":
        """Those of the values that could not be fitted."""
        return [ending for ending in self.endings if ending.problem]

    @property
    def found(self) -> "list[Found]":
        """What was found of the others."""
        return [ending.found for ending in self.endings if ending.found is not None]

    @property
    def exit_code(self) -> int:
        """Of the command, unless an interrupt ended it: 0 only where every value was fitted."""
        return int(bool(self.failed))


def fit_by_value(
    task: Task, fit: "Fit", interrupts: Interrupts, reporter: Reporter
) -> tuple[Path, int]:
    """The table of a run for each value of the column of --by, and what the command ends with."""
    values = _fit_values(task, fit, interrupts, reporter)
    report_values(values, reporter)
    return values.table, values.exit_code


def _fit_values(task: Task, fit: "Fit", interrupts: Interrupts, reporter: Reporter) -> ValueFits:
    """A run for each value, written, and what came of it."""
    name, by = task.request.name, str(task.request.by)
    with claim(task.directory / ROWS) as place:
        with reporter.show_work(f"sorting {name} by {by}"):
            from gmmcli.core.runs.values import complete, fit_values, write_values
            from gmmcli.core.tables.partition import partition

            parted = partition(task.points, place / ROWS)
            counts, n_without = parted.count_rows()
        plan = make_plan(task, fit, parted)
        done: dict[str, Ending] = {}
        try:
            with interrupts.postpone():
                fits = fit_values(
                    task.directory, task.points, plan, counts, is_interrupted=interrupts
                )
                for ending in reporter.track(fits, len(counts), "fitting values"):
                    done[ending.value] = ending
        except Exception:
            write_values(task.directory, complete(done.values(), counts))
            raise
        endings = complete(done.values(), counts)
        table = write_values(task.directory, endings)
    return ValueFits(by, endings, n_without, table)


def make_plan(task: Task, fit: "Fit", parted: "Partition") -> "PartPlan":
    """What a request asks of every value, given the fit of all rows."""
    from gmmcli.core.runs.parts import PartPlan

    request = task.request
    return PartPlan(
        partition=parted,
        settings=make_settings(request, task.choice),
        choice=task.choice,
        start=task.start,
        pooled=fit.mixture,
        exact=request.exact,
        most_cells=request.most_cells,
        strict=request.strict,
        provenance=make_provenance(task, None),
        known=task.known,
    )


def report_values(values: ValueFits, reporter: Reporter) -> None:
    """Print how many values were fitted and with how many components, and say what went wrong."""
    for line in describe_values(values):
        reporter.print(line)
    if values.found:
        reporter.print(tabulate_weights(values))
    for line in caution_on_values(values):
        reporter.note(line)


def describe_values(values: ValueFits) -> Iterator[str]:
    """Lines on how many values there are, and how many components each has."""
    from gmmcli.core.runs.layout import VALUES

    endings = values.endings
    rows = [ending.n_rows for ending in endings]
    fewest = min(rows, default=0)
    each = f", of {count(max(rows, default=0), 'row', fewest=fewest)} each" if rows else ""
    yield f"by {values.by!r}: {count(len(endings), 'value')}{each}"
    if values.n_without:
        yield f"left out {count(values.n_without, 'row')} without a {values.by!r}"
    numbers = Counter(found.mixture.n_components for found in values.found)
    fitted = count(numbers.total(), "value")
    among = ", ".join(f"{n:,} with {count(k, 'component')}" for k, n in sorted(numbers.items()))
    runs = f"; a run of each is in {values.table.with_name(VALUES)}"
    yield f"fitted {fitted}: {among}{runs}" if among else "fitted no value"


def tabulate_weights(values: ValueFits) -> Table:
    """A table of the weights that the components of the fit of all rows have among the values."""
    weights: dict[int, list[float]] = {}
    for found in values.found:
        numbers, own = found.partners.numbers.tolist(), found.mixture.weights.tolist()
        for k, weight in zip(numbers, own, strict=True):
            weights.setdefault(k, []).append(weight)
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for heading in ("component", "values", "lowest\nweight", "median\nweight", "highest\nweight"):
        table.add_column(heading, justify="right", vertical="bottom", no_wrap=True)
    for k in sorted(weights, key=lambda k: (k < 0, k)):
        own, name = weights[k], "others" if k < 0 else str(k)
        figures = (f"{figure(own):.4f}" for figure in (min, median, max))
        table.add_row(name, f"{len(own):,}", *figures)
    return table


def caution_on_values(values: ValueFits, *, most: int = 5) -> Iterator[str]:
    """Lines on values that were not fitted, and on such as are in doubt.

    Args:
        values: what came of them.
        most: so many reasons are told.
    """
    from gmmcli.core.search.status import Status

    failed = values.failed
    for ending in failed[:most]:
        yield f"not fitted: {ending.value!r} ({ending.problem})"
    if len(failed) > most:
        yield f"not fitted: {len(failed) - most:,} more; {values.table.name} has the reasons"
    if traces := [ending.trace for ending in failed if ending.trace]:
        yield f"a fault of gmm, not of the data: {count(len(traces), 'value')}; please report it:"
        yield traces[0].rstrip()
    found = values.found
    if slow := sum(each.status is not Status.CONVERGED for each in found):
        yield f"not converged: {count(slow, 'value')}; raise --steps"
    if coarse := sum(each.is_coarse for each in found):
        yield f"on cells that are too coarse: {count(coarse, 'value')}; raise --cells"
