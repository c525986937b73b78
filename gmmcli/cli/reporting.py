"""What a command says while it works, on stderr, and what it found, on stdout."""

import math
import os
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from rich import box
from rich.console import Console, RenderableType
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text

from gmmcli.errors import OutputError
from gmmcli.settings import ALIKE, HANDFUL, MOST_SHIFT, ON_FLOOR, PRELIMINARY

if TYPE_CHECKING:
    from gmmcli.core.cells.compression import Compression
    from gmmcli.core.mixture.mixture import Mixture
    from gmmcli.core.runs.result import Fit, Search
    from gmmcli.core.search.criteria import Candidate, Selection
    from gmmcli.core.tables.table import Table as Points

PIPED_WIDTH = 120
PATIENCE_SECONDS = 1.0
# The component table less its four columns that are headed by a coordinate's name.
OTHER_COLUMNS_WIDTH = 46
SHORTEST_NAME = 6

# A component with less than this share of a handful of points is empty.
EMPTY = 1 / 12
# From this share of the largest gap that is allowed, estimates say little any more, and parameters
# may be off by more than a standard error: by proportion that is at some 20 to 30.
FAR_TOO_COARSE = 10

Item = TypeVar("Item")


class Reporter:
    """Messages to stderr and results to stdout, both plain where they are no terminal.

    Args:
        quiet: say nothing; errors are not said here.
    """

    def __init__(self, *, quiet: bool = False) -> None:
        self._messages = _console(stderr=True, quiet=quiet)
        self._results = _console(stderr=False, quiet=quiet)

    def note(self, message: str) -> None:
        """Say one line that the user should know."""
        self._messages.print(Text(message), soft_wrap=True)

    @contextmanager
    def working(self, what: str) -> Iterator[None]:
        """Show a moving bar while the block runs."""
        with self._bar(what):
            yield

    @contextmanager
    def stepping(self) -> Iterator[Callable[[str, int, float], None]]:
        """Show what is passed to what this yields: a word, a number and the ELBO per point."""
        with self._bar("searching") as progress:
            (task,) = progress.task_ids

            def show(what: str, number: int, elbo_per_point: float) -> None:
                line = f"{what} {number}   ELBO {elbo_per_point:.6f} nats per point"
                progress.update(task, description=line)

            yield show

    def tracked(self, items: Iterable[Item], total: float, what: str) -> Iterator[Item]:
        """The items, with a bar once they take over a second; each counts 1 towards the total."""
        began = time.monotonic()
        with self._bar(what, total=total, patient=True) as progress:
            (task,) = progress.task_ids
            for item in items:
                yield item
                progress.advance(task)
                if time.monotonic() - began > PATIENCE_SECONDS:
                    self._start(progress)

    def summary(
        self, fit: "Fit", table: "Points", exact_log_likelihood: float | None = None
    ) -> None:
        """Print how a fit to a table ended, its components and its figures."""
        seconds, remedy = f"{fit.seconds:.2f} s", fit.status.remedy
        ended = f"{fit.status.value} after {_counted(fit.history.last_step, 'step')}, {seconds}"
        self._say(f"{ended} ({remedy})" if remedy else ended)
        self._say(_component_table(fit.mixture, table.columns, self._results.width))
        for line in _figures(fit, exact_log_likelihood, is_weighted=table.weight is not None):
            self._say(Text(line), soft_wrap=True)
        for line in _warnings(fit, exact_log_likelihood, is_weighted=table.weight is not None):
            self.note(line)

    def files(self, directory: Path, files: Sequence[Path]) -> None:
        """Print which files a directory got; those in a directory of their own are frames."""
        names = [path.name for path in files if path.parent == directory]
        n_frames = len(files) - len(names)
        if n_frames:
            names.append(_counted(n_frames, "frame"))
        self._say(Text(f"wrote {directory}: {', '.join(names)}"), soft_wrap=True)

    def rows(self, table: "Points", compression: "Compression", *, chosen: bool) -> None:
        """Say how a table was read: its header, the columns chosen for the user, rows skipped."""
        if not table.has_header:
            self.note("the first line has numbers only: it is read as data, not as a header")
        if chosen:
            x, y = table.columns
            self.note(f"coordinates: {x!r} and {y!r} (choose others with -x and -y)")
        if compression.n_skipped:
            skipped, rows = compression.n_skipped, compression.n_rows
            self.note(f"skipped {skipped:,} of {rows:,} rows: a coordinate is empty or not finite")

    def _say(self, result: RenderableType, *, soft_wrap: bool = False) -> None:
        try:
            self._results.print(result, soft_wrap=soft_wrap)
        except OSError as error:
            _silence(self._results)
            raise OutputError(f"cannot write to standard output: {error.strerror}") from error

    @contextmanager
    def _bar(
        self, what: str, *, total: float | None = None, patient: bool = False
    ) -> Iterator[Progress]:
        columns = (TextColumn("{task.description}", markup=False), BarColumn(), TimeElapsedColumn())
        progress = Progress(*columns, console=self._messages, transient=True)
        progress.add_task(what, total=total)
        if not patient:
            self._start(progress)
        try:
            yield progress
        finally:
            if progress.live.is_started:
                progress.stop()

    def _start(self, progress: Progress) -> None:
        if self._messages.is_terminal and not self._messages.quiet:
            progress.start()


