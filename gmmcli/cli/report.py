"""The summary of a fit, printed: of one that has just ended, or as its run tells it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from gmmcli.cli.reporter import Reporter
from gmmcli.cli.summary import (
    describe_background,
    describe_choices,
    describe_clear_groups,
    describe_end,
    describe_figures,
    describe_groups,
    describe_knowledge,
    describe_type,
    has_thin_components,
    name_strays,
    tabulate_components,
)
from gmmcli.core.runs.cautions import caution
from gmmcli.core.runs.components import explain_errors, write_components
from gmmcli.core.search.status import Status

if TYPE_CHECKING:
    from gmmcli.core.mixture.units import Nats
    from gmmcli.core.runs.result import Fit


@dataclass(frozen=True, eq=False)
class Report:
    """What a summary tells of.

    Attributes:
        fit: what came of it.
        columns: the names of the two coordinates.
        is_weighted: whether rows count as a column says.
        prior: what --prior named, if it was given.
        exact_log_likelihood: of all rows, in nats, where it was asked for.
        strays: the rows that a background explains best, by number, as far as they are known.
    """

    fit: "Fit"
    columns: tuple[str, str]
    is_weighted: bool
    prior: str | None = None
    exact_log_likelihood: "Nats | None" = None
    strays: Sequence[int] = ()


def print_components(report: Report, reporter: Reporter, *, shows_axes: bool) -> None:
    """Print how a fit ended, and its components."""
    fit = report.fit
    reporter.print(describe_end(fit))
    shows_axes = shows_axes or has_thin_components(fit.mixture)
    rows = write_components(fit.mixture, fit.errors, shows_axes=shows_axes)
    width = reporter.width
    reporter.print(tabulate_components(rows, report.columns, width, shows_axes=shows_axes))
    n_resamples = 0 if fit.errors is None else fit.errors.n_replicates
    if (example := explain_errors(rows, n_resamples)) is not None:
        reporter.print(example)
    if (shapes := describe_type(fit.settings.covariance)) is not None:
        reporter.print(shapes)
    for line in describe_knowledge(fit.known, report.prior):
        reporter.print(line)


def print_figures(report: Report, reporter: Reporter) -> bool:
    """Print what else came of a fit, and say where to be cautious; whether that is anywhere."""
    fit, exact = report.fit, report.exact_log_likelihood
    if (background := fit.mixture.background) is not None:
        n_points = None if report.is_weighted else fit.cells.n_points
        error = None if fit.errors is None else fit.errors.background
        reporter.print(describe_background(background, report.columns, n_points, error))
        if report.strays:
            reporter.print(name_strays(report.strays))
    if not fit.groups.are_components:
        reporter.print(describe_groups(fit.groups))
    if (clear := fit.groups.clear_valley) is not None:
        reporter.print(describe_clear_groups(fit.groups, clear))
    for line in describe_figures(fit, exact, is_weighted=report.is_weighted):
        reporter.print(line)
    for line in describe_choices(fit):
        reporter.print(line)
    doubts = [*caution(fit, exact, is_weighted=report.is_weighted)]
    for line in doubts:
        reporter.note(line)
    return bool(doubts) or fit.status is not Status.CONVERGED
