"""Every message to users stands in a test, word for word in some part: none is left unheard."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest
from builders import ROOT

import gmmcli.errors

# What makes a message, beside the errors themselves.
MAKERS = {"UsageError", "BadParameter", "ClickException", "ValueError", "fail", "_fail"}
MAKERS |= {name for name in vars(gmmcli.errors) if name.endswith("Error")}
# Letters, at least, that a test has of a message.
ENOUGH = 9


def parse(directory: str) -> Iterator[tuple[Path, ast.Module]]:
    for path in sorted((ROOT / directory).rglob("*.py")):
        yield path, ast.parse(path.read_text())


def texts_in(node: ast.AST) -> Iterator[str]:
    """The strings below a node, without what values fill in."""
    for each in ast.walk(node):
        if isinstance(each, ast.Constant) and isinstance(each.value, str):
            yield each.value


def messages() -> Iterator[tuple[str, list[str]]]:
    """Where each message is made, and its parts."""
    for path, tree in parse("gmmcli"):
        for node in ast.walk(tree):
            match node:
                case ast.Call(func=ast.Name(id=name) | ast.Attribute(attr=name)) if name in MAKERS:
                    parts = [text.strip(" :;,.") for text in texts_in(node)]
                    yield f"{path.relative_to(ROOT)}:{node.lineno}", [p for p in parts if p]


@pytest.fixture(scope="module")
def known() -> str:
    """All strings of the tests, patterns without their escapes, and the documents."""
    tests = [text.replace("\\", "") for _, tree in parse("tests") for text in texts_in(tree)]
    documents = [path.read_text() for path in (ROOT / "docs").rglob("*.md")]
    return "\n".join([*tests, *documents])


def is_heard(part: str, known: str) -> bool:
    """Whether enough letters of a part of a message, one after the other, are in a test."""
    return any(part[i : i + ENOUGH] in known for i in range(max(len(part) - ENOUGH, 0) + 1))


def test_every_message_is_asserted_by_a_test(known: str) -> None:
    found = list(messages())
    assert len(found) > 100
    unheard = [
        f"{place}: {parts[0]}"
        for place, parts in found
        if any(len(part) >= ENOUGH for part in parts)
        and not any(is_heard(part, known) for part in parts if len(part) >= ENOUGH)
    ]
    assert not unheard, unheard
