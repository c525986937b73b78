"""Where a fit begins that is given a start (--init, --like, --prior), and what is known then."""

from dataclasses import dataclass, replace
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
    from gmmcli.core.mixture.knowledge import Knowledge
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
        known: of the mixture before the data; None where nothing is.
    """

    mixture: "Mixture"
    option: str
    columns: tuple[str | None, str | None] = (None, None)
    covariance: CovarianceType | None = None
    where: str | None = None
    known: "Knowledge | None" = None

    @property
    def keeps_type(self) -> bool:
        """Whether the fit has to be of the covariance type of the start."""
        return self.option in ("--like", "--resume")


def find_start(
    init: str,
    like: Path | None,
    prior: Path | None,
    weight: float | None,
    background: BackgroundChoice | None,
    resumed: "Resumption | None" = None,
) -> Given | None:
    """The start of --init, --like, --prior or --resume; None where one is searched for.

    Without its background where that is to be off. What is resumed has its prior already.

    Raises:
        click.UsageError: where two name one, or there are two priors.
        GmmError: when there is no such start.
    """
    if resumed is not None:
        own = resumed.columns, resumed.settings.covariance
        return Given(resumed.mixture, "--resume", *own, known=resumed.told.known)
    given = _read_start(init, like, background)
    if prior is not None:
        return _add_prior(given, prior, weight, background)
    if weight is not None:
        raise click.UsageError("--prior-weight says how much --prior counts: name its run, too")
    return given


def tell_known(given: Given | None) -> "Knowledge":
    """What is known of the mixture before the data; nothing where no start tells."""
    from gmmcli.core.mixture.knowledge import NOTHING_KNOWN

    return NOTHING_KNOWN if given is None or given.known is None else given.known


def _read_start(init: str, like: Path | None, background: BackgroundChoice | None) -> Given | None:
    """The start of --init or --like; None where neither is given."""
    from gmmcli.core.mixture import knowledge
    from gmmcli.core.runs.parameters import read_parameters

    if like is None:
        if init == "auto":
            return None
        mixture, known = knowledge.read_start(Path(init))
        return Given(_prepare(mixture, background), "--init", known=known)
    if init != "auto":
        raise click.UsageError("--init and --like both say where to start: leave out either")
    run = read_parameters(like)
    start = _prepare(run.mixture, background)
    return Given(start, "--like", run.columns, run.covariance, run.where)


def _add_prior(
    given: Given | None, prior: Path, weight: float | None, background: BackgroundChoice | None
) -> Given:
    """A start with the prior of --prior, which begins where nothing else says.

    Args:
        given: the start of --init or --like; None where there is none.
        prior: the run, or the JSON of a mixture.
        weight: how many points it counts as; by default as many as a run knew it by.
        background: as asked for.

    Raises:
        click.UsageError: where there are two priors, or nobody says what one counts as.
        GmmError: when there is no such run.
    """
    from gmmcli.core.mixture.knowledge import Knowledge, Prior, check_number
    from gmmcli.core.mixture.mixture import read_mixture
    from gmmcli.core.runs.layout import PARAMETERS
    from gmmcli.core.runs.parameters import read_parameters
    from gmmcli.core.runs.priors import read_prior

    if is_run := prior.is_dir() or prior.name == PARAMETERS or not prior.exists():
        run = read_parameters(prior)
        begin = Given(run.mixture, "--prior", run.columns, run.covariance)
    else:
        begin = Given(read_mixture(prior), "--prior")
    if not is_run and weight is None:
        raise click.UsageError(
            f"{prior} is a mixture of no points: say with --prior-weight how many it counts as"
        )
    told = read_prior(prior) if weight is None else Prior.of(begin.mixture, weight)
    if given is None:
        start = _prepare(begin.mixture, background)
        return replace(begin, mixture=start, known=Knowledge(told))
    known = given.known or Knowledge()
    if known.prior is not None:
        raise click.UsageError(f"{given.option} has a prior of its own: leave out --prior")
    check_number(told, given.mixture)
    return replace(given, known=replace(known, prior=told))


def _prepare(mixture: "Mixture", background: BackgroundChoice | None) -> "Mixture":
    """A mixture to start with, without its background where that is to be off."""
    from gmmcli.core.mixture.gaussians import Gaussians

    return Gaussians.of(mixture).to_mixture() if background == "off" else mixture


def lay_start(given: Given, cells: "Cells") -> "Mixture":
    """A start as cells let it be: the background of a run over their box, as that is of new data.

    Raises:
        FitError: when they lie outside the box of --init, or have none that a run's start needs.
    """
    from gmmcli.core.cells.checks import check_box
    from gmmcli.core.runs.likeness import move_background

    if given.option in ("--like", "--prior"):
        return move_background(given.mixture, cells, given.option)
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
