"""The rows of a table in the order of a column's values: all of them, once, as text says them."""

import sqlite3
from collections.abc import Callable
from contextlib import closing
from datetime import date
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from builders import table_of

from gmmcli.core.tables.engine import Engine
from gmmcli.core.tables.partition import Partition, partition
from gmmcli.core.tables.source import Source
from gmmcli.core.tables.table import open_table
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


def test_columns_that_differ_by_capitals_alone_are_told_apart(tmp_path: Path) -> None:
    (tmp_path / "d.csv").write_text("a,A,s\n1,2,u\n3,4,v\n5,6,v\n")
    found = partition(table_of(tmp_path / "d.csv", x="A", y="a", by="s"), tmp_path / "p.parquet")
    assert pieces_of(found) == {"u": [[2.0, 1.0]], "v": [[4.0, 3.0], [6.0, 5.0]]}
    part = found.open("v")
    assert part.columns == ("A", "a")
    assert part.read_first(1).to_pylist() == [{"x": 4.0, "y": 3.0}]


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


NUMBERS = [1e20, 1e-7, 0.1, 12345678.9, 1e16, 2.0, 0.0, -0.0, 1 / 3, float("nan"), None]
TEXTS = ["1e+20", "1e-07", "0.1", "12345678.9", "1e+16", "2.0", "0.0", "0.3333333333333333"]


@pytest.mark.parametrize("kind", ["duckdb", "sqlite", "float32"])
def test_numbers_are_written_by_one_rule(tmp_path: Path, kind: str) -> None:
    rows = pa.table({"x": range(len(NUMBERS)), "y": [0.5] * len(NUMBERS), "level": NUMBERS})
    texts = TEXTS
    if kind == "sqlite":
        with closing(sqlite3.connect(tmp_path / "d.sqlite")) as connection, connection:
            connection.execute("CREATE TABLE points (x REAL, y REAL, level REAL)")
            values = [tuple(row.values()) for row in rows.to_pylist()]
            connection.executemany("INSERT INTO points VALUES (?, ?, ?)", values)
        source = Source(f"sqlite://{tmp_path / 'd.sqlite'}", "points")
    else:
        if kind == "float32":
            rows = rows.set_column(2, "level", rows["level"].cast(pa.float32()))
            texts = [*TEXTS[:3], "1.2345679e+07", *TEXTS[4:7], "0.33333334"]
        pq.write_table(rows, tmp_path / "d.parquet")
        source = Source(str(tmp_path / "d.parquet"))
    parted = partition(open_table(source, x="x", y="y", by="level"), tmp_path / "rows.parquet")
    counts, n_without = parted.count_rows()
    assert counts == {text: 1 + (text == "0.0") for text in texts}
    assert n_without == 2
    assert {value for value, _ in parted.read()} == {*texts, None}
    for text, n_rows in counts.items():
        assert parted.open(text).rows.count().to_pyarrow().as_py() == n_rows


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
