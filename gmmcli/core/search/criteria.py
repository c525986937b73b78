"""Figures by which mixtures are compared, lower being better, and what is chosen by them."""

from dataclasses import dataclass, field

import numpy as np

from gmmcli.core.cells.cells import Cells
from gmmcli.core.mixture.covariances import FloatArray
from gmmcli.core.mixture.knowledge import Fixed
from gmmcli.core.mixture.mixture import Mixture
from gmmcli.core.mixture.structures import count_parameters
from gmmcli.core.search.status import Status
from gmmcli.settings import CovarianceType, CriterionName


@dataclass(frozen=True)
class Criteria:
    """The information criteria of a fit, in twice nats."""

    bic: float
    aic: float
    icl: float

    @staticmethod
    def of(log_likelihood: float, n_free: int, n_points: float, doubt: float) -> "Criteria":
        """BIC = p ln N - 2 ln L, AIC = 2 p - 2 ln L, and ICL.

        BIC is Schwarz (1978), AIC Akaike (1974). ICL is BIC plus twice the cost of assigning every
        point to its likeliest component, minus the log of that component's responsibility
        (Biernacki, Celeux & Govaert 2000), and so prefers components that do not overlap.

        Args:
            log_likelihood: of all points, in nats.
            n_free: the number of free parameters, p.
            n_points: N.
            doubt: the cost of assigning every point, in nats.
        """
        bic = n_free * float(np.log(n_points)) - 2 * log_likelihood
        return Criteria(bic, 2.0 * n_free - 2 * log_likelihood, bic + 2 * doubt)

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
        status: how its fit ended.
        background: the weight of its background; 0 without one.
        surcharge: what is added to the criterion for components so thin that chance would find
            such, in twice nats; see `objective`.
        share: of resamples, those in which it is the best; None where there were none, or it was
            too far from the best.
        mixture: where its climb led, in data units; None without one.
    """

    components: int
    covariance: CovarianceType
    log_likelihood: float
    parameters: int
    criteria: Criteria
    status: Status
    background: float = 0.0
    surcharge: float = 0.0
    share: float | None = None
    mixture: Mixture | None = field(default=None, compare=False, repr=False)


@dataclass(frozen=True)
class Selection:
    """What a mixture was chosen from.

    Attributes:
        candidates: by covariance type and number of components.
        criterion: what they were compared by.
        chosen: the place of the chosen one among them.
        goes_on: whether more components than all of them were open to the choice.
    """

    candidates: tuple[Candidate, ...]
    criterion: CriterionName
    chosen: int
    goes_on: bool = field(default=False, compare=False)

    @property
    def winner(self) -> Candidate:
        """The candidate that was chosen."""
        return self.candidates[self.chosen]

    @property
    def runner_up(self) -> Candidate | None:
        """The best of the others; None where there is none."""
        others = [c for n, c in enumerate(self.candidates) if n != self.chosen]
        return min(others, key=self.value, default=None)

    @property
    def lead(self) -> float | None:
        """How much lower the criterion of the winner is than the runner-up's, if there is one."""
        second = self.runner_up
        return None if second is None else self.value(second) - self.value(self.winner)

    def value(self, candidate: Candidate) -> float:
        """What a candidate is compared by: its criterion and the surcharge for thin components."""
        return candidate.criteria.value(self.criterion) + candidate.surcharge


def weigh_doubt(counts: FloatArray, shares: FloatArray) -> float:
    """What it costs to assign every point to what it is likeliest of, in nats.

    Args:
        counts: of the points of each cell, shape (C,).
        shares: of each cell in each component, shape (K, C); what is left to 1 is the background's.
    """
    certainty = np.maximum(shares.max(axis=0), 1 - shares.sum(axis=0))
    return -float(counts @ np.log(certainty))


def criteria(
    cells: Cells,
    mixture: Mixture,
    log_likelihood: float,
    covariance: CovarianceType,
    worth: float = 1.0,
    fixed: Fixed | None = None,
) -> Criteria:
    """The criteria of a mixture.

    Args:
        cells: the data.
        mixture: in the units of the cells.
        log_likelihood: of all points, in nats.
        covariance: the covariance type.
        worth: what a point counts for as evidence; see `cells.grain`.
        fixed: the parameters that are not free; None where all are.
    """
    has_background = mixture.background is not None
    n_free = count_parameters(mixture.n_components, covariance, has_background=has_background)
    if fixed is not None:
        n_free -= fixed.count(covariance)
    doubt = weigh_doubt(cells.counts, mixture.responsibilities(cells.means).T)
    return Criteria.of(log_likelihood * worth, n_free, cells.n_points * worth, doubt * worth)
