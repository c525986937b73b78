"""What is wrong with the rows of a table is said in one line."""

from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet
import pytest
from builders import cells_of, one_line_error, over_background, sampled, table_of, written
from click.testing import Result

from gmmcli.core.cells.checks import check_box
from gmmcli.core.cells.compression import compress
from gmmcli.core.mixture.sampling import ARTICLE
from gmmcli.errors import FitError, TableError


@pytest.mark.parametrize(
    ("weight", "message"),
    [
        ("-1", "column 'w' holds the weight -1: weights are finite and 0 or more"),
        ("inf", "column 'w' holds the weight inf"),
        ("", "column 'w' has weights that are empty or not a number, as NaN or NA: give each"),
        ("nan", "column 'w' holds the weight nan: weights are finite and 0 or more"),
    ],
)
def test_bad_weights_get_one_line(tmp_path: Path, weight: str, message: str) -> None:
    path = tmp_path / "d.csv"
    path.write_text(f"x,y,w\n1,2,1\n2,3,{weight}\n4,5,0\n")
    with pytest.raises(TableError, match=message):
        compress(table_of(path, weight="w"))


@pytest.mark.parametrize(
    ("weight", "message"),
    [
        (None, "column 'w' has weights that are empty: give each row one"),
        (float("nan"), "column 'w' holds the weight nan: weights are finite and 0 or more"),
    ],
)
def test_weights_that_are_no_numbers_in_parquet(
    tmp_path: Path, weight: float | None, message: str
) -> None:
    path = tmp_path / "d.parquet"
    columns = {"x": [1.0, 2.0, 4.0], "y": [2.0, 3.0, 5.0], "w": [1.0, weight, 0.0]}
    pyarrow.parquet.write_table(pa.table(columns), path)
    with pytest.raises(TableError, match=message):
        compress(table_of(path, weight="w"))


def test_weights_too_large_to_be_added_up_get_one_line(tmp_path: Path) -> None:
    path = tmp_path / "d.csv"
    path.write_text("x,y,w\n1,2,1e308\n2,3,1e308\n")
    with pytest.raises(TableError, match="weights in 'w' are too large to be added up"):
        compress(table_of(path, weight="w"))


def test_a_huge_number_among_many_rows_gets_one_line(
    work: Path, run: Callable[..., Result]
) -> None:
    points = sampled(ARTICLE, 30_000)
    points[-1] = [1e308, 5]
    written(work / "d.csv", points)
    error = one_line_error(run("fit", "d.csv", code=1))
    assert "which double precision cannot work with: change their units" in error
    assert not (work / "d").exists()


def test_a_start_whose_background_leaves_points_out_gets_one_line() -> None:
    points = sampled(ARTICLE, 100)
    check_box(cells_of(points), ARTICLE)
    check_box(cells_of(points), over_background(ARTICLE, 0.1, points))
    with pytest.raises(FitError, match="points lie outside the box of the start's background"):
        check_box(cells_of(points), over_background(ARTICLE, 0.1, points[:50]))
