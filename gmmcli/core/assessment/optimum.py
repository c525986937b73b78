"""The optimum of a mixture near one that is given, for data that differ a little from its own.

Newton's steps with the curvature of each place, and steps of EM where these lead down. They are for
many short climbs in a row, of resampled points, for which Torch takes too long; what they share
with the climbs of a fit is the observed information and the M step. NumPy only.
"""

from dataclasses import dataclass, replace

import numpy as np

from gmmcli.core.cells.cells import Cells
from gmmcli.core.cells.directions import N_PARAMETERS
from gmmcli.core.cells.information import (
    Information,
    compute_gradients,
    observe_information,
    take_roots,
)
from gmmcli.core.mixture.covariances import FloatArray, are_floored
from gmmcli.core.mixture.densities import evaluate_joint, exponentiate, log_total
from gmmcli.core.mixture.mixture import Mixture
from gmmcli.core.mixture.structures import constrain
from gmmcli.settings import CovarianceType


@dataclass(frozen=True, eq=False)
class Place:
    """A mixture, and what some points say of it.

    Attributes:
        mixture: K components, and a background or not: P parts.
        log_likelihood: of all points, in nats.
        sums: over the points of each part, by their shares in it, of the gradients of its log
            density in its six parameters, shape (P, 6); see `cells.information`.
    """

    mixture: Mixture
    log_likelihood: float
    sums: FloatArray


@dataclass(frozen=True, eq=False)
class Summit:
    """Where a climb has ended.

    Attributes:
        place: with the highest log-likelihood that was found.
        information: that was last worked out on the way.
        has_settled: whether it is an optimum.
    """

    place: Place
    information: Information
    has_settled: bool


