"""The layout of text files, from their first lines alone."""

import pytest

from gmmcli.core.tables.dialect import (
    Dialect,
    check_header,
    detect_dialect,
    merge_dialects,
)
from gmmcli.core.tables.layout import Layout, find_mark, leave_out
from gmmcli.core.tables.spellings import Numerals
from gmmcli.errors import TableError


def dialect_of(*lines: str, named: tuple[str | None, ...] = ()) -> Dialect:
    return detect_dialect(lines, named)


@pytest.mark.parametrize(
    ("lines", "names", "delimiter"),
    [
        (["x,y", "1,2"], ("x", "y"), ","),
        (["x;y", "1,5;2"], ("x", "y"), ";"),
        (["x;y;z", "1,5;2.5;3"], ("x", "y", "z"), ";"),
        (["x\ty", "1.5\t2"], ("x", "y"), "\t"),
        (["x|y", "1|2"], ("x", "y"), "|"),
        (["x y", "1  2", "  3 4 "], ("x", "y"), " "),
        (['"x;1",y', "1,2"], ("x;1", "y"), ","),
        (["1,2", "3,4"], ("column0", "column1"), ","),
        (["1,5 2,5", "3,5 4,5"], ("column0", "column1"), " "),
        (["day,x", "2020-01-01 10:00,1", "2020-01-01 11:00,2"], ("day", "x"), ","),
        (["x"], ("x",), ","),
        (["x", "1"], ("x",), ","),
        (["'x','y'", "1,2"], ("x", "y"), ","),
        (["# x y", "1 2", "3 4"], ("x", "y"), " "),
        (["# made by me", "1 2", "3 4"], ("column0", "column1"), " "),
        (["# x, y", "1 2", "3 4"], ("x", "y"), " "),
        (["% x y", "1 2", "3 4"], ("x", "y"), " "),
        (["# a comment", "x,y", "1,2"], ("x", "y"), ","),
        (["#,name,x", "1,a,2", "2,b,3"], ("rownames", "name", "x"), ","),
        (["x,y", "0,.1,.2", "1,.3,.4"], ("rownames", "x", "y"), ","),
        (['"x" "y"', '"1" 2 3', '"2" 4 5'], ("rownames", "x", "y"), " "),
        ([",x,y", "0,.1,.2"], ("rownames", "x", "y"), ","),
        (["1 3.5 4", "2 4.5 4", "3 5 5"], ("rownames", "column1", "column2"), " "),
        (["1 3", "2 4", "3 5"], ("column0", "column1"), " "),
        (["x,y,", "1,2,", "3,4,"], ("x", "y", "column2"), ","),
        (["x,y,", "1,2", "3,4"], ("x", "y"), ","),
        (["x,X,x", "1,2,3"], ("x", "X_1", "x_2"), ","),
        (["x, y ", "1, 2"], ("x", "y"), ","),
    ],
)
def test_columns_and_their_names_are_told_by_the_first_lines(
    lines: list[str], names: tuple[str, ...], delimiter: str
) -> None:
    found = dialect_of(*lines)
    assert (found.names, found.delimiter) == (names, delimiter)
    assert len(found.kinds) == len(names)


@pytest.mark.parametrize(
    ("lines", "has_header"),
    [
        (["x,2019", "1,2"], True),  # text over numbers
        (["1,2", "3,4"], False),
        (["1,NA", "3,4"], False),
        (["-1,oops", "3,4", "4,5"], None),  # nobody calls a column -1, but oops is no number
        (["a,1.5,2", "b,2,3"], False),
        (["a,1,2", "b,2,3", "a,3,3"], False),  # a comes again
        (["name,2019,2020", "a,1,2"], None),
        (["a,b", "c,d"], True),
        (["x,y"], True),
        (["1,2"], False),
    ],
)
def test_a_first_line_is_a_header_a_row_or_not_sure(
    lines: list[str], has_header: bool | None
) -> None:
    assert dialect_of(*lines).has_header is has_header


def test_a_line_that_the_user_names_is_a_header_and_one_without_names_is_a_row() -> None:
    assert dialect_of("2019,2020", "1,2", named=(None, "x")).has_header is False
    assert dialect_of("2019,2020", "1,2", named=("2019", None)).has_header is True
    unsure = ("name,2019,2020", "a,1,2")
    assert dialect_of(*unsure, named=("2019",)).has_header is True
    assert dialect_of(*unsure, named=("column1",)).has_header is False


