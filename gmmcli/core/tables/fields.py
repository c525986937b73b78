"""What fields of text hold, as words or as numbers, by expressions that every engine runs alike.

How numbers, and what stands for nothing, are written is in `spellings`.
"""

import ibis
import ibis.expr.types as ir

from gmmcli.core.tables.complaints import NO_NUMBER
from gmmcli.core.tables.spellings import NOTHING, Numerals


def read_word(text: ir.Value) -> ir.Value:
    """Text without blanks around it; null where that is a word for nothing.

    DuckDB would make a join of `isin`, and lose the order of the rows, and every `nullif` around
    another would double an expression.
    """
    text = text.strip()
    return text.re_search(NOTHING).ifelse(None, text)


def read_number(text: ir.Value, numerals: Numerals) -> ir.Value:
    """Text that a cast makes a number of: null where it is nothing; see `Numerals`.

    What is neither is marked, as casts take more for numbers, and each engine something else.
    """
    plain = text.replace(numerals.thousands, "") if numerals.thousands else text
    plain = plain if numerals.decimal == "." else plain.replace(numerals.decimal, ".")
    is_number, is_nothing = text.re_search(numerals.pattern), text.re_search(NOTHING)
    return ibis.cases((is_number, plain), (is_nothing, None), else_=text + NO_NUMBER)
