"""The saddles of a landscape: where two hills meet, and the way between them is highest."""

from typing import NamedTuple

import numpy as np

from gmmcli.core.groups.landscape import Bends, Landscape, Slope, invert, multiply, walk
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


def find_saddles(landscape: Landscape, gaussians: Gaussians, tops: FloatArray) -> Saddles:
    """The saddles of the landscape of some Gaussians, the highest first.

    The lowest places of the ridges between two components and of straight ways between two
    modes, and places about each component, are moved up along the first axis of curvature and down
    along the second (Cerjan & Miller 1981, "On finding transition states", section II), which ends
    in a saddle. Those of two components lie on their ridge (Ray & Lindsay 2005, "The topography of
    multivariate normal mixtures", theorem 1).

    Args:
        landscape: of K components.
        gaussians: these.
        tops: the places of modes, shape (M, 2).
    """
    between = look_between(landscape, tops)[1]
    starts = [_find_low_places(landscape), between, _surround(gaussians)]
    places = _follow_axes(landscape, np.concatenate(starts))
    slope = landscape.explore(places)
    first = np.unique(match_places(places, slope.precisions), return_index=True)[1]
    first = first[np.argsort(-slope.heights[first], kind="stable")]
    places, bends = places[first], Bends.of(Slope(*(values[first] for values in slope)))
    hair = 1e-3 * bends.directions[:, :, 1] / np.sqrt(1 + bends.curvatures[:, 1:])
    return Saddles(places, slope.heights[first], np.stack([places - hair, places + hair], axis=1))


def look_between(
    landscape: Landscape, tops: FloatArray, *, n_places: int = 33
) -> tuple[FloatArray, FloatArray, IntArray]:
    """The lowest places on the straight ways between neighbouring modes.

    Heights in nats, (P,), places, (P, 2), and the two modes of each, (P, 2), the highest first. The
    saddle between two modes is about as high at least.

    Args:
        landscape: of K components.
        tops: the places of M modes, shape (M, 2).
        n_places: how many places of a way are looked at.
    """
    pairs = find_neighbours(tops)
    begin, end = (tops[side][:, None] for side in pairs.T)
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


def _find_low_places(landscape: Landscape, *, batch: int = 2000) -> FloatArray:
    """About the lowest places of the ridges between two components, shape (S, 2).

    Args:
        landscape: of K components.
        batch: of how many pairs the ridges are looked at at once: memory against calls.
    """
    pairs = np.stack(np.triu_indices(landscape.number, 1))
    batches = (pairs[:, begin : begin + batch] for begin in range(0, pairs.shape[1], batch))
    return np.concatenate([np.empty((0, 2)), *(_look_along(landscape, some) for some in batches)])


def _look_along(
    landscape: Landscape, pairs: IntArray, *, n_places: int = 33, least_share: float = 0.05
) -> FloatArray:
    """About the lowest places of the ridges between some pairs of components, shape (S, 2).

    Args:
        landscape: of K components.
        pairs: shape (2, P).
        n_places: how many places of a ridge are looked at.
        least_share: the least share of both components there: less, and another is between them.
    """
    crossings = walk_ridge(landscape, pairs, find_crossings(landscape, pairs))
    pairs = pairs[:, _share_both(landscape, pairs, crossings) > least_share]
    repeated = np.repeat(pairs, n_places, axis=1)
    places = walk_ridge(landscape, repeated, np.tile(np.linspace(0, 1, n_places), pairs.shape[1]))
    heights = landscape.measure(places).reshape(-1, n_places)
    inner = heights[:, 1:-1]
    ridge, at = np.nonzero((inner <= heights[:, :-2]) & (inner <= heights[:, 2:]))
    places, pairs = places.reshape(-1, n_places, 2)[ridge, at + 1], pairs[:, ridge]
    return np.asarray(places[_share_both(landscape, pairs, places) > least_share])


def find_crossings(landscape: Landscape, pairs: IntArray, *, n_halvings: int = 20) -> FloatArray:
    """Where on the ridge of each pair of components both are as likely, shape (P,).

    As shares of the second one, see `walk_ridge`; the end where the lesser is likeliest, where it
    is the lesser even there.

    Args:
        landscape: of K components.
        pairs: shape (2, P).
        n_halvings: of the ridges.
    """
    first, second = pairs
    begin, end = np.zeros(len(first)), np.ones(len(first))
    for _ in range(n_halvings):
        middle = (begin + end) / 2
        places = walk_ridge(landscape, pairs, middle)
        is_before = landscape.measure_own(first, places) > landscape.measure_own(second, places)
        begin, end = np.where(is_before, middle, begin), np.where(is_before, end, middle)
    return (begin + end) / 2


def _share_both(landscape: Landscape, pairs: IntArray, places: FloatArray) -> FloatArray:
    """The share of two components at a place of each pair, shape (S,)."""
    return np.asarray(np.take_along_axis(landscape.share(places), pairs, axis=0).sum(axis=0))


def walk_ridge(landscape: Landscape, pairs: IntArray, shares: FloatArray) -> FloatArray:
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
        least: the step that ends the way, in the same.
    """

    def advance(places: FloatArray, _: int) -> tuple[FloatArray, FloatArray]:
        bends = Bends.of(landscape.explore(places))
        steps = bends.gradients / np.maximum(np.abs(bends.curvatures), 1e-12)
        steps[:, 1] *= -1
        lengths = np.linalg.norm(steps, axis=1)
        steps *= longest / np.maximum(lengths, longest)[:, None]
        return places + multiply(bends.directions, steps), lengths

    places, has_come = walk(starts, advance, n_steps, least)
    places = places[has_come]
    curvatures = Bends.of(landscape.explore(places)).curvatures
    return places[(curvatures[:, 0] < 0) & (curvatures[:, 1] > 0)]
