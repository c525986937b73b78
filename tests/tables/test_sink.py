"""Batches of rows in files: the same in every format, quoted where they must be."""

import gzip
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pytest

from gmmcli.core.tables.sink import check_sink, write_rows
from gmmcli.errors import OutputError

PLAIN = pa.record_batch({"x, 1": [0.1, 1e-300], "note": ["a", "é"]})
QUOTED = pa.record_batch({"x, 1": [None, 2.0], "note": ["a, b", 'say "c"']})


def test_every_format_gives_the_same_rows_back(tmp_path: Path) -> None:
    for suffix in (".csv", ".csv.gz", ".parquet"):
        write_rows(iter([PLAIN, QUOTED]), PLAIN.schema, tmp_path / f"d{suffix}")
    expected = pa.Table.from_batches([PLAIN, QUOTED]).to_pandas()
    pd.testing.assert_frame_equal(pd.read_parquet(tmp_path / "d.parquet"), expected)
    pd.testing.assert_frame_equal(pd.read_csv(tmp_path / "d.csv"), expected)
    unpacked = gzip.decompress((tmp_path / "d.csv.gz").read_bytes())
    assert unpacked == (tmp_path / "d.csv").read_bytes()


def test_only_batches_that_need_quotes_have_them(tmp_path: Path) -> None:
    write_rows(iter([PLAIN, QUOTED]), PLAIN.schema, tmp_path / "d.csv")
    lines = (tmp_path / "d.csv").read_text(encoding="utf-8").splitlines()
    assert lines[:3] == ['"x, 1",note', "0.1,a", "1e-300,é"]
    assert lines[3:] == [',"a, b"', '2,"say ""c"""']


def test_a_format_is_told_by_the_suffix(tmp_path: Path) -> None:
    check_sink(tmp_path / "D.CSV.GZ", overwrite=False)
    with pytest.raises(OutputError, match=r"end it in \.csv or \.csv\.gz or \.parquet"):
        check_sink(tmp_path / "d.xlsx", overwrite=False)
