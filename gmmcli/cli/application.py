"""The one place where errors become a line on stderr and an exit code."""

import errno
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click
from click.exceptions import NoArgsIsHelpError

from gmmcli.cli.interrupts import get_number, tell_code
from gmmcli.errors import GmmError, abridge, escape

# The exit code of a fit that is not to be trusted blindly, where --exit-code asks for one.
DOUBTFUL = 3
LACKS_MEMORY = "there is too little memory: fit fewer --cells or -k, or free some"


def tell_doubt(is_doubtful: bool, asked: bool) -> int:
    """The exit code of a fit that may be in doubt, if that was asked for."""
    return DOUBTFUL if asked and is_doubtful else 0


@contextmanager
def mention_kept_fit(directory: Path) -> Iterator[None]:
    """Have errors and interrupts of the block say that the fit itself is kept."""
    kept = f"the fit is kept: draw it with gmm plot {directory}"
    try:
        yield
    except GmmError as error:
        raise type(error)(f"{error}; {kept}") from error
    except KeyboardInterrupt as interrupt:
        raise tell_end(interrupt, f"; {kept}") from interrupt


class OneLineUsageError(click.ClickException):
    """An error of usage that is shown in one line."""

    exit_code = 2


class Interrupted(click.ClickException):
    """A signal that ended a command, with what is left to know, in one line.

    Args:
        message: the line.
        number: of the signal.
    """

    def __init__(self, message: str, number: int) -> None:
        super().__init__(message)
        self.exit_code = tell_code(number)  # type: ignore[misc]  # of a class, for Click


def tell_end(interrupt: KeyboardInterrupt, kept: str = "") -> Interrupted:
    """What ended a command, as the error that is shown, and what is kept nevertheless."""
    number = get_number(interrupt)
    name = signal.Signals(number).name
    said = "interrupted" if number == signal.SIGINT else f"ended by {name}"
    return Interrupted(f"{said}{kept}", number)


class Application(click.Group):
    """A group of commands whose errors are one line each.

    Exit codes: 1 for errors of ours, 2 for usage, 130 for an interrupt, and likewise 128 and the
    number of another signal that ended it. Any other exception is a bug and keeps its traceback.
    """

    def make_context(self, *args: Any, **kwargs: Any) -> click.Context:
        """Parse the options before the command's name."""
        with shorten_errors():
            return super().make_context(*args, **kwargs)

    def invoke(self, ctx: click.Context) -> Any:
        """Parse and run the command."""
        with shorten_errors():
            return super().invoke(ctx)


def lacks_memory(error: Exception) -> bool:
    """Whether an error says that the system gave no more memory, to Torch or its loader too."""
    words = ("can't allocate memory", "failed to map segment", "cannot allocate memory")
    return isinstance(error, MemoryError) or any(word in str(error).lower() for word in words)


@contextmanager
def shorten_errors() -> Iterator[None]:
    """Have Click print the errors of the block in one line, as `Error: ...`."""
    try:
        yield
    except NoArgsIsHelpError:
        raise
    except click.UsageError as error:
        command = error.ctx.command_path if error.ctx else "gmm"
        said = error.format_message().rstrip(".")
        stop = "" if said.endswith("?") else "."
        message = f"{abridge(escape(said))}{stop} Try '{command} --help'."
        raise OneLineUsageError(message) from error
    except GmmError as error:
        raise click.ClickException(str(error)) from error
    except (MemoryError, ImportError, RuntimeError) as error:
        if not lacks_memory(error):
            raise
        raise click.ClickException(LACKS_MEMORY) from error
    except OSError as error:
        if error.errno == errno.EPIPE:  # Click's business
            raise
        where = f"{error.filename}: " if error.filename else ""
        raise click.ClickException(escape(f"{where}{error.strerror or error}")) from error
    except KeyboardInterrupt as interrupt:
        raise tell_end(interrupt) from interrupt
