"""What a mixture says about every row of a table, as an expression that the engine runs.

How rows get from there to a file is in `export`.
"""

import math
from collections.abc import Mapping, Sequence

import ibis
import ibis.expr.types as ir

from gmmcli.core.engines import Source, readable_errors
from gmmcli.core.export import export, keeps_text
from gmmcli.core.mixture import Mixture
from gmmcli.core.tables import Table, both_finite, open_table
from gmmcli.errors import TableError

# Joint densities smaller than the largest by more nats than this add nothing to a sum of doubles,
# and some databases refuse their exponentials.
NEGLIGIBLE = -700.0
# The log weight of a component without points.
IMPOSSIBLE = -1e300


def predicted(table: Table, mixture: Mixture, *, with_responsibilities: bool = False) -> ir.Table:
    """The rows of a table with all their columns, and what a mixture says about each.

    The columns label (the component of highest responsibility), probability (that
    responsibility) and log_density (of the mixture, in nats) follow those of the table, and
    responsibility_0 and so on where asked for. A result whose name is taken gets `predicted_`
    before it. Rows without two finite coordinates have no results.

    Raises:
        TableError: when the names with `predicted_` are taken too.
    """
    joint = _joint_log_densities(table, mixture)
    components = range(mixture.n_components)
    highest = joint.mutate(
        gmm_highest=ibis.greatest(*(joint[f"gmm_joint_{k}"] for k in components))
    )
    below = (highest[f"gmm_joint_{k}"] - highest.gmm_highest for k in components)
    shares = highest.mutate(
        **{f"gmm_share_{k}": ibis.greatest(b, NEGLIGIBLE).exp() for k, b in enumerate(below)}
    )
    total = sum((shares[f"gmm_share_{k}"] for k in components), start=ibis.literal(0.0))
    summed = shares.mutate(gmm_total=total)
    is_highest = ((summed[f"gmm_joint_{k}"] == summed.gmm_highest, k) for k in components)
    results = {
        "label": ibis.cases(*is_highest).cast("int64"),
        "probability": 1 / summed.gmm_total,
        "log_density": summed.gmm_highest + summed.gmm_total.ln(),
    }
    if with_responsibilities:
        for k in components:
            results[f"responsibility_{k}"] = summed[f"gmm_share_{k}"] / summed.gmm_total
    columns = table.opened.rows.columns
    return summed.select(*columns, **_under_free_names(results, columns, source=table.source))


def write_predicted(
    source: Source,
    columns: tuple[str, str],
    mixture: Mixture,
    output: str | None,
    *,
    with_responsibilities: bool = False,
    overwrite: bool = False,
) -> None:
    """Write the rows of a source with what a mixture says about each; see `predicted`.

    Args:
        source: where the rows are.
        columns: the names of the two coordinates there.
        mixture: in the units of the coordinates.
        output: the file, in the format of its suffix; CSV to standard output by default.
        with_responsibilities: add one column for each component.
        overwrite: replace the file where it exists.

    Raises:
        TableError: when the rows cannot be read, or the names of the results are taken.
        OutputError: when the file cannot be written.
    """
    x, y = columns
    table = open_table(source, x=x, y=y, as_text=keeps_text(output))
    rows = predicted(table, mixture, with_responsibilities=with_responsibilities)
    export(table, rows, output, overwrite=overwrite)


def log_likelihood(table: Table, mixture: Mixture) -> float:
    """The exact log-likelihood of all rows with two finite coordinates, in nats, by one pass.

    Raises:
        TableError: when the rows cannot be read.
    """
    scored = predicted(table, mixture)
    density = scored[scored.columns[-1]]
    if table.weight is not None:
        density = density * scored[table.weight].cast("float64")
    with readable_errors(table.source):
        return float(density.sum().to_pyarrow().as_py())


def _joint_log_densities(table: Table, mixture: Mixture) -> ir.Table:
    """The rows with log weight plus log density of each component, in nats; null where skipped."""
    x, y = (table.coordinate(name) for name in table.columns)
    rows = table.opened.rows.mutate(gmm_x=x, gmm_y=y)
    finite = both_finite(rows.gmm_x, rows.gmm_y)
    rows = rows.mutate(gmm_x=finite.ifelse(rows.gmm_x, None), gmm_y=finite.ifelse(rows.gmm_y, None))
    joint = {}
    for k, factor in enumerate(mixture.cholesky_factors().tolist()):
        (sd_x, _), (slope, sd_y) = factor  # of x, and of y given x
        mean_x, mean_y = mixture.means[k].tolist()
        u = (rows.gmm_x - mean_x) / sd_x
        v = (rows.gmm_y - mean_y - slope * u) / sd_y
        weight = float(mixture.weights[k])
        log_weight = math.log(weight) if weight > 0 else IMPOSSIBLE
        constant = log_weight - math.log(2 * math.pi) - math.log(sd_x) - math.log(sd_y)
        joint[f"gmm_joint_{k}"] = constant - 0.5 * (u * u + v * v)
    return rows.mutate(**joint)


def _under_free_names(
    results: Mapping[str, ir.Value], columns: Sequence[str], *, source: str
) -> dict[str, ir.Value]:
    """The results by their names, or by those with `predicted_` where columns have them."""
    named = {f"predicted_{n}" if n in columns else n: value for n, value in results.items()}
    taken = [name for name in named if name in columns]
    if taken:
        raise TableError(f"{source} has a column {taken[0]!r} already: rename or drop it")
    return named
