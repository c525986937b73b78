"""The layout of text files, from their first lines alone."""

import gzip
from pathlib import Path

import pytest

from gmmcli.core.tables.dialect import Dialect, detect_dialect, read_first_lines
from gmmcli.errors import TableError


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        (["x,y", "1,2"], Dialect(("x", "y"), ",", True, False)),
        (["x;y", "1,5;2"], Dialect(("x", "y"), ";", True, True)),
        (["x;y;z", "1,5;2.5;3"], Dialect(("x", "y", "z"), ";", True, False)),
        (["x\ty", "1.5\t2"], Dialect(("x", "y"), "\t", True, False)),
        (["x|y", "1|2"], Dialect(("x", "y"), "|", True, False)),
        (['"x;1",y', "1,2"], Dialect(("x;1", "y"), ",", True, False)),
        (["1,2", "3,4"], Dialect(("1", "2"), ",", False, False)),
        (["x", "1"], Dialect(("x",), ",", True, False)),
    ],
)
def test_the_layout_is_told_by_the_first_lines(lines: list[str], expected: Dialect) -> None:
    assert detect_dialect(lines, ()) == expected


def test_a_line_of_numbers_that_the_user_names_is_a_header() -> None:
    assert not detect_dialect(["2019,2020", "1,2"], (None, "x")).has_header
    assert detect_dialect(["2019,2020", "1,2"], ("2019", None)).has_header


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_first_lines_are_without_ends_marks_and_blanks(tmp_path: Path, end: str) -> None:
    content = f"\ufeffx,y{end}{end}1,2{end}".encode()
    (tmp_path / "d.csv").write_bytes(content)
    (tmp_path / "d.csv.gz").write_bytes(gzip.compress(content))
    for name in ("d.csv", "d.csv.gz"):
        assert read_first_lines(tmp_path / name, name) == ["x,y", "1,2"]


def test_a_line_that_may_be_cut_short_is_left_out(tmp_path: Path) -> None:
    (tmp_path / "d.csv").write_text("x,y\n" + "1.23456,2.34567\n" * 10_000)
    lines = read_first_lines(tmp_path / "d.csv", "d.csv")
    assert set(lines) == {"x,y", "1.23456,2.34567"}


def test_a_file_that_is_packed_badly_is_named(tmp_path: Path) -> None:
    (tmp_path / "d.csv.gz").write_bytes(gzip.compress(b"x,y\n1,2\n")[:-9])
    with pytest.raises(TableError, match="cannot read the file"):
        read_first_lines(tmp_path / "d.csv.gz", "the file")
