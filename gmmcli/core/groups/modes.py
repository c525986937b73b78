"""The modes of a landscape, and which of them a point climbs to."""

from typing import NamedTuple

import numpy as np

from gmmcli.core.groups.landscape import (
    Bends,
    Landscape,
    Slope,
    are_definite,
    invert,
    multiply,
    walk,
)
from gmmcli.core.mixture.covariances import FloatArray
from gmmcli.core.mixture.gaussians import IntArray, make_features


class Modes(NamedTuple):
    """The M modes of a landscape, each with a disc about it that no way up leaves.

    Attributes:
        places: shape (M, 2).
        heights: the log densities there, in nats, shape (M,).
        metrics: what gives the squared distance from each, shape (M, 2, 2): the negative Hessians.
        radii: of the discs, by their metrics, shape (M,).
    """

    places: FloatArray
    heights: FloatArray
    metrics: FloatArray
    radii: FloatArray

    @property
    def number(self) -> int:
        """How many there are, M."""
        return len(self.heights)

    def find_nearest(self, points: FloatArray) -> tuple[IntArray, FloatArray]:
        """The nearest mode of each point, and how far it is, in radii of its disc; both (N,).

        Args:
            points: shape (N, 2).
        """
        metrics = self.metrics / self.radii[:, None, None] ** 2
        (xx, xy), (_, yy) = metrics.transpose(1, 2, 0)
        pulls = multiply(metrics, self.places)
        constant = (pulls * self.places).sum(axis=1)
        # One product of matrices, as densities are: differences from every mode take longest.
        parameters = np.stack([constant, *(-2 * pulls.T), xx, 2 * xy, yy], axis=1)  # (M, 6)
        squares = parameters @ make_features(points, np.zeros((len(points), 2, 2)))  # (M, N)
        nearest = squares.argmin(axis=0)
        return nearest, np.sqrt(np.maximum(squares[nearest, np.arange(len(points))], 0))


def find_modes(landscape: Landscape, starts: FloatArray) -> tuple[Modes, IntArray]:
    """The modes that some points lead up to, in the order of these, and that of each, shape (S,).

    Args:
        landscape: of K components.
        starts: shape (S, 2).
    """
    places, leads_to = find_tops(landscape, starts)
    slope = landscape.explore(places)
    bends = -slope.hessians
    # A mode may be so flat that rounding is all that is left of its Hessian.
    metrics = np.where(are_definite(bends)[:, None, None], bends, slope.precisions)
    modes = Modes(places, slope.heights, metrics, np.ones(len(places)))
    return modes._replace(radii=_measure_discs(landscape, modes)), leads_to


def find_tops(landscape: Landscape, starts: FloatArray) -> tuple[FloatArray, IntArray]:
    """The places of these modes alone, shape (M, 2), and the mode of each start, shape (S,)."""
    tops = _ascend(landscape, starts)
    leads_to = match_places(tops, landscape.explore(tops).precisions)
    return tops[np.unique(leads_to, return_index=True)[1]], leads_to


def reach_modes(
    landscape: Landscape,
    modes: Modes,
    points: FloatArray,
    *,
    n_steps: int = 60,
    n_plain: int = 20,
    batch: int = 50_000,
) -> IntArray:
    """The mode that each point climbs to by modal EM, shape (N,).

    A climb ends in the disc of a mode, most after a few steps.

    Args:
        landscape: of K components.
        modes: all of its modes.
        points: shape (N, 2).
        n_steps: the most steps; the nearest mode is taken after them.
        n_plain: after so many, what is still on the way takes strides.
        batch: how many points climb at once: memory against calls.
    """
    reached = np.zeros(len(points), dtype=np.intp)
    for begin in range(0, len(points), batch):
        left, places = np.arange(begin, min(begin + batch, len(points))), points[begin:][:batch]
        for number in range(n_steps):
            reached[left], distances = modes.find_nearest(places)
            on_the_way = distances > 1
            left, places = left[on_the_way], places[on_the_way]
            if not len(left):
                break
            places = landscape.step(places) if number < n_plain else landscape.stride(places)
    return reached


