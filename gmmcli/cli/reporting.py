"""What a command says while it works, on stderr, and what it found, on stdout."""

import math
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from rich import box
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text

from gmmcli.core.settings import HANDFUL

if TYPE_CHECKING:
    from gmmcli.core.compression import Compression
    from gmmcli.core.mixture import Mixture
    from gmmcli.core.result import Fit
    from gmmcli.core.tables import Table as Points

PIPED_WIDTH = 120
PATIENCE_SECONDS = 1.0
# The component table less its four columns that are headed by a coordinate's name.
OTHER_COLUMNS_WIDTH = 46
SHORTEST_NAME = 6

# A component with less than this share of a handful of points is empty.
EMPTY = 1 / 12

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
        self, fit: "Fit", columns: tuple[str, str], exact_log_likelihood: float | None = None
    ) -> None:
        """Print how a fit ended, its components and its figures."""
        n_points = fit.cells.n_points
        per_point = f"{fit.log_likelihood / n_points:.6f} for each of {n_points:,.0f} points"
        figures = fit.criteria
        for line in (
            f"{fit.status.value} after {_counted(fit.history.last_step, 'step')}, "
            f"{fit.seconds:.2f} s" + (f" ({fit.status.remedy})" if fit.status.remedy else ""),
            _component_table(fit.mixture, columns, self._results.width),
            f"log-likelihood {fit.log_likelihood:.4f} nats, {per_point}",
            f"BIC {figures.bic:.2f}   AIC {figures.aic:.2f}   ICL {figures.icl:.2f}"
            "   (lower is better)",
        ):
            self._results.print(line)
        if fit.compression_gap:
            self._results.print(
                f"from {fit.cells.n_cells:,} cells, as a lower bound: the log-likelihood is about "
                f"{fit.compression_gap:.6f} nats per point higher"
            )
        if exact_log_likelihood is not None:
            gap = (exact_log_likelihood - fit.log_likelihood) / n_points
            self._results.print(
                f"exact log-likelihood {exact_log_likelihood:.4f} nats: {gap:.6f} per point higher"
            )
        if fit.search is not None and fit.search.rounds:
            tried, moves = _counted(fit.search.rounds, "round"), fit.search.moves
            self._results.print(
                f"search: {tried} of splits and merges, {moves or 'none'} of which led higher"
            )
        if fit.is_coarse:
            self.note(
                "some cells are too coarse to be sure of the parameters to 5 % of their standard "
                "errors: raise --cells, or take --exact"
            )
        if fit.floored:
            self.note(
                f"on the covariance floor: {_listed(fit.floored)} (points on a line or on one "
                "spot); the log-likelihood and the criteria depend on where the floor is"
            )
        held = fit.mixture.weights * n_points
        least = EMPTY * fit.handful
        empty = [k for k, count in enumerate(held) if count < least]
        few = [k for k, count in enumerate(held) if least <= count < fit.handful]
        if empty:
            self.note(f"left without points: {_listed(empty)}; start elsewhere, or take a lower -k")
        if few:
            self.note(f"on fewer than {HANDFUL} points: {_listed(few)}; take a lower -k")

    def files(self, directory: Path, files: Sequence[Path]) -> None:
        """Print which files a directory got; those in a directory of their own are frames."""
        names = [path.name for path in files if path.parent == directory]
        n_frames = len(files) - len(names)
        if n_frames:
            names.append(_counted(n_frames, "frame"))
        self._results.print(Text(f"wrote {directory}: {', '.join(names)}"), soft_wrap=True)

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


def _console(*, stderr: bool, quiet: bool) -> Console:
    console = Console(stderr=stderr, quiet=quiet, highlight=False)
    if not console.is_terminal:
        console.width = PIPED_WIDTH
    return console


def _counted(number: int, what: str) -> str:
    return f"{number:,} {what}" if number == 1 else f"{number:,} {what}s"


def _listed(components: Sequence[int]) -> str:
    numbers = ", ".join(str(k) for k in components)
    return f"component {numbers}" if len(components) == 1 else f"components {numbers}"


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
