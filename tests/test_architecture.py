"""The order of the rooms, who knows which library, sizes, and how little a help page loads."""

import ast
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import click
import pytest
from builders import ROOT
from click.testing import CliRunner

from gmmcli.cli import gmm

HEAVY = ("torch", "pyro", "matplotlib", "pandas", "ibis", "numpy", "pyarrow", "duckdb")
PACKAGE = ROOT / "gmmcli"
TESTS = ROOT / "tests"

# The flow: a module imports from its own floor and those above it in this list, never back.
FLOORS: list[tuple[str, ...]] = [
    ("errors", "ranges", "settings", "claims", "files", "process"),
    ("core.mixture",),
    ("core.tables",),
    ("core.cells",),
    ("core.groups",),
    ("core.assessment",),
    ("core.inference",),
    ("core.search",),
    ("core.runs",),
    ("pictures",),
    ("api", "options", "run", "wording"),
    ("cli",),
]
# Who alone knows each library, as paths inside the package.
KEEPERS = {
    "torch": ["core/inference/"],
    "pyro": ["core/inference/"],
    "ibis": ["core/tables/", "core/cells/expressions.py"],
    "duckdb": ["core/tables/duckdb_files.py"],
    "pyspark": ["core/tables/spark.py"],
    "python_calamine": ["core/tables/workbooks.py"],
    "matplotlib": ["pictures/", "run.py"],
    "PIL": ["pictures/"],
    "scipy": ["core/mixture/matching.py", "core/assessment/", "core/runs/comparison.py"],
    "sklearn": ["core/mixture/mixture.py"],
    "click": ["cli/"],
    "rich": ["cli/"],
}
MOST_LINES_OF_A_MODULE = 350
MOST_LINES_OF_A_FUNCTION = 40  # from def to its end, without the docstring
MOST_PARAMETERS = 6

# Which tests hold the modules that have none of their own name.
TESTED_IN = {
    "assessment/test_bootstrap": ["assessment.anchor"],
    "cells/test_compression": ["cells.totals"],
    "cells/test_places": ["cells.expressions"],
    "cli/test_fit": ["cli.fitting", "runs.directory"],
    "cli/test_compare": ["cli.comparison", "pictures.comparison"],
    "cli/test_show": ["cli.report"],
    "cli/test_generate": ["mixture.draws", "mixture.sampling"],
    "cli/test_plot": ["cli.drawing", "runs.parameters"],
    "cli/test_starts": ["runs.likeness", "runs.priors"],
    "cli/test_resumption": ["runs.asked", "runs.resumption"],
    "groups/test_borders": ["mixture.territories"],
    "groups/test_terrain": ["groups.saddles"],
    "inference/test_oracles": [
        "inference.adam",
        "inference.ascent",
        "inference.climb",
        "inference.natural_gradient",
        "mixture.whitening",
    ],
    "inference/test_model": ["inference.assignment"],
    "inference/test_quasi_newton": [
        "inference.curvature",
        "inference.local_units",
        "inference.state",
    ],
    "mixture/test_mixture": ["mixture.objects", "mixture.units"],
    "runs/test_reading": ["runs.records"],
    "runs/test_values": ["runs.fits", "runs.partners", "runs.parts"],
    "search/test_choice": [
        "search.constants",
        "search.contenders",
        "search.hooks",
        "search.status",
    ],
    "search/test_climbs": ["search.stages"],
    "search/test_fit": ["runs.result", "search.criteria", "search.outcome"],
    "test_api": ["tables.frames"],
    "tables/test_engines": ["tables.databases", "tables.engine", "tables.spark"],
    "tables/test_corpus": ["tables.columns", "tables.formats", "tables.workbooks"],
    "tables/test_dialect": ["tables.layout", "tables.names"],
    "tables/test_duckdb_files": ["tables.text_files"],
    "tables/test_prediction": ["tables.grouping"],
    "tables/test_table": ["tables.opening"],
}
# Tests of several modules at once.
TESTS_OF_SEVERAL = {
    "cases",
    "corpus",
    "engines",
    "faults",
    "mclust",
    "oracles",
    "properties",
    "repeatability",
}


def module_of(path: Path) -> str:
    """The name of a module inside the package: "core.cells.grids"; of a package, its own."""
    parts = path.relative_to(PACKAGE).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


