"""The Pyro model and guide of a mixture over cells, with the assignments enumerated in the guide.

The points of a cell share one assignment distribution, so the ELBO is a bound on the
log-likelihood, and the log-likelihood itself where every cell is one point. The guide holds that
distribution at its optimum given the parameters, where its own gradient vanishes; the gradient of
the ELBO is then that of the parameters alone. Cells count by `poutine.scale`, which Pyro takes as
a tensor only where the guide enumerates (Pyro issue #1897).

Everything here is float64 and in whitened units.
"""

import math
from typing import ClassVar, NamedTuple

import pyro
import pyro.distributions as dist
import torch
from pyro import poutine
from pyro.nn import PyroModule, PyroParam
from torch import Tensor
from torch.distributions import constraints
from torch.types import _size

from gmmcli.core.cells import Cells
from gmmcli.core.mixture import NO_WEIGHT
from gmmcli.core.settings import CovarianceType
from gmmcli.core.whitening import REPRESENTABLE

# The largest variance, in whitened units, in which a component that holds a millionth of the points
# is not wider. One that holds next to nothing would else grow without end in long steps.
WIDEST = 1e6
# Shares of a cell below exp(-FARTHEST) count as that.
FARTHEST = 100.0


class CellTensors(NamedTuple):
    """Cells as the model reads them.

    Attributes:
        counts: shape (C,).
        features: shape (C, 6): 1, mean x, mean y, and the xx, xy, yy covariances within the cell.
    """

    counts: Tensor
    features: Tensor


class CellDensity(dist.TorchDistribution):
    """The density of cells under the components that they are assigned to.

    Args:
        assignment: the component of each cell: shape (C,), or (K, 1) where enumerated.
        means: shape (K, 2).
        factors: lower Cholesky factors of the covariances, shape (K, 2, 2).
    """

    arg_constraints: ClassVar[dict[str, constraints.Constraint]] = {}
    support = constraints.real_vector

    def __init__(self, assignment: Tensor, means: Tensor, factors: Tensor) -> None:
        self.assignment, self.means, self.factors = assignment, means, factors
        super().__init__(assignment.shape, torch.Size([6]), validate_args=False)

    def expand(self, batch_shape: _size, _instance: object = None) -> "CellDensity":
        """This density for a batch that its assignments broadcast to."""
        expanded = CellDensity(self.assignment, self.means, self.factors)
        expanded._batch_shape = torch.Size(batch_shape)
        return expanded

    def log_prob(self, features: Tensor) -> Tensor:
        """The mean log density of each cell's points, in nats; shape (C,) or (K, C)."""
        by_component = mean_log_densities(features, self.means, self.factors)  # (K, C)
        if self.assignment.shape[1:] == (1,):  # enumerated: row k assigns every cell to k
            return by_component
        return by_component.gather(0, self.assignment[None])[0]


class Assignment(dist.Categorical):
    """A categorical distribution that takes the values which a guide enumerates as they come.

    PyTorch would look each of them up, which in the gradient makes K x C x K numbers.
    """

    def log_prob(self, value: Tensor) -> Tensor:
        """The log probability of each value, in nats; shape (C,), or (K, C) where enumerated."""
        if value.shape[1:] == (1,):  # enumerated: row k assigns every cell to k
            return self.logits.mT
        found: Tensor = super().log_prob(value)  # type: ignore[no-untyped-call]
        return found


class MixtureModel(PyroModule):
    """A mixture of Gaussians whose parameters are Pyro's, with the guide that goes with it.

    Args:
        weights: shape (K,).
        means: shape (K, 2).
        factors: any shape that `cholesky_factors` takes, less `least` on their diagonals.
        least: the least value on the diagonal of a factor.
    """

    def __init__(
        self, weights: PyroParam, means: PyroParam, factors: PyroParam, *, least: float = 0.0
    ) -> None:
        super().__init__()
        # A PyroModule keeps a PyroParam and gives back its value, a tensor.
        self.weights: Tensor = weights  # type: ignore[assignment]
        self.means: Tensor = means  # type: ignore[assignment]
        self.factors: Tensor = factors  # type: ignore[assignment]
        self.least = least

    def parameters_now(self) -> tuple[Tensor, Tensor, Tensor]:
        """Weights (K,), means (K, 2) and lower Cholesky factors (K, 2, 2)."""
        weights, means = self.weights, self.means
        factors = cholesky_factors(self.factors, len(weights))
        return weights, means, factors + self.least * torch.eye(2, dtype=factors.dtype)

    def forward(self, cells: CellTensors) -> None:
        """Sample the assignment of each cell and observe the cell."""
        weights, means, factors = self.parameters_now()
        with pyro.plate("cells", len(cells.counts)), poutine.scale(scale=cells.counts):
            assignment = pyro.sample("assignment", Assignment(logits=log_weights(weights)))
            pyro.sample("obs", CellDensity(assignment, means, factors), obs=cells.features)

    def guide(self, cells: CellTensors) -> None:
        """Sample the assignment of each cell from its best distribution given the parameters."""
        with torch.no_grad():
            weights, means, factors = self.parameters_now()
            joint = mean_log_densities(cells.features, means, factors)  # (K, C)
            joint += log_weights(weights)[:, None]
            joint = joint.clamp(min=joint.amax(dim=0) - FARTHEST)
        with pyro.plate("cells", len(cells.counts)), poutine.scale(scale=cells.counts):
            assignment_probs = dist.Categorical(logits=joint.mT)
            pyro.sample("assignment", assignment_probs, infer={"enumerate": "parallel"})


