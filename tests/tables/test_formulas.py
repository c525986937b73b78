"""Formulas equal what NumPy makes of them, and what is wrong with one is one line."""

from collections.abc import Callable
from typing import NamedTuple

import ibis
import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gmmcli.core.tables.formulas import Use, mention_columns, read_formula
from gmmcli.errors import TableError

Values = npt.NDArray[np.float64]  # NaN for nothing; of conditions, 1 and 0

COLUMNS = ["a", "b c", "n", "word"]
A = [0.0, 1.0, -2.5, 1e-300, 3e200, np.nan, 7.0, -1e5, 0.3, 150.0]
B = [2.0, 0.0, np.nan, -1.0, 0.5, 3.0, 1e3, 1e-5, -0.25, 12.0]
N = [0, 1, 2, 3, -1, 5, 1000, -7, 4, 9]
WORDS = ["g", "r", "", None, "g", "it's", "r", 'a "b"', "é", "G"]


@pytest.fixture(scope="module")
def rows() -> ibis.Table:
    """Ten rows in DuckDB, with everything in them that a formula may trip over."""
    numbers = {"a": A, "b c": B, "n": N}
    words = [None if word == "" else word for word in WORDS]
    return ibis.memtable({**numbers, "word": words, "row": list(range(len(A)))})


class Case(NamedTuple):
    """An expression, and what NumPy makes of it, its inexact functions off by a share of them."""

    text: str
    value: Callable[[float], Values]


def finite(values: Values) -> Values:
    return np.where(np.isfinite(values), values, np.nan)


def known(truth: npt.NDArray[np.bool_], *operands: Values) -> Values:
    """What is true, where no operand is missing."""
    missing = np.any([np.isnan(each) for each in operands], axis=0)
    return np.where(missing, np.nan, truth.astype(float))


def exponential(x: Values) -> Values:
    return np.where(x < -700, 0, np.exp(np.where(x > 709.78, np.nan, x)))


INEXACT: dict[str, Callable[[Values], Values]] = {
    "asinh": np.arcsinh,
    "cos": np.cos,
    "exp": exponential,
    "log": np.log,
    "log10": np.log10,
    "log2": np.log2,
    "radians": np.radians,
    "sin": np.sin,
    "sinh": lambda x: np.sinh(np.where(np.abs(x) > 710, np.nan, x)),
}
EXACT: dict[str, Callable[[Values], Values]] = {"abs": np.abs, "floor": np.floor, "sqrt": np.sqrt}
BINARY: dict[str, Callable[[Values, Values], Values]] = {
    "+": np.add,
    "-": np.subtract,
    "*": np.multiply,
    "/": np.divide,
}
COMPARED: dict[str, Callable[[Values, Values], npt.NDArray[np.bool_]]] = {
    "<": np.less,
    "<=": np.less_equal,
    ">": np.greater,
    "==": np.equal,
    "!=": np.not_equal,
}


def constant(value: float) -> Case:
    return Case(f"({value!r})", lambda _: np.full(len(A), float(value)))


def column(name: str, values: list[float] | list[int]) -> Case:
    return Case(name, lambda _: np.array(values, dtype=float))


def apply(name: str, inner: Case) -> Case:
    function = INEXACT.get(name) or EXACT[name]
    inexact = name in INEXACT
    return Case(
        f"{name}({inner.text})",
        lambda off: finite(function(inner.value(off)) * (1 + off * inexact)),
    )


def join(sign: str, left: Case, right: Case) -> Case:
    text = f"({left.text} {sign} {right.text})"
    if sign == "**":  # of nothing there is no power either, where NumPy has 1 for nan**0
        return Case(text, lambda off: raised(left.value(off), right.value(off)) * (1 + off))
    return Case(text, lambda off: finite(BINARY[sign](left.value(off), right.value(off))))


def raised(base: Values, exponent: Values) -> Values:
    return finite(np.where(np.isnan(base) | np.isnan(exponent), np.nan, base**exponent))


