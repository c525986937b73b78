"""Territories say of nearly every point which group it climbs to."""

import numpy as np
import pytest
from builders import mixture_of, overlap, sampled

from gmmcli.core.groups.borders import draw_territories
from gmmcli.core.groups.groups import label_points
from gmmcli.core.groups.terrain import survey
from gmmcli.core.mixture.mixture import Mixture


def test_points_are_in_the_territory_of_the_group_that_they_climb_to(mixture: Mixture) -> None:
    _, tree = survey(mixture)
    points = sampled(mixture, 20_000)
    labels = mixture.responsibilities(points).argmax(axis=1)
    for valley in (0.95, 0.5):
        found = draw_territories(mixture, tree, valley).locate(points, labels)
        assert (found == label_points(mixture, tree, valley, points)).mean() >= 0.999


# A ridge that is all but level, on which a long stride passes over valleys; and a component that
# is a sliver between others, which no corner of a box is in.
@pytest.mark.parametrize(("n_components", "seed"), [(20, 4), (30, 4), (12, 9)])
def test_rows_are_in_the_groups_of_their_climbs(n_components: int, seed: int) -> None:
    mixture = overlap(n_components, seed)
    _, tree = survey(mixture)
    points = sampled(mixture, 20_000)
    labels = mixture.responsibilities(points).argmax(axis=1)
    found = draw_territories(mixture, tree, 0.95).locate(points, labels)
    assert (found == label_points(mixture, tree, 0.95, points)).mean() >= 0.999


@pytest.mark.parametrize("apart", [40, 1e6])
def test_what_is_far_apart_needs_no_cut(apart: float) -> None:
    mixture = mixture_of([0.5, 0.5], [[0, 0], [apart, 0]], [np.eye(2), np.eye(2)])
    _, tree = survey(mixture)
    assert draw_territories(mixture, tree, 0.95).of_components == (0, 1)


def test_one_group_is_the_whole_plane(mixture: Mixture) -> None:
    _, tree = survey(mixture)
    if (tree.valleys[tree.valleys > 0] > 1e-9).sum() == tree.number - 1:
        territories = draw_territories(mixture, tree, 1e-9)
        assert territories.of_components == (0,) * mixture.n_components


def test_no_point_belongs_to_a_component_without_weight() -> None:
    mixture = mixture_of([0.5, 0.5, 0], [[0, 0], [9, 0], [5, 5]], [np.eye(2)] * 3)
    _, tree = survey(mixture)
    territories = draw_territories(mixture, tree, 0.95)
    assert len(territories.of_components) == 3
    assert territories.of_components[:2] == (0, 1)


def test_strays_are_in_no_territory(mixture: Mixture) -> None:
    _, tree = survey(mixture)
    territories = draw_territories(mixture, tree, 0.95)
    assert territories.locate(mixture.means[:1], np.array([-1])).tolist() == [-1]
