"""How numbers and words for nothing are written in text, by pure functions."""

import pytest

from gmmcli.core.tables.spellings import (
    LIKE_A_NUMBER,
    Numerals,
    detect_numerals,
    find_doubts,
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
        (["1,336", "12.3456"], "\t", Numerals(".", ",")),  # points are surely decimal
        (["1.007", "12,345678"], ";", Numerals(",", ".")),
        (["1.007", "12,345"], ";", Numerals()),  # either mark may be either
        (["1.007", "1,5"], ",", Numerals()),  # 1,5 may be a list
        (["1.007", "1,5"], "\t", Numerals()),
        (["a,b", "c, d", "1,5"], ";", Numerals()),  # a column of text
        ([], ",", Numerals()),
    ],
)
def test_marks_in_numbers_are_what_all_values_allow(
    column: list[str], delimiter: str, expected: Numerals
) -> None:
    assert detect_numerals([column], delimiter) == expected


@pytest.mark.parametrize(
    ("columns", "delimiter", "doubts"),
    [
        ((["1,007", "999"], ["20,361", "5"]), ";", ("1,007", "20,361")),
        ((["1.007", "999"], ["7", "5"]), ";", ("1.007", "")),
        ((["1.007", "999"],), ",", ("",)),  # where commas part fields, points are decimal
        ((["1,234", "2"],), ",", ("1,234",)),
        ((["1,007", "0,5"],), ";", ("",)),  # no group of thousands
        ((["1,007", "1,234,567"],), ";", ("",)),
        ((["1,007"], ["0,512"]), "\t", ("", "")),  # nor in another column
        ((["1,007", "2019"], ["3,125", "4"]), ";", ("", "3,125")),  # no mark where one would be
        ((["1,007"], ["2.345"]), ";", ("", "")),  # no numbers then
        ((["1", "2"],), ";", ("",)),
    ],
)
def test_marks_that_may_be_decimal_or_part_thousands_are_known(
    columns: tuple[list[str], ...], delimiter: str, doubts: tuple[str, ...]
) -> None:
    assert find_doubts(columns, detect_numerals(columns, delimiter), delimiter) == doubts


@pytest.mark.parametrize("text", ["2020_01", "٣", "1,", "1..5", "1e", "0x1F", "1.2D+00", "x"])
def test_what_only_programs_take_for_a_number_is_none(text: str) -> None:
    assert LIKE_A_NUMBER.fullmatch(text) is None
    assert not Numerals().is_number(text)


@pytest.mark.parametrize("digit", ["1", "1,", ".1", "1e"])
def test_long_fields_are_looked_at_once(digit: str) -> None:
    long = digit * 1_000_000 + "x"  # what looks again from every digit on takes hours
    assert LIKE_A_NUMBER.fullmatch(long) is None
    assert not any(n.is_number(long) for n in (Numerals(), Numerals(","), Numerals(".", ",")))
