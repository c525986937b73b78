"""Runs from strangers: each is read right or refused, at once, in one line."""

import json
import os
import shutil
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet
import pytest
from builders import cells_of, fit, sampled
from hypothesis import given
from hypothesis import strategies as st

from gmmcli.core.mixture.sampling import ARTICLE
from gmmcli.core.runs.asked import Asked
from gmmcli.core.runs.directory import read_run, write_run
from gmmcli.core.runs.history import History
from gmmcli.core.runs.reading import read_file
from gmmcli.core.runs.records import parse_history
from gmmcli.core.runs.result import Provenance
from gmmcli.errors import MixtureError, RunError
from gmmcli.settings import FitSettings


@pytest.fixture(scope="module")
def once_written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run, which no test may change."""
    directory = tmp_path_factory.mktemp("written") / "run"
    fitted = fit(cells_of(sampled(ARTICLE, 100)), FitSettings(2))
    write_run(directory, fitted, Provenance(("x", "y"), "d.csv", 100, 0, Asked()))
    return directory


@pytest.fixture
def run(once_written: Path, tmp_path: Path) -> Path:
    """A copy of the run."""
    return Path(shutil.copytree(once_written, tmp_path / "run"))


def change_json(run: Path, *place: str | int, value: Any) -> None:
    """Give a place in the JSON of a run, by its keys and numbers, another value."""
    path = run / "parameters.json"
    values = json.loads(path.read_text())
    inside = values
    for key in place[:-1]:
        inside = inside[key]
    inside[place[-1]] = value
    path.write_text(json.dumps(values))


def change_saddles(run: Path, place: list[float]) -> None:
    """Give all modes another saddle; that of the highest is none."""
    path = run / "parameters.json"
    values = json.loads(path.read_text())
    values["groups"]["modes"] = [{**mode, "saddle": place} for mode in values["groups"]["modes"]]
    path.write_text(json.dumps(values))


def change_text(run: Path, before: str, after: str) -> None:
    """Write something else in the JSON of a run, which need not be JSON."""
    path = run / "parameters.json"
    text = path.read_text()
    assert text.count(before) == 1
    path.write_text(text.replace(before, after))


def change_history(run: Path, name: str, row: int, value: Any) -> None:
    table = pd.read_csv(run / "history.csv", dtype={name: object})
    table.loc[table.index[row], name] = value
    table.to_csv(run / "history.csv", index=False)


def drop_rows(run: Path, number: int | None) -> None:
    """Leave out so many rows at the end of a history, or all."""
    table = pd.read_csv(run / "history.csv")
    table[: 0 if number is None else -number].to_csv(run / "history.csv", index=False)


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


NOT_WRITTEN = "parameters.json is damaged: it is not what gmm fit writes there; fit the data again"
DAMAGES: list[tuple[Callable[[Path], object], str]] = [
    (lambda run: (run / "parameters.json").write_text("[" * 100_000), "nested too deeply"),
    (lambda run: change_json(run, "fit", "points", value=float("inf")), "it holds Infinity"),
    (lambda run: change_text(run, '"points": 100', '"points": 1e400'), "points is inf"),
    (lambda run: change_json(run, "fit", "points", value="100"), "fit.points is '100': it should"),
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
    (lambda run: change_json(run, "groups", value=[]), NOT_WRITTEN),
    (lambda run: change_json(run, "columns", value=["x"]), NOT_WRITTEN),
    (lambda run: change_json(run, "settings", value=None), "settings is None: it should be an obj"),
    (lambda run: change_json(run, "settings", "by", value=3), "settings.by is 3: it should be te"),
    (lambda run: change_json(run, "settings", "where", value=[]), "settings.where is []: it shou"),
    (lambda run: change_json(run, "groups", "modes", value=3), NOT_WRITTEN),
    (
        lambda run: change_json(run, "groups", "modes", 0, "place", value=[1e300, 1]),
        "a mode or a saddle is out of double precision's reach",
    ),
    (
        lambda run: change_saddles(run, [1, -1e300]),
        "a mode or a saddle is out of double precision's reach",
    ),
    (lambda run: (run / "parameters.json").write_text("[]"), NOT_WRITTEN),
    (lambda run: (run / "parameters.json").write_text("\n{,"), "line 2 of it is not JSON"),
    (lambda run: (run / "parameters.json").write_text(""), "line 1 of it is not JSON"),
    (lambda run: (run / "parameters.json").write_bytes(b"\xff"), "it is not UTF-8"),
    (lambda run: (run / "parameters.json").write_text("9" * 5000), NOT_WRITTEN),
    (lambda run: (run / "history.csv").write_text("step,elbo\n0,1\n"), "it lacks the column 'by_"),
    (lambda run: (run / "history.csv").write_text(""), "history.csv is damaged: "),
    (lambda run: (run / "cells.parquet").write_text("PAR1"), "cells.parquet is damaged: "),
    (lambda run: change_history(run, "weight", 1, -0.5), "at step 0, the weight of component 1 is"),
    (
        lambda run: change_history(run, "weight", 3, "nan"),
        "history.csv is damaged: a value is missing",
    ),
    (lambda run: change_history(run, "weight", 3, "inf"), "at step 1, the weight of component 1 "),
    (lambda run: change_history(run, "weight", 2, 0.9), "at step 1, weights sum to "),
    (
        lambda run: change_history(run, "mean_y", 5, "inf"),
        "at step 2, the mean of component 1 is n",
    ),
    (lambda run: change_history(run, "cov_xy", 3, 1e9), "at step 1, the covariance of component 1"),
    (
        lambda run: change_history(run, "mean_x", 2, ""),
        "history.csv is damaged: a value is missing",
    ),
    (lambda run: change_history(run, "elbo", 2, "inf"), "an ELBO is not finite"),
    (lambda run: change_history(run, "elbo", 2, "high"), "history.csv is damaged: "),
    (lambda run: change_history(run, "step", -1, 10**9), "steps or components are incomplete"),
    (lambda run: drop_rows(run, 1), "steps or components are incomplete or not in order"),
    (lambda run: drop_rows(run, None), "steps or components are incomplete or not in order"),
    (lambda run: change_history(run, "component", 0, -1), "steps or components are incomplete"),
    (lambda run: change_history(run, "component", -1, 10**18), "steps or components are incom"),
    (lambda run: change_history(run, "component", -1, 10**30), "history.csv is damaged: "),
    (lambda run: change_history(run, "mean_x", 0, 1e308), "out of double precision's reach"),
    (lambda run: change_history(run, "cov_xx", 0, -1), "not positive definite"),
    (lambda run: change_history(run, "cells", 0, -1), "history.csv is damaged: "),
    (lambda run: change_cells(run, "mean_x", 1e308), "out of double precision's reach"),
    (lambda run: change_cells(run, "cov_xx", -1.0), "a covariance is that of no points"),
    (lambda run: change_cells(run, "cov_xy", 1.0), "a covariance is that of no points"),
    (lambda run: change_cells(run, "count", np.inf), "a count not above 0"),
    (lambda run: unfold(run, 2**25), "it unfolds to 33,554,432 rows, and 10,000,000 are read"),
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
    provenance = Provenance(("x", "y"), "d.csv", 50, 0, Asked())

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


def test_padding_makes_no_more_rows_readable(run: Path) -> None:
    unfold(run, 2**24)
    size = (run / "cells.parquet").stat().st_size
    content = (run / "cells.parquet").read_bytes()
    (run / "cells.parquet").write_bytes(b"PAR1" + bytes(2**24) + content)
    assert (run / "cells.parquet").stat().st_size > 2**24 > size
    with pytest.raises(RunError, match="it unfolds to 16,777,216 rows, and 10,000,000 are read"):
        read_run(run)


def test_a_history_of_too_many_rows_is_refused(run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = len(pd.read_csv(run / "history.csv"))
    read = parse_history.__globals__["_read_history"]
    for most_rows in (rows, rows - 1):
        monkeypatch.setattr(
            "gmmcli.core.runs.records._read_history", partial(read, most_rows=most_rows)
        )
        if most_rows == rows:
            read_run(run)
            continue
        with pytest.raises(
            RunError, match=rf"history.csv is damaged: it has more than {rows - 1:,} "
        ):
            read_run(run)


def test_frames_that_nobody_asked_for_are_not_drawn_by_the_thousand(run: Path) -> None:
    history = read_run(run).history
    elbos, weights, means, covariances, by_move, n_cells = (
        np.repeat(values, 1001, axis=0) for values in list_arrays(history)
    )
    long = History(elbos, weights, means, covariances, by_move, n_cells)
    assert len(long.choose_asked("all", 1)) == 1001 * len(history.elbos)
    assert long.choose_asked((1, 2), 1) == [1, 2]
    assert long.choose_asked(None, 1001) == [1001 * i for i in range(len(history.elbos))]
    with pytest.raises(RunError, match=r"frames: say which to draw, with --steps auto or --steps"):
        long.choose_asked(None, 1)


def list_arrays(history: History) -> list[Any]:
    return [
        *(history.elbos, history.weights, history.means, history.covariances),
        *(history.by_move, history.n_cells),
    ]


@pytest.mark.parametrize("with_background", [False, True])
@given(data=st.data())
def test_a_history_is_refused_where_a_step_has_no_mixture(
    with_background: bool, data: st.DataObject
) -> None:
    """All steps are checked at once, to the same end as each by itself."""
    many = data.draw(st.sampled_from([1, 4, 2**17]))
    n_steps, n_components = data.draw(st.integers(1, 6)), data.draw(st.integers(1, 3))
    stray = np.full(n_steps, 0.25) if with_background else None
    weights = np.full((n_steps, n_components), (0.75 if with_background else 1) / n_components)
    means = np.zeros((n_steps, n_components, 2))
    covariances = np.tile(np.eye(2), (n_steps, n_components, 1, 1))
    arrays = [weights, means, covariances, *([] if stray is None else [stray])]
    wrong = st.sampled_from([np.nan, np.inf, -np.inf, -1e-9, -1.0, 2.0, 1e76, 1e-160, 0.0, 1.0])
    for _ in range(data.draw(st.integers(0, 2))):
        array = data.draw(st.sampled_from(arrays))
        array.flat[data.draw(st.integers(0, array.size - 1))] = data.draw(wrong)
    box = np.array([[0.0, 1.0], [0.0, 1.0]]) if with_background else None
    by_move, n_cells = np.zeros(n_steps, dtype=np.bool_), np.ones(n_steps, dtype=np.int64)
    history = History(np.zeros(n_steps), weights, means, covariances, by_move, n_cells, stray, box)
    problems = {}
    for step in range(n_steps):
        try:
            history.snapshot(step)
        except MixtureError as error:
            problems[step] = f"at step {step}, {error}"
    if not problems:
        history.check(many=many)
        return
    with pytest.raises(MixtureError) as caught:
        history.check(many=many)
    assert str(caught.value) in problems.values()
