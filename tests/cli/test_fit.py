"""`gmm fit`: the run that it writes and what it says."""

import contextlib
import errno
import fcntl
import json
import os
import re
import signal
import struct
import subprocess
import sys
import tempfile
import termios
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from builders import one_line_error
from click.testing import Result

from gmmcli.cli import reporting
from gmmcli.core.cells.cells import Cells
from gmmcli.core.mixture.mixture import read_mixture
from gmmcli.core.runs.directory import read_run
from gmmcli.core.search.criteria import criteria

DATA = "sample_data/old_faithful.csv"
# A start on Old Faithful that takes several steps.
FAR = {
    "weights": [0.5, 0.5],
    "means": [[3, 70], [3.5, 75]],
    "covariances": [[[1, 0], [0, 100]], [[1, 0], [0, 100]]],
}


def parameters(run: str = "old_faithful") -> dict:
    def refuse(constant: str) -> None:
        raise AssertionError(f"{constant} is not JSON")

    return json.loads(Path(run, "parameters.json").read_text(), parse_constant=refuse)


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
        "snapshots": "auto",
        "strict": False,
        "exact": False,
        "cells": 1_000_000,
        "weight": None,
        "engine": "auto",
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
    run("fit", DATA, "--snapshots", 1)
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
    stepping = reporting.Reporter.stepping

    def interrupting(self: reporting.Reporter):
        context = stepping(self)
        show = context.__enter__()

        def press(what: str, number: int, elbo: float) -> None:
            show(what, number, elbo)
            if (what, number) == ("step", 2):
                os.kill(os.getpid(), signal.SIGINT)

        class Pressing:
            def __enter__(self) -> Callable[[str, int, float], None]:
                return press

            def __exit__(self, *error: object) -> None:
                context.__exit__(*error)

        return Pressing()

    monkeypatch.setattr(reporting.Reporter, "stepping", interrupting)
    before = signal.getsignal(signal.SIGINT)
    Path("far.json").write_text(json.dumps(FAR))
    result = run("fit", DATA, "--init", "far.json", code=130)
    assert "interrupted after 2 steps" in result.stdout
    assert parameters()["fit"]["status"] == "interrupted"
    assert len(pd.read_csv("old_faithful/history.csv")) == 6
    assert "frames/step-0002.png" in pictures()
    assert signal.getsignal(signal.SIGINT) is before


def shell(command: str) -> subprocess.CompletedProcess[str]:
    """What became of a line of shell in which `gmm` stands for the command."""
    line = command.replace("gmm", f"{sys.executable} -m gmmcli", 1)
    return subprocess.run(
        line, shell=True, executable="bash", capture_output=True, text=True, check=False
    )


def test_a_reader_that_leaves_early_gets_the_whole_run(work: Path) -> None:
    done = shell(f"set -o pipefail; gmm fit {DATA} -x eruptions -y waiting -k 2 | head -n 1")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("converged after")
    assert "frames/step-0000.png" in pictures()


def test_standard_output_that_is_full_gets_one_line_and_the_fit_is_kept(work: Path) -> None:
    done = shell(f"gmm fit {DATA} -x eruptions -y waiting -k 2 > /dev/full")
    assert (done.returncode, done.stderr) == (
        1,
        "Error: cannot write to standard output: No space left on device; the fit is kept: draw "
        "it with gmm plot old_faithful\n",
    )
    assert parameters()["fit"]["status"] == "converged"


