"""What a command says: messages and progress on stderr, results on stdout."""

import json
import os
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import click
from rich.console import Console, RenderableType
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
from rich.text import Text

from gmmcli.errors import OutputError, escape

Item = TypeVar("Item")


class Reporter:
    """Messages to stderr and results to stdout, both plain where they are no terminal.

    Args:
        quiet: say nothing; errors are not said here.
        as_json: results are words here too, and go to stderr; stdout is for JSON.
    """

    def __init__(self, *, quiet: bool = False, as_json: bool = False) -> None:
        self._messages = _make_console(stderr=True, quiet=quiet)
        self._results = _make_console(stderr=as_json, quiet=quiet)

    @property
    def width(self) -> int:
        """The width of results, in characters."""
        return self._results.width

    def note(self, message: str) -> None:
        """Say one line that the user should know."""
        self._messages.print(Text(escape(message)), soft_wrap=True)

    def print(self, result: RenderableType) -> None:
        """Print a part of the result; text stays in one line, however long.

        Raises:
            OutputError: when standard output cannot be written.
        """
        printed = Text(escape(result)) if isinstance(result, str) else result
        try:
            self._results.print(printed, soft_wrap=isinstance(result, str))
        except OSError as error:
            _silence(self._results)
            raise OutputError(f"cannot write to standard output: {error.strerror}") from error

    def print_run(self, run: Path) -> None:
        """Print the JSON of a run, with its directory, as one object to stdout.

        Raises:
            RunError: when it cannot be read.
        """
        from gmmcli.core.runs.parameters import read_json

        self.print_object({"run": str(run), **read_json(run)})

    def print_object(self, values: Mapping[str, Any]) -> None:
        """Print an object as JSON to stdout, quiet or not."""
        click.echo(json.dumps(values, indent=2, allow_nan=False))

    @contextmanager
    def show_work(self, what: str) -> Iterator[None]:
        """Show a moving bar while the block runs."""
        with self._make_bar(what):
            yield

    @contextmanager
    def show_steps(self) -> Iterator[Callable[[str, int, float], None]]:
        """Show what is passed to what this yields: a word, a number and the ELBO per point."""
        with self._make_bar("searching") as progress:
            (task,) = progress.task_ids

            def show(what: str, number: int, elbo_per_point: float) -> None:
                line = f"{what} {number}   ELBO {elbo_per_point:.6f} nats per point"
                progress.update(task, description=line)

            yield show

    @contextmanager
    def count(self, total: int, what: str) -> Iterator[Callable[[int], None]]:
        """Show how many of so many are done, as what this yields is told."""
        with self._make_bar(what, total=total) as progress:
            (task,) = progress.task_ids

            def show(number: int) -> None:
                progress.update(task, completed=number)

            yield show

    def track(
        self, items: Iterable[Item], total: float, what: str, *, patience_seconds: float = 1.0
    ) -> Iterator[Item]:
        """The items, each counted towards the total by a bar, once that takes some patience."""
        began = time.monotonic()
        with self._make_bar(what, total=total, starts=False) as progress:
            (task,) = progress.task_ids
            for item in items:
                yield item
                progress.advance(task)
                if time.monotonic() - began > patience_seconds:
                    self._start(progress)

    @contextmanager
    def _make_bar(
        self, what: str, *, total: float | None = None, starts: bool = True
    ) -> Iterator[Progress]:
        columns = (TextColumn("{task.description}", markup=False), BarColumn(), TimeElapsedColumn())
        progress = Progress(*columns, console=self._messages, transient=True)
        progress.add_task(escape(what), total=total)
        if starts:
            self._start(progress)
        try:
            yield progress
        finally:
            if progress.live.is_started:
                progress.stop()

    def _start(self, progress: Progress) -> None:
        if self._messages.is_terminal and not self._messages.quiet:
            progress.start()


class _Console(Console):
    """A console that falls silent, rather than end the command, when nobody reads on."""

    def on_broken_pipe(self) -> None:
        _silence(self)


def _silence(console: Console) -> None:
    """Let everything that a console has still to say, or its stream to write, go nowhere."""
    console.quiet = True
    with Path(os.devnull).open("w") as nowhere:
        os.dup2(nowhere.fileno(), console.file.fileno())


def _make_console(*, stderr: bool, quiet: bool, piped_width: int = 120) -> Console:
    """A console for one of the two streams; where it is no terminal, of a width in characters."""
    console = _Console(stderr=stderr, quiet=quiet, highlight=False)
    if not console.is_terminal:
        console.width = piped_width
    return console
