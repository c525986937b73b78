"""The data of a picture: points where there are few, an image of their density where many."""

import math
from collections.abc import Callable
from functools import partial

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import PathCollection
from matplotlib.colors import to_rgba_array
from matplotlib.image import AxesImage

from gmmcli.core.cells.cells import Cells
from gmmcli.core.mixture.covariances import FloatArray
from gmmcli.core.mixture.mixture import Mixture
from gmmcli.pictures.colours import Floats, convert_to_oklab, convert_to_rgb, lay, mix
from gmmcli.pictures.rasters import (
    double,
    find_faint,
    measure_dot,
    rasterise_cells,
    scale_strengths,
)
from gmmcli.pictures.scene import Scene, compute_shares, list_colours
from gmmcli.pictures.style import BACKGROUND_COLOUR, get_colour


class Dots:
    """A dot for each cell, in the colours of its components, mixed by responsibility.

    Where it most likely belongs to the background, it is an open circle.
    """

    def __init__(self, axes: Axes, scene: Scene, *, usual_area: float = 330 * 290) -> None:
        """The dots, without colours yet.

        Args:
            axes: where to draw.
            scene: with the cells, and how large they are.
            usual_area: of axes for which the scene's sizes are, in square points; in smaller ones
                dots are smaller, by the root of the share.
        """
        self._scene = scene
        places = scene.cells.means
        axes.apply_aspect()
        area = float(measure_view(axes).prod())
        sizes = min(math.sqrt(area / usual_area), 1.0) * scene.sizes
        self.artist: PathCollection = axes.scatter(places[:, 0], places[:, 1], s=sizes, zorder=1)
        self._alpha = min(max(6000 / scene.cells.n_cells, 0.3), 0.7)

    def show(self, mixture: Mixture) -> None:
        """Give the dots the colours that a mixture says."""
        shares = compute_shares(mixture, self._scene.cells.means)
        colours = self._scene.cell_colours
        if colours is None:
            colours = mix(shares, list_colours(self._scene, mixture))
        faces = to_rgba_array(np.clip(colours, 0, 1), self._alpha)
        edges = np.zeros_like(faces)
        if mixture.background is not None:
            are_stray = shares[:, -1] > shares[:, :-1].max(axis=1)
            faces[are_stray, 3] = 0.0
            edges[are_stray] = (*BACKGROUND_COLOUR, 1.0)
        self.artist.set(facecolors=faces, edgecolors=edges, linewidths=0.7 * edges[:, 3])


class Density:
    """An image: hues by responsibility at the pixel, strength by how many points are there."""

    def __init__(self, axes: Axes, scene: Scene) -> None:
        """The image for the view as it is on the page.

        Args:
            axes: where to draw.
            scene: with the cells and the view.
        """
        self._scene = scene
        axes.apply_aspect()
        columns, rows = (
            max(math.floor(length + 0.49), 2) for length in (axes.bbox.width, axes.bbox.height)
        )
        dot = measure_dot(columns / float(measure_view(axes)[0]))
        image = scene.rasterise((rows, columns), dot)
        strengths = scale_strengths(image, find_faint(scene.cells.counts, dot)).astype(np.float32)
        self._inked = np.flatnonzero(strengths > 1 / 512)  # below, it is paper on any screen
        self._strengths = strengths.ravel()[self._inked]
        self._own_hues = None
        if scene.cell_colours is not None:
            spread = partial(rasterise_cells, limits=scene.limits, shape=(rows, columns), dot=dot)
            self._own_hues = mix_cells(scene.cells, scene.cell_colours, spread)[self._inked]
        self._shape, self._coarse = (rows, columns), ((rows + 1) // 2, (columns + 1) // 2)
        self._places = _lay_pixels(scene.limits, (rows, columns), self._coarse)
        paper = np.array(get_colour("paper"))
        self._paper = convert_to_oklab(paper).astype(np.float32)
        self._blank = np.tile((255 * paper + 0.5).astype(np.uint8), (rows * columns, 1))
        (low_x, low_y), (high_x, high_y) = scene.limits.tolist()
        self.artist: AxesImage = axes.imshow(
            self._blank.reshape(rows, columns, 3),
            aspect=axes.get_aspect(),
            extent=(low_x, high_x, low_y, high_y),
            origin="lower",
            interpolation="nearest",
            zorder=0.5,
        )

    def show(self, mixture: Mixture) -> None:
        """Give the image the hues that a mixture says."""
        hues = self._mix_hues(mixture) if self._own_hues is None else self._own_hues
        colours = convert_to_rgb(lay(self._paper, hues, self._strengths))
        pixels = self._blank.copy()
        pixels[self._inked] = 255 * colours + 0.5
        self.artist.set_data(pixels.reshape(*self._shape, 3))

    def _mix_hues(self, mixture: Mixture) -> Floats:
        """The hues of the pixels that are not paper, in OKLab, shape (P, 3)."""
        shares = compute_shares(mixture, self._places)
        hues = shares @ convert_to_oklab(list_colours(self._scene, mixture))
        coarse = hues.astype(np.float32).reshape(*self._coarse, 3)
        return double(coarse, self._shape).reshape(-1, 3)[self._inked]


def mix_cells(cells: Cells, colours: FloatArray, spread: Callable[[Cells], FloatArray]) -> Floats:
    """The colours of cells mixed at each pixel by their points there, in OKLab, shape (P, 3).

    Args:
        cells: C of them.
        colours: of the cells, shape (C, 3) in RGB, few of which differ.
        spread: what gives the points at each pixel.
    """
    kinds, of_cells = np.unique(colours, axis=0, return_inverse=True)
    images = [spread(cells.select(of_cells.ravel() == kind)).ravel() for kind in range(len(kinds))]
    total = np.maximum(np.sum(images, axis=0), np.finfo(np.float64).tiny)
    hues = np.stack(images, axis=1) / total[:, None] @ convert_to_oklab(kinds)
    return np.asarray(hues, np.float32)


def make_points(axes: Axes, scene: Scene) -> Dots | Density:
    """What shows the data of a scene, without colours yet."""
    return Density(axes, scene) if scene.is_carpet else Dots(axes, scene)


def measure_view(axes: Axes) -> FloatArray:
    """The width and height of axes, shape (2,), in points (1/72 inch)."""
    figure = axes.get_figure(root=True)
    assert figure is not None  # noqa: S101 (for the type)
    return 72 / figure.dpi * np.array([axes.bbox.width, axes.bbox.height])


def _lay_pixels(limits: FloatArray, shape: tuple[int, int], coarse: tuple[int, int]) -> FloatArray:
    """The middles of pixels of twice the size, row by row, in data units; shape (P, 2)."""
    low, high = limits
    shares = [(2 * np.arange(n) + 1) / whole for n, whole in zip(coarse, shape, strict=True)]
    y, x = (low[1 - i] + shares[i] * (high - low)[1 - i] for i in (0, 1))
    return np.stack(np.meshgrid(x, y), axis=-1).reshape(-1, 2)
