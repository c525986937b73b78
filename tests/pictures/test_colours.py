"""Colours as numbers."""

import numpy as np

from gmmcli.pictures.colours import convert_to_oklab, convert_to_rgb, lay, lighten, mix


def test_oklab_has_the_values_of_its_author() -> None:
    # Ottosson's own, of white, red and blue, to three decimals.
    rgb = np.array([[1.0, 1, 1], [1, 0, 0], [0, 0, 1]])
    lab = [[1.0, 0.0, 0.0], [0.628, 0.225, 0.126], [0.452, -0.032, -0.312]]
    np.testing.assert_allclose(convert_to_oklab(rgb), lab, atol=1e-3)


def test_colours_come_back_from_oklab() -> None:
    colours = np.random.default_rng(0).uniform(size=(200, 3))
    np.testing.assert_allclose(convert_to_rgb(convert_to_oklab(colours)), colours, atol=1e-6)
    half = convert_to_oklab(colours).astype(np.float32)
    assert convert_to_rgb(half).dtype == np.float32
    np.testing.assert_allclose(convert_to_rgb(half), colours, atol=1e-4)


def test_mixing_keeps_what_is_pure_and_meets_in_the_middle() -> None:
    two = np.array([[0.0, 0.45, 0.7], [0.84, 0.37, 0.0]])
    mixed = mix(np.array([[1.0, 0.0], [0.5, 0.5], [0.0, 1.0]]), two)
    np.testing.assert_allclose(mixed[[0, 2]], two, atol=1e-6)
    lab = convert_to_oklab(np.vstack([two[0], mixed[1], two[1]]))
    np.testing.assert_allclose(lab[1], (lab[0] + lab[2]) / 2, atol=1e-6)


def test_lifting_keeps_hues_and_their_order() -> None:
    colours = np.array([[0.1, 0.05, 0.2], [0.3, 0.3, 0.3], [0.5, 0.7, 0.6]])
    before, after = convert_to_oklab(colours), convert_to_oklab(lighten(colours))
    np.testing.assert_allclose(after[:, 1:], before[:, 1:], atol=1e-6)
    assert (np.diff(after[:, 0]) > 0).all()
    assert (after[:, 0] >= 0.5).all()


def test_what_has_no_strength_is_paper() -> None:
    paper, colour = np.array([1.0, 0, 0]), np.array([[0.5, 0.2, -0.1]] * 2)
    laid = lay(paper, colour, np.array([0.0, 1.0]))
    np.testing.assert_array_equal(laid, [paper, colour[1]])
