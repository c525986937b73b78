"""What comes of a fit, and where it came from, as plain values in data units."""

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from gmmcli.core.assessment.bootstrap import Bootstrap
from gmmcli.core.assessment.diagnostics import Diagnostics
from gmmcli.core.assessment.errors import Errors, estimate_errors
from gmmcli.core.assessment.misfit import measure_misfit
from gmmcli.core.assessment.overlap import measure_overlap
from gmmcli.core.cells.cells import Cells
from gmmcli.core.cells.refinement import CompressionCost, compare_gap
from gmmcli.core.groups.groups import Groups, find_groups
from gmmcli.core.mixture.knowledge import NOTHING_KNOWN, Knowledge
from gmmcli.core.mixture.mixture import Mixture
from gmmcli.core.mixture.units import Nats, NatsPerPoint
from gmmcli.core.runs.asked import Asked
from gmmcli.core.runs.history import History
from gmmcli.core.runs.partners import Membership
from gmmcli.core.search.criteria import Criteria, Selection
from gmmcli.core.search.outcome import Outcome, Search, SecondOptimum
from gmmcli.core.search.status import Status
from gmmcli.settings import LEVEL, VALLEY, FitSettings

if TYPE_CHECKING:  # loads the search, and so Torch
    from gmmcli.core.cells.compression import Compression
    from gmmcli.core.runs.likeness import Likeness
    from gmmcli.core.tables.table import Table


@dataclass(frozen=True, eq=False)
class Fit:
    """A fit as a user is told of it.

    Attributes:
        settings: what was asked for; where there was a choice, with what was chosen.
        history: every step, the last being the result; components in canonical order.
        status: how the fit ended.
        cells: the data that was fitted.
        elbo: of all points at the final parameters, in nats: a lower bound on the log-likelihood,
            and the log-likelihood itself where every cell is one point.
        cost: what fitting cells in place of points costs.
        criteria: BIC, AIC and ICL, of the ELBO and the estimated gap together.
        floored: the components that are as thin as the resolution of the data lets them be,
            ascending.
        n_effective: how many points they are worth as evidence, in the units of the counts.
        groups: of the final mixture.
        diagnostics: how far it is to be trusted; None where the fit did not converge.
        bootstrap: its figures in resampled points; None where there were none, or the fit is read
            from its run.
        second: another optimum of as many components; None where none is nearly as good.
        background_gain: what a background brings to the criterion beyond what is asked of one, in
            twice nats; negative where it brings less.
        search: what the search did; None where the start was given.
        seconds: how long the search and the steps took.
        selection: what the mixture was chosen from; None where there was no choice.
        known: of the mixture before the data.
    """

    settings: FitSettings
    history: History
    status: Status
    cells: Cells
    elbo: Nats
    cost: CompressionCost
    criteria: Criteria
    floored: tuple[int, ...]
    n_effective: float
    search: Search | None
    seconds: float
    groups: Groups
    diagnostics: Diagnostics | None = None
    selection: Selection | None = None
    bootstrap: Bootstrap | None = None
    second: SecondOptimum | None = None
    background_gain: float = -math.inf
    known: Knowledge = NOTHING_KNOWN

    @property
    def mixture(self) -> Mixture:
        """The final mixture."""
        return self.history.snapshot(self.history.last_step).mixture

    @property
    def errors(self) -> Errors | None:
        """How sure the mixture's figures are; None where the fit did not converge."""
        return None if self.diagnostics is None else self.diagnostics.errors

    def true_gap(self, exact_log_likelihood: Nats) -> NatsPerPoint:
        """What the log-likelihood of the points, in nats, has over the ELBO, in nats per point."""
        return NatsPerPoint((exact_log_likelihood - self.elbo) / self.cells.n_points)

    def gap_ratio(self, gap: NatsPerPoint) -> float:
        """How a gap, in nats per point, compares with the largest that is allowed."""
        return compare_gap(self.cells.n_points, gap)


def describe(outcome: Outcome, valley: float = VALLEY, level: float = LEVEL) -> Fit:
    """What a user is told of where a fit has come to, in data units.

    Args:
        outcome: of the fit.
        valley: how high a saddle is, as a share of the lower mode, that divides no groups.
        level: of intervals: the share of samples in which they hold what is so.
    """
    cells = outcome.cells
    history = History.trace(outcome.states, cells.n_points, outcome.whitening)
    history = history.restore(outcome.known)
    mixture = history.snapshot(history.last_step).mixture
    return Fit(
        settings=outcome.settings,
        history=history,
        status=outcome.status,
        cells=cells,
        elbo=outcome.elbo,
        cost=outcome.coarseness.summarize(),
        criteria=outcome.criteria,
        floored=outcome.floored,
        n_effective=outcome.n_effective,
        search=outcome.search,
        seconds=outcome.seconds,
        groups=find_groups(mixture, cells, valley),
        diagnostics=_diagnose(outcome, mixture, level),
        selection=outcome.selection,
        second=outcome.second,
        background_gain=outcome.background_gain,
        known=outcome.known,
    )


def _diagnose(outcome: Outcome, mixture: Mixture, level: float) -> Diagnostics | None:
    """How far a fit is to be trusted; None where it did not converge, and so stands anywhere."""
    if outcome.status is not Status.CONVERGED:
        return None
    cells, grain = outcome.cells, outcome.grain
    errors = estimate_errors(
        grain.weigh(cells),
        mixture,
        outcome.settings.covariance,
        outcome.least,
        level=level,
        known=outcome.known.weigh(grain.worth),
    )
    misfit = measure_misfit(cells, mixture, grain, floored=outcome.floored)
    return Diagnostics(errors, measure_overlap(cells, mixture), misfit)


@dataclass(frozen=True)
class Provenance:
    """Where a fit came from, for its run to tell.

    Attributes:
        columns: the names of the two coordinates.
        source: the table.
        n_rows: the rows read.
        n_skipped: the rows left out.
        asked: what was asked beside the fit's settings.
        like: how it differs from the run of --like; None without one.
        by: the value whose rows it is of; None of a fit of all rows.
    """

    columns: tuple[str, str]
    source: str
    n_rows: int
    n_skipped: int
    asked: Asked
    like: "Likeness | None" = None
    by: Membership | None = None

    @staticmethod
    def of(table: "Table", compression: "Compression", asked: Asked) -> "Provenance":
        """That of a table as cells."""
        rows = compression.n_rows, compression.n_skipped
        return Provenance(table.columns, table.source, *rows, asked)
