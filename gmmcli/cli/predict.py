"""`gmm predict`: what a fitted mixture says about every row of a table."""

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from gmmcli.cli.completion import complete_columns, complete_files, complete_runs
from gmmcli.cli.options import engine_option, real, table_option, valley_option, where_option
from gmmcli.settings import CUT_RANGE, EngineName

if TYPE_CHECKING:
    from gmmcli.core.runs.parameters import Parameters
    from gmmcli.core.tables.source import Source
    from gmmcli.core.tables.table import Table

EXAMPLES = """\b
Examples:
  gmm predict old_faithful old_faithful.csv
  gmm predict sky new_stars.parquet --responsibilities -o labelled.parquet
  gmm predict sky new_stars.parquet --cut 0.99 --distance -o labelled.parquet
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
    "--cut",
    type=real(CUT_RANGE),
    metavar="SHARE",
    help="Leave label and group empty outside the ellipse that holds this share of the component.",
)
@click.option(
    "--distance",
    is_flag=True,
    help="Add the Mahalanobis distance to the component of the label.",
)
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
@click.option(
    "--json",
    is_flag=True,
    help="Print how many rows have each label and group, and the mean log density, as one JSON "
    "object; the rows only go to FILE.",
)
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
    cut: float | None,
    distance: bool,
    counts: bool,
    by: str | None,
    overwrite: bool,
    json: bool,
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
    its --where are labelled too, unless --where here says otherwise. With --cut 0.95, rows outside
    the ellipse that holds 95 % of their component have neither label nor group. With --counts,
    writes the columns label, group and count instead, and that of --by before them.
    """
    added = check_counts(counts, by, responsibilities=responsibilities, distance=distance)
    writes_rows = check_output(output, counts=counts, json=json)
    from gmmcli.cli.reporter import Reporter
    from gmmcli.core.runs.words import name_data

    with Reporter(quiet=output is None).show_work(f"reading {name_data(data, table)}"):
        from gmmcli.core.tables.copies import resolve_source

        source = ctx.with_resource(resolve_source(data, table, engine, where=where))
        check_place(source, output, overwrite=overwrite)
        fitted = read_fitted(run, x_column, y_column)
        for note in describe_fitted(run, fitted, where):
            Reporter().note(note)
        say = make_prediction(fitted, valley, cut, added)
        columns = x_column or fitted.columns[0], y_column or fitted.columns[1]
        if writes_rows:
            write = choose_writer(by, counts=counts)
            write(source, columns, say, output, overwrite=overwrite)
        if json:
            Reporter().print_object({"run": str(run), **tell_labels(source, columns, say)})


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
    fitted: "Parameters", valley: float | None, cut: float | None, added: Mapping[str, bool]
) -> Callable[["Table"], Any]:
    """What a fit says about the rows of a table, as a function of the table.

    Args:
        fitted: the fit.
        valley: from where on valleys divide no groups; that of the fit by default.
        cut: the share of a component whose ellipse rows have to be in.
        added: which further columns are asked for.
    """
    from gmmcli.core.groups.borders import draw_territories
    from gmmcli.core.tables.prediction import predict_rows

    return partial(
        predict_rows,
        mixture=fitted.mixture,
        territories=draw_territories(fitted.mixture, *fitted.choose_groups(valley)),
        cut=cut,
        with_responsibilities=added["responsibilities"],
        with_distance=added["distance"],
    )


def check_counts(counts: bool, by: str | None, /, **added: bool) -> Mapping[str, bool]:
    """The columns that are asked for, by name, where options do not ask for counts and for rows.

    Args:
        counts: whether counts are asked for.
        by: the column whose values are told apart.
        **added: which columns are to be added to rows.

    Raises:
        click.UsageError: naming the options that do.
    """
    if by is not None and not counts:
        raise click.UsageError("--by tells counts apart: add --counts")
    useless = [f"--{name}" for name, is_added in added.items() if is_added]
    if counts and useless:
        raise click.UsageError(f"--counts writes no rows: leave out {' and '.join(useless)}")
    return added


def check_output(output: str | None, *, counts: bool, json: bool) -> bool:
    """Whether rows or counts are written, beside the JSON object that may take standard output.

    Raises:
        click.UsageError: where both would go there.
    """
    if json and counts and output is None:
        raise click.UsageError("--json has the counts of --counts: leave out either, or add -o")
    return output is not None or not json


def choose_writer(by: str | None, *, counts: bool) -> Callable[..., None]:
    """What writes rows, or counts by the values of a column."""
    from gmmcli.core.tables.counts import write_counts
    from gmmcli.core.tables.prediction import write_predictions

    return partial(write_counts, by=by) if counts else write_predictions


def tell_labels(
    source: "Source", columns: tuple[str, str], say: Callable[["Table"], Any]
) -> dict[str, Any]:
    """What is told of labels as JSON, with the name of the data."""
    from gmmcli.core.tables.counts import summarize_labels

    return {"data": source.name, **summarize_labels(source, columns, say)}


def check_place(source: "Source", output: str | None, *, overwrite: bool) -> None:
    """Refuse to write where something is that is to stay; see `check_export` and `check_kept`."""
    from gmmcli.core.runs.layout import check_kept
    from gmmcli.core.tables.export import check_export

    check_export(source, output, overwrite=overwrite)
    check_kept(output)
