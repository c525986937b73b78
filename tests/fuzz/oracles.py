"""The value of an expression of columns in one row, in Python's own arithmetic."""

import math
from collections.abc import Callable, Mapping
from operator import add, eq, ge, gt, le, lt, mul, ne, sub
from typing import Any

from gmmcli.core.tables.grammar import Call, Column, Node, Number, Text

Value = float | bool | str | None

COMPARISONS: Mapping[str, Callable[[Any, Any], bool]] = {
    "==": eq,
    "!=": ne,
    "<": lt,
    "<=": le,
    ">": gt,
    ">=": ge,
}
ARITHMETIC: Mapping[str, Callable[..., float]] = {
    "+": add,
    "-": sub,
    "*": mul,
    "/": lambda x, y: x / y,
    "**": lambda x, y: math.pow(x, y),
    "0-": lambda x: -x,
    "0+": lambda x: x,
    "abs": abs,
    "arctan2": math.atan2,
    "asinh": math.asinh,
    "cos": math.cos,
    "exp": lambda x: 0.0 if x < -700 else math.exp(x) if x <= 709.78 else math.inf,
    "floor": lambda x: float(math.floor(x)),
    "log": math.log,
    "log10": math.log10,
    "log2": math.log2,
    "radians": math.radians,
    "sin": math.sin,
    "sinh": lambda x: math.sinh(x) if abs(x) <= 710 else math.inf,
    "sqrt": math.sqrt,
}


def calculate(node: Node, row: Mapping[str, Value]) -> Value:
    """The value of a node: a finite number, a truth or a text; None where it has none."""
    match node:
        case Number(value=value) | Text(value=value):
            return value
        case Column(name=name):
            return _keep_finite(row[name])
        case Call(name=name, operands=operands):
            return _combine(name, [calculate(each, row) for each in operands])


def _combine(name: str, values: list[Value]) -> Value:
    if name == "missing":
        return values[0] is None
    if name == "not":
        return None if values[0] is None else not values[0]
    if name in ("and", "or"):  # of three values, as in SQL
        settled = name == "or"
        return settled if settled in values else None if None in values else not settled
    if None in values:
        return None
    if name == "in":
        return values[0] in values[1:]
    if name in COMPARISONS:
        return COMPARISONS[name](*values)
    try:
        return _keep_finite(ARITHMETIC[name](*values))
    except (ValueError, ZeroDivisionError, OverflowError):
        return None


def _keep_finite(value: Value) -> Value:
    return None if isinstance(value, float) and not math.isfinite(value) else value
