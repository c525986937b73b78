"""`gmm plot`: a run's pictures, drawn again."""

from pathlib import Path
from typing import Any

import click
from click.core import ParameterSource

from gmmcli.cli.completion import complete_runs
from gmmcli.cli.options import KindList, PictureSize, StepList, real, valley_option, whole
from gmmcli.settings import (
    AUTO_SNAPSHOTS,
    COLOUR_CHOICES,
    DPI_RANGE,
    FILM_FORMATS,
    FPS_RANGE,
    PAGE_FORMATS,
    PICTURE_FORMATS,
    PICTURE_KINDS,
    THEMES,
)

OF_LOOK = ("kinds", "steps", "fps", "colour", "valley", "theme", "dpi", "inches")
# The options that an output does not heed; others do not heed --fps.
UNHEEDED: dict[str, tuple[str, ...]] = {
    **dict.fromkeys(FILM_FORMATS, ("kinds",)),
    **dict.fromkeys(PAGE_FORMATS, OF_LOOK),
    "terminal": (*OF_LOOK, "file_format", "output", "overwrite"),
}
EXAMPLES = """\b
Examples:
  gmm plot old_faithful --steps all
  gmm plot old_faithful --kind residuals,marginals
  gmm plot old_faithful --format gif
  gmm plot old_faithful --format html
  gmm plot old_faithful --steps 0,1,5 --format pdf -o figures
  gmm plot sky --color group --valley 0.5 -o clear_groups
  gmm plot old_faithful --show
"""


@click.command(short_help="Draw the pictures of a fit again.", epilog=EXAMPLES)
@click.argument("run", type=click.Path(path_type=Path), shell_complete=complete_runs)
@click.option(
    "--kind",
    "kinds",
    type=KindList(),
    metavar="LIST|all",
    help=f"What to draw: {', '.join(PICTURE_KINDS)}, several of them separated by commas, or all. "
    "By default what the fit drew.",
)
@click.option(
    "--steps",
    type=StepList(),
    metavar="LIST|auto|all",
    help="Which steps to draw: numbers such as 0,50,100; "
    f"up to {AUTO_SNAPSHOTS} that tell how the fit went (auto); or every step (all). By default "
    "those that the fit drew; a film shows as many as it has time for, or all of them.",
)
@click.option(
    "--format",
    "file_format",
    type=click.Choice((*PICTURE_FORMATS, *FILM_FORMATS, *PAGE_FORMATS)),
    default="png",
    show_default=True,
    help="The format of the pictures; of a film of the frames (gif, webp, or mp4 where ffmpeg is "
    "installed); or of a page that plays the convergence in a browser (html).",
)
@click.option(
    "--fps",
    type=real(FPS_RANGE),
    metavar="F",
    default=20.0,
    show_default=True,
    help="The frames per second of a film.",
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
    "--theme",
    type=click.Choice(THEMES),
    default="light",
    show_default=True,
    help="The colours of paper and ink.",
)
@click.option(
    "--dpi",
    type=whole(DPI_RANGE),
    metavar="N",
    default=120,
    show_default=True,
    help="The dots per inch of bitmaps.",
)
@click.option(
    "--size",
    "inches",
    type=PictureSize(),
    metavar="WxH",
    help="The width and height of pictures in inches, such as 7x5.4; the sheet and the tree of "
    "groups have their own.",
)
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path, file_okay=False),
    metavar="DIR",
    help="The directory to draw in. By default RUN, where pictures replace those there.",
)
@click.option("--overwrite", is_flag=True, help="Replace pictures that are in DIR already.")
@click.option(
    "--show", is_flag=True, help="Draw the last step in the terminal, and write no pictures."
)
@click.option("-q", "--quiet", is_flag=True, help="Print nothing but errors.")
@click.pass_context
def plot(ctx: click.Context, /, *, show: bool, **options: Any) -> None:
    """Draw the pictures of RUN, a directory that gmm fit wrote."""
    from gmmcli.cli.reporter import Reporter
    from gmmcli.cli.summary import describe_files

    _refuse_unheeded(ctx, "terminal" if show else options["file_format"])
    reporter = Reporter(quiet=options["quiet"])
    if show:
        from gmmcli.cli.terminal import show_run

        show_run(options["run"], reporter)
        return
    with reporter.show_work(f"reading {options['run']}"):
        from gmmcli.cli.drawing import PlotRequest, carry_out, plan, read_asked

        request = PlotRequest(**options)
        planned = plan(request, read_asked(request, ctx))
    files = carry_out(request, planned, reporter)
    reporter.print(describe_files(request.directory, files))


def _refuse_unheeded(ctx: click.Context, output: str) -> None:
    """Refuse options that what is drawn does not heed.

    Raises:
        click.UsageError: naming the first of them.
    """
    unheeded = UNHEEDED.get(output, ("fps",))
    for parameter in ctx.command.params:
        is_given = ctx.get_parameter_source(str(parameter.name)) is ParameterSource.COMMANDLINE
        if is_given and parameter.name in unheeded:
            name = "--show" if output == "terminal" else f"--format {output}"
            raise click.UsageError(f"{name} does not heed {parameter.opts[-1]}: leave it out")
