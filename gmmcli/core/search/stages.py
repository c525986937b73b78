"""The cells that a fit climbs on: few at first, and all of them at last."""

import math
from collections.abc import Callable

from gmmcli.core.cells.cells import Cells
from gmmcli.core.cells.refinement import Coarseness
from gmmcli.core.cells.tree import merge_cells
from gmmcli.core.mixture.mixture import Mixture
from gmmcli.core.mixture.whitening import Whitening
from gmmcli.settings import CovarianceType

# A fit has converged when its remaining climb is estimated below this, in nats for all points: half
# the square of 1 % of a standard error of a parameter.
TOLERANCE = 5e-5
# On cells that finer ones will follow, as much may be left: far less than the finer ones move it.
NEAR = 0.01
# So many cells are enough to search for a start and to come near the optimum.
FEW_CELLS = 2048
# And so many for each component.
CELLS_PER_COMPONENT = 40
# Each further stage has at most so many times as many cells.
MORE = 4.5


class Stages:
    """The cells to climb on: few at first, and all of them at last.

    A few merged cells are enough to come near the optimum. Whenever the climb on some has slowed
    down, more take their place. All that are too wide for the mixture so far are cut after the
    first climb, and again after the last.

    Args:
        cells: the data, in data units.
        levels: fewer and more cells that these are merged into, and last all, in whitened units.
        whitening: to whitened units.
        covariance: the covariance type.
        finer: cuts cells where they are too coarse for a mixture, in data units; None where all
            are as fine as can be.
        few: how many cells the first of the levels has at most; None where it has all.

    Attributes:
        all_cells: the data, in data units, as fine as has been asked for.
        coarseness: how coarse they are for the mixture that the last climb led to; None before.
        has_more_cells: whether this stage has more cells than the first.
    """

    def __init__(
        self,
        cells: Cells,
        levels: list[Cells],
        whitening: Whitening,
        covariance: CovarianceType,
        finer: Callable[[Coarseness], Cells] | None,
        few: int | None,
    ) -> None:
        self.all_cells = cells
        self._levels, self._whitening, self._finer, self._few = levels, whitening, finer, few
        self._covariance = covariance
        self._level = 0
        self.coarseness: Coarseness | None = None
        self.has_more_cells = False

    @property
    def is_last(self) -> bool:
        """Whether this stage has all cells that there are so far."""
        return self._level == len(self._levels) - 1

    @property
    def cells(self) -> Cells:
        """The cells to climb on, in whitened units."""
        return self._levels[self._level]

    @property
    def tolerance(self) -> float:
        """What may be left to climb on them, in nats."""
        return TOLERANCE if self.is_last else NEAR

    def advance(self, mixture: Mixture) -> bool:
        """Take more cells, cut where they are too wide for a mixture in whitened units.

        False where there are none: these are all, and fine enough.
        """
        was_last, before = self.is_last, self.all_cells
        if self._finer is not None and (was_last or self._level == 0):
            coarseness = Coarseness(
                before,
                self._whitening.unwhiten(mixture),
                self._covariance,
                is_optimum=was_last,
            )
            self.all_cells = self._finer(coarseness)
            self.coarseness = coarseness if was_last and self.all_cells is before else None
        if self.all_cells is before and was_last:
            return False
        if self.all_cells is not before:
            self._levels = merge_levels(self.all_cells, self._whitening, self._few)
        last = len(self._levels) - 1
        self._level = last if was_last else min(self._level + 1, last)
        self.has_more_cells = True
        return True


def merge_levels(cells: Cells, whitening: Whitening, few: int | None) -> list[Cells]:
    """Few cells that these are merged into, more and more, and last all, in whitened units."""
    levels = [cells.whiten(whitening)]
    if few is None or cells.n_cells <= few:
        return levels
    n_merged = math.ceil(math.log(cells.n_cells / few, MORE))
    more = (cells.n_cells / few) ** (1 / n_merged)
    for level in reversed(range(n_merged)):
        levels.insert(0, merge_cells(levels[0], round(few * more**level)))
    return levels


def count_few(n_components: int) -> int:
    """How many cells are enough to search for so many components."""
    return max(FEW_CELLS, CELLS_PER_COMPONENT * n_components)