def test_ctrl_c_before_the_fit_writes_nothing(
    work: Path, run: Callable[..., Result], monkeypatch: pytest.MonkeyPatch
) -> None:
    def press(*_args: object, **_options: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("gmmcli.core.cells.compression.compress", press)
    assert one_line_error(run("fit", DATA, code=130)) == "Error: interrupted"
    assert not Path("old_faithful").exists()


def test_piped_output_is_plain_and_quiet_is_silent(work: Path, run: Callable[..., Result]) -> None:
    result = run("fit", DATA, "--no-frames")
    assert "\x1b" not in result.output
    assert result.stderr == (
        "coordinates: 'eruptions' and 'waiting' (choose others with -x and -y)\n"
    )
    assert run("fit", DATA, "--no-frames", "-q", "--overwrite").output == ""


def test_a_terminal_shows_progress_and_the_table(work: Path) -> None:
    name = "[/b] $x$ and a good deal more than a table has room for"
    rows = Path(DATA).read_text().split("\n", 1)[1]
    Path("d [b].csv").write_text(f'"{name}",y\n{rows}')
    # Slow enough for the bar to be drawn, ten times a second.
    options = ["--learning-rate", "0.001", "--steps", "400", "--no-frames"]
    master, slave = os.openpty()
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
    command = [sys.executable, "-m", "gmmcli", "fit", "d [b].csv", *options]
    with subprocess.Popen(command, stdout=slave, stderr=slave, stdin=slave) as process:
        os.close(slave)
        shown = b""
        with contextlib.suppress(OSError):  # the terminal is gone when the command ends
            while part := os.read(master, 1024):
                shown += part
    os.close(master)
    text = shown.decode()
    assert process.returncode == 0, text
    assert "\x1b[" in text
    assert re.search(r"step \d+   ELBO -\d\.\d+ nats per point", text)
    assert "reading d [b].csv" in text
    assert name in text
    assert "component" in text
    table = re.findall(r"^ +[01] .*$", text, flags=re.MULTILINE)
    assert len(table) == 2
    assert all(len(line.rstrip()) <= 80 and "…" not in line for line in table)
    assert all(len(line.split()) == 7 for line in table)


def test_the_floor_is_told(work: Path, run: Callable[..., Result]) -> None:
    rows = "".join(f"{x},{2 * x + 1}\n" for x in (1, 2, 3, 4, 11, 12, 13, 15))
    Path("line.csv").write_text("x,y\n" + rows)
    result = run("fit", "line.csv", "-k", 2, "--no-frames")
    assert "on the covariance floor: components 0, 1" in result.stderr
    assert parameters("line")["fit"]["floored"] == [0, 1]


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

    monkeypatch.setattr(tempfile, "mkdtemp", refuse)
    monkeypatch.setattr("gmmcli.core.cells.compression.compress", read)
    error = one_line_error(run("fit", DATA, "-o", "a/b", code=1))
    assert error == ("Error: cannot write a/b: Permission denied: choose another place with -o")
    assert [path.name for path in work.iterdir()] == ["sample_data"]


def test_one_component_on_few_points_is_not_told_to_be_fewer(
    work: Path, run: Callable[..., Result]
) -> None:
    Path("few.csv").write_text("x,y\n1,2\n3,5\n4,4\n")
    said = run("fit", "few.csv", "-k", 1, "--no-frames").stderr
    assert said.splitlines()[-1] == "on fewer than 6 points: component 0; fit more points"


def test_weights_are_not_called_points(work: Path, run: Callable[..., Result]) -> None:
    table = pd.read_csv(DATA)
    table["many"] = 0.5
    table.to_csv("d.csv", index=False)
    result = run("fit", "d.csv", "--weight", "many", "--verify", "--no-frames")
    figures = parameters("d")["fit"]
    total = figures["log_likelihood"]
    assert figures["bic"] == pytest.approx(11 * np.log(136) - 2 * total, rel=1e-9)
    assert f"{total:.4f} nats, {total / 136:.6f} per unit of weight, of 136\n" in result.stdout
    assert "(lower is better; N is the total weight)\n" in result.stdout
    assert "per unit of weight higher\n" in result.stdout
    assert "point" not in result.stdout


def test_adams_default_rate_is_recorded(work: Path, run: Callable[..., Result]) -> None:
    run("fit", DATA, "--optimizer", "adam", "--steps", 5, "--no-frames")
    assert parameters()["settings"]["learning_rate"] == 0.1
    assert parameters()["fit"]["status"] == "step limit reached"


@pytest.mark.parametrize(
    ("value", "scale", "text"),
    [
        (54.47945, 5.8, "54.48"),
        (-0.0626, 1.0, "-0.06"),
        (1e9 + 0.25, 1.0, "1000000000.25"),
        (5e-8, 1e-6, "5e-08"),
        (0.0, 1.0, "0"),
    ],
)
def test_values_show_a_hundredth_of_their_scale(value: float, scale: float, text: str) -> None:
    assert reporting.rounded(value, scale) == text
