"""The optimum of a mixture near one that is given, for data that differ a little from its own.

Newton's steps with the curvature of each place, and steps of EM where these lead down. They are for
many short climbs in a row, of resampled points, for which Torch takes too long; what they share
with the climbs of a fit is the observed information and the M step. NumPy only.
"""

from dataclasses import dataclass, replace

import numpy as np

from gmmcli.core.cells.cells import Cells
from gmmcli.core.cells.information import (
    N_PARAMETERS,
    compute_gradients,
    observe_information,
    take_roots,
)
from gmmcli.core.mixture.covariances import FloatArray, are_floored
from gmmcli.core.mixture.densities import evaluate_joint, exponentiate, log_total, maximize
from gmmcli.core.mixture.mixture import Mixture
from gmmcli.core.mixture.structures import constrain
from gmmcli.settings import CovarianceType


@dataclass(frozen=True, eq=False)
class Place:
    """A mixture, and what it says of some points.

    Attributes:
        mixture: K components.
        log_likelihood: of all points, in nats.
        shares: of each point in each component, shape (K, C); what is left to 1 is the
            background's.
    """

    mixture: Mixture
    log_likelihood: float
    shares: FloatArray


@dataclass(frozen=True, eq=False)
class Summit:
    """Where a climb has ended.

    Attributes:
        place: with the highest log-likelihood that was found.
        has_settled: whether it is an optimum.
    """

    place: Place
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

    def evaluate(self, mixture: Mixture) -> Place:
        """The place of a mixture."""
        means = self.points.means
        joint = evaluate_joint(means, mixture.weights, mixture.means, mixture.covariances)
        logs = log_total(joint, mixture.rest, axis=0)
        joint -= logs
        return Place(mixture, float(self.points.counts @ logs), exponentiate(joint))

    def differentiate(self, place: Place) -> FloatArray:
        """The gradient in the parameters of `Information`, with the background's, shape (6P,)."""
        mixture = place.mixture
        weights, every = _list_weights(mixture), np.arange(mixture.n_components)[:, None]
        gradients = compute_gradients(self.points.means, mixture, every)  # six of (K, C)
        masses = place.shares * self.points.counts
        found = np.zeros((len(weights), N_PARAMETERS))
        for parameter, gradient in enumerate(gradients):
            found[: len(masses), parameter] = np.einsum("kc,kc->k", gradient, masses)
        n_points = self.points.n_points
        found[len(masses) :, 0] = n_points - masses.sum()
        found[:, 0] -= n_points * weights
        return self._follow_em(found / take_roots(weights, n_points)[:, None], place).ravel()

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
        masses = take_roots(before.weights, self.points.n_points)[floored]
        moved[floored, 3:] = np.stack(growth, axis=1) * masses[:, None]
        return moved

    def maximize(self, place: Place) -> Mixture:
        """The mixture after a step of EM."""
        before, n_points = place.mixture, self.points.n_points
        masses = np.maximum(place.shares, np.finfo(np.float64).tiny) * self.points.counts
        totals, means, free = maximize(self.points.means, masses)
        weights = np.append(totals, max(n_points - totals.sum(), 0.0)) / n_points
        return self._compose(before, weights[: len(_list_weights(before))], means, free)

    def walk(self, start: Mixture, step: FloatArray, *, farthest: float = 2.0) -> Mixture:
        """The mixture where a step in the parameters of `Information` leads.

        Args:
            start: where it begins.
            step: shape (6P,).
            farthest: that it moves the log of a weight or of a standard deviation, or the mean in
                standard deviations.
        """
        weights, n_components = _list_weights(start), start.n_components
        roots = take_roots(weights, self.points.n_points)[:, None]
        moves = np.clip(step.reshape(-1, N_PARAMETERS) / roots, -farthest, farthest)
        weights = weights * np.exp(moves[:, 0])
        own, factors = moves[:n_components], start.cholesky_factors()
        growth = np.zeros_like(factors)
        growth[:, 0, 0], growth[:, 1, 1] = np.exp(own[:, [3, 5]].T / np.sqrt(2))
        growth[:, 1, 0] = own[:, 4]
        means = start.means + (factors @ own[:, 1:3, None])[:, :, 0]
        grown = factors @ growth
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
    *,
    most_steps: int = 200,
    enough: float = 1e-6,
    shorter: float = 0.3,
    most_cuts: int = 3,
) -> Summit:
    """The optimum that a mixture leads to.

    Args:
        likelihood: what is climbed.
        start: in the units of its points.
        most_steps: of Newton or EM, which takes a few.
        enough: what may be left to climb, in nats, which is half the square of a number of
            standard errors.
        shorter: a step that leads down is cut to this share of its length, and one that does not
            lets the next be as much longer.
        most_cuts: how often, before a step of EM takes its place.
    """
    place, longest = likelihood.evaluate(start), np.inf
    for _ in range(most_steps):
        gradient = likelihood.differentiate(place)
        information = observe_information(
            likelihood.points,
            place.mixture,
            likelihood.covariance,
            likelihood.least,
            moves_background=True,
        )
        step = information.step(gradient, longest)
        left = float(gradient @ step) / 2
        ahead = likelihood.evaluate(likelihood.walk(place.mixture, step))
        if left < enough:
            return Summit(_choose_higher(place, ahead), information.is_positive)
        longest, n_cuts = longest / shorter, 0
        while not ahead.log_likelihood >= place.log_likelihood and n_cuts < most_cuts:
            longest, n_cuts = shorter * float(np.linalg.norm(step)), n_cuts + 1
            step = information.step(gradient, longest)
            ahead = likelihood.evaluate(likelihood.walk(place.mixture, step))
        if not ahead.log_likelihood >= place.log_likelihood:
            ahead = likelihood.evaluate(likelihood.maximize(place))
        place = ahead
    return Summit(place, has_settled=False)


def _choose_higher(one: Place, other: Place) -> Place:
    """The place with the higher log-likelihood."""
    return other if other.log_likelihood >= one.log_likelihood else one


def _list_weights(mixture: Mixture) -> FloatArray:
    """The weights of components, and that of the background, if there is one; shape (P,)."""
    if mixture.background is None:
        return mixture.weights
    return np.append(mixture.weights, mixture.background.weight)
