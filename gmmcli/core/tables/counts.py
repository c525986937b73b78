"""How many rows of a table have each label and group, by one aggregate that the engine runs."""

from collections.abc import Callable

import ibis.expr.types as ir

from gmmcli.core.tables.export import export
from gmmcli.core.tables.partition import read_value
from gmmcli.core.tables.source import Source
from gmmcli.core.tables.table import Table, open_table


def count_labels(table: Table, predict: Callable[[Table], ir.Table]) -> ir.Table:
    """A row for each label and group that rows of a table have, with how many these are.

    The columns are label, group and count; where `Table.by` names a column, it comes first, and
    there are rows for each of its values. A result of the same name gets `predicted_` before it.
    Rows without two finite coordinates have neither label nor group, and are counted too.

    Args:
        table: the rows.
        predict: what gives them their results, such as `predict_rows`.

    Raises:
        TableError: when the names of results and those with `predicted_` are columns of the table.
    """
    predicted = predict(table)
    label, _, _, group = predicted.columns[len(table.dataset.rows.columns) :][:4]
    values = read_value(table, predicted)
    names = [f"predicted_{n}" if n in values else n for n in ("label", "group", "count")]
    keys = dict(zip(names[:2], (predicted[label], predicted[group]), strict=True))
    rows = predicted.select(**values, **keys)
    order = [*values, *keys]
    return rows.group_by(order).aggregate(**{names[2]: rows.count()}).order_by(order)


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
    table = open_table(source, x=x, y=y, by=by)
    export(table, count_labels(table, predict), output, overwrite=overwrite)
