"""`gmm predict`: what a fitted mixture says about every row of a table."""

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from gmmcli.cli.completion import complete_columns, complete_files, complete_runs
from gmmcli.cli.options import engine_option, table_option, valley_option, where_option
from gmmcli.settings import EngineName

if TYPE_CHECKING:
    from gmmcli.core.runs.parameters import Parameters
    from gmmcli.core.tables.table import Table

EXAMPLES = """\b
Examples:
  gmm predict old_faithful old_faithful.csv
  gmm predict sky new_stars.parquet --responsibilities -o labelled.parquet
  gmm predict sky new_stars.parquet --counts --by night
"""


@click.command(short_help="Label the rows of a table by a fit.", epilog=EXAMPLES)
@click.argument("run", type=click.Path(path_type=Path), shell_complete=complete_runs)
@click.argument("data", shell_complete=complete_files)
@table_option
@engine_option
@click.option(
    "-o",
    "--output",
    metavar="FILE",
    help="Where to write: .csv, .csv.gz or .parquet; with --engine spark, a directory of "
    "parts with such a name. By default CSV to standard output.",
)
@click.option(
    "-x",
    "x_column",
    metavar="COLUMN",
    shell_complete=complete_columns,
    help="The column of the first coordinate, if not that of RUN.",
)
@click.option(
    "-y",
    "y_column",
    metavar="COLUMN",
    shell_complete=complete_columns,
    help="The column of the second coordinate, if not that of RUN.",
)
@where_option
@valley_option
@click.option("--responsibilities", is_flag=True, help="Add the responsibility of every component.")
@click.option(
    "--counts",
    is_flag=True,
    help="Write how many rows have each label and group, rather than the rows.",
)
@click.option(
    "--by",
    metavar="COLUMN",
    shell_complete=complete_columns,
    help="With --counts, for each value of a column by itself.",
)
@click.option("--overwrite", is_flag=True, help="Replace FILE where it exists.")
@click.pass_context
def predict(
    ctx: click.Context,
    *,
    run: Path,
    data: str,
    table: str | None,
    engine: EngineName,
    output: str | None,
    x_column: str | None,
    y_column: str | None,
    where: str | None,
    valley: float | None,
    responsibilities: bool,
    counts: bool,
    by: str | None,
    overwrite: bool,
) -> None:
    """Say which component each row of a table belongs to, by the fit in the directory RUN.

    RUN may also be a JSON file with weights, means and covariances. Unless it is that of a run, it
    names no columns, and -x and -y are needed.

    DATA is whatever gmm fit takes. Writes its rows with all their columns, in their order, and the
    columns label (the likeliest component, -1 for the background), probability (how likely it is),
    log_density (of the whole mixture, in nats) and group (of the mode that the row climbs to, -1
    for the background). Where DATA has a column of such a name, the new one is called
    predicted_label and so on. Rows with an empty or non-finite coordinate get empty results. The
    coordinates are those of RUN, columns or expressions of columns; rows that the fit left out by
    its --where are labelled too, unless --where here says otherwise. With --counts, writes the
    columns label, group and count instead, and that of --by before them.
    """
    check_counts(counts=counts, by=by, responsibilities=responsibilities)
    from gmmcli.cli.reporter import Reporter
    from gmmcli.core.runs.words import name_data

    reporter = Reporter(quiet=output is None)
    with reporter.show_work(f"reading {name_data(data, table)}"):
        from gmmcli.core.runs.layout import check_kept
        from gmmcli.core.tables.copies import resolve_source
        from gmmcli.core.tables.counts import write_counts
        from gmmcli.core.tables.export import check_export
        from gmmcli.core.tables.prediction import write_predictions

        source = ctx.with_resource(resolve_source(data, table, engine, where=where))
        check_export(source, output, overwrite=overwrite)
        check_kept(output)
        fitted = read_fitted(run, x_column, y_column)
        for note in describe_fitted(run, fitted, where):
            Reporter().note(note)
        say = make_prediction(fitted, valley, with_responsibilities=responsibilities)
        columns = x_column or fitted.columns[0], y_column or fitted.columns[1]
        write = partial(write_counts, by=by) if counts else write_predictions
        write(source, columns, say, output, overwrite=overwrite)


def read_fitted(run: Path, x_column: str | None, y_column: str | None) -> "Parameters":
    """What a run says; of any other file, the mixture in it, whose coordinates the user names.

    Raises:
        click.UsageError: where the user does not.
        GmmError: when there is no such run or mixture.
    """
    from gmmcli.core.mixture.mixture import read_mixture
    from gmmcli.core.runs.asked import Asked
    from gmmcli.core.runs.layout import PARAMETERS
    from gmmcli.core.runs.parameters import Parameters, read_parameters
    from gmmcli.core.runs.result import Provenance
    from gmmcli.settings import FitSettings

    if not run.is_file() or run.name == PARAMETERS:
        return read_parameters(run)
    mixture = read_mixture(run)
    if x_column is None or y_column is None:
        raise click.UsageError(f"{run} is a mixture and names no columns: give -x and -y")
    provenance = Provenance((x_column, y_column), str(run), 0, 0, Asked())
    return Parameters(provenance, FitSettings(mixture.n_components), mixture)


def describe_fitted(run: Path, fitted: "Parameters", where: str | None) -> Iterator[str]:
    """Lines on which rows a run is of, where the rows to be labelled may be others."""
    from gmmcli.core.runs.layout import VALUES

    if fitted.by is not None:
        each = f"those of each {fitted.by!r} are in {run / VALUES}"
        yield f"{run} is the fit of all rows; {each}"
    if fitted.where is not None and where is None:
        all_rows = "all rows are labelled here (choose some with --where)"
        yield f"{run} is of rows with {fitted.where}; {all_rows}"


def make_prediction(
    fitted: "Parameters", valley: float | None, *, with_responsibilities: bool
) -> Callable[["Table"], Any]:
    """What a fit says about the rows of a table, as a function of the table."""
    from gmmcli.core.groups.borders import draw_territories
    from gmmcli.core.tables.prediction import predict_rows

    return partial(
        predict_rows,
        mixture=fitted.mixture,
        territories=draw_territories(fitted.mixture, *fitted.choose_groups(valley)),
        with_responsibilities=with_responsibilities,
    )


def check_counts(*, counts: bool, by: str | None, responsibilities: bool) -> None:
    """Raise where options ask for counts and for rows.

    Raises:
        click.UsageError: naming them.
    """
    if by is not None and not counts:
        raise click.UsageError("--by tells counts apart: add --counts")
    if counts and responsibilities:
        raise click.UsageError("--counts writes no rows: leave out --responsibilities")
