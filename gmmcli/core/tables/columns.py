"""Which columns of a table are its coordinates, and what can be wrong with them, in one line."""

from collections.abc import Iterator, Mapping, Sequence

import ibis.expr.datatypes as dt
import ibis.expr.types as ir

from gmmcli.core.tables.dialect import NUMERIC, Kind
from gmmcli.core.tables.engine import Dataset
from gmmcli.core.tables.fields import read_number, read_word
from gmmcli.core.tables.formulas import Formula, Use
from gmmcli.core.tables.names import ROW_NAMES
from gmmcli.core.tables.spellings import Numerals, is_nothing
from gmmcli.errors import TableError

# What the kinds of columns of text files are called.
WORDS: dict[Kind, str] = {
    "whole": "numbers",
    "number": "numbers",
    "mixed": "numbers",
    "day": "dates",
    "moment": "times",
    "text": "text",
    "empty": "nothing",
}


def parse_number(dataset: Dataset, name: str) -> ir.Value:
    """A column as float64: null where it is empty, and an error where it is no number."""
    column = dataset.rows[dataset.find(name)]
    if not column.type().is_string():
        return column.cast("float64")
    return read_number(column, _take_numerals(dataset)).cast("float64")


def take(dataset: Dataset, name: str, use: Use) -> ir.Value:
    """A column as an expression wants it."""
    column = dataset.rows[dataset.find(name)]
    if use == "number" or (use == "any" and column.type().is_numeric()):
        return parse_number(dataset, name)
    if use == "truth" or (use == "any" and column.type().is_boolean()):
        return column
    text = column.cast("string")
    return text if dataset.dialect is None else read_word(text)


def check_use(dataset: Dataset, name: str, use: Use, *, source: str) -> None:
    """Raise where a column cannot be what an expression wants of it.

    Raises:
        TableError: naming the column and what it holds.
    """
    is_boolean = dataset.rows[dataset.find(name)].type().is_boolean()
    if use == "number":
        check_type(dataset, name, source=source)
    elif use == "text" and _holds_numbers(dataset, name):
        raise TableError(
            f"{source}: column {name!r} holds numbers: compare it with one, not with text"
        )
    elif use == "truth" and (dataset.dialect is not None or not is_boolean):
        raise TableError(
            f"{source}: column {name!r} holds {_name_kinds(dataset)[name]}, and a condition is "
            "needed: compare it with something"
        )


def _holds_numbers(dataset: Dataset, name: str) -> bool:
    """Whether a column holds nothing but numbers, as far as its type or its first rows tell."""
    dialect = dataset.dialect
    if dialect is None:
        return bool(dataset.rows[dataset.find(name)].type().is_numeric())
    return dataset.find(name) in dialect.find("whole", "number")


def _take_numerals(dataset: Dataset) -> Numerals:
    return Numerals() if dataset.dialect is None else dataset.dialect.numerals


def choose_columns(
    dataset: Dataset,
    coordinates: tuple[str | None, str | None],
    taken: tuple[str | None, str | None],
    formulas: Mapping[str, Formula],
    *,
    source: str,
) -> tuple[str, str]:
    """The coordinates: those that the user gave, or the first numeric columns.

    Args:
        dataset: all columns.
        coordinates: the names that the user gave.
        taken: the names of the column of weights, and of that whose values part the rows.
        formulas: what of all these is an expression, whose columns are not chosen by themselves.
        source: what messages call the table.
    """
    x, y = coordinates
    names = dataset.names
    given = [name for name in (*coordinates, *taken) if name is not None]
    used = {column for name in given if name in formulas for column in formulas[name].uses}
    others = [name for name in names if name not in given and name not in used]
    free = _find_numeric_columns(dataset, others)
    chosen_x = x if x is not None else next(free, None)
    chosen_y = y if y is not None else next(free, None)
    if chosen_x is None or chosen_y is None:
        raise TableError(_explain_lack(dataset, taken, source=source))
    _check_repeated(dataset, {chosen_x, chosen_y} - {x, y}, source=source)
    if chosen_x == chosen_y:
        raise TableError(f"-x and -y both name {chosen_x!r}: give two different columns")
    return chosen_x, chosen_y


def _check_repeated(dataset: Dataset, chosen: set[str], *, source: str) -> None:
    """Raise where columns that nobody named share their names, as no one can tell which is meant.

    Args:
        dataset: all columns.
        chosen: those that were chosen by their order.
        source: what messages call the table.
    """
    repeated = () if dataset.dialect is None else dataset.dialect.repeated
    if any(name in repeated for name in chosen):
        listed = ", ".join(map(repr, repeated))
        raise TableError(
            f"{source} has columns of one name: choose with -x and -y, where they are {listed}"
        )


def _explain_lack(dataset: Dataset, taken: tuple[str | None, str | None], *, source: str) -> str:
    """Why there are no two columns of numbers to choose, in one line; see `choose_columns`."""
    if dataset.rows.limit(1).count().to_pyarrow().as_py() == 0:
        return f"{source} has a header and no rows: there is nothing to fit"
    weight, by = taken
    uses = [("the weight", weight), ("that of --by,", by)]
    others = [f"{use} {name!r}" for use, name in uses if name is not None]
    n_others = len(dataset.rows.columns) - len(others)
    remedy = "name the columns with -x and -y, or mend their values"
    if n_others < 2:
        remedy = "give a table with both coordinates"
    if {*_name_kinds(dataset).values()} <= {"objects", "lists"}:
        remedy = "one object of JSON is one row, as to_json(orient='records', lines=True) writes it"
    beside = f" beside {' and '.join(others)}" if others else ""
    return (
        f"{source} needs two numeric columns{beside}; it has {_describe_columns(dataset)}: {remedy}"
    )


