"""Tables of points: a file becomes an Ibis table with two chosen numeric columns.

Everything that can be wrong with a user's file is found here, and said in one line. Ibis and
DuckDB stay inside this module and `compression`.
"""

import csv
import gzip
import re
import zlib
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import ibis
import ibis.expr.types as ir
from ibis.backends import BaseBackend

from gmmcli.errors import TableError

MISSING = ["", "NA", "N/A", "NaN", "nan", "NULL", "null", "None"]
DELIMITERS = "\t;,|"
DECIMAL_POINT = re.compile(r"[-+]?\d*\.\d+([eE][-+]?\d+)?")
FIRST_CHARACTERS = 100_000
SAMPLE_ROWS = 1000


@dataclass(frozen=True)
class Table:
    """Rows with two numeric columns, not read yet.

    Attributes:
        rows: an Ibis table with the float64 columns x and y.
        columns: the names of the two columns in the source.
        source: what messages call the table.
        has_header: whether the source names its columns.
    """

    rows: ir.Table
    columns: tuple[str, str]
    source: str
    has_header: bool = True


def open_table(path: Path, *, x: str | None = None, y: str | None = None) -> Table:
    """The table in a CSV (also .tsv, and either with .gz) or Parquet file.

    Args:
        path: the file.
        x: the column of the first coordinate; the first numeric column by default.
        y: the column of the second; the next numeric column by default.

    Raises:
        TableError: when the file cannot be read, is empty, or lacks the columns.
    """
    if any("\ud800" <= letter <= "\udfff" for letter in str(path)):
        raise TableError(f"the name {str(path)!r} is not UTF-8: rename the file")
    if not path.is_file():
        found = "is a directory, not a file" if path.is_dir() else "does not exist"
        raise TableError(f"{path} {found}: give a CSV or Parquet file")
    connection = ibis.duckdb.connect(
        autoinstall_known_extensions=False, autoload_known_extensions=False
    )
    options: dict[str, Any] = {}
    with readable_errors(str(path)):
        if path.suffix.lower() in {".parquet", ".pq"}:
            everything = connection.read_parquet(_literal(path))
            columns = _choose_columns(everything, x, y, source=str(path))
        else:
            names, options = _csv_dialect(path, (x, y))
            guessed = _with_guessed_types(connection, path, names, options)
            columns = _choose_columns(guessed, x, y, source=str(path))
            # Types are guessed from the first rows; a decimal point may come after them.
            types = dict.fromkeys(columns, "DOUBLE")
            everything = connection.read_csv(_literal(path), types=types, **options)
        rows = everything.select(
            x=everything[columns[0]].cast("float64"), y=everything[columns[1]].cast("float64")
        )
    return Table(rows, columns, str(path), has_header=options.get("header", True))


@contextmanager
def readable_errors(source: str) -> Iterator[None]:
    """Turn DuckDB's complaints about a file into one line each.

    Raises:
        TableError: with the line of the file, the column and the value where DuckDB says them.
    """
    try:
        yield
    except duckdb.Error as error:
        raise TableError(_one_line(source, str(error))) from error


def _csv_dialect(path: Path, named: Collection[str | None]) -> tuple[list[str], dict[str, Any]]:
    """The names in the header of a text file, and how to read it, from its first lines.

    Args:
        path: the file.
        named: the columns that the user named, which no file without a header has.
    """
    header, *rows = _first_lines(path)
    unquoted = re.sub('"[^"]*"', "", header)
    delimiter = next((mark for mark in DELIMITERS if mark in unquoted), ",")
    names, *fields = csv.reader([header, *rows], delimiter=delimiter)
    options: dict[str, Any] = {"delim": delimiter, "nullstr": MISSING, "allow_quoted_nulls": True}
    # Where a comma is the decimal mark, fields are parted by semicolons or tabs.
    values = [value.strip() for row in fields for value in row]
    with_commas = [value for value in values if re.fullmatch(r"[-+]?\d+,\d+", value)]
    if delimiter != "," and with_commas and not any(DECIMAL_POINT.fullmatch(v) for v in values):
        options["decimal_separator"] = ","
    if all(_is_number(name) for name in names) and not set(names) & set(named):
        options["header"] = False
    return names, options


def _with_guessed_types(
    connection: BaseBackend, path: Path, names: list[str], options: dict[str, Any]
) -> ir.Table:
    """The file as a table with the types that DuckDB guesses from its first rows."""
    try:
        return connection.read_csv(_literal(path), **options)
    except duckdb.InvalidInputException:
        # The guess failed without a reason; reading every column as text names the bad line.
        text = dict.fromkeys(names, "VARCHAR")
        table = connection.read_csv(_literal(path), columns=text, auto_detect=False, **options)
        table.count().to_pyarrow()
        return table


