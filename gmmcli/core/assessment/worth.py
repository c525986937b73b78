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

    As many as it has where components are apart, and fewer the more they overlap: as many as make
    no parameter of it surer than the fit has it, nor any combination of them.

    Args:
        cells: the data of a fit, in data units.
        mixture: an optimum of it, in the same units.
        covariance: its covariance type.
        known: of the mixture before these data; what a prior counted as is among the points.

    Returns:
        Shape (K,).
    """
    found = observe_information(cells, mixture, covariance, moves_background=True, known=known)
    n_parts, own = len(found.directions) // N_PARAMETERS, np.arange(mixture.n_components)
    spread = found.inverse.reshape(n_parts, N_PARAMETERS, n_parts, N_PARAMETERS)
    # Of components apart no variance is above 1, in these units.
    largest = np.maximum(np.linalg.eigvalsh(spread[own, :, own])[:, -1], 1.0)  # (K,)
    n_points = cells.n_points + known.n_points
    return np.asarray(n_points * mixture.weights / largest)
