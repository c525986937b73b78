"""What all pictures of a run share, computed once: the view, the points and the colours."""

from dataclasses import dataclass

import numpy as np

from gmmcli.core.cells import Cells
from gmmcli.core.mixture import FloatArray
from gmmcli.core.run import Run
from gmmcli.pictures.style import component_colours

MARGIN = 0.06
# A view leaves out points that would squeeze the middle 98 % into less than this share of it.
LEAST_SHARE = 0.1


@dataclass(frozen=True, eq=False)
class Scene:
    """The parts of a picture that no step changes.

    Attributes:
        columns: the labels of the axes.
        cells: the data.
        colours: of the components, shape (K, 3) in RGB.
        limits: the lower and upper corner of the view, shape (2, 2), in data units.
        n_outside: how many points lie outside the view.
        sizes: the areas of the cells' markers, shape (C,), in square points.
    """

    columns: tuple[str, str]
    cells: Cells
    colours: FloatArray
    limits: FloatArray
    n_outside: float
    sizes: FloatArray


def scene_of(run: Run) -> Scene:
    """The scene of a run's pictures."""
    limits = np.column_stack([_limits(column, run.cells.counts) for column in run.cells.means.T])
    inside = ((run.cells.means >= limits[0]) & (run.cells.means <= limits[1])).all(axis=1)
    return Scene(
        columns=run.columns,
        cells=run.cells,
        colours=component_colours(run.mixture.n_components),
        limits=limits,
        n_outside=float(run.cells.counts[~inside].sum()),
        sizes=_marker_sizes(run.cells),
    )


def _limits(values: FloatArray, counts: FloatArray) -> FloatArray:
    """The ends of an axis that shows all values, or all but far outliers; shape (2,)."""
    order = np.argsort(values)
    ranks = np.cumsum(counts[order]) / counts.sum()
    low, high = values[order][np.searchsorted(ranks, [0.01, 0.99])]
    ends = np.array([values.min(), values.max()])
    if 0 < high - low < LEAST_SHARE * (ends[1] - ends[0]):
        reach = (high - low) * (1 / LEAST_SHARE - 1) / 2
        ends = np.clip(ends, low - reach, high + reach)
    width = ends[1] - ends[0]
    # Points on a line along an axis need a view all the same.
    pad = MARGIN * width if width > 0 else max(abs(ends[0]) * MARGIN, MARGIN)
    return ends + np.array([-pad, pad])


def _marker_sizes(cells: Cells) -> FloatArray:
    """Smaller where there are many cells, larger where a cell holds many points."""
    typical = np.clip(9000 / cells.n_cells, 2, 24)
    return typical * np.clip(cells.counts / np.median(cells.counts), 0.25, 9) ** 0.5
