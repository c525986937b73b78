"""What a fit knows of its components, as a number of points whose components are known."""

import numpy as np

from gmmcli.core.cells.cells import Cells
from gmmcli.core.cells.directions import N_PARAMETERS
from gmmcli.core.cells.information import observe_information
from gmmcli.core.mixture.covariances import FloatArray
from gmmcli.core.mixture.knowledge import NOTHING_KNOWN, Knowledge
from gmmcli.core.mixture.mixture import Mixture
from gmmcli.settings import CovarianceType


def count_labelled(
    cells: Cells,
    mixture: Mixture,
    covariance: CovarianceType = "full",
    known: Knowledge = NOTHING_KNOWN,
) -> FloatArray:
    """How many points of each component would tell as much of it, were they known to be its own.

    As many as it has where components are apart, and fewer the more they overlap: as many as leave
    its parameters the same variances on average, in units in which the component is round.

    Args:
        cells: the data of a fit, in data units.
        mixture: an optimum of it, in the same units.
        covariance: its covariance type.
        known: of the mixture before these data; what a prior counted as is among the points.

    Returns:
        Shape (K,).
    """
    found = observe_information(cells, mixture, covariance, moves_background=True, known=known)
    of_apart = np.einsum("pf,pf->p", found.directions, found.directions)
    shares = [of_apart, np.diagonal(found.inverse)]
    of_apart, own = (each.reshape(-1, N_PARAMETERS).sum(axis=1) for each in shares)
    n_components, n_points = mixture.n_components, cells.n_points + known.n_points
    told = of_apart[:n_components] / np.maximum(own[:n_components], of_apart[:n_components])
    return np.asarray(n_points * mixture.weights * told)
