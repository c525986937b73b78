"""`gmm fit`: a mixture fitted to a table."""

from pathlib import Path
from typing import Any

import click

from gmmcli.cli.application import mention_kept_fit
from gmmcli.cli.completion import complete_columns, complete_files, complete_runs
from gmmcli.cli.interrupts import Interrupts
from gmmcli.cli.options import (
    ComponentChoice,
    CovarianceChoice,
    StepChoice,
    axes_option,
    engine_option,
    exit_code_option,
    json_option,
    real,
    seed_option,
    table_option,
    valley_type,
    where_option,
    whole,
)
from gmmcli.settings import (
    AUTO_SNAPSHOTS,
    BACKGROUNDS,
    BOOTSTRAP_RANGE,
    CELLS_RANGE,
    CRITERIA,
    EFFORTS,
    EXACT_ROWS,
    FLOOR_RANGE,
    LEARNING_RATE_RANGE,
    LEARNING_RATES,
    LEVEL,
    LEVEL_RANGE,
    MOST_CELLS,
    OPTIMIZERS,
    PRIOR_WEIGHT_RANGE,
    STEPS_RANGE,
    VALLEY,
    Choice,
    FitSettings,
)

EXAMPLES = """\b
Examples:
  gmm fit old_faithful.csv
  gmm fit stars.parquet -x ra -y dec -k 5 --covariance diag -o sky
  gmm fit waves.csv -k 1:20 --covariance auto --criterion icl
  gmm fit duckdb://survey.duckdb --table stars --weight flux
  gmm fit june.csv --like may
  gmm fit june.csv --prior may --prior-weight 100
  gmm fit --resume sky --steps 5000
  gmm fit stations.csv -x wind -y rain --by station
  gmm fit stars.csv -x 'bp - rp' -y 'log10(flux)' --where 'parallax > 1'
"""


