"""The grammar of expressions of columns: text becomes a tree, or one line says why not.

Python's own parser (`ast`) reads the text, whose numbers, strings and order of operations are
therefore Python's, as users of NumPy and pandas know them; nothing is evaluated. Of what it gives,
only the nodes named here become nodes of ours. Pure text: what they mean is in `formulas`.
"""

import ast
import keyword
import math
import re
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from typing import NoReturn

from gmmcli.errors import TableError

# What may stand in an expression, at most: characters, and nodes below each other. Engines write
# an operand more than once, and the parser of SQLite has room for a hundred things at once.
MOST_CHARACTERS, MOST_LEVELS = 1000, 20

OPERATORS: Mapping[type[ast.AST], str] = {
    ast.Add: "+",
    ast.Sub: "-",
    ast.Mult: "*",
    ast.Div: "/",
    ast.Pow: "**",
    ast.USub: "0-",
    ast.UAdd: "0+",
    ast.Not: "not",
    ast.And: "and",
    ast.Or: "or",
    ast.Eq: "==",
    ast.NotEq: "!=",
    ast.Lt: "<",
    ast.LtE: "<=",
    ast.Gt: ">",
    ast.GtE: ">=",
}
# What other languages write, by what Python's parser takes it for, and what is written here.
HINTS: Mapping[type[ast.AST], str] = {
    ast.BitXor: "powers are written **, and ^ is none",
    ast.BitAnd: "write and for &",
    ast.BitOr: "write or for |",
    ast.Invert: "write not for ~",
    ast.Is: "write ==, or missing(...) for what has no value",
    ast.IsNot: "write !=, or not missing(...) for what has a value",
    ast.FloorDiv: "write floor(... / ...) for //",
}
# The same of what it does not understand.
SIGNS = {
    "=": "comparisons are written ==",
    "<>": "write != for <>",
    "&&": "write and for &&",
    "||": "write or for ||",
    "!": "write not for !",
    "#": "a comment is no part of an expression",
}
SIGN = re.compile(r"(?<![=<>!])=(?!=)|<>|&&|\|\||!(?!=)|#")
# What is read before Python's parser does: strings, names in backquotes, and blanks of any kind.
STRING = r"""'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*\""""
QUOTED = r"`(?P<quoted>(?:[^`]|``)+)`"
TOKEN = re.compile(rf"(?P<string>{STRING})|{QUOTED}|(?P<blank>[\s\ufeff])", re.DOTALL)
NAME = re.compile(r"[^\W\d]\w*(\.\w+)*")
WORD = re.compile(r"\w+|\W")
UNFINISHED = re.compile(r"([-+*/<>=(,]|\b(and|or|not|in))$")


@dataclass(frozen=True)
class Number:
    """A finite number."""

    value: float
    place: int


@dataclass(frozen=True)
class Text:
    """A string, to compare columns of text with."""

    value: str
    place: int


@dataclass(frozen=True)
class Column:
    """A column by its name."""

    name: str
    place: int


@dataclass(frozen=True)
class Call:
    """An operation on other nodes.

    Attributes:
        name: of a function, or the sign of an operator: one of `OPERATORS`, or in.
        operands: what it is called with.
        place: where it begins, in characters from 1.
    """

    name: str
    operands: tuple["Node", ...]
    place: int


Node = Number | Text | Column | Call


def parse(text: str) -> Node:
    """The tree of an expression.

    Args:
        text: Python's arithmetic, comparisons, and/or/not/in and calls, of columns by their names;
            names that are no words, in backquotes, one of which is written as two.

    Raises:
        TableError: with the expression, the place and what is not understood there.
    """
    if len(text) > MOST_CHARACTERS:
        raise TableError(
            f"an expression has at most {MOST_CHARACTERS:,} characters, and {text[:20]!r}... has "
            f"{len(text):,}: make a column of a part of it"
        )
    return _Parser(text).parse()


def write_name(name: str) -> str:
    """A column as expressions have it: in backquotes, unless it is a word."""
    is_word = NAME.fullmatch(name) and not any(map(keyword.iskeyword, name.split(".")))
    return name if is_word else f"`{name.replace('`', '``')}`"


def fail(text: str, place: int, problem: str) -> NoReturn:
    """Raise what is wrong with an expression.

    Args:
        text: of the expression.
        place: where, in characters from 1.
        problem: what is wrong there, and what to do.

    Raises:
        TableError: always.
    """
    raise TableError(f"{text!r}, character {place}: {problem}")


