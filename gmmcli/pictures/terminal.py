"""A mixture and its points as an image of few pixels, for a terminal.

A pixel's hue is that of the components by responsibility, its strength how many points there are,
both mixed in OKLab, as in frames on dark paper.
"""

from typing import NamedTuple

import numpy as np

from gmmcli.core.cells.cells import Cells
from gmmcli.core.cells.gaps import spread_cells
from gmmcli.core.mixture.covariances import FloatArray
from gmmcli.core.mixture.gaussians import IntArray
from gmmcli.core.mixture.mixture import Mixture
from gmmcli.pictures.colours import mix
from gmmcli.pictures.scene import compute_shares

# The paper, and what is open ground on it, in RGB: the same in light terminals and dark ones.
PAPER = (0.09, 0.09, 0.11)


class View(NamedTuple):
    """A part of the plane as pixels.

    Attributes:
        limits: the lower and upper corner, shape (2, 2), in data units.
        shape: H rows of W pixels.
    """

    limits: FloatArray
    shape: tuple[int, int]

    def locate(self, points: FloatArray) -> IntArray:
        """The row, from the top, and the column of each point, shape (N, 2).

        Those outside the view have a row or a column of none.

        Args:
            points: shape (N, 2), in data units.
        """
        low, high = self.limits
        n_rows, n_columns = self.shape
        shares = np.clip((points - low) / (high - low), -1, 2)
        columns = np.floor(shares[:, 0] * n_columns)
        rows = n_rows - 1 - np.floor(shares[:, 1] * n_rows)
        return np.column_stack([rows, columns]).astype(np.intp)

    def contains(self, places: IntArray) -> IntArray:
        """Which of some rows and columns, shape (N, 2), are of the view, by number."""
        return np.flatnonzero(((places >= 0) & (places < self.shape)).all(axis=1))

    def list_middles(self) -> FloatArray:
        """The middles of all pixels, row by row from the top, shape (H W, 2), in data units."""
        low, high = self.limits
        n_rows, n_columns = self.shape
        x = low[0] + (high[0] - low[0]) * (np.arange(n_columns) + 0.5) / n_columns
        y = high[1] - (high[1] - low[1]) * (np.arange(n_rows) + 0.5) / n_rows
        return np.stack(np.meshgrid(x, y), axis=-1).reshape(-1, 2)


def count_pixels(cells: Cells, view: View) -> FloatArray:
    """How many points each pixel has, shape (H, W); each cell's stand at four places."""
    points, _ = spread_cells(cells)
    places = view.locate(points.means)
    inside = view.contains(places)
    numbers = places[inside] @ np.array([view.shape[1], 1])
    counts = np.bincount(numbers, points.counts[inside], view.shape[0] * view.shape[1])
    return counts.reshape(view.shape).astype(np.float64)


def rank_strengths(counts: FloatArray, *, faintest: float = 0.3) -> FloatArray:
    """How strongly pixels of these counts show, shape (H, W), from 0 to 1.

    Half by the log of the count and half by its rank, so that both core and tail can be seen; what
    has no points is 0.

    Args:
        counts: shape (H, W).
        faintest: of a pixel with the fewest points.
    """
    is_held = counts > 0
    if not is_held.any():
        return np.zeros_like(counts)
    held = counts[is_held]
    levels, numbers = np.unique(held, return_inverse=True)
    sizes = np.bincount(numbers)
    fewer = np.cumsum(sizes) - sizes  # how many pixels have fewer points than each level
    ranks = fewer[numbers] / max(fewer[-1], 1)
    logs = np.log(held / levels[0]) / max(np.log(levels[-1] / levels[0]), 1e-9)
    shown = (ranks + logs) / 2 if len(levels) > 1 else np.ones(len(held))
    strengths = np.zeros_like(counts)
    strengths[is_held] = faintest + (1 - faintest) * shown
    return strengths


def paint_points(
    strengths: FloatArray, mixture: Mixture, view: View, colours: FloatArray
) -> FloatArray:
    """The image of the points, shape (H, W, 3) in RGB from 0 to 1.

    Args:
        strengths: of `rank_strengths`, shape (H, W).
        mixture: of K components.
        view: what the pixels are of.
        colours: of the components and, last, of a background, if any; shape (P, 3) in RGB.
    """
    image = np.tile(np.array(PAPER), (*view.shape, 1))
    is_held = strengths > 0
    shares = compute_shares(mixture, view.list_middles()[is_held.ravel()])  # (N, P)
    strong = strengths[is_held][:, None]
    inks = np.column_stack([1 - strong, strong * shares])
    image[is_held] = mix(inks, np.vstack([PAPER, colours]))
    return image


def trace_ellipses(mixture: Mixture, view: View, radius: float) -> list[IntArray]:
    """The rows and columns that each component's ellipse passes, shape (N, 2) each.

    Args:
        mixture: of K components.
        view: what rows and columns are of.
        radius: of the ellipse, in standard deviations.
    """
    angles = np.linspace(0, 2 * np.pi, 8 * sum(view.shape), endpoint=False)
    circle = radius * np.stack([np.cos(angles), np.sin(angles)])
    traces = []
    for mean, factor in zip(mixture.means, mixture.cholesky_factors(), strict=True):
        places = view.locate(mean + (factor @ circle).T)
        traces.append(np.unique(places[view.contains(places)], axis=0))
    return traces


def paint_mixture(
    image: FloatArray,
    traces: list[IntArray],
    colours: FloatArray,
    *,
    brightness: float = 0.55,
) -> FloatArray:
    """The image with an outline for each component, shape (H, W, 3).

    Args:
        image: shape (H, W, 3).
        traces: the rows and columns of each outline.
        colours: of the components, shape (K, 3) in RGB.
        brightness: the share of white in outlines, which tells them from points.
    """
    number = len(colours)
    inks = np.column_stack([np.full(number, brightness), (1 - brightness) * np.eye(number)])
    bright = mix(inks, np.vstack([np.ones(3), colours]))
    drawn = image.copy()
    for trace, colour in zip(traces, bright, strict=True):
        drawn[trace[:, 0], trace[:, 1]] = colour
    return drawn