@click.command(short_help="Fit a mixture to a table of points.", epilog=EXAMPLES)
@click.argument("data", required=False, shell_complete=complete_files)
@table_option
@engine_option
@click.option(
    "-k",
    "--components",
    type=ComponentChoice(),
    metavar="K|A:B|auto",
    help="How many components: a number, the best of a range, or (auto) the best of any number.  "
    "[default: auto, or as many as --init, --like or --prior has]",
)
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path),
    metavar="RUN",
    help="The run directory to write. By default it is named after DATA, in the current directory.",
)
@click.option(
    "-x",
    "x_column",
    metavar="COLUMN",
    shell_complete=complete_columns,
    help="The column of the first coordinate, or an expression of columns such as 'log10(flux)'.",
)
@click.option(
    "-y",
    "y_column",
    metavar="COLUMN",
    shell_complete=complete_columns,
    help="The same of the second, as 'bp - rp' or 'FL2/150'.",
)
@where_option
@click.option(
    "--weight",
    metavar="COLUMN",
    shell_complete=complete_columns,
    help="How much each row counts: a column or an expression. By default every row counts 1.",
)
@click.option(
    "--by",
    metavar="COLUMN",
    shell_complete=complete_columns,
    help="Fit the rows of each value of a column by themselves too, with the numbers of the fit of "
    "all rows.",
)
@click.option(
    "--exact",
    is_flag=True,
    help="Fit every distinct point rather than cells. Smaller tables, of up to "
    f"{EXACT_ROWS:,} rows, always are fitted so.",
)
@click.option(
    "--cells",
    "most_cells",
    type=whole(CELLS_RANGE),
    default=MOST_CELLS,
    show_default=True,
    metavar="N",
    help="The most cells that a large table becomes; more take longer and are closer to the rows.",
)
@click.option(
    "--covariance",
    "covariances",
    type=CovarianceChoice(),
    metavar="TYPE[,TYPE...]|auto",
    help="What shapes components may take: any (full), any but all the same (tied), along the "
    "axes (diag), round (spherical), or what three letters say, such as VEE: whether volume, shape "
    "and orientation are equal (E), variable (V), or round and along the axes (I). Of several, or "
    f"of all fourteen (auto), the best.  [default: {FitSettings.covariance}, or that of --like or "
    "--prior]",
)
@click.option(
    "--criterion",
    type=click.Choice(CRITERIA),
    default=Choice.criterion,
    show_default=True,
    help="What decides where there is a choice, lower being better; icl prefers components that "
    "do not overlap.",
)
@click.option(
    "--background",
    type=click.Choice(BACKGROUNDS),
    metavar="auto|on|off",
    help="Whether a uniform background over the box of all points takes strays: where it lowers "
    "the criterion by over 16 more than its parameter costs (auto), always, or never.  [default: "
    "auto, or off with -k K; --init, --like and --prior keep that of their start, unless off]",
)
@click.option(
    "--init",
    default="auto",
    show_default=True,
    metavar="FILE|auto",
    shell_complete=complete_files,
    help="Where to start: JSON with weights, means and covariances, or (auto) a search for the "
    "best mixture. Components keep the numbers of the start. The JSON may have a prior, and name "
    "what is fixed.",
)
@click.option(
    "--like",
    type=click.Path(path_type=Path),
    metavar="RUN",
    shell_complete=complete_runs,
    help="Start from the mixture of another run, with its covariance type, its columns and the "
    "numbers of its components, and say how far each has moved.",
)
@click.option(
    "--prior",
    type=click.Path(path_type=Path),
    metavar="RUN",
    shell_complete=complete_runs,
    help="What is known before: the mixture of another run counts as points whose components are "
    "known. The fit starts there, with its columns, unless --init or --like says where.",
)
@click.option(
    "--prior-weight",
    type=real(PRIOR_WEIGHT_RANGE),
    metavar="N",
    help="How many points --prior counts as.  [default: as many as make nothing surer than it is "
    "in RUN]",
)
@click.option(
    "--resume",
    type=click.Path(path_type=Path),
    metavar="RUN",
    shell_complete=complete_runs,
    help="Go on with a fit that was interrupted or reached --steps, as it was asked for, and "
    "replace its run. DATA is read again, by default from where it was.",
)
@click.option(
    "--effort",
    type=click.Choice(EFFORTS),
    default=FitSettings.effort,
    show_default=True,
    help="How long to search for a better mixture: longer is surer and slower.",
)
@click.option(
    "--floor",
    type=real(FLOOR_RANGE),
    default=FitSettings.floor,
    show_default=True,
    metavar="F",
    help="The least standard deviation of a component, as a share of the data's; what the rounding "
    "of the values hides comes on top.",
)
@click.option(
    "--valley",
    type=valley_type,
    default=VALLEY,
    show_default=True,
    metavar="F",
    help="Two modes are one group unless the density between them falls below this share of the "
    "lower one; 0.5 keeps clear valleys only.",
)
@click.option(
    "--level",
    type=real(LEVEL_RANGE),
    default=LEVEL,
    show_default=True,
    metavar="F",
    help="The confidence level of the intervals in parameters.json.",
)
@click.option(
    "--bootstrap",
    type=whole(BOOTSTRAP_RANGE),
    metavar="N",
    help="Find the errors from N resamples, such as 200: better ones where components overlap. "
    "With a choice, say in how many each candidate is the best, too.",
)
@click.option(
    "--optimizer",
    type=click.Choice(OPTIMIZERS),
    default=FitSettings.optimizer,
    show_default=True,
    help="How to climb to the optimum: by natural gradient, or by Adam.",
)
@click.option(
    "--learning-rate",
    type=real(LEARNING_RATE_RANGE),
    metavar="F",
    help="How far a step goes: the share of a full natural-gradient step "
    f"({LEARNING_RATES['natural']:g} by default), or Adam's rate ({LEARNING_RATES['adam']:g} by "
    "default).",
)
@click.option(
    "--steps",
    type=whole(STEPS_RANGE),
    default=FitSettings.steps,
    show_default=True,
    metavar="N",
    help="The most steps to take after the search; with --resume, further steps.",
)
@click.option(
    "--snapshots",
    type=StepChoice(),
    default="auto",
    show_default=True,
    metavar="auto|N",
    help=f"Which steps to draw: up to {AUTO_SNAPSHOTS} that tell how the fit went (auto), or the "
    "first and every Nth after it.",
)
@seed_option
@click.option(
    "--strict",
    is_flag=True,
    help="Refuse rows with an empty or non-finite coordinate, rather than skip them.",
)
@axes_option
@click.option(
    "--verify",
    is_flag=True,
    help="Report the exact log-likelihood too, by reading DATA once more.",
)
@click.option(
    "--assignments",
    metavar="FILE",
    help="Write the rows of DATA with their labels too, as gmm predict does: .csv, .csv.gz or "
    ".parquet; with --engine spark, a directory of parts with such a name.",
)
@click.option("--no-frames", is_flag=True, help="Draw no pictures.")
@click.option("--show", is_flag=True, help="Draw the result in the terminal, too.")
@click.option(
    "--overwrite",
    is_flag=True,
    help="Replace RUN, and the file of --assignments, where they exist.",
)
@json_option
@exit_code_option
@click.option("-q", "--quiet", is_flag=True, help="Print nothing but errors.")
@click.pass_context
def fit(ctx: click.Context, /, **options: Any) -> None:
    """Fit a mixture of Gaussians to the points in a table.

    DATA is a text file with columns, such as CSV (plain, .gz or .zst), a Parquet, Arrow, JSON lines
    or Excel file, a quoted pattern of files, - for standard input, or the URL of a database.
    Without -x and -y, the first two numeric columns are the coordinates; these two, --weight and
    --by take expressions of columns, too (arithmetic, log10, asinh, sqrt and others). Rows with an
    empty or non-finite coordinate are skipped and counted. A large table becomes cells, groups of
    close points, and the summary says what that costs. Writes a directory with parameters.json,
    history.csv, cells.parquet, frames/, convergence.png and convergence.html, where there was a
    choice selection.csv and selection.png, and where groups are not components, or a lower valley
    would clearly join some, groups.png. Ctrl-C ends the fit at the next step and keeps what there
    is.
    """
    from gmmcli.cli.resumption import make_request
    from gmmcli.pictures.painter import Painter

    request, interrupts = make_request(ctx, options), Interrupts()
    # It loads its libraries from now on, while this process loads others.
    painter = None if request.no_frames else ctx.with_resource(Painter())
    from gmmcli.cli.fitting import (
        draw_pictures,
        fit_mixture,
        read_data,
        report_files,
        report_fit,
        verify,
        write_assignments,
        write_fit,
    )
    from gmmcli.cli.reporter import Reporter
    from gmmcli.cli.starts import compare
    from gmmcli.cli.values import fit_by_value

    reporter = Reporter(quiet=request.quiet, as_json=request.json)
    task = read_data(request, ctx, reporter)
    result = fit_mixture(task, interrupts, reporter)
    exact = verify(task, result, reporter) if request.verify else None
    likeness = compare(request.like, task.start, result.mixture)
    files = write_fit(task, result, exact, likeness, interrupts)
    with mention_kept_fit(task.directory):
        code = report_fit(task, result, exact, likeness, reporter)
        if request.assignments is not None:
            write_assignments(task, result, request.assignments, reporter)
        if painter is not None:
            files += draw_pictures(task.directory, painter, reporter)
        if request.by is not None and not interrupts():
            table, failed = fit_by_value(task, result, interrupts, reporter)
            files, code = [*files, table], failed or code
        report_files(task, files, reporter)
    ctx.exit(interrupts.exit_code or code)
