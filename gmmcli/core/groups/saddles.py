"""The saddles of a landscape: where two hills meet, and the way between them is highest."""

from typing import NamedTuple

import numpy as np

from gmmcli.core.groups.landscape import Landscape, Slope, invert, multiply
from gmmcli.core.groups.modes import match_places
from gmmcli.core.mixture.covariances import FloatArray
from gmmcli.core.mixture.gaussians import Gaussians, IntArray


class Saddles(NamedTuple):
    """S saddles of a landscape.

    Attributes:
        places: shape (S, 2).
        heights: the log densities there, in nats, shape (S,).
        sides: a hair up from each to one side and to the other, shape (S, 2, 2).
    """

    places: FloatArray
    heights: FloatArray
    sides: FloatArray


class Axes(NamedTuple):
    """A landscape at N points along the two axes of its curvature.

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
    def of(slope: Slope) -> "Axes":
        """Those of a slope."""
        units = np.linalg.inv(np.linalg.cholesky(slope.precisions))  # (N, 2, 2)
        turned = units.swapaxes(1, 2)
        curvatures, directions = np.linalg.eigh(units @ slope.hessians @ turned)
        directions = turned @ directions
        gradients = multiply(directions.swapaxes(1, 2), slope.gradients)
        return Axes(curvatures, gradients, directions)


def find_saddles(landscape: Landscape, gaussians: Gaussians) -> Saddles:
    """The saddles of the landscape of some Gaussians.

    The lowest places of the ridges between two components, and places about each component, are
    moved up along the first axis of curvature and down along the second (Cerjan & Miller 1981, "On
    finding transition states", section II), which ends in a saddle. Those of two components lie on
    their ridge (Ray & Lindsay 2005, "The topography of multivariate normal mixtures", theorem 1).
    """
    starts = [_find_low_places(landscape), _surround(gaussians)]
    places = _follow_axes(landscape, np.concatenate(starts))
    slope = landscape.explore(places)
    first = np.unique(match_places(places, slope.precisions), return_index=True)[1]
    places, axes = places[first], Axes.of(Slope(*(values[first] for values in slope)))
    hair = 1e-3 * axes.directions[:, :, 1] / np.sqrt(1 + axes.curvatures[:, 1:])
    return Saddles(
        places, slope.heights[first], np.stack([places - hair, places + hair], axis=1)
    )


def _find_low_places(
    landscape: Landscape,
    *,
    n_places: int = 33,
    n_narrowings: int = 12,
    least_share: float = 0.05,
) -> FloatArray:
    """The lowest places of the ridges between two components, shape (S, 2).

    Args:
        landscape: of K components.
        n_places: how many places of a ridge are looked at first.
        n_narrowings: how often the place is then looked for in three fifths of the way before.
        least_share: the least share of both components there: less, and another is between them.
    """
    first, second = np.triu_indices(landscape.number, 1)
    shares, low = np.linspace(0, 1, n_places), []
    for k in range(landscape.number - 1):  # the ridges from one component: a bounded memory
        others = np.arange(k + 1, landscape.number)
        pairs = np.repeat(np.stack([np.full(len(others), k), others]), n_places, axis=1)
        places = _walk_ridge(landscape, pairs, np.tile(shares, len(others)))
        heights = landscape.measure(places).reshape(len(others), n_places)
        inner = heights[:, 1:-1]
        ridge, at = np.nonzero((inner <= heights[:, :-2]) & (inner <= heights[:, 2:]))
        low.append(np.stack([np.full(len(at), k), others[ridge], at]))
    first, second, at = np.concatenate(low, axis=1)
    pairs, begin, end = np.stack([first, second]), shares[at], shares[at + 2]
    golden = (np.sqrt(5) - 1) / 2
    for _ in range(n_narrowings):
        left, right = end - golden * (end - begin), begin + golden * (end - begin)
        lower, higher = (landscape.measure(_walk_ridge(landscape, pairs, s)) for s in (left, right))
        begin, end = np.where(lower < higher, begin, left), np.where(lower < higher, right, end)
    places = _walk_ridge(landscape, pairs, (begin + end) / 2)
    shares = landscape.share(places)
    numbers = np.arange(len(places))
    return places[shares[first, numbers] + shares[second, numbers] > least_share]


def _walk_ridge(landscape: Landscape, pairs: IntArray, shares: FloatArray) -> FloatArray:
    """Places on the ridges between two components each, shape (S, 2).

    Args:
        landscape: of K components.
        pairs: of components, shape (2, S).
        shares: of the second one, from 0, the mean of the first, to 1, its own; shape (S,).
    """
    first, second = pairs
    part = shares[:, None]
    pulls = (1 - part) * landscape.pulls[first] + part * landscape.pulls[second]
    part = part[..., None]
    precisions = (1 - part) * landscape.precisions[first] + part * landscape.precisions[second]
    return multiply(invert(precisions), pulls)


def _surround(gaussians: Gaussians, *, n_directions: int = 12) -> FloatArray:
    """Places about each component, at one and two of its standard deviations, shape (S, 2)."""
    angles = 2 * np.pi * np.arange(n_directions) / n_directions
    circle = np.stack([np.cos(angles), np.sin(angles)], axis=1)
    factors = np.linalg.cholesky(gaussians.covariances)
    away = np.concatenate([circle, 2 * circle]) @ factors.swapaxes(1, 2)
    return np.asarray((gaussians.means[:, None] + away).reshape(-1, 2))


def _follow_axes(
    landscape: Landscape,
    starts: FloatArray,
    *,
    n_steps: int = 60,
    longest: float = 0.5,
    least: float = 1e-9,
) -> FloatArray:
    """The saddles that some places lead to, where they lead to one, shape (S, 2).

    Args:
        landscape: of K components.
        starts: shape (L, 2).
        n_steps: the most steps.
        longest: the longest step, in standard deviations of the components there.
        least: the step that ends the way.
    """
    places, left, found = starts, np.arange(len(starts)), np.zeros(len(starts), dtype=np.bool_)
    for _ in range(n_steps):
        axes = Axes.of(landscape.explore(places[left]))
        steps = axes.gradients / np.maximum(np.abs(axes.curvatures), 1e-12)
        steps[:, 1] *= -1
        lengths = np.linalg.norm(steps, axis=1)
        steps *= np.minimum(1, longest / np.maximum(lengths, least))[:, None]
        places = places.copy()
        places[left] += multiply(axes.directions, steps)
        has_come = lengths < least
        found[left] = has_come & (axes.curvatures[:, 0] < 0) & (axes.curvatures[:, 1] > 0)
        left = left[~has_come]
        if not len(left):
            break
    return places[found]
