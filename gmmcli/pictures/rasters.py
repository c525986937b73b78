"""Cells as densities on a grid of pixels. NumPy only.

Each cell is a kernel: its own covariance, widened so far that neighbours run into each other, and
at least a dot. A kernel is a sum of round Gaussians of one of few widths: so cells are counted on
the pixels first, and each width blurs once what has it.
"""

import math
from collections.abc import Iterator
from functools import reduce

import numpy as np

from gmmcli.core.cells.cells import Cells
from gmmcli.core.mixture.covariances import FloatArray
from gmmcli.core.mixture.gaussians import IntArray
from gmmcli.pictures.colours import Floats

# Weights and places, in standard deviations, of three points with the first five moments of a
# Gaussian (Gauss and Hermite).
_THREE = np.array([1 / 6, 2 / 3, 1 / 6]), np.array([-math.sqrt(3), 0.0, math.sqrt(3)])


def rasterise_cells(
    cells: Cells,
    limits: FloatArray,
    shape: tuple[int, int],
    dot: float,
    widening: float = 2.2,
) -> FloatArray:
    """The points at each pixel, of the given shape, in points per pixel; the lowest row is first.

    Args:
        cells: in data units.
        limits: the lower and upper corner of the view, shape (2, 2).
        shape: rows and columns.
        dot: the standard deviation of a single point, in pixels.
        widening: of a cell's standard deviations. An even box is sqrt(12) of its own across, and a
            kernel of 2.2 is 0.64 of the box: neighbours make a plain that ripples by about 1/100
            at most. More blurs, less shows the grid.
    """
    cells = separate_few(cells)
    low, high = limits
    scales = np.array(shape[::-1]) / (high - low)  # pixels per unit
    places = (cells.means - low) * scales - 0.5  # the middle of the first pixel is at 0
    covariances = cells.covariances * (widening * scales[:, None]) * (widening * scales)
    image = np.zeros(shape)
    widest = max(*shape, 16 * dot) / 16
    for width, counts, nodes in _split(cells.counts, places, covariances, dot, widest):
        margin = math.ceil(4 * width) + 1
        image += blur(count_bilinearly(nodes, counts, shape, margin), width, margin)
    return image


def separate_few(cells: Cells) -> Cells:
    """The cells, but for those of two and three points, in place of which are so many dots.

    Two are where the points were, and three have the mean and the covariance of theirs: as an
    ellipse, so few would be a streak.
    """
    found = [cells.select((cells.counts != 2) & (cells.counts != 3))]
    for number, reach in ((2, 1.0), (3, np.sqrt(2))):
        some = cells.select(cells.counts == number)
        variances, directions = np.linalg.eigh(some.covariances)  # ascending
        axes = directions * np.sqrt(np.maximum(variances, 0))[:, None, :]
        angles = 2 * np.pi * np.arange(number) / number
        offsets = reach * np.column_stack([np.sin(angles), np.cos(angles)])  # short axis, long axis
        dots = (some.means[:, None] + offsets @ axes.swapaxes(1, 2)).reshape(-1, 2)
        found.append(Cells(np.ones(len(dots)), dots, np.zeros((len(dots), 2, 2))))
    return reduce(Cells.join, found)


def _split(
    counts: FloatArray,
    places: FloatArray,
    covariances: FloatArray,
    dot: float,
    widest: float,
    *,
    most_octaves: int = 6,
) -> Iterator[tuple[float, FloatArray, FloatArray]]:
    """The width of a blur, and the counts (M,) and places (M, 2) that it blurs; each width once.

    Args:
        counts: shape (C,).
        places: in pixels, shape (C, 2).
        covariances: in pixels squared, shape (C, 2, 2).
        dot: the least width.
        widest: the greatest; what is wider than the view is spread coarsely, as so little of it
            is at any pixel.
        most_octaves: of the nodes along a cell; see `_lay_nodes`. More are finer, and cost memory.
    """
    are_wide = np.trace(covariances, axis1=1, axis2=2) > dot**2
    parts = {0: [(counts[~are_wide], places[~are_wide])]}
    variances, directions = np.linalg.eigh(covariances[are_wide])  # ascending
    variances = np.maximum(variances, 0) + dot**2
    levels = np.floor(np.log2(variances[:, 0] / dot**2))  # of half an octave
    levels = np.minimum(levels, math.floor(2 * math.log2(widest / dot))).astype(np.intp)
    left = np.sqrt(np.maximum(variances - (dot**2 * 2.0**levels)[:, None], 0))
    ratios = left[:, 1] / (dot * 2.0 ** (levels / 2))
    octaves = np.minimum(np.ceil(np.log2(np.maximum(ratios, 1))), most_octaves).astype(np.intp)
    axes = directions * left[:, None, :]  # columns: the short axis and the long one
    for level, octave in np.unique(np.stack([levels, octaves], axis=1), axis=0).tolist():
        own = (levels == level) & (octaves == octave)
        weights, offsets = _lay_nodes(int(octave))
        shared = np.outer(counts[are_wide][own], weights).ravel()
        nodes = places[are_wide][own][:, None] + offsets @ axes[own].swapaxes(1, 2)
        parts.setdefault(level, []).append((shared, nodes.reshape(-1, 2)))
    for level, pieces in parts.items():
        own_counts, own_places = (np.concatenate(part) for part in zip(*pieces, strict=True))
        yield dot * 2.0 ** (level / 2), own_counts, own_places


