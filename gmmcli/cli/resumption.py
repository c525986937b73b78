"""`gmm fit --resume`: the request of an interrupted fit, from what its run tells."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import click
from click.core import ParameterSource

from gmmcli.cli.request import Request
from gmmcli.errors import RunError

if TYPE_CHECKING:
    from gmmcli.core.runs.resumption import Resumption

# What may be asked for anew where a fit goes on; all else is as the run has it.
ANEW = (
    *("data", "output", "steps", "snapshots", "valley", "axes", "verify", "assignments"),
    *("no_frames", "overwrite", "quiet", "resume"),
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
    given = {name for name in options if _is_given(context, name)}
    for parameter in context.command.params:
        if parameter.name in given and parameter.name not in ANEW:
            raise click.UsageError(
                f"--resume goes on as the run was asked for: leave out {parameter.opts[-1]}"
            )
    resumed = read_resumption(run)
    if resumed.status is Status.CONVERGED:
        click.echo(f"{run} has converged: there is nothing to go on with", err=True)
        context.exit()
    asked = {name: options[name] for name in given}
    asked["steps"] = resumed.count_steps(options["steps"] if "steps" in given else None)
    if "output" not in given:
        asked |= {"output": run, "overwrite": True}
    return Request(**{**options, **_recall(context, resumed), **asked}, resumed=resumed)


def _is_given(context: click.Context, name: str) -> bool:
    return context.get_parameter_source(name) is ParameterSource.COMMANDLINE


def _recall(context: click.Context, resumed: "Resumption") -> dict[str, Any]:
    """What the run was asked for, by the names of options, each checked as if it were typed.

    Raises:
        RunError: where the run, of an earlier version, does not tell.
        click.UsageError: naming an option that the run has a wrong value of.
    """
    try:
        told = _list_told(resumed)
    except (KeyError, TypeError) as error:
        raise RunError(
            f"{resumed.directory} does not tell what it was asked for ({error}): fit the data again"
        ) from error
    return {
        str(parameter.name): parameter.type.convert(told[parameter.name], parameter, context)
        for parameter in context.command.params
        if told.get(str(parameter.name)) is not None
    }


def _list_told(resumed: "Resumption") -> dict[str, Any]:
    """What the run was asked for, as it could be typed; None where it was not asked for."""
    asked = resumed.asked
    alike = (
        *("weight", "engine", "exact", "strict", "init", "like", "effort", "floor", "valley"),
        *("seed", "optimizer", "learning_rate", "snapshots", "table"),
    )
    table = asked["table"]
    told = {
        **{name: asked[name] for name in alike},
        "data": resumed.source if table is None else resumed.source.removesuffix(f" {table}"),
        "x_column": resumed.columns[0],
        "y_column": resumed.columns[1],
        "where": asked.get("where"),  # which earlier runs had not
        "most_cells": asked["cells"],
        "covariances": asked["covariance"],
    }
    return told | _list_choice(asked) if resumed.is_search else told


def _list_choice(asked: Mapping[str, Any]) -> dict[str, Any]:
    """What a mixture is to be chosen from, as it could be typed, where a search begins anew."""
    held = {"components": str(asked["components"]), "background": asked["background"]}
    choice = asked["choice"]
    if choice is None:
        return held
    return {
        **held,
        "components": "auto" if choice["goes_on"] else f"{choice['fewest']}:{choice['most']}",
        "covariances": ",".join(choice["covariances"]),
        "criterion": choice["criterion"],
    }
