"""`gmm fit --resume`: the request of an interrupted fit, from what its run tells."""

from collections.abc import Mapping
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import click
from click.core import ParameterSource

from gmmcli.cli.request import Request
from gmmcli.errors import RunError

if TYPE_CHECKING:
    from gmmcli.core.runs.asked import Asked
    from gmmcli.core.runs.resumption import Resumption
    from gmmcli.settings import FitSettings

# What may be asked for anew where a fit goes on; all else is as the run has it.
ANEW = (
    *("data", "output", "steps", "snapshots", "valley", "level", "bootstrap", "axes", "verify"),
    *("assignments", "json", "exit_code"),
    *("no_frames", "show", "overwrite", "quiet", "resume"),
)


def make_request(context: click.Context, options: Mapping[str, Any]) -> Request:
    """What the user asks for, or what the run of --resume was asked for where it is given.

    Ends the command where that has converged.

    Raises:
        click.UsageError: where there are no data, or options contradict the run.
        RunError: where the run cannot be gone on with.
    """
    if options["resume"] is None:
        if options["data"] is None:
            raise click.UsageError("Missing argument 'DATA'.")
        return Request(**options)
    from gmmcli.core.runs.resumption import read_resumption
    from gmmcli.core.search.status import Status

    run = options["resume"]
    if not run.exists():
        raise RunError(
            f"{run} does not exist: a fit that was killed has kept nothing; fit the data again "
            "without --resume"
        )
    given = {name for name in options if _is_given(context, name)}
    for parameter in context.command.params:
        if parameter.name in given and parameter.name not in ANEW:
            raise click.UsageError(
                f"--resume goes on as the run was asked for: leave out {parameter.opts[-1]}"
            )
    resumed = read_resumption(run)
    if resumed.told.status is Status.CONVERGED:
        click.echo(f"{run} has converged: there is nothing to go on with", err=True)
        context.exit()
    if "data" not in given:
        check_place(resumed)
    if not given & {"snapshots", "no_frames"}:
        resumed.check_frames()
    asked = {name: options[name] for name in given}
    asked["steps"] = resumed.count_steps(options["steps"] if "steps" in given else None)
    if "output" not in given:
        asked |= {"output": run, "overwrite": True}
    return Request(**{**options, **_recall(context, resumed), **asked}, resumed=resumed)


def _is_given(context: click.Context, name: str) -> bool:
    return context.get_parameter_source(name) is ParameterSource.COMMANDLINE


def check_place(resumed: "Resumption") -> None:
    """Refuse to read what the user has not named but where it is a file of this machine.

    A run may be a stranger's: what it says is never a reason to connect to anything.

    Raises:
        RunError: saying to name the data.
    """
    from gmmcli.core.tables.source import Source, list_files

    source = Source(resumed.told.source, engine=resumed.asked.engine)
    name = f"gmm fit DATA --resume {resumed.directory}"
    if source.is_url or source.is_distributed:
        raise RunError(
            f"{resumed.directory} is of {source.data}, and what a run says is no reason to connect "
            f"to anything: name DATA too, as in {name}"
        )
    if not any(path.is_file() for path in list_files(source)):
        raise RunError(
            f"{resumed.directory} is of {source.data}, which is no file here: name DATA too, as in "
            f"{name}"
        )


def _recall(context: click.Context, resumed: "Resumption") -> dict[str, Any]:
    """What the run was asked for, by the names of options, each in the range that it has there.

    Raises:
        RunError: naming what the run has a wrong value of.
    """
    from gmmcli.core.runs.layout import PARAMETERS
    from gmmcli.core.runs.reading import tell_damage

    told = _list_told(resumed)
    recalled = {}
    for parameter in context.command.params:
        name = str(parameter.name)
        if told.get(name) is None:
            continue
        try:
            recalled[name] = parameter.type.convert(told[name], parameter, context)
        except click.UsageError as error:
            raise tell_damage(
                resumed.directory / PARAMETERS, f"settings, {parameter.opts[-1]}: {error.message}"
            ) from error
    return recalled


def _list_told(resumed: "Resumption") -> dict[str, Any]:
    """What the run was asked for, by the names of options; None where it was not asked for."""
    asked, settings = resumed.asked, resumed.settings
    told = {
        **asdict(settings),
        **asked.to_json(),
        "data": resumed.told.source,
        "x_column": resumed.columns[0],
        "y_column": resumed.columns[1],
        "most_cells": asked.cells,
        "covariances": settings.covariance,
        "components": None,
        "background": None,
        "no_frames": not asked.pictures,
    }
    return told | _list_choice(asked, settings) if resumed.is_search else told


def _list_choice(asked: "Asked", settings: "FitSettings") -> dict[str, Any]:
    """What a mixture is to be chosen from, as it could be typed, where a search begins anew."""
    held = {"components": str(settings.components), "background": asked.background}
    if (choice := asked.choice) is None:
        return held
    return {
        **held,
        "components": "auto" if choice.goes_on else f"{choice.fewest}:{choice.most}",
        "covariances": ",".join(choice.covariances),
        "criterion": choice.criterion,
    }
