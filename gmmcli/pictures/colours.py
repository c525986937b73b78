"""Colours as numbers: OKLab, in which equal distances look equal, and mixing in it. NumPy only.

Björn Ottosson, "A perceptual color space for image processing" (2020). RGB is sRGB from 0 to 1.
"""

from typing import Any

import numpy as np
import numpy.typing as npt

from gmmcli.core.mixture.covariances import FloatArray

# Images are of half the precision, and twice as fast.
Floats = npt.NDArray[np.floating[Any]]

# Ottosson's matrices: from linear sRGB to the responses of the cones, and from their roots to Lab.
_TO_CONES = np.array(
    [
        [0.4122214708, 0.2119034982, 0.0883024619],
        [0.5363325363, 0.6806995451, 0.2817188376],
        [0.0514459929, 0.1073969566, 0.6299787005],
    ]
)
_TO_LAB = np.array(
    [
        [0.2104542553, 1.9779984951, 0.0259040371],
        [0.7936177850, -2.4285922050, 0.7827717662],
        [-0.0040720468, 0.4505937099, -0.8086757660],
    ]
)
_FROM_CONES, _FROM_LAB = np.linalg.inv(_TO_CONES), np.linalg.inv(_TO_LAB)


def convert_to_oklab(colours: FloatArray) -> FloatArray:
    """Colours in OKLab: lightness from 0 to 1, green to red, blue to yellow; shape (..., 3).

    Args:
        colours: in RGB, shape (..., 3).
    """
    rgb = np.asarray(colours, dtype=np.float64)
    linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
    return np.asarray(np.cbrt(linear @ _TO_CONES) @ _TO_LAB)


def convert_to_rgb(lab: Floats) -> Floats:
    """Colours in RGB, shape (..., 3), of the floats' own kind; what screens lack is clipped.

    Args:
        lab: in OKLab, shape (..., 3).
    """
    kind = lab.dtype
    roots = lab @ _FROM_LAB.astype(kind)
    linear = np.clip((roots * roots * roots) @ _FROM_CONES.astype(kind), 0, 1)
    curved = 1.055 * np.power(np.maximum(linear, 0.0031308), kind.type(1 / 2.4)) - 0.055
    return np.asarray(np.where(linear <= 0.0031308, 12.92 * linear, curved))


def mix(shares: FloatArray, colours: FloatArray) -> FloatArray:
    """Colours mixed in OKLab, in RGB, shape (N, 3).

    Args:
        shares: of each colour in each mixture, summing to 1 in each; shape (N, K).
        colours: in RGB, shape (K, 3).
    """
    return np.asarray(convert_to_rgb(shares @ convert_to_oklab(colours)), np.float64)


def lighten(colours: FloatArray, *, least: float = 0.5, most: float = 0.95) -> FloatArray:
    """The same hues light enough for dark paper, in RGB, shape (..., 3).

    Args:
        colours: in RGB, shape (..., 3).
        least: the lightness that black gets: more is easier to see, less is easier to tell apart.
        most: the lightness that white gets.
    """
    lab = convert_to_oklab(colours)
    lab[..., 0] = least + (most - least) * lab[..., 0]
    return np.asarray(convert_to_rgb(lab), np.float64)


def lay(paper: Floats, colours: Floats, strengths: Floats) -> Floats:
    """Colours laid on paper with some strengths, all in OKLab, shape (..., 3).

    Args:
        paper: shape (3,).
        colours: shape (..., 3).
        strengths: from 0, paper, to 1, colour; shape (...).
    """
    return np.asarray(paper + strengths[..., None] * (colours - paper))
