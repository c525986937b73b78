"""Which cells are too coarse for a trustworthy fit, and into how many parts each should be cut.

Two rules. The points of a cell share one assignment distribution, which costs the ELBO the gap that
`estimated_gap` tells: over all points it stays so small that the parameters move by no more than
about 5 % of their standard errors. And no cell holds a larger share of the points than `CROWD`,
unless they coincide, so that a tight cluster inside one cell is not missed before there is a
mixture to tell.
"""

import numpy as np

from gmmcli.core.cells import Cells, gaps
from gmmcli.core.mixture import FloatArray, Mixture
from gmmcli.core.whitening import whitening_of

# The estimated gap per point times the square root of the number of points is at most this.
MOST_GAP = 0.1
# The largest share of the points that a cell may hold, unless they coincide.
CROWD = 0.001
# What refinement aims at, as a share of what the rules allow, so that one pass is enough.
AIM = 0.6
# The least that a grid of 3 by 3 cells gives.
FEWEST_PARTS = 9.0


def gap_ratio(cells: Cells, gap: float) -> float:
    """How an estimated gap, in nats per point, compares with the largest that is allowed."""
    return float(gap * np.sqrt(cells.n_points) / MOST_GAP)


def parts_of_crowded(cells: Cells) -> FloatArray:
    """Into how many parts to cut each cell to obey the rule on crowds, shape (C,); 1 for whole.

    Points coincide when they are closer than the thinnest component that a fit has by default.
    """
    whitening = whitening_of(cells, "full")
    spreads = whitening.whiten_cells(cells).covariances.trace(axis1=1, axis2=2)
    most = CROWD * cells.n_points
    too_many = (cells.counts > most) & (spreads > whitening.floor())
    return np.where(too_many, np.maximum(cells.counts / (AIM * most), FEWEST_PARTS), 1.0)


def parts_of_wide(cells: Cells, mixture: Mixture) -> FloatArray:
    """Into how many parts to cut each cell to obey the rule on the gap, shape (C,); 1 for whole.

    A cell in m parts keeps about 1/m of its gap. Parts in proportion to the root of the gap lower
    the sum at the least number of cells, and only as many cells are cut as it takes.
    """
    losses = gaps(cells, mixture)
    allowed = MOST_GAP * np.sqrt(cells.n_points)
    if losses.sum() <= allowed:
        return np.ones(cells.n_cells)
    roots = np.sqrt(losses)
    parts: FloatArray = np.maximum(roots * roots.sum() / (AIM * allowed), FEWEST_PARTS)
    saved = losses * (1 - 1 / parts)
    order = np.argsort(-saved)
    enough = np.searchsorted(np.cumsum(saved[order]), losses.sum() - AIM * allowed) + 1
    parts[order[enough:]] = 1.0
    return parts
