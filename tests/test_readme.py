"""Every console block of the README, run in the order in which a reader would run them."""

import doctest
import re
import subprocess
import sys
from pathlib import Path

from builders import ROOT
from matplotlib.testing.compare import compare_images

README = (ROOT / "README.md").read_text()
BLOCKS = re.findall(r"```console\n(.*?)```", README, flags=re.DOTALL)
SET_UP = [block for block in BLOCKS if block.startswith("$ pip install")]


def commands_of(block: str) -> list[tuple[str, str]]:
    """The commands of a block, each with the output that it shows."""
    parts = re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]
    return [(command, output) for command, _, output in (part.partition("\n") for part in parts)]


def output_of(command: str, directory: Path) -> str:
    program, *arguments = command.split()
    assert program == "gmm"
    done = subprocess.run(
        [sys.executable, "-m", "gmmcli", *arguments],
        cwd=directory,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    return "".join(f"{line.rstrip()}\n" for line in done.stdout.splitlines())


def test_every_block_gives_what_the_readme_shows(work: Path) -> None:
    checker = doctest.OutputChecker()
    run = 0
    # A reader has set up first, and its first command leaves a run behind.
    output_of(SET_UP[0].strip().split(" && ")[1], work)
    for block in (block for block in BLOCKS if block not in SET_UP):
        for command, shown in commands_of(block):
            output = output_of(command, work)
            assert checker.check_output(shown, output, doctest.ELLIPSIS), (
                f"{command}\nshows\n{shown}\ngives\n{output}"
            )
            run += 1
    assert run >= 6
    picture = ROOT / "sample_data" / "article_convergence.png"
    drawn = work / "points" / "convergence.png"
    assert compare_images(str(picture), str(drawn), tol=4) is None


def test_set_up_is_two_commands_that_ci_runs_word_for_word() -> None:
    assert len(SET_UP) == 2
    assert all(block.count("\n") == 1 and " && " in block for block in SET_UP)
    assert r"^\$ \(pip install .*\)$" in (ROOT / ".ci" / "run").read_text()
