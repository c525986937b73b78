"""Groups: what climbs to them, how components share them, and what JSON keeps."""

import json

import numpy as np
import pytest
from builders import cells_of, mixture_of, over_background, sampled

from gmmcli.core.groups.groups import Groups, find_groups, label_points
from gmmcli.core.mixture.mixture import Mixture
from gmmcli.errors import MixtureError


def test_shares_are_those_of_the_points(mixture: Mixture) -> None:
    points = sampled(mixture, 2000)
    groups = find_groups(mixture, cells_of(points))
    labels = label_points(mixture, groups.tree, groups.valley, points)
    responsibilities = mixture.responsibilities(points)
    for group in range(groups.number):
        held = responsibilities[labels == group].sum(axis=0) / responsibilities.sum(axis=0)
        np.testing.assert_allclose(groups.shares[:, group], held, atol=1e-9)


def test_groups_do_not_depend_on_the_cells(mixture: Mixture) -> None:
    few, many = (find_groups(mixture, cells_of(sampled(mixture, n))) for n in (10, 1000))
    np.testing.assert_array_equal(few.tree.valleys, many.tree.valleys)


def test_a_known_tree_is_not_looked_for(mixture: Mixture) -> None:
    cells = cells_of(sampled(mixture, 200))
    groups = find_groups(mixture, cells)
    assert find_groups(mixture, cells, tree=groups.tree).tree is groups.tree
    np.testing.assert_allclose(find_groups(mixture, cells, tree=groups.tree).shares, groups.shares)


def test_a_wide_component_spans_several_groups() -> None:
    mixture = mixture_of(
        [0.3, 0.3, 0.4],
        [[-1.5, 0], [1.5, 0], [0, 0]],
        [np.eye(2) / 4, np.eye(2) / 4, 6 * np.eye(2)],
    )
    groups = find_groups(mixture, cells_of(sampled(mixture, 4000)))
    assert groups.number == 2
    assert not groups.are_components
    np.testing.assert_allclose(groups.shares[:2], [[1, 0], [0, 1]], atol=0.01)
    # By symmetry half of it; 1,600 points have a standard error of 0.0125.
    np.testing.assert_allclose(groups.shares[2], [0.5, 0.5], atol=4 * 0.0125)


def test_strays_are_in_no_group() -> None:
    two = mixture_of([0.5, 0.5], [[0, 0], [6, 0]], [np.eye(2), np.eye(2)])
    mixture = over_background(two, 0.01, np.array([[-20.0, -20.0], [20.0, 20.0]]))
    assert mixture.background is not None
    tree = find_groups(mixture, cells_of(np.zeros((1, 2)))).tree
    corner = mixture.background.box[:, 1] - 1e-3
    points = np.array([[0.0, 0.0], corner])
    assert mixture.background_responsibilities(points)[1] > 0.5
    assert label_points(mixture, tree, 0.95, points).tolist() == [0, -1]


def test_a_deep_valley_divides_and_a_dent_does_not() -> None:
    two = mixture_of([0.5, 0.5], [[0, 0], [2.2, 0]], [np.eye(2), np.eye(2)])
    cells = cells_of(sampled(two, 100))
    (dent,) = find_groups(two, cells, 1.0).tree.valleys[1:]
    valley = max(dent, *find_groups(two, cells).tree.valleys)
    assert find_groups(two, cells, valley).number == 1
    assert find_groups(two, cells, min(valley + 1e-6, 1)).number == 2
    assert find_groups(two, cells, 1.0).are_components


def test_groups_survive_json(mixture: Mixture) -> None:
    groups = find_groups(mixture, cells_of(sampled(mixture, 200)))
    again = Groups.from_json(json.loads(json.dumps(groups.to_json())))
    assert again.to_json() == groups.to_json()


def test_shares_that_do_not_fit_the_tree_are_refused(mixture: Mixture) -> None:
    values = find_groups(mixture, cells_of(sampled(mixture, 50))).to_json()
    with pytest.raises(MixtureError, match="shares"):
        Groups.from_json({**values, "shares": [[0.5] * (values["number"] + 1)]})
    with pytest.raises(MixtureError, match="sum to 1"):
        Groups.from_json({**values, "shares": [[2.0] * values["number"]]})


def test_a_component_that_has_lost_its_points_is_in_the_group_of_its_mean() -> None:
    mixture = mixture_of([0.5, 0.5 - 1e-200, 1e-200], [[0, 0], [40, 0], [40, 40]], [np.eye(2)] * 3)
    points = sampled(mixture_of([0.5, 0.5], [[0, 0], [40, 0]], [np.eye(2)] * 2), 100)
    groups = find_groups(mixture, cells_of(points))
    np.testing.assert_array_equal(groups.shares, np.eye(3))