def _lay_nodes(octave: int) -> tuple[FloatArray, FloatArray]:
    """Weights (M,) and places (M, 2) of points that stand for a Gaussian of unit covariance.

    Three across; along it so many that they are at most 1.5 blurs apart, where its standard
    deviation is at most 2**octave blurs.
    """
    across, along = _THREE, _THREE
    if octave:
        places = np.linspace(-3, 3, 4 * 2**octave + 1)
        weights = np.exp(-(places**2) / 2)
        weights /= weights.sum()
        along = weights, places / np.sqrt(weights @ places**2)
    grid = np.stack(np.meshgrid(across[1], along[1], indexing="ij"), axis=-1)
    return np.outer(across[0], along[0]).ravel(), grid.reshape(-1, 2)


def count_bilinearly(
    places: FloatArray, counts: FloatArray, shape: tuple[int, int], margin: int
) -> FloatArray:
    """Counts shared among the four pixels about each place, with a margin on all sides.

    Args:
        places: x and y in pixels, shape (M, 2); what lies beyond the margin is left out.
        counts: shape (M,).
        shape: rows and columns without margins.
        margin: in pixels.
    """
    rows, columns = shape[0] + 2 * margin, shape[1] + 2 * margin
    inside = ((places > -margin) & (places < np.array(shape[::-1]) - 1 + margin)).all(axis=1)
    places, counts = places[inside] + margin, counts[inside]
    corners: IntArray = places.astype(np.intp)
    x, y = (places - corners).T
    first = corners[:, 1] * columns + corners[:, 0]
    image = np.zeros(rows * columns)
    for step, shares in (
        (0, (1 - x) * (1 - y)),
        (1, x * (1 - y)),
        (columns, (1 - x) * y),
        (columns + 1, x * y),
    ):
        image += np.bincount(first + step, counts * shares, minlength=len(image))
    return image.reshape(rows, columns)


def blur(image: FloatArray, width: float, margin: int) -> FloatArray:
    """The image without its margins, blurred by a Gaussian; what stays inside is all there is.

    Args:
        image: with margins.
        width: the standard deviation, in pixels.
        margin: at least four widths, in pixels.
    """
    steps = np.arange(-margin, margin + 1)
    weights = np.exp(-((steps / width) ** 2) / 2)
    weights /= weights.sum()
    for _ in range(2):  # along one axis, then along the other
        n = len(image) - 2 * margin
        sums = np.zeros((n, image.shape[1]))
        for start, weight in enumerate(weights):
            sums += weight * image[start : start + n]
        image = np.ascontiguousarray(sums.T)
    return image


def measure_dot(resolution: float, *, points: float = 0.45) -> float:
    """The standard deviation of a single point's dot, in pixels.

    Args:
        resolution: pixels to the point (1/72 inch).
        points: the same deviation: more shows the tail better, less the edges.
    """
    return points * resolution


def find_faint(
    counts: FloatArray, dot: float, *, lightest: float = 0.05, share: float = 0.2
) -> float:
    """The density below which all fades to nothing, in points per square of the dot's unit.

    Args:
        counts: of the cells, shape (C,).
        dot: the standard deviation of a single point's dot.
        lightest: the dots that show have the count that this share of the cells do not exceed; it
            is that of single points, where they have no weights and are not all in larger cells.
        share: of the density in the middle of such a dot. Less shows single points better, and
            the core with less contrast.
    """
    return share * float(np.quantile(counts, lightest)) / (2 * math.pi * dot**2)


def scale_strengths(image: FloatArray, faint: float) -> FloatArray:
    """How strong each pixel is to be drawn: from 0 to 1 at the peak, by the log of its density.

    Args:
        image: points per pixel.
        faint: densities below this one fade to nothing, in points per pixel.
    """
    peak = math.log1p(float(image.max()) / faint)
    return np.asarray(np.log1p(image / faint) / (peak or 1.0))


def double(image: Floats, shape: tuple[int, int]) -> Floats:
    """An image of half the resolution, shape (r, c, d), at a shape, linear between its pixels.

    Args:
        image: at least half as large as the shape, rounded up; its pixels are 2 wide.
        shape: rows and columns.
    """
    for n in shape:
        padded = np.concatenate([image[:1], image, image[-1:]])
        finer = np.empty((2 * len(image), *image.shape[1:]), image.dtype)
        finer[0::2] = 0.75 * image + 0.25 * padded[:-2]
        finer[1::2] = 0.75 * image + 0.25 * padded[2:]
        image = finer[:n].swapaxes(0, 1)
    return image
