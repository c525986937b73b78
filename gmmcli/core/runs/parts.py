"""The fit of one part of a table: a run of its own, with the numbers of the fit of all rows."""

from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from traceback import format_exc

import numpy as np

from gmmcli.core.cells.cells import Cells
from gmmcli.core.cells.compression import compress
from gmmcli.core.cells.parts import Part
from gmmcli.core.mixture.knowledge import NOTHING_KNOWN, Knowledge
from gmmcli.core.mixture.matching import match, order_by_partners
from gmmcli.core.mixture.mixture import Mixture
from gmmcli.core.runs.directory import write_run
from gmmcli.core.runs.fits import fit_cells, make_hooks
from gmmcli.core.runs.partners import Membership, Partners
from gmmcli.core.runs.resampling import resample
from gmmcli.core.runs.result import Fit, Provenance, describe
from gmmcli.core.search.criteria import Criteria
from gmmcli.core.search.hooks import Hooks
from gmmcli.core.search.outcome import Outcome
from gmmcli.core.search.sketch import sketch_mixture
from gmmcli.core.search.status import Status
from gmmcli.core.tables.partition import Partition
from gmmcli.errors import GmmError
from gmmcli.settings import Choice, CovarianceType, FitSettings


@dataclass(frozen=True, eq=False)
class PartPlan:
    """What is asked of every part.

    Attributes:
        partition: where the rows are.
        settings: of a fit.
        choice: what each mixture is chosen from.
        start: the mixture to begin with; None where one is searched for.
        pooled: the mixture of all rows, whose numbers the components of parts take.
        exact: whether every distinct point is a cell, however many there are.
        most_cells: the largest number of cells.
        strict: whether rows without two finite coordinates are refused.
        provenance: of the run of all rows.
        known: of the mixture before the data; of every part as of all rows.
    """

    partition: Partition
    settings: FitSettings
    choice: Choice
    start: Mixture | None
    pooled: Mixture
    exact: bool
    most_cells: int
    strict: bool
    provenance: Provenance
    known: Knowledge = NOTHING_KNOWN


@dataclass(frozen=True, eq=False)
class Found:
    """What was found of a part.

    Attributes:
        n_skipped: the rows left out.
        mixture: in data units.
        covariance: its covariance type.
        criteria: BIC, AIC and ICL.
        status: how the fit ended.
        is_coarse: whether its cells break one of the rules.
        partners: of the components.
    """

    n_skipped: int
    mixture: Mixture
    covariance: CovarianceType
    criteria: Criteria
    status: Status
    is_coarse: bool
    partners: Partners


@dataclass(frozen=True, eq=False)
class Ending:
    """What came of a part.

    Attributes:
        value: of its rows.
        n_rows: how many.
        directory: the name of its run.
        found: None where it could not be fitted.
        problem: why; empty where it could.
        trace: where in the program, if the problem is a fault of it.
    """

    value: str
    n_rows: int
    directory: str
    found: Found | None = None
    problem: str = ""
    trace: str = ""


def fit_part(plan: PartPlan, part: Part, directory: Path) -> Ending:
    """Fit a part, write its run to a directory, and say what came of it.

    Whatever goes wrong is told of this part alone: others have theirs, which may have taken hours.
    """
    name = directory.name
    if part.problem:
        return Ending(part.value, part.n_rows, name, problem=part.problem)
    try:
        cells, hooks, n_skipped = _read(plan, part)
        outcome = fit_cells(cells, plan.settings, plan.choice, plan.start, hooks, plan.known)
        outcome, partners = _number(plan, outcome)
        asked = plan.provenance.asked
        fit = describe(outcome, asked.valley, asked.level)
        if asked.bootstrap is not None:
            fit = resample(fit, outcome, asked.bootstrap, asked.level)
        write_run(directory, fit, _make_provenance(plan, part, n_skipped, partners))
    except GmmError as error:
        return Ending(part.value, part.n_rows, name, problem=str(error))
    except Exception as error:  # noqa: BLE001 (a fault of this program, which keeps its traceback)
        problem = f"{type(error).__name__}: {' '.join(str(error).split())}"
        return Ending(part.value, part.n_rows, name, None, problem, format_exc())
    return Ending(part.value, part.n_rows, name, _summarize(fit, n_skipped, partners))


def _read(plan: PartPlan, part: Part) -> tuple[Cells, Hooks, int]:
    """The cells of a part, what a fit asks of its caller there, and the rows left out."""
    if part.points is not None:
        points = part.points
        return points.cells, Hooks(grain=points.grain, shows_way=False), points.n_skipped
    compression = compress(
        plan.partition.open(part.value),
        exact=plan.exact,
        most_cells=plan.most_cells,
        strict=plan.strict,
        sketch=partial(sketch_mixture, n_components=plan.choice.most),
    )
    hooks = make_hooks(compression, Hooks(shows_way=False))
    return compression.cells, hooks, compression.n_skipped


def _number(plan: PartPlan, outcome: Outcome) -> tuple[Outcome, Partners]:
    """An outcome with the numbers of the mixture of all rows, and its components' partners.

    Where a start is given, both have its numbers already.
    """
    if plan.start is not None:
        numbers = np.arange(plan.start.n_components, dtype=np.intp)
    else:
        numbers = match(outcome.mixture, plan.pooled)
        order = order_by_partners(numbers)
        outcome, numbers = outcome.reorder(order), numbers[order]
    return outcome, Partners.of(numbers, outcome.mixture, plan.pooled)


def _make_provenance(plan: PartPlan, part: Part, n_skipped: int, partners: Partners) -> Provenance:
    """Where the fit of a part comes from, for its run to tell."""
    return replace(
        plan.provenance,
        n_rows=part.n_rows,
        n_skipped=n_skipped,
        asked=replace(plan.provenance.asked, by=None),
        by=Membership(plan.partition.by, part.value, partners),
    )


def _summarize(fit: Fit, n_skipped: int, partners: Partners) -> Found:
    """What of a fit the table of all values, and what a user is told of them, need."""
    return Found(
        n_skipped=n_skipped,
        mixture=fit.mixture,
        covariance=fit.settings.covariance,
        criteria=fit.criteria,
        status=fit.status,
        is_coarse=fit.cost.is_coarse,
        partners=partners,
    )
