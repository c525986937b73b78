"""Cells: groups of points with the statistics that a Gaussian needs of them.

A fit sees nothing of the data but its cells, so its cost depends on their number alone (Verbeek,
Nunnink & Vlassis 2006, "Accelerated EM-based clustering of large data sets"; Moore 1999, "Very
fast EM-based mixture model clustering using multiresolution kd-trees"). NumPy only; how a table
becomes cells is in `compression`.
"""

from dataclasses import dataclass

import numpy as np

from gmmcli.core.mixture import FloatArray, Mixture


@dataclass(frozen=True, eq=False)
class Cells:
    """C groups of points.

    Attributes:
        counts: shape (C,), the number of points in each cell.
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
        """The number of points in all cells, N."""
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


def estimated_gap(cells: Cells, mixture: Mixture) -> float:
    """What sharing an assignment within cells costs the ELBO, in nats per point, to second order.

    With C the covariance of a cell, q its responsibilities and g_k the gradient of component k's
    log density at the cell's mean, a point loses half of (the q-weighted mean of g_k' C g_k, less
    the same form of the mean gradient).
    """
    occupied = cells.covariances.any(axis=(1, 2))
    means, covariances = cells.means[occupied], cells.covariances[occupied]
    responsibilities = mixture.responsibilities(means)  # (C, K)
    precisions = np.linalg.inv(mixture.covariances)  # (K, 2, 2)
    offsets = mixture.means - means[:, None]  # (C, K, 2)
    gradients = np.einsum("kij,ckj->cki", precisions, offsets)
    mean_gradients = np.einsum("ck,cki->ci", responsibilities, gradients)
    spread = np.einsum("ck,cki,cij,ckj->c", responsibilities, gradients, covariances, gradients)
    common = np.einsum("ci,cij,cj->c", mean_gradients, covariances, mean_gradients)
    return float(0.5 * cells.counts[occupied] @ (spread - common) / cells.n_points)
