"""How a fit went, in figures: what the summary says of it, and its run has."""

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from gmmcli.core.cells.refinement import CompressionCost, compare_gap
from gmmcli.core.mixture.units import Nats, NatsPerPoint
from gmmcli.core.runs.reading import DamageError, read_object, read_value
from gmmcli.core.search.criteria import Criteria
from gmmcli.core.search.outcome import Search
from gmmcli.core.search.status import Status

if TYPE_CHECKING:
    from gmmcli.core.runs.result import Fit


@dataclass(frozen=True)
class Figures:
    """How a fit went.

    Attributes:
        status: how it ended.
        n_points: N, the points, or what they weigh together.
        n_effective: how many points they are worth as evidence, in the units of the counts.
        log_likelihood: of all points, in nats; where cells are no points, a lower bound.
        exact_log_likelihood: of all rows, in nats; None where it was not asked for.
        cost: what fitting cells in place of points costs.
        criteria: BIC, AIC and ICL.
        floored: the components that are as thin as the resolution of the data lets them be.
        search: what the search did; None where the start was given.
        background_gain: see `Fit`.
        seconds: how long the search and the steps took.
    """

    status: Status
    n_points: float
    n_effective: float
    log_likelihood: Nats
    exact_log_likelihood: Nats | None
    cost: CompressionCost
    criteria: Criteria
    floored: tuple[int, ...]
    search: Search | None
    background_gain: float
    seconds: float

    @property
    def worth(self) -> float:
        """What a count of one is worth as evidence."""
        return self.n_effective / self.n_points

    @classmethod
    def of(cls, fit: "Fit", exact_log_likelihood: Nats | None = None) -> "Figures":
        """Those of a fit."""
        return cls(
            status=fit.status,
            n_points=fit.cells.n_points,
            n_effective=fit.n_effective,
            log_likelihood=fit.elbo,
            exact_log_likelihood=exact_log_likelihood,
            cost=fit.cost,
            criteria=fit.criteria,
            floored=fit.floored,
            search=fit.search,
            background_gain=fit.background_gain,
            seconds=fit.seconds,
        )

    def to_json(self) -> dict[str, Any]:
        """The same, ready for `json.dump`."""
        gain = self.background_gain
        return {
            "status": self.status.value,
            "points": _drop_fraction(self.n_points),
            "effective_points": _drop_fraction(self.n_effective),
            "log_likelihood": self.log_likelihood,
            **asdict(self.criteria),
            "compression_gap": self.cost.gap,
            "compression_shift": self.cost.shift,
            "coarse": self.cost.is_coarse,
            "exact_log_likelihood": self.exact_log_likelihood,
            "floored": list(self.floored),
            "search": None if self.search is None else asdict(self.search),
            "background_gain": gain if math.isfinite(gain) else None,
            "seconds": round(self.seconds, 3),
        }

    @classmethod
    def from_json(cls, fit: Mapping[str, Any]) -> "Figures":
        """Those that `to_json` gave.

        Earlier versions told nothing of effective points, or of what a background would bring.

        Raises:
            KeyError: for one that is missing.
            DamageError: for one that is none.
        """
        status = read_value(str, fit["status"], "fit.status")
        if status not in {each.value for each in Status}:
            raise DamageError(f"fit.status is {status!r}: no fit ends so")
        n_points = _read_number(fit, "points")
        n_effective = _read_number(fit, "effective_points") if "effective_points" in fit else None
        if n_points <= 0:
            raise DamageError(f"points is {n_points}")
        gain, search = fit.get("background_gain"), fit["search"]
        shift = read_value(float | None, fit["compression_shift"], "fit.compression_shift")
        gap = NatsPerPoint(_read_number(fit, "compression_gap"))
        return cls(
            status=Status(status),
            n_points=n_points,
            n_effective=n_points if n_effective is None else n_effective,
            log_likelihood=Nats(_read_number(fit, "log_likelihood")),
            exact_log_likelihood=read_value(
                float | None, fit["exact_log_likelihood"], "fit.exact_log_likelihood"
            ),
            cost=CompressionCost(gap, compare_gap(n_points, gap), shift, bool(fit["coarse"])),
            criteria=Criteria(*(_read_number(fit, name) for name in ("bic", "aic", "icl"))),
            floored=read_value(tuple[int, ...], fit["floored"], "fit.floored"),
            search=None if search is None else read_object(Search, search, "fit.search"),
            background_gain=-math.inf
            if gain is None
            else read_value(float, gain, "fit.background_gain"),
            seconds=_read_number(fit, "seconds"),
        )


def _read_number(fit: Mapping[str, Any], name: str) -> float:
    """A finite number among the figures of a fit.

    Raises:
        DamageError: where it is none.
    """
    number: float = read_value(float, fit[name], f"fit.{name}")
    if not math.isfinite(number):
        raise DamageError(f"{name} is {number}")
    return number


def _drop_fraction(number: float) -> int | float:
    """A number as JSON should show it: without a fraction where it has none."""
    return int(number) if number.is_integer() else number
