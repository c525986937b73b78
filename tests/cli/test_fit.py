"""`gmm fit`: the run that it writes and what it says."""

import contextlib
import errno
import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from builders import ROOT, one_line_error
from click.testing import Result

from gmmcli.cli.reporter import Reporter
from gmmcli.core.cells.cells import Cells
from gmmcli.core.mixture.mixture import read_mixture
from gmmcli.core.runs.components import write_with_error
from gmmcli.core.runs.directory import read_run
from gmmcli.core.search.criteria import criteria
from gmmcli.pictures.painter import Painter

DATA = "sample_data/old_faithful.csv"
# A start on Old Faithful that takes several steps.
FAR = {
    "weights": [0.5, 0.5],
    "means": [[3, 70], [3.5, 75]],
    "covariances": [[[1, 0], [0, 100]], [[1, 0], [0, 100]]],
}


def parameters(run: str = "old_faithful") -> dict[str, Any]:
    def refuse(constant: str) -> None:
        raise AssertionError(f"{constant} is not JSON")

    text = Path(run, "parameters.json").read_text()
    told: dict[str, Any] = json.loads(text, parse_constant=refuse)
    return told


def pictures(run: str = "old_faithful") -> list[str]:
    return sorted(str(path.relative_to(run)) for path in Path(run).rglob("*.png"))


def test_a_run_holds_everything(work: Path, run: Callable[..., Result]) -> None:
    result = run("fit", DATA, "-k", 2)
    told = parameters()
    assert told["format"] == "gmmcli/1"
    assert told["columns"] == ["eruptions", "waiting"]
    assert told["data"] == {"path": DATA, "rows": 272, "skipped_rows": 0}
    assert told["settings"] == {
        "components": 2,
        "covariance": "full",
        "optimizer": "natural",
        "learning_rate": 1.0,
        "steps": 10_000,
        "seed": 0,
        "effort": "normal",
        "floor": 1e-5,
        "init": "auto",
        "like": None,
        "prior": None,
        "prior_weight": None,
        "snapshots": "auto",
        "pictures": True,
        "strict": False,
        "exact": False,
        "cells": 1_000_000,
        "table": None,
        "valley": 0.95,
        "level": 0.95,
        "bootstrap": None,
        "where": None,
        "weight": None,
        "by": None,
        "engine": "auto",
        "background": "off",
        "choice": None,
    }
    assert {"gmmcli", "python", "torch", "pyro-ppl", "duckdb"} <= set(told["versions"])
    figures = told["fit"]
    assert figures["status"] == "converged"
    assert (figures["points"], figures["cells"], figures["compression_gap"]) == (272, 256, 0.0)
    assert figures["floored"] == []

    mixture = read_mixture(Path("old_faithful/parameters.json"))
    points = pd.read_csv(DATA).to_numpy()
    total = mixture.log_densities(points).sum()
    assert figures["log_likelihood"] == pytest.approx(total, rel=1e-9)
    assert figures["bic"] == pytest.approx(11 * np.log(272) - 2 * total, rel=1e-9)
    assert f"log-likelihood {total:.4f} nats" in result.stdout

    history = pd.read_csv("old_faithful/history.csv")
    first, parameters_of_steps = history.columns[:6], history.columns[6:]
    assert list(first) == ["step", "by_move", "cells", "elbo", "component", "weight"]
    assert list(parameters_of_steps) == ["mean_x", "mean_y", "cov_xx", "cov_xy", "cov_yy"]
    assert len(history) == 2 * (figures["steps"] + 1)
    last = history[history["step"] == figures["steps"]]
    np.testing.assert_allclose(last["weight"], mixture.weights, rtol=1e-15)
    np.testing.assert_allclose(last[["mean_x", "mean_y"]], mixture.means, rtol=1e-15)
    np.testing.assert_allclose(last["cov_xy"], mixture.covariances[:, 0, 1], rtol=1e-15)
    assert last["elbo"].iloc[0] == pytest.approx(total, rel=1e-9)

    cells = pd.read_parquet("old_faithful/cells.parquet")
    assert cells["count"].sum() == 272
    steps = [0, *(s for s in range(1, 100) if f"frames/step-{s:04d}.png" in pictures())]
    assert pictures() == ["convergence.png", *(f"frames/step-{s:04d}.png" for s in steps)]
    assert 2 <= len(steps) <= 8
    assert steps[-1] == figures["steps"]


