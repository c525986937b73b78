"""`gmm plot`: a run's pictures, drawn again."""

from pathlib import Path
from typing import Literal

import click

from gmmcli.cli.completion import complete_runs
from gmmcli.cli.options import StepList, valley_option
from gmmcli.settings import (
    AUTO_SNAPSHOTS,
    COLOUR_CHOICES,
    PICTURE_FORMATS,
    ColourChoice,
    PictureFormat,
)

EXAMPLES = """\b
Examples:
  gmm plot old_faithful --steps all
  gmm plot old_faithful --steps 0,1,5 --format pdf -o figures
  gmm plot sky --color group --valley 0.5 -o clear_groups
"""


@click.command(short_help="Draw the pictures of a fit again.", epilog=EXAMPLES)
@click.argument("run", type=click.Path(path_type=Path), shell_complete=complete_runs)
@click.option(
    "--steps",
    type=StepList(),
    metavar="LIST|auto|all",
    help="Which steps to draw: numbers such as 0,50,100; "
    f"up to {AUTO_SNAPSHOTS} that tell how the fit went (auto); or every step (all). By default "
    "those that the fit drew.",
)
@click.option(
    "--format",
    "picture_format",
    type=click.Choice(PICTURE_FORMATS),
    default="png",
    show_default=True,
    help="The format of the pictures.",
)
@click.option(
    "--color",
    "colour",
    type=click.Choice(COLOUR_CHOICES),
    default="component",
    show_default=True,
    help="What has a colour in frames: every component, or every group.",
)
@valley_option
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path, file_okay=False),
    metavar="DIR",
    help="The directory to draw in. By default RUN, where pictures replace those there.",
)
@click.option("--overwrite", is_flag=True, help="Replace pictures that are in DIR already.")
@click.option("-q", "--quiet", is_flag=True, help="Print nothing but errors.")
@click.pass_context
def plot(
    ctx: click.Context,
    *,
    run: Path,
    steps: Literal["auto", "all"] | tuple[int, ...] | None,
    picture_format: PictureFormat,
    colour: ColourChoice,
    valley: float | None,
    output: Path | None,
    overwrite: bool,
    quiet: bool,
) -> None:
    """Draw the pictures of RUN, a directory that gmm fit wrote."""
    from gmmcli.cli.reporter import Reporter
    from gmmcli.cli.summary import describe_files

    reporter = Reporter(quiet=quiet)
    with reporter.show_work(f"reading {run}"):
        from gmmcli.core.runs.directory import (
            claim_pictures,
            group_again,
            name_pictures,
            read_run,
            remove_pictures,
        )
        from gmmcli.files import check_file_target
        from gmmcli.pictures.frames import draw_run

        directory = run if output is None else output
        ctx.with_resource(claim_pictures(directory))
        fitted = group_again(read_run(run), valley)
        chosen = fitted.history.choose_asked(steps, fitted.snapshots)
        names = name_pictures(fitted, chosen, picture_format)
    if output is not None:
        for name in names:
            check_file_target(output / name, overwrite=overwrite)
    drawn = draw_run(fitted, chosen, directory, picture_format, colour)
    files = list(reporter.track(drawn, len(names), "drawing"))
    if output is None:
        remove_pictures(run, picture_format, keep=files)
    reporter.print(describe_files(directory, files))
