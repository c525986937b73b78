"""Counts of labels: those of the labels that rows get."""

import sqlite3
from contextlib import closing
from functools import partial
from pathlib import Path

import ibis.expr.types as ir
import numpy as np
import pandas as pd
import pytest
from builders import random_mixture, sampled, table_of

from gmmcli.core.groups.borders import draw_territories
from gmmcli.core.groups.terrain import survey
from gmmcli.core.mixture.mixture import Mixture
from gmmcli.core.tables.counts import count_labels
from gmmcli.core.tables.prediction import predict_rows
from gmmcli.core.tables.source import Source
from gmmcli.core.tables.table import Table, open_table


def predict_all(table: Table, mixture: Mixture) -> ir.Table:
    """The rows with all their results; any valley divides groups."""
    territories = draw_territories(mixture, survey(mixture)[1], 1.0)
    return predict_rows(table, mixture, territories=territories)


def test_counts_are_those_of_the_rows(tmp_path: Path) -> None:
    mixture = random_mixture(3, seed=1)
    frame = pd.DataFrame(sampled(mixture, 500), columns=["x", "y"])
    frame["site"] = np.random.default_rng(0).choice(["a", "b", "c"], 500)
    frame.loc[3, "x"], frame.loc[7, "site"] = None, None
    frame.to_csv(tmp_path / "d.csv", index=False)
    table = table_of(tmp_path / "d.csv", x="x", y="y", by="site")
    rows = predict_all(table, mixture).to_pandas()
    predict = partial(predict_all, mixture=mixture)
    for by in (["site"], []):
        expected = rows.groupby([*by, "label", "group"], dropna=False).size()
        parted = table_of(tmp_path / "d.csv", x="x", y="y", by="site" if by else None)
        found = count_labels(parted, predict).to_pandas()
        assert list(found.columns) == [*by, "label", "group", "count"]
        assert found["count"].sum() == 500
        assert sorted(found["count"]) == sorted(expected)
        known = found.dropna().set_index([*by, "label", "group"])["count"]
        assert known.index.is_monotonic_increasing
        np.testing.assert_array_equal(known, expected[known.index])


def test_names_of_results_give_way(tmp_path: Path) -> None:
    frame = pd.DataFrame({"x": [0.0, 1.0], "y": [0.0, 1.0], "count": ["a", "b"], "label": "mine"})
    frame.to_csv(tmp_path / "d.csv", index=False)
    mixture = random_mixture(2, seed=1)
    predict = partial(predict_all, mixture=mixture)
    named = {
        by: list(count_labels(table_of(tmp_path / "d.csv", by=by), predict).columns)
        for by in ("count", "label")
    }
    assert named["count"] == ["count", "label", "group", "predicted_count"]
    assert named["label"] == ["label", "predicted_label", "group", "count"]


@pytest.mark.parametrize("suffix", ["csv", "parquet", "sqlite"])
def test_values_that_are_numbers_are_in_their_order(tmp_path: Path, suffix: str) -> None:
    frame = pd.DataFrame({"x": [0.0, 1.0] * 4, "y": 0.5, "size": [100, 9, 20, 1] * 2})
    frame["level"] = [1e20, 0.5, 1e-7, 30.0] * 2
    source = Source(str(tmp_path / f"d.{suffix}"))
    if suffix == "sqlite":
        with closing(sqlite3.connect(tmp_path / "d.sqlite")) as connection:
            frame.to_sql("points", connection, index=False)
        source = Source(f"sqlite://{tmp_path / 'd.sqlite'}", "points")
    elif suffix == "csv":
        frame.to_csv(tmp_path / "d.csv", index=False)
    else:
        frame.to_parquet(tmp_path / "d.parquet")
    predict = partial(predict_all, mixture=random_mixture(2, seed=1))
    for by in ("size", "level"):
        found = count_labels(open_table(source, x="x", y="y", by=by), predict).to_pandas()
        numbers = found[by].astype(float)
        assert numbers.is_monotonic_increasing
        assert sorted(set(numbers)) == sorted(set(frame[by]))


def test_numbers_come_before_other_values(tmp_path: Path) -> None:
    frame = pd.DataFrame({"x": 0.0, "y": [1.0] * 6, "site": ["b", "10", "a", None, "9", "007"]})
    frame.to_csv(tmp_path / "d.csv", index=False)
    table = table_of(tmp_path / "d.csv", x="x", y="y", by="site")
    counts = count_labels(table, partial(predict_all, mixture=random_mixture(2, seed=1)))
    assert counts.to_pyarrow()["site"].to_pylist() == ["007", "9", "10", "a", "b", None]
