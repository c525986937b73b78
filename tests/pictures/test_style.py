"""Colours that can be told apart."""

import numpy as np
import pytest

from gmmcli.core.mixture.covariances import FloatArray
from gmmcli.pictures.colours import convert_to_oklab
from gmmcli.pictures.kinds import Look
from gmmcli.pictures.style import apply_style, choose_inches, get_colour, pick_colours, pick_sides
from gmmcli.settings import Theme

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


def see(colours: FloatArray, eye: FloatArray) -> FloatArray:
    """RGB colours in OKLab as an eye sees them, shape (K, 3)."""
    linear = np.where(colours <= 0.04045, colours / 12.92, ((colours + 0.055) / 1.055) ** 2.4)
    seen = np.clip(linear @ eye.T, 0, 1)
    curved = np.where(seen <= 0.0031308, 12.92 * seen, 1.055 * seen ** (1 / 2.4) - 0.055)
    return convert_to_oklab(curved)


# A distance of 0.02 can just be seen. The first ten are 0.199, 0.096 and 0.076 from their
# neighbours, and 0.124, 0.057 and 0.039 from each other.
@pytest.mark.parametrize(
    ("eye", "from_neighbours", "from_all"),
    [("normal", 0.16, 0.07), ("protan", 0.09, 0.035), ("deutan", 0.07, 0.035)],
)
def test_forty_components_have_colours_that_differ_to_all_eyes(
    eye: str, from_neighbours: float, from_all: float
) -> None:
    seen = see(pick_colours(40), EYES[eye])
    apart = np.linalg.norm(seen[:, None] - seen, axis=2)
    assert np.diagonal(apart, 1).min() > from_neighbours
    assert apart[np.triu_indices(40, 1)].min() > from_all


def test_more_components_than_colours_repeat_them() -> None:
    colours = pick_colours(45)
    np.testing.assert_array_equal(colours[40:], colours[:5])


def test_twenty_components_differ_on_dark_paper_and_from_it() -> None:
    with apply_style(Look("dark")):
        seen = convert_to_oklab(pick_colours(20))
        paper = convert_to_oklab(np.array(get_colour("paper")))
    apart = np.linalg.norm(seen[:, None] - seen, axis=2)
    assert apart[np.triu_indices(20, 1)].min() > 0.04  # 0.02 can just be seen
    assert (seen[:, 0] - paper[0]).min() > 0.35


def test_a_theme_ends_with_its_context() -> None:
    light = get_colour("paper"), get_colour("ink")
    with apply_style(Look("dark", inches=(4.0, 3.0))):
        assert get_colour("paper") < get_colour("ink")
        assert choose_inches((7.0, 5.0)) == (4.0, 3.0)
    assert (get_colour("paper"), get_colour("ink")) == light
    assert choose_inches((7.0, 5.0)) == (7.0, 5.0)


@pytest.mark.parametrize(("theme", "least"), [("light", 0.13), ("dark", 0.1)])
def test_sides_are_no_colours_of_components(theme: Theme, least: float) -> None:
    with apply_style(Look(theme)):
        components, sides = convert_to_oklab(pick_colours(8)), convert_to_oklab(pick_sides())
    apart = np.linalg.norm(components[:, None] - sides, axis=2)
    assert apart.min() > least  # 0.02 can just be seen


@pytest.mark.parametrize("eye", EYES)
def test_sides_differ_to_all_eyes(eye: str) -> None:
    below, above = see(pick_sides(), EYES[eye])
    assert np.linalg.norm(below - above) > 0.28
