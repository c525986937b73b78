"""Colours that can be told apart."""

import numpy as np
import pytest

from gmmcli.core.mixture.covariances import FloatArray
from gmmcli.pictures.style import pick_colours

# What eyes without long or medium cones see of linear RGB (Machado, Oliveira & Fernandes 2009).
EYES = {
    "normal": np.eye(3),
    "protan": np.array(
        [
            [0.152286, 1.052583, -0.204868],
            [0.114503, 0.786281, 0.099216],
            [-0.003882, -0.048116, 1.051998],
        ]
    ),
    "deutan": np.array(
        [
            [0.367322, 0.860646, -0.227968],
            [0.280085, 0.672501, 0.047413],
            [-0.011820, 0.042940, 0.968881],
        ]
    ),
}


def oklab(colours: FloatArray, eye: FloatArray) -> FloatArray:
    """RGB colours in OKLab (Ottosson 2020), where equal distances look equal; shape (K, 3)."""
    linear = np.where(colours <= 0.04045, colours / 12.92, ((colours + 0.055) / 1.055) ** 2.4)
    cones = np.clip(linear @ eye.T, 0, 1) @ [
        [0.4122214708, 0.2119034982, 0.0883024619],
        [0.5363325363, 0.6806995451, 0.2817188376],
        [0.0514459929, 0.1073969566, 0.6299787005],
    ]
    lab: FloatArray = np.cbrt(cones) @ [
        [0.2104542553, 1.9779984951, 0.0259040371],
        [0.7936177850, -2.4285922050, 0.7827717662],
        [-0.0040720468, 0.4505937099, -0.8086757660],
    ]
    return lab


# A distance of 0.02 can just be seen. The first ten are 0.199, 0.096 and 0.076 from their
# neighbours, and 0.124, 0.057 and 0.039 from each other.
@pytest.mark.parametrize(
    ("eye", "from_neighbours", "from_all"),
    [("normal", 0.16, 0.07), ("protan", 0.09, 0.035), ("deutan", 0.07, 0.035)],
)
def test_forty_components_have_colours_that_differ_to_all_eyes(
    eye: str, from_neighbours: float, from_all: float
) -> None:
    seen = oklab(pick_colours(40), EYES[eye])
    apart = np.linalg.norm(seen[:, None] - seen, axis=2)
    assert np.diagonal(apart, 1).min() > from_neighbours
    assert apart[np.triu_indices(40, 1)].min() > from_all


def test_more_components_than_colours_repeat_them() -> None:
    colours = pick_colours(45)
    np.testing.assert_array_equal(colours[40:], colours[:5])
