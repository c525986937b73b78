"""`gmm plot`: a run's pictures, drawn again."""

from pathlib import Path
from typing import TYPE_CHECKING, Literal

import click

from gmmcli.cli.completion import complete_runs
from gmmcli.cli.options import KindList, PictureSize, StepList, valley_option, whole
from gmmcli.settings import (
    AUTO_SNAPSHOTS,
    COLOUR_CHOICES,
    DPI_RANGE,
    PAGE_FORMATS,
    PICTURE_FORMATS,
    PICTURE_KINDS,
    THEMES,
    ColourChoice,
    PageFormat,
    PictureFormat,
    PictureKind,
    Theme,
)

if TYPE_CHECKING:
    from gmmcli.cli.reporter import Reporter
    from gmmcli.core.runs.directory import RunRecord
    from gmmcli.pictures.kinds import Order

EXAMPLES = """\b
Examples:
  gmm plot old_faithful --steps all
  gmm plot old_faithful --format html
  gmm plot old_faithful --kind residuals,marginals
  gmm plot old_faithful --steps 0,1,5 --format pdf -o figures
  gmm plot sky --color group --valley 0.5 -o clear_groups
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
    "those that the fit drew.",
)
@click.option(
    "--format",
    "picture_format",
    type=click.Choice((*PICTURE_FORMATS, *PAGE_FORMATS)),
    default="png",
    show_default=True,
    help="The format of the pictures; html is a page that plays the convergence, in a browser.",
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
    help="The width and height of pictures in inches, such as 7x5.4; the sheet has its own.",
)
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
    kinds: tuple[PictureKind, ...] | Literal["all"] | None,
    steps: Literal["auto", "all"] | tuple[int, ...] | None,
    picture_format: PictureFormat | PageFormat,
    colour: ColourChoice,
    valley: float | None,
    theme: Theme,
    dpi: int,
    inches: tuple[float, float] | None,
    output: Path | None,
    overwrite: bool,
    quiet: bool,
) -> None:
    """Draw the pictures of RUN, a directory that gmm fit wrote."""
    from gmmcli.cli.reporter import Reporter
    from gmmcli.cli.summary import describe_files

    reporter = Reporter(quiet=quiet)
    with reporter.show_work(f"reading {run}"):
        from gmmcli.core.runs.directory import claim_pictures, group_again, read_run
        from gmmcli.pictures.kinds import DRAWN_UNASKED, Look, Order, choose_kinds

        directory = run if output is None else output
        ctx.with_resource(claim_pictures(directory))
        fitted = group_again(read_run(run), valley)
        if picture_format == "html":
            page = _draw_page(fitted, directory, overwrite=overwrite or output is None)
            reporter.print(describe_files(directory, [page]))
            return
        chosen = fitted.history.choose_asked(steps, fitted.snapshots)
        chosen_kinds, look = choose_kinds(fitted, kinds), Look(theme, dpi, inches)
        order = Order(chosen, chosen_kinds, picture_format, colour, look)
    files = _draw(fitted, order, directory, reporter, overwrite=overwrite or output is None)
    if output is None:
        from gmmcli.core.runs.directory import remove_pictures

        remove_pictures(run, order.kinds if kinds else DRAWN_UNASKED, picture_format, keep=files)
    reporter.print(describe_files(directory, files))


def _draw_page(run: "RunRecord", directory: Path, *, overwrite: bool) -> Path:
    """Write the page that plays the convergence, once it is clear that it can be written."""
    from gmmcli.core.runs.layout import name_film
    from gmmcli.files import check_file_target
    from gmmcli.pictures.page.page import draw_page

    check_file_target(directory / name_film("html"), overwrite=overwrite)
    return draw_page(run, directory)


def _draw(
    run: "RunRecord", order: "Order", directory: Path, reporter: "Reporter", *, overwrite: bool
) -> list[Path]:
    """Draw what is ordered, once it is clear that all of it can be written."""
    from gmmcli.files import check_file_target
    from gmmcli.pictures.drawing import draw_run

    names = order.name_pictures()
    for name in names:
        check_file_target(directory / name, overwrite=overwrite)
    return list(reporter.track(draw_run(run, order, directory), len(names), "drawing"))
