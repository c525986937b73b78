"""Which mixtures can be chosen: components on few points, on single values and on lines."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from builders import Numbers, cells_of, mixture_of, sampled

from gmmcli.core.cells.cells import Cells
from gmmcli.core.mixture.covariances import FloatArray
from gmmcli.core.search.objective import flaw
from gmmcli.core.search.status import Status
from gmmcli.settings import HANDFUL

FLOOR = 1e-10
BULK = mixture_of([1.0], [[0, 0]], [np.eye(2)])
SPIKE = FLOOR * np.eye(2)


def sound(
    points: FloatArray, means: Sequence[Any], covariances: Numbers, weight: float = 1.0
) -> bool:
    """Whether a mixture has no flaw whose first component holds what the others' means do not."""
    distinct, counts = np.unique(points, axis=0, return_counts=True)
    held = [weight * np.sum(np.abs(points - mean).max(axis=1) < 0.01) for mean in means[1:]]
    shares = np.array(held) / (weight * len(points))
    mixture = mixture_of([1 - shares.sum(), *shares], means, covariances)
    return flaw(cells_of(distinct, weight * counts), mixture, weight * HANDFUL, FLOOR) is None


def with_spikes(*spikes: tuple[list[float], int]) -> FloatArray:
    """A thousand normal points, and places that so many more share."""
    return np.concatenate([sampled(BULK, 1000), *(np.tile([at], (n, 1)) for at, n in spikes)])


@pytest.mark.parametrize("weight", [1.0, 1000.0])
@pytest.mark.parametrize(("number", "expected"), [(29, False), (31, True)])
def test_a_value_is_a_group_from_five_handfuls_on(
    number: int, expected: bool, weight: float
) -> None:
    points = with_spikes(([0.5, 0.5], number))
    means, covariances = [[0, 0], [0.5, 0.5]], [np.eye(2), SPIKE]
    assert sound(points, means, covariances, weight) is expected


def test_two_values_far_away_are_groups_with_a_component_each_or_for_one_of_them() -> None:
    points = with_spikes(([9.0, 9.0], 60), ([20.0, 20.0], 40))
    assert sound(points, [[0, 0], [9, 9], [20, 20]], [np.eye(2), SPIKE, SPIKE])
    assert sound(points, [[0, 0], [9, 9]], [np.eye(2), SPIKE])


def test_two_lines_are_groups() -> None:
    along = np.random.default_rng(0).normal(size=(2, 500))
    points = np.stack([np.repeat([-1.0, 1.0], 500), along.ravel()], axis=1)
    line = np.diag([FLOOR, 1.0])
    mixture = mixture_of([0.5, 0.5], [[-1, 0], [1, 0]], [line, line])
    assert flaw(cells_of(points), mixture, HANDFUL, FLOOR) is None


def test_a_value_of_rounded_data_is_none() -> None:
    points = np.round(sampled(BULK, 5000) * 2) / 2
    assert not sound(points, [[0, 0], [0, 0]], [np.eye(2), SPIKE])


def test_wide_cells_beside_a_value_do_not_hide_it() -> None:
    near = np.stack(np.meshgrid(np.arange(-20, 21) / 20, np.arange(-20, 21) / 20), -1).reshape(
        -1, 2
    )
    spread = np.append(np.tile(0.05**2 / 12 * np.eye(2), (len(near), 1, 1)), np.zeros((1, 2, 2)), 0)
    counts = np.append(np.full(len(near), 400.0), 1900)
    cells = Cells(counts, np.append(near, [[0.51, 0.51]], axis=0), spread)
    share = 1900 / counts.sum()
    mixture = mixture_of([1 - share, share], [[0, 0], [0.51, 0.51]], [np.eye(2), SPIKE])
    assert flaw(cells, mixture, HANDFUL, FLOOR) is None


@pytest.mark.parametrize(
    ("place", "sd", "expected"),
    [
        (5, 3.0, None),
        (5, 1.0, Status.ON_FEW),
        (5, 1e-3, Status.ON_FEW),
        (30, 1.0, None),
        (30, 1e-3, None),
    ],
)
def test_a_few_points_are_a_group_of_strays_or_none(
    place: float, sd: float, expected: Status | None
) -> None:
    few = np.array([[-1.0, 0.0], [1.0, 0.5], [0.0, -1.0]])
    points = np.concatenate([sampled(BULK, 300), place + sd * few])
    means = [[0, 0], [place, place]]
    mixture = mixture_of([300 / 303, 3 / 303], means, [np.eye(2), sd**2 * np.eye(2)])
    assert flaw(cells_of(points), mixture, HANDFUL, FLOOR) == expected


def test_a_component_on_the_floor_is_told_before_one_of_few_points() -> None:
    points = np.concatenate([sampled(BULK, 300), [[30, 30], [31, 30]]])
    at = points[0]
    mixture = mixture_of(
        [0.95, 2 / 302, 0.05 - 2 / 302],
        [[0, 0], [30, 30], at],
        [np.eye(2), 0.01 * np.eye(2), SPIKE],
    )
    assert flaw(cells_of(points), mixture, HANDFUL, FLOOR) == Status.ON_FLOOR


def test_no_component_has_points_enough_where_all_have_few() -> None:
    points = sampled(BULK, 8)
    mixture = mixture_of([0.5, 0.5], [[-1, 0], [1, 0]], [np.eye(2), 4 * np.eye(2)])
    assert flaw(cells_of(points), mixture, HANDFUL, FLOOR) == Status.ON_FEW


def test_a_handful_is_enough_though_others_share_its_points() -> None:
    points = sampled(mixture_of([0.5, 0.5], [[0, 0], [9, 0]], [np.eye(2), np.eye(2)]), 12)
    mixture = mixture_of([0.4999, 0.5001], [[0, 0], [9, 0]], [np.eye(2), np.eye(2)])
    assert flaw(cells_of(points), mixture, HANDFUL, FLOOR) is None