def shown_name(data: str, table: str | None) -> str:
    """What progress calls the data; never a URL, which may hold a password."""
    return data if "://" not in data else table or "the data"


class _Console(Console):
    """A console that falls silent, rather than end the command, when nobody reads on."""

    def on_broken_pipe(self) -> None:
        _silence(self)


def _silence(console: Console) -> None:
    """Let everything that a console has still to say, or its stream to write, go nowhere."""
    console.quiet = True
    with Path(os.devnull).open("w") as nowhere:
        os.dup2(nowhere.fileno(), console.file.fileno())


def _console(*, stderr: bool, quiet: bool) -> Console:
    console = _Console(stderr=stderr, quiet=quiet, highlight=False)
    if not console.is_terminal:
        console.width = PIPED_WIDTH
    return console


def _counted(number: int, what: str, *, fewest: int | None = None) -> str:
    numbers = f"{number:,}" if fewest in (None, number) else f"{fewest:,} to {number:,}"
    return f"{numbers} {what}" if number == 1 else f"{numbers} {what}s"


def _listed(components: Sequence[int]) -> str:
    numbers = ", ".join(str(k) for k in components)
    return f"component {numbers}" if len(components) == 1 else f"components {numbers}"


def _figures(fit: "Fit", exact_log_likelihood: float | None, *, is_weighted: bool) -> Iterator[str]:
    """Lines that tell the log-likelihood of a fit, its criteria, and what the search did."""
    n_points, figures = fit.cells.n_points, fit.criteria
    per_point = f"{fit.log_likelihood / n_points:.6f} for each of {n_points:,.0f} points"
    point, better = "point", "lower is better"
    if is_weighted:
        per_point = f"{fit.log_likelihood / n_points:.6f} per unit of weight, of {n_points:,.10g}"
        point, better = "unit of weight", f"{better}; N is the total weight"
    yield f"log-likelihood {fit.log_likelihood:.4f} nats, {per_point}"
    yield f"BIC {figures.bic:.2f}   AIC {figures.aic:.2f}   ICL {figures.icl:.2f}   ({better})"
    if fit.compression_gap:
        yield (
            f"from {fit.cells.n_cells:,} cells, as a lower bound: the log-likelihood is about "
            f"{fit.compression_gap:.6f} nats per {point} higher"
        )
        if (shift := fit.compression_shift) is not None:
            yield f"cells move parameters by some {shift:.3f} standard errors at most"
    if exact_log_likelihood is not None:
        gap = f"{fit.true_gap(exact_log_likelihood):z.6f} per {point}"
        yield f"exact log-likelihood {exact_log_likelihood:.4f} nats: {gap} higher"
    if fit.search is not None and fit.search.rounds:
        yield _search(fit.search)
    if fit.selection is not None and len(fit.selection.candidates) > 1:
        yield _selection(fit.selection)