def angle(y: Case, x: Case) -> Case:
    # Beside the axis on which the angle turns about with the sign of a zero.
    text = f"arctan2({y.text}, abs({x.text}) + 1)"
    return Case(
        text,
        lambda off: finite(np.arctan2(y.value(off), np.abs(x.value(off)) + 1) * (1 + off)),
    )


def compare(sign: str, left: Case, right: Case) -> Case:
    def value(off: float) -> Values:
        sides = left.value(off), right.value(off)
        return known(COMPARED[sign](*sides), *sides)

    return Case(f"({left.text} {sign} {right.text})", value)


def is_missing(inner: Case) -> Case:
    return Case(f"missing({inner.text})", lambda off: np.isnan(inner.value(off)).astype(float))


def is_one_of(inner: Case, numbers: list[float]) -> Case:
    def value(off: float) -> Values:
        found = inner.value(off)
        return known(np.isin(found, numbers), found)

    return Case(f"({inner.text} in {numbers!r})", value)


def word_is(word: str) -> Case:
    here = [None if each == "" else each for each in WORDS]
    found = [np.nan if each is None else float(each == word) for each in here]
    return Case(f"(word == {word!r})", lambda _: np.array(found))


def negate(inner: Case) -> Case:
    return Case(f"(not {inner.text})", lambda off: 1 - inner.value(off))


def conjoin(left: Case, right: Case) -> Case:
    def value(off: float) -> Values:
        sides = np.stack([left.value(off), right.value(off)])
        return np.where((sides == 0).any(axis=0), 0, sides.sum(axis=0) / 2)

    return Case(f"({left.text} and {right.text})", value)


def disjoin(left: Case, right: Case) -> Case:
    def value(off: float) -> Values:
        sides = np.stack([left.value(off), right.value(off)])
        return np.where((sides == 1).any(axis=0), 1, sides.sum(axis=0) / 2)

    return Case(f"({left.text} or {right.text})", value)


LEAVES = st.one_of(
    st.sampled_from([column("a", A), column("`b c`", B), column("n", N)]),
    st.sampled_from([0, 1, 2, 3, -1, 0.5, -1.5, 150, 1e200]).map(constant),
)
NUMBERS = st.recursive(
    LEAVES,
    lambda inner: st.one_of(
        st.builds(apply, st.sampled_from([*INEXACT, *EXACT]), inner),
        st.builds(join, st.sampled_from([*BINARY, "**"]), inner, inner),
        st.builds(angle, inner, inner),
    ),
    max_leaves=5,
)
CONDITIONS = st.recursive(
    st.one_of(
        st.builds(compare, st.sampled_from(list(COMPARED)), NUMBERS, NUMBERS),
        st.builds(is_missing, NUMBERS),
        st.builds(is_one_of, NUMBERS, st.just([0, 1, 2.5, -1.0])),
        st.sampled_from(["g", "it's", 'a "b"', "é", "'; drop table t; --"]).map(word_is),
    ),
    lambda inner: st.one_of(
        st.builds(negate, inner), st.builds(conjoin, inner, inner), st.builds(disjoin, inner, inner)
    ),
    max_leaves=3,
)


def evaluated(rows: ibis.Table, text: str, kind: Use) -> Values:
    """What DuckDB makes of an expression; NaN for nothing."""
    formula = read_formula(text, COLUMNS, kind, "t")

    def take(name: str) -> ibis.Value:
        found = rows[name]
        return found.cast("float64") if formula.uses[name] == "number" else found

    value = formula.build(take).cast("float64")
    found = rows.select("row", value=value).order_by("row").to_pyarrow()["value"]
    return np.array([np.nan if each is None else each for each in found.to_pylist()])


def assert_alike(rows: ibis.Table, case: Case, kind: Use) -> None:
    """DuckDB gives what NumPy gives, but where less than 1e-12 of a function makes a difference."""
    with np.errstate(all="ignore"):
        expected, *others = (case.value(off) for off in (0.0, 1e-12, -1e-12))
        is_sure = np.all([np.isnan(expected) == np.isnan(each) for each in others], axis=0)
        away = np.max([np.abs(each - expected) for each in others], axis=0)
        tolerance = 10 * away + 1e-12 * np.abs(expected) + 1e-300
    found = evaluated(rows, case.text, kind)
    assert (np.isnan(found) == np.isnan(expected))[is_sure].all(), (case.text, found, expected)
    is_compared = is_sure & ~np.isnan(expected)
    off = np.abs(found - expected)[is_compared]
    assert (off <= tolerance[is_compared]).all(), (case.text, found, expected)