def test_what_a_run_tells_is_what_was_fitted(work: Path, run: Callable[..., Result]) -> None:
    run("fit", DATA, "--no-frames", "-k", 3, "--covariance", "diag", "-o", "deep/down/three")
    told = read_run(Path("deep/down/three"))
    again = read_mixture(Path("deep/down/three/parameters.json"))
    last = told.history.snapshot(told.history.last_step)
    np.testing.assert_array_equal(told.mixture.means, again.means)
    np.testing.assert_array_equal(last.mixture.covariances, again.covariances)
    assert isinstance(told.cells, Cells)
    figures = parameters("deep/down/three")["fit"]
    found = criteria(told.cells, told.mixture, figures["log_likelihood"], "diag")
    assert (found.bic, found.aic, found.icl) == (figures["bic"], figures["aic"], figures["icl"])


def test_the_articles_pictures(work: Path, run: Callable[..., Result]) -> None:
    run("generate", "-o", "points.csv")
    options = ["--covariance", "diag", "--optimizer", "adam", "--steps", "150", "--snapshots", "50"]
    result = run("fit", "points.csv", "--init", "sample_data/article_start.json", *options)
    assert "step limit reached after 150 steps" in result.stdout
    frames = [f"frames/step-{step:04d}.png" for step in (0, 50, 100, 150)]
    assert pictures("points") == ["convergence.png", *frames]
    told = read_run(Path("points"))
    start = told.history.snapshot(0).mixture
    np.testing.assert_allclose(start.means, [[1, 2], [3, 4]], rtol=1e-12)
    np.testing.assert_allclose(
        np.diagonal(start.covariances, axis1=1, axis2=2), [[1, 2], [3, 4]], rtol=1e-9
    )
    # The article's story: far off at first, close at 50, and all but still from 100 on.
    elbos = told.history.elbos[[0, 50, 100, 150]] / 400
    assert elbos[0] < elbos[3] - 1
    assert elbos[3] - 0.05 < elbos[1] < elbos[2] < elbos[3] < elbos[2] + 1e-3


def test_nothing_is_overwritten_unasked(work: Path, run: Callable[..., Result]) -> None:
    Path("old_faithful").mkdir()
    Path("old_faithful/notes.txt").write_text("mine")
    assert "old_faithful exists" in one_line_error(run("fit", DATA, code=1))
    error = one_line_error(run("fit", DATA, "--overwrite", code=1))
    assert "old_faithful is not a run" in error
    assert [path.name for path in Path("old_faithful").iterdir()] == ["notes.txt"]


def test_overwrite_replaces_a_run_and_keeps_other_files(
    work: Path, run: Callable[..., Result]
) -> None:
    run("fit", DATA, "-k", 2, "--snapshots", 1)
    Path("old_faithful/notes.txt").write_text("mine")
    before = pictures()
    run("fit", DATA, "--overwrite", "-k", 1, "--no-frames")
    assert len(parameters()["weights"]) == 1
    assert before
    assert pictures() == []
    assert Path("old_faithful/notes.txt").read_text() == "mine"


def test_ctrl_c_ends_at_the_next_step_and_keeps_what_there_is(
    work: Path, run: Callable[..., Result], monkeypatch: pytest.MonkeyPatch
) -> None:
    show_steps = Reporter.show_steps

    @contextlib.contextmanager
    def interrupting(self: Reporter) -> Iterator[Callable[[str, int, float], None]]:
        def press(what: str, number: int, elbo: float) -> None:
            show(what, number, elbo)
            if (what, number) == ("step", 2):
                os.kill(os.getpid(), signal.SIGINT)

        with show_steps(self) as show:
            yield press

    monkeypatch.setattr(Reporter, "show_steps", interrupting)
    before = signal.getsignal(signal.SIGINT)
    Path("far.json").write_text(json.dumps(FAR))
    result = run("fit", DATA, "--init", "far.json", code=130)
    assert "interrupted after 2 steps" in result.stdout
    assert parameters()["fit"]["status"] == "interrupted"
    assert len(pd.read_csv("old_faithful/history.csv")) == 6
    assert "frames/step-0002.png" in pictures()
    assert signal.getsignal(signal.SIGINT) is before


