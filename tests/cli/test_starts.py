"""`gmm fit --like` and `--init`: numbers that stay, and how far components have moved."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from builders import mixture_of, one_line_error, over_background, sampled
from click.testing import Result

from gmmcli.core.assessment.worth import count_labelled
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


SAMPLES = mixture_of([0.5, 0.5], [[0, 5], [5, 0]], [np.diag([2.0, 3.0]), np.diag([4.0, 1.0])])


@pytest.fixture
def samples(work: Path, run: Callable[..., Result]) -> None:
    """Points of the article's two Gaussians: 400 in old.csv, fitted in old, and 60 in new.csv."""
    for name, number in (("old", 400), ("new", 60)):
        points = sampled(SAMPLES, number, seed=number)
        pd.DataFrame(points, columns=["x", "y"]).to_csv(f"{name}.csv", index=False)
    run("fit", "old.csv", "-k", 2, "--no-frames", "-q")


def tell(name: str) -> dict[str, Any]:
    """What the JSON of a run says."""
    told: dict[str, Any] = json.loads(Path(name, "parameters.json").read_text())
    return told


@pytest.mark.usefixtures("samples")
def test_a_run_is_the_prior_of_another(run: Callable[..., Result]) -> None:
    result = run("fit", "new.csv", "--prior", "old", "--prior-weight", 50, "--no-frames")
    assert "the prior old counts as 50 points; what follows is of the data alone" in result.stdout
    before, told = read_mixture(Path("old/parameters.json")), tell("new")
    np.testing.assert_allclose(told["prior"]["counts"], 50 * before.weights)
    assert told["prior"]["means"] == before.means.tolist()
    assert told["prior"]["covariances"] == before.covariances.tolist()
    assert (told["settings"]["prior"], told["settings"]["prior_weight"]) == ("old", 50)
    found = read_run(Path("new"))
    assert found.history.means[0] == pytest.approx(before.means)
    # The log-likelihood is that of the data, and BIC has all parameters.
    points = pd.read_csv("new.csv").to_numpy()
    total = found.mixture.log_densities(points).sum()
    assert told["fit"]["log_likelihood"] == pytest.approx(total, rel=1e-9)
    assert told["fit"]["bic"] == pytest.approx(11 * np.log(60) - 2 * total, rel=1e-9)
    run("fit", "new.csv", "--init", "old/parameters.json", "-o", "alone", "--no-frames", "-q")
    alone = read_mixture(Path("alone/parameters.json"))
    away = [np.linalg.norm(each.means - before.means) for each in (found.mixture, alone)]
    assert away[0] < away[1]


@pytest.mark.usefixtures("samples")
def test_a_prior_counts_by_default_as_what_its_run_knew(run: Callable[..., Result]) -> None:
    run("fit", "new.csv", "--prior", "old", "--no-frames", "-q")
    old = read_run(Path("old"))
    first = tell("new")["prior"]["counts"]
    np.testing.assert_allclose(first, count_labelled(old.cells, old.mixture))
    assert 200 < sum(first) < 400
    run("fit", "new.csv", "--prior", "new/parameters.json", "-o", "third", "--no-frames", "-q")
    assert sum(first) < sum(tell("third")["prior"]["counts"]) < sum(first) + 60


@pytest.mark.usefixtures("samples")
def test_a_prior_of_no_points_is_but_a_start(run: Callable[..., Result]) -> None:
    run("fit", "new.csv", "--prior", "old", "--prior-weight", 0, "-o", "none", "--no-frames", "-q")
    run("fit", "new.csv", "--init", "old/parameters.json", "-o", "init", "--no-frames", "-q")
    assert tell("none")["means"] == tell("init")["means"]
    assert tell("none")["fit"]["bic"] == tell("init")["fit"]["bic"]


@pytest.mark.usefixtures("samples")
def test_another_type_and_start_may_go_with_a_prior(run: Callable[..., Result]) -> None:
    start = replace(SAMPLES, means=SAMPLES.means[::-1])
    write_json(Path("start.json"), start.to_json())
    write_json(Path("prior.json"), start.to_json())
    arguments = ["--init", "start.json", "--prior", "prior.json", "--prior-weight", 9]
    run("fit", "new.csv", *arguments, "--covariance", "tied", "--no-frames", "-q")
    told = tell("new")
    assert told["settings"]["covariance"] == "tied"
    assert told["covariances"][0] == told["covariances"][1]
    assert told["means"][0][0] > told["means"][1][0]


@pytest.fixture
def known(samples: None) -> dict[str, Any]:
    """A start with a prior, some of which is fixed, in known.json."""
    prior = {"counts": [30, 0], "means": [[0, 5], [5, 0]]}
    prior["covariances"] = SAMPLES.covariances.tolist()
    fixed = [["mean"], ["covariance", "weight"]]
    values = {**SAMPLES.to_json(), "prior": prior, "fixed": fixed}
    write_json(Path("known.json"), values)
    return values


def test_what_is_fixed_stays_to_the_last_digit(
    run: Callable[..., Result], known: dict[str, Any]
) -> None:
    result = run("fit", "old.csv", "--init", "known.json", "-o", "found", "--no-frames")
    assert "fixed as given: mean of component 0, weight and covariance of component 1" in (
        result.stdout
    )
    told = tell("found")
    assert told["means"][0] == [0, 5]
    assert told["covariances"][1] == [[4, 0], [0, 1]]
    assert told["weights"][1] == 0.5
    assert told["means"][1] != [5, 0]
    assert told["fixed"] == [["mean"], ["weight", "covariance"]]
    assert told["prior"] == known["prior"]
    history = read_run(Path("found")).history
    assert (history.means[:, 0] == [0, 5]).all()
    # Two of the mean, three of the covariance, and the one weight are no free parameters.
    bic = (11 - 6) * np.log(400) - 2 * told["fit"]["log_likelihood"]
    assert told["fit"]["bic"] == pytest.approx(bic)


