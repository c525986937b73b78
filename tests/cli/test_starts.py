"""`gmm fit --like` and `--init`: numbers that stay, and how far components have moved."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from builders import mixture_of, one_line_error, over_background, sampled
from click.testing import Result

from gmmcli.core.mixture.mixture import read_mixture
from gmmcli.core.runs.directory import read_run
from gmmcli.files import write_json

DATA = "sample_data/old_faithful.csv"


@pytest.fixture
def shifted(work: Path, run: Callable[..., Result]) -> pd.DataFrame:
    """Old Faithful with its long eruptions as short as the others; as it was, fitted in geyser."""
    run("fit", DATA, "-k", 2, "-o", "geyser", "--no-frames", "-q")
    rows = pd.read_csv(DATA)
    rows.loc[rows["eruptions"] > 3, "eruptions"] -= 2.5
    rows.to_csv("shifted.csv", index=False)
    return rows


def test_numbers_stay_where_means_would_swap_them(
    run: Callable[..., Result], shifted: pd.DataFrame
) -> None:
    run("fit", "shifted.csv", "-k", 2, "-o", "anew", "--no-frames", "-q")
    result = run("fit", "shifted.csv", "--like", "geyser", "-o", "like", "--no-frames")
    before, anew, like = (
        read_mixture(Path(d, "parameters.json")) for d in ("geyser", "anew", "like")
    )
    assert before.means[:, 1].argsort().tolist() == [0, 1]  # by the waiting time, which stays
    assert anew.means[:, 1].argsort().tolist() == [1, 0]
    assert like.means[:, 1].argsort().tolist() == [0, 1]
    np.testing.assert_allclose(like.means, anew.means[::-1], atol=1e-3)

    history = read_run(Path("like")).history
    np.testing.assert_allclose(history.means[0], before.means, rtol=1e-12)
    np.testing.assert_array_equal(history.means[-1], like.means)

    told = json.loads(Path("like/parameters.json").read_text())
    assert told["like"]["source"] == told["settings"]["like"] == "geyser"
    moves = told["like"]["moves"]
    away = like.means - before.means
    for k, move in enumerate(moves):
        square = away[k] @ np.linalg.solve(before.covariances[k], away[k])
        assert move["distance"] == pytest.approx(np.sqrt(square))
        assert move["weight"] == pytest.approx(like.weights[k] - before.weights[k])
    assert "since geyser (how far means have moved, as Mahalanobis distances" in result.stdout
    assert f"{before.weights[1]:.4f}   {like.weights[1]:.4f}   {moves[1]['distance']:.3f}" in (
        result.stdout
    )
    assert "nearer to where another was than to its own place: component 1" in result.stderr
    run("predict", "like", "shifted.csv", "-o", "labels.csv")
    labels = pd.read_csv("labels.csv")["label"]
    assert labels[pd.read_csv(DATA)["eruptions"] < 2.5].value_counts().idxmax() == 0


def test_columns_and_type_are_those_of_the_run(work: Path, run: Callable[..., Result]) -> None:
    run("fit", DATA, "-x", "waiting", "-y", "eruptions", "--covariance", "diag", "-k", 3)
    run("fit", DATA, "--like", "old_faithful/parameters.json", "-o", "again", "--no-frames")
    told = json.loads(Path("again/parameters.json").read_text())
    assert told["columns"] == ["waiting", "eruptions"]
    assert told["settings"]["covariance"] == "diag"
    assert len(told["weights"]) == 3
    assert max(move["distance"] for move in told["like"]["moves"]) < 1e-3
    assert [move["spread"] for move in told["like"]["moves"]] == pytest.approx([1, 1, 1], abs=1e-3)


def test_a_background_is_laid_over_the_new_points(work: Path, run: Callable[..., Result]) -> None:
    mixture = mixture_of([0.5, 0.5], [[0, 0], [8, 8]], [np.eye(2), np.eye(2)])
    old, new = sampled(mixture, 200, seed=1), sampled(mixture, 200, seed=2)
    strays = np.random.default_rng(0).uniform(-60, 60, (20, 2))
    for name, points in (("old", [old, strays]), ("new", [new, 1.5 * strays])):
        rows = pd.DataFrame(np.concatenate(points), columns=["x", "y"])
        rows.to_csv(f"{name}.csv", index=False)
    run("fit", "old.csv", "-k", 2, "--background", "on", "-o", "before", "--no-frames", "-q")
    run("fit", "new.csv", "--like", "before", "-o", "after", "--no-frames", "-q")
    after = read_mixture(Path("after/parameters.json")).background
    assert after is not None
    assert after.weight == pytest.approx(20 / 220, abs=0.03)
    np.testing.assert_allclose(after.box, np.stack([rows.min(), rows.max()], axis=1))
    run("fit", "new.csv", "--like", "before", "--background", "off", "-o", "without", "-q")
    without = read_run(Path("without"))
    assert without.mixture.background is None
    assert without.history.snapshot(0).mixture.background is None
    assert "lie outside the box" in one_line_error(
        run("fit", "new.csv", "--init", "before/parameters.json", "-o", "init", code=1)
    )


def test_components_of_init_keep_their_numbers(work: Path, run: Callable[..., Result]) -> None:
    run("fit", DATA, "-k", 2, "-o", "first", "--no-frames", "-q")
    mixture = read_mixture(Path("first/parameters.json")).reorder(np.array([1, 0]))
    write_json(Path("start.json"), mixture.to_json())
    for optimizer in ("natural", "adam"):
        run("fit", DATA, "--init", "start.json", "--optimizer", optimizer, "-o", optimizer, "-q")
        found = read_run(Path(optimizer))
        assert found.mixture.means[:, 0].argsort().tolist() == [1, 0]
        np.testing.assert_array_equal(found.history.means[-1], found.mixture.means)


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["--like", "geyser", "-k", 3], 2, "-k asks for other than the 2 of --like"),
        (["--like", "geyser", "--covariance", "tied"], 2, "other than full, which --like has"),
        (["--like", "geyser", "--background", "on"], 2, "drop it with --background off"),
        (["--like", "geyser", "--init", "geyser/parameters.json"], 2, "both say where to start"),
        (["--like", "shifted.csv"], 1, "shifted.csv is not a run directory"),
        (["--like", "nowhere"], 1, "nowhere is not a run directory"),
    ],
)
def test_what_contradicts_the_run_gets_one_line(
    run: Callable[..., Result],
    shifted: pd.DataFrame,
    arguments: list[object],
    code: int,
    message: str,
) -> None:
    result = run("fit", "shifted.csv", *arguments, "-o", "none", code=code)
    assert message in one_line_error(result)
    assert not Path("none").exists()


def test_a_background_needs_an_area(work: Path, run: Callable[..., Result]) -> None:
    mixture = mixture_of([1.0], [[0, 0]], [np.eye(2)])
    points = sampled(mixture, 50)
    start = over_background(mixture, 0.1, points)
    pd.DataFrame(points, columns=["x", "y"]).to_csv("plane.csv", index=False)
    write_json(Path("start.json"), start.to_json())
    run("fit", "plane.csv", "--init", "start.json", "-o", "plane", "--no-frames", "-q")
    pd.DataFrame({"x": points[:, 0], "y": 1.0}).to_csv("line.csv", index=False)
    error = one_line_error(run("fit", "line.csv", "--like", "plane", code=1))
    assert "a background needs points that differ in both coordinates" in error


@pytest.mark.parametrize("is_there", [False, True])
def test_a_group_that_the_run_has_not_is_told(
    work: Path, run: Callable[..., Result], is_there: bool
) -> None:
    mixture = mixture_of([0.5, 0.5], [[0, 0], [8, 8]], [np.eye(2), np.eye(2)])
    old, new = sampled(mixture, 300, seed=1), sampled(mixture, 300, seed=2)
    if is_there:
        new = np.concatenate([new, sampled(mixture_of([1.0], [[9, 0]], [np.eye(2)]), 40, seed=3)])
    for name, points in (("old", old), ("new", new)):
        pd.DataFrame(points, columns=["x", "y"]).to_csv(f"{name}.csv", index=False)
    run("fit", "old.csv", "-k", 2, "-o", "before", "--no-frames", "-q")
    result = run("fit", "new.csv", "--like", "before", "-o", "after", "--no-frames")
    assert ("3 components would have a BIC about" in result.stderr) is is_there
