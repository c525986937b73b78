"""Where a climb stands: a value of NumPy's, so that whoever reads one needs no Torch."""

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from gmmcli.core.mixture.mixture import Mixture

if TYPE_CHECKING:
    from gmmcli.core.inference.curvature import Memory


@dataclass(frozen=True, eq=False)
class State:
    """Where a climb stands.

    Attributes:
        step: how many steps led there.
        mixture: after these.
        elbo: its ELBO, in nats.
        n_cells: how many cells that is of.
        by_move: whether a move of the search led there.
        expected: what the last step should have brought, in nats: all that was left before it, as
            far as the curvature is known; infinite where it is not.
        memory: what the steps have learned, for a climb that goes on from here; None if nothing.
    """

    step: int
    mixture: Mixture
    elbo: float
    n_cells: int = 0
    by_move: bool = False
    expected: float = math.inf
    memory: "Memory | None" = None
