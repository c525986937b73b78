"""Formulas: expressions of the columns of a table, read and checked; one line where one is wrong.

How text becomes a tree is in `grammar`, and what engines make of it in `evaluation`.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Literal

import ibis.expr.types as ir

from gmmcli.core.tables.evaluation import (
    COMPARISONS,
    FUNCTIONS,
    MISSING,
    Take,
    count_uses,
    evaluate_finitely,
)
from gmmcli.core.tables.grammar import (
    OPERATORS,
    Call,
    Column,
    Node,
    Number,
    Text,
    fail,
    parse,
)
from gmmcli.errors import TableError

# What a column is wanted as, or an expression; any, where it is all one.
Use = Literal["number", "truth", "text", "any"]
WANTED = {"number": "a number", "truth": "a condition, such as a comparison,", "text": "text"}
# What names of columns hardly hold.
SIGNS = re.compile(r"""[=<>*+&|!^~'"]""")
# What functions are called elsewhere.
OTHER_NAMES = {"ln": "log", "loge": "log", "atan2": "arctan2", "arcsinh": "asinh"}
LOGIC = ("and", "or", "not")
# How often the text for an engine may have columns, at most: functions have an operand several
# times, and those below each other multiply.
MOST_USES = 3000


@dataclass(frozen=True)
class Formula:
    """An expression of columns that a table has.

    Attributes:
        text: as it was written.
        root: the tree of it.
        uses: the columns, and as what each is wanted.
    """

    text: str
    root: Node
    uses: Mapping[str, Use]

    def list_columns(self, *kinds: Use) -> list[str]:
        """The columns that are wanted as one of some kinds."""
        return [name for name, kind in self.uses.items() if kind in kinds]

    def build(self, take: Take) -> ir.Value:
        """Its value in every row: a finite number as float64, or a boolean; or nothing.

        Args:
            take: gives a column by its name, as `uses` wants it.
        """
        return evaluate_finitely(self.root, take)


def mention_columns(text: str) -> list[str]:
    """The columns that an expression may mean: of its whole text, and of the names in it."""
    try:
        root = parse(text)
    except TableError:
        return [text]
    return [text, *(node.name for node in _walk(root) if isinstance(node, Column))]


def read_formulas(
    wanted: Sequence[tuple[str | None, Use]], columns: Sequence[str], source: str
) -> dict[str, Formula]:
    """Those of some texts that are no columns, but expressions of columns, by their texts.

    A column whose name is the text always comes first; a condition is a formula even so.

    Args:
        wanted: the texts, and what each has to be; see `read_formula`.
        columns: those that there are.
        source: what messages call the table.

    Raises:
        TableError: where one is neither.
    """
    formulas = {}
    for text, kind in wanted:
        if text is not None and text in columns and kind == "truth":
            formulas[text] = Formula(text, Column(text, 1), {text: kind})
        elif text is not None and text not in columns:
            formulas[text] = read_formula(text, columns, kind, source)
    return formulas


def read_formula(text: str, columns: Sequence[str], kind: Use, source: str) -> Formula:
    """The formula that a text is.

    Args:
        text: of an expression.
        columns: those that there are.
        kind: what it has to be; any, for a number or a condition.
        source: what messages call the table.

    Raises:
        TableError: with the place where it cannot be understood, and what to do.
    """
    try:
        root = parse(text)
    except TableError as error:
        if SIGNS.search(text):
            raise
        raise TableError(f"{error}; {explain_lack(text, columns, source)}") from None
    if isinstance(root, Column) and root.name not in columns:
        raise TableError(explain_lack(root.name, columns, source))
    uses: dict[str, Use] = {}
    for node in _walk(root):
        if isinstance(node, Column) and node.name not in columns:
            fail(text, node.place, explain_lack(node.name, columns, source))
        if isinstance(node, Call):
            _check_function(text, node)
    _find_uses(text, root, kind, uses)
    if not uses:
        fail(text, 1, "this is the same in every row: name a column")
    if count_uses(root) > MOST_USES:
        fail(text, 1, "this is nested too deeply: make a column of a part of it")
    return Formula(text, root, uses)


def explain_lack(name: str, columns: Sequence[str], source: str) -> str:
    """That a table has no such column, and which it has."""
    near = _find_similar(name, columns)
    has = f"did you mean {_quote(near)}?" if near else f"it has {_quote(columns)}"
    return f"{source} has no column {name!r}; {has}"


def _find_similar(name: str, names: Sequence[str]) -> list[str]:
    """Those of some names that are like another, whichever the case of their letters."""
    folded: dict[str, str] = {}
    for each in names:
        folded.setdefault(each.casefold(), each)
    return [folded[each] for each in get_close_matches(name.casefold(), folded, n=3)]


def _quote(names: Sequence[str]) -> str:
    return ", ".join(repr(name) for name in names)


def _walk(node: Node) -> Iterator[Node]:
    """A node and all below it, in the order of their places."""
    yield node
    if isinstance(node, Call):
        for operand in node.operands:
            yield from _walk(operand)


def _check_function(text: str, call: Call) -> None:
    """Raise where a call is of no function that there is, or has too many or too few operands."""
    if call.name == "in" or call.name in OPERATORS.values():
        return
    n_operands = 1 if call.name == MISSING else None
    if call.name in FUNCTIONS:
        n_operands = FUNCTIONS[call.name].n_operands
    if n_operands is None:
        known = sorted([*FUNCTIONS, MISSING])
        other = OTHER_NAMES.get(call.name.lower())
        near = [other] if other else _find_similar(call.name, known)
        those = f"did you mean {near[0]!r}?" if near else f"there are {', '.join(known)}"
        fail(text, call.place, f"there is no function {call.name!r}; {those}")
    if len(call.operands) != n_operands:
        takes = "one operand" if n_operands == 1 else f"{n_operands} operands"
        fail(text, call.place, f"{call.name} takes {takes}, not {len(call.operands)}")


def _find_uses(text: str, node: Node, kind: Use, uses: dict[str, Use]) -> None:
    """Find as what the columns of a node are wanted, which itself is wanted as some kind.

    Args:
        text: of the expression.
        node: of it.
        kind: what it has to be.
        uses: what is known of columns; what is found is added.

    Raises:
        TableError: where something is of another kind than it has to be.
    """
    match node:
        case Column(name=name):
            before = uses.get(name, "any")
            if "any" not in (before, kind) and before != kind:
                fail(
                    text, node.place, f"{name!r} cannot be both {WANTED[before]} and {WANTED[kind]}"
                )
            uses[name] = before if kind == "any" else kind
        case Number():
            _check_kind(text, node, "number", kind)
        case Text():
            fail(text, node.place, "text is to compare a column with, as in name == 'a'")
        case Call(name=name, operands=operands):
            _check_kind(text, node, _tell_kind(node), kind)
            if name == "in" or name in COMPARISONS:
                _find_uses_in_comparison(text, node, uses)
                return
            inner: Use = "truth" if name in LOGIC else "any" if name == MISSING else "number"
            for operand in operands:
                _find_uses(text, operand, inner, uses)


def _find_uses_in_comparison(text: str, call: Call, uses: dict[str, Use]) -> None:
    """The same of a comparison: of columns with text, or else of numbers."""
    strings = [each for each in call.operands if isinstance(each, Text)]
    for operand in call.operands:
        if not strings:
            _find_uses(text, operand, "number", uses)
        elif isinstance(operand, Column):
            _find_uses(text, operand, "text", uses)
        elif not isinstance(operand, Text) or len(strings) == len(call.operands):
            fail(text, operand.place, "text is compared with a column, and with nothing else")


def _check_kind(text: str, node: Node, kind: Use, wanted: Use) -> None:
    if wanted not in (kind, "any"):
        what = "a number" if kind == "number" else "true or false"
        fail(text, node.place, f"this is {what}, where {WANTED[wanted]} is needed")


def _tell_kind(call: Call) -> Use:
    is_true = call.name in (*COMPARISONS, *LOGIC, "in", MISSING)
    return "truth" if is_true else "number"
