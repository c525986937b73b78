"""What a mixture says about every row of a table, as an expression that the engine runs.

How rows get from there to a file is in `export`.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace

import ibis
import ibis.expr.types as ir
import numpy as np

from gmmcli.core.cells.grids import HAIR, off_zero
from gmmcli.core.mixture.mixture import Mixture
from gmmcli.core.mixture.units import Nats
from gmmcli.core.tables.engines import Source, readable_errors
from gmmcli.core.tables.export import export, keeps_text
from gmmcli.core.tables.table import Table, both_finite, open_table
from gmmcli.errors import TableError

# Joint densities smaller than the largest by more nats than this add nothing to a sum of doubles,
# and some databases refuse their exponentiate.
NEGLIGIBLE = -700.0
# Points farther from every mean than so many standard deviations count as no farther.
FARTHEST = 1e70
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
    columns = table.opened.rows.columns
    own = _free_prefix(columns)
    joint = _joint_log_densities(table, mixture, own)
    components = range(mixture.n_components)
    densities = [joint[f"{own}joint_{k}"] for k in components]
    # The greatest of one number is an error in Spark, and that of all rows in SQLite.
    most = ibis.greatest(*densities) if len(densities) > 1 else densities[0]
    highest = joint.mutate(**{f"{own}highest": most})
    below = (highest[f"{own}joint_{k}"] - highest[f"{own}highest"] for k in components)
    shares = highest.mutate(
        **{f"{own}share_{k}": ibis.greatest(b, NEGLIGIBLE).exp() for k, b in enumerate(below)}
    )
    added = sum((shares[f"{own}share_{k}"] for k in components), start=ibis.literal(0.0))
    summed = shares.mutate(**{f"{own}total": added})
    most, total = summed[f"{own}highest"], summed[f"{own}total"]
    is_highest = ((summed[f"{own}joint_{k}"] == most, k) for k in components)
    results = {
        "label": ibis.cases(*is_highest).cast("int64"),
        "probability": 1 / total,
        "log_density": most + total.ln(),
    }
    if with_responsibilities:
        for k in components:
            results[f"responsibility_{k}"] = summed[f"{own}share_{k}"] / total
    is_finite = summed[f"{own}finite"]
    known = {name: is_finite.ifelse(value, None) for name, value in results.items()}
    return summed.select(*columns, **_under_free_names(known, columns, source=table.source))


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
    try:
        export(table, rows, output, overwrite=overwrite)
    except TableError:
        if table.opened.is_duckdb and table.opened.dialect is not None:
            _read_numbers(open_table(source, x=x, y=y))  # which names the line of a bad one
        raise


def log_likelihood(table: Table, mixture: Mixture) -> Nats:
    """The exact log-likelihood of all rows with two finite coordinates, in nats, by one pass.

    Raises:
        TableError: when the rows cannot be read.
    """
    scored = predicted(table, mixture)
    density = scored[scored.columns[-1]]
    if table.weight is not None:
        opened = replace(table.opened, rows=scored)
        density = density * replace(table, opened=opened).coordinate(table.weight)
    with readable_errors(table.source):
        return Nats(float(density.sum().to_pyarrow().as_py()))


def _read_numbers(table: Table) -> None:
    """Read the coordinates of all rows; TableError where one cannot be read."""
    x, y = table.rows.x, table.rows.y
    with readable_errors(table.source):
        table.rows.aggregate(x=x.max(), y=y.max()).to_pyarrow()


def _joint_log_densities(table: Table, mixture: Mixture, own: str) -> ir.Table:
    """The rows with log weight plus log density of each component, in nats, and which are finite.

    The names of all new columns begin with `own`.

    No number on the way there overflows or vanishes, which PostgreSQL refuses: coordinates stay
    within `FARTHEST`, and means a hair off zero.
    """
    factors = mixture.cholesky_factors()
    spreads = np.sqrt(np.diagonal(mixture.covariances, axis1=1, axis2=2))  # (K, 2)
    means = off_zero(mixture.means, spreads).tolist()
    lowest = (mixture.means - FARTHEST * spreads).min(axis=0).tolist()
    highest = (mixture.means + FARTHEST * spreads).max(axis=0).tolist()
    x, y = (table.coordinate(name) for name in table.columns)
    rows = table.opened.rows.mutate(
        **{
            f"{own}finite": both_finite(x, y),
            f"{own}x": ibis.least(ibis.greatest(x, lowest[0]), highest[0]),
            f"{own}y": ibis.least(ibis.greatest(y, lowest[1]), highest[1]),
        }
    )
    joint = {}
    for k, ((sd_x, _), (slope, sd_y)) in enumerate(factors.tolist()):  # of x, and of y given x
        u = (rows[f"{own}x"] - means[k][0]) * (1 / sd_x)
        across = rows[f"{own}y"] - means[k][1]
        v = (across - slope * u if abs(slope) > HAIR * sd_y else across) * (1 / sd_y)
        weight = float(mixture.weights[k])
        log_weight = math.log(weight) if weight > 0 else IMPOSSIBLE
        constant = log_weight - math.log(2 * math.pi) - math.log(sd_x) - math.log(sd_y)
        joint[f"{own}joint_{k}"] = constant - 0.5 * (u * u + v * v)
    return rows.mutate(**joint)


def _free_prefix(columns: Sequence[str]) -> str:
    """What no column begins with, in letters of either case, which some engines do not part."""
    prefix = "gmm_"
    while any(name.lower().startswith(prefix) for name in columns):
        prefix += "_"
    return prefix


def _under_free_names(
    results: Mapping[str, ir.Value], columns: Sequence[str], *, source: str
) -> dict[str, ir.Value]:
    """The results by their names, or by those with `predicted_` where columns have them."""
    named = {f"predicted_{n}" if n in columns else n: value for n, value in results.items()}
    taken = [name for name in named if name in columns]
    if taken:
        raise TableError(f"{source} has a column {taken[0]!r} already: rename or drop it")
    return named
