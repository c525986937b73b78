"""What comes of a fit, and where it came from, as plain values."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any

import numpy as np
import numpy.typing as npt

from gmmcli.core.cells.cells import Cells
from gmmcli.core.cells.refinement import Coarseness, compare_gap
from gmmcli.core.mixture.mixture import Mixture
from gmmcli.core.runs.history import History
from gmmcli.core.search.criteria import Criteria, Selection
from gmmcli.core.search.objective import are_strays, have_few_points
from gmmcli.settings import FitSettings


class Status(Enum):
    """How a fit ended, and what that means to the user."""

    CONVERGED = "converged"
    STEP_LIMIT = "step limit reached"
    INTERRUPTED = "interrupted"

    @property
    def remedy(self) -> str:
        """What to do where a fit did not converge; empty where it did."""
        remedies = {
            Status.STEP_LIMIT: "raise --steps to climb on",
            Status.INTERRUPTED: "go on with --init and this run's parameters.json",
        }
        return remedies.get(self, "")


@dataclass(frozen=True)
class Search:
    """What a search for the best mixture did.

    Attributes:
        rounds: how many rounds of moves were tried.
        moves: how many of them led higher.
        starts: how many other starts the best mixture was crossed with, since it was found.
        returns: how many of these led as high.
    """

    rounds: int = 0
    moves: int = 0
    starts: int = 0
    returns: int = 0


@dataclass(frozen=True, eq=False)
class Fit:
    """The outcome of a fit, in data units.

    Attributes:
        settings: what was asked for; where there was a choice, with what was chosen.
        history: every step, the last being the result; components in canonical order.
        status: how the fit ended.
        cells: the data that was fitted.
        log_likelihood: of all points at the final parameters, in nats: the ELBO, which equals it
            where every cell is one point.
        coarseness: how coarse the cells are for the mixture.
        criteria: BIC, AIC and ICL, of the ELBO and the estimated gap together.
        floored: the components that stand on the covariance floor, ascending.
        handful: how many points are enough for a component, in the units of the cells' counts.
        search: what the search did; None where the start was given.
        seconds: how long the search and the steps took.
        selection: what the mixture was chosen from; None where there was no choice.
    """

    settings: FitSettings
    history: History
    status: Status
    cells: Cells
    log_likelihood: float
    coarseness: Coarseness
    criteria: Criteria
    floored: tuple[int, ...]
    handful: float
    search: Search | None
    seconds: float
    selection: Selection | None = None

    @property
    def mixture(self) -> Mixture:
        """The final mixture."""
        return self.history.snapshot(self.history.last_step).mixture

    @property
    def with_few_points(self) -> tuple[int, ...]:
        """The components on fewer points than a handful, ascending."""
        return tuple(np.flatnonzero(self._have_few_points).tolist())

    @property
    def has_strays_alone_on_few(self) -> bool:
        """Whether all components on few points, if any, are of strays; see `soundness.flaw`."""
        return are_strays(self.mixture, self._have_few_points)

    @property
    def _have_few_points(self) -> npt.NDArray[np.bool_]:
        return have_few_points(self.mixture, self.cells.n_points, self.handful)

    @property
    def compression_gap(self) -> float:
        """What the log-likelihood is estimated to have over the ELBO, in nats per point.

        0 where every cell is one point.
        """
        return self.coarseness.gap

    @property
    def compression_shift(self) -> float | None:
        """How far the cells are estimated to move a component's parameters, in standard errors.

        See `estimate_shifts`; 0 where every cell is one point, None before a fit has converged.
        """
        return self.coarseness.shift

    @property
    def is_coarse(self) -> bool:
        """Whether the cells break a rule of `refinement`, for want of room or of passes."""
        return self.coarseness.is_coarse

    def true_gap(self, exact_log_likelihood: float) -> float:
        """What the log-likelihood of the points, in nats, has over the ELBO, in nats per point."""
        return (exact_log_likelihood - self.log_likelihood) / self.cells.n_points

    def gap_ratio(self, gap: float) -> float:
        """How a gap, in nats per point, compares with the largest that `refinement` allows."""
        return compare_gap(self.cells, gap)


@dataclass(frozen=True)
class Provenance:
    """Where a fit came from, for its run to tell.

    Attributes:
        columns: the names of the two coordinates.
        source: the table.
        n_rows: the rows read.
        n_skipped: the rows left out.
        asked: what was asked beside the fit's settings, by option.
    """

    columns: tuple[str, str]
    source: str
    n_rows: int
    n_skipped: int
    asked: Mapping[str, Any]
