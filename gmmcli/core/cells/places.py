"""Where cells lie in their grids: the arithmetic of columns, rows and indices.

On either axis of a grid, cell 0 is the middle one, and `half` cells as wide lie on either side of
it. Beyond those, where a grid has them, lie `n_wider` cells that are wider and wider, the last
without an end. A place is the number of a grid and the index of a cell in it, which is its column
times `SPAN` plus its row. NumPy only: `expressions` has the same for the engine of a table.
"""

import numpy as np
import numpy.typing as npt

from gmmcli.core.mixture.covariances import FloatArray

IntArray = npt.NDArray[np.int64]

# More than a grid has rows, and so few that doubles hold every index exactly: column * SPAN + row
# stays below 2**40. A fact of the format of places, with nothing to be traded.
SPAN = 2**20


def split_indices(indices: IntArray) -> IntArray:
    """The column and row of cells, shape (C, 2), given their indices, shape (C,)."""
    columns = np.floor_divide(indices + SPAN // 2, SPAN)
    return np.stack([columns, indices - columns * SPAN], axis=1)


def find_middles(numbers: FloatArray, halves: FloatArray, n_wider: FloatArray) -> FloatArray:
    """The middles of cells on an axis, in cells, from the middle of their grid.

    All shapes are the same, or broadcast to it. The halves end at a distance e; of W wider cells,
    the first ends at e W / (W - 1), the next at e W / (W - 2), and so on to infinity.

    Args:
        numbers: the columns of the cells, or their rows.
        halves: of their grids, on that axis.
        n_wider: W of their grids; where it is 0, no cell lies beyond its half.
    """
    ends, n_wider = halves + 0.5, np.maximum(n_wider, 1)
    beyond = np.maximum(np.abs(numbers) - ends, 0)
    past_ends = np.sign(numbers) * ends * n_wider / (n_wider - beyond)
    return np.where(beyond > 0, past_ends, numbers)


def lengthen(middles: FloatArray, core: int, lengths: FloatArray) -> FloatArray:
    """The middles of cells on an axis whose cells are longer beyond a core, in cells, shape (C,).

    Args:
        middles: shape (C,), in cells, were all of length 1.
        core: how many cells of length 1 lie on either side of the middle one.
        lengths: of the cells, shape (C,); 1 for those of the core.
    """
    past = middles - np.sign(middles) * (core + 0.5)
    return np.asarray(middles + (lengths - 1) * past)


def choose_halves(parts: FloatArray, *, most: int = 40) -> IntArray:
    """The halves of the smallest grids that cut an even spread into at least so many parts.

    Args:
        parts: shape (C,).
        most: the largest half. Larger ones would take fewer passes and more cells where points
            fill a cell unevenly; both are in benchmarks/gaps.py.
    """
    halves = np.ceil((np.sqrt(parts) - 1) / 2)
    return np.clip(halves, 1, most).astype(np.int64)


def count_cells(halves: IntArray, n_wider: IntArray) -> IntArray:
    """The largest number of cells of grids with these halves, and so many wider cells beyond."""
    return (2 * (halves + n_wider) + 1) ** 2
