"""`gmm fit --resume`: an interrupted fit ends where an uninterrupted one does."""

import contextlib
import json
import os
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from builders import one_line_error, random_mixture, sampled
from click.testing import Result

from gmmcli.cli.reporter import Reporter
from gmmcli.core.runs.directory import read_run

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
    """The optimum is the same to the tolerance of convergence: far below a standard error."""
    one, other = read_run(Path(found)), read_run(Path(expected))
    assert told(found, "fit", "status") == told(expected, "fit", "status") == "converged"
    elbos = one.history.elbos[-1], other.history.elbos[-1]
    assert elbos[0] == pytest.approx(elbos[1], abs=2e-2)
    np.testing.assert_allclose(one.mixture.means, other.mixture.means, atol=0.05)
    np.testing.assert_allclose(one.mixture.weights, other.mixture.weights, atol=0.02)


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
        (("fit", "--resume", "nowhere"), 1, "nowhere is not a run directory"),
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


def test_what_a_run_was_asked_for_is_checked(data: str, run: Callable[..., Result]) -> None:
    run("fit", data, *ASKED, "--steps", 1, "-o", "half")
    path = Path("half/parameters.json")
    whole = json.loads(path.read_text())
    for changes, code, message in (
        ({"floor": "deep"}, 2, "Invalid value for '--floor': 'deep'"),
        ({"by": "a"}, 1, "half has fits by value, which --resume does not go on with"),
        ({"steps": "many"}, 1, "half/parameters.json does not tell how to go on"),
        ({"table": 3}, 1, "d.csv is not the URL of a database"),
    ):
        path.write_text(json.dumps({**whole, "settings": {**whole["settings"], **changes}}))
        assert message in one_line_error(run("fit", "--resume", "half", code=code))
    del whole["settings"]["valley"]
    path.write_text(json.dumps(whole))
    message = "half does not tell what it was asked for ('valley'): fit the data again"
    assert message in one_line_error(run("fit", "--resume", "half", code=1))


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


def test_a_run_of_before_there_were_conditions_goes_on(
    data: str, run: Callable[..., Result]
) -> None:
    run("fit", data, *ASKED, "--steps", 3, "-o", "half")
    values = told("half")
    del values["settings"]["where"]
    (Path("half") / "parameters.json").write_text(json.dumps(values))
    run("fit", "--resume", "half", "--no-frames", "-q")
    assert told("half", "settings", "steps") == 6