@settings(max_examples=150, deadline=None)
@given(case=NUMBERS)
def test_numbers_are_those_of_numpy(rows: ibis.Table, case: Case) -> None:
    if any(name in case.text for name in ("a", "`b c`", "n")) and mention_columns(case.text)[1:]:
        assert_alike(rows, case, "number")


@settings(max_examples=150, deadline=None)
@given(case=CONDITIONS)
def test_conditions_are_those_of_numpy(rows: ibis.Table, case: Case) -> None:
    if mention_columns(case.text)[1:]:
        assert_alike(rows, case, "truth")


@pytest.mark.parametrize(
    ("text", "kind", "problem"),
    [
        ("log10(A)", "number", "'log10(A)', character 7: t has no column 'A'; did you mean 'a'?"),
        ("`b_c` + 1", "number", "character 1: t has no column 'b_c'; did you mean 'b c'?"),
        ("zzz + 1", "number", "t has no column 'zzz'; it has 'a', 'b c', 'n', 'word'"),
        ("zzz", "number", "t has no column 'zzz'; it has"),
        ("b c", "number", "character 3: 'c' is not understood; names that are no words go in"),
        ("wrd x", "number", "t has no column 'wrd x'; did you mean 'word'?"),
        ("lg(a)", "number", "character 1: there is no function 'lg'; did you mean 'log'?"),
        ("ln(a)", "number", "there is no function 'ln'; did you mean 'log'?"),
        ("exec(a)", "number", "there is no function 'exec'; there are abs"),
        ("__import__('os')", "number", "there is no function '__import__'; there are abs, arctan2"),
        ("np.log(a)", "number", "there is no function 'np.log'"),
        ("log(a, n)", "number", "character 1: log takes one operand, not 2"),
        ("1 + arctan2(a)", "number", "character 5: arctan2 takes 2 operands, not 1"),
        ("a > 1", "number", "character 1: this is true or false, where a number is needed"),
        ("a + (n > 1)", "number", "character 6: this is true or false, where a number is needed"),
        ("a + 1", "truth", "this is a number, where a condition, such as a comparison, is needed"),
        ("a > 1 and 2", "truth", "character 11: this is a number, where a condition"),
        ("word + 'x'", "number", "character 8: text is to compare a column with"),
        ("'x' == 'y'", "truth", "text is compared with a column, and with nothing else"),
        ("a + 1 == 'y'", "truth", "text is compared with a column, and with nothing else"),
        ("a == 'y' and a > 1", "truth", "character 14: 'a' cannot be both text and a number"),
        ("1 + 1", "number", "this is the same in every row: name a column"),
        (
            "sqrt(" * 12 + "a" + ")" * 12,
            "number",
            "nested too deeply: make a column of a part of it",
        ),
    ],
)
def test_what_is_wrong_with_a_formula_is_one_line(text: str, kind: Use, problem: str) -> None:
    with pytest.raises(TableError) as raised:
        read_formula(text, COLUMNS, kind, "t")
    assert problem in str(raised.value)


def test_columns_are_wanted_as_what_a_formula_compares_them_with() -> None:
    text = "word == 'g' and log(a) > `b c` or missing(n) and not missing(a)"
    formula = read_formula(text, COLUMNS, "truth", "t")
    assert formula.uses == {"word": "text", "a": "number", "b c": "number", "n": "any"}


def test_what_is_plainly_an_expression_is_not_taken_for_a_name() -> None:
    with pytest.raises(TableError) as caught:
        read_formula("word >", ["word"], "truth", "t")
    assert str(caught.value) == "'word >', character 6: the expression ends too early"