def _warnings(
    fit: "Fit", exact_log_likelihood: float | None, *, is_weighted: bool
) -> Iterator[str]:
    """Lines that tell where a fit is not to be trusted, and what to do."""
    if exact_log_likelihood is None:
        gap, ratio = "estimated gap", fit.gap_ratio(fit.compression_gap)
    else:
        gap, ratio = "true gap", fit.gap_ratio(fit.true_gap(exact_log_likelihood))
    search = fit.search
    if search is not None and search.starts and not search.returns:
        effort = "another --seed" if fit.settings.effort == "thorough" else "--effort thorough"
        yield f"no other start led as high: there may be a better mixture, which {effort} may find"
    if fit.status.value != "interrupted" and (fit.is_coarse or ratio > 1):
        shift = fit.compression_shift or 0.0
        yield f"{_coarseness(gap, ratio, shift)}; raise --cells, or take --exact"
    if fit.selection is not None:
        if fit.status.value == "interrupted":
            yield "interrupted before all candidates were compared: fit again for a choice"
        else:
            yield from _doubts(fit.selection)
    if fit.floored:
        yield (
            f"on the covariance floor: {_listed(fit.floored)} (points on a line or on one "
            "spot); the log-likelihood and the criteria depend on where the floor is"
        )
    held = fit.mixture.weights * fit.cells.n_points
    least = EMPTY * fit.handful
    empty = [k for k, count in enumerate(held) if count < least]
    few = [k for k in fit.with_few_points if k not in empty]
    if empty:
        yield f"left without points: {_listed(empty)}; start elsewhere, or take a lower -k"
    if few:
        points = (
            f"less than {HANDFUL} rows' weight" if is_weighted else f"fewer than {HANDFUL} points"
        )
        remedy = "take a lower -k" if fit.mixture.n_components > 1 else "fit more points"
        if fit.has_strays_alone_on_few:
            remedy = "they may be strays, which are far from all others"
        yield f"on {points}: {_listed(few)}; {remedy}"


def _search(search: "Search") -> str:
    """What a search tried, and how sure it is."""
    tried = (
        f"search: {_counted(search.rounds, 'round')} of moves, {search.moves or 'none'} led higher"
    )
    if not search.starts:
        return tried
    starts = _counted(search.starts, "other start")
    return f"{tried}; {search.returns or 'none'} of {starts} led as high as the best"


def _selection(selection: "Selection") -> str:
    """What was chosen, from what, and what came next."""
    numbers = [candidate.components for candidate in selection.candidates]
    name, n_candidates = selection.criterion.upper(), len(selection.candidates)
    chosen = f"chosen by {name}: {_label(selection.winner)}, of "
    chosen += f"{_counted(n_candidates, 'candidate')} with "
    chosen += _counted(max(numbers), "component", fewest=min(numbers))
    if selection.runner_up is None or selection.lead is None:
        return chosen
    most = "at most " if selection.runner_up.status == PRELIMINARY else ""
    return f"{chosen}; next {_label(selection.runner_up)}, {most}{selection.lead:.2f} higher"


