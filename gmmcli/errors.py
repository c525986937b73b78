"""What can go wrong for a user, as exceptions whose text is the one line that the user reads.

Imports nothing. The command line turns any `GmmError` into that line and exit code 1; every other
exception is a bug and keeps its traceback.
"""


def abridge(message: str, *, most: int = 600) -> str:
    """A message without its middle, where it says more than anybody reads.

    Args:
        message: in one line.
        most: letters that are left.
    """
    half = most // 2
    return message if len(message) <= most else f"{message[:half]} ... {message[-half:]}"


def escape(text: str) -> str:
    """A text in which whatever a terminal would obey, or break the line at, is as Python writes it.

    Messages and results may have names in them that stand in files of strangers.
    """
    return "".join(c if c.isprintable() else repr(c)[1:-1] for c in text)


class GmmError(Exception):
    """An error of the user's input or surroundings; its text says what, where and what to do."""

    def __str__(self) -> str:
        return abridge(escape(super().__str__()))


class OptionError(GmmError):
    """An option cannot have a value that was given."""


class TableError(GmmError):
    """A table cannot be read, or does not hold what a fit needs."""


class MixtureError(GmmError):
    """Weights, means and covariances that do not make a mixture."""


class FitError(GmmError):
    """A fit cannot go on."""


class RunError(GmmError):
    """A run directory is missing, damaged, in the way, or of another format version."""


class OutputError(GmmError):
    """A file cannot be written."""


class GmmWarning(UserWarning):
    """What is to be known of a result before it is trusted, in one line."""
