"""What a fit asks of its caller on the way, and tells it."""

from collections.abc import Callable
from dataclasses import dataclass

from gmmcli.core.cells.cells import Cells
from gmmcli.core.cells.grain import Grain, find_grain
from gmmcli.core.cells.refinement import Coarseness


@dataclass(frozen=True)
class Hooks:
    """What a fit asks of its caller on the way, and tells it.

    Attributes:
        finer: cuts cells where they are too coarse for a mixture, or gives back what it got where
            that cannot be. Without it, they stay as they are.
        grain: what the points were written down with; found from the cells by default.
        watch: called at every step and after every pass of the search with a word for it, its
            number and the ELBO per point, in nats.
        interrupted: asked after every step whether to end here.
        shows_way: whether the way is to begin with a climb from a random start, for pictures of it,
            where the best mixture is searched for.
    """

    finer: Callable[[Coarseness], Cells] | None = None
    grain: Grain | None = None
    watch: Callable[[str, int, float], None] = lambda _what, _number, _elbo_per_point: None
    interrupted: Callable[[], bool] = lambda: False
    shows_way: bool = True

    def tell_grain(self, cells: Cells) -> Grain:
        """What the points in some cells were written down with."""
        return find_grain(cells) if self.grain is None else self.grain
