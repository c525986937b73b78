"""The one objective of a search: the log-likelihood less the price of what explains it, in nats.

The passes, the regions, the insertions and the choice all compare by it. NumPy only.
"""

import math
from dataclasses import dataclass

import numpy as np

from gmmcli.core.mixture.covariances import FloatArray
from gmmcli.core.mixture.gaussians import Gaussians, find_least_variances
from gmmcli.core.mixture.structures import STRUCTURES, CovarianceStructure
from gmmcli.core.search.constants import BACKGROUND_GAIN, CHANCE
from gmmcli.settings import CovarianceType, CriterionName


@dataclass(frozen=True)
class Objective:
    """What components cost.

    Attributes:
        structure: what the covariances have in common.
        n_points: N, of which the price of a parameter is made.
        of_parameter: the price of a parameter, in nats.
        chance: C: a component whose least variance is a share v of `narrowest` costs C - ln v in
            nats, where that is more than C and than its parameters by BIC, and the difference
            besides its parameters by another criterion.
        of_background: the price of a background, in nats.
        narrowest: the variance of the data where they are narrowest, which is the unit of v.
    """

    structure: CovarianceStructure
    n_points: float
    of_parameter: float
    chance: float
    of_background: float
    narrowest: float = 1.0

    @staticmethod
    def of(
        criterion: CriterionName,
        covariance: CovarianceType,
        n_points: float,
        *,
        narrowest: float = 1.0,
        chance: float = CHANCE,
        beyond: float = BACKGROUND_GAIN,
    ) -> "Objective":
        """The objective of a criterion.

        ICL, by which no local change can be compared, is searched for by the prices of BIC.

        Args:
            criterion: BIC, AIC or ICL.
            covariance: the covariance type.
            n_points: N.
            narrowest: see the attributes.
            chance: see the attributes.
            beyond: what a background has to gain beyond the price of its parameter, in nats.
        """
        of_parameter = 1.0 if criterion == "aic" else 0.5 * math.log(max(n_points, 1.0))
        of_background = of_parameter + beyond
        structure = STRUCTURES[covariance]
        return Objective(structure, n_points, of_parameter, chance, of_background, narrowest)

    @property
    def n_own(self) -> int:
        """How many parameters a component has of its own."""
        return 3 + self.structure.n_own

    @property
    def of_component(self) -> float:
        """The price of the parameters that a component has of its own, in nats."""
        return self.n_own * self.of_parameter

    def price_components(self, gaussians: Gaussians) -> FloatArray:
        """The price of each component, shape (K,), in nats.

        That of its parameters, of which it has those of its own, or where it is thin by lengths of
        its own that of all the strips as thin which it could have been, by the logarithm of their
        number.

        Args:
            gaussians: in whitened units.
        """
        prices = np.full(gaussians.number, self.of_component)
        if not self.structure.has_own_lengths:
            return prices
        widths = np.maximum(find_least_variances(gaussians.covariances), np.finfo(np.float64).tiny)
        by_chance = self.chance - np.log(widths / self.narrowest)
        by_bic = self.n_own * 0.5 * math.log(max(self.n_points, 1.0))
        least = max(self.chance, by_bic)
        return np.asarray(prices + np.maximum(by_chance - least, 0.0))

    def price(self, gaussians: Gaussians) -> float:
        """The price of a mixture, in nats."""
        whole = (self.structure.n_shared - 1) * self.of_parameter  # the weights have one less
        background = self.of_background if gaussians.background else 0.0
        return float(self.price_components(gaussians).sum()) + whole + background

    def find_excess(self, gaussians: Gaussians) -> float:
        """What a mixture costs beyond its parameters, because components are thin, in nats."""
        excess = self.price_components(gaussians) - self.of_component
        return float(np.maximum(excess, 0.0).sum())