def test_ctrl_c_before_the_fit_writes_nothing(
    work: Path, run: Callable[..., Result], monkeypatch: pytest.MonkeyPatch
) -> None:
    def press(*_args: object, **_options: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("gmmcli.core.cells.compression.compress", press)
    assert one_line_error(run("fit", DATA, code=130)) == "Error: interrupted"
    assert not Path("old_faithful").exists()


def test_pictures_are_drawn_by_a_process_that_leaves_matplotlib_out_of_this_one(work: Path) -> None:
    code = (
        "import sys; from gmmcli.cli import gmm\n"
        f"gmm(['fit', {DATA!r}, '-k', '2'], standalone_mode=False)\n"
        "print('matplotlib' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.endswith("frames\nFalse\n")
    assert {"convergence.png", "frames/step-0000.png"} < set(pictures())
    assert done.stderr.startswith("coordinates: ")
    assert done.stderr.count("\n") == 1


def test_without_pictures_no_second_process_starts(
    work: Path, run: Callable[..., Result], monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse() -> None:
        raise AssertionError("it starts")

    monkeypatch.setattr("gmmcli.pictures.painter.has_cores_to_spare", lambda: True)
    monkeypatch.setattr("gmmcli.pictures.painter._start", refuse)
    run("fit", DATA, "-k", 1, "--no-frames")


@pytest.mark.parametrize("apart", [True, False])
def test_pictures_that_cannot_be_written_leave_the_fit(
    work: Path, run: Callable[..., Result], monkeypatch: pytest.MonkeyPatch, apart: bool
) -> None:
    monkeypatch.setattr("gmmcli.pictures.painter.has_cores_to_spare", lambda: apart)
    run("fit", DATA, "-k", 1, "--no-frames")
    Path("old_faithful/frames").write_text("in the way")
    result = run("fit", DATA, "-k", 2, "-q", "--overwrite", code=1)
    assert one_line_error(result) == (
        "Error: cannot write old_faithful/frames/step-0000.png: Not a directory; "
        "the fit is kept: draw it with gmm plot old_faithful"
    )
    assert len(parameters()["weights"]) == 2


def test_ctrl_c_among_the_pictures_keeps_the_fit_and_ends_who_draws(
    work: Path, run: Callable[..., Result], monkeypatch: pytest.MonkeyPatch
) -> None:
    painters = []

    def press(painter: Painter) -> Iterator[Path]:
        painters.append(painter)
        raise KeyboardInterrupt

    monkeypatch.setattr("gmmcli.pictures.painter.has_cores_to_spare", lambda: True)
    monkeypatch.setattr(Painter, "wait_for_pictures", press)
    error = one_line_error(run("fit", DATA, "-k", 1, "-q", code=130))
    assert error.startswith("Error: interrupted; the fit is kept")
    assert read_run(Path("old_faithful")).mixture.n_components == 1
    assert painters[0]._process is not None
    assert painters[0]._process.poll() is not None


def test_a_run_that_cannot_be_written_leaves_nothing(
    work: Path, run: Callable[..., Result], monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_args: object, **_options: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(pd.DataFrame, "to_parquet", full)
    error = one_line_error(run("fit", DATA, code=1))
    assert error == "Error: cannot write old_faithful: No space left on device"
    assert [path.name for path in work.iterdir()] == ["sample_data"]


def test_a_place_that_cannot_be_written_is_found_before_the_fit(
    work: Path, run: Callable[..., Result], monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_args: object, **_options: object) -> None:
        raise PermissionError(errno.EACCES, "Permission denied")

    def read(*_args: object, **_options: object) -> None:
        raise AssertionError("the data are read")

    monkeypatch.setattr("gmmcli.claims._take", refuse)
    monkeypatch.setattr("gmmcli.core.cells.compression.compress", read)
    error = one_line_error(run("fit", DATA, "-o", "a/b", code=1))
    assert error == ("Error: cannot write a/b: Permission denied: choose another place with -o")
    assert [path.name for path in work.iterdir()] == ["sample_data"]


def test_weights_are_not_called_points(work: Path, run: Callable[..., Result]) -> None:
    table = pd.read_csv(DATA)
    table["many"] = 0.5
    table.to_csv("d.csv", index=False)
    result = run("fit", "d.csv", "-k", 2, "--weight", "many", "--verify", "--no-frames")
    figures = parameters("d")["fit"]
    total = figures["log_likelihood"]
    assert figures["bic"] == pytest.approx(11 * np.log(272) - 2 * 2 * total, rel=1e-9)
    assert f"{total:.4f} nats, {total / 136:.6f} per unit of weight, of 136\n" in result.stdout
    assert "(lower is better; the weights are worth 272)\n" in result.stdout
    assert "per unit of weight higher\n" in result.stdout
    assert "point" not in result.stdout


def test_adams_default_rate_is_recorded(work: Path, run: Callable[..., Result]) -> None:
    run("fit", DATA, "-k", 2, "--optimizer", "adam", "--steps", 5, "--no-frames")
    assert parameters()["settings"]["learning_rate"] == 0.1
    assert parameters()["fit"]["status"] == "step limit reached"


def test_a_run_says_what_was_chosen_from(work: Path, run: Callable[..., Result]) -> None:
    result = run("fit", DATA)
    assert (
        "chosen by BIC: 2 components (full), of 6 candidates with 1 to 6 components"
        in result.stdout
    )
    table = pd.read_csv("old_faithful/selection.csv")
    assert list(table["components"]) == list(range(1, 7))
    assert Path("old_faithful/selection.png").stat().st_size > 10_000
    selection = read_run(Path("old_faithful")).selection
    assert selection is not None
    assert selection.winner.components == 2
    row = table.iloc[selection.chosen]
    assert row["bic"] == pytest.approx(2322.19, abs=0.01)
    assert row["bic"] == pytest.approx(row["parameters"] * np.log(272) - 2 * row["log_likelihood"])
    assert row["aic"] == pytest.approx(2 * row["parameters"] - 2 * row["log_likelihood"])


def test_selection_pictures_are_drawn_again_and_go_with_the_choice(
    work: Path, run: Callable[..., Result]
) -> None:
    run("fit", DATA, "-k", "1:2", "-o", "r")
    assert run("plot", "r", "--format", "svg").stdout.startswith("wrote r: selection.svg, conv")
    table = Path("r/selection.csv")
    table.write_text(table.read_text().replace("full", "round"))
    error = one_line_error(run("plot", "r", code=1))
    assert error.startswith("Error: r/selection.csv is damaged: 'round' is none of full, tied")
    run("fit", DATA, "-k", 2, "-o", "r", "--overwrite", "--no-frames")
    assert not list(Path("r").glob("selection.*"))


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("-k", "1:3"), "-k asks for other than the 2 of --init: leave out either"),
        (
            ("--covariance", "auto"),
            "--covariance with several types searches for a start",
        ),
        (("--background", "on"), "a start says itself whether there is a background"),
    ],
)
def test_a_start_leaves_no_choice(
    work: Path, run: Callable[..., Result], options: tuple[str, ...], said: str
) -> None:
    start = ("--init", "sample_data/article_start.json")
    assert said in one_line_error(run("fit", DATA, *start, *options, code=2))


def test_a_stray_row_is_named(work: Path, run: Callable[..., Result]) -> None:
    result = run("fit", ROOT / "tests" / "cases" / "stray_decimal.csv", "--no-frames")
    assert "background: weight 0.025(27), about 1 of 41 points, over height 157 to" in result.stdout
    assert "in the background: row 41 (strays, or the tails of a component)" in result.stdout
    background = parameters("stray_decimal")["background"]
    assert background["count"] == pytest.approx(41 * background["weight"])
    assert background["box"][0] == [pytest.approx(157, abs=1), pytest.approx(1765, abs=1)]


@pytest.mark.parametrize(
    ("options", "has_background", "is_mentioned"),
    [
        (("-k", 2), False, True),
        (("-k", 2, "--background", "on"), True, False),
        (("--background", "off"), False, True),
    ],
)
def test_a_background_is_as_asked_and_mentioned_where_it_would_help(
    work: Path,
    run: Callable[..., Result],
    options: tuple[str | int, ...],
    has_background: bool,
    is_mentioned: bool,
) -> None:
    table = ROOT / "tests" / "cases" / "stray_decimal.csv"
    result = run("fit", table, *options, "--no-frames", "-o", "r")
    assert ("background" in parameters("r")) == has_background
    assert ("a background would be better by" in result.stderr) == is_mentioned


def test_a_start_with_a_background_is_fitted_and_tells_of_it(
    work: Path, run: Callable[..., Result]
) -> None:
    start = json.loads(Path("sample_data/article_start.json").read_text())
    start["weights"] = [0.95 * weight for weight in start["weights"]]
    start["background"] = {"weight": 0.05, "box": [[-12, 14], [-9, 11]]}
    Path("start.json").write_text(json.dumps(start))
    asked = ("--init", "start.json", "--no-frames", "-o", "stray", "--assignments", "rows.csv")
    assert run("generate", "--mixture", "start.json", "-o", "stray.csv").exit_code == 0
    result = run("fit", "stray.csv", *asked)
    assert result.exit_code == 0
    (line,) = (each for each in result.stdout.splitlines() if each.startswith("background: "))
    assert line.endswith("of 400 points, over x -12.0 to 14.0 and y -9.0 to 11.0")
    told = json.loads(Path("stray/parameters.json").read_text())
    error = told["uncertainty"]["standard_errors"]["background"]
    weight = write_with_error(told["background"]["weight"], error)
    assert line.startswith(f"background: weight {weight}, about ")
    rows = Path("rows.csv").read_text().splitlines()
    assert rows[0] == "x,y,label,predicted_label,probability,log_density,group"
    assert {row.split(",")[3] for row in rows[1:]} == {"-1", "0", "1"}
