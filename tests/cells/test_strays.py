"""The rows that a mixture takes for strays."""

from pathlib import Path

import numpy as np
from builders import gaussian, mixture_of, over_background, table_of, written

from gmmcli.core.cells.strays import find_strays
from gmmcli.core.mixture.covariances import FloatArray
from gmmcli.core.tables.source import Source
from gmmcli.core.tables.table import open_table

POINTS = gaussian(30, (0, 0), 1.0, seed=0)
POINTS[4], POINTS[11], POINTS[20] = (25, 3), (80, -60), (-12, 9)
ONE = mixture_of([1.0], [[0, 0]], [np.eye(2)])
MIXTURE = over_background(ONE, 0.1, POINTS)


def test_strays_are_named_with_the_strangest_first(tmp_path: Path) -> None:
    # From the mean, row 12 lies farthest and row 21 nearest of the three.
    assert find_strays(written(tmp_path / "d.csv", POINTS), MIXTURE) == [12, 5, 21]


def test_rows_without_a_point_are_counted(tmp_path: Path) -> None:
    path = tmp_path / "d.csv"
    rows = [f"{x},{y}" for x, y in POINTS.tolist()]
    path.write_text("\n".join(["x,y", *rows[:4], "1,", ",2", *rows[4:]]) + "\n")
    assert find_strays(table_of(path), MIXTURE) == [14, 7, 23]


def test_a_mixture_without_a_background_has_no_strays(tmp_path: Path) -> None:
    assert find_strays(written(tmp_path / "d.csv", POINTS), ONE) == []


def test_long_tables_name_none(tmp_path: Path) -> None:
    table = written(tmp_path / "d.csv", POINTS)
    assert find_strays(table, MIXTURE, most_rows=29) == []
    assert find_strays(table, MIXTURE, most_rows=30) == [12, 5, 21]


def test_tables_with_weights_name_none(tmp_path: Path) -> None:
    path = tmp_path / "d.csv"
    weighted: FloatArray = np.column_stack([POINTS, np.ones(30)])
    np.savetxt(path, weighted, delimiter=",", header="x,y,w", comments="")
    assert find_strays(table_of(path, weight="w"), MIXTURE) == []


def test_tables_with_a_condition_name_none(tmp_path: Path) -> None:
    written(tmp_path / "d.csv", POINTS)
    table = open_table(Source(str(tmp_path / "d.csv"), where="x < 1000"))
    assert find_strays(table, MIXTURE) == []
