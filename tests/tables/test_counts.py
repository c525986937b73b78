"""Counts of labels: those of the labels that rows get."""

from pathlib import Path

import numpy as np
import pandas as pd
from builders import random_mixture, sampled, table_of

from gmmcli.core.tables.counts import count_labels
from gmmcli.core.tables.prediction import predict_rows


def test_counts_are_those_of_the_rows(tmp_path: Path) -> None:
    mixture = random_mixture(3, seed=1)
    frame = pd.DataFrame(sampled(mixture, 500), columns=["x", "y"])
    frame["site"] = np.random.default_rng(0).choice(["a", "b", "c"], 500)
    frame.loc[3, "x"], frame.loc[7, "site"] = None, None
    frame.to_csv(tmp_path / "d.csv", index=False)
    table = table_of(tmp_path / "d.csv", x="x", y="y", by="site")
    rows = predict_rows(table, mixture).to_pandas()
    for by in (["site"], []):
        expected = rows.groupby([*by, "label"], dropna=False).size()
        parted = table_of(tmp_path / "d.csv", x="x", y="y", by="site" if by else None)
        found = count_labels(parted, mixture).to_pandas()
        assert list(found.columns) == [*by, "label", "count"]
        assert found["count"].sum() == 500
        assert sorted(found["count"]) == sorted(expected)
        known = found.dropna().set_index([*by, "label"])["count"]
        assert known.index.is_monotonic_increasing
        np.testing.assert_array_equal(known, expected[known.index])


def test_names_of_results_give_way(tmp_path: Path) -> None:
    frame = pd.DataFrame({"x": [0.0, 1.0], "y": [0.0, 1.0], "count": ["a", "b"], "label": "mine"})
    frame.to_csv(tmp_path / "d.csv", index=False)
    mixture = random_mixture(2, seed=1)
    named = {
        by: list(count_labels(table_of(tmp_path / "d.csv", by=by), mixture).columns)
        for by in ("count", "label")
    }
    assert named["count"] == ["count", "label", "predicted_count"]
    assert named["label"] == ["label", "predicted_label", "count"]
