"""What the nodes of an expression mean, as Ibis expressions that every engine runs alike.

A number is a double, and it is finite or there is none: engines differ in what they make of the
logarithm of 0 and of what overflows, so no function is given what it has no finite value for. A
comparison with nothing is neither true nor false, as in SQL. How an expression is read and checked
is in `formulas`.
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import reduce
from operator import and_, eq, ge, gt, le, lt, ne, or_

import ibis
import ibis.expr.types as ir

from gmmcli.core.tables.arithmetic import LARGEST
from gmmcli.core.tables.grammar import Call, Column, Node, Number, Text

Take = Callable[[str], ir.Value]  # gives a column by its name
Build = Callable[..., ir.Value]

COMPARISONS: Mapping[str, Callable[[ir.Value, ir.Value], ir.Value]] = {
    "==": eq,
    "!=": ne,
    "<": lt,
    "<=": le,
    ">": gt,
    ">=": ge,
}


@dataclass(frozen=True)
class Function:
    """A function of finite numbers, or of nothing.

    Attributes:
        build: gives its value, which is finite, or nothing.
        n_operands: how many it has.
        n_uses: how often the text for an engine has each of them.
    """

    build: Build
    n_operands: int = 1
    n_uses: int = 1


@ibis.udf.scalar.builtin  # type: ignore[untyped-decorator]
def asinh(_number: float) -> float:  # type: ignore[empty-body]
    """The engine's own function."""


@ibis.udf.scalar.builtin  # type: ignore[untyped-decorator]
def sinh(_number: float) -> float:  # type: ignore[empty-body]
    """The engine's own function."""


@ibis.udf.scalar.builtin  # type: ignore[untyped-decorator]
def floor(_number: float) -> float:  # type: ignore[empty-body]
    """The engine's own function, whose result Ibis would make an integer."""


def _exp(x: ir.Value, *, highest: float = 709.78, lowest: float = -700.0) -> ir.Value:
    """The exponential, where it is a double; PostgreSQL refuses one that vanishes."""
    return ibis.cases((x > highest, None), (x < lowest, 0.0), else_=x.exp())


def _sinh(x: ir.Value, *, highest: float = 710.0) -> ir.Value:
    return sinh((x.abs() <= highest).ifelse(x, None))


def _keep_positive(x: ir.Value) -> ir.Value:
    return (x > 0).ifelse(x, None)


FUNCTIONS: Mapping[str, Function] = {
    "abs": Function(lambda x: x.abs()),
    "arctan2": Function(lambda y, x: y.atan2(x), n_operands=2),
    "asinh": Function(asinh),
    "cos": Function(lambda x: x.cos()),
    "exp": Function(_exp, n_uses=3),
    "floor": Function(floor),
    "log": Function(lambda x: _keep_positive(x).ln(), n_uses=2),
    "log10": Function(lambda x: _keep_positive(x).log10(), n_uses=2),
    "log2": Function(lambda x: _keep_positive(x).log2(), n_uses=2),
    "radians": Function(lambda x: x * (math.pi / 180)),
    "sin": Function(lambda x: x.sin()),
    "sinh": Function(_sinh, n_uses=2),
    "sqrt": Function(lambda x: (x >= 0).ifelse(x, None).sqrt(), n_uses=2),
}
# What the text for an engine has each operand of once.
TAKEN_ONCE = ("+", "-", "*", "0-", "0+", "and", "or", "not")
# Of anything; the only one that is true or false, and the only one of text too.
MISSING = "missing"


def evaluate(node: Node, take: Take) -> ir.Value:
    """A node's value in every row: float64, boolean or text; perhaps no finite number.

    Args:
        node: of an expression that `formulas` has checked.
        take: gives columns.
    """
    match node:
        case Number(value=value):
            return ibis.literal(value, "float64")
        case Text(value=value):
            return ibis.literal(value, "string")
        case Column(name=name):
            return take(name)
        case Call(name=name, operands=operands) if name in FUNCTIONS:
            return FUNCTIONS[name].build(*(evaluate_finitely(each, take) for each in operands))
        case Call(name=name) if name in COMPARISONS or name == "in":
            return _compare(node, take)
        case Call(name="**"):
            return _raise_to_power(node, take)
        case Call(name="/", operands=(dividend, divisor)):
            below = evaluate_finitely(divisor, take)
            return evaluate(dividend, take) / (below != 0).ifelse(below, None)
    return _combine(node, take)


def evaluate_finitely(node: Node, take: Take) -> ir.Value:
    """The same with nothing in place of a number that is not finite."""
    value = evaluate(node, take)
    is_finite = isinstance(node, Number) or (isinstance(node, Call) and node.name in FUNCTIONS)
    if is_finite or not value.type().is_numeric():
        return value
    return (value.abs() <= LARGEST).ifelse(value, None)


def count_uses(node: Node) -> int:
    """How often the text for an engine has columns, at most."""
    if not isinstance(node, Call):
        return int(isinstance(node, Column))
    each = sum(count_uses(operand) for operand in node.operands)
    if node.name in FUNCTIONS:
        return 2 * FUNCTIONS[node.name].n_uses * each
    if node.name == "**":
        return 10 * each
    if node.name == "in":
        return 2 * each * (len(node.operands) - 1)
    return (
        each if node.name in ("+", "-", "*", "0-", "0+", "and", "or", "not", MISSING) else 4 * each
    )


def _combine(node: Call, take: Take) -> ir.Value:
    """Sums, products, and what is true of conditions."""
    values = [evaluate(each, take) for each in node.operands]
    first, last = values[0], values[-1]
    match node.name:
        case "+":
            return first + last
        case "-":
            return first - last
        case "*":
            return first * last
        case "0-":
            return -first
        case "0+":
            return first
        case "and":
            return reduce(and_, values)
        case "or":
            return reduce(or_, values)
        case "not":
            return ~first
    return evaluate_finitely(node.operands[0], take).isnull()  # missing


def _compare(node: Call, take: Take) -> ir.Value:
    """A comparison of two operands, or whether the first is one of the others."""
    first, *others = (evaluate_finitely(each, take) for each in node.operands)
    if node.name == "in":  # of `isin` DuckDB would make a join, and lose the order of the rows
        return reduce(or_, (first == other for other in others))
    return COMPARISONS[node.name](first, others[0])


def _raise_to_power(node: Call, take: Take) -> ir.Value:
    """A power, where it is a number: not of 0 to below 0, nor of less than 0 to a fraction."""
    x, y = (evaluate_finitely(each, take) for each in node.operands)
    base, exponent = node.operands
    if isinstance(exponent, Number) and exponent.value >= 0 and exponent.value.is_integer():
        return x**y
    if isinstance(base, Number) and base.value > 0:
        return x**y
    is_number = (x > 0) | ((x == 0) & (y >= 0)) | ((x < 0) & (y == floor(y)))
    return is_number.ifelse(x, None) ** y
