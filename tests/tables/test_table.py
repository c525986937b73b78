"""Columns: what is chosen and counted, and the one line about tables that cannot be fitted."""

import gzip
import json
from collections.abc import Callable
from pathlib import Path

import ibis
import numpy as np
import pandas as pd
import pytest
from builders import SAMPLE_DATA, one_line_error, table_of
from click.testing import Result
from ibis.backends import BaseBackend

from gmmcli.core.cells.compression import compress
from gmmcli.core.tables.frames import name_source
from gmmcli.core.tables.source import Source
from gmmcli.core.tables.table import open_table

UNWORKABLE = "which double precision cannot work with: change their units"
UNKNOWN = "is no database that Ibis knows: gmm reads files and databases, so download it first"


def write(path: Path, content: str | bytes) -> Path:
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def test_columns_are_the_first_two_numeric_ones_or_those_named(tmp_path: Path) -> None:
    path = write(tmp_path / "d.csv", 'name,a,"b ""c""",d\nu,1,2,3\nv,4,5,6\n')
    assert table_of(path).columns == ("a", 'b "c"')
    assert table_of(path, x="d").columns == ("d", "a")
    assert table_of(path, y="a").columns == ('b "c"', "a")
    table = table_of(path, x='b "c"', y="d")
    np.testing.assert_array_equal(compress(table).cells.means, [[2, 3], [5, 6]])


def test_columns_of_a_frame_that_differ_by_capitals_alone_are_told_apart() -> None:
    frame = pd.DataFrame({"x": [1.0, 2], "X": [3.0, 4], "y": [5.0, 6]})
    table = open_table(name_source(frame), x="X", y="y")
    assert table.read_first(1).to_pylist() == [{"x": 3.0, "y": 5.0}]
    assert table.read(table.dataset.rows).column_names == ["x", "X", "y"]


def test_large_offsets_keep_their_digits(tmp_path: Path) -> None:
    path = write(tmp_path / "d.csv", "x,y\n1000000000.25,1e-6\n1000000000.5,3e-6\n")
    cells = compress(table_of(path)).cells
    np.testing.assert_array_equal(cells.means, [[1000000000.25, 1e-6], [1000000000.5, 3e-6]])
    np.testing.assert_allclose(cells.mean(), [1000000000.375, 2e-6], rtol=1e-15)
    np.testing.assert_allclose(np.sqrt(np.diag(cells.covariance())), [0.125, 1e-6], rtol=1e-9)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "is empty: it needs a header and rows"),
        ("\n\n", "is empty"),
        ("x,y\n", "has a header and no rows"),
        (
            "x,name\n1,a\n2,b\n",
            "needs two numeric columns; it has 'x' (numbers), 'name' (text, such as",
        ),
        ("x,y\n1,2\n3,oops\n5,6\n", "line 3: column 'y' holds 'oops', which is not a number"),
        ("x,y\n1,2\n2,3,9\n4,5\n", "line 3 has more fields than the 2 of the first line: mend it"),
        (
            "x,y\n1,2\n1,2\n",
            "all points equal (1, 2): a fit needs points that differ; choose other",
        ),
        ("x,y\n1,2\n3\n4,5\n", "line 3 has 1 field where the first line has 2: mend it"),
        ("x\n1\n2\n", "it has 'x' (numbers): give a table with both coordinates"),
        ("x,y\n1,\n,2\nnan,3\n4,inf\n5,-inf\n", "every row has an empty or non-finite 'x' or 'y'"),
        ("größe,y\n1,2\n".encode("latin-1"), "is not UTF-8 text"),
        (bytes(range(256)), "is no text, nor another table that is read: write its"),
        ("x,y\n1,2\n3,\n", "bad.csv has one row with a point: a fit needs at least two different"),
        ("x,y\n1,2\n3,4\n", "2 distinct points cannot hold 3 components"),
        (
            "x,y\n" + 400 * "1,2\n3,4\n" + "1,2,3,4\n",
            "line 802 has more fields than the 2 of the first line: mend it",
        ),
        ("x,y\n1,2\n1e200,3\n-1e308,4\n", "bad.csv: the coordinates have a variance of inf"),
        ("x,y\n1,2\n1e200,3\n-1e308,4\n", "the largest in size are 1e+308 in 'x' and 4 in 'y'"),
        ("x" * 200_000, "has a first line of over 100,000 characters"),
    ],
)
def test_bad_files_get_one_line(
    work: Path, run: Callable[..., Result], content: str | bytes, message: str
) -> None:
    write(work / "bad.csv", content)
    error = one_line_error(run("fit", "bad.csv", "-k", 3, "-o", "out", code=1))
    assert "bad.csv" in error or "distinct" in error
    assert message in error
    assert sorted(p.name for p in work.iterdir()) == ["bad.csv", "sample_data"]


