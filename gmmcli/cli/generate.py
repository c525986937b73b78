"""`gmm generate`: points sampled from a mixture."""

from pathlib import Path

import click

from gmmcli.cli.options import seed_option

EXAMPLES = """\b
Examples:
  gmm generate -o points.csv
  gmm generate -n 1000000 --mixture old_faithful/parameters.json -o many.parquet
"""


@click.command(short_help="Sample points from a mixture.", epilog=EXAMPLES)
@click.option(
    "-n",
    "--points",
    type=click.IntRange(min=0),
    default=400,
    show_default=True,
    metavar="POINTS",
    help="How many points.",
)
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="Where to write: .csv, .csv.gz or .parquet. By default CSV to standard output.",
)
@click.option(
    "--mixture",
    "mixture_file",
    type=click.Path(path_type=Path, readable=False),
    metavar="FILE",
    help="JSON with weights, means and covariances, such as a run's parameters.json. "
    "By default two Gaussians that overlap a little.",
)
@seed_option
@click.option("--overwrite", is_flag=True, help="Replace FILE where it exists.")
def generate(
    *, points: int, output: Path | None, mixture_file: Path | None, seed: int, overwrite: bool
) -> None:
    """Sample points from a mixture of Gaussians.

    Writes the columns x, y and label, the number of the component that a point came from; -1 for
    the background. The same command and seed give the same bytes.
    """
    from gmmcli.cli.reporter import Reporter
    from gmmcli.core.mixture.mixture import read_mixture
    from gmmcli.core.mixture.sampling import ARTICLE, POINTS_SCHEMA, n_blocks, sampled_batches
    from gmmcli.core.runs.layout import check_kept
    from gmmcli.core.tables.sink import check_sink, print_rows, write_rows

    if output is not None:
        check_sink(output, overwrite=overwrite)
        check_kept(output)
    mixture = ARTICLE if mixture_file is None else read_mixture(mixture_file)
    reporter = Reporter()
    batches = sampled_batches(mixture, points, seed=seed)
    tracked = reporter.track(batches, n_blocks(points), f"sampling {points:,} points")
    if output is None:
        print_rows(tracked, POINTS_SCHEMA)
    else:
        write_rows(tracked, POINTS_SCHEMA, output, overwrite=overwrite)
