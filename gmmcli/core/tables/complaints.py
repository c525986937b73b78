"""Complaints of engines, as one line each that a user can act on."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

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
# What DuckDB says of the fields of a line; it counts no farther than one too many.
CSV_FIELDS = re.compile(r"Expected Number of Columns: (\d+) Found: (\d+)")
# What DuckDB says of a file that is no Parquet.
NO_PARQUET = re.compile(
    r"File '(.*)' too small to be a Parquet|No magic bytes found at end of file '(.*)'"
)
# What DuckDB and Spark say of text that is no number, elsewhere.
NO_NUMBER = re.compile(
    r"""(?s)(Could not convert string|The value) '(?P<text>.*?)' (to|of the type "STRING" cannot)"""
)

# What to do about text that is no number.
MEND_TEXT = ": mend it, leave it empty, or choose other columns with -x and -y"


@contextmanager
def translate_errors(
    source: str, output: str | None = None, *, if_converted: str = MEND_TEXT
) -> Iterator[None]:
    """Turn an engine's complaints into one line each.

    Args:
        source: what messages call it.
        output: what the engine writes to, where it does.
        if_converted: what to do about a value that is not of its column's type.

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
        what = f"a chosen column holds {no_number['text']!r}, which is not a number"
        return f"{where}: {what}{MEND_TEXT}"
    if fields := CSV_FIELDS.search(message):
        return f"{where} {_describe_fields(int(fields[1]), int(fields[2]))}: mend it"
    if file := NO_PARQUET.search(message):
        return f"{_name_file(file[1] or file[2], source)} is no Parquet file, or damaged"
    lines = [part.strip() for part in message.splitlines() if part.strip()]
    reasons = [part for part in lines[1:] if not part.startswith("Original Line")]
    to = f" or write {output}" if output else ""
    return f"cannot read {where}{to}: {reasons[0] if line and reasons else lines[0]}"


def _describe_fields(n_expected: int, n_found: int) -> str:
    """What is wrong with the number of fields of a line."""
    if n_found > n_expected:
        return f"has more fields than the {n_expected} of the first line"
    return f"has {n_found} field{'s' * (n_found != 1)} where the first line has {n_expected}"


def _name_file(path: str, source: str) -> str:
    """What a message calls a file of a source: as the user did, where that is its name."""
    return source if Path(path).name == Path(source).name else path