@pytest.mark.usefixtures("known")
def test_a_fit_goes_on_with_what_it_knew(run: Callable[..., Result]) -> None:
    run("fit", "old.csv", "--init", "known.json", "-o", "whole", "--no-frames", "-q")
    run("fit", "old.csv", "--init", "known.json", "--steps", 1, "-o", "half", "--no-frames", "-q")
    Path("known.json").unlink()
    run("fit", "--resume", "half", "--steps", 100, "-q")
    whole, half = tell("whole"), tell("half")
    assert (half["prior"], half["fixed"]) == (whole["prior"], whole["fixed"])
    np.testing.assert_allclose(half["means"], whole["means"], atol=1e-4)
    assert half["fit"]["bic"] == pytest.approx(whole["fit"]["bic"], abs=1e-4)
    assert half["means"][0] == [0, 5]

    run("fit", "new.csv", "--prior", "old", "--steps", 1, "-o", "short", "--no-frames", "-q")
    run("fit", "new.csv", "--prior", "old", "-o", "long", "--no-frames", "-q")
    run("fit", "--resume", "short", "--steps", 100, "-q")
    short, long = tell("short"), tell("long")
    assert short["prior"] == long["prior"]
    assert short["settings"]["prior"] == "old"
    np.testing.assert_allclose(short["means"], long["means"], atol=1e-4)
    assert "leave out --prior" in one_line_error(
        run("fit", "--resume", "short", "--prior", "old", code=2)
    )


@pytest.mark.usefixtures("samples")
def test_each_value_has_the_prior(run: Callable[..., Result]) -> None:
    rows = pd.read_csv("new.csv")
    rows["site"] = ["a"] * 45 + ["b"] * 15
    rows.to_csv("sites.csv", index=False)
    arguments = ["--prior", "old", "--prior-weight", 1000, "--by", "site", "--no-frames", "-q"]
    run("fit", "sites.csv", *arguments)
    before = read_mixture(Path("old/parameters.json"))
    for value in ("a", "b"):
        told = tell(f"sites/values/{value}")
        assert sum(told["prior"]["counts"]) == pytest.approx(1000)
        np.testing.assert_allclose(told["means"], before.means, atol=0.1)


@pytest.mark.usefixtures("samples")
def test_the_background_of_a_prior_is_laid_over_the_new_points(run: Callable[..., Result]) -> None:
    run("fit", "old.csv", "-k", 2, "--background", "on", "-o", "strays", "--no-frames", "-q")
    run("fit", "new.csv", "--prior", "strays", "--prior-weight", 400, "--no-frames", "-q")
    told, rows = tell("new"), pd.read_csv("new.csv")
    np.testing.assert_allclose(told["background"]["box"], np.stack([rows.min(), rows.max()], 1))
    # Of strays nothing is known but how many the others leave.
    assert sum(told["prior"]["counts"]) == pytest.approx(400 * sum(tell("strays")["weights"]))
    arguments = ["--prior", "strays", "--background", "off", "-o", "without", "--no-frames", "-q"]
    run("fit", "new.csv", *arguments)
    assert "background" not in tell("without")


@pytest.mark.usefixtures("known")
@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["--prior-weight", 9], 2, "--prior-weight says how much --prior counts: name its run"),
        (["--prior", "old", "-k", 3], 2, "-k asks for other than the 2 of --prior"),
        (["--prior", "nowhere"], 1, "nowhere is not a run directory"),
        (["--prior", "old", "--prior-weight", -1], 2, "-1.0 is not in the range"),
        (
            ["--prior", "known.json"],
            2,
            "known.json is a mixture of no points: say with --prior",
        ),
        (["--prior", "old", "--init", "known.json"], 2, "--init has a prior of its own: leave out"),
        (
            ["--prior", "one", "--init", "two.json"],
            1,
            "to start from: 1, not 2",
        ),
        (["--init", "known.json", "--covariance", "tied"], 1, "components share of their covarian"),
        (["--init", "known.json", "--floor", 0.5], 1, "is fixed at less than --floor and the roun"),
    ],
)
def test_what_contradicts_what_is_known_gets_one_line(
    run: Callable[..., Result], arguments: list[object], code: int, message: str
) -> None:
    run("fit", "old.csv", "-k", 1, "-o", "one", "--no-frames", "-q")
    write_json(Path("two.json"), SAMPLES.to_json())
    error = one_line_error(run("fit", "new.csv", *arguments, "-o", "none", code=code))
    assert message in error
    assert not Path("none").exists()


def test_resamples_know_nothing_but_the_data(work: Path, run: Callable[..., Result]) -> None:
    start = ("--init", "sample_data/article_prior.json", "--bootstrap", 50)
    error = one_line_error(run("fit", "sample_data/old_faithful.csv", *start, code=1))
    line = "--bootstrap resamples the data alone, and this fit has a prior"
    assert line in error
    short = (*start[:2], "--steps", 1, "--no-frames", "-o", "short")
    run("fit", "sample_data/old_faithful.csv", *short)
    again = run("fit", "--resume", "short", "--steps", 100, "--bootstrap", 50, code=1)
    assert line in one_line_error(again)
