"""Complaints of engines, as one line each that a user can act on."""

import csv
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from gmmcli.core.tables.formats import read_lines, say_encoding
from gmmcli.core.tables.layout import PREAMBLE, Layout
from gmmcli.errors import GmmError, TableError

# The roots of what engines raise: of any database driver (PEP 249), Spark, Ibis and Arrow.
ENGINE_ERRORS = {"Error", "PySparkException", "Py4JError", "IbisError", "ArrowException"}
# What DuckDB says where Ctrl-C has ended a query.
INTERRUPTED = ("KeyboardInterrupt", "Query interrupted")
# What PostgreSQL says where other engines make infinity or zero of a number.
OUT_OF_RANGE = re.compile(r"value out of range: (over|under)flow|out of range for type double")
# What DuckDB says of the line of a text file, and of the column and the text that is no number.
CSV_LINE = re.compile(r"CSV Error on Line: (\d+)")
CSV_COLUMN = re.compile(r'converting column "(.*)"\. Could not convert string "(.*?)"? to ')
# What DuckDB says of the fields of a line; it counts no farther than one too many.
CSV_FIELDS = re.compile(r"Expected Number of Columns: (\d+) Found: (\d+)")
# What DuckDB says of the file of a line.
CSV_FILE = re.compile(r"(?m)^\s*file = (.+)$")
# What DuckDB says of how it takes lines apart.
CSV_LAYOUT = re.compile(
    r"delimiter = (?P<delimiter>.) .*\n\s*quote = (?P<quote>.) .*\n\s*escape = (?P<escape>.) "
)
# What DuckDB says of lines that it cannot take apart, by what is wrong with them.
CSV_LINES = {
    "unterminated quote": 'has a quote (") that does not end where a field does: mend it',
    "Maximum line size": "is over 2,000,000 bytes long, as where a quote is open: mend it",
}
# How the names of temporary copies begin.
COPY = "copy of "
MIXED_ENDS = "state machine reached an invalid state"
# What DuckDB says of a file that is no Parquet.
NO_PARQUET = re.compile(
    r"File '(.*)' too small to be a Parquet|No magic bytes found at end of file '(.*)'"
)
# What DuckDB and Spark say of text that is no number, elsewhere.
VALUE = re.compile(
    r"""(?s)(Could not convert string|The value) '(?P<text>.*?)' (to|of the type "STRING" cannot)"""
)

# What follows a value of a column of whole numbers that is none.
NOT_WHOLE = " (not whole)"
# What follows text that is neither a number nor nothing, so that no cast takes it.
NO_NUMBER = " (no number)"
# What to do about text that is no number.
MEND_TEXT = ": mend it, leave it empty, or choose other columns with -x and -y"


class UnplacedError(TableError):
    """A value that is not of its column's type, in a line that the engine does not name."""


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
        UnplacedError: with the value alone.
        KeyboardInterrupt: where Ctrl-C is the complaint.
    """
    try:
        yield
    except Exception as error:
        if isinstance(error, GmmError):
            raise
        if any(sign in str(error) for sign in INTERRUPTED):
            raise KeyboardInterrupt from error
        # Arrow passes on what ends a stream as an error without a number.
        is_of_stream = isinstance(error, OSError) and error.errno is None
        known = any(kind.__name__ in ENGINE_ERRORS for kind in type(error).__mro__)
        if not (known or is_of_stream):
            raise
        value = VALUE.search(str(error))
        if value is not None and CSV_LINE.search(str(error)) is None:
            raise UnplacedError(_describe_value(source, value["text"], if_converted)) from error
        raise TableError(_shorten(source, output, str(error), if_converted)) from error


def _describe_value(source: str, text: str, if_converted: str) -> str:
    """What is wrong with a value that is not of its column's type; see `translate_errors`."""
    if text.endswith(NOT_WHOLE):
        text = text.removesuffix(NOT_WHOLE)
        return f"{source}: a column of whole numbers holds {text!r}{if_converted}"
    what = f"a chosen column holds {text.removesuffix(NO_NUMBER)!r}, which is not a number"
    return f"{source}: {what}{MEND_TEXT}"


def _shorten(source: str, output: str | None, message: str, if_converted: str) -> str:
    """An engine's message as one line; the arguments are those of `translate_errors`."""
    if OUT_OF_RANGE.search(message):
        return f"{source} holds numbers that double precision cannot work with: change their units"
    if said := _explain_line(source, message, if_converted):
        return said
    if file := NO_PARQUET.search(message):
        place = name_file(file[1] or file[2], source)
        return f"{place} is no Parquet file, or damaged: write it anew, or name it as what it is"
    lines = [part.strip() for part in message.splitlines() if part.strip()]
    to = f" or write {output}" if output else ""
    return f"cannot read {source}{to}: {lines[0]}"


def _explain_line(source: str, message: str, if_converted: str) -> str | None:
    """What is wrong with a line of a text file, where that is what a message of DuckDB's says."""
    line, path = CSV_LINE.search(message), CSV_FILE.search(message)
    place = name_file(path[1], source) if path else source
    if MIXED_ENDS in message:
        return (
            f"{place} has lines that end as on Windows and lines that do not, or a stray quote: "
            "mend it, as by tr -d '\\r' < OLD > NEW"
        )
    if line is None:
        return None
    number = _find_line(message, int(line[1]))
    where = f"{place}, line {number}"
    if "Invalid unicode" in message:
        return say_encoding(place, number)
    if column := CSV_COLUMN.search(message):
        what = f"column {column[1]!r} holds {column[2]!r}, which is not a number"
        return f"{where}: {what}{if_converted}"
    if fields := CSV_FIELDS.search(message):
        remedy = "mend it" if int(fields[1]) > 1 else PREAMBLE
        return f"{where} {_describe_fields(int(fields[1]), int(fields[2]))}: {remedy}"
    for sign, what in CSV_LINES.items():
        if sign in message:
            return f"{where} {what}"
    reasons = [part.strip() for part in message.splitlines()[1:] if part.strip()]
    others = [part for part in reasons if not part.startswith("Original Line")]
    return f"cannot read {where}: {others[0] if others else message.splitlines()[0]}"


def _find_line(message: str, number: int) -> int:
    """The line of a row that a message of DuckDB's names, which counts rows and empty lines.

    Args:
        message: with the file, and with what parts its fields.
        number: of the row, from 1 on.
    """
    path, layout = CSV_FILE.search(message), CSV_LAYOUT.search(message)
    if path is None or layout is None:
        return number
    quote, escape = layout["quote"], layout["escape"]
    lines = read_lines(Path(path[1]), path[1], "latin-1")
    try:
        return Layout(layout["delimiter"], quote, escape).find_line(lines, number)
    except (csv.Error, GmmError):
        return number


def _describe_fields(n_expected: int, n_found: int) -> str:
    """What is wrong with the number of fields of a line."""
    if n_found > n_expected:
        return f"has more fields than the {n_expected} of the first line"
    return f"has {n_found} field{'s' * (n_found != 1)} where the first line has {n_expected}"


def name_file(path: str, source: str) -> str:
    """What a message calls a file of a source: as the user did, unless that is a pattern."""
    if not re.search(r"[*?[]", source):
        return source
    path = re.sub(r"\[(.)\]", r"\1", path)  # what DuckDB is told literally
    name = Path(path).name
    return name.removeprefix(COPY) if name.startswith(COPY) else path
