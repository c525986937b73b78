"""Figures by which mixtures are compared, lower being better, and what is chosen by them."""

from dataclasses import dataclass

import numpy as np

from gmmcli.core.cells.cells import Cells
from gmmcli.core.mixture.covariances import count_parameters
from gmmcli.core.mixture.mixture import Mixture
from gmmcli.core.search.status import Status
from gmmcli.settings import CovarianceType, CriterionName


@dataclass(frozen=True)
class Criteria:
    """The information criteria of a fit, in twice nats."""

    bic: float
    aic: float
    icl: float

    def value(self, name: CriterionName) -> float:
        """The criterion of this name."""
        return {"bic": self.bic, "aic": self.aic, "icl": self.icl}[name]


@dataclass(frozen=True)
class Candidate:
    """A mixture among those that one is chosen from.

    Attributes:
        components: K.
        covariance: the covariance type.
        log_likelihood: in nats, with what cells are estimated to hide of it.
        parameters: how many are free.
        criteria: BIC, AIC and ICL.
        status: how its fit ended, or why it cannot be chosen.
    """

    components: int
    covariance: CovarianceType
    log_likelihood: float
    parameters: int
    criteria: Criteria
    status: Status

    @property
    def is_eligible(self) -> bool:
        """Whether it can be chosen."""
        return not self.status.is_rejected


@dataclass(frozen=True)
class Selection:
    """What a mixture was chosen from.

    Attributes:
        candidates: by covariance type and number of components.
        criterion: what they were compared by.
        chosen: the place of the chosen one among them.
    """

    candidates: tuple[Candidate, ...]
    criterion: CriterionName
    chosen: int

    @property
    def winner(self) -> Candidate:
        """The candidate that was chosen."""
        return self.candidates[self.chosen]

    @property
    def runner_up(self) -> Candidate | None:
        """The best of the others that could have been chosen; None where there is none."""
        others = [c for n, c in enumerate(self.candidates) if n != self.chosen and c.is_eligible]
        return min(others, key=self.value, default=None)

    @property
    def lead(self) -> float | None:
        """How much lower the criterion of the winner is than the runner-up's, if there is one."""
        second = self.runner_up
        return None if second is None else self.value(second) - self.value(self.winner)

    def value(self, candidate: Candidate) -> float:
        """The criterion of a candidate."""
        return candidate.criteria.value(self.criterion)


def criteria(
    cells: Cells, mixture: Mixture, log_likelihood: float, covariance: CovarianceType
) -> Criteria:
    """BIC = p ln N - 2 ln L, AIC = 2 p - 2 ln L, and ICL.

    BIC is Schwarz (1978), AIC Akaike (1974). ICL is BIC plus twice the cost of assigning every
    point to its likeliest component, minus the log of that component's responsibility (Biernacki,
    Celeux & Govaert 2000), and so prefers components that do not overlap.
    """
    n_free = count_parameters(mixture.n_components, covariance)
    bic = n_free * np.log(cells.n_points) - 2 * log_likelihood
    aic = 2 * n_free - 2 * log_likelihood
    certainty = mixture.responsibilities(cells.means).max(axis=1)
    return Criteria(float(bic), float(aic), float(bic - 2 * cells.counts @ np.log(certainty)))
