"""The cells that a fit climbs on: few at first, and all of them at last."""

from collections.abc import Callable

from gmmcli.core.cells.cells import Cells
from gmmcli.core.cells.refinement import Coarseness
from gmmcli.core.mixture.mixture import Mixture
from gmmcli.core.search.constants import NEAR, TOLERANCE
from gmmcli.core.search.problem import Problem


class Stages:
    """The cells to climb on: few at first, and all of them at last.

    A few merged cells are enough to come near the optimum. Whenever the climb on some has slowed
    down, more take their place. All that are too wide for the mixture so far are cut after the
    first climb, and again after the last.

    Args:
        problem: the data.
        finer: cuts cells where they are too coarse for a mixture, in data units; None where all
            are as fine as can be.
        on_all: begin on all cells.

    Attributes:
        problem: the data, as fine as has been asked for.
        coarseness: how coarse they are for the mixture that the last climb led to; None before.
    """

    def __init__(
        self,
        problem: Problem,
        finer: Callable[[Coarseness], Cells] | None = None,
        *,
        on_all: bool = False,
    ) -> None:
        self.problem, self._finer = problem, finer
        self._level = len(problem.levels) - 1 if on_all else 0
        self.coarseness: Coarseness | None = None

    @property
    def is_last(self) -> bool:
        """Whether this stage has all cells that there are so far."""
        return self._level == len(self.problem.levels) - 1

    @property
    def cells(self) -> Cells:
        """The cells to climb on, in whitened units."""
        return self.problem.levels[self._level]

    @property
    def tolerance(self) -> float:
        """What may be left to climb on them, in nats."""
        return (TOLERANCE if self.is_last else NEAR) / self.problem.worth

    def advance(self, mixture: Mixture) -> bool:
        """Take more cells, cut where they are too wide for a mixture in whitened units.

        False where there are none: these are all, and fine enough.
        """
        was_last, before = self.is_last, self.problem
        if self._finer is not None and (was_last or self._level == 0):
            coarseness = Coarseness(
                before.cells,
                before.whitening.unwhiten(mixture),
                before.covariance,
                is_optimum=was_last,
            )
            self.problem = before.on(self._finer(coarseness))
            self.coarseness = coarseness if was_last and self.problem is before else None
        if self.problem is before and was_last:
            return False
        last = len(self.problem.levels) - 1
        self._level = last if was_last else min(self._level + 1, last)
        return True
