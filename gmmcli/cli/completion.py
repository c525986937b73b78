"""What a shell completes beside commands and options: files, the runs among them, and columns."""

from pathlib import Path

import click
from click.shell_completion import CompletionItem

from gmmcli.errors import GmmError


def complete_files(
    _ctx: click.Context, _param: click.Parameter, incomplete: str
) -> list[CompletionItem]:
    """Whatever files the shell finds."""
    return [CompletionItem(incomplete, type="file")]


def complete_runs(
    _ctx: click.Context, _param: click.Parameter, incomplete: str
) -> list[CompletionItem]:
    """The runs whose paths begin so; any directory where there is none."""
    place, slash, begun = incomplete.rpartition("/")
    try:
        found = sorted(path.name for path in Path(place + slash).iterdir() if is_run(path))
    except OSError:
        found = []
    runs = [CompletionItem(f"{place}{slash}{name}") for name in found if name.startswith(begun)]
    return runs or [CompletionItem(incomplete, type="dir")]


def is_run(path: Path) -> bool:
    """Whether a path is that of a run, as its parameters tell."""
    from gmmcli.core.runs.layout import PARAMETERS

    return (path / PARAMETERS).is_file()


def complete_columns(
    ctx: click.Context, _param: click.Parameter, incomplete: str
) -> list[CompletionItem]:
    """The columns of the table that the line names so far which begin so."""
    arguments = [each.name for each in ctx.command.params if isinstance(each, click.Argument)]
    # What Click has not parsed, for want of the word that is to be completed.
    given = dict(zip(arguments, ctx.args, strict=False))
    data = ctx.params.get("data") or given.get("data")
    if data is None or data == "-":
        return []
    from gmmcli.core.tables.copies import resolve_source
    from gmmcli.core.tables.opening import open_source

    try:
        with resolve_source(data, ctx.params.get("table")) as source:
            columns = open_source(source, (), as_text=False).rows.columns
    except GmmError:
        return []
    return [CompletionItem(name) for name in columns if name.startswith(incomplete)]
