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
        elbo: its ELBO, in nats; that of the points alone.
        n_cells: how many cells that is of.
        by_move: whether a move of the search led there.
        expected: what the last step should have brought, in nats: all that was left before it, as
            far as the curvature is known; infinite where it is not.
        memory: what the steps have learned, for a climb that goes on from here; None if nothing.
        log_prior: the log density of the mixture by what is known before its points, in nats and
            but for a constant; 0 where nothing is.
    """

    step: int
    mixture: Mixture
    elbo: float
    n_cells: int = 0
    by_move: bool = False
    expected: float = math.inf
    memory: "Memory | None" = None
    log_prior: float = 0.0

    @property
    def log_posterior(self) -> float:
        """What a climb goes up, in nats: the ELBO and the log prior."""
        return self.elbo + self.log_prior
