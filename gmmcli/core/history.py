"""The history of a fit: every step's mixture and ELBO, and the choice of steps to show."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from gmmcli.core.mixture import FloatArray, Mixture
from gmmcli.errors import RunError

AUTO_SNAPSHOTS = 8

# N for every Nth step, a tuple for these steps, or a word.
Snapshots = int | tuple[int, ...] | Literal["auto", "all"]


@dataclass(frozen=True, eq=False)
class Snapshot:
    """A step, its ELBO in nats, its mixture, in data units, and whether a move led there."""

    step: int
    elbo: float
    mixture: Mixture
    by_move: bool = False


@dataclass(frozen=True, eq=False)
class History:
    """Every step of a fit, from the start (step 0) on; T steps and K components.

    Attributes:
        elbos: shape (T,), in nats.
        weights: shape (T, K).
        means: shape (T, K, 2), in data units.
        covariances: shape (T, K, 2, 2), in data units squared.
        by_move: whether a move of the search, rather than a climb, led to each step; shape (T,).
    """

    elbos: FloatArray
    weights: FloatArray
    means: FloatArray
    covariances: FloatArray
    by_move: npt.NDArray[np.bool_]

    @classmethod
    def of(
        cls, mixtures: Sequence[Mixture], elbos: Sequence[float], by_move: Sequence[bool]
    ) -> "History":
        """The history of these mixtures, in the order of their steps; see the attributes."""
        return cls(
            np.array(elbos),
            np.stack([mixture.weights for mixture in mixtures]),
            np.stack([mixture.means for mixture in mixtures]),
            np.stack([mixture.covariances for mixture in mixtures]),
            np.array(by_move),
        )

    @property
    def last_step(self) -> int:
        """The number of the last step."""
        return len(self.elbos) - 1

    def snapshot(self, step: int) -> Snapshot:
        """The snapshot of a step from 0 to the last."""
        mixture = Mixture(self.weights[step], self.means[step], self.covariances[step])
        return Snapshot(step, float(self.elbos[step]), mixture, bool(self.by_move[step]))

    def chosen(self, snapshots: Snapshots) -> list[int]:
        """The steps to show.

        Args:
            snapshots: N for the first step and every Nth after it; a tuple for these steps;
                "auto" for at most `AUTO_SNAPSHOTS` at equal shares of the ELBO's climb; "all" for
                every step.

        Raises:
            RunError: naming the steps that the history does not hold.
        """
        if isinstance(snapshots, tuple):
            absent = [step for step in snapshots if not 0 <= step <= self.last_step]
            if absent:
                raise RunError(f"no step {absent[0]}: the history ends at step {self.last_step}")
            return sorted(snapshots)
        if snapshots == "auto":
            return self.at_equal_climbs(AUTO_SNAPSHOTS)
        stride = 1 if snapshots == "all" else snapshots
        return list(range(0, self.last_step + 1, stride))

    def at_equal_climbs(self, at_most: int) -> list[int]:
        """At most so many steps, first and last included, at equal shares of the ELBO's climb."""
        highest = np.maximum.accumulate(self.elbos)
        shares = np.linspace(highest[0], highest[-1], at_most)[1:-1]
        reached: npt.NDArray[np.intp] = np.searchsorted(highest, shares)
        return sorted({0, self.last_step, *reached.tolist()})
