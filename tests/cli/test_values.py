"""`gmm fit --by`: a run for each value, what it says, and what is left where something fails."""

import errno
import io
import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from builders import mixture_of, one_line_error, sampled
from click.testing import Result

from gmmcli.core.runs import parts
from gmmcli.core.runs.partners import Partners
from gmmcli.core.runs.parts import Ending, PartPlan
from gmmcli.core.search.outcome import Outcome
from gmmcli.errors import FitError

TWO = mixture_of([0.6, 0.4], [[0, 0], [6, 2]], [np.eye(2), [[1, 0.5], [0.5, 1]]])


@pytest.fixture
def sites(work: Path) -> pd.DataFrame:
    """Rows of two sites, one of a third, and some of none, in sites.csv."""
    rows = pd.DataFrame(sampled(TWO, 304), columns=["x", "y"])
    rows["site"] = ["north"] * 200 + ["south/2"] * 100 + ["lone"] + [None] * 3
    rows.sample(frac=1, random_state=1).to_csv("sites.csv", index=False)
    return rows


def test_every_value_gets_a_run(run: Callable[..., Result], sites: pd.DataFrame) -> None:
    result = run("fit", "sites.csv", "--by", "site", "-k", 2, "--no-frames", code=1)
    assert "by 'site': 3 values, of 1 to 200 rows each" in result.stdout
    assert "left out 3 rows without a 'site'" in result.stdout
    assert "fitted 2 values: 2 with 2 components; a run of each is in sites/values" in result.stdout
    assert "not fitted: 'lone' (sites.csv, site lone has one row" in result.stderr
    assert result.stdout.rstrip().endswith("cells.parquet, values.csv")
    assert sorted(path.name for path in Path("sites/values").iterdir()) == ["north", "south%2F2"]
    assert not list(Path("sites").glob(".*"))
    told = json.loads(Path("sites/values/south%2F2/parameters.json").read_text())
    assert told["data"]["rows"] == told["fit"]["points"] == 100
    assert (told["by"]["column"], told["by"]["value"]) == ("site", "south/2")
    assert told["by"]["pooled"] == [0, 1]
    assert told["settings"]["by"] is None
    assert json.loads(Path("sites/parameters.json").read_text())["settings"]["by"] == "site"
    run("plot", "sites/values/north", "--steps", "0")
    labels = run("predict", "sites/values/north", "sites.csv").stdout
    assert len(labels.splitlines()) == 305


def test_a_fit_that_replaces_another_leaves_none_of_its_values(
    run: Callable[..., Result], sites: pd.DataFrame
) -> None:
    arguments = ["fit", "sites.csv", "-k", 2, "--no-frames", "-o", "run", "--overwrite", "-q"]
    run(*arguments, "--by", "site", code=1)
    sites[sites["site"] == "north"].to_csv("sites.csv", index=False)
    run(*arguments, "--by", "site")
    assert [path.name for path in Path("run/values").iterdir()] == ["north"]
    run(*arguments)
    assert not Path("run/values").exists()
    assert not Path("run/values.csv").exists()


def test_what_is_no_run_stays_among_the_values(
    run: Callable[..., Result], sites: pd.DataFrame
) -> None:
    arguments = ["fit", "sites.csv", "-k", 2, "--no-frames", "-o", "run", "--overwrite", "-q"]
    run(*arguments, "--by", "site", code=1)
    shutil.rmtree("run/values/north")
    Path("run/values/north").mkdir()
    Path("run/values/north/notes.txt").write_text("mine")
    Path("run/values/notes.txt").write_text("mine")
    run(*arguments, "--by", "site", code=1)
    names = sorted(path.name for path in Path("run/values").iterdir())
    assert names == ["north", "north~2", "notes.txt", "south%2F2"]
    table = pd.read_csv("run/values.csv").dropna(subset="run")
    assert set(table["run"]) == {"values/north~2", "values/south%2F2"}
    run(*arguments)
    assert sorted(path.name for path in Path("run/values").iterdir()) == ["north", "notes.txt"]
    assert [path.name for path in Path("run/values/north").iterdir()] == ["notes.txt"]


