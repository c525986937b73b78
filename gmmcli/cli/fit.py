"""`gmm fit`: a mixture fitted to a table."""

from dataclasses import asdict
from functools import partial
from importlib import import_module
from pathlib import Path
from threading import Thread
from typing import TYPE_CHECKING, Any, Literal

import click

from gmmcli.cli.application import EXIT_INTERRUPTED, fit_is_kept
from gmmcli.cli.options import ComponentChoice, StepChoice, engine_option, seed_option, table_option

if TYPE_CHECKING:
    from gmmcli.cli.reporting import Reporter
    from gmmcli.core.mixture.mixture import Mixture
    from gmmcli.settings import (
        Choice,
        CovarianceType,
        CriterionName,
        Effort,
        EngineName,
        OptimizerName,
    )

EXAMPLES = """\b
Examples:
  gmm fit old_faithful.csv
  gmm fit stars.parquet -x ra -y dec -k 5 --covariance diag -o sky
  gmm fit waves.csv -k 1:20 --covariance auto --criterion icl
  gmm fit duckdb://survey.duckdb --table stars --weight flux
"""


@click.command(short_help="Fit a mixture to a table of points.", epilog=EXAMPLES)
@click.argument("data")
@table_option
@engine_option
@click.option(
    "-k",
    "--components",
    type=ComponentChoice(),
    metavar="K|A:B|auto",
    help="How many components: a number, the best of a range, or the best of 1 to 9 and more if "
    "need be (auto). By default auto, or as many as --init has.",
)
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path),
    metavar="RUN",
    help="The run directory to write. Named after DATA, in the current directory, by default.",
)
@click.option("-x", "x_column", metavar="COLUMN", help="The first coordinate.")
@click.option("-y", "y_column", metavar="COLUMN", help="The second coordinate.")
@click.option("--weight", metavar="COLUMN", help="How much each row counts; 1 by default.")
@click.option(
    "--exact", is_flag=True, help="Make every distinct point a cell, however many there are."
)
@click.option(
    "--cells",
    "most_cells",
    type=click.IntRange(min=100, max=10_000_000),
    default=1_000_000,
    show_default=True,
    metavar="N",
    help="The most cells that a large table becomes.",
)
@click.option(
    "--covariance",
    type=click.Choice(["full", "tied", "diag", "spherical", "auto"]),
    default="full",
    show_default=True,
    help="What shapes components may take: any (full), any but all the same (tied), along the "
    "axes (diag), round (spherical), or the best of these (auto).",
)
@click.option(
    "--criterion",
    type=click.Choice(["bic", "aic", "icl"]),
    default="bic",
    show_default=True,
    help="What is to be lowest where there is a choice; icl wants components that are apart.",
)
@click.option(
    "--init",
    default="auto",
    show_default=True,
    metavar="FILE|auto",
    help="Where to start: JSON with weights, means and covariances, or a search for the best "
    "mixture.",
)
@click.option(
    "--effort",
    type=click.Choice(["quick", "normal", "thorough"]),
    default="normal",
    show_default=True,
    help="How long to search when nothing better turns up.",
)
@click.option(
    "--floor",
    type=click.FloatRange(min=1e-7, max=0.5),
    default=1e-5,
    show_default=True,
    metavar="F",
    help="The least standard deviation of a component, as a share of the data's.",
)
@click.option(
    "--optimizer",
    type=click.Choice(["natural", "adam"]),
    default="natural",
    show_default=True,
    help="How to climb: by natural gradient, or by Adam.",
)
@click.option(
    "--learning-rate",
    type=click.FloatRange(min=1e-6, max=1),
    metavar="F",
    help="The share of a full natural-gradient step (1 by default), or Adam's rate (0.1 by "
    "default).",
)
@click.option(
    "--steps",
    type=click.IntRange(min=0),
    default=10_000,
    show_default=True,
    metavar="N",
    help="The most steps to take after the search.",
)
@click.option(
    "--snapshots",
    type=StepChoice(),
    default="auto",
    show_default=True,
    metavar="auto|N",
    help="Which steps to draw: up to 8 telling ones (auto), or the first and every Nth after it.",
)
@seed_option
@click.option("--strict", is_flag=True, help="Refuse rows with an empty or non-finite coordinate.")
@click.option("--verify", is_flag=True, help="Read DATA once more for the exact log-likelihood.")
@click.option(
    "--assignments",
    metavar="FILE",
    help="Write the rows of DATA with their labels too, as gmm predict does: .csv, .csv.gz or "
    ".parquet; with --engine spark a directory of parts, whose name ends so too.",
)
@click.option("--no-frames", is_flag=True, help="Draw no pictures.")
@click.option(
    "--overwrite",
    is_flag=True,
    help="Replace RUN, and the file of --assignments, where they exist.",
)
@click.option("-q", "--quiet", is_flag=True, help="Say nothing but errors.")
@click.pass_context
def fit(
    ctx: click.Context,
    *,
    data: str,
    table: str | None,
    engine: "EngineName",
    components: Literal["auto"] | tuple[int, int] | None,
    output: Path | None,
    x_column: str | None,
    y_column: str | None,
    weight: str | None,
    exact: bool,
    most_cells: int,
    covariance: Literal["auto"] | "CovarianceType",
    criterion: "CriterionName",
    init: str,
    effort: "Effort",
    floor: float,
    optimizer: "OptimizerName",
    learning_rate: float | None,
    steps: int,
    snapshots: Literal["auto"] | int,
    seed: int,
    strict: bool,
    verify: bool,
    assignments: str | None,
    no_frames: bool,
    overwrite: bool,
    quiet: bool,
) -> None:
    """Fit a mixture of Gaussians to the points in a table.

    DATA is a CSV file (.csv, .tsv, or either with .gz), a Parquet file, a quoted pattern of
    either, - for CSV on standard input, or the URL of a database. Without -x and -y, the first two
    numeric columns are the coordinates. Rows with an empty or non-finite coordinate are skipped
    and counted. More than 20,000 rows become cells, groups of close points; the summary says what
    that costs. Writes a directory with parameters.json, history.csv, cells.parquet, frames/ and
    convergence.png, and where there was a choice selection.csv and selection.png. Ctrl-C ends the
    fit at the next step and keeps what there is.
    """
    from gmmcli.cli.interrupts import postponed_interrupt
    from gmmcli.cli.reporting import Reporter, shown_name

    if learning_rate is not None and not learning_rate <= 1:  # NaN passes Click's range
        raise click.UsageError(f"--learning-rate {learning_rate:g} is not in 1e-06<=x<=1", ctx)
    reporter = Reporter(quiet=quiet)
    with reporter.working(f"reading {shown_name(data, table)}"):
        from gmmcli.core.cells.compression import Compressor, compress
        from gmmcli.core.mixture.mixture import read_mixture
        from gmmcli.core.runs.directory import check_target, default_directory, write_run
        from gmmcli.core.search.sketch import sketch_mixture
        from gmmcli.core.tables.engines import source_of
        from gmmcli.core.tables.export import check_export
        from gmmcli.core.tables.table import open_table

        source = ctx.with_resource(source_of(data, table, engine))
        points = open_table(source, x=x_column, y=y_column, weight=weight)
        directory = output if output is not None else default_directory(table or data)
        check_target(directory, overwrite=overwrite)
        if assignments is not None:
            check_export(source, assignments, overwrite=overwrite, option="--assignments")
        start = None if init == "auto" else read_mixture(Path(init))
        choice = _choice_of(ctx, components, covariance, criterion, start)
        importing = Thread(target=import_module, args=("gmmcli.core.search.choice",))
        compression = compress(
            points,
            exact=exact,
            most_cells=most_cells,
            strict=strict,
            sketch=partial(sketch_mixture, n_components=choice.most),
            meanwhile=importing.start,
        )
    reporter.rows(points, compression, chosen=x_column is None or y_column is None)

    with reporter.working("loading Pyro"):
        from gmmcli.core.runs.result import Provenance, Status
        from gmmcli.core.search.choice import chosen_fit
        from gmmcli.core.search.fit import Hooks
        from gmmcli.core.search.fit import fit as fit_cells
        from gmmcli.settings import LEARNING_RATES, FitSettings

    rate = learning_rate or LEARNING_RATES[optimizer]
    settings = FitSettings(
        choice.most, choice.covariances[0], optimizer, rate, steps, seed, effort, floor
    )
    compressor = Compressor(compression)
    with postponed_interrupt() as interrupted, reporter.stepping() as watch:
        hooks = Hooks(compressor.finer, compression.row_weight, watch, interrupted)
        if choice.is_open:
            result = chosen_fit(compression.cells, settings, choice, hooks=hooks)
        else:
            result = fit_cells(compression.cells, settings, start=start, hooks=hooks)
    asked: dict[str, Any] = {
        "init": init,
        "snapshots": snapshots,
        "strict": strict,
        "exact": exact,
        "cells": most_cells,
        "weight": weight,
        "engine": engine,
        "choice": asdict(choice) if choice.is_open else None,
    }
    provenance = Provenance(
        points.columns, source.name, compression.n_rows, compression.n_skipped, asked
    )
    exact_log_likelihood = None
    if verify:
        with reporter.working(f"reading {shown_name(data, table)} once more"):
            from gmmcli.core.tables.prediction import log_likelihood

            exact_log_likelihood = log_likelihood(points, result.mixture)
    written = write_run(directory, result, provenance, exact_log_likelihood)
    with fit_is_kept(directory):
        reporter.summary(result, points, exact_log_likelihood)
    if assignments is not None:
        with reporter.working(f"writing {assignments}"), fit_is_kept(directory):
            from gmmcli.core.tables.prediction import write_predicted

            columns, mixture = points.columns, result.mixture
            write_predicted(source, columns, mixture, assignments, overwrite=overwrite)
    pictures = [] if no_frames else _draw(reporter, directory)
    reporter.files(directory, [*written, *pictures])
    if result.status is Status.INTERRUPTED:
        ctx.exit(EXIT_INTERRUPTED)


