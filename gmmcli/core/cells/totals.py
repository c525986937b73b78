"""What an engine tells of groups of rows: the totals of each, and sums over its points."""

from dataclasses import dataclass, fields

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from gmmcli.core.mixture.covariances import FloatArray

# The columns with sums over the points of a cell, of their distances t and u from its middle.
SUMS = ("t", "u", "tt", "tu", "uu")
# The columns with the least and the largest weight, the number of rows without one, and the sum of
# the squares.
WEIGHTS = ("least", "most", "n_without", "squares")


@dataclass(frozen=True, eq=False)
class Totals:
    """What an engine tells of G groups of rows.

    Attributes:
        keys: what the rows of a group share, shape (G, 2): a point, or a grid and the index of a
            cell in it. Not finite where a coordinate is empty or not finite.
        n_rows: shape (G,).
        counts: the sums of their weights, shape (G,); the number of rows where they have none.
        sums: of t, u, t², tu and u², shape (G, 5); see `Grids.make_cells`. Shape (G, 0) of points.
        weights: the least, the largest, the number of rows without one, and the sum of the squares,
            shape (G, 4). Shape (G, 0) where rows have none.
    """

    keys: FloatArray
    n_rows: FloatArray
    counts: FloatArray
    sums: FloatArray
    weights: FloatArray

    @property
    def are_points(self) -> npt.NDArray[np.bool_]:
        """Which groups have two finite coordinates, shape (G,)."""
        return np.asarray(np.isfinite(self.keys).all(axis=1))

    @property
    def squares(self) -> FloatArray | None:
        """The sums of the squares of weights, shape (G,); None where rows have none."""
        return self.weights[:, 3] if self.weights.shape[1] else None

    @property
    def n_groups(self) -> int:
        """How many groups there are, G."""
        return len(self.counts)

    def select(self, chosen: npt.NDArray[np.bool_] | npt.NDArray[np.intp]) -> "Totals":
        """Some of these groups, by a mask of shape (G,), or by their numbers."""
        return Totals(*(getattr(self, field.name)[chosen] for field in fields(self)))

    def sort(self) -> "Totals":
        """The same groups in the order of their keys."""
        return self.select(np.lexsort((self.keys[:, 1], self.keys[:, 0])))


def read_totals(found: pa.Table) -> Totals:
    """The totals of groups, given the columns that `expressions` asks for."""
    names = found.column_names
    if "x" in names:
        keys = read_numbers(found, "x", "y")
    elif "grid" in names:
        keys = read_numbers(found, "grid", "index")
    else:  # there is but one grid
        keys = np.stack([np.zeros(found.num_rows), read_numbers(found, "index")[:, 0]], axis=1)
    return Totals(
        keys=keys,
        n_rows=read_numbers(found, "n_rows")[:, 0],
        counts=read_numbers(found, "count" if "count" in names else "n_rows")[:, 0],
        sums=read_numbers(found, *(name for name in SUMS if name in names)),
        weights=read_numbers(found, *(name for name in WEIGHTS if name in names)),
    )


def count_points(numbers: FloatArray) -> Totals:
    """The totals of the distinct points of some rows, as an engine would tell them.

    Args:
        numbers: the coordinates, shape (N, 2), or with the weights after them, shape (N, 3); NaN
            where there is none.
    """
    points, groups = np.unique(numbers[:, :2], axis=0, return_inverse=True)
    groups, n_groups = groups.ravel(), len(points)
    nothing = np.empty((n_groups, 0))
    n_rows = np.bincount(groups, minlength=n_groups).astype(np.float64)
    if numbers.shape[1] == 2:
        return Totals(points, n_rows, n_rows, nothing, nothing)
    weights, are_missing = numbers[:, 2], np.isnan(numbers[:, 2])
    counts = np.zeros(n_groups)
    np.add.at(counts, groups, np.where(are_missing, 0.0, weights))
    ends = np.full((n_groups, 4), (np.nan, np.nan, 0.0, 0.0))
    np.fmin.at(ends[:, 0], groups, weights)
    np.fmax.at(ends[:, 1], groups, weights)
    np.add.at(ends[:, 2], groups, are_missing)
    np.add.at(ends[:, 3], groups, np.where(are_missing, 0.0, weights**2))
    return Totals(points, n_rows, counts, nothing, ends)


def read_numbers(rows: pa.Table, *names: str) -> FloatArray:
    """Columns as an array of shape (rows, columns); null is NaN."""
    if not names:
        return np.empty((rows.num_rows, 0))
    columns = [rows[name].to_numpy().astype(np.float64) for name in names]
    return np.stack(columns, axis=1)