def _doubts(selection: "Selection") -> Iterator[str]:
    """Lines that tell where a choice is not to be trusted, and what to do."""
    name, winner, second = selection.criterion.upper(), selection.winner, selection.runner_up
    lower = [c for c in selection.candidates if selection.value(c) < selection.value(winner)]
    if winner.eligible and lower:
        lowest = min(lower, key=selection.value)
        by = selection.value(winner) - selection.value(lowest)
        are_floored = any(candidate.status == ON_FLOOR for candidate in lower)
        remedy = "; if values are rounded, raise --floor, and leave out single points far off"
        remedy = remedy if are_floored else ""
        yield (
            f"{_counted(len(lower), 'candidate')} with a lower {name} not taken, the lowest "
            f"{_label(lowest)} by {by:.2f}: a component {_reasons(lower)}{remedy}"
        )
    if not winner.eligible:
        yield (
            "the simplest is taken, as every candidate has a component "
            f"{_reasons(selection.candidates)}: ask for another with -k"
        )
    elif second is not None and selection.lead is not None and selection.lead < ALIKE:
        yield (
            f"the data do not tell {_label(winner)} from {_label(second)}: "
            f"their {name} differs by less than {ALIKE:g}"
        )
    most = max(candidate.components for candidate in selection.candidates)
    fewest = min(candidate.components for candidate in selection.candidates)
    if fewest < winner.components == most:
        yield f"the best is at the end of the range: try more, such as -k {most}:{2 * most}"


def _reasons(candidates: "Iterable[Candidate]") -> str:
    """Why candidates cannot be chosen."""
    return " or ".join(sorted({c.status for c in candidates if not c.eligible}))


def _label(candidate: "Candidate") -> str:
    return f"{_counted(candidate.components, 'component')} ({candidate.covariance})"


def _coarseness(gap: str, ratio: float, shift: float) -> str:
    """What cells that break a rule do to a fit, given how its gap compares with the largest."""
    if ratio <= 1 and shift <= MOST_SHIFT:
        return (
            f"some cells are too coarse to be sure of the parameters to {MOST_SHIFT} standard "
            "errors: they move them by more, perhaps, than estimated"
        )
    if ratio > FAR_TOO_COARSE:
        return (
            f"the cells are far too coarse: the {gap} is {ratio:,.1f} times the largest that is "
            "allowed, so parameters may be off by more than a standard error"
        )
    found = []
    if shift > MOST_SHIFT:
        found.append(f"they move parameters by up to {shift:.3f} standard errors")
    if ratio > 1:
        found.append(f"the {gap} is {ratio:,.1f} times the largest that is allowed")
    return f"the cells are too coarse: {' and '.join(found)}"


def _component_table(mixture: "Mixture", columns: tuple[str, str], width: int) -> Table:
    """A table that fits a width, in characters, by cutting long names of columns."""
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    room = max((width - OTHER_COLUMNS_WIDTH) // 2, 2 * SHORTEST_NAME)  # for the two names
    longest = room // 2 if sum(map(len, columns)) > room else room
    x, y = (name if len(name) <= longest else f"{name[: longest - 1]}…" for name in columns)
    headings = (
        "component",
        "weight",
        f"mean\n{x}",
        f"mean\n{y}",
        f"sd\n{x}",
        f"sd\n{y}",
        "correlation",
    )
    for heading in headings:
        table.add_column(Text(heading), justify="right", vertical="bottom", no_wrap=True)
    for k in range(mixture.n_components):
        (mean_x, mean_y), covariance = mixture.means[k], mixture.covariances[k]
        sd_x, sd_y = math.sqrt(covariance[0, 0]), math.sqrt(covariance[1, 1])
        table.add_row(
            str(k),
            f"{mixture.weights[k]:.4f}",
            rounded(mean_x, sd_x),
            rounded(mean_y, sd_y),
            f"{sd_x:.4g}",
            f"{sd_y:.4g}",
            f"{covariance[0, 1] / (sd_x * sd_y):z.3f}",
        )
    return table


def rounded(value: float, scale: float) -> str:
    """A value with as many digits as show a hundredth of a scale."""
    if value == 0:
        return "0"
    magnitude = math.floor(math.log10(abs(value))) - math.floor(math.log10(scale))
    return f"{value:.{min(max(magnitude + 3, 1), 17)}g}"
