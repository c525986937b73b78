"""What a search or a choice comes to: the states on the way, in whitened units, and their figures.

What a user is told of it, in data units, is made in `runs.result`.
"""

from dataclasses import dataclass
from functools import cached_property

from gmmcli.core.cells.cells import Cells
from gmmcli.core.cells.refinement import Coarseness
from gmmcli.core.inference.state import State
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
        rounds: how many rounds of moves were tried.
        moves: how many of them led higher.
        starts: how many other starts the best mixture was crossed with, since it was found.
        returns: how many of these reached the same optimum.
    """

    rounds: int = 0
    moves: int = 0
    starts: int = 0
    returns: int = 0


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
        floored: the components that stand on the covariance floor, ascending.
        handful: how many points are enough for a component, in the units of the cells' counts.
        search: what the search did; None where the start was given.
        seconds: how long the search and the steps took.
        selection: what the mixture was chosen from; None where there was no choice.
    """

    settings: FitSettings
    states: tuple[State, ...]
    whitening: Whitening
    status: Status
    cells: Cells
    coarseness: Coarseness
    criteria: Criteria
    floored: tuple[int, ...]
    handful: float
    search: Search | None
    seconds: float = 0.0
    selection: Selection | None = None

    @cached_property
    def mixture(self) -> Mixture:
        """The mixture that was found, in data units."""
        return self.whitening.unwhiten(self.states[-1].mixture)

    @property
    def elbo(self) -> Nats:
        """Its ELBO, in nats and data units."""
        return Nats(self.states[-1].elbo + self.cells.n_points * self.whitening.log_volume)

    @property
    def log_likelihood(self) -> Nats:
        """The log-likelihood as estimated, in nats and data units: the ELBO and the gap."""
        return Nats(self.elbo + self.coarseness.gap * self.cells.n_points)
