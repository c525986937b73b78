"""Values that were rounded, and a mixture as they show it.

A rounded value stands for an interval. What is told of the shape of components would see the
lattice of the values otherwise. NumPy only.
"""

import math
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from gmmcli.core.cells.cells import Cells
from gmmcli.core.cells.gaps import spread_cells
from gmmcli.core.cells.grain import Grain
from gmmcli.core.mixture.covariances import FloatArray
from gmmcli.core.mixture.mixture import Mixture


def compare_steps(mixture: Mixture, steps: FloatArray) -> FloatArray:
    """The steps of rounded values over the least deviation of each component, shape (K,)."""
    scaled = np.linalg.solve(mixture.cholesky_factors(), np.diag(steps))
    return np.asarray(np.linalg.norm(scaled, ord=2, axis=(1, 2)))


def spread_grains(
    cells: Cells,
    mixture: Mixture,
    grain: Grain,
    coarseness: FloatArray,
    *,
    fine: float = 16,
    most: int = 300_000,
) -> tuple[Cells, npt.NDArray[np.intp], Mixture]:
    """Cells at one place each, which of all each is of, and the mixture as they show it.

    A rounded value is spread evenly over its step, and the mixture as much.

    Args:
        cells: in data units.
        mixture: in the same units.
        grain: what points were written down with.
        coarseness: of `compare_steps`.
        fine: how many places a component is wide, in its deviations.
        most: about how many places there are: time against fineness.
    """
    coarsest = coarseness[coarseness <= 1].max(initial=0.0)
    n_places = math.ceil(min(fine * coarsest, math.sqrt(most / cells.n_cells)))
    if n_places < 2:
        return *spread_cells(cells), mixture
    along = (np.arange(n_places) + 0.5) / n_places - 0.5
    offsets = np.stack(np.meshgrid(along, along), axis=-1).reshape(-1, 2) * grain.steps
    wide, single = np.flatnonzero(cells.have_spread), np.flatnonzero(~cells.have_spread)
    some = cells.select(wide)
    some, of_some = spread_cells(replace(some, covariances=some.covariances + grain.covariance))
    places = (cells.means[single] + offsets[:, None]).reshape(-1, 2)
    counts = np.tile(cells.counts[single] / len(offsets), len(offsets))
    points = Cells(counts, places, np.zeros((len(counts), 2, 2))).join(some)
    origins = np.concatenate([np.tile(single, len(offsets)), wide[of_some]])
    return points, origins, replace(mixture, covariances=mixture.covariances + grain.covariance)


def narrow(
    mixture: Mixture, grain: Grain, coarseness: FloatArray, *, coarsest: float = 3.0
) -> Mixture:
    """The mixture of values before they were rounded, by Sheppard's correction (1898).

    Args:
        mixture: of the values as they are, in data units.
        grain: what they were written down with.
        coarseness: of `compare_steps`.
        coarsest: beyond which a component stays as it is: rounding has made it, as a step of the
            root of 12 deviations has the variance of all.
    """
    hidden = np.where((coarseness <= coarsest)[:, None, None], grain.covariance, 0.0)
    return replace(mixture, covariances=mixture.covariances - hidden)
