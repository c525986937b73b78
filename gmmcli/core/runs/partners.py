"""What the fit of one value of a column is to the fit of all rows, component by component."""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from gmmcli.core.mixture.covariances import FloatArray
from gmmcli.core.mixture.distances import measure_distances
from gmmcli.core.mixture.gaussians import IntArray
from gmmcli.core.mixture.mixture import Mixture


@dataclass(frozen=True, eq=False)
class Partners:
    """Which component of the mixture of all rows each component of a part is.

    Attributes:
        numbers: of that component, or -1 where there is none left, shape (K,).
        distances: from it, as `measure_distances` has them, shape (K,); NaN where there is none.
    """

    numbers: IntArray
    distances: FloatArray

    @staticmethod
    def of(numbers: IntArray, mixture: Mixture, pooled: Mixture) -> "Partners":
        """The partners with these numbers of the components of a mixture, shape (K,)."""
        apart = measure_distances(mixture, pooled)
        own = apart[np.arange(len(numbers)), numbers]  # of -1, of any
        return Partners(numbers, np.where(numbers < 0, np.nan, own))

    def to_json(self) -> dict[str, Any]:
        """The same as the JSON of a run has it: null where there is none."""
        numbers, distances = self.numbers.tolist(), self.distances.tolist()
        return {
            "pooled": [number if number >= 0 else None for number in numbers],
            "distances": [None if math.isnan(distance) else distance for distance in distances],
        }


@dataclass(frozen=True, eq=False)
class Membership:
    """The value of a column whose rows were fitted by themselves.

    Attributes:
        column: its name.
        value: as text.
        partners: of the components of the fit.
    """

    column: str
    value: str
    partners: Partners

    def to_json(self) -> dict[str, Any]:
        """The same as the JSON of a run has it."""
        return {"column": self.column, "value": self.value, **self.partners.to_json()}
