"""What a mixture says about every row of a table, as an expression that the engine runs.

How rows get from there to a file is in `export`. The densities are those of `mixture`, which the
tests compare them with.
"""

import math
from collections.abc import Callable, Container, Mapping, Sequence
from dataclasses import replace

import ibis
import ibis.expr.types as ir

from gmmcli.core.mixture.background import BACKGROUND_LABEL, Background
from gmmcli.core.mixture.covariances import FloatArray
from gmmcli.core.mixture.densities import find_reach
from gmmcli.core.mixture.mixture import Mixture
from gmmcli.core.mixture.territories import Territories
from gmmcli.core.mixture.units import Nats
from gmmcli.core.tables.arithmetic import HAIR, LARGEST, add_up, avoid_zero
from gmmcli.core.tables.complaints import UnplacedError
from gmmcli.core.tables.export import KEEP_TEXT, export, is_text_kept
from gmmcli.core.tables.grouping import add_groups
from gmmcli.core.tables.source import Source
from gmmcli.core.tables.table import Table, open_table
from gmmcli.errors import TableError


def predict_rows(
    table: Table,
    mixture: Mixture,
    *,
    territories: Territories | None = None,
    with_responsibilities: bool = False,
    with_distance: bool = False,
    cut: float | None = None,
) -> ir.Table:
    """The rows of a table with all their columns, and what a mixture says about each.

    The columns label (the component of highest responsibility, or -1 for the background),
    probability (that responsibility), log_density (of the mixture, in nats) and group (-1 for the
    background) follow those of the table; then distance (Mahalanobis's, to the component of the
    label; none to the background), and responsibility_0 and so on, where asked for. The
    background's is the last, as responsibility_background. A result whose name is taken gets
    `predicted_` before it. Rows without two finite coordinates have no results.

    Args:
        table: the rows.
        mixture: in the units of the coordinates.
        territories: of its groups; without them rows have no group.
        with_responsibilities: add one column for each component, and for a background.
        with_distance: add that to the component of the label.
        cut: the share of a component that an ellipse about its mean holds; rows beyond that of
            their component have neither label nor group. None where no row is beyond.

    Raises:
        TableError: when the names with `predicted_` are taken too.
    """
    columns = table.dataset.names
    own, labels = _find_free_prefix(columns), name_labels(mixture)
    rows = _add_shares(_add_joint_log_densities(table, mixture, own), labels, own)
    results = _derive_results(rows, labels, own)
    if territories is not None:
        rows = add_groups(rows, results["label"], territories, own)
        results["group"] = rows[f"{own}group"]
    if cut is not None or with_distance:
        rows = _add_squared_distance(rows, mixture, results["label"], own)
    if cut is not None:
        results |= _cut(results, rows[f"{own}squared"], cut)
    if with_distance:
        results["distance"] = rows[f"{own}squared"].sqrt()
    if with_responsibilities:
        results |= {f"responsibility_{k}": _take_share(rows, k, own) for k in labels}
    is_finite = rows[f"{own}finite"]
    known = {name: is_finite.ifelse(value, None) for name, value in results.items()}
    return rows.select(
        *table.dataset.rows.columns, **_name_freely(known, columns, source=table.source)
    )


def write_predictions(
    source: Source,
    columns: tuple[str, str],
    predict: Callable[[Table], ir.Table],
    output: str | None,
    *,
    overwrite: bool = False,
) -> None:
    """Write the rows of a source with what a mixture says about each.

    Args:
        source: where the rows are.
        columns: the names of the two coordinates there.
        predict: what makes the rows to write of those of a table, such as `predict_rows`.
        output: the file, in the format of its suffix; CSV to standard output by default.
        overwrite: replace the file where it exists.

    Raises:
        TableError: when the rows cannot be read, or the names of the results are taken.
        OutputError: when the file cannot be written.
    """
    x, y = columns
    table = open_table(source, x=x, y=y, as_text=is_text_kept(output))
    try:
        relayed = table.relay()
        export(relayed, predict(relayed), output, overwrite=overwrite)
    except UnplacedError:
        table.find_fault()
        if table.dialect is not None and not is_text_kept(output):
            table.find_fault(table.dialect.find("whole", "number"), KEEP_TEXT)
        raise


