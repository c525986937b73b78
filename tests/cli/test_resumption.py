"""`gmm fit --resume`: an interrupted fit ends where an uninterrupted one does."""

import contextlib
import json
import os
import shutil
import signal
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from builders import cells_of, one_line_error, random_mixture, sampled
from click.testing import CliRunner, Result

import gmmcli
from gmmcli.cli import gmm
from gmmcli.cli.reporter import Reporter
from gmmcli.core.cells.information import observe_information
from gmmcli.core.runs.directory import RunRecord, read_run
from gmmcli.core.runs.resumption import find_change, read_resumption
from gmmcli.core.search.constants import TOLERANCE
from gmmcli.errors import RunError
from gmmcli.settings import CovarianceType

FAR = {
    "weights": [0.5, 0.5],
    "means": [[0, 0], [1, 1]],
    "covariances": [[[1, 0], [0, 1]], [[1, 0], [0, 1]]],
}


@pytest.fixture
def data(work: Path) -> str:
    """Two overlapping components, which take some steps, and a start far from them."""
    pd.DataFrame(sampled(random_mixture(2, seed=4, spread=1.0), 500), columns=["a", "b"]).to_csv(
        "d.csv", index=False
    )
    Path("far.json").write_text(json.dumps(FAR))
    return "d.csv"


def told(run: str, *place: str) -> Any:
    values = json.loads((Path(run) / "parameters.json").read_text())
    for key in place:
        values = values[key]
    return values


@pytest.fixture
def interrupt(monkeypatch: pytest.MonkeyPatch) -> Callable[[str, int], None]:
    """Have Ctrl-C pressed once, at a step or a pass of the search."""

    def arrange(word: str, at: int) -> None:
        @contextlib.contextmanager
        def interrupting(self: Reporter) -> Iterator[Callable[[str, int, float], None]]:
            def press(what: str, number: int, elbo: float) -> None:
                show(what, number, elbo)
                if what == word and number == at and not pressed:
                    pressed.append(number)
                    os.kill(os.getpid(), signal.SIGINT)

            with show_steps(self) as show:
                yield press

        pressed: list[int] = []
        show_steps = Reporter.show_steps
        monkeypatch.setattr(Reporter, "show_steps", interrupting)

    return arrange


def check_same_end(found: str, expected: str) -> None:
    """The optimum is the same to what convergence leaves.

    Two ends that are within T nats of one optimum have ELBOs within T of each other; and where
    the ELBO bends by the information, each is within sqrt(2 T) standard errors of the optimum in
    any direction, so within twice that of the other.
    """
    one, other = read_run(Path(found)), read_run(Path(expected))
    assert told(found, "fit", "status") == told(expected, "fit", "status") == "converged"
    elbos = one.history.elbos[-1], other.history.elbos[-1]
    assert elbos[0] == pytest.approx(elbos[1], abs=TOLERANCE)
    apart = 2 * np.sqrt(2 * TOLERANCE)
    covariance = told(expected, "settings", "covariance")
    weight_errors, mean_errors = find_standard_errors(other, covariance)
    assert (abs(one.mixture.means - other.mixture.means) <= apart * mean_errors).all()
    assert (abs(one.mixture.weights - other.mixture.weights) <= apart * weight_errors).all()


def find_standard_errors(run: RunRecord, covariance: CovarianceType) -> tuple[Any, Any]:
    """Those of weights, shape (K,), and of means, shape (K, 2), by the observed information."""
    mixture, n_components = run.mixture, run.mixture.n_components
    inverse = observe_information(run.cells, mixture, covariance).inverse
    blocks = inverse.reshape(n_components, 6, n_components, 6)
    own = blocks[np.arange(n_components), :, np.arange(n_components)]  # (K, 6, 6)
    masses = run.cells.n_points * mixture.weights
    factors = mixture.cholesky_factors()
    of_means = factors @ own[:, 1:3, 1:3] @ factors.swapaxes(1, 2) / masses[:, None, None]
    of_weights = mixture.weights**2 * own[:, 0, 0] / masses
    return np.sqrt(of_weights), np.sqrt(np.diagonal(of_means, axis1=1, axis2=2))


