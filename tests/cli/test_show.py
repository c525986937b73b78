"""`gmm show`, and what --json and --exit-code make of it and of `gmm fit`."""

import json
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest
from builders import SAMPLE_DATA, one_line_error
from click.testing import CliRunner, Result

from gmmcli.cli import gmm


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Result]:
    """A run, and what `gmm fit` said of it."""
    directory = tmp_path_factory.mktemp("show") / "run"
    data = str(SAMPLE_DATA / "old_faithful.csv")
    arguments = ["fit", data, "-o", str(directory), "--no-frames", "--verify"]
    return directory, CliRunner().invoke(gmm, arguments)


def test_the_summary_comes_again_from_the_run_alone(run: tuple[Path, Result]) -> None:
    directory, fitted = run
    shown = CliRunner().invoke(gmm, ["show", str(directory)])
    assert shown.exit_code == 0
    first, *again = shown.stdout.splitlines()
    assert first.startswith("'eruptions' and 'waiting' of ")
    assert first.endswith("old_faithful.csv: 272 rows")
    *said, wrote = fitted.stdout.splitlines()
    assert wrote.startswith("wrote ")
    told, took = said[0].split(", ")  # which is kept to a millisecond
    assert again[0].startswith(f"{told}, ")
    assert took.endswith(" s")
    assert again[1:] == said[1:]
    assert shown.stderr.splitlines() == fitted.stderr.splitlines()[1:]  # but the choice of columns


def test_axes_are_shown_where_asked_for(run: tuple[Path, Result]) -> None:
    shown = CliRunner().invoke(gmm, ["show", str(run[0]), "--axes"])
    assert "long axis" in shown.stdout


def test_it_needs_no_torch(run: tuple[Path, Result]) -> None:
    code = f"""
import sys
from gmmcli.cli import gmm
try:
    gmm(["show", {str(run[0])!r}])
except SystemExit as end:
    assert not end.code
assert "torch" not in sys.modules and "matplotlib" not in sys.modules
"""
    subprocess.run([sys.executable, "-c", code], check=True, capture_output=True)


def test_json_is_one_object_and_words_go_elsewhere(run: tuple[Path, Result]) -> None:
    directory, _ = run
    shown = CliRunner().invoke(gmm, ["show", str(directory), "--json"])
    told = json.loads(shown.stdout)
    parameters = json.loads((directory / "parameters.json").read_text())
    assert told == {"run": str(directory), **parameters}
    assert "BIC" in shown.stderr
    assert told["uncertainty"]["level"] == 0.95


def test_a_fit_prints_json_too(tmp_path: Path) -> None:
    directory = tmp_path / "run"
    data = str(SAMPLE_DATA / "old_faithful.csv")
    arguments = ["fit", data, "-o", str(directory), "--no-frames", "-q", "--json", "--level", "0.9"]
    done = CliRunner().invoke(gmm, [*arguments, "-k", "2"])
    assert done.stderr == ""
    told = json.loads(done.stdout)
    assert told["uncertainty"]["level"] == told["settings"]["level"] == 0.9
    (low, high), _ = told["uncertainty"]["intervals"]["weights"]
    assert low < told["weights"][0] < high


def test_doubt_has_an_exit_code_where_asked_for(run: tuple[Path, Result], tmp_path: Path) -> None:
    directory, fitted = run
    assert fitted.exit_code == 0
    assert "the data do not distinguish" in fitted.stderr
    assert CliRunner().invoke(gmm, ["show", str(directory), "--exit-code"]).exit_code == 3
    data = str(SAMPLE_DATA / "old_faithful.csv")
    sure = ["fit", data, "-k", "2", "--no-frames", "--exit-code"]
    done = CliRunner().invoke(gmm, [*sure, "-o", str(tmp_path / "sure")])
    assert done.exit_code == 0, done.output
    done = CliRunner().invoke(gmm, [*sure, "-o", str(tmp_path / "unsure"), "--steps", "1"])
    assert done.exit_code == 3


def test_a_bootstrap_has_its_file_and_its_line(tmp_path: Path) -> None:
    directory = tmp_path / "run"
    data = str(SAMPLE_DATA / "old_faithful.csv")
    asked = ("-o", str(directory), "--no-frames", "--bootstrap", "20", "--json")
    done = CliRunner().invoke(gmm, ["fit", data, *asked])
    assert done.exit_code == 0, done.output
    told = json.loads(done.stdout)
    assert told["uncertainty"]["method"] == "bootstrap"
    assert told["uncertainty"]["resamples"] == told["settings"]["bootstrap"] == 20
    assert len(pd.read_parquet(directory / "bootstrap.parquet")) == 40
    (line,) = (each for each in done.stderr.splitlines() if each.startswith("the best of 20"))
    assert "2 components (full) in " in line
    shown = CliRunner().invoke(gmm, ["show", str(directory)])
    assert line in shown.stdout.splitlines()


def test_what_is_no_run_is_refused(tmp_path: Path) -> None:
    error = one_line_error(CliRunner().invoke(gmm, ["show", str(tmp_path)]))
    assert "is not a run directory" in error