def _draw(reporter: "Reporter", directory: Path) -> list[Path]:
    """Draw the pictures of a run that was just written, from what was written alone."""
    with reporter.working("loading matplotlib"):
        from gmmcli.core.runs.directory import picture_names, read_run
        from gmmcli.pictures.frames import draw_run

        run = read_run(directory)
        chosen = run.history.chosen(run.snapshots)
        n_pictures = len(picture_names(run, chosen, "png"))
    if run.history.last_step not in chosen:
        reporter.note(
            f"the last step, {run.history.last_step}, is not among the snapshots: "
            f"gmm plot {directory} --steps auto draws it"
        )
    pictures = draw_run(run, chosen, directory)
    with fit_is_kept(directory):
        return list(reporter.tracked(pictures, n_pictures, "drawing"))


def _choice_of(
    ctx: click.Context,
    components: Literal["auto"] | tuple[int, int] | None,
    covariance: Literal["auto"] | "CovarianceType",
    criterion: "CriterionName",
    start: "Mixture | None",
) -> "Choice":
    """What -k, --covariance and --init leave to be chosen from."""
    from gmmcli.settings import COVARIANCE_TYPES, Choice

    covariances = COVARIANCE_TYPES if covariance == "auto" else (covariance,)
    if start is not None:
        n_components = start.n_components
        if components not in (None, (n_components, n_components)):
            raise click.UsageError(
                f"-k asks for other than the {n_components} of --init: leave out either", ctx
            )
        if covariance == "auto":
            raise click.UsageError("--covariance auto searches for a start: leave out --init", ctx)
        components = n_components, n_components
    if components is None or components == "auto":
        return Choice(covariances=covariances, criterion=criterion)
    fewest, most = components
    return Choice(fewest, most, goes_on=False, covariances=covariances, criterion=criterion)
