"""A tree that is cut gives the groups that joining from the highest saddle down would give."""

import json

import numpy as np
import pytest

from gmmcli.core.groups.terrain import survey
from gmmcli.core.groups.tree import Tree, join_modes
from gmmcli.core.mixture.mixture import Mixture
from gmmcli.errors import MixtureError


def make_tree(joins: list[int], valleys: list[float]) -> Tree:
    n_modes = len(joins)
    places = np.arange(2.0 * n_modes).reshape(-1, 2)
    return Tree(places, np.zeros(n_modes), np.array(joins), places + 0.5, np.array(valleys))


def join_until(
    heights: np.ndarray, saddles: np.ndarray, sides: np.ndarray, valley: float
) -> list[set[int]]:
    """The groups by joining two over a saddle where it is shallow for the lower of their tops."""
    groups = [{mode} for mode in range(len(heights))]
    for saddle in np.argsort(-saddles):
        one, other = (next(g for g in groups if side in g) for side in sides[saddle])
        top = min(max(heights[list(g)]) for g in (one, other))
        if one is not other and np.exp(saddles[saddle] - top) >= valley:
            groups = [g for g in groups if g not in (one, other)] + [one | other]
    return sorted(groups, key=min)


@pytest.mark.parametrize("seed", range(20))
def test_cuts_are_the_groups_that_shallow_saddles_join(seed: int) -> None:
    random = np.random.default_rng(seed)
    heights = random.normal(size=9)
    pairs = np.argwhere(np.triu(np.ones((9, 9)), 1))
    sides = pairs[random.random(len(pairs)) < 0.5]
    saddles = heights[sides].min(axis=1) - random.exponential(0.5, len(sides))
    order = np.argsort(-saddles)
    saddles, sides = saddles[order], sides[order]
    joins, by = join_modes(heights, sides)
    valleys = np.where(by < 0, 0, np.exp(saddles[by] - heights))
    tree = Tree(random.normal(size=(9, 2)), heights, joins, np.zeros((9, 2)), valleys)
    for valley in (0.99, 0.9, 0.7, 0.5, 0.2):
        cut = tree.cut(valley)
        groups = [set(np.flatnonzero(cut == g).tolist()) for g in range(cut.max() + 1)]
        assert groups == join_until(heights, saddles, sides, valley)


def test_groups_are_numbered_by_their_first_mode() -> None:
    tree = make_tree([3, 1, 1, 1], [0.97, 0.0, 0.2, 0.4])
    assert tree.cut(0.95).tolist() == [0, 1, 2, 0]
    assert tree.cut(0.3).tolist() == [0, 0, 1, 0]
    assert tree.cut(1.0).tolist() == [0, 1, 2, 3]


@pytest.mark.parametrize(
    ("valleys", "valley", "expected"),
    [
        # Those of a mixture of two crescents, in strings of four components each.
        ([0.0, 0.019, 0.547, 0.547, 0.605, 0.691, 0.784, 0.797], 0.95, 0.5),
        ([0.0, 0.03, 0.3, 0.35], 0.4, 0.16),  # the middle of the gap, where 0.5 is not in it
        ([0.0, 0.01, 0.02, 0.05], 0.95, None),  # the cut is where no valley is near already
        ([0.0, 0.7], 0.95, None),  # all would be one group
        ([0.0, 0.1, 0.4, 0.7], 0.95, None),  # no gap is far wider than others
        ([0.0], 0.95, None),
        ([0.0, 0.02, 0.96, 0.97], 0.95, None),  # shallower ones are joined already
    ],
)
def test_a_step_is_the_one_wide_gap_between_valleys(
    valleys: list[float], valley: float, expected: float | None
) -> None:
    found = make_tree([0] * len(valleys), valleys).find_step(valley)
    assert found == (None if expected is None else pytest.approx(expected, abs=0.011))


def test_a_tree_survives_json(mixture: Mixture) -> None:
    _, tree = survey(mixture)
    again = Tree.from_json(json.loads(json.dumps(tree.to_json(0.95))))
    for name in ("modes", "log_densities", "joins", "saddles", "valleys"):
        np.testing.assert_array_equal(getattr(again, name), getattr(tree, name))


@pytest.mark.parametrize(
    ("joins", "valleys", "message"),
    [
        ([1, 0], [0.5, 0.5], "not all modes join in the end"),
        ([0, 2], [0.0, 0.5], "joins one that there is not"),
        ([0, 0], [0.0, 1.5], "between 0 and 1"),
        ([0, 0], [0.0, np.nan], "between 0 and 1"),
        ([], [], "the modes have shapes that differ"),
    ],
)
def test_what_is_no_tree_is_refused(joins: list[int], valleys: list[float], message: str) -> None:
    with pytest.raises(MixtureError, match=message):
        make_tree(joins, valleys)
