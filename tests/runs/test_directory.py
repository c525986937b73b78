"""Runs with a background and of choices, written and read; the rest is in cli/test_fit."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from builders import cells_of, choose, fit, over_background, sampled

from gmmcli.core.mixture.sampling import ARTICLE
from gmmcli.core.mixture.units import Nats
from gmmcli.core.runs.asked import Asked
from gmmcli.core.runs.directory import read_run, write_run
from gmmcli.core.runs.parameters import read_parameters
from gmmcli.core.runs.resampling import resample
from gmmcli.core.runs.result import Fit, Provenance, describe
from gmmcli.core.search.choice import choose_mixture
from gmmcli.core.search.criteria import Selection
from gmmcli.core.search.outcome import SecondOptimum
from gmmcli.core.search.status import Status
from gmmcli.errors import RunError
from gmmcli.settings import Choice, FitSettings

ENDS = np.array([[-12.0, -9.0], [14.0, 11.0]])


@pytest.fixture(scope="module")
def stray() -> Fit:
    """A fit to the article's example with stray points."""
    points = np.concatenate([sampled(over_background(ARTICLE, 0.06, ENDS), 500), ENDS])
    start = over_background(ARTICLE, 0.02, ENDS)
    return fit(cells_of(points), FitSettings(2), start=start)


def write(fitted: Fit, directory: Path) -> Path:
    write_run(directory, fitted, Provenance(("x", "y"), "d.csv", 502, 0, Asked()))
    return directory


def test_a_run_keeps_the_background_of_every_step(stray: Fit, tmp_path: Path) -> None:
    run = read_run(write(stray, tmp_path / "run"))
    expected, found = stray.mixture.background, run.mixture.background
    assert found is not None
    assert expected is not None
    assert found.weight == expected.weight
    np.testing.assert_allclose(found.box, ENDS.T, rtol=1e-12)
    weights = run.history.background_weights
    assert weights is not None
    assert stray.history.background_weights is not None
    np.testing.assert_array_equal(weights, stray.history.background_weights)
    assert weights[0] == pytest.approx(0.02)
    assert run.history.snapshot(0).mixture.background is not None
    assert read_parameters(tmp_path / "run").mixture.background is not None


def test_the_json_of_a_run_tells_how_many_points_are_stray(stray: Fit, tmp_path: Path) -> None:
    path = write(stray, tmp_path / "run") / "parameters.json"
    background = json.loads(path.read_text())["background"]
    assert list(background) == ["weight", "box", "count"]
    assert background["count"] == pytest.approx(502 * background["weight"])
    assert background["count"] == pytest.approx(30, abs=15)  # about three standard errors


def test_a_history_that_lacks_the_background_is_damaged(stray: Fit, tmp_path: Path) -> None:
    path = write(stray, tmp_path / "run") / "history.csv"
    pd.read_csv(path).drop(columns="background").to_csv(path, index=False)
    with pytest.raises(RunError, match=r"history.csv is damaged: it lacks the column 'background'"):
        read_run(tmp_path / "run")


def test_a_run_without_a_background_has_no_word_of_one(tmp_path: Path) -> None:
    fitted = fit(cells_of(sampled(ARTICLE, 100)), FitSettings(1))
    write(fitted, tmp_path / "run")
    assert "background" not in json.loads((tmp_path / "run" / "parameters.json").read_text())
    assert "background" not in (tmp_path / "run" / "history.csv").read_text()
    assert read_run(tmp_path / "run").history.background_weights is None


def choose_in(directory: Path) -> tuple[Path, Selection]:
    """A run of a choice, and what was chosen from, of which one has a surcharge."""
    fitted = choose(cells_of(sampled(ARTICLE, 200)), FitSettings(), Choice(1, 4, goes_on=False))
    assert fitted.selection is not None
    first, *others = fitted.selection.candidates
    selection = replace(fitted.selection, candidates=(replace(first, surcharge=7.5), *others))
    return write(replace(fitted, selection=selection), directory), selection


def test_a_run_keeps_what_its_mixture_was_chosen_from(tmp_path: Path) -> None:
    path, selection = choose_in(tmp_path / "run")
    found = read_run(path).selection
    assert found is not None
    assert found == selection
    assert found.winner == selection.winner
    assert found.lead == selection.lead


@pytest.mark.parametrize(
    "status", ["left behind", "on the covariance floor", "on fewer than 6 points"]
)
def test_a_choice_of_an_earlier_version_is_read(tmp_path: Path, status: str) -> None:
    path, selection = choose_in(tmp_path / "run")
    table = pd.read_csv(path / "selection.csv").drop(columns="surcharge")
    table.loc[0, "status"] = status
    table.to_csv(path / "selection.csv", index=False)
    found = read_run(path).selection
    assert found is not None
    assert found.candidates[0].status is Status.PRELIMINARY
    assert [each.surcharge for each in found.candidates] == [0] * 4
    assert found.chosen == selection.chosen


def test_a_run_keeps_another_optimum_and_what_resamples_gave(tmp_path: Path) -> None:
    cells = cells_of(sampled(ARTICLE, 200))
    outcome = choose_mixture(cells, FitSettings(2), Choice.hold(2))
    fitted = resample(describe(outcome), outcome, 20, 0.95)
    second = SecondOptimum(fitted.mixture, Nats(1.5))
    run = read_run(write(replace(fitted, second=second), tmp_path / "run"))
    assert run.second is not None
    assert run.second.deficit == 1.5
    np.testing.assert_array_equal(run.second.mixture.means, fitted.mixture.means)
    assert run.errors is not None
    assert fitted.errors is not None
    assert run.errors.n_replicates == 20
    np.testing.assert_array_equal(run.errors.intervals, fitted.errors.intervals)
    path = tmp_path / "run" / "second.json"
    path.write_text(path.read_text().replace('"deficit": 1.5', '"deficit": "much"'))
    with pytest.raises(RunError, match="deficit is 'much': it should be a number"):
        read_run(tmp_path / "run")
