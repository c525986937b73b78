"""Groups of components by how much they overlap: what other tools call merged components.

These take no modes and no valleys, so a group is of whole components. `benchmarks/groups.py`
compares them with the groups of modes.
"""

import numpy as np

from gmmcli.core.mixture.covariances import FloatArray
from gmmcli.core.mixture.gaussians import IntArray


def merge_by_errors(
    responsibilities: FloatArray, counts: FloatArray, least: float = 0.05
) -> IntArray:
    """The group of each component, shape (K,), where those often mistaken for each other are one.

    Directly estimated misclassification probabilities (Hennig 2010, "Methods for merging Gaussian
    mixture components", section 4.3): while points of one group are assigned to another with at
    least this probability, the two with the highest are merged.

    Args:
        responsibilities: of the components for N points or cells, shape (N, K).
        counts: how many points each is, shape (N,).
        least: the probability that merges.
    """
    groups = np.arange(responsibilities.shape[1])
    shares = responsibilities.copy()
    while shares.shape[1] > 1:
        n_groups = shares.shape[1]
        assigned = np.eye(n_groups)[shares.argmax(axis=1)]
        masses = counts @ shares
        mistaken = (shares * counts[:, None]).T @ assigned / np.maximum(masses, 1e-300)[:, None]
        either = np.maximum(mistaken, mistaken.T)
        np.fill_diagonal(either, 0)
        first, second = sorted(np.unravel_index(either.argmax(), either.shape))
        if either[first, second] < least:
            break
        shares, groups = _merge(shares, groups, int(first), int(second))
    return groups


def merge_by_entropy(responsibilities: FloatArray, counts: FloatArray) -> IntArray:
    """The group of each component, shape (K,), by the elbow of the entropy of assignments.

    At each step the two groups are merged that lower the entropy most, and the number of groups is
    where two straight lines fit the entropy best against the points merged so far (Baudry, Raftery,
    Celeux, Lo & Gottardo 2010, "Combining mixture components for clustering", sections 3 and 4).

    Args:
        responsibilities: of the components for N points or cells, shape (N, K).
        counts: how many points each is, shape (N,).
    """
    shares, groups = responsibilities.copy(), np.arange(responsibilities.shape[1])
    entropies, merged, steps = [_sum_entropy(shares, counts)], [0.0], [groups]
    while shares.shape[1] > 1:
        terms = counts @ _times_log(shares)
        pairs = [
            (counts @ _times_log(shares[:, a] + shares[:, b]) - terms[a] - terms[b], a, b)
            for b in range(shares.shape[1])
            for a in range(b)
        ]
        _, first, second = max(pairs)
        are_moved = np.isin(shares.argmax(axis=1), (first, second))
        merged.append(merged[-1] + float(counts[are_moved].sum()))
        shares, groups = _merge(shares, groups, first, second)
        entropies.append(_sum_entropy(shares, counts))
        steps.append(groups)
    return steps[_find_elbow(np.array(merged), np.array(entropies))]


def _merge(
    shares: FloatArray, groups: IntArray, first: int, second: int
) -> tuple[FloatArray, IntArray]:
    """The shares, (N, G - 1), and the groups of components, (K,), once two groups are the first."""
    joined = shares.copy()
    joined[:, first] += joined[:, second]
    moved = np.where(groups == second, first, groups)
    return np.delete(joined, second, axis=1), moved - (moved > second)


def _times_log(shares: FloatArray) -> FloatArray:
    """Each share times its logarithm; 0 where it is none."""
    return shares * np.log(np.maximum(shares, 1e-300))


def _sum_entropy(shares: FloatArray, counts: FloatArray) -> float:
    """The entropy of the assignments of all points, in nats."""
    return -float(counts @ _times_log(shares).sum(axis=1))


def _find_elbow(places: FloatArray, values: FloatArray) -> int:
    """Where two straight lines through values meet with the least squares; 0 of fewer than four."""
    if len(values) < 4:
        return 0

    def miss(begin: int, end: int) -> float:
        x, y = places[begin:end], values[begin:end]
        lines = np.stack([np.ones_like(x), x], axis=1)
        return float(((y - lines @ np.linalg.lstsq(lines, y)[0]) ** 2).sum())

    elbows = range(1, len(values) - 1)
    return min(elbows, key=lambda elbow: miss(0, elbow + 1) + miss(elbow, len(values)))
