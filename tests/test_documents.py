"""Every console block of every document, run in the order in which a reader would run them.

The blocks of a page run in one directory. Those of the README are processes, as a reader has them;
those of other pages run in this process where no shell is needed, and begin with what the tutorial
leaves behind.
"""

import doctest
import os
import re
import shlex
import shutil
import subprocess
import sys
from contextlib import chdir
from pathlib import Path
from typing import NamedTuple

import click
import pytest
from builders import ROOT, SAMPLE_DATA
from click.testing import CliRunner
from matplotlib.testing.compare import compare_images

from gmmcli.cli import gmm

README, TUTORIAL = ROOT / "README.md", ROOT / "docs" / "tutorial.md"
GALLERY = ROOT / "docs" / "gallery.md"
PAGES = [ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]
BLOCK = re.compile(r"^```console\n(.*?)^```", flags=re.DOTALL | re.MULTILINE)
SESSION = re.compile(r"^```pycon\n(.*?)^```", flags=re.DOTALL | re.MULTILINE)
OF_SHELL = re.compile(r"[|<>;&$]")
MOST_WORDS = {"README.md": 900, "CONTRIBUTING.md": 950}


class Shown(NamedTuple):
    """A command of a page, and the output that the page shows."""

    command: str
    output: str

    @property
    def is_set_up(self) -> bool:
        """Whether it installs the package, which .ci/run does."""
        return self.command.startswith("pip install ")


Outputs = list[tuple[Shown, str]]


def commands_of(page: Path) -> list[Shown]:
    """The commands of a page, in its order."""
    blocks = "".join(BLOCK.findall(page.read_text()))
    parts = re.split(r"^\$ ", blocks, flags=re.MULTILINE)[1:]
    return [Shown(command, output) for command, _, output in (p.partition("\n") for p in parts)]


def output_of(shown: Shown, directory: Path, *, as_process: bool) -> str:
    """What a command writes to both streams; it has to fail where the page shows an error."""
    program, *arguments = shlex.split(shown.command)
    if as_process or program != "gmm" or OF_SHELL.search(shown.command):
        text, code = by_shell(shown.command, directory)
    else:
        with chdir(directory):
            done = CliRunner().invoke(gmm, arguments)
        if done.exception and not isinstance(done.exception, SystemExit):
            raise done.exception
        text, code = done.output, done.exit_code
    is_error = "Error: " in shown.output
    assert code == int(is_error), f"{shown.command}\n{text}"
    return "".join(f"{line.rstrip()}\n" for line in text.splitlines())


def by_shell(command: str, directory: Path) -> tuple[str, int]:
    """What a shell writes to both streams, and its exit code; `gmm` is this package's."""
    programs = directory / ".bin"
    programs.mkdir(exist_ok=True)
    for name, arguments in (("gmm", "-m gmmcli"), ("python", "")):
        program = programs / name
        program.write_text(f'#!/bin/sh\nexec "{sys.executable}" {arguments} "$@"\n')
        program.chmod(0o755)
    done = subprocess.run(
        ["sh", "-c", command],
        cwd=directory,
        env={**os.environ, "PATH": f"{programs}{os.pathsep}{os.environ['PATH']}"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    return done.stdout, done.returncode


def outputs_of(page: Path, directory: Path, *, as_process: bool = False) -> Outputs:
    """The commands of a page but those of its set-up, and what each writes."""
    shown = [each for each in commands_of(page) if not each.is_set_up]
    return [(each, output_of(each, directory, as_process=as_process)) for each in shown]


def check_outputs(outputs: Outputs) -> None:
    """Outputs are as the page shows them, which may leave some out by '...'."""
    checker = doctest.OutputChecker()
    for shown, output in outputs:
        is_alike = checker.check_output(shown.output, output, doctest.ELLIPSIS)
        assert is_alike, f"{shown.command}\nshows\n{shown.output}\ngives\n{output}"


@pytest.fixture(scope="session")
def after_tutorial(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Outputs]:
    """The directory that the tutorial leaves behind, and what its commands wrote."""
    directory = tmp_path_factory.mktemp("tutorial") / "work"
    directory.mkdir()
    shutil.copytree(SAMPLE_DATA, directory / "sample_data")
    return directory, outputs_of(TUTORIAL, directory)


def test_every_block_gives_what_the_readme_shows(work: Path) -> None:
    outputs = outputs_of(README, work, as_process=True)
    assert len(outputs) >= 4
    check_outputs(outputs)
    picture = SAMPLE_DATA / "article_convergence.png"
    assert compare_images(str(picture), str(work / "points" / "convergence.png"), tol=4) is None


@pytest.mark.xdist_group("documents")
def test_every_block_gives_what_the_tutorial_shows(
    after_tutorial: tuple[Path, Outputs],
) -> None:
    check_outputs(after_tutorial[1])


@pytest.mark.xdist_group("documents")
@pytest.mark.parametrize(
    "page",
    [page for page in PAGES if page != TUTORIAL and commands_of(page)],
    ids=lambda page: str(page.relative_to(ROOT)),
)
def test_every_block_gives_what_its_page_shows(
    page: Path, after_tutorial: tuple[Path, Outputs], tmp_path: Path
) -> None:
    directory = tmp_path / "work"
    shutil.copytree(after_tutorial[0], directory)
    check_outputs(outputs_of(page, directory))


@pytest.mark.parametrize(
    "page",
    [page for page in (README, *PAGES) if "```pycon" in page.read_text()],
    ids=lambda page: str(page.relative_to(ROOT)),
)
def test_python_gives_what_its_page_shows(page: Path) -> None:
    session = "".join(SESSION.findall(page.read_text()))
    test = doctest.DocTestParser().get_doctest(session, {}, page.name, str(page), 0)
    assert test.examples
    with chdir(ROOT):
        assert doctest.DocTestRunner(optionflags=doctest.ELLIPSIS).run(test).failed == 0


@pytest.mark.parametrize("page", [README, *PAGES], ids=lambda page: str(page.relative_to(ROOT)))
def test_what_looks_like_a_command_is_run(page: Path) -> None:
    outside = BLOCK.sub("", page.read_text())
    assert not re.search(r"^\s*\$ ", outside, flags=re.MULTILINE)


def test_set_up_is_two_commands_that_ci_runs_word_for_word() -> None:
    set_up = [each for each in commands_of(README) if each.is_set_up]
    assert len(set_up) == 2
    assert all(not each.output.strip() and " && " in each.command for each in set_up)
    assert r"^\$ \(pip install .*\)$" in (ROOT / ".ci" / "run").read_text()


@pytest.mark.parametrize("name", MOST_WORDS)
def test_front_pages_are_short(name: str) -> None:
    assert len((ROOT / name).read_text().split()) <= MOST_WORDS[name]


@pytest.mark.parametrize("name", ["README.md", "CONTRIBUTING.md", "CHANGELOG.md"])
def test_links_lead_to_files(name: str) -> None:
    links = re.findall(r"\]\(([^)#]+)", (ROOT / name).read_text())
    assert [link for link in links if "://" not in link and not (ROOT / link).exists()] == []


def test_commands_of_the_gallery_are_valid() -> None:
    blocks = re.findall(r"^```sh\n(.*?)^```", GALLERY.read_text(), flags=re.DOTALL | re.MULTILINE)
    lines = [shlex.split(line) for line in "".join(blocks).splitlines()]
    assert len(lines) > 10
    for program, name, *arguments in lines:
        command = gmm.get_command(click.Context(gmm), name)
        assert program == "gmm"
        assert command is not None
        command.make_context(name, arguments).close()
