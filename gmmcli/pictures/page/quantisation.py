"""What a page shows of a run, as few bytes: places and counts of cells, and the steps."""

import base64
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from gmmcli.core.cells.cells import Cells
from gmmcli.core.mixture.covariances import FloatArray
from gmmcli.core.mixture.gaussians import IntArray
from gmmcli.core.runs.history import History
from gmmcli.pictures.scene import are_within


@dataclass(frozen=True, eq=False)
class Marks:
    """Cells as a page knows them; C of them.

    Attributes:
        places: shape (C, 2), of which 0 is the lower corner of the view and 65,535 the upper one.
        logs: of the counts, shape (C,): 0 for the least, 255 for the greatest.
        ends: the natural logs of the least and the greatest count.
    """

    places: npt.NDArray[np.uint16]
    logs: npt.NDArray[np.uint8]
    ends: tuple[float, float]

    @property
    def counts(self) -> FloatArray:
        """The counts that the logs tell, shape (C,)."""
        low, high = self.ends
        return np.asarray(np.exp(low + (high - low) * self.logs / np.iinfo(np.uint8).max))


def quantise_cells(cells: Cells, limits: FloatArray, *, most_cells: int = 90_000) -> Marks:
    """The cells inside a view; where they are too many, one for each box of a grid.

    Args:
        cells: in data units.
        limits: the lower and upper corner of the view, shape (2, 2), in data units.
        most_cells: the size of the page, 7 bytes for each, against how fine its picture is; about
            so many are left of more.
    """
    inside = are_within(cells.means, limits)
    places, counts = cells.means[inside], cells.counts[inside]
    places = (places - limits[0]) / (limits[1] - limits[0])  # 0 to 1
    if len(counts) > most_cells:
        places, counts = merge_places(places, counts, choose_grid(places, most_cells))
    logs = np.log(counts) if len(counts) else np.zeros(1)
    low, high = float(logs.min()), float(logs.max())
    shares = (logs[: len(counts)] - low) / max(high - low, np.finfo(float).tiny)
    return Marks(
        np.rint(places * np.iinfo(np.uint16).max).astype(np.uint16),
        np.rint(shares * np.iinfo(np.uint8).max).astype(np.uint8),
        (low, high),
    )


def choose_grid(places: FloatArray, most_boxes: int, *, n_trials: int = 3) -> int:
    """How many boxes a grid has along a side, of which about so many hold a place.

    Args:
        places: from 0 to 1, shape (C, 2).
        most_boxes: that hold one.
        n_trials: grids that are tried, each finer or coarser by what the last one held: time, some
            milliseconds for 500,000 places, against how near to the number it comes.
    """
    n_sides = int(np.sqrt(most_boxes))
    for _ in range(n_trials):
        n_held = np.count_nonzero(np.bincount(_find_boxes(places, n_sides)))
        n_sides = max(int(n_sides * np.sqrt(most_boxes / n_held)), 1)
    return n_sides


def merge_places(
    places: FloatArray, counts: FloatArray, n_sides: int
) -> tuple[FloatArray, FloatArray]:
    """The mean place, shape (B, 2), and the count, shape (B,), of all in each box of a grid.

    Args:
        places: from 0 to 1, shape (C, 2).
        counts: shape (C,).
        n_sides: the boxes of the grid along either side of the view.
    """
    boxes = _find_boxes(places, n_sides)
    totals = np.bincount(boxes, counts).astype(np.float64)
    held = totals > 0
    sums = [np.bincount(boxes, counts * column)[held] for column in places.T]
    return np.stack(sums, axis=1) / totals[held, None], totals[held]


def _find_boxes(places: FloatArray, n_sides: int) -> IntArray:
    columns, rows = np.minimum((places * n_sides).astype(np.intp), n_sides - 1).T
    return np.asarray(rows * n_sides + columns)


def thin_steps(history: History, most_steps: int) -> IntArray:
    """The steps that a page holds, ascending: all, or the first, the last and some between.

    These are at equal shares of a way on which all steps count alike for one half, and for the
    other as far as the components travel: early steps and moves, where much happens, are closer
    together.
    """
    n_steps = len(history.elbos)
    if n_steps <= most_steps:
        return np.arange(n_steps)
    travel = history.measure_travel()
    way = np.linspace(0, 1, n_steps) + travel / (travel[-1] or 1.0)
    chosen = np.searchsorted(way, np.linspace(0, way[-1], max(most_steps, 2)))
    return np.unique(np.minimum(np.append(chosen[:-1], n_steps - 1), n_steps - 1))


def pack_steps(history: History, steps: IntArray) -> FloatArray:
    """The figures of components at some steps, as history.csv has them; shape (S, K, 6).

    Each is the weight, the mean's x and y, and the covariance's xx, xy and yy.
    """
    covariances = history.covariances[steps][..., [0, 0, 1], [0, 1, 1]]
    return np.concatenate([history.weights[steps, :, None], history.means[steps], covariances], 2)


def encode(values: npt.NDArray[np.generic]) -> str:
    """The numbers of an array, the last axis fastest, least byte first, in base64."""
    little = np.ascontiguousarray(values, dtype=values.dtype.newbyteorder("<"))
    return base64.b64encode(little.tobytes()).decode("ascii")
