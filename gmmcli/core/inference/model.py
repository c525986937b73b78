"""The Pyro model of a mixture and its guide, in which the assignments are enumerated.

Drawn forward, the model makes points. A background is one more value of the assignment, the last.
Given cells, it observes their means, each with the spread of its points about it and scaled by
their count. The points of a cell share one assignment distribution, so the ELBO is a bound on the
log-likelihood, and the log-likelihood itself where every cell is one point. The guide holds that
distribution at its optimum given the parameters, where its own gradient vanishes; the gradient of
the ELBO is then that of the parameters alone. Of many components it enumerates only those that may
have points of a cell, as far as double precision can tell (a truncated posterior; Lücke & Eggert
2010, "Expectation truncation", section 2). Cells count by `poutine.scale`, which Pyro takes as a
tensor only where the guide enumerates (Pyro issue #1897).

A prior is observed too: for each component the mean and the spread of points that are known to be
its own, scaled by how many they are worth. Its part of the ELBO is then the log density of a
conjugate prior, and the natural gradient stays that of an EM step (Hoffman et al. 2013).

Everything here is float64 and in whitened units.
"""

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from contextvars import ContextVar
from threading import RLock
from typing import NamedTuple

import numpy as np
import pyro
import torch
from pyro import poutine
from pyro.nn import PyroModule, PyroParam, pyro_method
from torch import Tensor
from torch.distributions import constraints

from gmmcli.core.cells.cells import Cells
from gmmcli.core.inference.assignment import find_best_assignment
from gmmcli.core.inference.distributions import (
    AssignedNormal,
    LocalUnits,
    SharedCategorical,
    Uniform,
    evaluate_all,
)
from gmmcli.core.inference.parametrization import parametrize
from gmmcli.core.mixture.knowledge import Prior
from gmmcli.core.mixture.mixture import Mixture
from gmmcli.core.mixture.structures import STRUCTURES
from gmmcli.settings import CovarianceType

_the_one_in_pyro = RLock()
_are_skipped = ContextVar("_are_skipped", default=False)


class CellTensors(NamedTuple):
    """Cells as the model reads them.

    Attributes:
        counts: how many points each has, shape (C,).
        means: shape (C, 2).
        spreads: the variances and the covariance xx, xy, yy of the points about the means, (C, 3).
    """

    counts: Tensor
    means: Tensor
    spreads: Tensor

    @staticmethod
    def of(cells: Cells) -> "CellTensors":
        """Cells as tensors."""
        spreads = np.ascontiguousarray(cells.covariances[:, [0, 0, 1], [0, 1, 1]])
        arrays = cells.counts, cells.means, spreads
        return CellTensors(*(torch.from_numpy(array) for array in arrays))


class LabelledTensors(NamedTuple):
    """Cells whose components are known, as the model reads them.

    Attributes:
        labels: of the components, shape (L,).
        cells: L of them.
    """

    labels: Tensor
    cells: CellTensors

    @staticmethod
    def of(prior: Prior) -> "LabelledTensors | None":
        """Those of a prior, of the components that it tells anything of; None if of none."""
        (told,) = np.nonzero(prior.counts)
        if not len(told):
            return None
        cells = Cells(prior.counts[told], prior.means[told], prior.covariances[told])
        return LabelledTensors(torch.from_numpy(told), CellTensors.of(cells))


class Components(NamedTuple):
    """The parameters of a mixture as tensors, whatever stands for them in a model.

    Attributes:
        weights: shape (K,), summing to 1; with a background (K + 1,), the last being its own.
        means: shape (K, 2).
        factors: lower Cholesky factors of the covariances, shape (K, 2, 2).
        background: what its points are drawn from, which no step changes; None where there is none.
    """

    weights: Tensor
    means: Tensor
    factors: Tensor
    background: Uniform | None = None

    @staticmethod
    def of(mixture: Mixture) -> "Components":
        """Those of a mixture."""
        weights, means = torch.tensor(mixture.weights), torch.tensor(mixture.means)
        factors = torch.tensor(np.linalg.cholesky(mixture.covariances))
        if mixture.background is None:
            return Components(weights, means, factors)
        weights = torch.cat([weights, weights.new_tensor([mixture.background.weight])])
        return Components(weights, means, factors, Uniform.of(mixture.background))

    @torch.no_grad()
    def to_mixture(self) -> Mixture:
        """The same as a mixture.

        Raises:
            MixtureError: where they are none.
        """
        weights, means = self.weights[: self.n_components].numpy(), self.means.numpy()
        covariances, background = (self.factors @ self.factors.mT).numpy(), None
        if self.background is not None:
            background = self.background.to_background(float(self.weights[-1]))
        return Mixture(weights, means, covariances, background)

    def detach(self) -> "Components":
        """The same without their graph."""
        weights, means, factors, background = self
        return Components(weights.detach(), means.detach(), factors.detach(), background)

    @property
    def n_components(self) -> int:
        """The number of Gaussians, K."""
        return len(self.means)


