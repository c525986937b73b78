"""The saddles of a landscape: where two hills meet, and the way between them is highest."""

from typing import NamedTuple

import numpy as np

from gmmcli.core.groups.landscape import Axes, Landscape, Slope, invert, multiply
from gmmcli.core.groups.modes import Modes, match_places
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


def find_saddles(landscape: Landscape, gaussians: Gaussians, modes: Modes) -> Saddles:
    """The saddles of the landscape of some Gaussians, with some modes; the highest first.

    The lowest places of the ridges between two components and of straight ways between two
    modes, and places about each component, are moved up along the first axis of curvature and down
    along the second (Cerjan & Miller 1981, "On finding transition states", section II), which ends
    in a saddle. Those of two components lie on their ridge (Ray & Lindsay 2005, "The topography of
    multivariate normal mixtures", theorem 1).
    """
    between = look_between(landscape, modes)[1]
    starts = [_find_low_places(landscape), between, _surround(gaussians)]
    places = _follow_axes(landscape, np.concatenate(starts))
    slope = landscape.explore(places)
    first = np.unique(match_places(places, slope.precisions), return_index=True)[1]
    first = first[np.argsort(-slope.heights[first], kind="stable")]
    places, axes = places[first], Axes.of(Slope(*(values[first] for values in slope)))
    hair = 1e-3 * axes.directions[:, :, 1] / np.sqrt(1 + axes.curvatures[:, 1:])
    return Saddles(places, slope.heights[first], np.stack([places - hair, places + hair], axis=1))


def look_between(
    landscape: Landscape, modes: Modes, *, n_places: int = 33
) -> tuple[FloatArray, FloatArray, IntArray]:
    """The lowest places on the straight ways between neighbouring modes.

    Heights in nats, (P,), places, (P, 2), and the two modes of each, (P, 2), the highest first. The
    saddle between two modes is about as high at least.

    Args:
        landscape: of K components.
        modes: M of them.
        n_places: how many places of a way are looked at.
    """
    pairs = find_neighbours(modes.places)
    begin, end = (modes.places[side][:, None] for side in pairs.T)
    places = begin + np.linspace(0, 1, n_places)[:, None] * (end - begin)  # (P, n_places, 2)
    heights = landscape.measure(places.reshape(-1, 2)).reshape(-1, n_places)
    lowest, numbers = heights.argmin(axis=1), np.arange(len(pairs))
    heights, places = heights[numbers, lowest], places[numbers, lowest]
    order = np.argsort(-heights, kind="stable")
    return heights[order], places[order], pairs[order]


def find_neighbours(places: FloatArray) -> IntArray:
    """The pairs of places with no other in the disc between them, shape (P, 2).

    These join all places (Gabriel & Sokal 1969, "A new statistical approach to geographic variation
    analysis"), and are a few times as many.

    Args:
        places: shape (M, 2).
    """
    apart = ((places[:, None] - places) ** 2).sum(axis=2)  # (M, M)
    rounding = 1 + 1e-12
    pairs = []
    for one, from_one in enumerate(apart):
        least = (from_one + apart[one + 1 :]).min(axis=1, initial=np.inf)
        others = one + 1 + np.flatnonzero(least * rounding >= from_one[one + 1 :])
        pairs.append(np.stack([np.full(len(others), one), others], axis=1))
    return np.concatenate(pairs)


def _find_low_places(
    landscape: Landscape, *, n_places: int = 33, least_share: float = 0.05
) -> FloatArray:
    """About the lowest places of the ridges between two components, shape (S, 2).

    Args:
        landscape: of K components.
        n_places: how many places of a ridge are looked at.
        least_share: the least share of both components there: less, and another is between them.
    """
    pairs = _find_near_pairs(landscape, least_share)
    repeated = np.repeat(pairs, n_places, axis=1)
    places = _walk_ridge(landscape, repeated, np.tile(np.linspace(0, 1, n_places), pairs.shape[1]))
    heights = landscape.measure(places).reshape(-1, n_places)
    inner = heights[:, 1:-1]
    ridge, at = np.nonzero((inner <= heights[:, :-2]) & (inner <= heights[:, 2:]))
    places, pairs = places.reshape(-1, n_places, 2)[ridge, at + 1], pairs[:, ridge]
    return np.asarray(places[_share_both(landscape, pairs, places) > least_share])


def _find_near_pairs(
    landscape: Landscape, least_share: float, *, n_halvings: int = 20
) -> IntArray:
    """The pairs of components with no other between them, shape (2, S).

    Between them is where their ridge leads from the one to the other: where both are as likely.

    Args:
        landscape: of K components.
        least_share: the least share of both components there.
        n_halvings: of the ridges, in search of the place.
    """
    first, second = pairs = np.stack(np.triu_indices(landscape.number, 1))
    begin, end = np.zeros(len(first)), np.ones(len(first))
    for _ in range(n_halvings):
        middle = (begin + end) / 2
        places = _walk_ridge(landscape, pairs, middle)
        is_before = landscape.measure_own(first, places) > landscape.measure_own(second, places)
        begin, end = np.where(is_before, middle, begin), np.where(is_before, end, middle)
    places = _walk_ridge(landscape, pairs, (begin + end) / 2)
    return np.asarray(pairs[:, _share_both(landscape, pairs, places) > least_share])


def _share_both(landscape: Landscape, pairs: IntArray, places: FloatArray) -> FloatArray:
    """The share of two components at a place of each pair, shape (S,)."""
    return np.asarray(np.take_along_axis(landscape.share(places), pairs, axis=0).sum(axis=0))


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
