"""The background of a mixture: stray points, as dense everywhere in a box. NumPy only."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from gmmcli.core.mixture.covariances import FloatArray
from gmmcli.core.mixture.densities import log_weights
from gmmcli.errors import MixtureError

# What the points of a background are labelled: a name, with nothing to be traded.
BACKGROUND_LABEL = -1


@dataclass(frozen=True, eq=False)
class Background:
    """A component that is uniform over a box; a parallelogram once an affine map has moved it.

    Attributes:
        weight: 0 or more.
        corner: of the box, shape (2,), in data units.
        edges: the sides that begin there, as columns, shape (2, 2); diagonal in data units.

    Raises:
        MixtureError: naming the value that breaks one of these rules.
    """

    weight: float
    corner: FloatArray
    edges: FloatArray

    def __post_init__(self) -> None:
        for name, shape in (("corner", (2,)), ("edges", (2, 2))):
            values = np.array(getattr(self, name), dtype=np.float64)
            if values.shape != shape or not np.isfinite(values).all():
                raise MixtureError(
                    f"the {name} of the background must be finite numbers of shape {shape}, "
                    f"not {values.tolist()}"
                )
            values.setflags(write=False)
            object.__setattr__(self, name, values)
        object.__setattr__(self, "weight", float(self.weight))
        if not (math.isfinite(self.weight) and self.weight >= 0):
            raise MixtureError(
                f"the weight of the background is {self.weight}: it must be 0 or more"
            )
        if not math.isfinite(self.log_density):
            raise MixtureError(
                f"the box of the background has no area: its sides are {self.edges.T.tolist()}"
            )

    @staticmethod
    def over(box: npt.ArrayLike, weight: float) -> "Background":
        """The background over a box along the axes.

        Args:
            box: the lowest and the highest value of each coordinate, shape (2, 2).
            weight: 0 or more.

        Raises:
            MixtureError: where this is no box, or the weight is none.
        """
        try:
            lows, highs = np.array(box, dtype=np.float64).reshape(2, 2).T
        except (TypeError, ValueError, OverflowError) as error:
            raise MixtureError(
                "the box of the background must be the lowest and the highest value of either "
                f"coordinate, not {box!r}"
            ) from error
        if not (lows < highs).all():
            raise MixtureError(
                f"the box of the background is {np.stack([lows, highs], axis=1).tolist()}: either "
                "lowest value must be less than the highest"
            )
        return Background(weight, lows, np.diag(highs - lows))

    @property
    def box(self) -> FloatArray:
        """The lowest and the highest value of each coordinate, shape (2, 2), in data units."""
        ends = np.stack([np.zeros(2), *self.edges.T, self.edges.sum(axis=1)])  # (4, 2)
        return np.stack([self.corner + ends.min(axis=0), self.corner + ends.max(axis=0)], axis=1)

    @property
    def reach(self) -> FloatArray:
        """The box with the margin within which points still count as inside, shape (2, 2)."""
        lows, highs = self.box.T
        slack = self._find_slack() * (highs - lows)
        return np.stack([lows - slack, highs + slack], axis=1)

    @property
    def log_density(self) -> float:
        """The log density inside the box, in nats; that of its own, whatever the weight."""
        return -float(np.linalg.slogdet(self.edges).logabsdet)

    @property
    def height(self) -> float:
        """The log of the weight plus the log density inside the box, in nats."""
        return float(log_weights(np.array(self.weight))) + self.log_density

    def contains(self, points: FloatArray) -> npt.NDArray[np.bool_]:
        """Which points lie in the box or on its edge, shape (N,).

        Args:
            points: shape (N, 2).
        """
        along, slack = (points - self.corner) @ np.linalg.inv(self.edges).T, self._find_slack()
        return np.asarray(((along >= -slack) & (along <= 1 + slack)).all(axis=1))

    def _find_slack(self, *, margin: float = 1e-9, n_spacings: float = 4) -> FloatArray:
        """How far beyond a side points still count as inside, as a share of either, shape (2,).

        Those on the edge are inside then, whatever rounding made of them in other units.

        Args:
            margin: the least.
            n_spacings: so many distances between neighbouring doubles at the box's place.
        """
        farthest = np.abs(self.corner) + np.abs(self.edges).sum(axis=1)
        spacings = np.abs(np.linalg.inv(self.edges)) @ np.spacing(farthest)
        return np.asarray(margin + n_spacings * spacings)

    def heights_at(self, points: FloatArray, *, outside: float = -1e300) -> FloatArray:
        """The log of the weight plus the log density at some points, shape (N,), in nats.

        Args:
            points: shape (N, 2).
            outside: the log density outside the box, where there is none: finite, and so low that
                any component is nearer.
        """
        return np.where(self.contains(points), self.height, outside)

    def place(self, shares: FloatArray) -> FloatArray:
        """The points at some shares of the sides, from the corner on; both of shape (N, 2)."""
        return np.asarray(self.corner + shares @ self.edges.T)

    def reweigh(self, weight: float) -> "Background":
        """The same background with another weight."""
        return replace(self, weight=weight)

    def transform(self, matrix: FloatArray, corner: FloatArray) -> "Background":
        """The background after an affine map with a matrix, (2, 2), that takes its corner there."""
        return Background(self.weight, corner, matrix @ self.edges)

    def to_json(self) -> dict[str, Any]:
        """The weight and the box in data units, ready for `json.dump`."""
        return {"weight": self.weight, "box": self.box.tolist()}

    @staticmethod
    def from_json(values: Any) -> "Background":
        """A background from a mapping with a weight and a box; other keys are ignored.

        Raises:
            MixtureError: for a missing key or values that do not make a background.
        """
        if not isinstance(values, Mapping):
            raise MixtureError(
                f"the background must be an object with a weight and a box, not {values}"
            )
        missing = [key for key in ("weight", "box") if key not in values]
        if missing:
            raise MixtureError(
                f"the background has no {' and no '.join(missing)}: it needs both, or leave it out"
            )
        try:
            weight = float(values["weight"])
        except (TypeError, ValueError) as error:
            raise MixtureError(
                f"the weight of the background is {values['weight']}: it must be a number"
            ) from error
        return Background.over(values["box"], weight)
