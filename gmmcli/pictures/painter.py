"""A second process that loads what pictures need while this one fits, and then draws them.

A run's directory is all that its pictures need, so that is what the process is told: on its
standard input, a line with the directory; on its standard output, a line with each picture that is
there. Where it cannot do its work it ends, and what is left to draw, or to say of an error, is left
to the one that asked.
"""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any

from gmmcli.process import end_process

if TYPE_CHECKING:
    from gmmcli.core.runs.directory import RunRecord
    from gmmcli.pictures.kinds import Order


class Painter:
    """A process that draws a run; as a context, it ends with the block at the latest."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[str] | None = None
        if has_cores_to_spare():
            with suppress(OSError):
                self._process = _start()

    def __enter__(self) -> "Painter":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._process is not None:
            self._process.terminate()
            with suppress(OSError):  # what it was never told, as it had ended
                self._process.communicate()

    def begin(self, directory: Path) -> None:
        """Have the process draw the run in a directory, at the steps that the run says."""
        if self._process is not None and self._process.stdin is not None:
            with suppress(OSError):  # it has ended
                print(json.dumps(str(directory)), file=self._process.stdin, flush=True)

    def wait_for_pictures(self) -> Iterator[Path]:
        """The path of each picture once it is written; not all, where the process failed."""
        if self._process is not None and self._process.stdout is not None:
            for line in self._process.stdout:
                yield Path(json.loads(line))


def has_cores_to_spare() -> bool:
    """Whether another process can run beside this one."""
    return (os.cpu_count() or 1) > 1


def _start() -> subprocess.Popen[str]:
    """The process, which imports from where this one does, and is out of Ctrl-C's reach."""
    apart: dict[str, Any] = {"process_group": 0}
    if sys.platform == "win32":
        apart = {"creationflags": subprocess.CREATE_NEW_PROCESS_GROUP}
    code = f"import sys; sys.path[:] = {sys.path!r}; from {__name__} import serve; serve()"
    return subprocess.Popen(  # noqa: S603 (this Python)
        [sys.executable, "-c", code],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        **apart,
    )


def serve() -> None:
    """Be that process: load, wait for a directory, and draw."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # no half of a picture is left behind
    from gmmcli.core.runs.directory import read_run
    from gmmcli.pictures.drawing import rehearse

    rehearse()
    if line := sys.stdin.readline():
        directory = Path(json.loads(line))
        for path in draw_unasked(read_run(directory), directory):
            print(json.dumps(str(path)), flush=True)
    end_process(0)


def name_unasked(run: "RunRecord") -> list[str]:
    """The paths, inside a run, of what a fit draws of it: its pictures and the page."""
    from gmmcli.core.runs.layout import name_film

    return [*_order_unasked(run).name_pictures(), name_film("html")]


def draw_unasked(run: "RunRecord", directory: Path) -> Iterator[Path]:
    """Draw what a fit draws of a run, and yield the path of each once written.

    Raises:
        OutputError: when one cannot be written.
        RunError: when frames/ is a link.
    """
    from gmmcli.pictures.drawing import draw_run
    from gmmcli.pictures.page.page import draw_page

    yield from draw_run(run, _order_unasked(run), directory)
    yield draw_page(run, directory)


def _order_unasked(run: "RunRecord") -> "Order":
    from gmmcli.pictures.kinds import Order, choose_kinds

    return Order(run.history.choose_steps(run.snapshots), choose_kinds(run))
