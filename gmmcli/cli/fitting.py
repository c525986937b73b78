"""The steps of `gmm fit`, from a table to a run with its pictures.

Heavy modules are imported where a step begins, while a bar shows what it does.
"""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial
from importlib import import_module
from pathlib import Path
from threading import Thread
from typing import TYPE_CHECKING

import click

from gmmcli.cli.application import tell_doubt
from gmmcli.cli.interrupts import Interrupts
from gmmcli.cli.report import Report, print_components, print_figures
from gmmcli.cli.reporter import Reporter
from gmmcli.cli.request import Request, make_choice, make_settings
from gmmcli.cli.starts import lay_start, report_moves, tell_known
from gmmcli.cli.summary import describe_rows
from gmmcli.core.runs.words import count
from gmmcli.settings import ALIKE, Choice

if TYPE_CHECKING:
    from gmmcli.core.cells.compression import Compression
    from gmmcli.core.mixture.knowledge import Knowledge
    from gmmcli.core.mixture.mixture import Mixture
    from gmmcli.core.mixture.units import Nats
    from gmmcli.core.runs.likeness import Likeness
    from gmmcli.core.runs.result import Fit, Provenance
    from gmmcli.core.search.outcome import Outcome
    from gmmcli.core.tables.source import Source
    from gmmcli.core.tables.table import Table as Points
    from gmmcli.pictures.painter import Painter


@dataclass(frozen=True, eq=False)
class Task:
    """A request whose data are read: all that a fit and its run need.

    Attributes:
        request: what the user asks for.
        directory: where the run goes.
        claimed: the claim of it.
        choice: what the mixture is chosen from.
        start: the mixture to begin with; None where one is searched for.
        known: of the mixture before the data.
        source: what the user named.
        points: the rows.
        compression: the rows as cells.
    """

    request: Request
    directory: Path
    claimed: Path
    choice: Choice
    start: "Mixture | None"
    known: "Knowledge"
    source: "Source"
    points: "Points"
    compression: "Compression"


def read_data(request: Request, context: click.Context, reporter: Reporter) -> Task:
    """The request with its table opened and compressed, after all checks that need no fit.

    Torch loads in a thread while the engine reads. What is opened closes with Click's context.
    """
    with reporter.show_work(f"reading {request.name}"):
        from gmmcli.core.cells.compression import compress
        from gmmcli.core.runs.directory import claim_run
        from gmmcli.core.runs.layout import check_kept, name_directory
        from gmmcli.core.search.sketch import sketch_mixture
        from gmmcli.core.tables.copies import resolve_source
        from gmmcli.core.tables.export import check_export
        from gmmcli.core.tables.source import check_apart
        from gmmcli.core.tables.table import open_table

        given = request.find_start()
        request, known = request if given is None else request.follow(given), tell_known(given)
        named = request.data, request.table, request.engine
        source = context.with_resource(resolve_source(*named, where=request.where))
        x, y = request.x_column, request.y_column
        points = open_table(source, x=x, y=y, weight=request.weight, by=request.by)
        directory = request.output or name_directory(request.table or request.data)
        claimed = context.with_resource(claim_run(directory, overwrite=request.overwrite))
        check_apart(source, directory)
        if (labelled := request.assignments) is not None:
            check_export(source, labelled, overwrite=request.overwrite, option="--assignments")
            check_kept(labelled, directory, option="--assignments")
        choice = make_choice(request, given)
        compression = compress(
            points,
            exact=request.exact,
            most_cells=request.most_cells,
            strict=request.strict,
            sketch=partial(sketch_mixture, n_components=choice.most),
            meanwhile=Thread(target=_load_search).start,
        )
        start = None if given is None else lay_start(given, compression.cells)
    if (resumed := request.going_on) is not None:
        resumed.check_data(compression.n_rows, compression.cells)
        start = resumed.start
    for line in describe_rows(points, compression, are_columns_chosen=x is None or y is None):
        reporter.note(line)
    return Task(request, directory, claimed, choice, start, known, source, points, compression)