MODULES = {module_of(path): path for path in sorted(PACKAGE.rglob("*.py"))}


@cache
def tree_of(name: str) -> ast.Module:
    return ast.parse(MODULES[name].read_text())


@cache
def imports_of(name: str) -> frozenset[str]:
    """What a module imports, in functions too: "torch.func", "gmmcli.core.cells.grids.Grids"."""
    names: set[str] = set()
    for node in ast.walk(tree_of(name)):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{name} imports relatively"
            assert node.module
            names |= {f"{node.module}.{alias.name}" for alias in node.names}
    return frozenset(names)


@cache
def own_imports_of(name: str) -> frozenset[str]:
    """The modules of this package that a module imports."""
    own = [imported for imported in imports_of(name) if imported.startswith("gmmcli.")]
    inside = {imported.removeprefix("gmmcli.") for imported in own}
    found = {i if i in MODULES else i.rpartition(".")[0] for i in inside} - {""}
    assert found <= set(MODULES), f"{name} imports {found - set(MODULES)}"
    return frozenset(found)


def floor_of(name: str) -> int:
    """How late in the flow a module is."""
    (floor,) = (
        i
        for i, rooms in enumerate(FLOORS)
        if any(name == room or name.startswith(f"{room}.") for room in rooms)
    )
    return floor


FLOWING = [name for name in MODULES if name not in ("", "__main__", "core")]


def test_imports_go_with_the_flow() -> None:
    backward = {
        (name, imported)
        for name in FLOWING
        for imported in own_imports_of(name)
        if floor_of(imported) > floor_of(name)
    }
    assert backward == set()


def circle_of(name: str) -> set[str]:
    """The modules that a module leads to by imports and that lead back to it."""
    return {other for other in reached_from(name) if name in reached_from(other)}


@cache
def reached_from(name: str) -> frozenset[str]:
    """The modules that a module leads to by imports, of its own or of others."""
    found: set[str] = set()
    left = [name]
    while left:
        new = own_imports_of(left.pop()) - found
        found |= new
        left += new
    return frozenset(found)


def test_there_is_no_circle_of_modules() -> None:
    assert {name for name in MODULES if circle_of(name)} == set()


def functions_of(name: str) -> Iterator[tuple[str, ast.FunctionDef]]:
    """Every function of a module, methods and inner ones too, by its full name."""

    def inside(node: ast.AST, place: str) -> Iterator[tuple[str, ast.FunctionDef]]:
        for child in ast.iter_child_nodes(node):
            own = place
            if isinstance(child, ast.FunctionDef | ast.ClassDef):
                own += f".{child.name}"
            if isinstance(child, ast.FunctionDef):
                yield own, child
            yield from inside(child, own)

    return inside(tree_of(name), name)


def lines_of(function: ast.FunctionDef) -> int:
    """How long a function is, from `def` to its end, without the docstring."""
    assert function.end_lineno is not None
    length = function.end_lineno - function.lineno + 1
    if ast.get_docstring(function) is not None:
        assert function.body[0].end_lineno is not None
        length -= function.body[0].end_lineno - function.body[0].lineno + 1
    return length


def is_command(function: ast.FunctionDef) -> bool:
    """Whether Click calls it, with a parameter for each option."""
    names = [ast.unparse(decorator) for decorator in function.decorator_list]
    return any(name.startswith(("click.command", "click.option")) for name in names)


def count_parameters(function: ast.FunctionDef) -> int:
    """How many parameters a function has, but self and cls."""
    given = function.args
    names = [argument.arg for argument in (*given.posonlyargs, *given.args, *given.kwonlyargs)]
    starred = [given.vararg, given.kwarg]
    return len([name for name in names if name not in ("self", "cls")]) + 2 - starred.count(None)


def test_no_module_is_long() -> None:
    lengths = {name: len(MODULES[name].read_text().splitlines()) for name in MODULES}
    assert {name: n for name, n in lengths.items() if n > MOST_LINES_OF_A_MODULE} == {}


def test_no_function_is_long() -> None:
    lengths = {f: lines_of(node) for name in MODULES for f, node in functions_of(name)}
    assert len(lengths) > 300
    assert {name: n for name, n in lengths.items() if n > MOST_LINES_OF_A_FUNCTION} == {}


