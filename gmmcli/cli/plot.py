"""`gmm plot`: a run's pictures, drawn again."""

from pathlib import Path
from typing import Literal

import click

from gmmcli.cli.options import StepList
from gmmcli.settings import PICTURE_FORMATS, PictureFormat

EXAMPLES = """\b
Examples:
  gmm plot old_faithful --steps all
  gmm plot old_faithful --steps 0,1,5 --format pdf -o figures
"""


@click.command(short_help="Draw the pictures of a fit again.", epilog=EXAMPLES)
@click.argument("run", type=click.Path(path_type=Path))
@click.option(
    "--steps",
    type=StepList(),
    metavar="LIST|auto|all",
    help="Which steps to draw: numbers such as 0,50,100; up to 8 telling ones (auto); or every "
    "step (all). By default those that the fit drew.",
)
@click.option(
    "--format",
    "picture_format",
    type=click.Choice(PICTURE_FORMATS),
    default="png",
    show_default=True,
    help="The format of every picture.",
)
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path, file_okay=False),
    metavar="DIR",
    help="Where to put frames/ and the sheet. In RUN, in place of those there, by default.",
)
@click.option("--overwrite", is_flag=True, help="Replace pictures that DIR has already.")
@click.option("-q", "--quiet", is_flag=True, help="Say nothing but errors.")
def plot(
    *,
    run: Path,
    steps: Literal["auto", "all"] | tuple[int, ...] | None,
    picture_format: PictureFormat,
    output: Path | None,
    overwrite: bool,
    quiet: bool,
) -> None:
    """Draw the pictures of RUN, a directory that gmm fit wrote."""
    from gmmcli.cli.reporting import Reporter

    reporter = Reporter(quiet=quiet)
    with reporter.working(f"reading {run}"):
        from gmmcli.core.runs.directory import picture_names, read_run, remove_pictures
        from gmmcli.files import check_file_target
        from gmmcli.pictures.frames import draw_run

        told = read_run(run)
        chosen = told.history.chosen(told.snapshots if steps is None else steps)
        names = picture_names(told, chosen, picture_format)
    directory = run if output is None else output
    if output is not None:
        for name in names:
            check_file_target(output / name, overwrite=overwrite)
    pictures = draw_run(told, chosen, directory, picture_format)
    drawn = list(
        reporter.tracked(pictures, len(picture_names(told, chosen, picture_format)), "drawing")
    )
    if output is None:
        remove_pictures(run, picture_format, keep=drawn)
    reporter.files(directory, drawn)
