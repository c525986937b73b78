"""The distributions of the model and its guide: Pyro's own, but for what speed needs.

All of them can be drawn from, broadcast and are validated like any other; what is overridden is
how log probabilities are looked up, and for what is seen of cells, that they are a mean.
"""

import math
from typing import Any, ClassVar, NamedTuple, Self

import numpy as np
import pyro.distributions as dist
import torch
from pyro.distributions.util import broadcast_shape  # Torch's own would load SymPy
from torch import Tensor
from torch.distributions import constraints
from torch.types import _size

from gmmcli.core.mixture.background import Background


class SharedCategorical(dist.Categorical):
    """A categorical distribution whose batch shares one vector of weights.

    Pyro's own would look a value up in one copy for each member of the batch, which in the gradient
    makes K x C x K numbers where K components are enumerated for C cells.

    Args:
        logits: shape (K,); they are normalised.
        validate_args: as in Pyro.
    """

    def __init__(self, logits: Tensor, validate_args: bool | None = None) -> None:
        super().__init__(logits=logits, validate_args=validate_args)
        self.shared_logits: Tensor = self.logits

    def expand(self, batch_shape: _size, _instance: Any = None) -> Self:
        """This distribution for a batch, which shares its weights."""
        new: Self = self._get_checked_instance(SharedCategorical, _instance)
        new.shared_logits = self.shared_logits
        expanded: Self = super().expand(batch_shape, _instance=new)
        return expanded

    def log_prob(self, value: Tensor) -> Tensor:
        """The log probability of each value, in nats, for each member of the batch."""
        if self._validate_args:
            self._validate_sample(value)
        found = look_up(self.shared_logits, value.long())
        return found.expand(broadcast_shape(found.shape, self.batch_shape))


class SparseCategorical(dist.Categorical):
    """A categorical distribution over M candidates of its own for each member of a batch.

    All other values have the probability 0. A candidate that is named twice has the sum of both.

    Args:
        candidates: the values, shape (*batch, M).
        logits: of the same shape; they are normalised.
        validate_args: as in Pyro.
    """

    arg_constraints: dict[str, constraints.Constraint] = {  # noqa: RUF012 (as in Pyro)
        "candidates": constraints.independent(constraints.nonnegative_integer, 1),
        "logits": constraints.real_vector,
    }
    support = constraints.nonnegative_integer

    def __init__(
        self, candidates: Tensor, logits: Tensor, validate_args: bool | None = None
    ) -> None:
        self.candidates = candidates
        self.enumerated = candidates.movedim(-1, 0)  # (M, *batch)
        super().__init__(logits=logits, validate_args=validate_args)

    def expand(self, batch_shape: _size, _instance: Any = None) -> Self:
        """This distribution for a batch that its parameters broadcast to."""
        new: Self = self._get_checked_instance(SparseCategorical, _instance)
        new.candidates = self.candidates.expand(*batch_shape, self.candidates.shape[-1])
        new.enumerated = new.candidates.movedim(-1, 0)
        expanded: Self = super().expand(batch_shape, _instance=new)
        return expanded

    @property
    def mode(self) -> Tensor:
        """The likeliest candidates, of the shape of the batch."""
        return self.candidates.gather(-1, self.logits.argmax(dim=-1, keepdim=True))[..., 0]

    def sample(self, sample_shape: _size = ()) -> Tensor:
        """Values drawn, of shape (*sample, *batch)."""
        slots: Tensor = super().sample(sample_shape)
        candidates = self.candidates.expand(*slots.shape, -1)
        return candidates.gather(-1, slots[..., None])[..., 0]

    def enumerate_support(self, expand: bool = True) -> Tensor:  # noqa: ARG002 (each has its own)
        """The candidates, shape (M, *batch)."""
        return self.enumerated

    def log_prob(self, value: Tensor) -> Tensor:
        """The log probability of each value, in nats; of the shape that it broadcasts to."""
        if value is self.enumerated:  # as Pyro knows its categoricals' supports, without a look-up
            return self.logits.movedim(-1, 0)
        if self._validate_args:
            self._validate_sample(value)
        is_named = self.candidates == value[..., None]
        return torch.where(is_named, self.logits, -math.inf).logsumexp(dim=-1)