def compute_log_likelihood(table: Table, mixture: Mixture) -> Nats:
    """The exact log-likelihood of all rows with two finite coordinates, in nats, by one pass.

    Where the table has weights, every row counts as its weight says.

    Args:
        table: the rows.
        mixture: in the units of the coordinates.

    Raises:
        TableError: when the rows cannot be read.
    """
    table = table.relay([] if table.weight is None else [table.weight])
    own, labels = _find_free_prefix(table.dataset.rows.columns), name_labels(mixture)
    scored = _add_shares(_add_joint_log_densities(table, mixture, own), labels, own)
    results = _derive_results(scored, labels, own)
    density = scored[f"{own}finite"].ifelse(results["log_density"], None)
    if table.weight is not None:
        weighted = replace(table, dataset=replace(table.dataset, rows=scored))
        density = density * weighted.parse_number(table.weight)
    with table.translate_errors():
        return Nats(float(density.sum().to_pyarrow().as_py()))


def name_labels(mixture: Mixture) -> dict[str, int]:
    """The label of each component, and last of the background, by what its columns are named."""
    labels = {str(k): k for k in range(mixture.n_components)}
    return labels if mixture.background is None else {**labels, "background": BACKGROUND_LABEL}


def name_result(name: str, columns: Container[str]) -> str:
    """What a result is called beside some columns: by its name, unless one of them has it."""
    return f"predicted_{name}" if name in columns else name


def _add_joint_log_densities(table: Table, mixture: Mixture, own: str) -> ir.Table:
    """The rows with log weight plus log density of each component, in nats, and which are finite.

    A background counts as one; where it has no density, its log is finite and lowest. The names of
    all new columns begin with `own`. No number on the way there overflows or vanishes, which
    PostgreSQL refuses.
    """
    factors = mixture.cholesky_factors()
    spreads = mixture.standard_deviations
    means = avoid_zero(mixture.means, spreads)
    rows = _add_coordinates(table, mixture.means, spreads, own)
    x, y = rows[f"{own}x"], rows[f"{own}y"]
    joint = {}
    for k, weight in enumerate(mixture.weights.tolist()):
        log_weight = math.log(weight) if weight > 0 else -1e300  # whose exponential is 0
        joint[f"{own}joint_{k}"] = _joint_log_density(x, y, log_weight, means[k], factors[k])
    if mixture.background is not None:
        joint[f"{own}joint_background"] = _background_log_density(x, y, mixture.background)
    return rows.mutate(**joint)


def _add_coordinates(table: Table, means: FloatArray, spreads: FloatArray, own: str) -> ir.Table:
    """The rows with both coordinates as float64, and whether both are finite.

    Those that are too far for doubles count as nearer; see `densities.find_reach`.

    Args:
        table: the rows.
        means: of the components, in data units, shape (K, 2).
        spreads: their standard deviations on either axis, in data units, shape (K, 2).
        own: what the names of the new columns begin with.
    """
    lowest, highest = (place.tolist() for place in find_reach(means, spreads))
    x, y = (table.parse_number(name) for name in table.columns)
    return table.dataset.rows.mutate(
        **{
            f"{own}finite": _are_finite(x, y),
            f"{own}x": ibis.least(ibis.greatest(x, lowest[0]), highest[0]),
            f"{own}y": ibis.least(ibis.greatest(y, lowest[1]), highest[1]),
        }
    )


def _are_finite(x: ir.Value, y: ir.Value) -> ir.Value:
    """Whether two coordinates are finite: null or false where one is empty, NaN or infinite."""
    return (x.abs() <= LARGEST) & (y.abs() <= LARGEST)


def _joint_log_density(
    x: ir.Value, y: ir.Value, log_weight: float, mean: FloatArray, factor: FloatArray
) -> ir.Value:
    """The log weight of a component plus its log density at a point, in nats.

    Args:
        x: the first coordinate, in data units.
        y: the second.
        log_weight: of the component.
        mean: shape (2,), in data units.
        factor: the lower Cholesky factor of the covariance, shape (2, 2).
    """
    sd_x, sd_y = factor.diagonal().tolist()  # of x, and of y given x
    constant = log_weight - math.log(2 * math.pi) - math.log(sd_x) - math.log(sd_y)
    return constant - 0.5 * _square_distance(x, y, mean, factor)


def _square_distance(x: ir.Value, y: ir.Value, mean: FloatArray, factor: FloatArray) -> ir.Value:
    """The square of the Mahalanobis distance of a point; see `_joint_log_density`."""
    mean_x, mean_y = mean.tolist()
    (sd_x, _), (slope, sd_y) = factor.tolist()
    u = (x - mean_x) * (1 / sd_x)
    across = y - mean_y
    v = (across - slope * u if abs(slope) > HAIR * sd_y else across) * (1 / sd_y)
    return u * u + v * v


