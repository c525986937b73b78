"""The Pyro model and guide of a mixture over cells, with the assignments enumerated in the guide.

The points of a cell share one assignment distribution, so the ELBO is a bound on the
log-likelihood, and the log-likelihood itself where every cell is one point. The guide holds that
distribution at its optimum given the parameters, where its own gradient vanishes; the gradient of
the ELBO is then that of the parameters alone. Of many components it enumerates only those that may
have points of a cell, as far as double precision can tell (a truncated posterior; Lücke & Eggert
2010, "Expectation truncation", section 2). Cells count by `poutine.scale`, which Pyro takes as a
tensor only where the guide enumerates (Pyro issue #1897).

Everything here is float64 and in whitened units.
"""

import math
from copy import copy
from typing import ClassVar, NamedTuple, Self

import numpy as np
import pyro
import pyro.distributions as dist
import torch
from pyro import poutine
from pyro.nn import PyroModule, PyroParam
from torch import Tensor
from torch.distributions import constraints
from torch.types import _size

from gmmcli.core.cells.cells import Cells
from gmmcli.core.mixture.mixture import NO_WEIGHT
from gmmcli.core.mixture.whitening import REPRESENTABLE
from gmmcli.errors import FitError
from gmmcli.settings import CovarianceType

# The largest variance, in whitened units, in which a component that holds a millionth of the points
# is not wider. One that holds next to nothing would else grow without end in long steps.
WIDEST = 1e6
# Shares of a cell below exp(-FARTHEST) count as that.
FARTHEST = 100.0
# Shares below exp(-NEGLIGIBLE) of a cell's largest change no sum with that.
NEGLIGIBLE = -math.log(np.finfo(np.float64).eps)
# Looking a component up takes as long as going through so many for all cells.
LOOK_UP = 3


class CellTensors(NamedTuple):
    """Cells as the model reads them.

    Attributes:
        counts: shape (C,).
        features: shape (C, 6): 1, mean x, mean y, and the xx, xy, yy covariances within the cell.
    """

    counts: Tensor
    features: Tensor


class OverCells(dist.TorchDistribution):
    """A distribution for each cell, by parameters that all share or that are of each already.

    Assignments come as the guide enumerates them: in each row of shape (K, 1) is one component for
    all cells, and in each of shape (M, C) one for each cell.
    """

    arg_constraints: ClassVar[dict[str, constraints.Constraint]] = {}

    def expand(self, batch_shape: _size, _instance: object = None) -> Self:
        """This distribution for a batch that its parameters broadcast to."""
        expanded = copy(self)
        expanded._batch_shape = torch.Size(batch_shape)
        return expanded


class Assignment(OverCells):
    """The component of a point, drawn by the weights.

    PyTorch's categorical distribution would look every value up among the weights of each cell,
    which in the gradient makes K x C x K numbers.

    Args:
        weights: shape (K,); they are normalised.
    """

    support = constraints.nonnegative_integer

    def __init__(self, weights: Tensor) -> None:
        logs = log_weights(weights)
        self.log_probs = logs - logs.logsumexp(dim=0)
        super().__init__(validate_args=False)

    def log_prob(self, value: Tensor) -> Tensor:
        """The log probability of each value, in nats; of its shape."""
        if _is_for_all(value, len(self.log_probs)):
            return self.log_probs[:, None]
        return _looked_up(self.log_probs, value)


class SharedAssignment(OverCells):
    """The component that the points of a cell share, one of its candidates.

    Args:
        candidates: components, shape (M, C) for each cell or (K, 1) for all.
        logits: shape (M, C) or (K, C); they are normalised.
    """

    support = constraints.nonnegative_integer
    has_enumerate_support = True

    def __init__(self, candidates: Tensor, logits: Tensor) -> None:
        self.candidates, self.log_probs = candidates, logits - logits.logsumexp(dim=0)
        super().__init__(logits.shape[1:], validate_args=False)

    def enumerate_support(self, expand: bool = True) -> Tensor:
        """The candidates."""
        return self.candidates.expand(self.log_probs.shape) if expand else self.candidates

    def log_prob(self, _value: Tensor) -> Tensor:
        """The log probability of each candidate, in nats; of the shape of the logits."""
        return self.log_probs


class CellDensity(OverCells):
    """The density of cells under the components that they are assigned to.

    Args:
        assignment: the component of each cell: shape (C,), or (K, 1) or (M, C) where enumerated.
        means: shape (K, 2).
        factors: lower Cholesky factors of the covariances, shape (K, 2, 2).
    """

    support = constraints.real_vector

    def __init__(self, assignment: Tensor, means: Tensor, factors: Tensor) -> None:
        self.assignment, self.means, self.factors = assignment, means, factors
        super().__init__(assignment.shape, torch.Size([6]), validate_args=False)

    def log_prob(self, features: Tensor) -> Tensor:
        """The mean log density of each cell's points, in nats; shape (C,), (K, C) or (M, C)."""
        if _is_for_all(self.assignment, len(self.means)):
            return mean_log_densities(features, self.means, self.factors)
        return assigned_log_densities(features, self.assignment, self.means, self.factors)


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
            assignment = pyro.sample("assignment", Assignment(weights))
            pyro.sample("obs", CellDensity(assignment, means, factors), obs=cells.features)

    def guide(self, cells: CellTensors) -> None:
        """Sample the assignment of each cell from its best distribution given the parameters."""
        with torch.no_grad():
            weights, means, factors = self.parameters_now()
            joint = mean_log_densities(cells.features, means, factors)  # (K, C)
            joint += log_weights(weights)[:, None]
            assignment_probs = shared_assignment(joint)
        with pyro.plate("cells", len(cells.counts)), poutine.scale(scale=cells.counts):
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


