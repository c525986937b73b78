"""How many rows of a table have each label and group, by one aggregate that the engine runs."""

from collections.abc import Callable
from typing import Any

import ibis.expr.types as ir

from gmmcli.core.tables.export import export
from gmmcli.core.tables.partition import read_value
from gmmcli.core.tables.prediction import name_result
from gmmcli.core.tables.source import Source
from gmmcli.core.tables.table import Table, open_table


def count_labels(table: Table, predict: Callable[[Table], ir.Table]) -> ir.Table:
    """A row for each label and group that rows of a table have, with how many these are.

    The columns are label, group and count; where `Table.by` names a column, it comes first, and
    there are rows for each of its values: those that are numbers before others, and in the order of
    numbers. A result of the same name gets `predicted_` before it. Rows without two finite
    coordinates have neither label nor group, and are counted too.

    Args:
        table: the rows.
        predict: what gives them their results, such as `predict_rows` with territories.

    Raises:
        TableError: when the names of results and those with `predicted_` are columns of the table.
    """
    predicted = predict(table)
    values, columns = read_value(table, predicted), table.dataset.names
    results = {
        name_result(name, values): predicted[name_result(name, columns)]
        for name in ("label", "group")
    }
    rows = predicted.select(**values, **results)
    counts = rows.group_by(rows.columns).aggregate(**{name_result("count", values): rows.count()})
    # In columns of text, as those of text files are, values may be numbers.
    texts = [counts[name] for name, value in values.items() if value.type().is_string()]
    numbers = [t.try_cast("float64") for t in texts if table.dataset.text_may_be_numbers]
    return counts.order_by([*numbers, *rows.columns])


def summarize_labels(
    source: Source, columns: tuple[str, str], predict: Callable[[Table], ir.Table]
) -> dict[str, Any]:
    """How many rows of a source have each label and group, and how likely they are on average.

    Args:
        source: where the rows are.
        columns: the names of the two coordinates there.
        predict: what gives rows their results, such as `predict_rows`.

    Returns:
        The number of `rows`, how many of them are `without_coordinates`, `counts` with label, group
        and count, and the `mean_log_density` of the others, in nats; None where there are none.

    Raises:
        TableError: when the rows cannot be read.
    """
    table = open_table(source, x=columns[0], y=columns[1]).relay([])
    predicted, taken = predict(table), table.dataset.names
    label, group, density = (
        predicted[name_result(name, taken)] for name in ("label", "group", "log_density")
    )
    rows = predicted.select(label=label, group=group, density=density)
    found = rows.group_by(["label", "group"]).aggregate(
        count=rows.count(), known=rows.density.count(), total=rows.density.sum()
    )
    told = table.read(found.order_by(["label", "group"])).to_pylist()
    n_rows, n_known = (sum(each[name] for each in told) for name in ("count", "known"))
    total = sum(each["total"] or 0.0 for each in told)
    return {
        "rows": n_rows,
        "without_coordinates": n_rows - n_known,
        "counts": [{name: each[name] for name in ("label", "group", "count")} for each in told],
        "mean_log_density": total / n_known if n_known else None,
    }


def write_counts(
    source: Source,
    columns: tuple[str, str],
    predict: Callable[[Table], ir.Table],
    output: str | None,
    *,
    by: str | None = None,
    overwrite: bool = False,
) -> None:
    """Write how many rows of a source have each label and group; see `count_labels`.

    Args:
        source: where the rows are.
        columns: the names of the two coordinates there.
        predict: what gives rows their results, such as `predict_rows`.
        output: the file, in the format of its suffix; CSV to standard output by default.
        by: the column whose values are told apart.
        overwrite: replace the file where it exists.

    Raises:
        TableError: when the rows cannot be read, or a name is taken.
        OutputError: when the file cannot be written.
    """
    x, y = columns
    table = open_table(source, x=x, y=y, by=by).relay([] if by is None else [by])
    export(table, count_labels(table, predict), output, overwrite=overwrite)
