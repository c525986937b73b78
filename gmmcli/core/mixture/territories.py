"""Territories: the plane cut by straight lines into the parts of groups. NumPy only.

Which side of some lines a point is on, any engine can say for every row of a table.
"""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from gmmcli.core.mixture.background import BACKGROUND_LABEL
from gmmcli.core.mixture.covariances import FloatArray
from gmmcli.core.mixture.densities import IntArray
from gmmcli.core.mixture.whitening import Whitening


class Cut(NamedTuple):
    """A line across the plane, and what is on either side of it: more cuts, or a group.

    Attributes:
        normal: of the line, in whitened units.
        offset: a point p is above where normal · p exceeds it.
        below: what is on one side.
        above: what is on the other.
    """

    normal: tuple[float, float]
    offset: float
    below: "Territory"
    above: "Territory"


Territory = Cut | int


@dataclass(frozen=True, eq=False)
class Territories:
    """Where the points that belong to each component are in which group.

    Attributes:
        whitening: the map to the units of the cuts.
        of_components: the plane as it is cut for the points of each of K components.
    """

    whitening: Whitening
    of_components: tuple[Territory, ...]

    def locate(self, points: FloatArray, labels: IntArray) -> IntArray:
        """The group of each point, shape (N,); -1 where that is its label.

        Args:
            points: shape (N, 2), in data units.
            labels: the component of each, or -1 for the background, shape (N,).
        """
        groups = np.full(len(points), BACKGROUND_LABEL, dtype=np.intp)
        places = self.whitening.whiten_points(points)
        left = [(part, np.flatnonzero(labels == k)) for k, part in enumerate(self.of_components)]
        while left:
            part, chosen = left.pop()
            if isinstance(part, Cut):
                is_above = places[chosen] @ np.array(part.normal) > part.offset
                left += [(part.below, chosen[~is_above]), (part.above, chosen[is_above])]
            else:
                groups[chosen] = part
        return groups
