"""The rows of a table in the order of a column's values: all of them, once, as text says them."""

from collections.abc import Callable
from datetime import date
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pytest
from builders import table_of

from gmmcli.core.tables.engine import Engine
from gmmcli.core.tables.partition import Partition, partition
from gmmcli.errors import TableError

ROWS = """site,x,y,w
007,1,2,1
b,3,4,2
,5,6,1
007,7,NA,1
10,8,9,0
b,1e3,-inf,3
"""


@pytest.fixture
def parted(tmp_path: Path) -> Callable[..., Partition]:
    def make(**options: str) -> Partition:
        (tmp_path / "d.csv").write_text(ROWS)
        return partition(table_of(tmp_path / "d.csv", **options), tmp_path / "rows.parquet")

    return make


def pieces_of(parted: Partition) -> dict[str | None, list[list[object]]]:
    """The rows of each value, in their order."""
    found: dict[str | None, list[list[object]]] = {}
    for value, rows in parted.read():
        found.setdefault(value, []).extend([*row.values()] for row in rows.to_pylist())
    return found


def test_every_row_is_with_its_value(parted: Callable[..., Partition]) -> None:
    found = parted(by="site", x="x", y="y")
    assert found.count_rows() == ({"007": 2, "10": 1, "b": 2}, 1)
    rows = pieces_of(found)
    assert sorted(rows["007"], key=str) == [[1.0, 2.0], [7.0, None]]
    assert sorted(rows["b"]) == [[3.0, 4.0], [1000.0, float("-inf")]]
    assert rows[None] == [[5.0, 6.0]]


def test_rows_without_weight_are_left_out(parted: Callable[..., Partition]) -> None:
    found = parted(by="site", x="x", y="y", weight="w")
    assert found.count_rows() == ({"007": 2, "b": 2}, 1)
    assert sorted(pieces_of(found)["b"]) == [[3.0, 4.0, 2.0], [1000.0, float("-inf"), 3.0]]


def test_the_column_is_no_coordinate_and_must_be_there(parted: Callable[..., Partition]) -> None:
    assert parted(by="site").columns == ("x", "y")  # though most of its values are numbers
    with pytest.raises(TableError, match="--by names 'x', which is a coordinate"):
        parted(by="x", x="x", y="y")
    with pytest.raises(TableError, match="has no column 'nowhere'"):
        parted(by="nowhere")


def test_the_rows_of_a_value_are_a_table_of_their_own(parted: Callable[..., Partition]) -> None:
    found = parted(by="site", x="x", y="y", weight="w")
    table = found.open("b")
    assert table.source.endswith("d.csv, site b")
    assert table.columns == ("x", "y")
    read = table.read(table.rows)
    assert sorted(zip(*read.to_pydict().values(), strict=True)) == [
        (3.0, 4.0, 2.0),
        (1000.0, float("-inf"), 3.0),
    ]


def test_values_of_any_type_are_text(tmp_path: Path) -> None:
    frame = pd.DataFrame(
        {
            "x": [1.0, 2.0, 3.0, 4.0],
            "y": 0.5,
            "day": [date(2020, 2, 29), date(2020, 2, 29), date(2021, 1, 1), None],
            "level": [0.1, 2.0, float("nan"), 2.0],
            "empty": ["", "a", "", "a"],
            "flag": [True, False, True, True],
        }
    )
    frame.to_parquet(tmp_path / "d.parquet")
    counts = {}
    for by in ("day", "level", "empty", "flag"):
        table = table_of(tmp_path / "d.parquet", x="x", y="y", by=by)
        counts[by] = partition(table, tmp_path / f"{by}.parquet").count_rows()
    assert counts["day"] == ({"2020-02-29": 2, "2021-01-01": 1}, 1)
    assert counts["level"] == ({"0.1": 1, "2.0": 2}, 1)
    assert counts["empty"] == ({"a": 2}, 2)
    assert counts["flag"] == ({"false": 1, "true": 3}, 0)


def test_an_engine_that_writes_no_files_streams_the_same(tmp_path: Path) -> None:
    (tmp_path / "d.csv").write_text(
        "site,x,y\n" + "".join(f"{i % 7},{i},{-i}\n" for i in range(900))
    )
    table = table_of(tmp_path / "d.csv", x="x", y="y", by="site")
    written = partition(table, tmp_path / "written.parquet")
    engine = table.dataset.engine
    streaming = Engine(engine.backend, stream=engine.stream)
    object.__setattr__(table.dataset, "engine", streaming)
    streamed = partition(table, tmp_path / "streamed.parquet")
    assert streamed.count_rows() == written.count_rows()
    assert {v: sorted(map(str, r)) for v, r in pieces_of(streamed).items()} == {
        v: sorted(map(str, r)) for v, r in pieces_of(written).items()
    }


def test_values_that_go_on_over_batches_are_one(tmp_path: Path) -> None:
    n = 200_000
    frame = pd.DataFrame({"x": range(n), "y": 1.0, "site": ["a"] * (n - 5) + ["b"] * 5})
    frame.to_parquet(tmp_path / "d.parquet")
    table = table_of(tmp_path / "d.parquet", x="x", y="y", by="site")
    found = partition(table, tmp_path / "rows.parquet")
    assert found.count_rows() == ({"a": n - 5, "b": 5}, 0)
    pieces = list(found.read())
    assert len(pieces) > 2
    joined = pa.concat_tables([rows for value, rows in pieces if value == "a"])
    assert sorted(joined["x"].to_pylist()) == list(range(n - 5))
