"""What it costs the ELBO that the points of a cell share one assignment, estimated from the cells.

The points of a cell stand in four places with its mean and covariance, the cubature rule of
Arasaratnam & Haykin (2009, "Cubature Kalman filters", section 4.2). What it tells is right to
second order like the product of the covariance with gradients of the components' log densities,
but also near the mark in a cell that is wider than the border between two components. NumPy only.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from gmmcli.core.cells.cells import Cells
from gmmcli.core.mixture.covariances import FloatArray
from gmmcli.core.mixture.densities import log_total
from gmmcli.core.mixture.mixture import Mixture
from gmmcli.core.mixture.units import NatsPerPoint


@dataclass(frozen=True, eq=False)
class SpreadCells:
    """Some cells whose points differ, as four points each, and what a mixture says of those.

    Attributes:
        places: which cells of all they are, shape (P,).
        counts: of their points, shape (P,).
        points: shape (4, P, 2), in data units.
        joint: log weight plus log density of each component there, shape (4, P, K), in nats.
        rest: the same of the background, in whose box all cells lie; None where there is none.
    """

    places: npt.NDArray[np.intp]
    counts: FloatArray
    points: FloatArray
    joint: FloatArray
    rest: float | None = None

    @cached_property
    def mean_joint(self) -> FloatArray:
        """The mean of the joint log densities over the points of each cell, shape (P, K)."""
        return np.asarray(self.joint.mean(axis=0))

    @cached_property
    def log_densities(self) -> FloatArray:
        """The log density of each point under the mixture, shape (4, P), in nats."""
        return log_total(self.joint, self.rest)

    @cached_property
    def bounds(self) -> FloatArray:
        """The mean log density of each cell's points as the ELBO has it, shape (P,), in nats."""
        return log_total(self.mean_joint, self.rest)

    @property
    def gaps(self) -> FloatArray:
        """What sharing an assignment costs the ELBO of each cell, shape (P,), in nats."""
        losses = self.log_densities.mean(axis=0) - self.bounds
        return np.asarray(self.counts * np.maximum(losses, 0))


def iterate_spread_cells(
    cells: Cells, mixture: Mixture, *, at_once: int = 150_000
) -> Iterator[SpreadCells]:
    """All cells whose points differ, a part of them at a time.

    Args:
        cells: in data units.
        mixture: in data units.
        at_once: about how many cells times components a part has: few enough for its arrays to stay
            in a core's cache, which benchmarks/speed.py shows, and none of the results.
    """
    (wide,) = np.nonzero(cells.have_spread)
    for places in np.array_split(wide, len(wide) * mixture.n_components // at_once + 1):
        part = cells.select(places)
        points = place_cubature_points(part)
        joint = np.stack([mixture.joint_log_densities(some) for some in points])
        yield SpreadCells(places, part.counts, points, joint, mixture.rest)


def estimate_gap(cells: Cells, mixture: Mixture) -> NatsPerPoint:
    """What the log-likelihood has over the ELBO, in nats per point; both in data units."""
    return NatsPerPoint(float(estimate_gaps(cells, mixture).sum() / cells.n_points))


def estimate_gaps(cells: Cells, mixture: Mixture) -> FloatArray:
    """What sharing an assignment costs the ELBO of each cell, shape (C,), in nats.

    Args:
        cells: in data units.
        mixture: in data units.
    """
    losses = np.zeros(cells.n_cells)
    for part in iterate_spread_cells(cells, mixture):
        losses[part.places] = part.gaps
    return losses


def estimate_gap_rates(points: FloatArray, mixture: Mixture) -> FloatArray:
    """What narrow cells cost about some points, shape (N, 2, 2), in nats for each point of a cell.

    A narrow cell costs half the trace of the product of this with its covariance, to second order:
    it is the covariance of the gradients of the components' log densities, by responsibility. That
    of a background has none.

    Args:
        points: shape (N, 2), in data units.
        mixture: in data units.
    """
    shares = mixture.responsibilities(points)  # (N, K)
    inverses = np.linalg.inv(mixture.covariances)
    gradients = np.einsum("kij,nkj->nki", inverses, mixture.means - points[:, None])
    mean = np.einsum("nk,nki->ni", shares, gradients)
    deviations = gradients - mean[:, None]
    rates: FloatArray = np.einsum("nk,nki,nkj->nij", shares, deviations, deviations)
    if mixture.background is not None:
        rest = mixture.background_responsibilities(points)
        rates += np.einsum("n,ni,nj->nij", rest, mean, mean)
    return rates


def place_cubature_points(cells: Cells) -> FloatArray:
    """Four points in each cell with its mean and covariance, shape (4, C, 2), in data units."""
    reaches = np.sqrt(2) * _take_square_roots(cells.covariances)
    both = np.stack([reaches[:, :, 0], reaches[:, :, 1]])
    return np.concatenate([cells.means - both, cells.means + both])


def spread_cells(cells: Cells) -> tuple[Cells, npt.NDArray[np.intp]]:
    """Cells of which each is at one place, P of them, and which cell each is of, shape (P,).

    Those with a spread become four places, and others stay as they are.
    """
    wide = cells.have_spread
    (at_one_place,), (spread,) = np.nonzero(~wide), np.nonzero(wide)
    if not len(spread):
        return cells, at_one_place
    places = place_cubature_points(cells.select(spread))  # (4, C, 2)
    origins = np.concatenate([at_one_place, np.tile(spread, len(places))])
    shares = np.where(wide, 1 / len(places), 1.0)
    means = np.concatenate([cells.means[at_one_place], places.reshape(-1, 2)])
    counts = (cells.counts * shares)[origins]
    return Cells(counts, means, np.zeros((len(counts), 2, 2))), origins


def _take_square_roots(covariances: FloatArray) -> FloatArray:
    """Lower triangles whose products with themselves are the covariances, even singular ones.

    Shape (C, 2, 2), as are the covariances.
    """
    (xx, xy), (_, yy) = covariances.transpose(1, 2, 0)
    deviations = np.sqrt(np.maximum(xx, 0))  # rounding may leave less of nothing
    slopes = np.divide(xy, deviations, out=np.zeros_like(xy), where=deviations > 0)
    rests = np.sqrt(np.maximum(yy - slopes**2, 0))
    return np.stack([deviations, np.zeros_like(xx), slopes, rests], axis=1).reshape(-1, 2, 2)
