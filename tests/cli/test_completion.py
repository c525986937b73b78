"""What the shell completes."""

from pathlib import Path

import pytest
from builders import SAMPLE_DATA
from click.shell_completion import BashComplete

from gmmcli.cli import gmm


def complete(line: str) -> list[str]:
    """What Bash gets for the last word of a line."""
    *words, incomplete = line.split(" ")
    completer = BashComplete(gmm, {}, "gmm", "_GMM_COMPLETE")
    return [item.value for item in completer.get_completions(words[1:], incomplete)]


@pytest.fixture
def place(work: Path) -> Path:
    """A directory with a table, a run called one, and other directories."""
    Path("eruptions.csv").symlink_to(SAMPLE_DATA / "old_faithful.csv")
    for name in ("one", "other", "deep/two"):
        Path(name).mkdir(parents=True)
    for run in ("one", "deep/two"):
        Path(run, "parameters.json").touch()
    return work


@pytest.mark.parametrize(
    ("line", "completed"),
    [
        ("gmm pr", ["predict"]),
        ("gmm plot ", ["one"]),
        ("gmm plot o", ["one"]),
        ("gmm plot ./o", ["./one"]),
        ("gmm plot deep/", ["deep/two"]),
        ("gmm predict one er", ["er"]),  # the shell finds files
        ("gmm fit --like ", ["one"]),
        ("gmm plot oth", ["oth"]),  # and directories
        ("gmm plot nowhere/", ["nowhere/"]),
        ("gmm fit eruptions.csv -x ", ["eruptions", "waiting"]),
        ("gmm fit eruptions.csv -k 2 --weight w", ["waiting"]),
        ("gmm predict one eruptions.csv --counts --by w", ["waiting"]),
        ("gmm fit -x ", []),
        ("gmm fit - -x ", []),
        ("gmm fit nothing.csv -x ", []),
    ],
)
def test_words_are_completed(place: Path, line: str, completed: list[str]) -> None:
    assert complete(line) == completed
