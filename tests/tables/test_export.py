"""Rows on their way from an engine to a file: all of them, in their order."""

from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from builders import random_mixture, sampled

from gmmcli.core.tables.export import check_export
from gmmcli.core.tables.prediction import predict_rows, write_predictions
from gmmcli.core.tables.source import Source
from gmmcli.errors import OutputError


@pytest.mark.parametrize("output", ["out.csv", "out.parquet"])
def test_many_rows_keep_their_order(tmp_path: Path, output: str) -> None:
    mixture = random_mixture(4, seed=2)
    n_rows = 1_000_000  # several of the pieces that a file is read in, by several threads
    given = pd.DataFrame(sampled(mixture, n_rows), columns=["x", "y"]).assign(row=range(n_rows))
    source = Source(str(tmp_path / "many.csv"))
    given.to_csv(source.data, index=False)
    write_predictions(
        source, ("x", "y"), partial(predict_rows, mixture=mixture), str(tmp_path / output)
    )
    read = pd.read_csv if output.endswith(".csv") else pd.read_parquet
    found = read(tmp_path / output)
    pd.testing.assert_frame_equal(found[["x", "y", "row"]], given, rtol=1e-15)
    labels = mixture.joint_log_densities(given[["x", "y"]].to_numpy()).argmax(axis=1)
    np.testing.assert_array_equal(found["label"], labels)


@pytest.mark.parametrize(
    ("source", "output", "message"),
    [
        (Source("d.csv"), "d.csv", "d.csv is what is read: choose another place with -o"),
        (Source("d.csv"), "out.txt", "cannot tell the format of out.txt"),
        (Source("d.csv", engine="spark"), None, "Spark writes a directory of parts: name it with"),
    ],
)
def test_where_rows_cannot_go_is_said_before_any_is_read(
    work: Path, source: Source, output: str | None, message: str
) -> None:
    with pytest.raises(OutputError, match=message):
        check_export(source, output, overwrite=True)