class Uniform(NamedTuple):
    """What a point of the background is drawn from: a parallelogram with one density.

    Attributes:
        corner: shape (2,).
        edges: the sides that begin there, as columns, shape (2, 2).
        log_density: inside, in nats; a number.
    """

    corner: Tensor
    edges: Tensor
    log_density: Tensor

    @staticmethod
    def of(background: Background) -> "Uniform":
        """That of a background, whatever its weight."""
        arrays = background.corner, background.edges, np.array(background.log_density)
        return Uniform(*(torch.tensor(array) for array in arrays))

    def to_background(self, weight: float) -> Background:
        """The background with a weight."""
        return Background(weight, self.corner.numpy(), self.edges.numpy())

    def draw(self, shape: _size) -> Tensor:
        """Points drawn, of shape (*shape, 2)."""
        shares = torch.rand(*shape, 2, dtype=self.corner.dtype)
        return self.corner + shares @ self.edges.mT


class AssignedNormal(dist.TorchDistribution):
    """The Gaussian of the component that a point is assigned to, one of K, or the background.

    The background is number K, and its density is the same wherever points may be observed.
    Where the points of a cell have been observed in place of one point, by their mean and their
    spread about it, the log probability is the mean of theirs: what the ELBO has to know of them.

    Args:
        assignment: the component of each point, of any shape.
        means: shape (K, 2).
        factors: lower Cholesky factors of the covariances, shape (K, 2, 2).
        spreads: the variances and the covariance xx, xy, yy of each cell's points about their mean,
            of shape (*batch, 3), which broadcasts with the assignment; none for points.
        background: what points of number K are drawn from; None where there is none.
        validate_args: as in Pyro.
    """

    arg_constraints: ClassVar[dict[str, constraints.Constraint]] = {
        "assignment": constraints.nonnegative_integer,
        "means": constraints.independent(constraints.real, 2),
        "factors": constraints.lower_cholesky,
    }
    support = constraints.real_vector
    has_rsample = True

    def __init__(
        self,
        assignment: Tensor,
        means: Tensor,
        factors: Tensor,
        spreads: Tensor | None = None,
        background: Uniform | None = None,
        validate_args: bool | None = None,
    ) -> None:
        self.assignment, self.means, self.factors = assignment, means, factors
        self.spreads, self.background = spreads, background
        batch_shape = assignment.shape
        if spreads is not None:
            batch_shape = broadcast_shape(batch_shape, spreads.shape[:-1])
        super().__init__(batch_shape, torch.Size([2]), validate_args=validate_args)

    def expand(self, batch_shape: _size, _instance: Any = None) -> Self:
        """This distribution for a batch that its parameters broadcast to."""
        new: Self = self._get_checked_instance(AssignedNormal, _instance)
        new.assignment, new.means, new.factors = self.assignment, self.means, self.factors
        new.spreads, new.background = self.spreads, self.background
        super(AssignedNormal, new).__init__(
            torch.Size(batch_shape), self.event_shape, validate_args=False
        )
        new._validate_args = self._validate_args
        return new

    def rsample(self, sample_shape: _size = ()) -> Tensor:
        """Points drawn, of shape (*sample, *batch, 2)."""
        shape = self._extended_shape(sample_shape)
        assignment = self.assignment.expand(shape[:-1])
        noise = torch.randn(*shape, 1, dtype=self.means.dtype)
        if self.background is None:
            return self._place(assignment, noise)
        among = assignment.clamp(max=len(self.means) - 1)
        is_stray = (assignment == len(self.means))[..., None]
        strays = self.background.draw(assignment.shape)
        return torch.where(is_stray, strays, self._place(among, noise))

    def _place(self, assignment: Tensor, noise: Tensor) -> Tensor:
        """The points of components, of shape (*batch, 2), given noise of shape (*batch, 2, 1)."""
        return self.means[assignment] + (self.factors[assignment] @ noise)[..., 0]

    def log_prob(self, value: Tensor) -> Tensor:
        """The log density of each point, or the mean over each cell's points, in nats."""
        if self._validate_args:
            self._validate_sample(value)
        units = LocalUnits.of(self.means, self.factors, self.background)
        is_shared = self.assignment.dim() == value.dim() == 2 and self.assignment.shape[1] == 1
        if is_shared:  # each component of a column for all points: products of matrices
            units = LocalUnits(*(look_up(each, self.assignment[:, 0]) for each in units))
            found = evaluate_all(value, units, self.spreads)
        else:
            units = LocalUnits(*(look_up(each, self.assignment) for each in units))
            found = evaluate_each(value, units, self.spreads)
        return found.expand(broadcast_shape(found.shape, self.batch_shape))