def test_text_far_down_a_numeric_column_is_named_with_its_line(
    work: Path, run: Callable[..., Result]
) -> None:
    rows = [f"{i},{i * 2}" for i in range(60_000)]
    rows[50_000] = "7,bad"
    write(work / "d.csv", "x,y\n" + "\n".join(rows))
    error = one_line_error(run("fit", "d.csv", code=1))
    assert "Error: d.csv, line 50002: column 'y' holds 'bad', which is not a number: mend" in error


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["nowhere.csv"], 1, "nowhere.csv does not exist"),
        (["sample_data"], 1, "sample_data is a directory"),
        (["d.csv", "-x", "z"], 1, "d.csv has no column 'z'; it has 'x', 'y', 'word'"),
        (["d.csv", "-x", "y", "-y", "y"], 1, "both name 'y'"),
        (["d.csv", "-x", "word"], 1, "d.csv, line 2: column 'word' holds 'a', which is not"),
        (["d.parquet", "-x", "word"], 1, "d.parquet: a chosen column holds 'a', which is not"),
        (["d.csv", "--strict"], 1, "1 of 4 rows have an empty or non-finite 'x' or 'y'"),
        (
            ["d.csv", "-k", "0"],
            2,
            "'0' is neither 'auto', a number above 0, nor a range such as 1:12. Try 'gmm fit",
        ),
        (["d.csv", "--init", "none.json"], 1, "cannot read none.json: No such file"),
        (["d.csv", "--init", "bad.json"], 1, "bad.json: weights sum to 2, not to 1"),
        (
            ["d.csv", "--init", "sample_data/article_start.json", "-k", "3"],
            2,
            "other than the 2 of --init",
        ),
        (["d.csv", "--learning-rate", "1.5"], 2, "1.5 is not in the range 1e-06<=x<=1"),
        (["d.csv", "--learning-rate", "nan"], 2, "nan is not a number"),
        (["huge.csv"], 1, f"variance of inf, {UNWORKABLE}, or mend values that are far too large"),
        (["tiny.csv"], 1, f"variance of 0, {UNWORKABLE}, or mend values that are far too small"),
        (["d.csv", "--table", "t"], 1, "d.csv is not the URL of a database: leave out --table"),
        (["d.csv", "--table", "t", "--engine", "spark"], 1, "d.csv is not the URL of a database"),
        (["https://me:secret@host/d.csv?k=secret"], 1, f"https://host/d.csv {UNKNOWN}"),
        (["s3://bucket/d.csv", "--table", "t"], 1, f"s3://bucket/d.csv {UNKNOWN}"),
        (["d.csv", "--snapshots", "0"], 2, "neither 'auto' nor a number of steps above 0"),
        (["d.csv", "-o", "d.csv"], 1, "d.csv is a file"),
        ([], 2, "Missing argument 'DATA'. Try 'gmm fit --help'."),
        (["d.csv", "--colour"], 2, "No such option"),
        (["junk.parquet"], 1, "junk.parquet is no Parquet file, or damaged"),
        (["junk.csv.gz"], 1, "cannot read junk.csv.gz: Compressed file ended before"),
        (["a" * 300], 1, "File name too long"),
        (["\udcff.csv"], 1, "is not UTF-8: rename the file"),
        (["d.csv", "-o", "d.csv/run"], 1, "cannot write d.csv/run: "),
        (["d.csv", "--init", "same.json"], 1, "components 0 and 1 of the start coincide"),
    ],
)
def test_bad_requests_get_one_line_and_write_nothing(
    work: Path, run: Callable[..., Result], arguments: list[str], code: int, message: str
) -> None:
    write(work / "d.csv", "x,y,word\n1,2,a\n3,4,b\n5,6,c\n,8,d\n")
    pd.read_csv(work / "d.csv").to_parquet(work / "d.parquet")
    write(work / "huge.csv", "x,y\n1e300,1\n2e300,2\n")
    write(work / "tiny.csv", "x,y\n1e-300,1e-300\n2e-300,2e-300\n")
    write(work / "junk.parquet", "junk")
    write(work / "junk.csv.gz", gzip.compress(b"x,y\n1,2\n")[:-9])
    unit = [[1, 0], [0, 1]]
    bad = {"weights": [1, 1], "means": [[0, 0], [1, 1]], "covariances": [unit, unit]}
    write(work / "bad.json", json.dumps(bad))
    same = {"weights": [0.5, 0.5], "means": [[0, 0], [1e-7, 0]], "covariances": [unit, unit]}
    write(work / "same.json", json.dumps(same))
    before = sorted(work.iterdir())
    assert message in one_line_error(run("fit", *arguments, code=code))
    assert sorted(work.iterdir()) == before


