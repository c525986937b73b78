"""The one place where errors become a line on stderr and an exit code."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import click
from click.exceptions import NoArgsIsHelpError

from gmmcli.errors import GmmError

EXIT_USAGE = 2
EXIT_INTERRUPTED = 130


class Application(click.Group):
    """A group of commands whose errors are one line each.

    Exit codes: 1 for errors of ours, 2 for usage, 130 for an interrupt. Any other exception is a
    bug and keeps its traceback.
    """

    def make_context(self, *args: Any, **kwargs: Any) -> click.Context:
        """Parse the options before the command's name."""
        with one_line_errors():
            return super().make_context(*args, **kwargs)

    def invoke(self, ctx: click.Context) -> Any:
        """Parse and run the command."""
        with one_line_errors():
            return super().invoke(ctx)


@contextmanager
def one_line_errors() -> Iterator[None]:
    """A context whose errors Click prints as `Error: ...`, in one line."""
    try:
        yield
    except NoArgsIsHelpError:
        raise
    except click.UsageError as error:
        help_of = error.ctx.command_path if error.ctx else "gmm"
        message = f"{error.format_message().rstrip('.')}. Try '{help_of} --help'."
        raise _with_exit_code(message, EXIT_USAGE) from error
    except GmmError as error:
        raise click.ClickException(str(error)) from error
    except KeyboardInterrupt as interrupt:
        raise _with_exit_code("interrupted", EXIT_INTERRUPTED) from interrupt


def _with_exit_code(message: str, code: int) -> click.ClickException:
    error = click.ClickException(message)
    error.exit_code = code
    return error