def test_functions_but_commands_have_few_parameters() -> None:
    functions = [found for name in MODULES for found in functions_of(name)]
    many = {
        function: count_parameters(node)
        for function, node in functions
        if count_parameters(node) > MOST_PARAMETERS and not is_command(node)
    }
    assert many == {}


def numbers_of(name: str) -> list[str]:
    """The names in capitals that a module gives a value at its top."""
    statements = [n for n in tree_of(name).body if isinstance(n, ast.Assign | ast.AnnAssign)]
    targets = [
        t for n in statements for t in (n.targets if isinstance(n, ast.Assign) else [n.target])
    ]
    return [t.id for t in targets if isinstance(t, ast.Name) and t.id.isupper()]


def test_all_numbers_of_the_search_are_in_one_table_and_few() -> None:
    rooms = [name for name in MODULES if name.startswith("core.search.")]
    found = {name: numbers_of(name) for name in rooms if numbers_of(name)}
    assert list(found) == ["core.search.constants"]
    assert len(found["core.search.constants"]) <= 20


@pytest.mark.parametrize("library", KEEPERS)
def test_a_library_is_known_where_it_is_kept(library: str) -> None:
    knowing = [
        str(path.relative_to(PACKAGE))
        for name, path in MODULES.items()
        if any(imported.split(".")[0] == library for imported in imports_of(name))
    ]
    assert knowing
    assert [name for name in knowing if not name.startswith(tuple(KEEPERS[library]))] == []


@pytest.mark.parametrize("room", [room for floor in FLOORS for room in floor])
def test_every_room_is_there(room: str) -> None:
    assert room in MODULES


def names_in(module: str) -> set[str]:
    """What a module defines at its top, and the modules of a room."""
    body = tree_of(module).body
    defined = {getattr(node, "name", "") for node in body}
    statements = [node for node in body if isinstance(node, ast.Assign | ast.AnnAssign)]
    assigned = {n.id for each in statements for n in ast.walk(each) if isinstance(n, ast.Name)}
    inner = {name.rpartition(".")[2] for name in MODULES if name.rpartition(".")[0] == module}
    return defined | assigned | inner


def test_what_docstrings_refer_to_exists() -> None:
    modules: dict[str, set[str]] = {}
    for name in MODULES:
        modules.setdefault(name.rpartition(".")[2], set()).update(names_in(name))
    referred = {
        (name, *reference)
        for name, path in MODULES.items()
        for reference in re.findall(r"`(?:\w+\.)*(\w+)\.(\w+)`", path.read_text())
    }
    known = {reference for reference in referred if reference[1] in modules}
    assert len(known) >= 3
    assert {reference for reference in known if reference[2] not in modules[reference[1]]} == set()


ROOMS = [room for floor in FLOORS for room in floor if MODULES[room].name == "__init__.py"]


@pytest.mark.parametrize("room", ROOMS)
def test_tests_mirror_the_rooms(room: str) -> None:
    place = room.removeprefix("core.")
    # Those of a package inside a room are tested as if they were in the room itself.
    modules = {name.rpartition(".")[2] for name in MODULES if name.startswith(f"{room}.")}
    tested = {path.stem.removeprefix("test_") for path in (TESTS / place).glob("test_*.py")}
    assert tested <= modules | TESTS_OF_SEVERAL
    elsewhere = {module for modules_there in TESTED_IN.values() for module in modules_there}
    assert {f"{place}.{module}" for module in modules - tested} <= elsewhere


def test_what_is_tested_elsewhere_is_tested_there() -> None:
    assert [test for test in TESTED_IN if not (TESTS / f"{test}.py").is_file()] == []


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
        lexer = shlex.shlex(example, posix=True, punctuation_chars=True)
        lexer.whitespace_split = True
        words = list(lexer)
        assert words == shlex.split(example)  # a shell takes no part of it for a sign of its own
        program, subcommand, *arguments = words
        assert (program, subcommand) == ("gmm", name)
        command.make_context(name, arguments)


def test_module_runs_as_the_command_does() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "gmmcli", "--version"], capture_output=True, text=True, check=True
    )
    assert done.stdout.startswith("gmm, version ")
