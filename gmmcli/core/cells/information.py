"""The information that points hold about the parameters of a mixture.

How the ELBO bends about an optimum tells where a Newton step leads, and the standard errors of
parameters. NumPy only.

A component's parameters here are the log of its mass, two of its mean and three of its covariance,
in units in which the component is round, and times the root of its mass. In these the information
is the identity where components are Gaussian and apart from each other, whatever the data's units.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from gmmcli.core.cells.cells import Cells
from gmmcli.core.cells.directions import N_PARAMETERS, span_free_moves
from gmmcli.core.mixture.covariances import FloatArray, are_floored
from gmmcli.core.mixture.densities import assign
from gmmcli.core.mixture.knowledge import NOTHING_KNOWN, Knowledge, Prior
from gmmcli.core.mixture.mixture import Mixture
from gmmcli.core.mixture.moves import Moves, straighten
from gmmcli.core.mixture.structures import STRUCTURES
from gmmcli.settings import CovarianceType

IntArray = npt.NDArray[np.intp]


@dataclass(frozen=True, eq=False)
class Information:
    """What is known of the parameters about a place.

    Attributes:
        lengths: the eigenvalues of the information in the F directions that are open to the
            parameters, in ascending order; below zero where the ELBO bends upward.
        directions: these, shape (6K, F).
    """

    lengths: FloatArray
    directions: FloatArray

    @property
    def is_positive(self) -> bool:
        """Whether the ELBO bends downward on every side, as about an optimum."""
        rounding = 1e-6  # of an eigenvalue of nothing; those of components apart are 1
        return bool(self.lengths[0] > -rounding)

    @property
    def inverse(self) -> FloatArray:
        """The covariance of the parameters as estimated at an optimum, shape (6K, 6K).

        Where the ELBO bends upward, it counts as bending downward as much.
        """
        return np.asarray((self.directions / _bound_lengths(self.lengths)) @ self.directions.T)

    def step(
        self,
        gradient: FloatArray,
        longest: float,
        *,
        tolerance: float = 0.01,
        most_rounds: int = 30,
    ) -> FloatArray:
        """Newton's step along a gradient, no longer than that, shape (6K,).

        Where the ELBO bends upward, along a ridge between optima, as far as if it bent downward as
        much (Dauphin et al. 2014, section 5). A step that is too long is cut where it is longest
        (Moré & Sorensen 1983, section 2).

        Args:
            gradient: of the ELBO, shape (6K,).
            longest: the length, in the units of the parameters.
            tolerance: the share of its length by which a step may be too long; the evaluations of a
                climb are in benchmarks/convergence.py.
            most_rounds: of cutting, which takes a few; a bound that no step is known to reach.
        """
        along, damping = gradient @ self.directions, 0.0
        sizes = _bound_lengths(self.lengths)
        for _ in range(most_rounds):
            parts = along / (sizes + damping)
            length = float(np.sqrt(parts @ parts))
            if length <= longest * (1 + tolerance):
                break
            slope = float(parts @ (parts / (sizes + damping)))
            damping += (length / longest - 1) * length**2 / slope
        return np.asarray(self.directions @ parts)


def observe_information(
    cells: Cells,
    mixture: Mixture,
    covariance: CovarianceType = "full",
    least: FloatArray | None = None,
    *,
    moves_background: bool = False,
    known: Knowledge = NOTHING_KNOWN,
) -> Information:
    """The observed information: the second derivatives of the ELBO, with their signs turned.

    The masses of all components together are held, and with them that of a background; or those of
    all and the background, which is component K then, of whose parameters only the mass moves; or
    of these, those that are not fixed.

    Args:
        cells: in data or whitened units.
        mixture: in the same units.
        covariance: the covariance type; parameters move as it lets them.
        least: the least covariance, shape (2, 2), as the type has it; one that stands on it is
            taken for that of a component apart from others, as what holds it there is not the
            points. None where there is no least.
        moves_background: whether a background is among the parameters, if there is one.
        known: of the mixture before its points; the masses have those that a prior is worth.
    """
    weights = mixture.part_weights if moves_background else mixture.weights  # (P,)
    n_points, own = cells.n_points + known.n_points, np.arange(len(weights))
    roots = take_roots(weights, n_points)
    moves = Moves.of(STRUCTURES[covariance], mixture.covariances, roots[: mixture.n_components])
    labelled = None if known.prior is None else sum_labelled(known.prior, mixture)
    blocks, masses = _sum_second_derivatives(cells, mixture, moves, len(weights), labelled)
    blocks /= roots[:, None, None, None] * roots[:, None]
    are_held = np.ones_like(own, dtype=np.bool_)
    if known.fixed is not None:
        are_held[: mixture.n_components] = ~known.fixed.weights
    if are_held.any():
        held = masses[are_held].sum() / (n_points * weights[are_held].sum())
        blocks[own, 0, own, 0] += held
    if least is not None:
        blocks = _set_apart(blocks, np.flatnonzero(are_floored(mixture.covariances, least)))
    free = span_free_moves(roots, moves, known.fixed)
    seen = blocks.reshape(len(free), len(free))
    lengths, directions = np.linalg.eigh(free.T @ seen @ free)
    return Information(lengths, free @ directions)


def sum_labelled(prior: Prior, mixture: Mixture) -> FloatArray:
    """The gradients of components' log densities, summed over the points of a prior, (K, 6).

    Args:
        prior: in the units of the mixture.
        mixture: K components.
    """
    own = np.arange(mixture.n_components)
    cells = Cells(prior.counts, prior.means, prior.covariances)
    gradients = _average_gradients(cells, mixture)[own, :, own]
    return np.asarray(gradients * prior.counts[:, None])


def _sum_second_derivatives(
    cells: Cells,
    mixture: Mixture,
    moves: Moves,
    n_parts: int,
    labelled: FloatArray | None = None,
    *,
    at_once: int = 3_000_000,
) -> tuple[FloatArray, FloatArray]:
    """The observed information but for that on the masses, (P, 6, P, 6), and these, (P,).

    The information is that of the complete data, less what is lost with the assignments (Louis
    1982, section 3), which is nothing of the points of a prior. The masses are the points that each
    of these P parts accounts for.

    Args:
        cells: in the units of the mixture.
        mixture: see `cells`.
        moves: that are open to its covariances.
        n_parts: K, or K + 1 with the background.
        labelled: the gradients summed over the points of a prior, (K, 6); None without one.
        at_once: about how many numbers are worked on at once: memory against the overhead of each
            part (benchmarks/speed.py).
    """
    size = n_parts * N_PARAMETERS
    seen, complete = np.zeros((size, size)), np.zeros((n_parts, N_PARAMETERS))
    lost = np.zeros((n_parts, N_PARAMETERS, N_PARAMETERS))
    for part in np.array_split(np.arange(cells.n_cells), cells.n_cells * size // at_once + 1):
        some = cells.select(part)
        gradients = _average_gradients(some, mixture)  # (K, 6, C)
        shares = _share_cells(gradients, mixture)[:n_parts]  # (P, C)
        if n_parts > len(gradients):  # the density of a background has but a mass
            flat = np.zeros((1, *gradients.shape[1:]))
            flat[:, 0] = 1.0
            gradients = np.concatenate([gradients, flat])
        scores = gradients * shares[:, None]
        complete += scores @ some.counts
        lost += (scores * some.counts) @ gradients.swapaxes(1, 2)
        scores = scores.reshape(size, -1)
        seen += (scores * some.counts) @ scores.T
    if labelled is not None:
        complete[: len(labelled)] += labelled
    blocks = seen.reshape(n_parts, N_PARAMETERS, n_parts, N_PARAMETERS)
    own = np.arange(n_parts)
    blocks[own, :, own] += _sum_complete_data(complete, moves) - lost
    return blocks, complete[:, 0]


def sum_squared_scores(
    cells: Cells,
    mixture: Mixture,
    *,
    known: Knowledge = NOTHING_KNOWN,
    at_once: int = 3_000_000,
) -> FloatArray:
    """The sum over points of products of their scores, shape (6P, 6P), P being K or K + 1.

    A score is the gradient of a point's log density in the parameters; a background comes last.

    Args:
        cells: in the units of the mixture; the points of each have its average score.
        mixture: see `cells`.
        known: see `observe_information`; a prior's points count as drawn from their components.
        at_once: see `_sum_second_derivatives`.
    """
    weights = mixture.part_weights
    roots = take_roots(weights, cells.n_points + known.n_points)
    size = len(weights) * N_PARAMETERS
    squares = cells.counts if cells.squares is None else cells.squares
    found = np.zeros((size, size))
    for part in np.array_split(np.arange(cells.n_cells), cells.n_cells * size // at_once + 1):
        gradients = _average_gradients(cells.select(part), mixture)
        shares = _share_cells(gradients, mixture)
        scores = np.zeros((len(weights), *gradients.shape[1:]))
        scores[: len(gradients)] = gradients
        scores[len(gradients) :, 0] = 1.0  # the density of a background has but a mass
        scores *= (shares / roots[:, None])[:, None]
        flat = scores.reshape(size, -1)
        found += (flat * squares[part]) @ flat.T
    if known.prior is not None:
        shares = known.prior.counts / roots[: len(gradients)] ** 2
        own = np.arange(len(shares) * N_PARAMETERS)
        found[own, own] += np.repeat(shares, N_PARAMETERS)
    return found


def _set_apart(blocks: FloatArray, standing: IntArray) -> FloatArray:
    """The information, (K, 6, K, 6), as if some covariances were those of components apart."""
    blocks = blocks.copy()
    blocks[standing, 3:] = blocks[:, :, standing, 3:] = 0.0
    for parameter in (3, 4, 5):
        blocks[standing, parameter, standing, parameter] = 1.0
    return blocks


def _bound_lengths(
    lengths: FloatArray, *, least: float = 1e-8, least_upward: float = 1e-4
) -> FloatArray:
    """The absolute eigenvalues of an information, none so small that a step has no end.

    Both bounds trade long steps for safe ones (evaluations in benchmarks/convergence.py).

    Args:
        lengths: the eigenvalues, shape (F,), of which those of components apart are 1.
        least: for combinations of parameters that the points do not tell apart, so that they have
            standard errors all the same.
        least_upward: where the ELBO bends upward.
    """
    bounds = np.where(lengths > 0, least, least_upward)
    return np.asarray(np.maximum(np.abs(lengths), bounds))


def take_root_masses(cells: Cells, mixture: Mixture) -> FloatArray:
    """The square roots of how many points the components account for, shape (K,)."""
    return take_roots(mixture.weights, cells.n_points)


def take_roots(weights: FloatArray, n_points: float) -> FloatArray:
    """The same of weights, in as many numbers."""
    return np.asarray(np.sqrt(np.maximum(weights * n_points, np.finfo(np.float64).tiny)))


def compute_gradients(
    points: FloatArray, mixture: Mixture, components: IntArray
) -> list[FloatArray]:
    """The gradients of components' log densities in their six parameters.

    Their second moments over the points of a component are the identity.

    Args:
        points: shape (..., 2).
        mixture: in the same units.
        components: one for each point, in a shape that broadcasts with theirs.
    """
    factors, means = mixture.cholesky_factors(), mixture.means
    u = (points[..., 0] - means[components, 0]) / factors[components, 0, 0]
    along = factors[components, 1, 0] * u
    v = (points[..., 1] - means[components, 1] - along) / factors[components, 1, 1]
    root = np.sqrt(2)
    return [np.ones_like(u), u, v, (u**2 - 1) / root, u * v, (v**2 - 1) / root]


def _average_gradients(cells: Cells, mixture: Mixture) -> FloatArray:
    """The same on average over the points of each cell, for all components, shape (K, 6, C)."""
    every = np.arange(mixture.n_components)[:, None]
    found = np.stack(compute_gradients(cells.means, mixture, every), axis=1)
    if cells.have_spread.any():
        (a, _), (b, c) = mixture.cholesky_factors().transpose(1, 2, 0)[..., None]  # (K, 1) each
        (xx, xy), (_, yy) = cells.covariances.transpose(1, 2, 0)  # (C,) each
        across = (xy - b / a * xx) / c
        found[:, 3] += xx / (np.sqrt(2) * a**2)
        found[:, 4] += across / a
        found[:, 5] += ((yy - b / a * xy) / c - b / a * across) / (np.sqrt(2) * c)
    return found


def _share_cells(gradients: FloatArray, mixture: Mixture) -> FloatArray:
    """The share of each cell in each component, shape (K, C), given its mean gradients.

    With a background (K + 1, C): its own come last.
    """
    squares = np.sqrt(2) * (gradients[:, 3] + gradients[:, 5]) + 2  # of the distances
    factors = mixture.cholesky_factors()
    with np.errstate(divide="ignore"):  # a weight of 0 is a log weight of -inf, rightly
        heights = np.log(mixture.weights) - np.log(factors[:, 0, 0] * factors[:, 1, 1])
    joint = heights[:, None] - squares / 2  # but for the constant of Gaussians
    if mixture.rest is not None:
        rest = np.full((1, joint.shape[1]), mixture.rest + np.log(2 * np.pi))
        joint = np.concatenate([joint, rest])
    return assign(joint)


def _sum_complete_data(sums: FloatArray, moves: Moves) -> FloatArray:
    """The information if all assignments were known, shape (P, 6, 6); not that on the masses.

    Args:
        sums: of the gradients over each component's points, shape (P, 6).
        moves: that are open to the K covariances.
    """
    mass, u, v, _, uv, _ = sums.T
    uu, vv = np.sqrt(2) * sums[:, [3, 5]].T + mass
    found = np.zeros((len(sums), N_PARAMETERS, N_PARAMETERS))
    found[:, [1, 2], [1, 2]] = mass[:, None]
    crossed = {
        (1, 3): np.sqrt(2) * u,
        (1, 4): v,
        (2, 4): u,
        (2, 5): np.sqrt(2) * v,
    }
    for (one, other), value in crossed.items():
        found[:, one, other] = found[:, other, one] = value
    moments = np.array([[uu, uv], [uv, vv]]).transpose(2, 0, 1)
    found[:, 3:, 3:] = straighten(moments)
    n_components = len(moves.axes)
    found[:n_components, 3:, 3:] += moves.bend(moments[:n_components])
    return found
