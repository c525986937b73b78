"""A mixture as a landscape: how high its log density is at a point, how steep, and how curved.

Only components count. A background is as dense everywhere in its box, so it lifts valleys and moves
no mode; what it holds is in no group.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from gmmcli.core.mixture.covariances import FloatArray, determinants, half_log_determinants
from gmmcli.core.mixture.densities import exponentiate, log_sum_exp, log_weights
from gmmcli.core.mixture.gaussians import (
    Gaussians,
    IntArray,
    Mask,
    find_natural_parameters,
    make_features,
)


class Slope(NamedTuple):
    """What a landscape is like at N points.

    Attributes:
        heights: the log density, in nats, shape (N,).
        gradients: its first derivatives, shape (N, 2).
        hessians: its second derivatives, shape (N, 2, 2).
        precisions: the inverse covariances of the components, averaged by responsibility, shape
            (N, 2, 2): the metric in which a step of modal EM is a step along the gradient.
    """

    heights: FloatArray
    gradients: FloatArray
    hessians: FloatArray
    precisions: FloatArray


class Bends(NamedTuple):
    """How a landscape bends at N points, along the two axes of its curvature.

    In units of the components there, in which no map of the data changes a curvature.

    Attributes:
        curvatures: ascending, shape (N, 2).
        gradients: along either axis, shape (N, 2).
        directions: of the axes, as columns, shape (N, 2, 2).
    """

    curvatures: FloatArray
    gradients: FloatArray
    directions: FloatArray

    @staticmethod
    def of(slope: Slope) -> "Bends":
        """Those of a slope."""
        units = np.linalg.inv(np.linalg.cholesky(slope.precisions))  # (N, 2, 2)
        turned = units.swapaxes(1, 2)
        curvatures, directions = np.linalg.eigh(units @ slope.hessians @ turned)
        directions = turned @ directions
        gradients = multiply(directions.swapaxes(1, 2), slope.gradients)
        return Bends(curvatures, gradients, directions)


class Landscape(NamedTuple):
    """The log density of K components, as products of matrices.

    Attributes:
        parameters: what the features of a point are multiplied with, shape (K, 6).
        pulls: inverse covariance times mean of each component, shape (K, 2).
        precisions: the inverse covariances, shape (K, 2, 2).
        peaks: log weight plus log density at the means, in nats, shape (K,).
    """

    parameters: FloatArray
    pulls: FloatArray
    precisions: FloatArray
    peaks: FloatArray

    @staticmethod
    def of(gaussians: Gaussians) -> "Landscape":
        """That of Gaussians whose units are about those of their spread."""
        precisions = invert(gaussians.covariances)
        pulls = multiply(precisions, gaussians.means)
        areas = half_log_determinants(gaussians.covariances)
        peaks = log_weights(gaussians.weights) - np.log(2 * np.pi) - areas
        return Landscape(find_natural_parameters(gaussians), pulls, precisions, peaks)

    @property
    def number(self) -> int:
        """How many components there are, K."""
        return len(self.pulls)

    def measure_joint(self, points: FloatArray) -> FloatArray:
        """Log weight plus log density of each component and point, in nats, shape (K, N)."""
        flat = np.zeros((len(points), 2, 2))
        return np.asarray(self.parameters @ make_features(points, flat))

    def measure_own(self, components: IntArray, points: FloatArray) -> FloatArray:
        """Log weight plus log density of one component at each point, in nats, shape (N,)."""
        features = make_features(points, np.zeros((len(points), 2, 2)))
        return np.asarray(np.einsum("nf,fn->n", self.parameters[components], features))

    def measure(self, points: FloatArray) -> FloatArray:
        """The log density at points of shape (N, 2), in nats, shape (N,)."""
        return log_sum_exp(self.measure_joint(points), axis=0)

    def share(self, points: FloatArray) -> FloatArray:
        """The responsibilities of the components for points of shape (N, 2), shape (K, N)."""
        return _normalize(self.measure_joint(points))[0]

    def step(self, points: FloatArray, *, longest: float = 1.0, part: float = 0.25) -> FloatArray:
        """Where a step of modal EM leads from points, shape (N, 2); never to a lower place.

        The whole step goes to the mean of the product of all components, each to the power of its
        responsibility (Li, Ray & Lindsay 2007, "A nonparametric statistical approach to clustering
        via mode identification", section 2.2). From the reach of a wide component that would pass
        over the narrow ones in it, so no step is longer than is seen in between.

        Args:
            points: shape (N, 2).
            longest: how long a step may be in any case, in standard deviations of any component,
            part: or else as a part of the way to it.
        """
        along, most = self._look_ahead(points, longest, part)
        return np.asarray(points + np.minimum(most, 1)[:, None] * along)

    def stride(
        self,
        points: FloatArray,
        *,
        longest: float = 1.0,
        part: float = 0.25,
        n_doublings: int = 6,
    ) -> FloatArray:
        """The highest of where a step and its doublings lead from points, shape (N, 2).

        On a ridge that is nearly level, a step of modal EM is a crawl. What bounds a step bounds
        these too.
        """
        along, most = self._look_ahead(points, longest, part)
        factors = np.minimum(most, 2.0 ** np.arange(n_doublings)[:, None])  # (D, N)
        ahead = points + factors[..., None] * along  # (D, N, 2)
        heights = self.measure(ahead.reshape(-1, 2)).reshape(n_doublings, -1)
        return np.asarray(ahead[heights.argmax(axis=0), np.arange(len(points))])

    def _look_ahead(
        self, points: FloatArray, longest: float, part: float
    ) -> tuple[FloatArray, FloatArray]:
        """Whole steps of modal EM, shape (N, 2), and how many times as long they may be, (N,)."""
        joint = self.measure_joint(points)
        shares = _normalize(joint)[0].T
        precisions = self._average_precisions(shares)
        # From the gradient: where the step ends less where it begins loses the digits of both.
        gradients = shares @ self.pulls - multiply(precisions, points)
        along = multiply(invert(precisions), gradients)
        away = 2 * (self.peaks[:, None] - joint)  # squared, as are all lengths here; (K, N)
        x, y = along.T
        lengths = self.precisions.reshape(-1, 4)[:, [0, 1, 3]] @ np.stack([x * x, 2 * x * y, y * y])
        reach = np.maximum(longest**2, part**2 * away)
        excess = (lengths / reach).max(axis=0)
        return along, 1 / np.sqrt(np.maximum(excess, np.finfo(np.float64).tiny))

    def explore(self, points: FloatArray) -> Slope:
        """What the landscape is like at points of shape (N, 2)."""
        shares, heights = _normalize(self.measure_joint(points))
        precisions = self._average_precisions(shares.T)
        x, y = self._pull_towards(points)  # each (K, N)
        own_x, own_y = shares * x, shares * y
        gradients = np.stack([own_x.sum(axis=0), own_y.sum(axis=0)], axis=1)
        products = ((own_x, x), (own_x, y), (own_y, y))
        xx, xy, yy = (np.einsum("kn,kn->n", one, other) for one, other in products)
        seconds = np.stack([xx, xy, xy, yy], axis=1).reshape(-1, 2, 2)
        between = seconds - gradients[:, :, None] * gradients[:, None, :]
        return Slope(heights, gradients, between - precisions, precisions)

    def _pull_towards(self, points: FloatArray) -> FloatArray:
        """The first derivatives of each component's log density at points, shape (2, K, N)."""
        linear = np.concatenate([self.pulls[..., None], -self.precisions], axis=2)  # (K, 2, 3)
        terms = np.concatenate([np.ones((1, len(points))), points.T])
        return np.asarray(linear.transpose(1, 0, 2) @ terms)

    def _average_precisions(self, shares: FloatArray) -> FloatArray:
        """The inverse covariances averaged by responsibilities of shape (N, K)."""
        return np.asarray((shares @ self.precisions.reshape(-1, 4)).reshape(-1, 2, 2))


def walk(
    starts: FloatArray,
    advance: Callable[[FloatArray, int], tuple[FloatArray, FloatArray]],
    n_steps: int,
    least: float,
) -> tuple[FloatArray, Mask]:
    """Where ways end that go on while their steps are long, shape (S, 2), and which do end, (S,).

    Args:
        starts: of the ways, shape (S, 2).
        advance: the next place of each way, and how long the step is, in standard deviations of the
            components there, given the places of those that go on and the number of the step.
        n_steps: the most steps.
        least: the step that ends a way, in the same units.
    """
    places, left = starts.copy(), np.arange(len(starts))
    for number in range(n_steps):
        places[left], lengths = advance(places[left], number)
        left = left[lengths > least]
        if not len(left):
            break
    has_ended = np.ones(len(starts), dtype=np.bool_)
    has_ended[left] = False
    return places, has_ended


def _normalize(joint: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Responsibilities, shape (K, N), and log densities, in nats, shape (N,).

    Args:
        joint: log weights plus log densities, in nats, shape (K, N).
    """
    highest = joint.max(axis=0)
    shares = exponentiate(joint - highest)
    totals = shares.sum(axis=0)
    shares /= totals
    return shares, highest + np.log(totals)


def invert(matrices: FloatArray) -> FloatArray:
    """The inverses of symmetric matrices, shape (N, 2, 2)."""
    (xx, xy), (_, yy) = matrices.transpose(1, 2, 0)
    entries = np.stack([yy, -xy, -xy, xx], axis=1) / determinants(matrices)[:, None]
    return np.asarray(entries.reshape(-1, 2, 2))


def are_definite(matrices: FloatArray, *, share: float = 1e-9) -> Mask:
    """Which symmetric matrices are positive definite, shape (N,).

    Args:
        matrices: shape (N, 2, 2).
        share: a determinant is one above so much of the product of the diagonal.
    """
    (xx, _), (_, yy) = matrices.transpose(1, 2, 0)
    return np.asarray((xx > 0) & (yy > 0) & (determinants(matrices) > share * xx * yy))


def multiply(matrices: FloatArray, vectors: FloatArray) -> FloatArray:
    """Each of N matrices times its vector, shape (N, 2)."""
    return np.asarray((matrices * vectors[:, None, :]).sum(axis=2))
