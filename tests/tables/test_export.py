"""Rows on their way from an engine to a file: all of them, in their order."""

from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from builders import random_mixture, sampled
from click.testing import Result

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


@pytest.mark.parametrize("name", ["d.csv", "d.parquet"])
@pytest.mark.parametrize("output", ["out.csv", "out.parquet"])
def test_names_that_differ_by_capitals_alone_are_kept(
    tmp_path: Path, name: str, output: str
) -> None:
    mixture = random_mixture(2, seed=2)
    given = pd.DataFrame(sampled(mixture, 50), columns=["a", "A"]).assign(Label=1.5)
    write = given.to_csv if name == "d.csv" else given.to_parquet
    write(tmp_path / name, index=False)
    source = Source(str(tmp_path / name))
    write_predictions(
        source, ("A", "a"), partial(predict_rows, mixture=mixture), str(tmp_path / output)
    )
    read = pd.read_csv if output.endswith(".csv") else pd.read_parquet
    found = read(tmp_path / output)
    assert [*found.columns] == ["a", "A", "Label", "label", "probability", "log_density"]
    pd.testing.assert_frame_equal(found[["a", "A", "Label"]], given, rtol=1e-15)
    labels = mixture.joint_log_densities(given[["A", "a"]].to_numpy()).argmax(axis=1)
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


@pytest.mark.parametrize("output", [None, "out.csv", "out.csv.gz", "out.parquet"])
@pytest.mark.parametrize(
    ("line", "message"),
    [
        (b"1,2,3\n", "line 260002 has more fields than the 2 of the first line: mend it"),
        (b"1,\xff\n", "line 260002"),
        (b"1,oops\n", "line 260002: column 'y' holds 'oops', which is not a number"),
    ],
)
def test_what_cannot_be_read_in_the_middle_of_writing_is_told_as_that(
    work: Path, run: Callable[..., Result], output: str | None, line: bytes, message: str
) -> None:
    run("fit", "sample_data/old_faithful.csv", "-k", 1, "--no-frames", "-q", "-o", "run")
    (work / "d.csv").write_bytes(b"x,y\n" + b"1,2\n" * 260_000 + line + b"1,2\n" * 10)
    before = sorted(work.iterdir())
    asked = ("predict", "run", "d.csv", "-x", "x", "-y", "y")
    where = () if output is None else ("-o", output)
    error = run(*asked, *where, code=1).stderr
    assert f"d.csv, {message}" in error
    assert error.count("\n") == 1
    assert sorted(work.iterdir()) == before
