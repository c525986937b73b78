"""Cells: groups of points with the statistics that a Gaussian needs of them.

A fit sees nothing of the data but its cells, so its cost depends on their number alone (Verbeek,
Nunnink & Vlassis 2006, "Accelerated EM-based clustering of large data sets"; Moore 1999, "Very
fast EM-based mixture model clustering using multiresolution kd-trees"). NumPy only; how a table
becomes cells is in `compression`.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from gmmcli.core.mixture.mixture import (
    NO_WEIGHT,
    FloatArray,
    Mixture,
    determinants_of,
    exponentials,
    log_sum_exp,
)


@dataclass(frozen=True, eq=False)
class Cells:
    """C groups of points.

    Attributes:
        counts: shape (C,), the number of points in each cell, or the sum of their weights.
        means: shape (C, 2), the mean of each cell's points, in data units.
        covariances: shape (C, 2, 2), the covariance of each cell's points about their mean.
    """

    counts: FloatArray
    means: FloatArray
    covariances: FloatArray

    @property
    def n_cells(self) -> int:
        """The number of cells, C."""
        return len(self.counts)

    @property
    def n_points(self) -> float:
        """The number of points in all cells, or the sum of their weights, N."""
        return float(self.counts.sum())

    def mean(self) -> FloatArray:
        """The mean of all points, shape (2,), in data units."""
        first = self.means[0]  # differences from a point keep their digits far from zero
        mean: FloatArray = first + self.counts @ (self.means - first) / self.n_points
        return mean

    def covariance(self) -> FloatArray:
        """The covariance of all points, shape (2, 2), dividing by N."""
        deviations = self.means - self.mean()
        between = np.einsum("c,ci,cj->ij", self.counts, deviations, deviations)
        within = np.einsum("c,cij->ij", self.counts, self.covariances)
        covariance: FloatArray = (between + within) / self.n_points
        return covariance

    @property
    def have_spread(self) -> npt.NDArray[np.bool_]:
        """Which cells have points that differ, shape (C,)."""
        return np.asarray((self.covariances != 0).any(axis=(1, 2)), dtype=np.bool_)

    def select(self, chosen: npt.NDArray[np.bool_] | npt.NDArray[np.intp]) -> "Cells":
        """Some of these cells, by a mask of shape (C,), or by their numbers."""
        return Cells(self.counts[chosen], self.means[chosen], self.covariances[chosen])

    def join(self, others: "Cells") -> "Cells":
        """These cells and then others."""
        return Cells(
            np.concatenate([self.counts, others.counts]),
            np.concatenate([self.means, others.means]),
            np.concatenate([self.covariances, others.covariances]),
        )

    def merge(self, groups: npt.NDArray[np.intp]) -> "Cells":
        """One cell for each group of cells, given the group of each, shape (C,)."""
        present, some, groups = np.unique(groups, return_index=True, return_inverse=True)
        counts = np.bincount(groups, self.counts).astype(np.float64)
        offsets = self.means - self.means[some][groups]  # from a cell of each group
        shifts = sum_groups(groups, self.counts[:, None] * offsets) / counts[:, None]
        deviations = offsets - shifts[groups]
        seconds = self.covariances + deviations[:, :, None] * deviations[:, None, :]
        weighted = (self.counts[:, None, None] * seconds).reshape(-1, 4)
        covariances = sum_groups(groups, weighted) / counts[:, None]
        return Cells(counts, self.means[some] + shifts, covariances.reshape(len(present), 2, 2))


def joint_log_densities(
    cells: Cells, weights: FloatArray, means: FloatArray, covariances: FloatArray
) -> FloatArray:
    """Log weight plus mean log density of each component and each cell's points, in nats, (K, C).

    By products of matrices, as in `model.mean_log_densities`: several times as fast as differences
    from means, but far from zero they have fewer digits. So all is in whitened units.

    Args:
        cells: C of them.
        weights: shape (K,).
        means: shape (K, 2).
        covariances: shape (K, 2, 2).
    """
    determinants, (xx, xy) = determinants_of(covariances), covariances[:, 0].T
    u_x, v_y = 1 / np.sqrt(xx), np.sqrt(xx / determinants)  # u = (x - mean) / sd of x
    v_x = -xy / xx * v_y  # v = (y - its mean given x) / its sd given x
    u = np.stack([u_x, np.zeros_like(u_x)], axis=1)  # (K, 2)
    v = np.stack([v_x, v_y], axis=1)
    within = np.stack([u_x**2 + v_x**2, v_x * v_y, v_x * v_y, v_y**2], axis=1)  # (K, 4)
    points, spreads = cells.means.T, cells.covariances.reshape(-1, 4).T
    joint: FloatArray = within @ spreads  # and in place from here on: new arrays take longest
    for axis in (u, v):
        along = axis @ points
        along -= (axis * means).sum(axis=1)[:, None]
        along *= along
        joint += along
    joint *= -0.5
    log_weights = np.log(np.maximum(weights, NO_WEIGHT))
    joint += (log_weights - np.log(2 * np.pi) - 0.5 * np.log(determinants))[:, None]
    return joint


def assigned_log_densities(
    cells: Cells,
    weights: FloatArray,
    means: FloatArray,
    covariances: FloatArray,
    components: npt.NDArray[np.intp],
    places: npt.NDArray[np.intp],
) -> FloatArray:
    """Log weight plus mean log density of some components and cells alone, in nats, shape (E,).

    Args:
        cells: C of them.
        weights: shape (K,).
        means: shape (K, 2).
        covariances: shape (K, 2, 2).
        components: which of these, shape (E,).
        places: of which cells, shape (E,).
    """
    determinants, ((xx, xy), (_, yy)) = determinants_of(covariances), covariances.transpose(1, 2, 0)
    heights = (
        np.log(np.maximum(weights, NO_WEIGHT)) - np.log(2 * np.pi) - 0.5 * np.log(determinants)
    )
    x, y = (cells.means[:, axis][places] - means[:, axis][components] for axis in (0, 1))
    within = (cells.covariances[:, i, j][places] for i, j in ((0, 0), (0, 1), (1, 1)))
    squares = [x * x, x * y, y * y]
    own_xx, own_xy, own_yy = (
        square + spread for square, spread in zip(squares, within, strict=True)
    )
    by_xx, by_xy, by_yy = ((entries / determinants)[components] for entries in (yy, xy, xx))
    distances = by_xx * own_xx - 2 * by_xy * own_xy + by_yy * own_yy
    return np.asarray(heights[components] - 0.5 * distances)


def responsibilities(cells: Cells, mixture: Mixture) -> FloatArray:
    """The share of each cell in each component, both in whitened units; shape (K, C)."""
    joint = joint_log_densities(cells, mixture.weights, mixture.means, mixture.covariances)
    return exponentials(joint - log_sum_exp(joint, axis=0))


def sum_groups(groups: npt.NDArray[np.intp], values: FloatArray, n_groups: int = 0) -> FloatArray:
    """The sums of the columns of values, shape (C, D), over each group, shape (G, D).

    Args:
        groups: the group of each row, shape (C,).
        values: shape (C, D).
        n_groups: how many groups there are at least; by default as many as the numbers tell.
    """
    return np.stack([np.bincount(groups, column, n_groups) for column in values.T], axis=1)
