"""Values that look like codes for missing ones."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from builders import cells_of, table_of

from gmmcli.core.cells.codes import Code, find_codes
from gmmcli.core.cells.compression import compress


def points_with(*strays: tuple[float, float]) -> np.ndarray:
    """A hundred points in (0, 1) by (0, 2), and some others."""
    inner = np.random.default_rng(0).uniform((0, 0), (1, 2), (100, 2))
    return np.concatenate([inner, np.reshape(strays, (-1, 2))])


@pytest.mark.parametrize(
    ("strays", "codes"),
    [
        ([], []),
        ([(-998, 1)], []),  # one row: a stray
        ([(-999, 1)], [Code(0, -999, 1)]),  # but such as people write
        ([(0.5, 9999)], [Code(1, 9999, 1)]),
        ([(99, 1)], []),
        ([(-77, 1), (-77, 0.5)], [Code(0, -77, 2)]),
        ([(-77, -77)], [Code(0, -77, 1), Code(1, -77, 1)]),
        ([(0.5, 9999)] * 3, [Code(1, 9999, 3)]),
        ([(-999, 1), (9999, 1)] * 2, [Code(0, -999, 2), Code(0, 9999, 2)]),
        ([(3, 1)] * 2, [Code(0, 3, 2)]),
        ([(1.5, 1)] * 2, []),  # not farther off than the others' range
        ([(50, 1), (60, 1)] * 2, []),  # two values there
    ],
)
def test_codes_lie_farther_off_than_all_others_from_each_other(
    strays: list[tuple[float, float]], codes: list[Code]
) -> None:
    assert find_codes(cells_of(points_with(*strays))) == codes


def test_codes_are_found_among_cells_too(tmp_path: Path) -> None:
    points = np.random.default_rng(0).normal(size=(60_000, 2))
    points[::100, 0] = -999.9
    pd.DataFrame(points, columns=["x", "y"]).to_csv(tmp_path / "d.csv", index=False)
    compression = compress(table_of(tmp_path / "d.csv"))
    assert not compression.is_exact
    assert find_codes(compression.cells) == [Code(0, -999.9, 600)]


@pytest.mark.parametrize("points", [[[0, 0], [1, 1]], [[1, 2]] * 5, [[0, 0], [1, 1], [9, 9]]])
def test_few_points_have_no_codes(points: list[list[float]]) -> None:
    assert find_codes(cells_of(np.array(points, dtype=float))) == []
