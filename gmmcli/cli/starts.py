"""Where a fit begins that is given a start: the file of --init, or the run of --like."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import click
from rich import box
from rich.table import Table

from gmmcli.core.runs.words import list_components
from gmmcli.settings import BackgroundChoice, CovarianceType

if TYPE_CHECKING:
    from gmmcli.cli.reporter import Reporter
    from gmmcli.core.cells.cells import Cells
    from gmmcli.core.mixture.mixture import Mixture
    from gmmcli.core.runs.likeness import Likeness
    from gmmcli.core.runs.resumption import Resumption


@dataclass(frozen=True, eq=False)
class Given:
    """A start that a user gives.

    Attributes:
        mixture: as it is written, in data units.
        option: that names it.
        columns: the coordinates, where it is a run's.
        where: the condition that the rows of the run meet, where there is one.
        covariance: the covariance type, where it is a run's.
    """

    mixture: "Mixture"
    option: str
    columns: tuple[str | None, str | None] = (None, None)
    covariance: CovarianceType | None = None
    where: str | None = None


def read_start(
    init: str,
    like: Path | None,
    background: BackgroundChoice | None,
    resumed: "Resumption | None" = None,
) -> Given | None:
    """The start of --init, --like or --resume; None where one is searched for.

    Without its background where that is to be off.

    Raises:
        click.UsageError: where two name one.
        GmmError: when there is no such start.
    """
    from gmmcli.core.mixture.gaussians import Gaussians
    from gmmcli.core.mixture.mixture import read_mixture
    from gmmcli.core.runs.parameters import read_parameters

    if resumed is not None:
        return Given(resumed.mixture, "--resume", resumed.columns, resumed.settings.covariance)

    def prepare(mixture: "Mixture") -> "Mixture":
        return Gaussians.of(mixture).to_mixture() if background == "off" else mixture

    if like is None:
        return None if init == "auto" else Given(prepare(read_mixture(Path(init))), "--init")
    if init != "auto":
        raise click.UsageError("--init and --like both say where to start: leave out either")
    run = read_parameters(like)
    return Given(prepare(run.mixture), "--like", run.columns, run.covariance, run.where)


def lay_start(given: Given, cells: "Cells") -> "Mixture":
    """A start as cells let it be: the background of --like over their box, as that is of new data.

    Raises:
        FitError: when they lie outside the box of --init, or have none that --like needs.
    """
    from gmmcli.core.cells.checks import check_box
    from gmmcli.core.runs.likeness import move_background

    if given.option == "--like":
        return move_background(given.mixture, cells)
    check_box(cells, given.mixture)
    return given.mixture


def compare(like: Path | None, start: "Mixture | None", mixture: "Mixture") -> "Likeness | None":
    """How a mixture differs from that of the run of --like, where it began; None without one."""
    from gmmcli.core.runs.likeness import Likeness

    if like is None or start is None:
        return None
    return Likeness.of(str(like), start, mixture)


def report_moves(likeness: "Likeness", mixture: "Mixture", reporter: "Reporter") -> None:
    """Print how far each component has moved since the run of --like, and say which swapped."""
    reporter.print(
        f"since {likeness.source} (how far means have moved, as Mahalanobis distances from there):"
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
    for k, (change, weight) in enumerate(zip(likeness.changes, mixture.weights, strict=True)):
        before = f"{weight - change.weight:.4f}"
        table.add_row(
            str(k), before, f"{weight:.4f}", f"{change.distance:.3f}", f"{change.spread:.3f}"
        )
    return table
