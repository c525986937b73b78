"""How a fit went, in figures: what the summary says of it, and its run has."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from gmmcli.core.mixture.units import Nats
from gmmcli.core.runs.reading import DamageError, read_value
from gmmcli.core.search.status import Status

if TYPE_CHECKING:
    from gmmcli.core.runs.result import Fit


@dataclass(frozen=True)
class Figures:
    """How a fit went.

    Attributes:
        status: how it ended.
        n_points: N, the points, or what they weigh together.
        n_skipped: the rows left out, because a coordinate is empty or not finite.
        log_likelihood: of all points, in nats; where cells are no points, a lower bound.
        bic: the Bayesian information criterion, in twice nats.
        aic: Akaike's.
        icl: BIC and the doubt about assignments.
    """

    status: Status
    n_points: float
    n_skipped: int
    log_likelihood: Nats
    bic: float
    aic: float
    icl: float

    @classmethod
    def of(cls, fit: "Fit", n_skipped: int) -> "Figures":
        """Those of a fit, given how many rows it left out."""
        criteria = fit.criteria.bic, fit.criteria.aic, fit.criteria.icl
        return cls(fit.status, fit.cells.n_points, n_skipped, fit.elbo, *criteria)

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> "Figures":
        """Those in the JSON of a run.

        Raises:
            KeyError: for one that is missing.
            DamageError: for one that is none.
        """
        fit = values["fit"]
        status = read_value(str, fit["status"], "fit.status")
        if status not in {each.value for each in Status}:
            raise DamageError(f"fit.status is {status!r}: no fit ends so")
        names = ("points", "log_likelihood", "bic", "aic", "icl")
        figures = [read_value(float, fit[name], f"fit.{name}") for name in names]
        for name, figure in zip(names, figures, strict=True):
            if not math.isfinite(figure):
                raise DamageError(f"{name} is {figure}")
        n_points, log_likelihood, *criteria = figures
        if n_points <= 0:
            raise DamageError(f"points is {n_points}")
        n_skipped = read_value(int, values["data"]["skipped_rows"], "data.skipped_rows")
        if n_skipped < 0:
            raise DamageError(f"data.skipped_rows is {n_skipped}")
        return cls(Status(status), n_points, n_skipped, Nats(log_likelihood), *criteria)
