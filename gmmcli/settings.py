"""What can be asked of a fit."""

from dataclasses import dataclass, replace
from typing import Literal

CovarianceType = Literal["full", "tied", "diag", "spherical"]
OptimizerName = Literal["natural", "adam"]
Effort = Literal["quick", "normal", "thorough"]
CriterionName = Literal["bic", "aic", "icl"]

COVARIANCE_TYPES: tuple[CovarianceType, ...] = ("full", "tied", "diag", "spherical")
CRITERIA: tuple[CriterionName, ...] = ("bic", "aic", "icl")

# A full natural-gradient step is an EM step. Adam's rate is measured: 0.1 brings the article's
# example to within 1e-4 nats per point of its optimum in 150 steps.
LEARNING_RATES: dict[OptimizerName, float] = {"natural": 1.0, "adam": 0.1}
# Fewer points are too few for a component: they gain nothing by its closing in on them.
HANDFUL = 6
# What is told of a candidate that cannot be chosen for its thin components, or for its small ones.
ON_FLOOR = "on the covariance floor"
ON_FEW = f"on fewer than {HANDFUL} points"
# And of one whose climb was ended, or not begun, as it could not win.
LEFT_BEHIND = "left behind"
# The data do not tell candidates apart whose criteria differ by less: a difference of 2 in BIC is a
# Bayes factor of about e (Kass & Raftery 1995, section 3.2, whose lowest grade ends there).
ALIKE = 2.0
# Cells move no component's parameters by more than so many of their standard errors.
MOST_SHIFT = 0.05
# The least standard deviation of a component, as a share of the data's.
FLOOR = 1e-5


@dataclass(frozen=True)
class FitSettings:
    """What was asked of a fit.

    Attributes:
        components: K.
        covariance: the covariance type.
        optimizer: how to climb.
        learning_rate: the share of a full natural-gradient step, or Adam's rate.
        steps: the most steps to take.
        seed: of the random choices of the search.
        effort: how soon the search gives up.
        floor: the least standard deviation of a component, as a share of the data's.
    """

    components: int = 2
    covariance: CovarianceType = "full"
    optimizer: OptimizerName = "natural"
    learning_rate: float = 1.0
    steps: int = 10_000
    seed: int = 0
    effort: Effort = "normal"
    floor: float = FLOOR


@dataclass(frozen=True)
class Choice:
    """What a mixture is to be chosen from, and by what.

    Attributes:
        fewest: the smallest number of components.
        most: the largest.
        goes_on: whether to go on beyond the largest while the criterion still improves there.
        covariances: the covariance types.
        criterion: what is to be as low as can be.
    """

    fewest: int = 1
    most: int = 9
    goes_on: bool = True
    covariances: tuple[CovarianceType, ...] = ("full",)
    criterion: CriterionName = "bic"

    @property
    def is_open(self) -> bool:
        """Whether there is more than one candidate."""
        return self.goes_on or self.fewest < self.most or len(self.covariances) > 1

    def of_type(self, covariance: CovarianceType) -> "Choice":
        """What to choose from of one covariance type; a single tied component is a full one."""
        if covariance == "tied" and "full" in self.covariances and self.most > 1:
            return replace(self, fewest=max(self.fewest, 2))
        return self
