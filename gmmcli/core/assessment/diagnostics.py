"""All that is told of how far a fit is to be trusted: its errors, its overlaps and its misfit."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from gmmcli.core.assessment.errors import Errors
from gmmcli.core.assessment.misfit import Misfit
from gmmcli.core.mixture.covariances import FloatArray
from gmmcli.errors import MixtureError


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
