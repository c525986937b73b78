"""The history of a fit: every step's mixture and ELBO, and the choice of steps to show."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
import numpy.typing as npt

from gmmcli.core.inference.state import State
from gmmcli.core.mixture.background import Background
from gmmcli.core.mixture.covariances import FloatArray
from gmmcli.core.mixture.knowledge import Knowledge
from gmmcli.core.mixture.mixture import Mixture
from gmmcli.core.mixture.whitening import Whitening
from gmmcli.errors import MixtureError, RunError
from gmmcli.settings import AUTO_SNAPSHOTS, MOST_FRAMES

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
        n_cells: how many cells the ELBO of each step is of, shape (T,).
        background_weights: of the background, shape (T,), 0 before there was one; None where there
            never was.
        box: of the background, its lowest and highest value of each coordinate, shape (2, 2), in
            data units; None where there never was one.
    """

    elbos: FloatArray
    weights: FloatArray
    means: FloatArray
    covariances: FloatArray
    by_move: npt.NDArray[np.bool_]
    n_cells: npt.NDArray[np.int64]
    background_weights: FloatArray | None = None
    box: FloatArray | None = None

    @classmethod
    def trace(cls, states: Sequence[State], n_points: float, whitening: Whitening) -> "History":
        """The history in data units of the states of a fit in whitened units.

        Args:
            states: of every step.
            n_points: N, which the ELBO of the data's own units takes.
            whitening: to whitened units.
        """
        jacobian = n_points * whitening.log_volume
        return cls.of(
            [whitening.unwhiten(state.mixture) for state in states],
            [state.elbo + jacobian for state in states],
            [state.by_move for state in states],
            [state.n_cells for state in states],
        )

    @classmethod
    def of(
        cls,
        mixtures: Sequence[Mixture],
        elbos: Sequence[float],
        by_move: Sequence[bool],
        n_cells: Sequence[int],
    ) -> "History":
        """The history of these mixtures, in the order of their steps; see the attributes."""
        backgrounds = [mixture.background for mixture in mixtures]
        known = [background for background in backgrounds if background is not None]
        stray = [0.0 if background is None else background.weight for background in backgrounds]
        return cls(
            np.array(elbos),
            np.stack([mixture.weights for mixture in mixtures]),
            np.stack([mixture.means for mixture in mixtures]),
            np.stack([mixture.covariances for mixture in mixtures]),
            np.array(by_move),
            np.array(n_cells),
            np.array(stray) if known else None,
            known[-1].box if known else None,
        )

    def restore(self, known: Knowledge) -> "History":
        """The same with what is fixed, in data units, as it was given: to the last digit."""
        if known.fixed is None:
            return self
        stays = known.fixed.restore(self.weights, self.means, self.covariances)
        return replace(self, weights=stays[0], means=stays[1], covariances=stays[2])

    @property
    def last_step(self) -> int:
        """The number of the last step."""
        return len(self.elbos) - 1

    @property
    def on_other_cells(self) -> npt.NDArray[np.intp]:
        """The steps that have an ELBO of other cells than the step before, ascending."""
        return np.flatnonzero(np.diff(self.n_cells)) + 1

    def snapshot(self, step: int) -> Snapshot:
        """The snapshot of a step from 0 to the last."""
        background = None
        if self.background_weights is not None and self.box is not None:
            background = Background.over(self.box, float(self.background_weights[step]))
        components = self.weights[step], self.means[step], self.covariances[step]
        mixture = Mixture(*components, background)
        return Snapshot(step, float(self.elbos[step]), mixture, bool(self.by_move[step]))

    def check(self, *, many: int = 2**17) -> None:
        """Raise where a step has no mixture; many steps at once, as there may be millions.

        Args:
            many: components that are checked together: time against memory.

        Raises:
            MixtureError: naming such a step, and what `Mixture` says of it.
        """
        totals = self.weights.sum(axis=1)
        lowest = [self.weights.min(axis=1)]
        if self.background_weights is not None:
            totals = totals + self.background_weights
            lowest.append(self.background_weights)
        # Where the step that is worst in each regard has a mixture, all have, in that regard.
        for step in (np.abs(totals - 1).argmax(), *(weights.argmin() for weights in lowest)):
            self._check_step(int(step))
        n_together = max(many // self.weights.shape[1], 1)
        for low in range(0, len(self.elbos), n_together):
            high = min(low + n_together, len(self.elbos))
            if not self._are_gaussians(low, high):
                self._check_step(self._find_fault(low, high))

    def _find_fault(self, low: int, high: int) -> int:
        """A step with a component that is no Gaussian, of those from one on, where there is one."""
        while high - low > 1:
            middle = (low + high) // 2
            low, high = (middle, high) if self._are_gaussians(low, middle) else (low, middle)
        return low

    def _are_gaussians(self, low: int, high: int) -> bool:
        """Whether the components of steps from one to before another would all make one mixture."""
        means, covariances = self.means[low:high], self.covariances[low:high]
        n = means.shape[0] * means.shape[1]
        try:
            Mixture(np.full(n, 1 / n), means.reshape(n, 2), covariances.reshape(n, 2, 2))
        except MixtureError:
            return False
        return True

    def _check_step(self, step: int) -> None:
        try:
            self.snapshot(step)
        except MixtureError as error:
            raise MixtureError(f"at step {step}, {error}") from error

    def choose_steps(self, snapshots: Snapshots) -> list[int]:
        """The steps to show.

        Args:
            snapshots: N for the first step and every Nth after it; a tuple for these steps;
                "auto" for up to `AUTO_SNAPSHOTS` telling ones; "all" for every step.

        Raises:
            RunError: naming the steps that the history does not hold.
        """
        if isinstance(snapshots, tuple):
            absent = [step for step in snapshots if not 0 <= step <= self.last_step]
            if absent:
                raise RunError(f"no step {absent[0]}: the history ends at step {self.last_step}")
            return sorted(snapshots)
        if snapshots == "auto":
            return self.choose_telling(AUTO_SNAPSHOTS)
        stride = 1 if snapshots == "all" else snapshots
        return list(range(0, self.last_step + 1, stride))

    def choose_asked(self, asked: Snapshots | None, told: Snapshots) -> list[int]:
        """The steps to show: as the user asks, or else as a run tells, which may be a stranger's.

        Raises:
            RunError: where the run tells of more than anybody draws unasked, or there are no such
                steps.
        """
        steps = self.choose_steps(told if asked is None else asked)
        if asked is None and len(steps) > MOST_FRAMES:
            raise RunError(
                f"the run asks for {len(steps):,} frames: say which to draw, with --steps auto or "
                "--steps all"
            )
        return steps

    def choose_telling(self, at_most: int, *, visible: float = 0.01) -> list[int]:
        """At most so many steps that tell how the fit went, ascending, first and last included.

        The steps that moves led to come next, then those at equal shares of the climb. Where that
        leaves room, each further step is the one at which the components have travelled farthest
        from where all the steps before show them. None looks like one that is shown already, but
        for the last and those of moves.

        Args:
            at_most: 2 or more.
            visible: how far the components have to travel to look different, in the data's
                standard deviations: more hides steps, less draws the same picture twice.
        """
        chosen = {0, self.last_step}
        chosen.update(self._find_greatest_moves(at_most - len(chosen)))
        path = self.measure_travel()

        def unlike() -> FloatArray:
            """How far each step is from the nearest that is shown, shape (T,)."""
            apart: FloatArray = np.abs(path[:, None] - path[sorted(chosen)]).min(axis=1)
            return apart

        for step in self._find_equal_climbs(at_most - len(chosen)):
            if unlike()[step] > visible:
                chosen.add(step)
        while len(chosen) < at_most and unlike().max() > visible:
            chosen.add(int(unlike().argmax()))
        return sorted(chosen)

    def _find_greatest_moves(self, at_most: int) -> list[int]:
        """At most so many steps that moves led to, those that gained most until the next move."""
        moves = np.flatnonzero(self.by_move[1:-1]) + 1
        reached = np.append(moves[1:] - 1, self.last_step)[: len(moves)]
        climb = self._sum_climb()
        gains = climb[reached] - climb[moves - 1]
        greatest: list[int] = moves[np.argsort(-gains, kind="stable")[:at_most]].tolist()
        return greatest

    def _find_equal_climbs(self, at_most: int) -> list[int]:
        """At most so many steps, at which equal shares of the ELBO's climb are reached."""
        highest = np.maximum.accumulate(self._sum_climb())
        shares = np.linspace(highest[0], highest[-1], at_most + 2)[1:-1]
        reached: list[int] = np.searchsorted(highest, shares).tolist()
        return reached

    def measure_left(self, n_points: float, *, rounding: float = 1e-13) -> FloatArray:
        """What is left to climb at each step up to the highest, in nats per point, shape (T,).

        What other cells, rather than steps, brought does not count.

        Args:
            n_points: N.
            rounding: less than such a share of an ELBO is nothing: its digits end there.
        """
        climb = self._sum_climb()
        left = climb.max() - climb
        return np.where(left > rounding * np.abs(climb), left / n_points, 0.0)

    def _sum_climb(self) -> FloatArray:
        """The ELBO of each step without what other cells, rather than steps, brought; (T,)."""
        brought = np.diff(self.elbos, prepend=self.elbos[0])
        brought[self.on_other_cells] = 0.0
        return np.asarray(self.elbos[0] + np.cumsum(brought))

    def measure_travel(self) -> FloatArray:
        """How far the components have travelled by each step, shape (T,).

        The length of the path of the component that moves most at each step: of its weight, and of
        its mean and Cholesky factor in units of the final mixture's standard deviations.
        """
        variances = np.diagonal(self.covariances[-1], axis1=1, axis2=2)  # (K, 2)
        shares = self.weights[-1] / self.weights[-1].sum()
        about = self.means[-1] - shares @ self.means[-1]
        spread = np.sqrt(shares @ (about**2 + variances))  # (2,)
        factors = np.linalg.cholesky(self.covariances) / spread[:, None]  # (T, K, 2, 2)
        n_steps, n_components = self.weights.shape
        shapes = factors.reshape(n_steps, n_components, 4)
        places = np.concatenate([self.weights[:, :, None], self.means / spread, shapes], axis=2)
        moved = np.sqrt((np.diff(places, axis=0) ** 2).sum(axis=2))  # (T - 1, K)
        return np.append(0, np.cumsum(moved.max(axis=1)))
