"""What benchmarks run in processes of their own names what exists."""

import re
from importlib import import_module
from pathlib import Path

import pytest
from builders import ROOT

FILES = sorted((ROOT / "benchmarks").glob("*.py"))


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_every_name_that_a_benchmark_imports_exists(path: Path) -> None:
    text = path.read_text()
    for module, names in re.findall(r"^from (gmmcli[\w.]*) import ([\w, ]+)$", text, re.MULTILINE):
        for name in names.split(", "):
            assert hasattr(import_module(module), name), f"{module}.{name}"
    for names in re.findall(r"^import (gmmcli.*)$", text, re.MULTILINE):
        for name in names.split(", "):
            import_module(name)
