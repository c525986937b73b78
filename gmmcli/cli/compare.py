"""`gmm compare`: two runs side by side."""

from pathlib import Path

import click

from gmmcli.cli.completion import complete_runs
from gmmcli.cli.options import json_option
from gmmcli.errors import OutputError
from gmmcli.settings import PICTURE_FORMATS, PictureFormat

EXAMPLES = """\b
Examples:
  gmm compare may june
  gmm compare may june -o moved.png
  gmm compare may june --json
"""


@click.command(short_help="Compare the mixtures of two runs.", epilog=EXAMPLES)
@click.argument("first", type=click.Path(path_type=Path), shell_complete=complete_runs)
@click.argument("second", type=click.Path(path_type=Path), shell_complete=complete_runs)
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Draw the ellipses of both there: .png, .svg or .pdf.",
)
@click.option("--overwrite", is_flag=True, help="Replace FILE where it exists.")
@json_option
def compare(first: Path, second: Path, *, output: Path | None, overwrite: bool, json: bool) -> None:
    """Compare the mixtures of two runs, FIRST and SECOND, of independent data.

    Components are paired, and how the second differs from the first is told with its standard
    error. Where both have as many components of one type, a likelihood-ratio test tells whether
    one mixture might describe both.
    """
    from gmmcli.cli.comparison import describe_comparison, tabulate_comparison
    from gmmcli.cli.reporter import Reporter
    from gmmcli.core.runs.comparison import compare_runs
    from gmmcli.core.runs.directory import read_run
    from gmmcli.core.runs.layout import check_kept
    from gmmcli.files import check_file_target

    reporter = Reporter(as_json=json)
    if output is not None:
        picture_format = read_format(output)
        check_file_target(output, overwrite=overwrite)
        check_kept(output, first, second)
    with reporter.show_work(f"comparing {first} with {second}"):
        runs = read_run(first), read_run(second)
        found = compare_runs(*runs)
    reporter.print(tabulate_comparison(found, runs[0].columns, reporter.width))
    for line in describe_comparison(found, str(first), str(second)):
        reporter.print(line)
    if output is not None:
        with reporter.show_work(f"drawing {output}"):
            from gmmcli.pictures.comparison import make_comparison
            from gmmcli.pictures.drawing import save_figure
            from gmmcli.pictures.style import apply_style

            with apply_style():
                figure = make_comparison(*runs, (str(first), str(second)), found.pairs)
                save_figure(figure, output, picture_format)
        reporter.print(f"wrote {output}")
    if json:
        reporter.print_object({"runs": [str(first), str(second)], **found.to_json()})


def read_format(path: Path) -> PictureFormat:
    """The format of a picture, by the end of its name.

    Raises:
        OutputError: where that is none.
    """
    for known in PICTURE_FORMATS:
        if path.suffix.lower() == f".{known}":
            return known
    raise OutputError(f"{path} ends in no format of pictures: give .png, .svg or .pdf")
