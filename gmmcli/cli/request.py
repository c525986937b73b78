"""What the user asks of `gmm fit`, and what follows from it."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import click

from gmmcli.cli.starts import Given, find_start, tell_known
from gmmcli.core.runs.words import name_data
from gmmcli.settings import (
    LEARNING_RATES,
    BackgroundChoice,
    Choice,
    CovarianceType,
    CriterionName,
    Effort,
    EngineName,
    FitSettings,
    OptimizerName,
)

if TYPE_CHECKING:
    from gmmcli.core.runs.resumption import Resumption


@dataclass(frozen=True)
class Request:
    """What the user asks of `gmm fit`: its argument and options, under their names there.

    Attributes:
        resumed: the fit that is gone on with; None where there is none.
    """

    data: str
    table: str | None
    engine: EngineName
    components: Literal["auto"] | tuple[int, int] | None
    output: Path | None
    x_column: str | None
    y_column: str | None
    where: str | None
    weight: str | None
    by: str | None
    exact: bool
    most_cells: int
    covariances: tuple[CovarianceType, ...] | None
    criterion: CriterionName
    background: BackgroundChoice | None
    init: str
    like: Path | None
    prior: Path | None
    prior_weight: float | None
    effort: Effort
    floor: float
    valley: float
    level: float
    bootstrap: int | None
    optimizer: OptimizerName
    learning_rate: float | None
    steps: int
    snapshots: Literal["auto"] | int
    seed: int
    strict: bool
    axes: bool
    verify: bool
    assignments: str | None
    no_frames: bool
    overwrite: bool
    json: bool
    exit_code: bool
    quiet: bool
    show: bool = False
    resume: Path | None = None
    resumed: "Resumption | None" = None

    @property
    def going_on(self) -> "Resumption | None":
        """The fit whose climb goes on; None where there is none, or a search begins anew."""
        return None if self.resumed is None or self.resumed.is_search else self.resumed

    @property
    def name(self) -> str:
        """The data as progress names it."""
        return name_data(self.data, self.table)

    def find_start(self) -> Given | None:
        """Where the fit begins; None where a start is searched for. See `starts.find_start`.

        Raises:
            FitError: where it knows something that --bootstrap does not.
        """
        from gmmcli.core.runs.priors import check_resampling

        told = self.init, self.like, self.prior, self.prior_weight, self.background
        given = find_start(*told, self.going_on)
        check_resampling(tell_known(given), self.bootstrap)
        return given

    def follow(self, given: Given) -> "Request":
        """The same request with what it leaves to a start.

        Raises:
            click.UsageError: where it asks for another covariance type than that has.
        """
        asked, own = self.covariances, given.covariance
        if given.keeps_type and own is not None and asked is not None and own not in asked:
            raise click.UsageError(
                f"--covariance asks for other than {own}, which {given.option} has: leave out "
                "either"
            )
        x, y = given.columns
        x_column, y_column = self.x_column or x, self.y_column or y
        where = self.where if self.where is not None else given.where
        covariances = asked if asked is not None or own is None else (own,)
        found = replace(self, x_column=x_column, y_column=y_column, where=where)
        return replace(found, covariances=covariances)


def make_choice(request: Request, given: Given | None) -> Choice:
    """What -k, --covariance, --init, --like and --prior leave to be chosen from.

    Raises:
        click.UsageError: where they contradict each other.
    """
    components, covariances = request.components, request.covariances or (FitSettings.covariance,)
    if given is not None:
        n_components, option = given.mixture.n_components, given.option
        if components not in (None, (n_components, n_components)):
            raise click.UsageError(
                f"-k asks for other than the {n_components} of {option}: leave out either"
            )
        if len(covariances) > 1:
            raise click.UsageError(
                "--covariance with several types searches for a start: name one, or leave out "
                f"{option}"
            )
        if request.background not in (None, "off"):
            raise click.UsageError(
                "a start says itself whether there is a background: leave out --background, or "
                "drop it with --background off"
            )
        components = n_components, n_components
    return Choice.among(components or "auto", covariances, request.criterion, request.background)


def make_settings(request: Request, choice: Choice) -> FitSettings:
    """What a request asks of a fit; where there is a choice, of its largest and first candidate."""
    return FitSettings(
        components=choice.most,
        covariance=choice.covariances[0],
        optimizer=request.optimizer,
        learning_rate=request.learning_rate or LEARNING_RATES[request.optimizer],
        steps=request.steps,
        seed=request.seed,
        effort=request.effort,
        floor=request.floor,
    )