ASKED = ("--init", "far.json", "--covariance", "diag", "--no-frames", "-q", "--seed", 3)


def test_a_fit_from_a_start_goes_on_from_where_it_was(
    data: str, run: Callable[..., Result], interrupt: Callable[[str, int], None]
) -> None:
    run("fit", data, *ASKED, "-o", "whole")
    interrupt("step", 2)
    run("fit", data, *ASKED, "-o", "half", code=130)
    before = read_run(Path("half")).history
    assert before.last_step == 2
    result = run("fit", "--resume", "half")
    assert "converged after" in result.stdout
    check_same_end("half", "whole")
    after = read_run(Path("half")).history
    assert after.last_step > 2
    np.testing.assert_allclose(after.means[:3], before.means, rtol=1e-9)
    np.testing.assert_allclose(after.elbos[:3], before.elbos, rtol=1e-9)
    assert told("half", "settings") == told("whole", "settings")
    assert told("half", "data") == told("whole", "data")
    assert told("half", "columns") == ["a", "b"]


def test_a_fit_that_reached_its_steps_goes_on(data: str, run: Callable[..., Result]) -> None:
    run("fit", data, *ASKED, "-o", "whole")
    run("fit", data, *ASKED, "--steps", 3, "-o", "half")
    assert told("half", "fit", "status") == "step limit reached"
    run("fit", "--resume", "half", "--no-frames", "-q")
    assert read_run(Path("half")).history.last_step <= 6
    assert told("half", "settings", "steps") == 6
    run("fit", "--resume", "half", "--steps", 500, "--no-frames", "-q", "-o", "other")
    check_same_end("other", "whole")
    result = run("fit", "--resume", "other", "--no-frames", "-q")
    assert "other has converged: there is nothing to go on with" in result.stderr


def test_a_choice_that_reached_its_steps_keeps_what_it_was_chosen_from(
    data: str, run: Callable[..., Result]
) -> None:
    asked = ("fit", data, "-k", "1:3", "--no-frames", "-q")
    run(*asked, "-o", "whole")
    run(*asked, "-o", "half", "--steps", 1)
    before = read_run(Path("half")).selection
    assert told("half", "fit", "status") == "step limit reached"
    run("fit", "--resume", "half", "--steps", 500, "--no-frames", "-q")
    check_same_end("half", "whole")
    after = read_run(Path("half")).selection
    assert before is not None
    assert after is not None
    assert after.winner.criteria.bic == pytest.approx(told("half", "fit", "bic"), rel=1e-12)
    assert after.winner.criteria.bic <= before.winner.criteria.bic + 1e-6
    assert len(after.candidates) == len(before.candidates)
    assert told("half", "settings", "choice") == told("whole", "settings", "choice")
    assert told("half", "fit", "search") == told("whole", "fit", "search")


@pytest.mark.parametrize("asked", [("-k", 3), ("-k", "1:3"), ()])
def test_a_search_begins_anew_and_ends_as_if_it_had_never_been_interrupted(
    data: str,
    run: Callable[..., Result],
    interrupt: Callable[[str, int], None],
    asked: tuple[object, ...],
) -> None:
    run("fit", data, *asked, "-o", "whole", "--no-frames", "-q")
    interrupt("step", 0)
    run("fit", data, *asked, "-o", "half", "--no-frames", "-q", code=130)
    assert told("half", "fit", "status") == "interrupted"
    run("fit", "--resume", "half", "--no-frames", "-q")
    first, second = (
        json.loads((Path(n) / "parameters.json").read_text()) for n in ("half", "whole")
    )
    for values in (first, second):
        del values["fit"]["seconds"]
    assert first == second
    histories = (Path(name, "history.csv").read_bytes() for name in ("half", "whole"))
    assert next(histories) == next(histories)


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (("fit",), 2, "Missing argument 'DATA'"),
        (
            ("fit", "--resume", "nowhere"),
            1,
            "nowhere does not exist: a fit that was killed has kept",
        ),
        (("fit", "--resume", "sample_data"), 1, "sample_data is not a run directory"),
        (("fit", "--resume", "half", "-k", 3), 2, "leave out --components"),
        (("fit", "--resume", "half", "--covariance", "full"), 2, "leave out --covariance"),
        (("fit", "other.csv", "--resume", "half"), 1, "the data have changed since half was writ"),
        (("fit", "--resume", "half", "-o", "far.json"), 1, "far.json is a file"),
    ],
)
def test_bad_requests_get_one_line(
    data: str,
    run: Callable[..., Result],
    arguments: tuple[object, ...],
    code: int,
    message: str,
) -> None:
    run("fit", data, *ASKED, "--steps", 1, "-o", "half")
    pd.read_csv(data)[:400].to_csv("other.csv", index=False)
    before = Path("half/parameters.json").read_bytes()
    assert message in one_line_error(run(*arguments, code=code))
    assert Path("half/parameters.json").read_bytes() == before


