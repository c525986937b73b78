"""Complaints of engines, as one line each that a user can act on."""

import re
from collections.abc import Iterator
from contextlib import contextmanager

from gmmcli.errors import TableError

# The roots of what engines raise: of any database driver (PEP 249), Spark, Ibis and Arrow.
ENGINE_ERRORS = {"Error", "PySparkException", "Py4JError", "IbisError", "ArrowException"}
# What DuckDB says where Ctrl-C has ended a query.
INTERRUPTED = ("KeyboardInterrupt", "Query interrupted")
# What PostgreSQL says where other engines make infinity or zero of a number.
OUT_OF_RANGE = re.compile(r"value out of range: (over|under)flow|out of range for type double")
# What DuckDB says of the line of a text file, and of the column and the text that is no number.
CSV_LINE = re.compile(r"CSV Error on Line: (\d+)")
CSV_COLUMN = re.compile(r'converting column "(.*)"\. Could not convert string "(.*)" to')
# What DuckDB and Spark say of text that is no number, elsewhere.
NO_NUMBER = re.compile(
    r"""(?s)(Could not convert string|The value) '(?P<text>.*?)' (to|of the type "STRING" cannot)"""
)


@contextmanager
def translate_errors(
    source: str, output: str | None = None, *, if_converted: str = ""
) -> Iterator[None]:
    """Turn an engine's complaints into one line each.

    Args:
        source: what messages call it.
        output: what the engine writes to, where it does.
        if_converted: what to add to a complaint about a value that is not of its column's type.

    Raises:
        TableError: with the line of the file, the column and the value where the engine says them.
        KeyboardInterrupt: where Ctrl-C is the complaint.
    """
    try:
        yield
    except Exception as error:
        if any(sign in str(error) for sign in INTERRUPTED):
            raise KeyboardInterrupt from error
        if not any(kind.__name__ in ENGINE_ERRORS for kind in type(error).__mro__):
            raise
        raise TableError(_shorten(source, output, str(error), if_converted)) from error


def _shorten(source: str, output: str | None, message: str, if_converted: str) -> str:
    """An engine's message as one line; the arguments are those of `translate_errors`."""
    if OUT_OF_RANGE.search(message):
        return f"{source} holds numbers that double precision cannot work with: change their units"
    line = CSV_LINE.search(message)
    where = f"{source}, line {line[1]}" if line else source
    column, no_number = CSV_COLUMN.search(message), NO_NUMBER.search(message)
    if column and line:
        what = f"column {column[1]!r} holds {column[2]!r}, which is not a number"
        return f"{where}: {what}{if_converted}"
    if no_number:
        return f"{where}: a chosen column holds {no_number['text']!r}, which is not a number"
    lines = [part.strip() for part in message.splitlines() if part.strip()]
    reasons = [part for part in lines[1:] if not part.startswith("Original Line")]
    to = f" or write {output}" if output else ""
    return f"cannot read {where}{to}: {reasons[0] if line and reasons else lines[0]}"