def _find_numeric_columns(dataset: Dataset, names: Sequence[str]) -> Iterator[str]:
    """The columns that hold numbers, or mostly numbers, in their order.

    One bad value makes a whole column text; leaving such a column out would fit another one in its
    place without a word. Names of rows, of R's or pandas', are left out.

    Args:
        dataset: all columns.
        names: of those to look at.
    """
    first = dataset.names[0]
    free = [name for name in names if name != first or name.lower() not in ROW_NAMES]
    known = _judge_by_type(dataset, free)
    texts = [name for name in free if name not in known]
    for name in free:
        if name not in known:
            known |= _judge_by_values(dataset, texts)
        if known[name]:
            yield name


def _judge_by_type(dataset: Dataset, names: Sequence[str]) -> dict[str, bool]:
    """Whether columns hold numbers, of those of which that is known without reading them."""
    known: dict[str, bool] = {}
    dialect, types = dataset.dialect, dataset.rows.schema()
    kinds = {} if dialect is None else dict(zip(dialect.names, dialect.kinds, strict=True))
    for name in names:
        own = dataset.find(name)
        if kinds.get(own, "empty") != "empty":
            known[name] = kinds[own] in NUMERIC
        elif not (types[own].is_string() and dataset.text_may_be_numbers):
            known[name] = types[own].is_numeric()
    return known


def _judge_by_values(
    dataset: Dataset, names: Sequence[str], *, n_sampled: int = 1000
) -> dict[str, bool]:
    """Whether columns of text mostly hold numbers, by one look at the first rows for all of them.

    Columns without anything there are looked at in all rows.

    Args:
        dataset: all columns.
        names: of the columns.
        n_sampled: how many rows are looked at first.
    """
    numerals, columns = _take_numerals(dataset), [dataset.find(name) for name in names]
    first = dataset.rows.select(*columns).limit(n_sampled).to_pyarrow()
    sample = dataset.title(first).to_pydict()
    judged: dict[str, bool] = {}
    for name, column in sample.items():
        values = [value for value in column if value is not None and not is_nothing(value)]
        if values:
            judged[name] = 2 * sum(map(numerals.is_number, values)) > len(values)
    empty = [name for name in names if name not in judged]
    if not empty or len(next(iter(sample.values()))) < n_sampled:
        return judged | dict.fromkeys(empty, False)
    texts = [read_number(dataset.rows[dataset.find(name)], numerals) for name in empty]
    numbers = {f"numbers {i}": t.try_cast("float64").count() for i, t in enumerate(texts)}
    filled = {f"values {i}": text.count() for i, text in enumerate(texts)}
    (found,) = dataset.rows.aggregate(**numbers, **filled).to_pyarrow().to_pylist()
    return judged | {
        name: 2 * found[f"numbers {i}"] > found[f"values {i}"] for i, name in enumerate(empty)
    }


def check_type(dataset: Dataset, name: str, *, source: str) -> None:
    """Raise where a column is neither of numbers nor of text that may be numbers.

    Raises:
        TableError: naming the column and what it holds.
    """
    kind = dataset.rows[dataset.find(name)].type()
    if not (kind.is_numeric() or (kind.is_string() and dataset.text_may_be_numbers)):
        raise TableError(
            f"{source}: column {name!r} holds {_name_kind(kind)}, not numbers: name another"
        )


def _describe_columns(dataset: Dataset, *, most: int = 20) -> str:
    """The names of columns, and what is in them; of many, the first."""
    kinds = _name_kinds(dataset) | _show_text(dataset)
    kinds |= {name: "names of rows" for name in list(kinds)[:1] if name.lower() in ROW_NAMES}
    named = ", ".join(f"{name!r} ({kind})" for name, kind in list(kinds.items())[:most])
    return f"{named} and {len(kinds) - most:,} more" if len(kinds) > most else named


def _name_kinds(dataset: Dataset) -> dict[str, str]:
    """What is in each column."""
    dialect = dataset.dialect
    if dialect is None:
        kinds = [_name_kind(kind) for kind in dataset.rows.schema().types]
    else:
        kinds = [WORDS[kind] for kind in dialect.kinds]
    return dict(zip(dataset.names, kinds, strict=True))


def _show_text(dataset: Dataset, *, longest: int = 20) -> dict[str, str]:
    """A value of columns of text, as the first row of a text file has it, by their names.

    Args:
        dataset: all columns.
        longest: a value that is shown, in letters.
    """
    dialect = dataset.dialect
    if dialect is None:
        return {}
    triples = zip(dataset.names, dialect.kinds, dialect.first_row, strict=False)
    values = {name: value.strip() for name, kind, value in triples if kind == "text"}
    return {
        name: f"text, such as {value if len(value) <= longest else f'{value[:longest]}...'!r}"
        for name, value in values.items()
        if not is_nothing(value)
    }


def _name_kind(kind: dt.DataType) -> str:
    """What values of a type are called by people who have never heard of it."""
    words = {
        "numbers": kind.is_numeric(),
        "text": kind.is_string(),
        "true or false": kind.is_boolean(),
        "dates": kind.is_date(),
        "times": kind.is_timestamp() or kind.is_time() or kind.is_interval(),
        "lists": kind.is_array(),
        "objects": kind.is_struct() or kind.is_map() or kind.is_json(),
    }
    return next((word for word, fits in words.items() if fits), "neither numbers nor text")
