"""Places of numbers, and what ticks are called."""

import numpy as np
import pytest

from gmmcli.core.mixture.covariances import FloatArray
from gmmcli.pictures.labels import choose_ticks, format_ticks, lay_leaders, place_labels

VIEW = np.array([380.0, 270.0])


def count_overlaps(places: FloatArray, sizes: FloatArray) -> int:
    apart = np.abs(places[:, None] - places)
    needed = (sizes[:, None] + sizes) / 2
    return int(np.triu((apart < needed - 1e-9).all(axis=2), 1).sum())


@pytest.mark.parametrize("spread", [20.0, 60.0])
def test_fifty_numbers_never_overlap(spread: float) -> None:
    random = np.random.default_rng(0)
    anchors = random.normal(VIEW / 2, spread, (50, 2))
    reaches = random.uniform(1, 30, (50, 2))
    sizes = np.tile([12.0, 9.0], (50, 1))
    labels = place_labels(anchors, reaches, sizes, VIEW)
    assert labels.are_shown.all()
    assert count_overlaps(labels.places, sizes) == 0
    assert (labels.places >= sizes / 2).all()
    assert (labels.places <= VIEW - sizes / 2).all()


def test_where_there_is_no_room_near_a_number_is_not_shown() -> None:
    anchors, sizes = np.full((300, 2), 120.0), np.full((300, 2), 12.0)
    labels = place_labels(anchors, np.ones((300, 2)), sizes, VIEW)
    assert 20 < labels.are_shown.sum() < 300
    assert count_overlaps(labels.places[labels.are_shown], sizes[labels.are_shown]) == 0


def test_a_wide_component_has_its_number_at_its_mean_and_a_narrow_one_beside() -> None:
    anchors = np.array([[100.0, 100.0], [200.0, 200.0]])
    reaches, sizes = np.array([[50.0, 40.0], [1.0, 1.0]]), np.full((2, 2), 9.0)
    labels = place_labels(anchors, reaches, sizes, VIEW)
    np.testing.assert_array_equal(labels.places[0], anchors[0])
    assert (np.abs(labels.places[1] - anchors[1]) > 4.5).any()
    leaders, _ = lay_leaders(labels, anchors, sizes)
    assert not np.ptp(leaders[0], axis=0).any()
    np.testing.assert_allclose(leaders[1][1], anchors[1])


def test_what_lies_outside_has_an_arrow_at_the_edge() -> None:
    anchors, sizes = np.array([[900.0, 135.0]]), np.full((1, 2), 9.0)
    labels = place_labels(anchors, np.full((1, 2), 50.0), sizes, VIEW)
    assert labels.are_outside.all()
    _, (arrow,) = lay_leaders(labels, anchors, sizes)
    tip = arrow[0]
    assert tip[0] == arrow[:, 0].max()
    assert VIEW[0] - 12 < tip[0] <= VIEW[0]


@pytest.mark.parametrize(
    ("limits", "expected"),
    [
        ((-2.2, 6.1), ["\N{MINUS SIGN}2", "0", "2", "4", "6"]),
        ((0.05, 0.32), ["0.1", "0.2", "0.3"]),
        ((-1.2e6, 2.3e6), ["\N{MINUS SIGN}1M", "0", "1M", "2M"]),
        ((9.8e3, 3.1e4), ["10k", "20k", "30k"]),
        ((1e9 - 1, 1e9 + 4.5), ["1000000000", "1000000002", "1000000004"]),
        ((0, 3.1e-6), ["0", "1µ", "2µ", "3µ"]),
        ((1850.0, 2030.0), ["1850", "1900", "1950", "2000"]),
        ((0.0, 3.1e40), ["0", "1e+40", "2e+40", "3e+40"]),
    ],
)
def test_ticks_are_plain_numbers(limits: tuple[float, float], expected: list[str]) -> None:
    ticks = choose_ticks(np.array(limits), len(expected))
    assert format_ticks(ticks) == expected
