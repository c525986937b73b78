"""What components share of volume, shape and orientation, fitted in place of free covariances.

Maximum likelihood (Celeux & Govaert 1995, section 3) where all is shared alike is a mean; here is
the rest: a volume or a shape in common while the other differs, and axes in common. Each is the
least of a convex function of one number, or of a function of one angle. A length of an axis may
have a least value, and convex it stays. NumPy only.

Of a component with variances s and s' of its points along the axes of its ellipse, with the logs l
and l' of its own, minus twice the log-likelihood is l + l' + s exp(-l) + s' exp(-l') for a point.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from gmmcli.core.mixture.covariances import FloatArray
from gmmcli.core.mixture.ellipses import find_angles, measure_along


@dataclass(frozen=True)
class Common:
    """What all components have of volume, shape and orientation; None where each has its own.

    Attributes:
        log_volume: see `Ellipses`.
        elongation: see `Ellipses`; 0 where all are round.
        angle: of the first axis, in radians; 0 where they lie along the axes of the coordinates.
    """

    log_volume: float | None = None
    elongation: float | None = None
    angle: float | None = None


@dataclass(frozen=True, eq=False)
class Spreads:
    """What the points of K components have along axes, and what those components may have.

    Attributes:
        variances: of the points, shape (K, 2).
        floors: the logs of the least variances of components, shape (K, 2); minus infinity where
            there are none.
    """

    variances: FloatArray
    floors: FloatArray

    @staticmethod
    def along(covariances: FloatArray, angles: FloatArray, least: FloatArray | None) -> "Spreads":
        """Those along axes at some angles, (K,), of covariances, (K, 2, 2), and a least one."""
        variances = measure_along(covariances, angles)
        if least is None:
            return Spreads(variances, np.full_like(variances, -np.inf))
        return Spreads(variances, np.log(measure_along(least, angles)))

    def pool(self, masses: FloatArray) -> "Spreads":
        """Those of all components together, K being 1."""
        mean = masses / masses.sum() @ self.variances
        return Spreads(mean[None], self.floors.max(axis=0)[None])

    def fit(self, common: Common) -> tuple[FloatArray, FloatArray]:
        """The log volumes and elongations, (K,) each, that fit best, given those in common."""
        (s, t), (f, g) = self.variances.T, self.floors.T
        volume, elongation = common.log_volume, common.elongation
        if elongation is not None:
            r = np.full(len(s), elongation)
            if volume is not None:
                return np.full(len(s), volume), r
            v = np.log((s * np.exp(-r) + t * np.exp(r)) / 2)
            return np.maximum(v, np.maximum(f - r, g + r)), r
        if volume is not None:
            r = np.log(s / t) / 2
            return np.full(len(s), volume), np.minimum(np.maximum(r, f - volume), volume - g)
        first, second = np.maximum(np.log(s), f), np.maximum(np.log(t), g)
        return (first + second) / 2, (first - second) / 2

    def lose(self, log_volumes: FloatArray, elongations: FloatArray, masses: FloatArray) -> float:
        """Minus twice the log-likelihood of some components, up to a constant, in nats."""
        first, second = self.variances.T * np.exp(-log_volumes)
        spreads = first * np.exp(-elongations) + second * np.exp(elongations)
        return float(masses @ (2 * log_volumes + spreads))


def share_volume(spreads: Spreads, masses: FloatArray) -> float:
    """The log volume in common of components with shapes of their own.

    That of the mean of the roots of the determinants, but where an axis is at its least length.
    """
    (s, t), (f, g) = spreads.variances.T, spreads.floors.T
    own = np.log(s / t) / 2
    roots = np.sqrt(s) * np.sqrt(t)  # the product of two that are tiny would be none
    closed = float(np.log(masses @ roots / masses.sum()))
    if (own >= f - closed).all() and (own <= closed - g).all():
        return closed

    def slope(volume: float) -> tuple[float, float]:
        # An axis at its least length stays so, and all growth of the volume is the other's: twice
        # as fast, and by the spread along it alone. Where none is, both spreads are alike.
        _, r = spreads.fit(Common(volume))
        first, second = s * np.exp(-volume - r), t * np.exp(r - volume)
        are_held = [own < f - volume, own > volume - g]
        beyond = np.select(are_held, [second, first], first)
        rates = np.select(are_held, [2.0, 2.0], 1.0)
        return float(masses @ (1 - beyond)), float(masses @ (rates * beyond))

    alone, _ = spreads.fit(Common())  # each best by itself; the best in common is among them
    lowest = float((f + g).max() / 2)
    return _find_zero(slope, max(float(alone.min()), lowest), float(alone.max()))


def share_elongation(spreads: Spreads, masses: FloatArray) -> float:
    """The elongation in common of components with volumes of their own.

    The least of a sum of logs of sums of two exponentials, which is convex: where the hyperbolic
    tangents of what it has beyond each component's own cancel; but where an axis is at its least
    length.
    """
    (s, t), (f, g) = spreads.variances.T, spreads.floors.T
    own = np.log(s / t) / 2
    bounds = float(own.min()), float(own.max())

    def slope_freely(elongation: float) -> tuple[float, float]:
        beyond = np.tanh(elongation - own)
        return float(masses @ beyond), float(masses @ (1 - beyond**2))

    def slope(elongation: float) -> tuple[float, float]:
        # Where an axis is at its least length, the volume follows the elongation, and all of it is
        # the other axis's; else the volume is the best for it, and the spreads are 2 together.
        v, r = spreads.fit(Common(elongation=elongation))
        first, second = s * np.exp(-v - r), t * np.exp(r - v)
        are_held = [v <= g + r, v <= f - r]
        slopes = np.select(are_held, [1 - first, second - 1], (second - first) / 2)
        bends = np.select(are_held, [2 * first, 2 * second], 1 - ((second - first) / 2) ** 2)
        return float(masses @ slopes), float(masses @ bends)

    free = _find_zero(slope_freely, *bounds)
    volumes, r = spreads.fit(Common(elongation=free))
    if (volumes > np.maximum(f - r, g + r)).all():
        return free
    _, alone = spreads.fit(Common())  # each best by itself; the best in common is among them
    return _find_zero(slope, float(alone.min()), float(alone.max()))


def share_both(spreads: Spreads, masses: FloatArray) -> tuple[float, float]:
    """The log volume and the elongation in common of components with axes of their own."""
    volumes, elongations = spreads.pool(masses).fit(Common())
    return float(volumes[0]), float(elongations[0])


Fit = Callable[[FloatArray], tuple[Spreads, FloatArray, FloatArray]]


def share_angle(
    covariances: FloatArray,
    masses: FloatArray,
    start: float,
    fit: Fit,
    *,
    most_rounds: int = 50,
    settled: float = 1e-9,
) -> float:
    """The angle of the axes in common that a start leads to.

    Given volumes and shapes, the best axes in common are those of a sum of the covariances, in
    closed form (Celeux & Govaert 1995, appendix 1; Flury & Gautschi 1986); given the axes, `fit`
    has the rest. Every two such rounds tell where they lead (Aitken's acceleration).

    Args:
        covariances: shape (K, 2, 2).
        masses: shape (K,).
        start: in radians.
        fit: what components have along axes at some angles, (K,): the spreads of their points,
            and the log volumes and elongations that fit best.
        most_rounds: of acceleration, which takes a few.
        settled: it is found when a round turns the axes by less, in radians, which moves the
            likelihood by the square of it.
    """

    def turn_further(angle: float) -> tuple[float, float]:
        spreads, v, r = fit(np.full(len(masses), angle))
        weighted = np.einsum("k,kij->ij", masses * np.exp(-v) * np.sinh(r), covariances)
        turned = (float(find_angles(weighted)) - angle + np.pi / 2) % np.pi - np.pi / 2
        return angle + turned, spreads.lose(v, r, masses)

    angle = start
    after, lost = turn_further(angle)
    for _ in range(most_rounds):
        twice, _ = turn_further(after)
        first, second = after - angle, twice - after
        if abs(second) < settled:
            return twice
        leap = twice + second**2 / (first - second) if first != second else twice
        ahead, lost_there = turn_further(leap)
        if not lost_there <= lost:
            leap = twice
            ahead, lost_there = turn_further(leap)
        angle, after, lost = leap, ahead, lost_there
    return angle


def find_shared_angle(covariances: FloatArray) -> float:
    """The angle of the axes that covariances, (K, 2, 2), have in common, in radians.

    That of the first axis of the largest elongation, or of its second.
    """
    half = (covariances[:, 0, 0] - covariances[:, 1, 1]) / 2
    total = covariances[:, 0, 0] + covariances[:, 1, 1]
    x, y = half / total, covariances[:, 0, 1] / total
    return float(np.arctan2(2 * x @ y, x @ x - y @ y)) / 4


def _find_zero(
    slope: Callable[[float], tuple[float, float]],
    low: float,
    high: float,
    *,
    most_steps: int = 100,
    precision: float = 1e-15,
) -> float:
    """Where an increasing slope is nil between two bounds, or the bound that it is nearest to.

    By Newton's steps, and by halves where these lead out of what is left.

    Args:
        slope: its value and its own slope at a place.
        low: the lower bound.
        high: the upper bound.
        most_steps: enough for halves alone to use all digits.
        precision: a step ends it that is smaller, as a share of the place.
    """
    place = low + (high - low) / 2
    for _ in range(most_steps):
        value, bend = slope(place)
        low, high = (low, place) if value > 0 else (place, high)
        before, place = place, place - value / bend if bend > 0 else np.inf
        if not low <= place <= high:
            place = (low + high) / 2
        if abs(place - before) <= precision * max(abs(place), 1.0):
            break
    return place
