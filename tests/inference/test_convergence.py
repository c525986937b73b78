"""What is left to climb, told from the ELBOs so far."""

import pytest

from gmmcli.core.inference.convergence import (
    estimate_after_probe,
    estimate_remaining_climb,
    find_deepest_fall,
)


def test_what_falls_is_the_deepest_fall() -> None:
    assert find_deepest_fall([1.0, 2.0, 1.5, 3.0, 2.75]) == 0.5
    assert find_deepest_fall([1.0, 1.0, 2.0]) == 0.0


def test_remaining_climb_of_a_geometric_series_is_its_rest() -> None:
    rate, first = 0.9, 2.0
    elbos = [-100.0 - first * rate**step / (1 - rate) for step in range(30)]
    assert estimate_remaining_climb(elbos) == pytest.approx(-100.0 - elbos[-1], rel=1e-6)


@pytest.mark.parametrize(
    ("elbos", "window", "expected"),
    [
        ([-5.0, -4.0, -3.5], 1, float("inf")),  # too short to tell
        ([-9.0, -8.99, -8.97, -8.93, -8.85], 1, float("inf")),  # leaving a plateau
        ([-9.0, -8.0, -8.0, -8.0, -8.0], 1, 0.0),  # nothing moves
        ([-9.0, -8.9999, -8.9998, -8.9999, -8.9998], 1, 0.0),  # rounding, as it falls
        ([-9.0, -8.0, -7.0, -7.0001, -6.5], 1, float("inf")),  # more than rounding
        ([-9.0, -9.5, -8.0, -8.2, -7.9, -7.8, -7.95, -8.1, -7.85, -7.9], 2, float("inf")),
    ],
)
def test_remaining_climb_of_other_series(elbos: list[float], window: int, expected: float) -> None:
    assert estimate_remaining_climb(elbos, window) == expected


def test_after_a_probe_there_was_left_what_it_climbed_and_what_remains() -> None:
    rate, first = 0.5, 2.0
    elbos = [-100.0 - first * rate**step / (1 - rate) for step in range(6)]
    assert estimate_after_probe(elbos) == pytest.approx(-100.0 - elbos[0], rel=1e-6)


def test_what_rounding_may_do_to_an_elbo_is_no_climb() -> None:
    elbos = [10.0, 10.0 + 4e-5, 10.0 + 5e-5, 10.0 + 5e-5, 10.0 + 5e-5, 10.0 + 5e-5]
    assert estimate_after_probe(elbos) > 4e-5
    assert estimate_after_probe(elbos, rounding=3e-5) == 0
    assert estimate_remaining_climb([*elbos, 11.0], rounding=3e-5) == float("inf")
