"""Moves that no climb can make: every component in two, and those that are worth least into one.

A mixture with twice the components finds the clusters that one component covered and leaves those
that several shared in ever smaller parts; merging the parts that differ least, down to the number
asked for, keeps the former and undoes the latter. This does at once, for all components, what split
and merge moves (Ueda et al. 2000) and random swaps (Fränti 2018) do one at a time. The components
of two mixtures, merged, keep what is best in either, which is a genetic algorithm's crossover
(Fränti 2000, "Genetic algorithm with deterministic crossover for vector quantization"). NumPy only;
everything is in whitened units.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from gmmcli.core.cells.cells import Cells, assign_cells, evaluate_cells
from gmmcli.core.mixture.covariances import FloatArray, half_log_determinants
from gmmcli.core.mixture.densities import evaluate_pairs, exponentiate
from gmmcli.core.mixture.mixture import Mixture
from gmmcli.core.search.objective import gains_by_thinness

IntArray = npt.NDArray[np.intp]

# The directions in which a component may be split, in its own units, shape (8, 2).
ANGLES = np.arange(8) * np.pi / 8
DIRECTIONS = np.stack([np.cos(ANGLES), np.sin(ANGLES)], axis=1)
# Halves lie so many standard deviations from the middle.
APART = 0.8
# Each component may merge with so many others, the nearest.
NEIGHBOURS = 3
# A cell that a component alone accounts for, to this share, counts as lost to the next best.
ALONE = 0.9999
# The least share of a cell that makes it one of a component's.
LEAST_SHARE = 1e-3
# Shares below this make no difference to what a merge or an omission loses.
OF_ACCOUNT = 1e-14
# Variances in a component's own units below this are those of points on a line.
VANISHING = 1e-100
# Components with a smaller weight have no points.
LEAST_WEIGHT = 1e-9


def split(cells: Cells, mixture: Mixture) -> Mixture:
    """A mixture with each component in two halves, k in places 2k and 2k + 1.

    Components are split where their points look most like two groups: in the direction of least
    kurtosis (Peña & Prieto 2001).
    """
    directions = DIRECTIONS[np.argmin(_kurtoses(cells, mixture), axis=1)]  # (K, 2)
    factors = mixture.cholesky_factors()
    steps = APART * np.einsum("kij,kj->ki", factors, directions)
    covariances = mixture.covariances - steps[:, :, None] * steps[:, None, :]
    means = np.stack([mixture.means - steps, mixture.means + steps], axis=1)
    return Mixture(
        np.repeat(mixture.weights / 2, 2), means.reshape(-1, 2), np.repeat(covariances, 2, axis=0)
    )


def joined(one: Mixture, other: Mixture) -> Mixture:
    """A mixture of all components of two, with halved weights."""
    return Mixture(
        np.concatenate([one.weights, other.weights]) / 2,
        np.concatenate([one.means, other.means]),
        np.concatenate([one.covariances, other.covariances]),
    )


def merged_to(cells: Cells, mixture: Mixture, n_components: int, handful: float) -> Mixture:
    """A mixture with its least useful components merged or left out, until so many are left.

    Each round halves the number of those that are too many, by the merges and omissions that
    lower `objective.score` least, as far as that can be told without climbing again.
    """
    n_alive = max(int((mixture.weights > LEAST_WEIGHT).sum()), n_components)
    alive = np.sort(np.argsort(-mixture.weights, kind="stable")[:n_alive])
    mixture = _normalised(mixture.weights[alive], mixture.means[alive], mixture.covariances[alive])
    while mixture.n_components > n_components:
        too_many = mixture.n_components - n_components
        mixture = _with_fewer(cells, mixture, (too_many + 1) // 2, handful)
    return mixture


def aligned(mixture: Mixture, before: Mixture) -> Mixture:
    """A mixture in the order of another: the nearest pairs of components have the same place."""
    apart = np.linalg.norm(before.means[:, None] - mixture.means, axis=2)
    order = np.zeros(mixture.n_components, dtype=np.intp)
    for _ in range(mixture.n_components):
        old, new = np.unravel_index(np.argmin(apart), apart.shape)
        order[old] = new
        apart[old], apart[:, new] = np.inf, np.inf
    return mixture.reorder(order)


def _with_fewer(cells: Cells, mixture: Mixture, n_fewer: int, handful: float) -> Mixture:
    """The mixture after so many merges and omissions, of which no two touch one component."""
    joint = evaluate_cells(cells, *_parts(mixture))  # (K, C)
    shared = _Shared.of(joint)
    pairs = _neighbours(mixture)
    merged = _merged(mixture, pairs)
    n_points = cells.n_points
    thin = gains_by_thinness(n_points * mixture.weights, mixture.covariances, handful)
    thinner = thin[pairs].sum(axis=1) - gains_by_thinness(n_points * merged[0], merged[2], handful)
    by_merging = _losses_by_merging(cells, shared, pairs, merged) - thinner
    by_omission = _losses_by_omission(cells, mixture, shared) - thin
    losses = np.concatenate([by_merging, by_omission])
    n_pairs = len(pairs)
    weights, means, covariances = (
        array.copy() for array in (mixture.weights, mixture.means, mixture.covariances)
    )
    touched, gone = set[int](), list[int]()
    for way in np.argsort(losses, kind="stable"):
        first, second = pairs[way] if way < n_pairs else (way - n_pairs, way - n_pairs)
        if first in touched or second in touched:
            continue
        touched |= {first, second}
        gone.append(second)
        if way < n_pairs:
            weights[first], means[first], covariances[first] = (part[way] for part in merged)
        if len(gone) == n_fewer:
            break
    return _normalised(*(np.delete(part, gone, axis=0) for part in (weights, means, covariances)))


def _normalised(weights: FloatArray, means: FloatArray, covariances: FloatArray) -> Mixture:
    return Mixture(weights / weights.sum(), means, covariances)


def _neighbours(mixture: Mixture) -> IntArray:
    """Pairs of components of which one is among the nearest of the other, shape (M, 2).

    Near is what loses little in Kullback-Leibler divergence by a merge (Runnalls 2007, section 3).
    """
    n_components = mixture.n_components
    every = np.stack(np.triu_indices(n_components, 1), axis=1)
    weights, _, covariances = _merged(mixture, every)
    areas = mixture.weights * half_log_determinants(mixture.covariances)
    losses = weights * half_log_determinants(covariances) - areas[every].sum(axis=1)
    table = np.full((n_components, n_components), np.inf)
    table[every[:, 0], every[:, 1]] = table[every[:, 1], every[:, 0]] = losses
    nearest = np.argsort(table, axis=1, kind="stable")[:, : min(NEIGHBOURS, n_components - 1)]
    pairs = [np.repeat(np.arange(n_components), nearest.shape[1]), nearest.ravel()]
    return np.unique(np.sort(np.stack(pairs, axis=1), axis=1), axis=0)


def _merged(mixture: Mixture, pairs: IntArray) -> tuple[FloatArray, FloatArray, FloatArray]:
    """The components with the moments of each pair: shapes (M,), (M, 2) and (M, 2, 2)."""
    first, second = pairs.T
    weights = mixture.weights[first] + mixture.weights[second]
    share = (mixture.weights[first] / weights)[:, None]
    apart = mixture.means[first] - mixture.means[second]
    means = mixture.means[second] + share * apart
    shares = share[..., None]
    within = shares * mixture.covariances[first] + (1 - shares) * mixture.covariances[second]
    between = (shares * (1 - shares)) * apart[:, :, None] * apart[:, None, :]
    return weights, means, within + between


@dataclass(frozen=True, eq=False)
class _Shared:
    """How components share C cells.

    Attributes:
        shares: of each cell in each component, shape (K, C).
        held: which of these are of any account, shape (K, C).
        total: the log density of each cell, shape (C,), in nats.
        next_best: the largest log share of each cell but one, shape (C,).
    """

    shares: FloatArray
    held: npt.NDArray[np.bool_]
    total: FloatArray
    next_best: FloatArray

    @staticmethod
    def of(joint: FloatArray) -> "_Shared":
        """Given log weights plus mean log densities, shape (K, C), in nats."""
        best, every = np.argmax(joint, axis=0), np.arange(joint.shape[1])
        most = joint[best, every]
        shares = exponentiate(joint - most)
        sums = shares.sum(axis=0)
        shares /= sums
        total = most + np.log(sums)
        others = joint.copy()
        others[best, every] = -np.inf
        return _Shared(shares, shares > OF_ACCOUNT, total, others.max(axis=0) - total)


def _nonzero(mask: npt.NDArray[np.bool_]) -> tuple[IntArray, IntArray]:
    """The rows and columns where a mask is true, several times as fast as `np.nonzero`."""
    rows, columns = np.divmod(np.flatnonzero(mask), mask.shape[1])
    return rows, columns


def _losses_by_merging(
    cells: Cells,
    shared: _Shared,
    pairs: IntArray,
    merged: tuple[FloatArray, FloatArray, FloatArray],
) -> FloatArray:
    """What the ELBO loses by each merge, at most, where the other components stay; shape (M,).

    Args:
        cells: the data.
        shared: by the components.
        pairs: the components to merge, shape (M, 2).
        merged: what each pair would become: weights, means and covariances.
    """
    first, second = pairs.T
    numbers, places = _nonzero(shared.held[first] | shared.held[second])  # (E,)
    both = shared.shares[first[numbers], places] + shared.shares[second[numbers], places]
    after = evaluate_pairs(cells.means, *merged, (numbers, places), cells.covariances)
    after -= shared.total[places]
    losses = cells.counts[places] * both * (np.log(both) - after)
    return np.bincount(numbers, losses, len(pairs)).astype(np.float64)


def _losses_by_omission(cells: Cells, mixture: Mixture, shared: _Shared) -> FloatArray:
    """What the ELBO loses by leaving out each component, where others stay; shape (K,)."""
    numbers, places = _nonzero(shared.held)  # (E,)
    shares = shared.shares[numbers, places]
    rest = np.log1p(-np.minimum(shares, ALONE))
    left = cells.counts[places] * np.where(shares < ALONE, rest, shared.next_best[places])
    regained = cells.n_points * np.log1p(-mixture.weights)
    losses: FloatArray = regained - np.bincount(numbers, left, mixture.n_components)
    return losses


def _kurtoses(cells: Cells, mixture: Mixture) -> FloatArray:
    """The kurtosis of each component's points in each of `DIRECTIONS`, shape (K, 8)."""
    masses = cells.counts * assign_cells(cells, mixture)  # (K, C)
    inverses = np.linalg.inv(mixture.cholesky_factors())
    kurtoses = np.full((mixture.n_components, len(DIRECTIONS)), 3.0)
    for k, inverse in enumerate(inverses):
        own = masses[k] > LEAST_SHARE * cells.counts
        if not own.any():
            continue
        mass = masses[k, own] / masses[k, own].sum()
        places = (cells.means[own] - mixture.means[k]) @ inverse.T @ DIRECTIONS.T  # (C', 8)
        within = inverse @ cells.covariances[own] @ inverse.T
        variances = np.einsum("di,cij,dj->cd", DIRECTIONS, within, DIRECTIONS)
        squares = mass @ (places**2 + variances)
        fourths = mass @ (places**4 + 6 * places**2 * variances + 3 * variances**2)
        np.divide(fourths, squares**2, out=kurtoses[k], where=squares > VANISHING)
    return kurtoses


def _parts(mixture: Mixture) -> tuple[FloatArray, FloatArray, FloatArray]:
    return mixture.weights, mixture.means, mixture.covariances
