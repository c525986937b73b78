"""The BIC that EM reaches from the true labels: closed forms, no floor, maybe a background.

A background is uniform over the bounding box of the points, and its weight one more parameter.
"""

from collections.abc import Iterator
from itertools import pairwise

import numpy as np
from bed_tables import IntArray
from scipy.special import logsumexp

from gmmcli.core.mixture.covariances import FloatArray


def reach_bic(points: FloatArray, labels: IntArray) -> float:
    """The BIC of EM from labels (N,), in which -1 is the background."""
    n_components = int(labels.max()) + 1
    has_background = bool((labels < 0).any())
    log_likelihood = list(climb(points, labels))[-1]
    n_parameters = 6 * n_components - 1 + has_background
    return float(n_parameters * np.log(len(points)) - 2 * log_likelihood)


def climb(points: FloatArray, labels: IntArray, *, most_steps: int = 5000) -> Iterator[float]:
    """The log-likelihood after each step of EM, in nats, until a step brings less than 1e-5."""
    log_likelihoods = steps_of_em(points, labels)
    yield next(log_likelihoods)
    for _, (before, now) in zip(range(most_steps), pairwise(log_likelihoods), strict=False):
        yield now
        if now - before < 1e-5:
            return


def steps_of_em(points: FloatArray, labels: IntArray) -> Iterator[float]:
    """The log-likelihood after each step of EM, in nats, without end.

    Raises:
        numpy.linalg.LinAlgError: where a component closes in on a point or a line.
    """
    n_components = int(labels.max()) + 1
    n_parts = n_components + bool((labels < 0).any())
    log_area = np.log(np.ptp(points, axis=0)).sum()
    responsibilities = np.eye(n_parts)[labels]  # (N, K), or (N, K + 1): -1 is the last
    while True:
        weights = responsibilities.mean(axis=0)
        log_densities = np.full((len(points), n_parts), -log_area)
        for k, own in enumerate(responsibilities.T[:n_components]):
            log_densities[:, k] = log_gaussian(points, own)
        joint = np.log(weights) + log_densities
        log_each = logsumexp(joint, axis=1)
        yield float(log_each.sum())
        responsibilities = np.exp(joint - log_each[:, None])


def log_gaussian(points: FloatArray, shares: FloatArray) -> FloatArray:
    """The log-density (N,) of the Gaussian that has the moments of shares (N,) of the points."""
    mean = shares @ points / shares.sum()
    away = points - mean
    factor = np.linalg.cholesky((shares[:, None] * away).T @ away / shares.sum())
    scaled = np.linalg.solve(factor, away.T)  # (2, N)
    log_volume = np.log(np.diagonal(factor)).sum()
    log_densities: FloatArray = -np.log(2 * np.pi) - log_volume - (scaled**2).sum(axis=0) / 2
    return log_densities
