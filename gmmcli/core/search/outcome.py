"""What a search or a choice comes to: the states on the way, in whitened units, and their figures.

What a user is told of it, in data units, is made in `runs.result`.
"""

import math
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from gmmcli.core.cells.cells import Cells
from gmmcli.core.cells.grain import Grain
from gmmcli.core.cells.refinement import Coarseness
from gmmcli.core.inference.state import State
from gmmcli.core.mixture.covariances import FloatArray
from gmmcli.core.mixture.gaussians import IntArray
from gmmcli.core.mixture.knowledge import NOTHING_KNOWN, Knowledge
from gmmcli.core.mixture.mixture import Mixture
from gmmcli.core.mixture.units import Nats
from gmmcli.core.mixture.whitening import Whitening
from gmmcli.core.search.criteria import Criteria, Selection
from gmmcli.core.search.status import Status
from gmmcli.settings import FitSettings


@dataclass(frozen=True)
class Search:
    """What a search for the best mixture did.

    Attributes:
        passes: how many passes from starts of their own there were.
        returns: how many of them came to the optimum of the best before they were crossed with any.
    """

    passes: int
    returns: int


@dataclass(frozen=True, eq=False)
class SecondOptimum:
    """Another optimum that is nearly as good.

    Attributes:
        mixture: in data units.
        deficit: by how much its log-likelihood is lower, in nats.
    """

    mixture: Mixture
    deficit: Nats


@dataclass(frozen=True, eq=False)
class Outcome:
    """Where a fit has come to.

    Attributes:
        settings: what was asked for; where there was a choice, with what was chosen.
        states: every step, in whitened units; the last is the result.
        whitening: to these units.
        status: how the fit ended.
        cells: the data that was fitted, in data units.
        coarseness: how coarse the cells are for the mixture.
        criteria: BIC, AIC and ICL, of the ELBO and the estimated gap together.
        floored: the components that are as thin as the resolution of the data lets them be,
            ascending.
        least: the least covariance that components may have, shape (2, 2), in data units.
        grain: what the points were written down with, and what they are worth.
        background_gain: what a background brings to the criterion beyond what is asked of one, in
            twice nats; negative where it brings less.
        search: what the search did; None where the start was given.
        seconds: how long the search and the steps took.
        selection: what the mixture was chosen from; None where there was no choice.
        second: another optimum of as many components; None where none is nearly as good.
        known: of the mixture before the data, in data units.
    """

    settings: FitSettings
    states: tuple[State, ...]
    whitening: Whitening
    status: Status
    cells: Cells
    coarseness: Coarseness
    criteria: Criteria
    floored: tuple[int, ...]
    least: FloatArray
    grain: Grain
    search: Search | None
    seconds: float = 0.0
    selection: Selection | None = None
    background_gain: float = -math.inf
    second: SecondOptimum | None = None
    known: Knowledge = NOTHING_KNOWN

    @cached_property
    def mixture(self) -> Mixture:
        """The mixture that was found, in data units."""
        return self.whitening.unwhiten(self.states[-1].mixture)

    def reorder(self, order: IntArray) -> "Outcome":
        """The same with component `order[k]` in place k, at every step; shape (K,)."""
        states = [replace(state, mixture=state.mixture.reorder(order)) for state in self.states]
        floored = np.flatnonzero(np.isin(order, self.floored)).tolist()
        return replace(self, states=tuple(states), floored=tuple(floored))

    @property
    def n_effective(self) -> float:
        """How many points the data are worth as evidence, in the units of the counts."""
        return self.cells.n_points * self.grain.worth

    @property
    def elbo(self) -> Nats:
        """Its ELBO, in nats and data units."""
        return Nats(self.states[-1].elbo + self.cells.n_points * self.whitening.log_volume)

    @property
    def log_likelihood(self) -> Nats:
        """The log-likelihood as estimated, in nats and data units: the ELBO and the gap."""
        return Nats(self.elbo + self.coarseness.gap * self.cells.n_points)