def shared_assignment(joint: Tensor) -> SharedAssignment:
    """The best assignment of the cells, to all components or to the few that may have points.

    Args:
        joint: log weight plus mean log density of each cell's points, shape (K, C), in nats.

    Raises:
        FitError: when no component has a density at some cell that double precision can hold.
    """
    n_components, most = len(joint), joint.amax(dim=0)
    if not most.isfinite().all():
        raise FitError(
            "some points are too far from every component for a density: start from a mixture "
            "nearer to them, or lower --learning-rate"
        )
    may_have = joint > most - NEGLIGIBLE  # (K, C)
    numbers = may_have.sum(dim=0)
    n_candidates = int(numbers.max())
    if LOOK_UP * n_candidates >= n_components:
        every = torch.arange(n_components)[:, None]
        return SharedAssignment(every, joint.clamp(min=most - FARTHEST))
    by_cell = np.flatnonzero(may_have.mT.contiguous().numpy())
    cells, components = np.divmod(by_cell, n_components)
    before = (numbers.cumsum(dim=0) - numbers).numpy()
    places = np.arange(len(cells)) - before[cells]  # among the candidates of the cell
    candidates = torch.zeros((n_candidates, len(numbers)), dtype=torch.long)
    logits = (most - FARTHEST).repeat(n_candidates, 1)  # where a cell has fewer candidates
    candidates[places, cells] = torch.from_numpy(components)
    logits[places, cells] = joint[components, cells]
    return SharedAssignment(candidates, logits)


class LocalUnits(NamedTuple):
    """What takes a point (x, y) to (u, v), in units of each component, all of shape (K,).

    u = u_1 + u_x x, its distance from the mean in x, in standard deviations of x, and
    v = v_1 + v_x x + v_y y, that in y given x, in the standard deviation of y given x.

    Attributes:
        peak: the log density at the mean, in nats.
    """

    u_1: Tensor
    u_x: Tensor
    v_1: Tensor
    v_x: Tensor
    v_y: Tensor
    peak: Tensor

    @staticmethod
    def of(means: Tensor, factors: Tensor) -> "LocalUnits":
        """Those of components with means (K, 2) and lower Cholesky factors (K, 2, 2)."""
        u_x, v_y = 1 / factors[:, 0, 0], 1 / factors[:, 1, 1]
        v_x = -factors[:, 1, 0] * u_x * v_y
        u_1 = -u_x * means[:, 0]
        v_1 = -v_x * means[:, 0] - v_y * means[:, 1]
        return LocalUnits(u_1, u_x, v_1, v_x, v_y, u_x.log() + v_y.log() - math.log(2 * math.pi))


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
    u_1, u_x, v_1, v_x, v_y, peak = LocalUnits.of(means, factors)
    u = torch.stack([u_1, u_x, torch.zeros_like(u_x)], dim=1)  # (K, 3)
    v = torch.stack([v_1, v_x, v_y], dim=1)  # (K, 3)
    within = torch.stack([u_x**2 + v_x**2, 2 * v_x * v_y, v_y**2], dim=1)  # (K, 3), of xx, xy, yy
    points, spreads = features[:, :3].mT, features[:, 3:].mT
    distances = (u @ points).square()  # (K, C), and in place from here on: new arrays take longest
    distances += (v @ points).square()
    distances += within @ spreads
    distances *= -0.5
    distances += peak[:, None]
    return distances


def assigned_log_densities(
    features: Tensor, assignment: Tensor, means: Tensor, factors: Tensor
) -> Tensor:
    """The mean log density of each cell's points under those assigned, (C,) or (M, C), in nats.

    Args:
        features: of the cells, shape (C, 6).
        assignment: the components of each cell, shape (C,) or (M, C).
        means: shape (K, 2).
        factors: lower Cholesky factors of the covariances, shape (K, 2, 2).
    """
    units = LocalUnits.of(means, factors)
    u_1, u_x, v_1, v_x, v_y, peak = (_looked_up(values, assignment) for values in units)
    _, x, y, xx, xy, yy = features.mT.contiguous()
    u, v = u_1 + u_x * x, v_1 + v_x * x + v_y * y
    within = (u_x**2 + v_x**2) * xx + 2 * v_x * v_y * xy + v_y**2 * yy
    log_densities: Tensor = peak - 0.5 * (u**2 + v**2 + within)
    return log_densities


def _is_for_all(assignment: Tensor, n_components: int) -> bool:
    """Whether each row of an enumerated assignment is one component for all cells."""
    return assignment.shape == (n_components, 1)


def _looked_up(values: Tensor, assignment: Tensor) -> Tensor:
    """The values (K,) of the components of an assignment, in its shape; fast in its gradient."""
    found: Tensor = values.index_select(0, assignment.ravel())
    return found.view(assignment.shape)


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