def _load_search() -> None:
    """Load Torch; an error comes again, and is told, where it is needed."""
    with suppress(Exception):
        import_module("gmmcli.core.search.fit")


def fit_mixture(task: Task, interrupts: Interrupts, reporter: Reporter) -> "Fit":
    """The best mixture of a task; what there is of it, where an interrupt ended the fit."""
    with reporter.show_work("loading Pyro"):
        from gmmcli.core.runs.fits import fit_cells, make_hooks
        from gmmcli.core.runs.result import describe
        from gmmcli.core.search.hooks import Hooks

    asked = make_settings(task.request, task.choice), task.choice, task.start
    with interrupts.postpone(), reporter.show_steps() as watch:
        hooks = make_hooks(task.compression, Hooks(watch=watch, interrupted=interrupts))
        if (resumed := task.request.going_on) is not None:
            outcome = resumed.go_on(task.compression.cells, asked[0], hooks)
        else:
            outcome = fit_cells(task.compression.cells, *asked, hooks, task.known)
        fit = describe(outcome, task.request.valley, task.request.level)
    if task.request.bootstrap is None or interrupts():
        return fit
    return resample_fit(task, fit, outcome, interrupts, reporter)


def resample_fit(
    task: Task, fit: "Fit", outcome: "Outcome", interrupts: Interrupts, reporter: Reporter
) -> "Fit":
    """A fit with errors from resamples, as many as were asked for, or done before an interrupt."""
    from gmmcli.core.runs.resampling import resample

    number, level = task.request.bootstrap or 0, task.request.level
    if fit.diagnostics is None:
        reporter.note("no standard errors, and no resamples: the fit did not converge")
    with interrupts.postpone(), reporter.count(number, "resampling") as watch:
        found = resample(fit, outcome, number, level, watch, interrupts)
    if interrupts():
        done = 0 if found.bootstrap is None else len(found.bootstrap.figures)
        kept = f"those of {count(done, 'resample')}" if done else "those without resamples"
        reporter.note(f"interrupted: standard errors are {kept}")
    return found


def verify(task: Task, fit: "Fit", reporter: Reporter) -> "Nats":
    """The exact log-likelihood of all rows, in nats, by reading them once more."""
    with reporter.show_work(f"reading {task.request.name} once more"):
        from gmmcli.core.tables.prediction import compute_log_likelihood

        return compute_log_likelihood(task.points, fit.mixture)


def write_fit(
    task: Task,
    fit: "Fit",
    exact_log_likelihood: "Nats | None",
    likeness: "Likeness | None",
    interrupts: Interrupts,
) -> list[Path]:
    """The files of a run, written, which no interrupt undoes."""
    from gmmcli.core.runs.directory import write_run

    provenance = make_provenance(task, likeness)
    directory, claimed = task.directory, task.claimed
    with interrupts.postpone():
        return write_run(directory, fit, provenance, exact_log_likelihood, claimed=claimed)


def make_provenance(task: Task, likeness: "Likeness | None") -> "Provenance":
    """Where the fit of a task comes from, and what it is like, for its run to say."""
    from gmmcli.core.runs.asked import Asked
    from gmmcli.core.runs.result import Provenance

    request = task.request
    asked = Asked.among(
        task.choice,
        table=request.table,
        engine=request.engine,
        weight=request.weight,
        where=request.where,
        by=request.by,
        strict=request.strict,
        exact=request.exact,
        cells=request.most_cells,
        init=request.init,
        like=None if request.like is None else str(request.like),
        prior=None if request.prior is None else str(request.prior),
        prior_weight=request.prior_weight,
        valley=request.valley,
        level=request.level,
        bootstrap=request.bootstrap,
        snapshots=request.snapshots,
        pictures=not request.no_frames,
    )
    if request.going_on is not None:  # what it was chosen from is told as it was
        before = request.going_on.asked
        asked = replace(asked, background=before.background, choice=before.choice)
    return Provenance(
        columns=task.points.columns,
        source=task.source.name,
        n_rows=task.compression.n_rows,
        n_skipped=task.compression.n_skipped,
        asked=asked,
        like=likeness,
    )