def _first_lines(path: Path) -> list[str]:
    """The first lines of a text file that are not blank, without their ends; at least one."""
    opener = gzip.open if path.suffix.lower() == ".gz" else open
    try:
        with opener(path, "rt", encoding="utf-8-sig", newline="") as file:
            text = file.read(FIRST_CHARACTERS)
    except UnicodeDecodeError as error:
        raise TableError(f"{path} is not UTF-8 text: save it as a UTF-8 CSV") from error
    except (OSError, EOFError, zlib.error) as error:
        raise TableError(f"cannot read {path}: {error}") from error
    lines = [line for line in re.split("\r\n|\r|\n", text) if line.strip()]
    if not lines:
        raise TableError(f"{path} is empty: it needs a header and rows")
    # Unless the file ends there, the last line may be cut short.
    whole = lines if len(text) < FIRST_CHARACTERS else lines[:-1]
    if not whole:
        raise TableError(f"{path} has a first line of over {FIRST_CHARACTERS:,} characters")
    return whole


def _choose_columns(
    table: ir.Table, x: str | None, y: str | None, *, source: str
) -> tuple[str, str]:
    names = [str(name) for name in table.columns]
    for name in (x, y):
        if name is not None and name not in names:
            raise TableError(f"{source} has no column {name!r}; it has {_listed(names)}")
    free = _numeric_columns(table, [name for name in names if name not in (x, y)])
    chosen_x = x if x is not None else next(free, None)
    chosen_y = y if y is not None else next(free, None)
    if chosen_x is None or chosen_y is None:
        if table.limit(1).count().to_pyarrow().as_py() == 0:
            raise TableError(f"{source} has a header and no rows: there is nothing to fit")
        raise TableError(
            f"{source} needs two numeric columns; it has {_described(table)}: "
            "name the columns with -x and -y, or mend their values"
        )
    if chosen_x == chosen_y:
        raise TableError(f"-x and -y both name {chosen_x!r}: give two different columns")
    return chosen_x, chosen_y


def _numeric_columns(table: ir.Table, names: Sequence[str]) -> Iterator[str]:
    """The columns that hold numbers, or mostly numbers, in their order.

    One bad value makes a whole column text to the reader; leaving such a column out would fit
    another one in its place without a word.
    """
    for name in names:
        column = table[name]
        if column.type().is_numeric():
            yield name
        elif column.type().is_string():
            sample = table.filter(column.notnull()).limit(SAMPLE_ROWS)
            values = sample.aggregate(
                rows=sample.count(), numbers=sample[name].try_cast("float64").count()
            ).to_pyarrow()
            rows, numbers = values["rows"][0].as_py(), values["numbers"][0].as_py()
            if rows > 0 and numbers * 2 > rows:
                yield name


def _literal(path: Path) -> str:
    """The path with the marks that DuckDB would read as a pattern made literal."""
    return re.sub(r"([*?\[\]])", r"[\1]", str(path))


def _is_number(text: str) -> bool:
    try:
        float(text.strip().strip('"'))
    except ValueError:
        return False
    return True


def _listed(names: Sequence[str]) -> str:
    return ", ".join(repr(name) for name in names)


def _described(table: ir.Table) -> str:
    kinds = ("number" if kind.is_numeric() else str(kind) for kind in table.schema().types)
    columns = zip(table.columns, kinds, strict=True)
    return ", ".join(f"{name!r} ({kind})" for name, kind in columns)


def _one_line(source: str, message: str) -> str:
    line = re.search(r"CSV Error on Line: (\d+)", message)
    where = f"{source}, line {line[1]}" if line else source
    converted = re.search(
        r'converting column "(.*)"\. Could not convert string "(.*)" to', message
    ) or re.search(r"(?s)Could not convert string '(?P<text>.*?)' to", message)
    if converted and line:
        return f"{where}: column {converted[1]!r} holds {converted[2]!r}, which is not a number"
    if converted:
        return f"{where}: a chosen column holds {converted['text']!r}, which is not a number"
    lines = [part.strip() for part in message.splitlines() if part.strip()]
    reasons = [part for part in lines[1:] if not part.startswith("Original Line")]
    return f"cannot read {where}: {reasons[0] if line and reasons else lines[0]}"