@dataclass(frozen=True, eq=False)
class Likelihood:
    """The log-likelihood of weighted points, as a function of the mixtures of a type.

    Attributes:
        points: C cells, each at one place, in whitened units.
        covariance: the covariance type.
        least: the least covariance, as the type has it, shape (2, 2).
    """

    points: Cells
    covariance: CovarianceType
    least: FloatArray

    def reweigh(self, counts: FloatArray) -> "Likelihood":
        """That of the same points with other weights, shape (C,)."""
        return replace(self, points=replace(self.points, counts=counts))

    def evaluate(self, mixture: Mixture, *, at_once: int = 50_000) -> Place:
        """The place of a mixture.

        Args:
            mixture: in the units of the points.
            at_once: about how many points times components are worked on at once: few enough for
                their arrays to stay in a core's cache, and none of the results.
        """
        n_components, n_cells = mixture.n_components, self.points.n_cells
        every, log_likelihood = np.arange(n_components)[:, None], 0.0
        sums = np.zeros((len(mixture.part_weights), N_PARAMETERS))
        for part in np.array_split(np.arange(n_cells), n_cells * n_components // at_once + 1):
            first, last = part[0], part[-1] + 1
            places, counts = self.points.means[first:last], self.points.counts[first:last]
            gradients = compute_gradients(places, mixture, every)  # six of (K, C)
            joint = evaluate_joint(places, mixture.weights, mixture.means, mixture.covariances)
            logs = log_total(joint, mixture.rest, axis=0)
            log_likelihood += float(counts @ logs)
            joint -= logs
            masses = exponentiate(joint)
            masses *= counts
            for parameter, gradient in enumerate(gradients):
                sums[:n_components, parameter] += np.einsum("kc,kc->k", gradient, masses)
            sums[n_components:, 0] += counts.sum() - masses.sum()
        return Place(mixture, log_likelihood, sums)

    def observe(self, mixture: Mixture) -> Information:
        """The observed information at the place of a mixture."""
        return observe_information(
            self.points, mixture, self.covariance, self.least, moves_background=True
        )

    def differentiate(self, place: Place) -> FloatArray:
        """The gradient in the parameters of `Information`, with the background's, shape (6P,)."""
        weights, n_points = place.mixture.part_weights, self.points.n_points
        gradient = place.sums.copy()
        gradient[:, 0] -= n_points * weights
        gradient /= take_roots(weights, n_points)[:, None]
        return self._follow_em(gradient, place).ravel()

    def _follow_em(self, gradient: FloatArray, place: Place) -> FloatArray:
        """The gradient, (P, 6), with what EM does to the shapes that stand on the least one.

        There the gradient points through the floor, and never vanishes.
        """
        before = place.mixture
        if not (floored := np.flatnonzero(are_floored(before.covariances, self.least))).size:
            return gradient
        after = self.maximize(place)
        grown = np.linalg.solve(before.cholesky_factors(), after.cholesky_factors())[floored]
        root, moved = np.sqrt(2), gradient.copy()
        growth = [root * (grown[:, 0, 0] - 1), grown[:, 1, 0], root * (grown[:, 1, 1] - 1)]
        roots = take_roots(before.weights, self.points.n_points)[floored]
        moved[floored, 3:] = np.stack(growth, axis=1) * roots[:, None]
        return moved

    def maximize(self, place: Place) -> Mixture:
        """The mixture after a step of EM, whose statistics are the sums of gradients."""
        before, (mass, *sums) = place.mixture, place.sums.T
        own = np.maximum(mass, np.finfo(np.float64).tiny)[: before.n_components]
        u, v, uu, uv, vv = (values[: before.n_components] / own for values in sums)
        root, shifts = np.sqrt(2), np.stack([u, v], axis=1)
        moments = np.array([[1 + root * uu, uv], [uv, 1 + root * vv]]).transpose(2, 0, 1)
        within = moments - shifts[:, :, None] * shifts[:, None, :]
        factors = before.cholesky_factors()
        means = before.means + (factors @ shifts[:, :, None])[:, :, 0]
        free = factors @ within @ factors.swapaxes(1, 2)
        return self._compose(before, np.maximum(mass, 0.0), means, free)

    def walk(self, start: Mixture, step: FloatArray, *, farthest: float = 2.0) -> Mixture:
        """The mixture where a step in the parameters of `Information` leads.

        Args:
            start: where it begins.
            step: shape (6P,).
            farthest: that it moves the log of a weight or of a standard deviation, or the mean in
                standard deviations.
        """
        weights, n_components = start.part_weights, start.n_components
        roots = take_roots(weights, self.points.n_points)[:, None]
        moves = np.clip(step.reshape(-1, N_PARAMETERS) / roots, -farthest, farthest)
        own, factors = moves[:n_components], start.cholesky_factors()
        growth = np.zeros_like(factors)
        growth[:, 0, 0], growth[:, 1, 1] = np.exp(own[:, [3, 5]].T / np.sqrt(2))
        growth[:, 1, 0] = own[:, 4]
        means = start.means + (factors @ own[:, 1:3, None])[:, :, 0]
        grown = factors @ growth
        weights = weights * np.exp(moves[:, 0])
        return self._compose(start, weights, means, grown @ grown.swapaxes(1, 2))

    def _compose(
        self, before: Mixture, weights: FloatArray, means: FloatArray, free: FloatArray
    ) -> Mixture:
        """A mixture with weights in proportion to some, and covariances that fit free ones best."""
        weights, n_components = weights / weights.sum(), len(means)
        masses, background = weights[:n_components], before.background
        covariances = constrain(free, masses, self.covariance, least=self.least)
        if background is not None:
            background = background.reweigh(float(weights[n_components]))
        return Mixture(masses, means, covariances, background)


def climb(
    likelihood: Likelihood,
    start: Mixture,
    information: Information | None = None,
    *,
    most_steps: int = 200,
    enough: float = 1e-6,
    worn: float = 0.1,
) -> Summit:
    """The optimum that a mixture leads to.

    Args:
        likelihood: what is climbed.
        start: in the units of its points.
        information: about the start, from points that differ a little; worked out by default.
        most_steps: of Newton or EM, which takes a few.
        enough: what may be left to climb, in nats, which is half the square of a number of
            standard errors.
        worn: the information is worked out anew where a step with it has left more than this share
            of what was to be climbed.
    """
    place, longest, last = likelihood.evaluate(start), np.inf, np.inf
    known = likelihood.observe(start) if information is None else information
    for _ in range(most_steps):
        gradient = likelihood.differentiate(place)
        left = _promise(known, gradient)
        if left > max(worn * last, enough) or not known.is_positive:
            known = likelihood.observe(place.mixture)
            left = _promise(known, gradient)
        if left < enough:
            return Summit(place, known, known.is_positive)
        place, longest = _ascend(likelihood, place, known, longest)
        last = left
    return Summit(place, known, has_settled=False)


def _promise(information: Information, gradient: FloatArray) -> float:
    """What Newton's step should bring, in nats."""
    return float(gradient @ information.step(gradient, np.inf)) / 2


def _ascend(
    likelihood: Likelihood,
    place: Place,
    information: Information,
    longest: float,
    *,
    shorter: float = 0.3,
    most_cuts: int = 3,
) -> tuple[Place, float]:
    """The place after a step that does not lead down, and how long the next one may be.

    Args:
        likelihood: what is climbed.
        place: where the step begins.
        information: that its length and direction follow from.
        longest: that it may be, in the parameters of `Information`.
        shorter: a step that leads down is cut to this share of its length, and one that does not
            lets the next be as much longer.
        most_cuts: how often, before a step of EM takes its place.
    """
    gradient = likelihood.differentiate(place)
    for n_cuts in range(most_cuts + 1):
        step = information.step(gradient, longest)
        ahead = likelihood.evaluate(likelihood.walk(place.mixture, step))
        if ahead.log_likelihood >= place.log_likelihood:
            return ahead, longest if n_cuts else longest / shorter
        longest = shorter * float(np.linalg.norm(step))
    return likelihood.evaluate(likelihood.maximize(place)), longest
