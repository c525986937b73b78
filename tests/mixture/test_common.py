"""What components share, against closed forms; `test_structures` holds it against optimizers."""

import numpy as np
import pytest
from builders import random_mixture

from gmmcli.core.mixture.common import (
    Common,
    Spreads,
    find_shared_angle,
    share_both,
    share_elongation,
    share_volume,
)
from gmmcli.core.mixture.ellipses import Ellipses

MASSES = np.array([10.0, 30.0, 60.0])
FREE = random_mixture(3, seed=4).covariances
ANGLES = np.array([0.1, -0.4, 1.2])


def spreads_of(least: float | None = None) -> Spreads:
    """The spreads along some axes, above a round least covariance."""
    return Spreads.along(FREE, ANGLES, None if least is None else least * np.eye(2))


def test_a_volume_in_common_is_the_mean_of_the_roots_of_determinants() -> None:
    spreads = spreads_of()
    roots = np.sqrt(spreads.variances.prod(axis=1))
    assert share_volume(spreads, MASSES) == pytest.approx(np.log(MASSES @ roots / 100))


def test_a_volume_and_a_shape_in_common_are_those_of_mean_variances() -> None:
    spreads = spreads_of()
    long, short = np.log(MASSES @ spreads.variances / 100)
    expected = (long + short) / 2, (long - short) / 2
    assert share_both(spreads, MASSES) == pytest.approx(expected)


def test_a_shape_in_common_lies_where_no_change_of_it_brings_more() -> None:
    spreads = spreads_of()
    found = share_elongation(spreads, MASSES)

    def lose(elongation: float) -> float:
        return spreads.lose(*spreads.fit(Common(elongation=elongation)), MASSES)

    assert lose(found) < min(lose(found - 1e-4), lose(found + 1e-4))


def test_equal_components_share_what_each_of_them_has() -> None:
    alike = np.tile(FREE[:1], (3, 1, 1))
    one = Ellipses.of(alike)
    spreads = Spreads.along(alike, one.angles, None)
    assert share_volume(spreads, MASSES) == pytest.approx(one.log_volumes[0])
    assert share_elongation(spreads, MASSES) == pytest.approx(one.elongations[0])


def test_no_axis_is_shorter_than_the_least() -> None:
    spreads = spreads_of(least=2.0)
    for common in (
        Common(),
        Common(log_volume=share_volume(spreads, MASSES)),
        Common(elongation=share_elongation(spreads, MASSES)),
    ):
        volumes, elongations = spreads.fit(common)
        assert (volumes - np.abs(elongations) >= np.log(2) - 1e-12).all()


def test_axes_in_common_are_found_whichever_is_the_longer() -> None:
    elongations = np.array([0.5, -1.0, 0.1])
    typed = Ellipses(np.array([0.0, 3.0, -2.0]), elongations, np.full(3, 0.3)).to_covariances()
    apart = (find_shared_angle(typed) - 0.3) % (np.pi / 2)
    assert min(apart, np.pi / 2 - apart) == pytest.approx(0, abs=1e-12)