def cell_tensors(cells: Cells) -> CellTensors:
    """Cells as tensors."""
    means = torch.from_numpy(cells.means)
    within = torch.from_numpy(cells.covariances)
    features = [
        torch.ones_like(means[:, 0]),
        *means.T,
        within[:, 0, 0],
        within[:, 0, 1],
        within[:, 1, 1],
    ]
    return CellTensors(torch.from_numpy(cells.counts), torch.stack(features, dim=1))


def cholesky_factors(values: Tensor, n_components: int) -> Tensor:
    """Lower Cholesky factors, shape (K, 2, 2), of values that components or axes may share.

    Args:
        values: factors (K, 2, 2), one for all (1, 2, 2), standard deviations of the axes (K, 2),
            or one standard deviation each (K, 1).
        n_components: K.
    """
    if values.dim() == 2:
        return torch.diag_embed(values.expand(n_components, 2))
    return values.expand(n_components, 2, 2)


def log_weights(weights: Tensor) -> Tensor:
    """The logarithms of weights, shape (K,), finite even where a component is empty."""
    return weights.clamp(min=NO_WEIGHT).log()


def mean_log_densities(features: Tensor, means: Tensor, factors: Tensor) -> Tensor:
    """The mean log density of each cell's points under each component, shape (K, C), in nats.

    Products with the features give every point's coordinates in units of every component, whose
    squares are the distances. Squaring last keeps the digits of components much tighter than the
    data, at the price of one product with squared features.

    Args:
        features: of the cells, shape (C, 6).
        means: shape (K, 2).
        factors: lower Cholesky factors of the covariances, shape (K, 2, 2).
    """
    u_x = 1 / factors[:, 0, 0]  # u = (x - mean) / sd of x
    v_y = 1 / factors[:, 1, 1]  # v = (y - its mean given x) / its sd given x
    v_x = -factors[:, 1, 0] * u_x * v_y
    u_1 = -u_x * means[:, 0]
    v_1 = -v_x * means[:, 0] - v_y * means[:, 1]
    u = torch.stack([u_1, u_x, torch.zeros_like(u_x)], dim=1)  # (K, 3)
    v = torch.stack([v_1, v_x, v_y], dim=1)  # (K, 3)
    within = torch.stack([u_x**2 + v_x**2, 2 * v_x * v_y, v_y**2], dim=1)  # (K, 3), of xx, xy, yy
    points, spreads = features[:, :3].mT, features[:, 3:].mT
    distances = (u @ points) ** 2 + (v @ points) ** 2 + within @ spreads  # (K, C)
    areas = u_x.log() + v_y.log() - math.log(2 * math.pi)
    return areas[:, None] - 0.5 * distances


def constrained(
    covariances: Tensor, masses: Tensor, covariance: CovarianceType, floor: float
) -> Tensor:
    """The covariances of a type that fit best in place of free ones, shape (K, 2, 2).

    The M step of each type is this projection of the M step of free covariances: tied ones are
    their mean by mass, diagonal ones lose their off-diagonal, spherical ones take their mean
    variance, and no eigenvalue lies below the floor, or over `WIDEST`, or so far below the other
    that double precision cannot write both.

    Args:
        covariances: shape (K, 2, 2).
        masses: the points that each component accounts for, shape (K,).
        covariance: the covariance type.
        floor: the least eigenvalue.
    """
    if covariance == "tied":
        mean = torch.einsum("k,kij->ij", masses / masses.sum(), covariances)
        covariances = mean.expand_as(covariances)
    elif covariance != "full":
        variances = covariances.diagonal(dim1=1, dim2=2)
        if covariance == "spherical":
            variances = variances.mean(dim=1, keepdim=True)
        covariances = torch.diag_embed(variances.expand(-1, 2))
    lengths, directions = torch.linalg.eigh(covariances)
    least = (REPRESENTABLE * lengths[:, 1:].clamp(max=WIDEST)).clamp(min=floor)  # (K, 1)
    if (lengths < least).any() or lengths.max() > WIDEST:
        within = torch.maximum(lengths, least).clamp(max=WIDEST)
        covariances = (directions * within[:, None, :]) @ directions.mT
    return (covariances + covariances.mT) / 2
