"""The picture of the density: regions that hold their shares."""

import numpy as np
import pytest
from builders import article_run, mixture_of, over_background, random_mixture, sampled

from gmmcli.core.mixture.mixture import Mixture
from gmmcli.pictures.density import SHARES, find_levels, lay_points, make_density_figure
from gmmcli.pictures.scene import compute_scene
from gmmcli.pictures.style import apply_style

BOX = np.array([[-8.0, -8.0], [8.0, 8.0]])
# One of a thousandth of the width of the others, at 1e9; and a mixture over a background.
THIN = mixture_of([0.5, 0.5], [[1e9, 0], [1e9 + 5, 0]], [np.eye(2), [[1e-6, 0], [0, 1]]])
OVER = over_background(random_mixture(3, seed=1), 0.2, BOX)


@pytest.mark.parametrize("mixture", [random_mixture(6, seed=0), THIN, OVER])
def test_regions_hold_their_shares_of_a_mixture(mixture: Mixture) -> None:
    shares = np.array(SHARES)
    levels = find_levels(mixture, shares)
    assert (np.diff(levels) < 0).all()
    logs = mixture.log_densities(sampled(mixture, 40_000, seed=3))
    held = (logs[:, None] >= levels).mean(axis=0)
    flat = -np.inf if mixture.rest is None else mixture.rest
    # Regions of a background that is as dense everywhere are all of it or nothing; where components
    # add less than a hundredth to it, many points are as good as level.
    clear = levels > flat + 0.01
    # Five standard errors of a share of 40,000, and what laying points leaves.
    bound = 5 * np.sqrt(shares * (1 - shares) / 40_000) + 1e-3
    assert clear.sum() >= 4
    assert (abs(held - shares) < bound)[clear].all()


def test_the_level_of_one_gaussian_is_that_of_its_ellipse() -> None:
    one = mixture_of([1.0], [[3.0, -2.0]], [[[4.0, 1.0], [1.0, 0.5]]])
    peak = -np.log(2 * np.pi) - 0.5 * np.log(4 * 0.5 - 1)
    shares = np.array(SHARES)
    np.testing.assert_allclose(find_levels(one, shares), peak + np.log1p(-shares), atol=2e-3)


def test_points_laid_have_the_moments_of_the_mixture() -> None:
    n = 20_000
    points, weights = lay_points(OVER, n)
    assert weights.sum() == pytest.approx(1)
    own = weights[:n] / weights[:n].sum()
    about = (points[:n] - OVER.means[0]) / OVER.standard_deviations[0]
    # As much as the outermost point of the spiral has alone, by its weight and radius.
    farthest = np.sqrt(2 * np.log(2 * n))
    np.testing.assert_allclose(own @ about, 0, atol=farthest / n)
    correlation = OVER.correlations[0]
    found = (own * about.T) @ about
    np.testing.assert_allclose(found, [[1, correlation], [correlation, 1]], atol=farthest**2 / n)
    strays = points[3 * n :]
    assert OVER.background is not None
    assert OVER.background.contains(strays).all()
    # A recurrence is as even as log N / N of the box.
    width = np.ptp(BOX, axis=0)[0]
    np.testing.assert_allclose(strays.mean(axis=0), BOX.mean(axis=0), atol=width * np.log(n) / n)


def test_the_picture_has_a_shade_for_each_share_in_the_view() -> None:
    run = article_run()
    scene = compute_scene(run)
    with apply_style():
        figure = make_density_figure(scene, run)
        figure.draw_without_rendering()
    (legend,) = figure.legends
    assert [text.get_text() for text in legend.get_texts()] == [f"{100 * s:.0f} %" for s in SHARES]
    (axes,) = figure.axes
    assert axes.get_xlim() == tuple(scene.limits[:, 0])
    filled = axes.collections[0].get_facecolor()
    strengths = 1 - np.asarray(filled)[:, 0]
    assert len(filled) == len(SHARES)
    assert (np.diff(strengths) > 0).all()
