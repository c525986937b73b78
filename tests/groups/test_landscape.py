"""The landscape's slopes are those of differences of the mixture's log density."""

import numpy as np
from builders import sampled

from gmmcli.core.groups.landscape import Landscape, are_definite, invert, multiply
from gmmcli.core.groups.terrain import survey
from gmmcli.core.mixture.gaussians import Gaussians
from gmmcli.core.mixture.mixture import Mixture


def test_heights_are_log_densities(mixture: Mixture) -> None:
    terrain, _ = survey(mixture)
    points = sampled(mixture, 50)
    heights = terrain.landscape.measure(terrain.whitening.whiten_points(points))
    # Both are sums of squares of distances in standard deviations, which cancel from 1e12 on.
    expected = mixture.log_densities(points) - terrain.whitening.log_volume
    np.testing.assert_allclose(heights, expected, rtol=1e-6, atol=1e-6)


def test_slopes_are_differences_of_heights() -> None:
    random = np.random.default_rng(1)
    roots = random.normal(size=(5, 2, 2))
    covariances = roots @ roots.swapaxes(1, 2) + 0.1 * np.eye(2)
    landscape = Landscape.of(Gaussians(np.full(5, 0.2), random.normal(size=(5, 2)), covariances))
    points, hair = random.normal(size=(20, 2)), 1e-4
    slope = landscape.explore(points)
    for axis, step in enumerate(hair * np.eye(2)):
        rise = (landscape.measure(points + step) - landscape.measure(points - step)) / (2 * hair)
        np.testing.assert_allclose(slope.gradients[:, axis], rise, rtol=1e-5, atol=1e-5)
        ahead, behind = landscape.explore(points + step), landscape.explore(points - step)
        bend = (ahead.gradients - behind.gradients) / (2 * hair)
        np.testing.assert_allclose(slope.hessians[:, axis], bend, rtol=1e-5, atol=1e-5)


def test_no_step_goes_down(mixture: Mixture) -> None:
    terrain, _ = survey(mixture)
    places = terrain.whitening.whiten_points(sampled(mixture, 500))
    for _ in range(5):
        after = terrain.landscape.step(places)
        heights = terrain.landscape.measure(places)
        # What rounding leaves of a log density in whitened units.
        assert (terrain.landscape.measure(after) >= heights - 1e-9 * (1 + abs(heights))).all()
        places = after


def test_a_whole_step_leads_to_the_mean_of_the_only_component() -> None:
    covariances = np.array([[[2.0, 0.5], [0.5, 1.0]]])
    landscape = Landscape.of(Gaussians(np.ones(1), np.array([[3.0, 4.0]]), covariances))
    reached = landscape.step(np.array([[-5.0, 9.0], [3.5, 4.0]]), longest=100)
    np.testing.assert_allclose(reached, [[3, 4], [3, 4]], rtol=1e-12)
    np.testing.assert_allclose(landscape.step(np.array([[-5.0, 9.0]])), [[-3, 7.75]], rtol=1e-12)


def test_algebra_is_that_of_numpy() -> None:
    matrices = np.array([[[2.0, 0.5], [0.5, 1.0]], [[1.0, 2.0], [2.0, 1.0]]])
    np.testing.assert_array_equal(are_definite(matrices), [True, False])
    np.testing.assert_allclose(invert(matrices[:1]), np.linalg.inv(matrices[:1]))
    vectors = np.array([[1.0, 2.0], [3.0, 4.0]])
    np.testing.assert_allclose(multiply(matrices, vectors), [[3.0, 2.5], [11.0, 10.0]])
