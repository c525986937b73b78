"""`gmm show`: the summary of a run, again."""

from pathlib import Path

import click

from gmmcli.cli.application import tell_doubt
from gmmcli.cli.completion import complete_runs
from gmmcli.cli.options import axes_option, exit_code_option, json_option

EXAMPLES = """\b
Examples:
  gmm show old_faithful
  gmm show old_faithful --axes
  gmm show old_faithful --json
"""


@click.command(short_help="Show the summary of a run again.", epilog=EXAMPLES)
@click.argument("run", type=click.Path(path_type=Path), shell_complete=complete_runs)
@axes_option
@json_option
@exit_code_option
@click.pass_context
def show(ctx: click.Context, *, run: Path, axes: bool, json: bool, exit_code: bool) -> None:
    """Show the summary of RUN, a directory that gmm fit wrote, from what it holds alone."""
    from gmmcli.cli.report import Report, print_components, print_figures
    from gmmcli.cli.reporter import Reporter
    from gmmcli.cli.summary import describe_provenance
    from gmmcli.core.runs.directory import read_run

    reporter = Reporter(as_json=json)
    record = read_run(run)
    report = Report(
        fit=record.to_fit(),
        columns=record.columns,
        is_weighted=record.provenance.asked.weight is not None,
        prior=record.provenance.asked.prior,
        exact_log_likelihood=record.figures.exact_log_likelihood,
    )
    reporter.print(describe_provenance(record.provenance))
    print_components(report, reporter, shows_axes=axes)
    is_doubtful = print_figures(report, reporter)
    if json:
        reporter.print_run(run)
    ctx.exit(tell_doubt(is_doubtful, exit_code))
