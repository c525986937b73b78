"""What can go wrong for a user, as exceptions whose text is the one line that the user reads.

Imports nothing. The command line turns any `GmmError` into that line and exit code 1; every other
exception is a bug and keeps its traceback.
"""


class GmmError(Exception):
    """An error of the user's input or surroundings; its text says what, where and what to do."""


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
