"""`gmm compare`: two runs side by side."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from builders import one_line_error
from click.testing import CliRunner, Result

from gmmcli.cli import gmm
from gmmcli.cli.comparison import describe_comparison, write_p_value
from gmmcli.core.runs.comparison import Comparison, LikelihoodRatio


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, str, str]:
    """Two runs of samples of the article's mixture, and one of three components."""
    place = tmp_path_factory.mktemp("compared")
    for seed in (1, 2):
        data = str(place / f"{seed}.csv")
        CliRunner().invoke(gmm, ["generate", "-o", data, "--seed", str(seed)])
    for name, seed, k in (("one", 1, 2), ("two", 2, 2), ("three", 2, 3)):
        arguments = ["fit", str(place / f"{seed}.csv"), "-k", str(k), "--no-frames"]
        done = CliRunner().invoke(gmm, [*arguments, "-o", str(place / name)])
        assert done.exit_code == 0, done.output
    return str(place / "one"), str(place / "two"), str(place / "three")


def test_two_runs_are_compared_in_a_table_and_a_test(
    runs: tuple[str, str, str], run: Callable[..., Result]
) -> None:
    one, two, _ = runs
    lines = run("compare", one, two).stdout.splitlines()
    rows = [line.split() for line in lines if line.strip()[:1].isdigit()]
    assert [row[0] for row in rows] == ["0", "1"]
    assert all(len(row) == 7 and all("(" in text for text in row[1:]) for row in rows)
    assert "11 degrees of freedom, p = 0." in lines[-1]
    assert lines[-1].endswith("the data do not tell the two mixtures apart")


def test_other_numbers_of_components_are_compared_without_a_test(
    runs: tuple[str, str, str], run: Callable[..., Result]
) -> None:
    _, two, three = runs
    lines = run("compare", three, two).stdout.splitlines()
    assert any("are of the same table" in line for line in lines)
    assert any(line.startswith("'") and "is component" in line for line in lines)
    assert any(line.startswith("without a partner: component") for line in lines)
    assert lines[-1].startswith("no test of one mixture for both")


@pytest.mark.parametrize(
    ("p_value", "text"), [(0.1234, "= 0.123"), (1.23e-5, "= 1.2e-05"), (0.0, "< 1e-300")]
)
def test_p_values_are_written(p_value: float, text: str) -> None:
    assert write_p_value(p_value) == text


def test_verdicts_go_by_the_p_value_unless_it_is_in_doubt() -> None:
    nothing = np.zeros((0, 6))
    for p_value, is_doubtful, verdict in (
        (0.2, False, "the data do not tell the two mixtures apart"),
        (0.01, False, "the two mixtures differ by more than chance brings"),
        (0.01, True, "too small, as components are not Gaussian; go by the differences"),
    ):
        ratio = LikelihoodRatio(9.0, 5, p_value, is_doubtful)
        pairs = np.zeros((0, 2), dtype=int)
        found = Comparison(pairs, np.zeros(0), nothing, nothing, nothing, ((), ()), False, ratio)
        assert list(describe_comparison(found, "a", "b"))[-1].endswith(verdict)


def test_json_is_one_object(runs: tuple[str, str, str]) -> None:
    one, two, _ = runs
    done = CliRunner().invoke(gmm, ["compare", one, two, "--json"])
    told = json.loads(done.stdout)
    assert told["runs"] == [one, two]
    assert [pair["components"] for pair in told["pairs"]] == [[0, 0], [1, 1]]
    assert told["likelihood_ratio"]["degrees"] == 11
    assert "a star marks" in done.stderr


def test_a_picture_shows_both(
    work: Path, runs: tuple[str, str, str], run: Callable[..., Result]
) -> None:
    one, _, three = runs
    for name in ("both.png", "both.svg"):
        assert run("compare", one, three, "-o", name).stdout.endswith(f"wrote {name}\n")
    assert "partners share a colour" in Path("both.svg").read_text()
    error = one_line_error(run("compare", one, three, "-o", "both.png", code=1))
    assert "both.png exists" in error
    error = one_line_error(run("compare", one, three, "-o", "both.jpg", code=1))
    assert "both.jpg ends in no format of pictures: give .png, .svg or .pdf" in error
