"""Runs from strangers: each is read right or refused, at once, in one line."""

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet
import pytest
from builders import cells_of, fit, sampled

from gmmcli.core.mixture.sampling import ARTICLE
from gmmcli.core.runs.directory import read_run, write_run
from gmmcli.core.runs.reading import read_file
from gmmcli.core.runs.result import Provenance
from gmmcli.errors import RunError
from gmmcli.settings import FitSettings


@pytest.fixture(scope="module")
def once_written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run, which no test may change."""
    directory = tmp_path_factory.mktemp("written") / "run"
    fitted = fit(cells_of(sampled(ARTICLE, 100)), FitSettings(2))
    write_run(directory, fitted, Provenance(("x", "y"), "d.csv", 100, 0, {"snapshots": "auto"}))
    return directory


@pytest.fixture
def run(once_written: Path, tmp_path: Path) -> Path:
    """A copy of the run."""
    return Path(shutil.copytree(once_written, tmp_path / "run"))


def change_json(run: Path, *place: str, value: Any) -> None:
    """Give a place in the JSON of a run, by its keys, another value."""
    path = run / "parameters.json"
    values = json.loads(path.read_text())
    inside = values
    for key in place[:-1]:
        inside = inside[key]
    inside[place[-1]] = value
    path.write_text(json.dumps(values))


def change_history(run: Path, name: str, row: int, value: Any) -> None:
    table = pd.read_csv(run / "history.csv", dtype={name: object})
    table.loc[table.index[row], name] = value
    table.to_csv(run / "history.csv", index=False)


def change_cells(run: Path, name: str, value: float) -> None:
    table = pd.read_parquet(run / "cells.parquet")
    table.loc[0, name] = value
    table.to_parquet(run / "cells.parquet", index=False)


def unfold(run: Path, n_rows: int, **columns: pa.Array) -> None:
    """Cells of so many equal rows, in a file of a few kilobytes."""
    names = pd.read_parquet(run / "cells.parquet").columns
    ones = pa.array(np.ones(2**20))
    batch = pa.table({name: columns.get(name, ones) for name in names})
    with pyarrow.parquet.ParquetWriter(run / "cells.parquet", batch.schema) as writer:
        for _ in range(n_rows // batch.num_rows):
            writer.write_table(batch)


DAMAGES: list[tuple[Callable[[Path], object], str]] = [
    (lambda run: (run / "parameters.json").write_text("[" * 100_000), "nested too deeply"),
    (lambda run: change_json(run, "fit", "points", value=float("inf")), "it holds Infinity"),
    (lambda run: change_json(run, "fit", "points", value="1e400"), "points is '1e400'"),
    (lambda run: change_json(run, "fit", "points", value=0), "points is 0"),
    (lambda run: change_json(run, "fit", value=3), "parameters.json is damaged: "),
    (lambda run: change_json(run, "columns", value=[1, 2]), "columns are [1, 2]"),
    (lambda run: change_json(run, "weights", value=[0.5, float("nan")]), "it holds NaN"),
    (lambda run: change_json(run, "means", value=[[0, 0], [1e308, 0]]), "out of double precision"),
    (
        lambda run: change_json(run, "covariances", value=[[[1e300, 0], [0, 1]]] * 2),
        "out of double precision",
    ),
    (
        lambda run: change_json(run, "covariances", value=[[[1e-308, 0], [0, 1]]] * 2),
        "out of double precision",
    ),
    (lambda run: change_json(run, "groups", "valley", value=None), "parameters.json is damaged: "),
    (lambda run: change_json(run, "groups", "valley", value=-1), "parameters.json is damaged: "),
    (lambda run: change_json(run, "groups", value=[]), "parameters.json is damaged: "),
    (lambda run: change_history(run, "step", -1, 10**9), "steps or components are incomplete"),
    (lambda run: change_history(run, "component", -1, 10**18), "steps or components are incom"),
    (lambda run: change_history(run, "component", -1, 10**30), "history.csv is damaged: "),
    (lambda run: change_history(run, "mean_x", 0, 1e308), "out of double precision's reach"),
    (lambda run: change_history(run, "cov_xx", 0, -1), "not positive definite"),
    (lambda run: change_history(run, "cells", 0, -1), "history.csv is damaged: "),
    (lambda run: change_cells(run, "mean_x", 1e308), "out of double precision's reach"),
    (lambda run: change_cells(run, "cov_xx", -1.0), "a covariance is that of no points"),
    (lambda run: change_cells(run, "cov_xy", 1.0), "a covariance is that of no points"),
    (lambda run: change_cells(run, "count", np.inf), "a count not above 0"),
    (lambda run: unfold(run, 2**25), "it unfolds to 33,554,432 rows"),
    (
        lambda run: unfold(run, 2**20, count=pa.array(["many"] * 2**20)),
        "its column 'count' is not of doubles",
    ),
]


@pytest.mark.parametrize(("damage", "message"), DAMAGES)
def test_what_no_fit_wrote_is_refused_in_one_line(
    run: Path, damage: Callable[[Path], object], message: str
) -> None:
    damage(run)
    with pytest.raises(RunError) as caught:
        read_run(run)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 1000


@pytest.mark.parametrize("name", ["parameters.json", "history.csv", "cells.parquet"])
@pytest.mark.parametrize("kind", ["pipe", "device", "directory"])
def test_what_is_no_plain_file_is_refused_at_once(run: Path, name: str, kind: str) -> None:
    path = run / name
    path.unlink()
    if kind == "pipe":
        os.mkfifo(path)
    elif kind == "device":
        path.symlink_to("/dev/zero")
    else:
        path.mkdir()
    with pytest.raises(RunError, match=rf"{name} is damaged: it is not a plain file"):
        read_run(run)


def test_a_file_that_is_too_large_is_not_read(tmp_path: Path) -> None:
    with (tmp_path / "large").open("wb") as file:
        file.truncate(2**30 + 1)

    def parse(_path: Path) -> None:
        raise AssertionError("it is read")

    with pytest.raises(RunError, match=r"it has 1,073,741,825 bytes, and at most 1,073,741,824"):
        read_file(tmp_path / "large", parse)


def test_a_run_that_is_replaced_while_it_is_read_is_read_again(
    run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = fit(cells_of(sampled(ARTICLE, 50)), FitSettings(1))
    provenance = Provenance(("x", "y"), "d.csv", 50, 0, {"snapshots": "auto"})

    def replace_first(directory: Path) -> Any:
        parameters = read(directory)
        if not replaced:
            replaced.append(write_run(directory, other, provenance))
        return parameters

    replaced: list[object] = []
    read = read_run.__globals__["read_parameters"]
    monkeypatch.setattr("gmmcli.core.runs.directory.read_parameters", replace_first)
    found = read_run(run)
    assert len(replaced) == 1
    assert (found.mixture.n_components, found.cells.n_points) == (1, 50)