def test_skipped_rows_are_counted_and_said(work: Path, run: Callable[..., Result]) -> None:
    text = (SAMPLE_DATA / "old_faithful.csv").read_text() + "NA,50\n3.1,\nnan,60\n2,Infinity\n"
    write(work / "d.csv", text)
    result = run("fit", "d.csv", "-k", 2, "--no-frames")
    assert "skipped 4 of 276 rows: a coordinate is empty or not finite" in result.stderr
    data = pd.read_json(work / "d" / "parameters.json", typ="series")["data"]
    assert data == {"path": "d.csv", "rows": 276, "skipped_rows": 4}


def test_columns_of_text_are_looked_at_once_for_all(
    work: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    texts = {f"t{i}": ["a", "b", "c"] for i in range(500)}
    frame = pd.DataFrame({**texts, "x": [1, 2, 3], "n": ["1.5", "2", "NA"]})
    frame.to_csv(work / "d.csv", index=False)
    frame.to_parquet(work / "d.parquet")
    asked: list[object] = []
    backend = type(ibis.duckdb.connect())
    read = backend.to_pyarrow

    def count(backend: BaseBackend, *arguments: object, **options: object) -> object:
        asked.append(arguments)
        return read(backend, *arguments, **options)

    monkeypatch.setattr(backend, "to_pyarrow", count)
    for name in ("d.csv", "d.parquet"):
        assert table_of(work / name).columns == ("x", "n")
    assert len(asked) <= 2  # the first row of the text file, and a sample of the other


def test_a_column_whose_name_is_the_expression_comes_first(tmp_path: Path) -> None:
    path = write(tmp_path / "d.csv", "a-b,a,b,y\n1,5,2,3\n4,5,9,6\n")
    np.testing.assert_array_equal(
        compress(table_of(path, x="a-b", y="y")).cells.means[:, 0], [1, 4]
    )
    table = table_of(path, x="a - b", y="y")
    assert table.columns == ("a - b", "y")
    np.testing.assert_array_equal(compress(table).cells.means, [[-4, 6], [3, 3]])
    assert table_of(path, x="a - b").columns == ("a - b", "a-b")
    assert table_of(path, y="`a-b` + a").columns == ("b", "`a-b` + a")


def test_rows_without_a_value_of_an_expression_are_counted(tmp_path: Path) -> None:
    numbers = np.arange(30_000)  # of which the first are all above 0, and read plainly
    frame = pd.DataFrame({"a": 1 + numbers % 7 * (numbers < 29_000), "b": numbers, "n": numbers})
    frame.loc[29_000:, "a"] = 0
    frame.to_csv(tmp_path / "d.csv", index=False)
    table = table_of(tmp_path / "d.csv", x="log10(a)", y="b")
    compression = compress(table)
    assert (compression.n_rows, compression.n_skipped) == (30_000, 1000)
    few = open_table(Source(str(tmp_path / "d.csv"), where="n < 25000"), x="log10(a)", y="b")
    assert few.count_selected() == (25_000, 30_000)
    compression = compress(few)
    assert (compression.n_rows, compression.n_skipped) == (25_000, 0)
    assert compression.cells.mean()[1] == pytest.approx(12_499.5)