def test_what_cannot_be_removed_is_told(
    run: Callable[..., Result], sites: pd.DataFrame, monkeypatch: pytest.MonkeyPatch
) -> None:
    arguments = ["fit", "sites.csv", "-k", 2, "--no-frames", "-o", "run", "--overwrite", "-q"]
    run(*arguments, "--by", "site", code=1)

    def refuse(path: Path, **options: Any) -> None:
        if options:  # of the test's own directories
            remove(path, **options)
            return
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(path))

    remove = shutil.rmtree
    monkeypatch.setattr(shutil, "rmtree", refuse)
    error = one_line_error(run(*arguments, code=1))
    assert error.startswith("Error: cannot remove ")
    assert error.endswith(": Permission denied")


def test_a_fault_in_one_value_loses_none_of_the_others(
    run: Callable[..., Result], sites: pd.DataFrame, monkeypatch: pytest.MonkeyPatch
) -> None:
    def number(plan: PartPlan, outcome: Outcome) -> tuple[Outcome, Partners]:
        if outcome.cells.n_points == 100:
            raise ValueError("no such\nnumber")
        return order(plan, outcome)

    order = parts._number
    monkeypatch.setattr(parts, "_number", number)
    monkeypatch.setattr("gmmcli.core.runs.values.count_processes", lambda _: 1)
    result = run("fit", "sites.csv", "--by", "site", "-k", 2, "--no-frames", code=1)
    assert "fitted 1 value: 1 with 2 components" in result.stdout
    assert "not fitted: 'south/2' (ValueError: no such number)" in result.stderr
    assert "a fault of gmm, not of the data: 1 value; please report it:" in result.stderr
    assert "Traceback (most recent call last)" in result.stderr
    assert [path.name for path in Path("sites/values").iterdir()] == ["north"]
    table = pd.read_csv("sites/values.csv")
    assert table["value"].tolist() == ["lone", "north", "north", "south/2"]
    assert table["problem"].iloc[-1] == "ValueError: no such number"


def test_a_process_that_ends_too_soon_loses_no_value_that_is_done(
    run: Callable[..., Result], sites: pd.DataFrame, monkeypatch: pytest.MonkeyPatch
) -> None:
    def share_until_it_breaks(
        work: Callable[..., Ending], tasks: Iterator[tuple[Any, ...]], *_: Any, **__: Any
    ) -> Iterator[Ending]:
        for task in islice(tasks, 2):
            yield work(*task)
        raise FitError("a process has ended before its time")

    monkeypatch.setattr("gmmcli.core.runs.values.share", share_until_it_breaks)
    result = run("fit", "sites.csv", "--by", "site", "-k", 2, "--no-frames", code=1)
    assert "Error: a process has ended before its time; the fit is kept" in result.stderr
    assert [path.name for path in Path("sites/values").iterdir()] == ["north"]
    table = pd.read_csv("sites/values.csv")
    assert table["value"].tolist() == ["lone", "north", "north", "south/2"]
    assert table["problem"].iloc[-1] == "the fit ended before this value was done"


def test_each_value_may_start_like_another_run(
    run: Callable[..., Result], sites: pd.DataFrame
) -> None:
    run("fit", "sites.csv", "-k", 2, "--no-frames", "-o", "before", "-q")
    run("fit", "sites.csv", "--like", "before", "--by", "site", "-o", "after", "-q", code=1)
    table = pd.read_csv("after/values.csv").dropna(subset="component")
    assert table["pooled"].tolist() == table["component"].tolist() == [0, 1, 0, 1]
    history = pd.read_csv("after/values/north/history.csv")
    started = json.loads(Path("before/parameters.json").read_text())["means"]
    first = history[history["step"] == 0][["mean_x", "mean_y"]]
    np.testing.assert_allclose(first, started, rtol=1e-12)


