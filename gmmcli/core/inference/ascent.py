"""How to climb the ELBO, and what a climb asks of an optimizer.

An optimizer begins with a state and makes another from every evaluation of the ELBO, moving the
model as it goes. What a climb has to know stands in the state, so it never asks which one it has.
"""

import math
from dataclasses import dataclass, replace
from typing import Protocol, TypeVar

import numpy as np
from torch import Tensor

from gmmcli.core.inference.curvature import Memory
from gmmcli.core.inference.model import Components, MixtureModel
from gmmcli.core.mixture.covariances import FloatArray
from gmmcli.core.mixture.knowledge import NOTHING_KNOWN, Knowledge
from gmmcli.core.mixture.structures import STRUCTURES
from gmmcli.settings import CovarianceType, OptimizerName


@dataclass(frozen=True, eq=False)
class Ascent:
    """How to climb the ELBO.

    Attributes:
        covariance: the covariance type.
        optimizer: natural gradient or Adam.
        learning_rate: the share of a full natural-gradient step, or Adam's rate.
        least: the least covariance, in whitened units, shape (2, 2); see `structures.constrain`.
            Given as any, it is kept as the covariance type has it.
        accelerated: whether full natural-gradient steps may learn from those before them.
        known: of the mixture before its points, in whitened units.
    """

    covariance: CovarianceType
    optimizer: OptimizerName
    learning_rate: float
    least: FloatArray
    accelerated: bool = True
    known: Knowledge = NOTHING_KNOWN

    def __post_init__(self) -> None:
        least = STRUCTURES[self.covariance].adapt_least(self.least)
        object.__setattr__(self, "least", least)

    @property
    def least_variance(self) -> float:
        """The variance of the least covariance where it is narrowest, in whitened units."""
        return float(np.linalg.eigvalsh(self.least)[0])

    @property
    def is_accelerated(self) -> bool:
        """Whether its steps are those of `QuasiNewton`."""
        return self.accelerated and self.optimizer == "natural" and self.learning_rate == 1

    def accelerate(self) -> "Ascent":
        """The same ascent by full natural-gradient steps that learn from those before them."""
        return replace(self, optimizer="natural", learning_rate=1.0, accelerated=True)

    def take_full_steps(self) -> "Ascent":
        """The same ascent by full natural-gradient steps."""
        return replace(self, optimizer="natural", learning_rate=1.0, accelerated=False)


@dataclass(frozen=True, eq=False)
class Evaluation:
    """The ELBO of a model at a place, by Pyro, in which a prior counts.

    Attributes:
        components: the parameters there, with their graph.
        loss: minus the ELBO, in nats, with its graph.
        elbo: in nats.
    """

    components: Components
    loss: Tensor
    elbo: float


class OptimizerState(Protocol):
    """What a climb has to know of an optimizer after a step.

    Attributes:
        least_elbo: in nats; where the next ELBO is lower, the step is to be taken back.
        expected: what the step should bring, in nats: all that was left before it, as far as the
            curvature is known; infinite where it is not.
        memory: what the steps have learned, for a climb that goes on from here; None if nothing.
    """

    @property
    def least_elbo(self) -> float: ...  # noqa: D102
    @property
    def expected(self) -> float: ...  # noqa: D102
    @property
    def memory(self) -> Memory | None: ...  # noqa: D102


StateT = TypeVar("StateT", bound=OptimizerState)


class Optimizer(Protocol[StateT]):
    """What moves a model up its ELBO."""

    def init(self) -> StateT:
        """The state before the first step."""

    def step(self, state: StateT, evaluation: Evaluation, model: MixtureModel) -> StateT:
        """The state after a step from where the model has been evaluated, which moves it."""


@dataclass(frozen=True)
class Steady:
    """The state of an optimizer that never takes a step back and expects nothing."""

    least_elbo: float = -math.inf
    expected: float = math.inf
    memory: Memory | None = None