def match_places(places: FloatArray, metrics: FloatArray, *, same: float = 1e-4) -> IntArray:
    """Which places are the same as which, as numbers without gaps by first appearance, shape (S,).

    Args:
        places: shape (S, 2).
        metrics: what gives squared distances about each, shape (S, 2, 2).
        same: no farther apart, in standard deviations of the components there.
    """
    numbers = np.full(len(places), -1)
    for first in range(len(places)):  # S steps of S numbers: no square of S in memory
        if numbers[first] < 0:
            away = places - places[first]
            squares = np.einsum("ni,ij,nj->n", away, metrics[first], away)
            numbers[(numbers < 0) & (squares <= same**2)] = numbers.max() + 1
    return numbers


def _ascend(
    landscape: Landscape,
    starts: FloatArray,
    *,
    n_steps: int = 500,
    n_plain: int = 50,
    least: float = 1e-9,
    hair: float = 1e-4,
) -> FloatArray:
    """The tops that points lead up to, shape (S, 2).

    By the higher of a step of modal EM and, where all ways bend down, a step of Newton's method.

    Args:
        landscape: of K components.
        starts: shape (S, 2).
        n_steps: the most steps; a dozen do where modes are not level.
        n_plain: after so many, what is still on the way takes strides.
        least: a step that ends the climb, in standard deviations of the components there.
        hair: what leads away from a saddle, in the same.
    """

    def advance(places: FloatArray, number: int) -> tuple[FloatArray, FloatArray]:
        slope = landscape.explore(places)
        bends = Bends.of(slope)
        along = multiply(invert(slope.precisions), slope.gradients)
        lengths = np.sqrt(np.maximum((along * slope.gradients).sum(axis=1), 0))
        is_saddle = (lengths <= least) & (bends.curvatures[:, 1] > hair)  # which a start may be
        aside = places + hair * bends.directions[:, :, 1]
        step = landscape.step if number < n_plain else landscape.stride
        higher = _choose_higher(landscape, places, slope, step(places))
        ahead = np.where(is_saddle[:, None], aside, higher)
        return ahead, np.where(is_saddle, hair, lengths)

    return walk(starts, advance, n_steps, least)[0]


def _choose_higher(
    landscape: Landscape,
    places: FloatArray,
    slope: Slope,
    walked: FloatArray,
    *,
    longest: float = 0.25,
) -> FloatArray:
    """Where modal EM has walked from some places, or Newton's method where higher, (S, 2).

    Args:
        landscape: of K components.
        places: shape (S, 2).
        slope: there.
        walked: where modal EM leads, shape (S, 2).
        longest: how long a step of Newton's may be, in standard deviations of the components there:
            longer ones may end on another hill.
    """
    bends = -slope.hessians
    is_hill = are_definite(bends)
    metrics = np.where(is_hill[:, None, None], bends, slope.precisions)
    along = multiply(invert(metrics), slope.gradients)
    newton = places + along
    lengths = (multiply(slope.precisions, along) * along).sum(axis=1)  # squared
    is_higher = is_hill & (lengths <= longest**2)
    is_higher &= landscape.measure(newton) >= landscape.measure(walked)
    return np.where(is_higher[:, None], newton, walked)


def _measure_discs(
    landscape: Landscape,
    modes: Modes,
    *,
    largest: float = 2.0,
    n_directions: int = 16,
    n_rings: int = 4,
    n_halvings: int = 30,
) -> FloatArray:
    """The radii of discs about modes on which every way to the mode goes up, shape (M,).

    So there is no other mode on them, nor a saddle, and the way up stays there.

    Args:
        landscape: of K components.
        modes: whose radii do not count.
        largest: the first radius tried, in standard deviations of the mode.
        n_directions: in how many it is tried,
        n_rings: and how often on the way out.
        n_halvings: how often it is halved at most.
    """
    angles = 2 * np.pi * np.arange(n_directions) / n_directions
    circle = np.stack([np.cos(angles), np.sin(angles)], axis=1)
    disc = (np.arange(1, n_rings + 1)[:, None, None] / n_rings * circle).reshape(-1, 2)
    spreads = np.linalg.inv(np.linalg.cholesky(modes.metrics)).swapaxes(1, 2)
    offsets = disc @ spreads.swapaxes(1, 2)  # (M, P, 2)
    radii, left = np.full(modes.number, largest), np.arange(modes.number)
    for _ in range(n_halvings):
        away = radii[left, None, None] * offsets[left]
        points = (modes.places[left, None] + away).reshape(-1, 2)
        gradients = landscape.explore(points).gradients.reshape(away.shape)
        goes_up = ((gradients * away).sum(axis=2) < 0).all(axis=1)
        left = left[~goes_up]
        if not len(left):
            break
        radii[left] /= 2
    return radii
