"""Files of every kind that DuckDB reads here, and all rows of them."""

import gzip
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from builders import table_of

from gmmcli.core.cells.compression import compress
from gmmcli.core.tables.source import Source
from gmmcli.core.tables.table import open_table
from gmmcli.errors import TableError

ROWS = "x,y\n1,2\n3,4\n5,7\n3,4\n"


def write(path: Path, content: str | bytes) -> Path:
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def assert_is_rows(path: Path, columns: tuple[str, str] = ("x", "y")) -> None:
    table = table_of(path)
    assert table.columns == columns
    cells = compress(table).cells
    np.testing.assert_array_equal(cells.means, [[1, 2], [3, 4], [5, 7]])
    np.testing.assert_array_equal(cells.counts, [1, 2, 1])
    assert not cells.covariances.any()


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("plain.csv", ROWS),
        ("no newline at the end.csv", ROWS.rstrip()),
        ("windows.csv", "\ufeff" + ROWS.replace("\n", "\r\n")),
        ("tabs.tsv", ROWS.replace(",", "\t")),
        ("semicolons.csv", ROWS.replace(",", ";")),
        ("decimal commas.csv", "x;y\n1,0;2,0\n3,0;4,0\n5,0;7,0\n3,0;4,0\n"),
        ("quoted.csv", 'x,"y"\n"1","2"\n3,4\n5,7\n3,4\n'),
        ("[brackets] and 'quotes' é *.csv", ROWS),
        ("quoted mark.csv", '"x",y,"l; a"\n1,2,a\n3,4,b\n5,7,c\n3,4,d\n'),
        ("late commas.csv", "x;y\n1;2\n3;4\n5,0;7,0\n3;4\n"),
        ("dates.csv", "day;x;y\n01.02.2020;1,0;2,0\n01.02.2020;3,0;4\n\n01.02.2020;5;7\nd;3;4\n"),
        ("blank lines.csv", "\n\n" + ROWS),
        ("packed.csv.gz", gzip.compress(ROWS.encode(), mtime=0)),
        ("packed.tsv.gz", gzip.compress(ROWS.replace(",", "\t").encode(), mtime=0)),
    ],
)
def test_text_files(tmp_path: Path, name: str, content: str | bytes) -> None:
    assert_is_rows(write(tmp_path / name, content))


def test_parquet_file(tmp_path: Path) -> None:
    path = tmp_path / "rows.parquet"
    pd.DataFrame({"x": [1, 3, 5, 3], "y": [2.0, 4, 7, 4]}).to_parquet(path)
    assert_is_rows(path)


def test_a_file_without_header_keeps_its_first_row(tmp_path: Path) -> None:
    path = write(tmp_path / "rows.csv", ROWS.split("\n", 1)[1])
    assert_is_rows(path, ("column0", "column1"))


def test_a_header_of_numbers_is_one_where_the_user_names_its_columns(tmp_path: Path) -> None:
    path = write(tmp_path / "years.csv", "2019,2020\n1,2\n3,4\n")
    table = table_of(path, x="2019", y="2020")
    assert compress(table).cells.n_points == 2


def test_decimals_after_many_whole_numbers_are_read(tmp_path: Path) -> None:
    rows = "".join(f"{i % 100},{i % 37}\n" for i in range(30_000))
    cells = compress(table_of(write(tmp_path / "d.csv", f"x,y\n{rows}1.5,2.5\n")), exact=True).cells
    assert cells.n_points == 30_001
    assert [1.5, 2.5] in cells.means.tolist()


def test_a_pattern_is_all_files_that_it_matches_by_the_names_of_their_columns(
    tmp_path: Path,
) -> None:
    write(tmp_path / "a.csv", "x,y\n1,2\n3,4\n")
    write(tmp_path / "b.csv", "y,x\n7,5\n4,3\n")
    assert_is_rows(tmp_path / "?.csv")


def test_a_pattern_of_two_kinds_is_refused(tmp_path: Path) -> None:
    write(tmp_path / "a.csv", ROWS)
    pd.DataFrame({"x": [1.0], "y": [2.0]}).to_parquet(tmp_path / "a.parquet")
    kinds = r"such as a\.parquet \(parquet\) and a\.csv \(text\): match one kind"
    with pytest.raises(TableError, match=kinds):
        table_of(tmp_path / "a.*")


@pytest.mark.parametrize("suffix", [".csv", ".csv.gz"])
def test_a_rough_number_of_rows_is_known_without_reading_them(tmp_path: Path, suffix: str) -> None:
    points = np.random.default_rng(0).normal(size=(20_000, 2))
    path = tmp_path / f"d{suffix}"
    pd.DataFrame(points, columns=["x", "y"]).to_csv(path, index=False)
    n_rows = open_table(Source(str(path))).n_rows_about
    assert n_rows == pytest.approx(20_000, rel=0.01 if suffix == ".csv" else 0.5)