class _Parser:
    """What is known of one expression while it is parsed."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._quoted: dict[tuple[int, int], str] = {}  # names in backquotes, by begin and end
        self._masked = TOKEN.sub(self._mask, text)
        self._n_leading = len(self._masked) - len(self._masked.lstrip())
        self._bytes = self._masked.strip().encode(errors="replace")  # by which the parser counts

    def parse(self) -> Node:
        """The tree of the expression."""
        if not self._bytes:
            self._fail(1, "nothing is here: give a column, or an expression of columns")
        if "#" in self._without_strings():  # where a comment begins for Python
            self._explain(1)
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # what Python thinks of its style
                tree = ast.parse(self._bytes, mode="eval")
        except SyntaxError as error:
            self._explain(self._n_leading + (error.offset or 1))
        except (ValueError, MemoryError, RecursionError):
            self._fail(1, "this is no text of an expression")
        return self._convert(tree.body, MOST_LEVELS)

    def _mask(self, token: re.Match[str]) -> str:
        """What the parser gets for a token: for a name in backquotes, a word as long."""
        if token["quoted"] is not None:
            self._quoted[token.span()] = token["quoted"].replace("``", "`")
            return "_" * len(token[0])
        return " " if token["blank"] is not None else token[0]

    def _without_strings(self) -> str:
        return TOKEN.sub(lambda token: " " * len(token[0]), self._masked)

    def _convert(self, node: ast.expr, n_levels: int) -> Node:
        """A node of Python's as one of ours, with at most so many levels below it."""
        place = self._find(node)
        if n_levels < 0:
            self._fail(place, "this is nested too deeply: make a column of a part of it")
        match node:
            case ast.Constant(value=value):
                return self._convert_constant(value, place)
            case ast.Name() | ast.Attribute():
                return Column(self._name(node), place)
            case ast.UnaryOp(
                op=ast.USub() | ast.UAdd() as op,
                operand=ast.Constant(value=int() | float() as value),
            ) if not isinstance(value, bool):
                sign = -1 if isinstance(op, ast.USub) else 1
                return self._convert_constant(sign * value, place)
            case ast.UnaryOp(op=op, operand=operand):
                return self._call(op, [operand], place, n_levels)
            case ast.BinOp(left=left, op=op, right=right):
                self._check_operator(op, left)
                return self._call(op, [left, right], place, n_levels)
            case ast.BoolOp(op=op, values=values):
                return self._call(op, values, place, n_levels)
            case ast.Compare():
                return self._convert_comparison(node, n_levels)
            case ast.Call(func=ast.Name() | ast.Attribute(), args=arguments, keywords=[]):
                operands = tuple(self._convert(each, n_levels - 1) for each in arguments)
                return Call(self._name(node.func), operands, place)
        begin, end = self._span(node)
        what = self._text[begin:end]
        return self._fail(place, f"{what!r} is no part of an expression of columns")

    def _convert_constant(self, value: object, place: int) -> Node:
        if isinstance(value, str):
            return Text(value, place)
        if isinstance(value, int | float) and not isinstance(value, bool):
            try:
                number = float(value)
            except OverflowError:
                number = math.inf
            if math.isfinite(number):
                return Number(number, place)
            self._fail(place, "double precision has no such number")
        return self._fail(place, f"{value!r} is neither a number nor text")

    def _convert_comparison(self, node: ast.Compare, n_levels: int) -> Node:
        """Comparisons one after the other, all of which have to hold."""
        sides = [node.left, *node.comparators]
        pairs = []
        for left, op, right in zip(sides, node.ops, sides[1:], strict=False):
            place = self._find(left)
            if isinstance(op, ast.In | ast.NotIn):
                found: Node = self._convert_membership(left, right, n_levels)
                pairs.append(found if isinstance(op, ast.In) else Call("not", (found,), place))
            else:
                pairs.append(self._call(op, [left, right], place, n_levels))
        return pairs[0] if len(pairs) == 1 else Call("and", tuple(pairs), self._find(node))

    def _convert_membership(self, left: ast.expr, right: ast.expr, n_levels: int) -> Call:
        members = right.elts if isinstance(right, ast.Tuple | ast.List | ast.Set) else [right]
        operands = [self._convert(each, n_levels - 1) for each in (left, *members)]
        place = self._find(right)
        if not members or not all(isinstance(each, Number | Text) for each in operands[1:]):
            self._fail(place, 'in is followed by numbers or strings, such as ("a", "b")')
        return Call("in", tuple(operands), self._find(left))

    def _check_operator(self, op: ast.AST, left: ast.expr) -> None:
        """Raise where an operator is none of ours, which stands behind its left operand."""
        if type(op) not in OPERATORS:
            behind = re.compile(r"[\s)]*").match(self._text, self._span(left)[1])
            self._fail(behind.end() + 1 if behind else 1, HINTS.get(type(op), "no such operator"))

    def _call(self, op: ast.AST, operands: list[ast.expr], place: int, n_levels: int) -> Call:
        if type(op) not in OPERATORS:
            self._fail(place, HINTS.get(type(op), "no such operator"))
        converted = tuple(self._convert(each, n_levels - 1) for each in operands)
        return Call(OPERATORS[type(op)], converted, place)

    def _name(self, node: ast.expr) -> str:
        """The name that is written there, with the points in it, or else in backquotes."""
        begin, end = self._span(node)
        name = self._quoted.get((begin, end), self._text[begin:end])
        if (begin, end) not in self._quoted and not NAME.fullmatch(name):
            self._fail(begin + 1, f"{name!r} is no word: write the whole name in backquotes")
        return name

    def _span(self, node: ast.expr) -> tuple[int, int]:
        """From which character of the text, from 0, to before which a node goes."""
        ends = (node.col_offset, node.end_col_offset or 0)
        begin, end = (self._n_leading + len(self._bytes[:n].decode()) for n in ends)
        return begin, end

    def _find(self, node: ast.expr) -> int:
        """Where a node begins, in characters from 1."""
        return self._span(node)[0] + 1

    def _explain(self, place: int) -> NoReturn:
        """Raise what is wrong where Python's parser has stopped, in characters from 1."""
        if sign := SIGN.search(self._without_strings()):
            self._fail(sign.start() + 1, SIGNS[sign[0]])
        word = WORD.match(self._text, place - 1)
        if word is None or UNFINISHED.search(self._masked.rstrip()):
            self._fail(len(self._text), "the expression ends too early")
        if word[0] in ("'", '"', "`", "("):
            self._fail(place, f"what begins with {word[0]} has no end")
        self._fail(
            place, f"{word[0]!r} is not understood; names that are no words go in backquotes"
        )

    def _fail(self, place: int, problem: str) -> NoReturn:
        fail(self._text, place, problem)
