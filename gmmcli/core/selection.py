"""Figures by which mixtures are compared: BIC, AIC and ICL, lower being better in each."""

from dataclasses import dataclass
from typing import Literal

import numpy as np

from gmmcli.core.cells import Cells
from gmmcli.core.mixture import Mixture
from gmmcli.core.settings import CovarianceType

Criterion = Literal["bic", "aic", "icl"]


@dataclass(frozen=True)
class Criteria:
    """The information criteria of a fit, in twice nats."""

    bic: float
    aic: float
    icl: float


@dataclass(frozen=True)
class Candidate:
    """One of several fits to the same data, of which one is chosen.

    Attributes:
        components: K.
        covariance: the covariance type.
        log_likelihood: of all points, in nats.
        parameters: how many are free.
        criteria: BIC, AIC and ICL.
        status: how the fit ended, or why it cannot be chosen.
        eligible: whether it can be chosen.
    """

    components: int
    covariance: CovarianceType
    log_likelihood: float
    parameters: int
    criteria: Criteria
    status: str
    eligible: bool


def n_parameters(n_components: int, covariance: CovarianceType) -> int:
    """The number of free parameters of a mixture of K components in two dimensions."""
    n_covariance = {
        "full": 3 * n_components,
        "tied": 3,
        "diag": 2 * n_components,
        "spherical": n_components,
    }
    return (n_components - 1) + 2 * n_components + n_covariance[covariance]


def criteria(
    cells: Cells, mixture: Mixture, log_likelihood: float, covariance: CovarianceType
) -> Criteria:
    """BIC = p ln N - 2 ln L, AIC = 2 p - 2 ln L, and ICL.

    BIC is Schwarz (1978), AIC Akaike (1974). ICL is BIC plus twice the cost of assigning every
    point to its likeliest component, minus the log of that component's responsibility (Biernacki,
    Celeux & Govaert 2000), and so prefers components that do not overlap.
    """
    n_free = n_parameters(mixture.n_components, covariance)
    bic = n_free * np.log(cells.n_points) - 2 * log_likelihood
    aic = 2 * n_free - 2 * log_likelihood
    certainty = mixture.responsibilities(cells.means).max(axis=1)
    return Criteria(float(bic), float(aic), float(bic - 2 * cells.counts @ np.log(certainty)))
