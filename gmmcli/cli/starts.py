"""Where a fit begins that is given a start: the file of --init, or the run of --like."""

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click
from rich import box
from rich.table import Table

from gmmcli.cli.words import list_components

if TYPE_CHECKING:
    from gmmcli.cli.fitting import Request, Task
    from gmmcli.cli.reporter import Reporter
    from gmmcli.core.cells.cells import Cells
    from gmmcli.core.mixture.mixture import Mixture
    from gmmcli.core.runs.likeness import Likeness
    from gmmcli.core.runs.result import Fit


def read_start(request: "Request") -> "tuple[Request, Mixture | None]":
    """A request with what it leaves to its start, and that start as it is written.

    Raises:
        click.UsageError: where the request asks for something else than the run of --like has.
        GmmError: when there is no such start.
    """
    from gmmcli.core.mixture.mixture import read_mixture
    from gmmcli.core.runs.parameters import read_parameters

    if request.like is None:
        return request, None if request.init == "auto" else read_mixture(Path(request.init))
    if request.init != "auto":
        raise click.UsageError("--init and --like both say where to start: leave out either")
    other = read_parameters(request.like)
    if request.covariance not in (None, "auto", other.covariance):
        raise click.UsageError(
            f"--covariance asks for other than {other.covariance}, which --like has: leave out "
            "either"
        )
    x, y = other.columns
    followed = replace(
        request,
        x_column=request.x_column or x,
        y_column=request.y_column or y,
        covariance=request.covariance or other.covariance,
    )
    return followed, other.mixture


def lay_start(request: "Request", start: "Mixture", cells: "Cells") -> "Mixture":
    """A start as cells let it be: the background of --like over their box, as that is of new data.

    Raises:
        FitError: when they lie outside the box of --init, or have none that --like needs.
    """
    from gmmcli.core.cells.checks import check_box
    from gmmcli.core.runs.likeness import lay_background

    if request.like is not None:
        return lay_background(start, cells)
    check_box(cells, start)
    return start


def compare(task: "Task", fit: "Fit") -> "Likeness | None":
    """How a fit differs from the run of --like; None without it."""
    from gmmcli.core.runs.likeness import Likeness

    if task.request.like is None or task.start is None:
        return None
    return Likeness.of(str(task.request.like), task.start, fit.mixture)


def report_moves(likeness: "Likeness", mixture: "Mixture", reporter: "Reporter") -> None:
    """Print how far each component has moved since the run of --like, and say which swapped."""
    reporter.print(
        f"since {likeness.source} (means in standard deviations of the component there):"
    )
    reporter.print(tabulate_moves(likeness, mixture))
    if likeness.nearer:
        nearer = list_components(likeness.nearer)
        reporter.note(
            f"nearer to where another was than to its own place: {nearer}; numbers may mean "
            "other groups than they did"
        )


def tabulate_moves(likeness: "Likeness", mixture: "Mixture") -> Table:
    """A table of how far each component of a mixture has moved."""
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for heading in ("component", "weight\nbefore", "weight\nnow", "mean\nmoved", "times\nas wide"):
        table.add_column(heading, justify="right", vertical="bottom", no_wrap=True)
    for k, (move, weight) in enumerate(zip(likeness.moves, mixture.weights, strict=True)):
        before = f"{weight - move.weight:.4f}"
        table.add_row(str(k), before, f"{weight:.4f}", f"{move.distance:.3f}", f"{move.spread:.3f}")
    return table