@pytest.fixture(scope="module")
def once_half(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The run of a fit that has reached its steps, which no test may change."""
    place = tmp_path_factory.mktemp("half")
    data, start = place / "d.csv", place / "far.json"
    points = sampled(random_mixture(2, seed=4, spread=1.0), 500)
    pd.DataFrame(points, columns=["a", "b"]).to_csv(data, index=False)
    start.write_text(json.dumps(FAR))
    asked = ["fit", data, "--init", start, "--no-frames", "-q", "--steps", 1, "-o", place / "half"]
    done = CliRunner().invoke(gmm, [str(each) for each in asked])
    assert done.exit_code == 0, done.output
    return place / "half"


@pytest.fixture
def half(work: Path, once_half: Path) -> Path:
    """A copy of that run, which is called half."""
    return Path(shutil.copytree(once_half, "half"))


def change(run: Path, section: str, **changes: object) -> None:
    path = run / "parameters.json"
    values = json.loads(path.read_text())
    values[section] |= changes
    path.write_text(json.dumps(values))


DAMAGED = "half/parameters.json is damaged: "


@pytest.mark.parametrize(
    ("section", "changes", "message"),
    [
        ("settings", {"floor": "deep"}, "settings.floor is 'deep': it should be a number"),
        ("settings", {"floor": [1]}, "settings.floor is [1]: it should be a number"),
        ("settings", {"floor": 0.9}, "settings: floor is 0.9: give a number from"),
        ("settings", {"floor": 10**400}, "settings.floor is 1000"),
        ("settings", {"seed": [0]}, "settings.seed is [0]: it should be a whole number"),
        ("settings", {"seed": True}, "settings.seed is True: it should be a whole number"),
        ("settings", {"seed": -1}, "settings: seed is -1: give a whole"),
        ("settings", {"cells": [1]}, "settings.cells is [1]: it should be a whole number"),
        ("settings", {"cells": 1}, "--cells: 1 is not in the range"),
        ("settings", {"learning_rate": [1]}, "settings.learning_rate is [1]: it should be a num"),
        ("settings", {"exact": [1]}, "settings.exact is [1]: it should be true or false"),
        ("settings", {"pictures": 1}, "settings.pictures is 1: it should be true or false"),
        ("settings", {"like": 3}, "settings.like is 3: it should be text or null"),
        ("settings", {"where": 3}, "settings.where is 3: it should be text or null"),
        ("settings", {"by": ["a"]}, "settings.by is ['a']: it should be text or null"),
        ("settings", {"snapshots": 0}, "settings.snapshots is 0: it should be above 0"),
        ("settings", {"snapshots": "all"}, "settings.snapshots is 'all': it should be 'auto' or a"),
        ("settings", {"engine": "R"}, "settings.engine is 'R': it should be 'auto' or 'spark'"),
        ("settings", {"steps": "many"}, "settings.steps is 'many': it should be a whole number"),
        ("settings", {"steps": -1}, "settings: steps is -1: give a whole"),
        ("settings", {"choice": [1]}, "settings.choice is [1]: it should be an object or null"),
        ("settings", {"choice": {}}, "it lacks settings.choice.fewest"),
        ("data", {"rows": "a"}, "data.rows is 'a': it should be a whole number"),
        ("data", {"path": 3}, "data.path is 3: it should be text"),
        ("fit", {"points": "100"}, "fit.points is '100': it should be a number"),
        ("fit", {"status": "done"}, "fit.status is 'done': no fit ends so"),
        ("fit", {"search": {"passes": "a", "returns": 1}}, "fit.search.passes is 'a': it should"),
        ("fit", {"search": {"words": 1}}, "it lacks fit.search.passes"),
        ("fit", {"search": 3}, "fit.search is 3: it should be an object"),
        ("fit", {"search": {"passes": 1, "returns": 1}}, "tells of a search and of a start"),
    ],
)
def test_what_a_run_says_is_checked_and_blamed_on_it(
    half: Path,
    run: Callable[..., Result],
    section: str,
    changes: dict[str, object],
    message: str,
) -> None:
    change(half, section, **changes)
    error = one_line_error(run("fit", "--resume", "half", code=1))
    assert DAMAGED in error
    assert message in error


@pytest.mark.parametrize("section", ["settings", "data", "fit"])
def test_what_a_run_has_to_say_is_missed(
    half: Path, run: Callable[..., Result], section: str
) -> None:
    path = half / "parameters.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), section: 3}))
    assert DAMAGED in one_line_error(run("fit", "--resume", "half", code=1))
    path.write_text(json.dumps({**json.loads(path.read_text()), section: {}}))
    assert f"{DAMAGED}it lacks " in one_line_error(run("fit", "--resume", "half", code=1))


def test_a_run_by_value_is_fitted_again_whole(half: Path, run: Callable[..., Result]) -> None:
    change(half, "settings", by="a")
    message = "half has fits by value, which --resume does not go on with"
    assert message in one_line_error(run("fit", "--resume", "half", code=1))


URLS = [
    *("postgres://user@192.0.2.1/db", "duckdb://a.duckdb", "sqlite://a.db", "https://a.org/d.csv"),
    *("s3://bucket/d.parquet", "duckdb://md:mine"),
]


@pytest.mark.parametrize("changes", [*({"path": url} for url in URLS), {"engine": "spark"}])
def test_nothing_is_connected_to_because_a_run_says_so(
    half: Path,
    run: Callable[..., Result],
    monkeypatch: pytest.MonkeyPatch,
    changes: dict[str, str],
) -> None:
    def connect(*_names: object, **_options: object) -> None:
        raise AssertionError("what the run names is opened")

    monkeypatch.setattr("gmmcli.core.tables.copies.resolve_source", connect)
    change(half, "settings" if "engine" in changes else "data", **changes)
    message = "is no reason to connect to anything: name DATA too, as in gmm fit DATA --resume half"
    assert message in one_line_error(run("fit", "--resume", "half", code=1))


@pytest.mark.parametrize("path", ["standard input", "elsewhere.csv", "pipe", "/dev/zero", "half"])
def test_what_is_no_file_here_is_not_read_because_a_run_says_so(
    half: Path, run: Callable[..., Result], path: str
) -> None:
    os.mkfifo("pipe")
    change(half, "data", path=path)
    message = f"half is of {path}, which is no file here: name DATA too, as in gmm fit DATA"
    assert message in one_line_error(run("fit", "--resume", "half", code=1))


def test_a_fit_of_standard_input_goes_on_with_a_file(
    half: Path, run: Callable[..., Result], once_half: Path
) -> None:
    change(half, "data", path="standard input")
    run("fit", once_half.with_name("d.csv"), "--resume", "half", "-q")
    assert told("half", "settings", "steps") == 2


@pytest.mark.parametrize(
    ("mend", "message"),
    [
        (lambda d: d * 100, "in the mean of a"),
        (lambda d: d.add([0, 1e-6]), "in the mean of b"),
        (lambda d: d.mean() + (d - d.mean()) * [1.001, 1], "in the variance of a"),
        (lambda d: d.assign(b=d["b"].to_numpy()[::-1]), "in the covariance of a and b"),
        (lambda d: d[:400], "from 500 rows to 400"),
    ],
)
def test_other_data_are_refused(
    half: Path,
    run: Callable[..., Result],
    once_half: Path,
    mend: Callable[[pd.DataFrame], pd.DataFrame],
    message: str,
) -> None:
    mend(pd.read_csv(once_half.with_name("d.csv"))).to_csv("other.csv", index=False)
    before = (half / "parameters.json").read_bytes()
    error = one_line_error(run("fit", "other.csv", "--resume", "half", code=1))
    assert f"the data have changed since half was written, {message}" in error
    assert (half / "parameters.json").read_bytes() == before


@pytest.mark.parametrize("far", [0.0, 1e9, 1e15])
def test_the_same_points_in_another_order_or_as_other_cells_are_the_same_data(far: float) -> None:
    points = sampled(random_mixture(3, seed=1), 3000) + np.array([far, 0.0])
    cells = cells_of(points)
    shuffled = cells_of(np.random.default_rng(0).permutation(points))
    merged = cells.merge(np.arange(3000, dtype=np.intp) // 7)
    assert find_change(cells, shuffled) is None
    assert find_change(cells, merged) is None
    assert find_change(merged, cells) is None
    assert find_change(cells, cells_of(points + np.array([0.0, 1e-3]))) == ("mean", (1,))
    assert find_change(cells, cells_of(points * [1.0, -1.0])) is not None


def test_other_weights_are_other_data(half: Path) -> None:
    resumed = read_resumption(half)
    cells = resumed.cells
    heavier = replace(cells, counts=2 * cells.counts)
    with pytest.raises(RunError, match="from a weight of 500 to one of 1000: fit them without"):
        resumed.check_data(500, heavier)
    resumed.check_data(500, cells)


def test_a_run_without_pictures_goes_on_without(
    half: Path, run: Callable[..., Result], once_half: Path
) -> None:
    run("fit", "--resume", "half", "-q", "--steps", 1)
    assert not (half / "frames").exists()
    assert told("half", "settings", "pictures") is False
    change(half, "settings", pictures=True)
    run("fit", "--resume", "half", "-q", "--steps", 1)
    assert (half / "convergence.png").exists()


def test_frames_by_the_thousand_are_asked_for(
    half: Path, run: Callable[..., Result], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gmmcli.core.runs.resumption.MOST_FRAMES", 1)
    change(half, "settings", snapshots=1, pictures=True)
    message = "half asks for 2 frames: say which to draw, with --snapshots auto or --no-frames"
    assert message in one_line_error(run("fit", "--resume", "half", code=1))
    run("fit", "--resume", "half", "-q", "--no-frames")


def test_a_run_that_python_wrote_says_what_the_commands_does(
    work: Path, run: Callable[..., Result], once_half: Path
) -> None:
    data = str(once_half.with_name("d.csv"))
    run(
        "fit", data, "-k", "1:2", "--steps", 1, "--where", "a > 0", "--no-frames", "-q", "-o", "one"
    )
    with pytest.warns(gmmcli.GmmWarning):  # of the limit of steps, and of the end of the range
        gmmcli.fit(data, components=(1, 2), steps=1, where="a > 0", output="other")
    assert told("one", "settings") == told("other", "settings")
    assert told("one", "data") == told("other", "data")
    run("fit", "--resume", "other", "-q")
    assert told("other", "settings", "steps") == 2


def test_a_run_of_before_an_option_was_not_asked_for_it(
    half: Path, run: Callable[..., Result]
) -> None:
    path = half / "parameters.json"
    values = json.loads(path.read_text())
    for name in ("valley", "where", "table", "pictures"):
        del values["settings"][name]
    path.write_text(json.dumps(values))
    run("fit", "--resume", "half", "-q", "--no-frames")
    assert told("half", "settings", "steps") == 2


def test_a_fit_goes_on_with_the_rows_that_it_was_asked_for(
    data: str, run: Callable[..., Result]
) -> None:
    asked = (*ASKED, "--where", "a > -1")
    run("fit", data, *asked, "-o", "whole")
    run("fit", data, *asked, "--steps", 3, "-o", "half")
    run("fit", "--resume", "half", "--steps", 500, "--no-frames", "-q")
    check_same_end("half", "whole")
    assert told("half", "settings", "where") == "a > -1"
    assert told("half", "data", "rows") == told("whole", "data", "rows")
