"""Points climb where plain modal EM in small steps leads them."""

import numpy as np
import pytest
from builders import mixture_of, overlap, sampled

from gmmcli.core.groups.modes import match_places, reach_modes
from gmmcli.core.groups.terrain import survey
from gmmcli.core.mixture.mixture import Mixture


def test_climbs_end_where_those_of_shorter_steps_do(mixture: Mixture) -> None:
    terrain, _ = survey(mixture)
    points = sampled(mixture, 1000)
    places = terrain.whitening.whiten_points(points)
    for _ in range(600):
        places = terrain.landscape.step(places, longest=0.2, part=0.1)
    away = places[:, None] - terrain.modes.places
    # Near a border between basins, the length of steps decides.
    assert (terrain.climb(points) == (away**2).sum(axis=2).argmin(axis=1)).mean() > 0.99


def test_a_point_beside_a_narrow_group_is_not_carried_past_it() -> None:
    mixture = mixture_of(
        [0.45, 0.45, 0.1],
        [[0, 0], [10, 0], [5, 0]],
        [np.eye(2), np.eye(2), 100 * np.eye(2)],
    )
    terrain, tree = survey(mixture)
    right = int(terrain.climb(np.array([[10.0, 0.0]]))[0])
    np.testing.assert_allclose(tree.modes[right], [10, 0], atol=0.1)
    # The wide component is likeliest there, and the step to its mean would pass over the group.
    beyond = np.array([[14.5, 0.0]])
    assert mixture.responsibilities(beyond).argmax() == 2
    assert terrain.climb(beyond)[0] == right


def test_a_stride_is_no_longer_than_a_step_may_be() -> None:
    mixture = overlap(30, 4)
    terrain, _ = survey(mixture)
    points = terrain.whitening.whiten_points(sampled(mixture, 2000))
    away = terrain.landscape.stride(points, part=0) - points
    lengths = np.einsum("ni,kij,nj->kn", away, terrain.landscape.precisions, away)
    assert lengths.max() <= 1 + 1e-9  # squared, in standard deviations of any component
    heights = terrain.landscape.measure(points)
    assert (terrain.landscape.measure(points + away) >= heights - 1e-9).all()


def test_climbs_go_by_batches(mixture: Mixture) -> None:
    terrain, _ = survey(mixture)
    points = terrain.whitening.whiten_points(sampled(mixture, 300))
    whole = reach_modes(terrain.landscape, terrain.modes, points)
    parts = reach_modes(terrain.landscape, terrain.modes, points, batch=7)
    np.testing.assert_array_equal(whole, parts)


def test_places_match_within_a_hair() -> None:
    places = np.array([[0.0, 0.0], [1.0, 0.0], [1e-6, 0.0], [1.0, 1e-6]])
    assert match_places(places, np.array([np.eye(2)] * 4)).tolist() == [0, 1, 0, 1]


@pytest.mark.parametrize("direction", [(1, 0), (0, 1), (1, 1), (3, -2)])
@pytest.mark.parametrize("distance", [1e4, 1e7, 1e10])
def test_groups_far_apart_are_where_they_are(
    distance: float, direction: tuple[float, float]
) -> None:
    means = np.array([[0.3, 4.0], np.multiply(distance, direction)])
    covariances = [[[2.3, -1.44], [-1.44, 0.95]], [[1.6, 0.4], [0.4, 0.6]]]
    _, tree = survey(mixture_of([0.3, 0.7], means, covariances))
    # A place so far from the middle is written with so many digits.
    assert np.allclose(tree.modes, means, rtol=0, atol=1e3 * np.finfo(np.float64).eps * distance)
