"""Cells: groups of points with the statistics that a Gaussian needs of them.

A fit sees nothing of the data but its cells, so its cost depends on their number alone (Verbeek,
Nunnink & Vlassis 2006, "Accelerated EM-based clustering of large data sets"; Moore 1999, "Very
fast EM-based mixture model clustering using multiresolution kd-trees"). NumPy only; how a table
becomes cells is in `compression`.
"""

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from gmmcli.core.mixture.covariances import FloatArray
from gmmcli.core.mixture.densities import assign, evaluate_joint
from gmmcli.core.mixture.mixture import Mixture
from gmmcli.core.mixture.whitening import Whitening
from gmmcli.settings import CovarianceType


@dataclass(frozen=True, eq=False)
class Cells:
    """C groups of points.

    Attributes:
        counts: shape (C,), the number of points in each cell, or the sum of their weights.
        means: shape (C, 2), the mean of each cell's points, in data units.
        covariances: shape (C, 2, 2), the covariance of each cell's points about their mean.
        squares: shape (C,), the sum of the squares of the weights; None where points have none.
    """

    counts: FloatArray
    means: FloatArray
    covariances: FloatArray
    squares: FloatArray | None = None

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

    def whiten(self, whitening: Whitening) -> "Cells":
        """These cells in whitened units."""
        means = whitening.whiten_points(self.means)
        return replace(
            self, means=means, covariances=whitening.whiten_covariances(self.covariances)
        )

    def weigh(self, worth: float, squares: FloatArray | None = None) -> "Cells":
        """The same cells with counts of what their points are worth as evidence; see `grain`.

        Args:
            worth: what a count of one is worth.
            squares: the sums of the squares of what rows count, shape (C,).
        """
        weighed = None if squares is None else squares * worth**2
        return replace(self, counts=self.counts * worth, squares=weighed)

    def select(self, chosen: npt.NDArray[np.bool_] | npt.NDArray[np.intp]) -> "Cells":
        """Some of these cells, by a mask of shape (C,), or by their numbers."""
        squares = None if self.squares is None else self.squares[chosen]
        return Cells(self.counts[chosen], self.means[chosen], self.covariances[chosen], squares)

    def join(self, others: "Cells") -> "Cells":
        """These cells and then others."""
        squares = None
        if self.squares is not None and others.squares is not None:
            squares = np.concatenate([self.squares, others.squares])
        return Cells(
            np.concatenate([self.counts, others.counts]),
            np.concatenate([self.means, others.means]),
            np.concatenate([self.covariances, others.covariances]),
            squares,
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
        covariances = covariances.reshape(len(present), 2, 2)
        squares = None
        if self.squares is not None:
            squares = np.bincount(groups, self.squares).astype(np.float64)
        return Cells(counts, self.means[some] + shifts, covariances, squares)


def find_whitening(cells: Cells, covariance: CovarianceType) -> Whitening:
    """The whitening of some cells that a covariance type survives; see `Whitening.of`.

    Raises:
        TableError: when the variance of the coordinates overflows or vanishes.
    """
    with np.errstate(over="ignore"):
        mean, total = cells.mean(), cells.covariance()
    return Whitening.of(mean, total, covariance)


def evaluate_cells(
    cells: Cells, weights: FloatArray, means: FloatArray, covariances: FloatArray
) -> FloatArray:
    """Log weight plus mean log density of each component and each cell's points, in nats, (K, C).

    Args:
        cells: C of them.
        weights: shape (K,).
        means: shape (K, 2), in the units of the cells.
        covariances: shape (K, 2, 2).
    """
    return evaluate_joint(cells.means, weights, means, covariances, cells.covariances)


def assign_cells(cells: Cells, mixture: Mixture) -> FloatArray:
    """The share of each cell in each component, shape (K, C); both in the same units.

    What is left to 1 is that of the background, in whose box all cells lie.
    """
    joint = evaluate_cells(cells, mixture.weights, mixture.means, mixture.covariances)
    return assign(joint, mixture.rest)


def sum_groups(groups: npt.NDArray[np.intp], values: FloatArray, n_groups: int = 0) -> FloatArray:
    """The sums of the columns of values, shape (C, D), over each group, shape (G, D).

    Args:
        groups: the group of each row, shape (C,).
        values: shape (C, D).
        n_groups: how many groups there are at least; by default as many as the numbers tell.
    """
    return np.stack([np.bincount(groups, column, n_groups) for column in values.T], axis=1)
