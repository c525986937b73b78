"""Which component of a mixture is which of another's. Alone knows SciPy."""

import numpy as np
from scipy.optimize import linear_sum_assignment

from gmmcli.core.mixture.distances import measure_distances
from gmmcli.core.mixture.gaussians import IntArray
from gmmcli.core.mixture.mixture import Mixture


def match(mixture: Mixture, other: Mixture) -> IntArray:
    """The component of another mixture that each of a mixture's is paired with, shape (K,).

    The pairs have the least sum of Bhattacharyya distances that pairs can have, by the Hungarian
    method (Kuhn 1955). Where there are more components than the other has, -1 for
    those that are left over.

    Args:
        mixture: K components.
        other: L components, in the same units.
    """
    partners = np.full(mixture.n_components, -1, dtype=np.intp)
    own, others = linear_sum_assignment(measure_distances(mixture, other))
    partners[own] = others
    return partners


def order_by_partners(partners: IntArray) -> IntArray:
    """The order in which components follow those that they are paired with, shape (K,).

    Those without a partner come last, in the order that they have.

    Args:
        partners: as `match` gives them, shape (K,).
    """
    last = np.where(partners < 0, len(partners) + partners.max(initial=0), partners)
    return np.argsort(last, kind="stable")
