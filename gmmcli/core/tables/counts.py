"""How many rows of a table have each label, by one aggregate that the engine runs."""

import ibis.expr.types as ir

from gmmcli.core.mixture.mixture import Mixture
from gmmcli.core.tables.export import export
from gmmcli.core.tables.partition import read_value
from gmmcli.core.tables.prediction import predict_rows
from gmmcli.core.tables.source import Source
from gmmcli.core.tables.table import Table, open_table


def count_labels(table: Table, mixture: Mixture) -> ir.Table:
    """A row for each label that rows of a table have, with how many these are.

    The columns are label and count; where `Table.by` names a column, it comes first, and there is
    a row for each of its values and labels. A result of the same name gets `predicted_` before it.
    Rows without two finite coordinates have no label, and are counted too.

    Args:
        table: the rows.
        mixture: in the units of the coordinates.

    Raises:
        TableError: when `label` and `predicted_label` are columns of the table already.
    """
    predicted = predict_rows(table, mixture)
    label = predicted[predicted.columns[len(table.dataset.rows.columns)]]
    values = read_value(table, predicted)
    label_name, count_name = (f"predicted_{n}" if n in values else n for n in ("label", "count"))
    rows, keys = predicted.select(**values, **{label_name: label}), [*values, label_name]
    return rows.group_by(keys).aggregate(**{count_name: rows.count()}).order_by(keys)


def write_counts(
    source: Source,
    columns: tuple[str, str],
    mixture: Mixture,
    output: str | None,
    *,
    by: str | None = None,
    overwrite: bool = False,
) -> None:
    """Write how many rows of a source have each label; see `count_labels`.

    Args:
        source: where the rows are.
        columns: the names of the two coordinates there.
        mixture: in the units of the coordinates.
        output: the file, in the format of its suffix; CSV to standard output by default.
        by: the column whose values are told apart.
        overwrite: replace the file where it exists.

    Raises:
        TableError: when the rows cannot be read, or a name is taken.
        OutputError: when the file cannot be written.
    """
    x, y = columns
    table = open_table(source, x=x, y=y, by=by)
    export(table, count_labels(table, mixture), output, overwrite=overwrite)
