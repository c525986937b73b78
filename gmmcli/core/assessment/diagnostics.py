"""All that is told of how far a fit is to be trusted: its errors, its overlaps and its misfit."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from gmmcli.core.assessment.errors import Errors, estimate_errors
from gmmcli.core.assessment.misfit import Misfit, measure_misfit
from gmmcli.core.assessment.overlap import measure_overlap
from gmmcli.core.cells.cells import Cells
from gmmcli.core.cells.grain import Grain
from gmmcli.core.mixture.covariances import FloatArray, are_floored
from gmmcli.core.mixture.knowledge import NOTHING_KNOWN, Knowledge
from gmmcli.core.mixture.mixture import Mixture
from gmmcli.errors import MixtureError
from gmmcli.settings import LEVEL, CovarianceType


@dataclass(frozen=True, eq=False)
class Diagnostics:
    """How far a mixture is to be trusted, at an optimum of its fit.

    Attributes:
        errors: of its figures.
        overlap: see `measure_overlap`.
        misfit: where it does not describe the points.

    Raises:
        MixtureError: where these are not of one number of components.
    """

    errors: Errors
    overlap: FloatArray
    misfit: Misfit

    def __post_init__(self) -> None:
        n_components = len(self.errors.axes)
        n_parts = n_components + (self.errors.background is not None)
        if self.overlap.shape != (n_parts, n_parts) or len(self.misfit.limits) != n_components:
            raise MixtureError("errors, overlaps and misfits are not of one number of components")

    def to_json(self) -> dict[str, Any]:
        """The same, ready for `json.dump`."""
        return {
            "uncertainty": self.errors.to_json(),
            "overlap": self.overlap.tolist(),
            "misfit": self.misfit.to_json(),
        }

    @staticmethod
    def from_json(values: Mapping[str, Any]) -> "Diagnostics | None":
        """What `to_json` gave; None where there was nothing.

        Raises:
            MixtureError: where these do not go together.
        """
        if values.get("uncertainty") is None:
            return None
        return Diagnostics(
            errors=Errors.from_json(values["uncertainty"]),
            overlap=np.array(values["overlap"], dtype=np.float64),
            misfit=Misfit.from_json(values["misfit"]),
        )


def diagnose(
    cells: Cells,
    mixture: Mixture,
    covariance: CovarianceType,
    least: FloatArray,
    grain: Grain,
    *,
    known: Knowledge = NOTHING_KNOWN,
    level: float = LEVEL,
) -> Diagnostics:
    """How far a mixture is to be trusted, where it is an optimum of its fit to some cells.

    Args:
        cells: in data units.
        mixture: in the same units.
        covariance: its covariance type.
        least: the least covariance that components may have, shape (2, 2), in data units.
        grain: what the points were written down with.
        known: of the mixture before its points, in the same units.
        level: of intervals: the share of samples in which they hold what is so.
    """
    floored = np.flatnonzero(are_floored(mixture.covariances, least)).tolist()
    weighed, known = cells.weigh(grain.worth), known.weigh(grain.worth)
    return Diagnostics(
        errors=estimate_errors(weighed, mixture, covariance, least, level=level, known=known),
        overlap=measure_overlap(cells, mixture),
        misfit=measure_misfit(cells, mixture, grain, floored=floored),
    )