def _background_log_density(
    x: ir.Value, y: ir.Value, background: Background, *, outside: float = -1e300
) -> ir.Value:
    """The log weight of a background plus its log density at a point, in nats.

    Args:
        x: the first coordinate, in data units.
        y: the second.
        background: over a box along the axes.
        outside: where a point lies outside: so low that any component is nearer.
    """
    lows, highs = background.reach.T.tolist()
    is_inside = (x >= lows[0]) & (x <= highs[0]) & (y >= lows[1]) & (y <= highs[1])
    return is_inside.ifelse(background.height, outside)


def _add_shares(
    joint: ir.Table, labels: Mapping[str, int], own: str, *, least: float = -700.0
) -> ir.Table:
    """The rows with each component's density as a share of the highest, and the sum of the shares.

    Args:
        joint: the rows with the columns of `_add_joint_log_densities`.
        labels: of the components, and of the background; see `name_labels`.
        own: what the names of the new columns begin with.
        least: the least logarithm of a share, in nats. So small a share adds nothing to a sum of
            doubles, and PostgreSQL refuses exponentials that vanish.
    """
    densities = [joint[f"{own}joint_{k}"] for k in labels]
    # The greatest of one number is an error in Spark, and that of all rows in SQLite.
    most = ibis.greatest(*densities) if len(densities) > 1 else densities[0]
    rows = joint.mutate(**{f"{own}highest": most})
    below = {k: rows[f"{own}joint_{k}"] - rows[f"{own}highest"] for k in labels}
    rows = rows.mutate(
        **{f"{own}share_{k}": ibis.greatest(b, least).exp() for k, b in below.items()}
    )
    return rows.mutate(**{f"{own}total": add_up([rows[f"{own}share_{k}"] for k in labels])})


def _derive_results(rows: ir.Table, labels: Mapping[str, int], own: str) -> dict[str, ir.Value]:
    """What the mixture says about each of the rows, by name, from the columns of `_add_shares`."""
    most, total = rows[f"{own}highest"], rows[f"{own}total"]
    is_highest = ((rows[f"{own}joint_{k}"] == most, label) for k, label in labels.items())
    return {
        "label": ibis.cases(*is_highest).cast("int64"),
        "probability": 1 / total,
        "log_density": most + total.ln(),
    }


def _take_share(rows: ir.Table, name: str, own: str) -> ir.Value:
    """The responsibility of a component or the background, from the columns of `_add_shares`."""
    return rows[f"{own}share_{name}"] / rows[f"{own}total"]


def _add_squared_distance(rows: ir.Table, mixture: Mixture, label: ir.Value, own: str) -> ir.Table:
    """The rows with the square of the distance of each to the component of its label.

    Args:
        rows: with the columns of `_add_coordinates`.
        mixture: in the units of the coordinates.
        label: of each row.
        own: what the names of these and of the new columns begin with.
    """
    means, factors = (
        avoid_zero(mixture.means, mixture.standard_deviations),
        mixture.cholesky_factors(),
    )
    rows = rows.mutate(**{f"{own}label": label})
    x, y, label = (rows[f"{own}{name}"] for name in ("x", "y", "label"))
    squared = [_square_distance(x, y, *each) for each in zip(means, factors, strict=True)]
    return rows.mutate(**{f"{own}squared": label.cases(*enumerate(squared))})


def _cut(results: Mapping[str, ir.Value], squared: ir.Value, share: float) -> dict[str, ir.Value]:
    """The label and the group of rows, empty beyond the ellipse that holds a share of a component.

    Args:
        results: with these.
        squared: the squares of the rows' distances; those of the background have none.
        share: above 0 and below 1. Of a Gaussian's points, 1 - exp(-d²/2) are within d.
    """
    is_beyond = squared > -2 * math.log1p(-share)
    names = [name for name in ("label", "group") if name in results]
    return {name: is_beyond.ifelse(None, results[name]) for name in names}


def _find_free_prefix(columns: Sequence[str]) -> str:
    """What no column begins with in letters of either case, as some engines read both alike."""
    prefix = "gmm_"
    while any(name.lower().startswith(prefix) for name in columns):
        prefix += "_"
    return prefix


def _name_freely(
    results: Mapping[str, ir.Value], columns: Sequence[str], *, source: str
) -> dict[str, ir.Value]:
    """The results by their names, or by those with `predicted_` where columns have them."""
    named = {name_result(name, columns): value for name, value in results.items()}
    taken = [name for name in named if name in columns]
    if taken:
        raise TableError(f"{source} has a column {taken[0]!r} already: rename or drop it")
    return named
