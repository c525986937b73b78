"""Whether a mixture says something about the data, or has high likelihood for its thinness alone.

NumPy only; everything is in whitened units.
"""

import numpy as np
import numpy.typing as npt

from gmmcli.core.cells import Cells
from gmmcli.core.mixture import FloatArray, Mixture
from gmmcli.core.whitening import are_floored

Mask = npt.NDArray[np.bool_]

# A component on the floor stands out that has so many handfuls of points, and so many times as many
# as the same shape holds at any of so many places nearby.
STANDING_OUT = 5
PLACES = 64
# What a component holds is within so many standard deviations.
REACH = 5.0


def is_sound(cells: Cells, mixture: Mixture, handful: float, floor: float) -> bool:
    """Whether every component has points enough, and those on the floor stand out.

    One value that many rows share, or a line of them, is a group. The values of rounded data are
    not: each has neighbours with about as many points.

    Args:
        cells: the data.
        mixture: of them.
        handful: how many points are too few for a component, in the units of the cells' counts.
        floor: the least eigenvalue of a covariance.
    """
    if (mixture.weights * cells.n_points < handful).any():
        return False
    return all(
        _stands_out(cells, mixture.means[k], mixture.covariances[k], handful)
        for k in np.flatnonzero(are_floored(mixture.covariances, floor))
    )


def _stands_out(cells: Cells, mean: FloatArray, covariance: FloatArray, handful: float) -> bool:
    """Whether a component has many points, and far more than its shape holds anywhere near."""
    inverse = np.linalg.inv(covariance)

    def held_at(place: FloatArray) -> tuple[Mask, float]:
        away = cells.means - place
        within = np.einsum("ci,ij,cj->c", away, inverse, away) < REACH**2
        return within, float(cells.counts[within].sum())

    own, held = held_at(mean)
    distances = np.where(own, np.inf, np.linalg.norm(cells.means - mean, axis=1))
    nearest = np.argsort(distances, kind="stable")[: min(PLACES, int((~own).sum()))]
    nearby = [held_at(place)[1] for place in cells.means[nearest]]
    return held >= STANDING_OUT * max([handful, *nearby])
