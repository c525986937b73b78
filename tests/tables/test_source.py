"""Sources: what messages call them, which files they are, and what is asked of them in vain."""

from collections.abc import Callable
from pathlib import Path

import pytest
from builders import one_line_error
from click.testing import CliRunner, Result

from gmmcli.cli import gmm
from gmmcli.core.tables.source import Source, check_source, list_files
from gmmcli.errors import TableError


@pytest.mark.parametrize(
    ("source", "name"),
    [
        (Source("d.csv"), "d.csv"),
        (Source("/tmp/x.csv", label="standard input"), "standard input"),
        (Source("duckdb://d.db", "t"), "duckdb://d.db t"),
        (Source("postgres://me:secret@host:1/d?k=secret", "t"), "postgres://host:1/d t"),
        (Source("postgres://me:sec/ret@host/d", "t"), "postgres://..."),
        (Source("postgres://me@host:secret/d", "t"), "postgres://..."),
    ],
)
def test_messages_name_a_source_without_its_password(source: Source, name: str) -> None:
    assert source.name == name


def test_files_are_those_of_patterns_and_of_urls_of_this_machine(tmp_path: Path) -> None:
    for name in ("a.csv", "b.csv"):
        (tmp_path / name).touch()
    (tmp_path / "link.csv").symlink_to("a.csv")
    both = {(tmp_path / name).resolve() for name in ("a.csv", "b.csv")}
    assert both <= list_files(Source(f"{tmp_path}/?.csv"))
    assert (tmp_path / "a.csv").resolve() in list_files(Source(f"{tmp_path}/link.csv"))
    for scheme in ("duckdb", "sqlite", "file"):
        assert (tmp_path / "a.csv").resolve() in list_files(Source(f"{scheme}://{tmp_path}/a.csv"))


@pytest.mark.parametrize(
    ("source", "message"),
    [
        (Source("\udcff.csv"), "is not UTF-8: rename the file"),
        (Source("d.csv", "t"), "d.csv is not the URL of a database: leave out --table"),
        (Source("s3://b/d.csv", "t", "spark"), "s3://b/d.csv is not the URL of a database"),
        (Source("duckdb://d.db", "t", "spark"), "leave out --engine spark"),
    ],
)
def test_what_does_not_go_together_is_refused(source: Source, message: str) -> None:
    with pytest.raises(TableError, match=message):
        check_source(source)


@pytest.mark.parametrize(
    "url", ["postgres://h/d", "postgresql://h/d", "duckdb://d.db", "mysql://h"]
)
def test_spark_reads_no_databases(work: Path, run: Callable[..., Result], url: str) -> None:
    error = one_line_error(run("fit", url, "--table", "t", "--engine", "spark", code=1))
    assert error == f"Error: {url} is a database, not files: leave out --engine spark"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "standard input is empty: it needs a header and rows"),
        (b"\xff", "standard input, line 1 is not UTF-8 text: convert it first, as by iconv"),
        (b"x" * 200_000, "standard input has a first line of over 100,000 characters"),
        (
            b"x,y\n1,2\n3,oops\n4,5\n6,7\n",
            "standard input, line 3: column 'y' holds 'oops', which is not a number",
        ),
        (
            b"x,y\n1,2\n2,3,9\n4,5\n",
            "standard input, line 3 has more fields than the 2 of the first line: mend it",
        ),
        (b"x,y\n1,2\n1,2\n", "standard input: all points equal (1, 2)"),
    ],
)
def test_standard_input_is_called_that(work: Path, content: bytes, message: str) -> None:
    result = CliRunner().invoke(gmm, ["fit", "-"], input=content)
    assert one_line_error(result).startswith(f"Error: {message}")