def test_counts_are_of_the_fit_of_all_rows(run: Callable[..., Result], sites: pd.DataFrame) -> None:
    run("fit", "sites.csv", "--by", "site", "-k", 2, "--no-frames", "-q", code=1)
    result = run("predict", "sites", "sites.csv", "--counts", "--by", "site")
    assert "sites is the fit of all rows; those of each 'site' are in sites/values" in result.stderr
    counts = pd.read_csv(io.StringIO(result.stdout), keep_default_na=False)
    assert list(counts.columns) == ["site", "label", "group", "count"]
    assert counts.groupby("site")["count"].sum().to_dict() == {
        "": 3,
        "lone": 1,
        "north": 200,
        "south/2": 100,
    }
    run("predict", "sites", "sites.csv", "--counts", "-o", "counts.csv")
    labels = pd.read_csv(io.StringIO(run("predict", "sites", "sites.csv").stdout))["label"]
    assert (
        pd.read_csv("counts.csv")["count"].tolist()
        == labels.value_counts(sort=False).sort_index().tolist()
    )


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["fit", "sites.csv", "--by", "nowhere"], 1, "sites.csv has no column 'nowhere'"),
        (["fit", "sites.csv", "-x", "x", "--by", "x"], 1, "--by names 'x', which is a coordinate"),
        (["predict", "run", "sites.csv", "--by", "site"], 2, "add --counts"),
        (["predict", "run", "sites.csv", "--counts", "--responsibilities"], 2, "leave out --resp"),
    ],
)
def test_bad_requests_get_one_line(
    run: Callable[..., Result],
    sites: pd.DataFrame,
    arguments: list[str],
    code: int,
    message: str,
) -> None:
    assert message in one_line_error(run(*arguments, code=code))


def test_processes_fit_what_one_would(run: Callable[..., Result], sites: pd.DataFrame) -> None:
    run("fit", "sites.csv", "--by", "site", "-k", 2, "--no-frames", "-o", "here", code=1)
    arguments = ["fit", "sites.csv", "--by", "site", "-k", "2", "--no-frames", "-o", "there"]
    done = subprocess.run(
        [sys.executable, "-m", "gmmcli", *arguments], capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    assert Path("here/values.csv").read_bytes() == Path("there/values.csv").read_bytes()


def test_ctrl_c_keeps_the_values_that_are_done(work: Path) -> None:
    points = pd.DataFrame(sampled(TWO, 30_000), columns=["x", "y"])
    points["site"] = np.arange(30_000) % 300
    points.to_csv("many.csv", index=False)
    process = subprocess.Popen(
        [sys.executable, "-m", "gmmcli", "fit", "many.csv", "--by", "site", "--no-frames"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    while not list(Path().glob("many/.values.gmm/*/new/*/parameters.json")):
        assert process.poll() is None
    os.killpg(process.pid, signal.SIGINT)
    out, err = process.communicate()
    assert process.returncode == 130, err
    assert "Traceback" not in err
    assert not list(Path("many").glob(".*"))
    table = pd.read_csv("many/values.csv")
    problems = table["problem"].dropna()
    assert set(problems) == {"the fit ended before this value was done"}
    done = table[table["problem"].isna()]
    assert 0 < done["value"].nunique() == 300 - len(problems)
    runs = {path.name for path in Path("many/values").iterdir()}
    assert runs == set(done["run"].str.removeprefix("values/"))
    assert "wrote many" in out


def test_a_column_of_values_leaves_two_for_coordinates(
    run: Callable[..., Result], work: Path
) -> None:
    pd.DataFrame({"x": [1.0, 2.0], "y": [3.0, 4.0]}).to_csv(work / "two.csv", index=False)
    message = one_line_error(run("fit", "two.csv", "--by", "x", code=1))
    assert "needs two numeric columns beside that of --by, 'x'" in message
    assert message.endswith("give a table with both coordinates")
