"""The parts of a table: each is what the table would be if it had no other rows."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from builders import table_of

from gmmcli.core.cells.compression import compress
from gmmcli.core.cells.parts import Part, Points, read_parts
from gmmcli.core.cells.totals import count_points
from gmmcli.core.tables.partition import partition
from gmmcli.core.tables.table import Table


def frame_of_sites(seed: int = 0) -> pd.DataFrame:
    """Rows of three sites with points that repeat, gaps and weights; and of some that cannot be."""
    generator = np.random.default_rng(seed)
    frame = pd.DataFrame(generator.normal(size=(600, 2)).round(1), columns=["x", "y"])
    frame["site"] = generator.choice(["a", "b", "c"], 600)
    frame["w"] = generator.choice([0, 1, 2.5], 600)
    frame.loc[generator.choice(600, 40), "x"] = np.nan
    few = pd.DataFrame(
        {
            "site": ["one", "same", "same", "gaps", "gaps"],
            "x": [1, 2, 2, np.nan, 3.0],
            "y": 1,
            "w": 1,
        }
    )
    return pd.concat([frame, few], ignore_index=True)


def parts_of(table: Table, path: Path, *, strict: bool = False) -> dict[str, Part]:
    """The parts of a table, by their values."""
    parted = partition(table, path)
    counts, _ = parted.count_rows()
    return {part.value: part for part in read_parts(table, parted, counts, strict=strict)}


@pytest.mark.parametrize("weight", [None, "w"])
def test_a_part_is_what_a_table_of_its_rows_would_be(tmp_path: Path, weight: str | None) -> None:
    frame = frame_of_sites()
    frame.to_csv(tmp_path / "d.csv", index=False)
    table = table_of(tmp_path / "d.csv", x="x", y="y", weight=weight, by="site")
    parts = parts_of(table, tmp_path / "rows.parquet")
    assert set(parts) == {"a", "b", "c", "one", "same", "gaps"}
    for site in "abc":
        path = tmp_path / f"{site}.csv"
        frame[frame["site"] == site].to_csv(path, index=False)
        alone = compress(table_of(path, x="x", y="y", weight=weight))
        part, points = parts[site], parts[site].points
        assert isinstance(points, Points)
        assert (part.n_rows, points.n_skipped) == (alone.n_rows, alone.n_skipped)
        np.testing.assert_array_equal(points.cells.means, alone.cells.means)
        np.testing.assert_array_equal(points.cells.counts, alone.cells.counts)
        assert not points.cells.covariances.any()
        np.testing.assert_array_equal(points.grain.steps, alone.grain.steps)
        assert points.grain.worth == alone.grain.worth


def test_what_cannot_be_fitted_says_why(tmp_path: Path) -> None:
    frame_of_sites().to_csv(tmp_path / "d.csv", index=False)
    table = table_of(tmp_path / "d.csv", x="x", y="y", by="site")
    parts = parts_of(table, tmp_path / "rows.parquet")
    assert "d.csv, site one has one row with a point" in parts["one"].problem
    assert "site same: all points equal (2, 1)" in parts["same"].problem
    assert "site gaps has one row with a point" in parts["gaps"].problem
    assert not any(parts[site].problem for site in "abc")
    strict = parts_of(table, tmp_path / "rows.parquet", strict=True)
    assert "have an empty or non-finite 'x'" in strict["a"].problem


def test_a_part_of_many_rows_is_left_to_be_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gmmcli.core.cells.parts.EXACT_ROWS", 190)
    frame = frame_of_sites()
    frame.to_csv(tmp_path / "d.csv", index=False)
    table = table_of(tmp_path / "d.csv", x="x", y="y", by="site")
    parts = parts_of(table, tmp_path / "rows.parquet")
    n_rows = frame["site"].value_counts()
    assert {site: parts[site].n_rows for site in parts} == n_rows.to_dict()
    unread = {site for site, part in parts.items() if part.points is None and not part.problem}
    assert unread == set(n_rows.index[n_rows > 190])
    assert 0 < len(unread) < 3


def test_totals_of_weights_are_what_an_engine_tells() -> None:
    rows = np.array([[1, 2, 3], [1, 2, np.nan], [1, 2, 5], [0, 0, np.nan], [np.nan, 1, 2.0]])
    totals = count_points(rows)
    nothing, point = totals.select(totals.are_points).sort().weights
    np.testing.assert_array_equal(nothing, [np.nan, np.nan, 1, 0])
    np.testing.assert_array_equal(point, [3, 5, 1, 9 + 25])
    assert sorted(totals.counts) == [0, 2, 8]
    assert sorted(totals.n_rows) == [1, 1, 3]