def report_fit(
    task: Task,
    fit: "Fit",
    exact_log_likelihood: "Nats | None",
    likeness: "Likeness | None",
    reporter: Reporter,
) -> int:
    """Print the summary of a fit, say where to be cautious, and give the exit code for that."""
    from gmmcli.core.cells.strays import find_strays

    report = Report(
        fit=fit,
        columns=task.points.columns,
        is_weighted=task.request.weight is not None,
        prior=None if task.request.prior is None else str(task.request.prior),
        exact_log_likelihood=exact_log_likelihood,
        strays=find_strays(task.points, fit.mixture) if fit.mixture.background else [],
    )
    print_components(report, reporter, shows_axes=task.request.axes)
    if likeness is not None:
        report_moves(likeness, fit.mixture, reporter)
        note_larger(task, fit, reporter)
    return tell_doubt(print_figures(report, reporter), task.request.exit_code)


def report_files(task: Task, files: Sequence[Path], reporter: Reporter) -> None:
    """Print what was written, and the picture and the JSON of the run where they are asked for."""
    from gmmcli.cli.summary import describe_files
    from gmmcli.cli.terminal import show_run

    reporter.print(describe_files(task.directory, files))
    if task.request.show:
        show_run(task.directory, reporter)
    if task.request.json:
        reporter.print_run(task.directory)


def note_larger(task: Task, fit: "Fit", reporter: Reporter) -> None:
    """Say where a fit that is like another has too few components for its data."""
    from gmmcli.core.search.fit import find_larger
    from gmmcli.core.search.hooks import Hooks

    hooks = Hooks(grain=task.compression.grain)
    gain = find_larger(fit.cells, fit.settings, fit.mixture, hooks=hooks)
    if gain > ALIKE:
        number = fit.mixture.n_components + 1
        reporter.note(
            f"{number} components would have a BIC about {gain:,.0f} lower: there may be a group "
            f"that {task.request.like} has not; leave out --like to look for it"
        )


def write_assignments(task: Task, fit: "Fit", output: str, reporter: Reporter) -> None:
    """Write the rows of a task with their labels to a file."""
    with reporter.show_work(f"writing {output}"):
        from gmmcli.core.groups.borders import draw_territories
        from gmmcli.core.tables.prediction import predict_rows, write_predictions

        territories = draw_territories(fit.mixture, fit.groups.tree, fit.groups.valley)
        predict = partial(predict_rows, mixture=fit.mixture, territories=territories)
        columns, overwrite = task.points.columns, task.request.overwrite
        write_predictions(task.source, columns, predict, output, overwrite=overwrite)


def draw_pictures(directory: Path, painter: "Painter", reporter: Reporter) -> list[Path]:
    """The pictures of a run that was just written, drawn from what was written alone."""
    painter.begin(directory)
    with reporter.show_work(f"reading {directory}"):
        from gmmcli.core.runs.directory import read_run
        from gmmcli.pictures.painter import draw_unasked, name_unasked

        run = read_run(directory)
        n_pictures = len(name_unasked(run))
    if run.history.last_step not in run.history.choose_steps(run.snapshots):
        reporter.note(
            f"the last step, {run.history.last_step}, is not among the snapshots: "
            f"gmm plot {directory} --steps auto draws it"
        )
    drawn = list(reporter.track(painter.wait_for_pictures(), n_pictures, "drawing"))
    if len(drawn) == n_pictures:
        return drawn
    with reporter.show_work("loading matplotlib"):
        import_module("gmmcli.pictures.drawing")
    return list(reporter.track(draw_unasked(run, directory), n_pictures, "drawing"))
