"""A fit that is to be like another: where it begins, and how far its components have moved."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from gmmcli.core.cells.cells import Cells
from gmmcli.core.mixture.distances import Change, find_nearer, measure_changes
from gmmcli.core.mixture.mixture import Mixture
from gmmcli.core.search.problem import lay_background
from gmmcli.errors import FitError


@dataclass(frozen=True)
class Likeness:
    """How a fit differs from the run that it began with.

    Attributes:
        source: that run, as the user named it.
        changes: of each component.
        nearer: the components that are nearer to where another was, ascending.
    """

    source: str
    changes: Sequence[Change]
    nearer: Sequence[int]

    @staticmethod
    def of(source: str, before: Mixture, after: Mixture) -> "Likeness":
        """How a mixture differs from what it was, both in data units."""
        return Likeness(source, measure_changes(before, after), find_nearer(before, after))

    def to_json(self) -> dict[str, Any]:
        """The same as the JSON of a run has it."""
        return {"source": self.source, "moves": [asdict(change) for change in self.changes]}


def move_background(start: Mixture, cells: Cells, option: str = "--like") -> Mixture:
    """A start whose background, if it has one, is over the box of some cells; its weight stays.

    Args:
        start: in data units.
        cells: in data units.
        option: that names the run of the start.

    Raises:
        FitError: where the box has no area.
    """
    if start.background is None:
        return start
    background = lay_background(cells, start.background.weight)
    if background is None:
        raise FitError(
            "a background needs points that differ in both coordinates, and the run of "
            f"{option} has one: leave out {option}"
        )
    return replace(start, background=background)
