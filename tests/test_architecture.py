"""What may import what, and how little a help page loads."""

import ast
import subprocess
import sys
from pathlib import Path

import click
import pytest
from builders import ROOT
from click.testing import CliRunner

from gmmcli.cli import gmm

HEAVY = ("torch", "pyro", "matplotlib", "pandas", "ibis", "numpy", "pyarrow", "duckdb")
PACKAGE = ROOT / "gmmcli"

# Who alone knows each library, as paths inside the package.
KEEPERS = {
    "torch": ["core/inference/"],
    "pyro": ["core/inference/"],
    "ibis": ["core/tables/", "core/cells/compression.py", "core/cells/expressions.py"],
    "duckdb": ["core/tables/engines.py"],
    "pyspark": ["core/tables/spark.py"],
    "matplotlib": ["pictures/"],
    "click": ["cli/"],
    "rich": ["cli/"],
}
# What each part may import of the others.
ARROWS = {
    "cli": {"cli", "core", "pictures", "errors", "settings", "files", "process"},
    "pictures": {"pictures", "core", "errors", "settings", "files"},
    "core": {"core", "errors", "settings", "files"},
    "errors.py": set(),
}


def imports_of(path: Path) -> set[str]:
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path} imports relatively"
            assert node.module
            names |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    return names


@pytest.mark.parametrize("library", KEEPERS)
def test_a_library_is_known_where_it_is_kept(library: str) -> None:
    knowing = [
        str(path.relative_to(PACKAGE))
        for path in PACKAGE.rglob("*.py")
        if any(name.split(".")[0] == library for name in imports_of(path))
    ]
    assert knowing
    assert [name for name in knowing if not name.startswith(tuple(KEEPERS[library]))] == []


@pytest.mark.parametrize("part", ARROWS)
def test_imports_go_one_way(part: str) -> None:
    root = PACKAGE / part
    for path in [root] if root.is_file() else root.rglob("*.py"):
        own = [name for name in imports_of(path) if name.startswith("gmmcli.")]
        assert {name.split(".")[1] for name in own} - {"__version__"} <= ARROWS[part], path


def command_lines() -> list[list[str]]:
    assert isinstance(gmm, click.Group)
    return [["--help"], ["--version"], *([name, "--help"] for name in sorted(gmm.commands))]


@pytest.mark.parametrize("arguments", command_lines(), ids=" ".join)
def test_help_is_light(arguments: list[str]) -> None:
    code = (
        "import sys; from gmmcli.cli import gmm\n"
        f"try: gmm({arguments!r})\n"
        f"finally: print(sorted(set({HEAVY!r}) & set(sys.modules)), file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stderr == "[]\n"
    assert done.stdout


@pytest.mark.parametrize("name", sorted(gmm.commands))
def test_help_pages_end_in_an_example_that_can_be_typed(name: str) -> None:
    command = gmm.commands[name]
    page = CliRunner().invoke(gmm, [name, "--help"]).stdout
    examples = page.split("Examples:\n")[1].strip().splitlines()
    assert len(examples) >= 2
    for example in examples:
        program, subcommand, *arguments = example.split()
        assert (program, subcommand) == ("gmm", name)
        command.make_context(name, arguments)


def test_module_runs_as_the_command_does() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "gmmcli", "--version"], capture_output=True, text=True, check=True
    )
    assert done.stdout.startswith("gmm, version ")
