"""How a fit went, in figures: what the summary says of it, and its run has."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from gmmcli.core.mixture.units import Nats
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
            ValueError: for one that is none.
        """
        fit, n_skipped = values["fit"], values["data"]["skipped_rows"]
        names = ("points", "log_likelihood", "bic", "aic", "icl")
        for name in names:
            if type(fit[name]) not in (int, float) or not math.isfinite(fit[name]):
                raise ValueError(f"{name} is {fit[name]!r}")
        n_points, log_likelihood, *criteria = (float(fit[name]) for name in names)
        if n_points <= 0:
            raise ValueError(f"points is {n_points}")
        if type(n_skipped) is not int or n_skipped < 0:
            raise ValueError(f"skipped_rows is {n_skipped!r}")
        status = Status(fit["status"])
        return cls(status, n_points, n_skipped, Nats(log_likelihood), *criteria)
