"""Expressions of columns: what is understood, and the one line about what is not."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gmmcli.core.tables.grammar import Call, Column, Node, Number, Text, parse
from gmmcli.errors import TableError


def shown(node: Node) -> str:
    """A tree as brackets."""
    match node:
        case Number(value=value):
            return f"{value:g}"
        case Text(value=value):
            return repr(value)
        case Column(name=name):
            return f"[{name}]"
        case Call(name=name, operands=operands):
            return f"({' '.join([name, *map(shown, operands)])})"


@pytest.mark.parametrize(
    ("text", "tree"),
    [
        ("log10(flux)", "(log10 [flux])"),
        ("asinh(FL1/150)", "(asinh (/ [FL1] 150))"),
        (" bp - rp\n", "(- [bp] [rp])"),
        ("\ufeffx + 1", "(+ [x] 1)"),
        ("+x - +1", "(- (0+ [x]) 1)"),
        ("-x**2", "(0- (** [x] 2))"),
        ("-2", "-2"),
        ("a - b - c*d", "(- (- [a] [b]) (* [c] [d]))"),
        ("2**-1", "(** 2 -1)"),
        ("`wind speed` * +2", "(* [wind speed] 2)"),
        ("`a``b` + `naïve é` + ñ", "(+ (+ [a`b] [naïve é]) [ñ])"),
        ("ﬁ + 1", "(+ [ﬁ] 1)"),  # which Python would read as fi
        ("Sepal.Length / Sepal.Width", "(/ [Sepal.Length] [Sepal.Width])"),
        ("log(log)", "(log [log])"),
        ("not a > 1 and b", "(and (not (> [a] 1)) [b])"),
        ("a or b and c", "(or [a] (and [b] [c]))"),
        ("0 < x <= 1", "(and (< 0 [x]) (<= [x] 1))"),
        ("band in ('g', \"`r` # 'i'\")", "(in [band] 'g' \"`r` # 'i'\")"),
        ("n not in [1, -2]", "(not (in [n] 1 -2))"),
        ("band in 'g'", "(in [band] 'g')"),
    ],
)
def test_an_expression_is_a_tree(text: str, tree: str) -> None:
    assert shown(parse(text)) == tree


def test_places_are_counted_in_characters() -> None:
    tree = parse("  'é' == `ü ü` + b")
    assert isinstance(tree, Call)
    text, total = tree.operands
    assert isinstance(total, Call)
    assert [node.place for node in (text, *total.operands)] == [3, 10, 18]


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "character 1: nothing is here"),
        ("a = 1", "character 3: comparisons are written =="),
        ("a ^ 2", "character 3: powers are written **, and ^ is none"),
        ("(a > 1) & b", "character 9: write and for &"),
        ("a > 1 || b", "character 7: write or for ||"),
        ("!a", "character 1: write not for !"),
        ("a <> 1", "character 3: write != for <>"),
        ("a // 2", "character 3: write floor(... / ...) for //"),
        ("a % 2", "character 3: no such operator"),
        ("a is None", "write ==, or missing(...)"),
        (
            "wind speed",
            "character 6: 'speed' is not understood; names that are no words go in back",
        ),
        ("log10(flux", "character 6: what begins with ( has no end"),
        ("b == 'g", "character 6: what begins with ' has no end"),
        ("`a", "character 1: what begins with ` has no end"),
        ("a +", "character 3: the expression ends too early"),
        ("a # b", "character 3: a comment is no part"),
        ("1e999", "character 1: double precision has no such number"),
        ("2 * 1j", "character 5: 1j is neither a number nor text"),
        ("True", "character 1: True is neither a number nor text"),
        ("a if b else c", "'a if b else c' is no part of an expression"),
        ("f'{a}'", "is no part of an expression"),
        ("[a for a in b]", "is no part of an expression"),
        ("a[0]", "'a[0]' is no part of an expression"),
        ("lambda: 0", "is no part of an expression"),
        ("(a).b", "is no word: write the whole name in backquotes"),
        ("`a`.b", "is no word: write the whole name in backquotes"),
        ("f(x)(y)", "is no part of an expression"),
        ("f(x=1)", "is no part of an expression"),
        ("f(*x)", "is no part of an expression"),
        ("a in b", "character 6: in is followed by numbers or strings"),
        ("-" * 30 + "a", "is nested too deeply: make a column of a part of it"),
        ("(" * 300 + "a", "has no end"),
        ("a\0", "is not understood"),
        ("\ud800", "is not understood"),
        ("a" * 1001, "an expression has at most 1,000 characters"),
    ],
)
def test_what_is_no_expression_gets_its_place_and_a_remedy(text: str, problem: str) -> None:
    with pytest.raises(TableError) as raised:
        parse(text)
    said = str(raised.value)
    assert problem in said
    assert said.isprintable()


TOKENS = ["a", "`b c`", "1", "2.5", "'t'", "(", ")", "+", "-", "**", "/", " ", "<", "==", "and "]
TOKENS += [
    "not ",
    "in ",
    ",",
    "log(",
    "`",
    "'",
    '"',
    "\\",
    "é",
    "\ufeff",
    "\n",
    "#",
    "if ",
    "[",
    "]",
    ".",
    "=",
]


@given(st.one_of(st.text(max_size=40), st.lists(st.sampled_from(TOKENS)).map("".join)))
def test_any_text_is_a_tree_or_one_line(text: str) -> None:
    said = ""
    try:
        said = shown(parse(text))
    except TableError as error:
        said = str(error)
    assert said
    assert said.isprintable() or not text.isprintable()
