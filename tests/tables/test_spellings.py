"""Numbers and words for nothing in text: by pure functions, and by expressions of engines."""

import ibis
import pytest

from gmmcli.core.tables.spellings import (
    SPELLINGS,
    WORDS,
    Numerals,
    detect_numerals,
    is_nothing,
    read_number,
)


@pytest.mark.parametrize(
    ("column", "delimiter", "expected"),
    [
        (["1.5", "2"], ",", Numerals()),
        (["1", "2"], ",", Numerals()),
        (["1,5", "2"], ";", Numerals(",")),
        (["1,5", "2.5"], ";", Numerals()),  # neither mark is plain
        (["1,234", "2"], ",", Numerals(".", ",")),  # quoted, as commas part fields
        (["1,5", "2,25"], ",", Numerals(",")),
        (["1,234", "2,345"], ";", Numerals(",")),
        (["1,234,567", "2"], ";", Numerals(".", ",")),
        (["1,234.5", "12"], "\t", Numerals(".", ",")),
        (["1.234,5", "12"], ";", Numerals(",", ".")),
        (["1.234,5", "1.5"], ";", Numerals()),
        (["1e5", "1,5e-3"], ";", Numerals(",")),
        (["a,b", "c, d", "1,5"], ";", Numerals()),  # a column of text
        ([], ",", Numerals()),
    ],
)
def test_marks_in_numbers_are_what_all_values_allow(
    column: list[str], delimiter: str, expected: Numerals
) -> None:
    assert detect_numerals([column], delimiter) == expected


@pytest.mark.parametrize(
    ("numerals", "text", "number"),
    [
        (Numerals(), " 1.5 ", 1.5),
        (Numerals(), "-1e-3", -0.001),
        (Numerals(), "n/a", None),
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
    assert ibis.duckdb.connect().execute(value) == pytest.approx(number, nan_ok=True) or (
        number is None
    )
    assert numerals.is_number(text) is (number is not None)


@pytest.mark.parametrize("text", ["1,5", "12,34", "1,2345", "oops", "1 2", "--1"])
def test_marks_between_other_groups_than_thousands_are_no_numbers(text: str) -> None:
    numerals = Numerals(".", ",")
    assert not numerals.is_number(text)
    value = read_number(ibis.literal(text), numerals).try_cast("float64").isnull()
    assert ibis.duckdb.connect().execute(value)


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