class LocalUnits(NamedTuple):
    """What takes a point (x, y) to (u, v), in units of each component, all of shape (K,).

    u = u_1 + u_x x, its distance from the mean in x, in standard deviations of x, and
    v = v_1 + v_x x + v_y y, that in y given x, in the standard deviation of y given x; the Torch
    form of `mixture.densities`, in which the origin stays, as whitened data are about it.

    Attributes:
        log_peaks: the log density at the mean, in nats.
    """

    u_1: Tensor
    u_x: Tensor
    v_1: Tensor
    v_x: Tensor
    v_y: Tensor
    log_peaks: Tensor

    @staticmethod
    def of(means: Tensor, factors: Tensor, background: Uniform | None = None) -> "LocalUnits":
        """Those of components with means (K, 2) and lower Cholesky factors (K, 2, 2).

        A background comes last: in its units every point is at the origin.
        """
        u_x, v_y = 1 / factors[:, 0, 0], 1 / factors[:, 1, 1]
        v_x = -factors[:, 1, 0] * u_x * v_y
        u_1 = -u_x * means[:, 0]
        v_1 = -v_x * means[:, 0] - v_y * means[:, 1]
        log_peaks = u_x.log() + v_y.log() - math.log(2 * math.pi)
        units = LocalUnits(u_1, u_x, v_1, v_x, v_y, log_peaks)
        if background is None:
            return units
        nowhere = torch.zeros(1, dtype=u_x.dtype)
        flat = (*[nowhere] * 5, background.log_density[None])
        return LocalUnits(*(torch.cat(both) for both in zip(units, flat, strict=True)))


def evaluate_all(points: Tensor, units: LocalUnits, spreads: Tensor | None = None) -> Tensor:
    """The mean log density of each cell's points under each component, shape (K, C), in nats.

    Products with the points give their coordinates in units of every component, whose squares are
    the distances. Squaring last keeps the digits of components much tighter than the data, at the
    price of one product with squared features.

    Args:
        points: shape (C, 2).
        units: of the components.
        spreads: of the cells, shape (C, 3); none for points.
    """
    u_1, u_x, v_1, v_x, v_y, log_peaks = units
    u = torch.stack([u_x, torch.zeros_like(u_x)], dim=1)  # (K, 2)
    v = torch.stack([v_x, v_y], dim=1)
    # In place from here on: new arrays take longest.
    distances = torch.addmm(u_1[:, None], u, points.mT).square()  # (K, C)
    distances += torch.addmm(v_1[:, None], v, points.mT).square()
    if spreads is not None:
        within = torch.stack([u_x**2 + v_x**2, 2 * v_x * v_y, v_y**2], dim=1)  # (K, 3)
        distances += within @ spreads.mT
    distances *= -0.5
    distances += log_peaks[:, None]
    return distances


def evaluate_each(points: Tensor, units: LocalUnits, spreads: Tensor | None = None) -> Tensor:
    """The mean log density of each cell's points under a component of its own, in nats.

    Args:
        points: shape (*batch, 2).
        units: of the components, of the shape of the batch or one that broadcasts with it.
        spreads: of the cells, shape (*batch, 3); none for points.
    """
    u_1, u_x, v_1, v_x, v_y, log_peaks = units
    x, y = points.movedim(-1, 0).contiguous()
    u, v = u_1 + u_x * x, v_1 + v_x * x + v_y * y
    distances = u**2 + v**2
    if spreads is not None:
        xx, xy, yy = spreads.movedim(-1, 0).contiguous()
        distances = distances + ((u_x**2 + v_x**2) * xx + 2 * v_x * v_y * xy + v_y**2 * yy)
    log_densities: Tensor = log_peaks - 0.5 * distances
    return log_densities


def look_up(values: Tensor, places: Tensor) -> Tensor:
    """The values (K,) at some places, in their shape; fast in its gradient."""
    found: Tensor = values.index_select(0, places.reshape(-1))
    return found.view(places.shape)
