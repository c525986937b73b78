"""The directions in which the parameters of a mixture can move, in their local units.

What the weights' sum, the covariance type and fixed parameters leave; see `information`.
"""

import numpy as np

from gmmcli.core.mixture.covariances import FloatArray
from gmmcli.core.mixture.knowledge import BoolArray, Fixed
from gmmcli.core.mixture.moves import Moves

# The parameters of a component: a fact, with nothing to be traded.
N_PARAMETERS = 6


def span_free_moves(roots: FloatArray, moves: Moves, fixed: Fixed | None = None) -> FloatArray:
    """An orthonormal basis of the moves that are open to the parameters, shape (6P, F).

    Args:
        roots: of the masses of components, and of a background that moves, shape (P,).
        moves: that are open to the K covariances, K being P or one less.
        fixed: what stays; None where nothing does.
    """
    n_parts, growths = len(roots), moves.span()
    are_fixed = np.zeros((n_parts, N_PARAMETERS), dtype=np.bool_)
    if fixed is not None:
        are_fixed[: len(growths)] = fixed.parameters
        growths = growths[:, :, ~growths[are_fixed[: len(growths), 3]].any(axis=(0, 1))]
    masses = _span_masses(roots, are_fixed[:, 0])  # (P, M)
    k = np.flatnonzero(~are_fixed[: len(growths), 1])  # whose means move
    sizes = masses.shape[1], len(k), len(k), growths.shape[2]
    of_mass, of_x, of_y, of_growth = np.split(np.arange(sum(sizes)), np.cumsum(sizes)[:-1])
    free = np.zeros((n_parts, N_PARAMETERS, sum(sizes)))
    free[:, 0, of_mass] = masses
    free[k, 1, of_x] = free[k, 2, of_y] = 1.0
    free[: len(growths), 3:, of_growth] = growths
    return free.reshape(n_parts * N_PARAMETERS, -1)


def _span_masses(roots: FloatArray, are_fixed: BoolArray) -> FloatArray:
    """An orthonormal basis of the moves of masses, shape (P, M): the free ones' sum is held.

    Args:
        roots: of the masses, shape (P,).
        are_fixed: which stay, shape (P,).
    """
    (free,) = np.nonzero(~are_fixed)
    basis = np.zeros((len(roots), max(len(free) - 1, 0)))
    if len(free) > 1:
        along = roots[free] / np.sqrt(roots[free] @ roots[free])  # all grow together, or none
        basis[free] = np.linalg.qr(np.column_stack([along, np.eye(len(free))]))[0][:, 1:]
    return basis