def test_a_first_line_that_may_be_either_is_refused_with_the_way_out() -> None:
    with pytest.raises(TableError) as caught:
        check_header(dialect_of("name,2019,2020", "a,1,2"), "d.csv")
    assert str(caught.value) == (
        "d.csv: the first line, with '2019', may be a row or a header: name the coordinates with "
        "-x and -y, column 2 by 'column1' if it is a row, and by '2019' if it is a header"
    )
    with pytest.raises(TableError, match=r"'1.5', .* column 3 by 'column2' if it is a row"):
        check_header(dialect_of("a,1.5,b", "n,a,1,2", "m,b,2,3"), "d.csv")  # one field fewer


@pytest.mark.parametrize(
    ("lines", "n_before", "first_row"),
    [
        (["x,y", "1,2"], 1, ("1", "2")),
        (["", "x,y", "", "1,2"], 3, ("1", "2")),
        (["# x y", "1 2", "3 4"], 1, ("1", "2")),
        (["1,2", "3,4"], 0, ("1", "2")),
        (["x,y"], 1, ()),
        (["# x y", "# 1 2", "#"], 3, ()),
        (["", "#"], 2, ()),
        (['"x', '",y', "1,2"], 1, ("1", "2")),  # DuckDB takes the header for one line
    ],
)
def test_rows_begin_after_comments_and_header(
    lines: list[str], n_before: int, first_row: tuple[str, ...]
) -> None:
    found = dialect_of(*lines)
    assert (found.n_before, found.first_row) == (n_before, first_row)


def test_comments_end_where_a_word_for_nothing_begins() -> None:
    assert find_mark(["", "  # x"]) == "#"
    assert find_mark(["#N/A,3", "# x"]) == ""
    assert leave_out("# 1 2", "#")
    assert leave_out("   ", "")
    assert not leave_out("#N/A 2", "#")
    assert not leave_out("# 1 2", "")


@pytest.mark.parametrize(
    ("lines", "is_irregular"),
    [
        (["# x y", "1 2", "3 4"], False),
        (["# x y", "1 2", "# then", "3 4"], True),
        (["x,y", "1,2", "", "3,4"], False),
        (["x,y", "1,2", "  ", "3,4"], True),
    ],
)
def test_comments_and_blanks_among_rows_are_seen(lines: list[str], is_irregular: bool) -> None:
    assert dialect_of(*lines).is_irregular is is_irregular


def test_kinds_are_those_of_all_values_that_are_there() -> None:
    found = dialect_of(
        "a,b,c,d,e,f,g",
        "1,1.5,1,2020-01-31,2020-01-31 10:30,x,",
        ",NA,2,,2020-01-31T10:30:00.5,?,-",
        "-7,3,oops,2020-02-01,,1,?",
    )
    assert found.kinds == ("whole", "number", "mixed", "day", "moment", "text", "empty")


def test_quotes_are_escaped_by_quotes_or_else_by_what_makes_sense() -> None:
    assert dialect_of("t,x,y", '"a ""b""",1,2').escape == '"'
    assert dialect_of("t,x,y", '"a \\"b\\" c",1,2').escape == "\\"
    assert dialect_of("t,x,y", '"C:\\",1,2').escape == '"'


def test_several_files_are_one_table_with_the_columns_of_all() -> None:
    merged = merge_dialects([dialect_of("x,y", "1,"), dialect_of("Y;z", "1,5;a")], "d*")
    assert merged.names == ("x", "y", "z")
    assert merged.kinds == ("whole", "number", "text")
    assert merged.numerals == Numerals(",")


@pytest.mark.parametrize(
    ("first", "second", "message"),
    [
        (("x,y", "1,2"), ("3,4", "5,6"), "some files have a header and some have none"),
        (("x;y", "1,5;2"), ("x,y", '"1,234.5",3'), "write numbers in different ways"),
    ],
)
def test_files_that_are_not_one_table_are_refused(
    first: tuple[str, ...], second: tuple[str, ...], message: str
) -> None:
    with pytest.raises(TableError, match=message):
        merge_dialects([dialect_of(*first), dialect_of(*second)], "d*")


@pytest.mark.parametrize(
    ("line", "fields"),
    [
        ("  1 \t 2 ", ["1", "2"]),
        ('"a  b" 1', ["a  b", "1"]),
        ('"a ""b""" 1', ['a "b"', "1"]),
        ('"" 1', ["", "1"]),
        ('"a 1', ['"a', "1"]),
        ("5'10\" 2", ["5'10\"", "2"]),
    ],
)
def test_blanks_part_fields_but_not_inside_of_quotes(line: str, fields: list[str]) -> None:
    assert Layout(" ").split([line]) == [fields]
