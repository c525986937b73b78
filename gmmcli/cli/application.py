"""The one place where errors become a line on stderr and an exit code."""

import errno
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click
from click.exceptions import NoArgsIsHelpError

from gmmcli.errors import GmmError

EXIT_INTERRUPTED = 130


@contextmanager
def mention_kept_fit(directory: Path) -> Iterator[None]:
    """Have errors and interrupts of the block say that the fit itself is kept."""
    kept = f"the fit is kept: draw it with gmm plot {directory}"
    try:
        yield
    except GmmError as error:
        raise type(error)(f"{error}; {kept}") from error
    except KeyboardInterrupt as interrupt:
        raise Interrupted(f"interrupted; {kept}") from interrupt


class OneLineUsageError(click.ClickException):
    """An error of usage that is shown in one line."""

    exit_code = 2


class Interrupted(click.ClickException):
    """Ctrl-C that ended a command, with what is left to know, in one line."""

    exit_code = EXIT_INTERRUPTED


class Application(click.Group):
    """A group of commands whose errors are one line each.

    Exit codes: 1 for errors of ours, 2 for usage, 130 for an interrupt. Any other exception is a
    bug and keeps its traceback.
    """

    def make_context(self, *args: Any, **kwargs: Any) -> click.Context:
        """Parse the options before the command's name."""
        with shorten_errors():
            return super().make_context(*args, **kwargs)

    def invoke(self, ctx: click.Context) -> Any:
        """Parse and run the command."""
        with shorten_errors():
            return super().invoke(ctx)


def abridge(message: str, *, most: int = 600) -> str:
    """A message without its middle, where it repeats more than anybody reads.

    Args:
        message: in one line.
        most: letters that are left.
    """
    half = most // 2
    return message if len(message) <= most else f"{message[:half]} ... {message[-half:]}"


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
        message = f"{abridge(said)}{stop} Try '{command} --help'."
        raise OneLineUsageError(message) from error
    except GmmError as error:
        raise click.ClickException(str(error)) from error
    except OSError as error:
        if error.errno == errno.EPIPE:  # Click's business
            raise
        where = f"{error.filename}: " if error.filename else ""
        raise click.ClickException(f"{where}{error.strerror or error}") from error
    except KeyboardInterrupt as interrupt:
        raise Interrupted("interrupted") from interrupt
