"""What engines complain of, as one line each."""

import duckdb
import pytest

from gmmcli.core.tables.complaints import MEND_TEXT, translate_errors
from gmmcli.errors import TableError

CSV_ERROR = """Invalid Input Error: CSV Error on Line: 3
Original Line: 3,oops
Error when converting column "y". Could not convert string "oops" to 'DOUBLE'
"""


def complain(message: str, output: str | None = None, if_converted: str = MEND_TEXT) -> None:
    with translate_errors("d.csv", output, if_converted=if_converted):
        raise duckdb.Error(message)


@pytest.mark.parametrize(
    ("message", "line"),
    [
        (CSV_ERROR, f"d.csv, line 3: column 'y' holds 'oops', which is not a number{MEND_TEXT}"),
        (
            "Conversion Error: Could not convert string 'a' to DOUBLE",
            f"d.csv: a chosen column holds 'a', which is not a number{MEND_TEXT}",
        ),
        (
            "The value 'a' of the type \"STRING\" cannot be cast",
            f"d.csv: a chosen column holds 'a', which is not a number{MEND_TEXT}",
        ),
        (
            "value out of range: underflow",
            "d.csv holds numbers that double precision cannot work with: change their units",
        ),
        ("\n  it is broken \nfor a reason", "cannot read d.csv: it is broken"),
        (
            "CSV Error on Line: 3\nOriginal Line: 2,3,9\nExpected Number of Columns: 2 Found: 3",
            "d.csv, line 3 has more fields than the 2 of the first line: mend it",
        ),
        (
            "CSV Error on Line: 3\nOriginal Line: 2\nExpected Number of Columns: 3 Found: 1",
            "d.csv, line 3 has 1 field where the first line has 3: mend it",
        ),
        (
            "Invalid Input Error: File '/data/d.csv' too small to be a Parquet file",
            "d.csv is no Parquet file, or damaged: write it anew, or name it as what it is",
        ),
        (
            "Invalid Input Error: No magic bytes found at end of file '/data/e.parquet'",
            "d.csv is no Parquet file, or damaged: write it anew, or name it as what it is",
        ),
    ],
)
def test_a_complaint_is_one_line(message: str, line: str) -> None:
    with pytest.raises(TableError) as caught:
        complain(message)
    assert str(caught.value) == line


def test_a_complaint_says_what_is_written_and_what_to_do() -> None:
    with pytest.raises(TableError, match=r"^cannot read d\.csv or write out\.csv: full$"):
        complain("full", "out.csv")
    with pytest.raises(TableError, match=r"which is not a number; mend it$"):
        complain(CSV_ERROR, if_converted="; mend it")


@pytest.mark.parametrize("sign", ["KeyboardInterrupt", "Query interrupted"])
def test_an_interrupted_query_is_an_interrupt(sign: str) -> None:
    with pytest.raises(KeyboardInterrupt):
        complain(sign)


@pytest.mark.parametrize("error", [ValueError("a bug"), TableError("said already")])
def test_what_is_no_complaint_of_an_engine_stays_as_it_is(error: Exception) -> None:
    with pytest.raises(type(error), match=str(error)), translate_errors("d.csv"):
        raise error
