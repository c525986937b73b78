"""Fields of text as words and numbers, by expressions of engines, beside pure functions."""

import math

import ibis
import pytest

from gmmcli.core.tables.fields import read_number
from gmmcli.core.tables.spellings import SPELLINGS, WORDS, Numerals, is_nothing


@pytest.mark.parametrize(
    ("numerals", "text", "number"),
    [
        (Numerals(), " 1.5 ", 1.5),
        (Numerals(), "-1e-3", -0.001),
        (Numerals(), "n/a", None),
        (Numerals(), "  NA ", None),
        (Numerals(), "-inf", -math.inf),
        (Numerals(), "3.", 3.0),
        (Numerals(",", "."), "INFINITY", math.inf),
        (Numerals(","), "1,5", 1.5),
        (Numerals(".", ","), "1,234.5", 1234.5),
        (Numerals(".", ","), "-12,345,678", -12345678),
        (Numerals(",", "."), "1.234,5", 1234.5),
    ],
)
def test_numbers_are_read_alike_by_python_and_engines(
    numerals: Numerals, text: str, number: float | None
) -> None:
    value = read_number(ibis.literal(text), numerals).cast("float64")
    backend = ibis.duckdb.connect()
    if number is None:
        assert backend.execute(value.isnull())
    else:
        assert backend.execute(value) == number == numerals.parse(text)
    assert numerals.is_number(text) is (number is not None)


@pytest.mark.parametrize("text", ["1,5", "12,34", "1,2345", "oops", "1 2", "--1", "2020_01"])
def test_marks_between_other_groups_than_thousands_are_no_numbers(text: str) -> None:
    numerals = Numerals(".", ",")
    assert not numerals.is_number(text)
    value = read_number(ibis.literal(text), numerals).try_cast("float64").isnull()
    assert ibis.duckdb.connect().execute(value)


def test_a_decimal_point_is_no_number_where_commas_are_decimal_marks() -> None:
    value = read_number(ibis.literal("1.5"), Numerals(",")).try_cast("float64").isnull()
    assert ibis.duckdb.connect().execute(value)
    assert not Numerals(",").is_number("1.5")


def test_every_word_for_nothing_is_known_in_every_case() -> None:
    backend = ibis.duckdb.connect()
    assert {"n/a", "?", "-", ".", "#N/A", "NaN".upper(), "missing", "Missing"} <= {*SPELLINGS}
    values = {
        f"v{i}": read_number(ibis.literal(f" {word} "), Numerals()).isnull()
        for i, word in enumerate(SPELLINGS)
    }
    (row,) = backend.to_pyarrow(ibis.memtable({"n": [1]}).select(**values)).to_pylist()
    assert all(row.values())
    assert all(map(is_nothing, SPELLINGS))
    assert not any(map(is_nothing, ["0", "x", "no", "-1", "inf"]))
    assert len(WORDS) == len({*WORDS})
