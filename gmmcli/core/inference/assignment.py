"""The best assignment of cells to components, which the guide holds.

Of many components only the few that may have points of a cell are kept, as far as double precision
can tell (a truncated posterior; Lücke & Eggert 2010, "Expectation truncation", section 2).
"""

import math
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import pyro.distributions as dist
import torch
from torch import Tensor

from gmmcli.core.inference.distributions import SparseCategorical
from gmmcli.errors import FitError


def find_best_assignment(
    evaluate: Callable[[slice], Tensor],
    shape: tuple[int, int],
    *,
    farthest: float = 100.0,
    look_up: int = 3,
    at_once: int = 200_000,
) -> dist.Categorical:
    """The best assignment of the cells, to all components or to the few that may have points.

    Args:
        evaluate: log weight plus mean log density of the points of some cells, shape (K, part), in
            nats.
        shape: K and C.
        farthest: shares of a cell below exp(-farthest) count as that.
        look_up: looking a component up takes as long as going through so many for all cells
            (`benchmarks/planted.py`, the families of 100 clusters).
        at_once: about how many numbers are worked on at once: as many as stay in a cache, against
            the overhead of each part.

    Raises:
        FitError: when no component has a density at some cell that double precision can hold.
    """
    n_components, n_cells = shape
    length = max(at_once // n_components, 1)
    parts = [slice(begin, begin + length) for begin in range(0, n_cells, length)]
    found = list[Candidates]()
    for part in parts:
        joint = evaluate(part)
        most = _find_most(joint)
        # Smaller shares change no sum with the largest, in double precision.
        may_have = joint >= most + math.log(np.finfo(np.float64).eps)
        numbers = may_have.sum(dim=0)
        if look_up * int(numbers.max()) >= n_components:
            if len(parts) > 1:
                joint = evaluate(slice(None))
                most = _find_most(joint)
            return dist.Categorical(logits=joint.clamp(min=most - farthest).mT)
        found.append(Candidates.of(joint, most, may_have, numbers))
    n_candidates = max(own.n_slots for own in found)
    candidates = torch.zeros((n_candidates, n_cells), dtype=torch.long)
    logits = torch.cat([own.most - farthest for own in found]).repeat(n_candidates, 1)
    for part, own in zip(parts, found, strict=True):
        candidates[:, part][own.slots, own.cells] = own.components
        logits[:, part][own.slots, own.cells] = own.values
    return SparseCategorical(candidates.mT, logits.mT)


def _find_most(joint: Tensor) -> Tensor:
    """The largest log weight plus log density at each cell, in nats, shape (C,) of (K, C).

    Raises:
        FitError: where there is none that double precision can hold.
    """
    most = joint.amax(dim=0)
    if not most.isfinite().all():
        raise FitError(
            "some points are too far from every component for a density: start from a mixture "
            "nearer to them, or lower --learning-rate"
        )
    return most


class Candidates(NamedTuple):
    """The components that may have points of some cells, as far as double precision can tell.

    Attributes:
        most: the largest log weight plus log density at each cell, in nats, shape (C,).
        components: of E pairs of a component and a cell, shape (E,).
        cells: of the same, shape (E,).
        slots: their places among the candidates of the cell, shape (E,).
        values: their log weights plus log densities, in nats, shape (E,).
        n_slots: the most candidates of a cell.
    """

    most: Tensor
    components: Tensor
    cells: Tensor
    slots: Tensor
    values: Tensor
    n_slots: int

    @staticmethod
    def of(joint: Tensor, most: Tensor, may_have: Tensor, numbers: Tensor) -> "Candidates":
        """Those of cells with some log weights plus log densities, shape (K, C), in nats.

        Args:
            joint: these.
            most: the largest at each cell, shape (C,).
            may_have: which components may have points of which cells, shape (K, C).
            numbers: how many that are for each cell, shape (C,).
        """
        by_cell = np.flatnonzero(may_have.mT.contiguous().numpy())
        cells, components = (torch.from_numpy(each) for each in np.divmod(by_cell, len(may_have)))
        slots = torch.arange(len(cells)) - (numbers.cumsum(dim=0) - numbers)[cells]
        values = joint[components, cells]
        return Candidates(most, components, cells, slots, values, int(numbers.max()))