class MixtureModel(PyroModule):
    """A mixture of Gaussians whose parameters are Pyro's, with the guide that goes with it.

    Args:
        start: the components to begin with, whose covariances are made the type's.
        covariance: the covariance type; components may share parameters, or axes may.
        least: the least value on the diagonal of a Cholesky factor.
        prior: what is known of the components, in whitened units; None where nothing is.
    """

    def __init__(
        self,
        start: Components,
        covariance: CovarianceType = "full",
        *,
        least: float = 0.0,
        prior: Prior | None = None,
    ) -> None:
        super().__init__()
        self.labelled = None if prior is None else LabelledTensors.of(prior)
        structure = STRUCTURES[covariance]
        # A PyroModule keeps a PyroParam and gives back its value, a tensor.
        self.weights: Tensor = PyroParam(start.weights, constraints.simplex)  # type: ignore[assignment]
        self.means: Tensor = PyroParam(start.means)  # type: ignore[assignment]
        self.background = start.background
        covariances = (start.factors @ start.factors.mT).numpy()
        masses = start.weights[: start.n_components].numpy()
        factors = torch.linalg.cholesky(torch.tensor(structure.project(covariances, masses)))
        self.covariances = parametrize(structure, factors, least)

    def components(self) -> Components:
        """The parameters as they stand, with their graph.

        They are the model's own, and never those of another in Pyro's global store.
        """
        with pyro.settings.context(module_local_params=True):
            weights, means = self.weights, self.means
            factors = self.covariances.to_factors(len(means))
        return Components(weights, means, factors, self.background)

    @torch.no_grad()
    def move(self, components: Components) -> None:
        """Set the parameters to those of some components, whose covariances are of the type."""
        self.weights, self.means = components.weights, components.means
        self.covariances.move(components.factors)

    def forward(
        self, cells: CellTensors | None = None, components: Components | None = None
    ) -> Tensor:
        """Draw the assignment of each cell and observe its points; without cells, draw a point.

        Args:
            cells: the data.
            components: the parameters, where the caller has them already.

        Returns:
            The means of the cells, shape (C, 2), or the point, shape (1, 2).
        """
        weights, means, factors, background = components or self.components()
        counts, observed, spreads = cells or (torch.ones(1, dtype=means.dtype), None, None)
        with pyro.plate("cells", len(counts)), poutine.scale(scale=counts):
            assignment = pyro.sample("assignment", SharedCategorical(take_logs(weights)))
            density = AssignedNormal(assignment, means, factors, spreads, background)
            points: Tensor = pyro.sample("obs", density, obs=observed)
        if self.labelled is not None:
            labels, (counts, observed, spreads) = self.labelled
            with pyro.plate("prior", len(labels)), poutine.scale(scale=counts):
                pyro.sample("prior_assignment", SharedCategorical(take_logs(weights)), obs=labels)
                density = AssignedNormal(labels, means, factors, spreads)
                pyro.sample("prior_obs", density, obs=observed)
        return points

    @pyro_method
    def guide(self, cells: CellTensors, components: Components | None = None) -> None:
        """Draw the assignment of each cell from its best distribution given the parameters."""
        with torch.no_grad():
            weights, means, factors, background = components or self.components()
            units, logs = LocalUnits.of(means, factors, background), take_logs(weights)[:, None]

            def evaluate(part: slice) -> Tensor:
                joint = evaluate_all(cells.means[part], units, cells.spreads[part])
                return joint.add_(logs)

            assignment_probs = find_best_assignment(evaluate, (len(weights), len(cells.counts)))
        with pyro.plate("cells", len(cells.counts)), poutine.scale(scale=cells.counts):
            pyro.sample("assignment", assignment_probs, infer={"enumerate": "parallel"})


def take_logs(weights: Tensor, *, least: float = 1e-300) -> Tensor:
    """The logarithms of weights, shape (K,), finite even where a component is empty."""
    return weights.clamp(min=least).log()


@contextmanager
def skip_checks() -> Iterator[None]:
    """Fits without Pyro's checks of every value, which take a fifth of a step's time."""
    before = _are_skipped.set(True)
    try:
        yield
    finally:
        _are_skipped.reset(before)


@contextmanager
def enter_pyro() -> Iterator[None]:
    """A context in which no other thread is in Pyro: what it traces, it traces for the process.

    Whether values are checked there is a matter of the thread's own; see `skip_checks`.
    """
    with _the_one_in_pyro, pyro.validation_enabled(False) if _are_skipped.get() else nullcontext():
        yield
