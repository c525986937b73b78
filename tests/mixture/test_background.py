"""The background of a mixture, alone and in everything that a mixture says."""

import json
from dataclasses import replace

import numpy as np
import pytest
from builders import over_background, random_mixture
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import multivariate_normal

from gmmcli.core.mixture.background import Background
from gmmcli.core.mixture.mixture import Mixture
from gmmcli.core.mixture.sampling import sample
from gmmcli.core.mixture.whitening import Whitening
from gmmcli.errors import MixtureError
from gmmcli.settings import COVARIANCE_TYPES, CovarianceType

BOX = np.array([[-8.0, 12.0], [-5.0, 5.0]])
INSIDE = np.random.default_rng(0).uniform(BOX[:, 0], BOX[:, 1], (300, 2))
MIXTURE = over_background(random_mixture(3, seed=1), 0.1, BOX.T)


def test_a_background_has_one_density_in_its_box_and_none_outside() -> None:
    background = Background.over(BOX, 0.1)
    assert background.log_density == pytest.approx(-np.log(20 * 10), rel=1e-14)
    np.testing.assert_allclose(background.heights_at(INSIDE), np.log(0.1 / 200), rtol=1e-14)
    outside = INSIDE + np.array([20.0, 0.0])
    assert not background.contains(outside).any()
    assert MIXTURE.background_responsibilities(outside).max() < 1e-300
    np.testing.assert_allclose(np.exp(background.heights_at(outside)), 0.0)


@given(seed=st.integers(0, 1000), far=st.sampled_from([0.0, 1e6, -1e9]))
def test_points_on_the_edge_stay_inside_in_any_units(seed: int, far: float) -> None:
    generator = np.random.default_rng(seed)
    points = far + generator.normal(0, [1.0, 30.0], (100, 2))
    box = np.stack([points.min(axis=0), points.max(axis=0)], axis=1)
    background = Background.over(box, 0.1)
    assert background.contains(points).all()
    matrix = generator.normal(size=(2, 2))
    moved = background.transform(matrix, matrix @ (background.corner - far))
    assert moved.contains((points - far) @ matrix.T).all()
    expected = background.log_density - np.linalg.slogdet(matrix).logabsdet
    assert moved.log_density == pytest.approx(expected, rel=1e-9)


def test_the_density_of_a_mixture_with_a_background_is_the_sum() -> None:
    expected = 0.1 / 200 + sum(
        weight * multivariate_normal(mean, covariance).pdf(INSIDE)
        for weight, mean, covariance in zip(
            MIXTURE.weights, MIXTURE.means, MIXTURE.covariances, strict=True
        )
    )
    np.testing.assert_allclose(MIXTURE.log_densities(INSIDE), np.log(expected), rtol=1e-10)
    rest = MIXTURE.background_responsibilities(INSIDE)
    np.testing.assert_allclose(rest, 0.1 / 200 / expected, rtol=1e-10)
    np.testing.assert_allclose(MIXTURE.responsibilities(INSIDE).sum(axis=1), 1 - rest, atol=1e-14)


def test_a_background_of_no_weight_changes_nothing() -> None:
    plain = random_mixture(3, seed=1)
    empty = over_background(plain, 0.0, BOX.T)
    np.testing.assert_array_equal(empty.log_densities(INSIDE), plain.log_densities(INSIDE))
    assert not plain.background_responsibilities(INSIDE).any()
    assert plain.rest is None


@pytest.mark.parametrize("covariance", COVARIANCE_TYPES)
def test_whitening_shifts_all_densities_alike(covariance: CovarianceType) -> None:
    total = np.array([[4e-2, 2e1], [2e1, 4e4]])
    whitening = Whitening.of(np.array([-1.0, 1e3]), total, covariance)
    white = whitening.whiten(MIXTURE)
    shifted = white.log_densities(whitening.whiten_points(INSIDE)) + whitening.log_volume
    np.testing.assert_allclose(shifted, MIXTURE.log_densities(INSIDE), rtol=1e-9)
    back = whitening.unwhiten(white).background
    assert back is not None
    np.testing.assert_allclose(back.box, BOX, rtol=1e-9)
    assert back.edges[0, 1] == back.edges[1, 0] == 0.0


def test_reordering_keeps_the_background() -> None:
    turned = MIXTURE.reorder(np.array([2, 0, 1]))
    assert turned.background is MIXTURE.background


def test_json_keeps_the_background() -> None:
    again = Mixture.from_json(json.loads(json.dumps(MIXTURE.to_json())))
    assert again.background is not None
    assert again.background.weight == 0.1
    np.testing.assert_array_equal(again.background.box, BOX)
    assert "background" not in random_mixture(3, seed=1).to_json()
    assert Mixture.from_json(random_mixture(3, 1).to_json() | {"background": None}).rest is None


@pytest.mark.parametrize(
    ("background", "message"),
    [
        (3, "background must be an object with a weight and a box, not 3"),
        ({"weight": 0.1}, "the background has no box: it needs both"),
        ({"weight": "much", "box": BOX.tolist()}, "weight of the background is much: it must be a"),
        ({"weight": -0.1, "box": BOX.tolist()}, r"weight of the background is -0\.1: it must be 0"),
        ({"weight": float("nan"), "box": BOX.tolist()}, "weight of the background is nan"),
        ({"weight": 0.1, "box": [[0, 1]]}, "must be the lowest and the highest value"),
        ({"weight": 0.1, "box": [[0, 1], [3, 2]]}, r"\[3\.0, 2\.0\]\]: either lowest value must"),
        ({"weight": 0.1, "box": [[0, float("inf")], [0, 1]]}, "edges of the background must be"),
        ({"weight": 0.2, "box": BOX.tolist()}, r"sum to 1\.1, not to 1: .* and 0\.2 of the backgr"),
    ],
)
def test_bad_backgrounds_are_named(background: object, message: str) -> None:
    with pytest.raises(MixtureError, match=message):
        Mixture.from_json(MIXTURE.to_json() | {"background": background})


def test_a_box_without_an_area_is_refused() -> None:
    with pytest.raises(MixtureError, match="no area: its sides are"):
        Background(0.1, np.zeros(2), np.ones((2, 2)))


def test_as_many_points_are_drawn_of_the_background_as_it_weighs() -> None:
    n_points = 50_000
    blocks = list(sample(MIXTURE, n_points, seed=0))
    points, labels = (np.concatenate(parts) for parts in zip(*blocks, strict=True))
    assert set(labels) == {-1, 0, 1, 2}
    # Five standard errors of a share.
    assert abs((labels == -1).mean() - 0.1) < 5 * np.sqrt(0.1 * 0.9 / n_points)
    strays = points[labels == -1]
    assert MIXTURE.background is not None
    assert MIXTURE.background.contains(strays).all()
    shares = (strays - BOX[:, 0]) / (BOX[:, 1] - BOX[:, 0])
    assert (np.abs(shares.mean(axis=0) - 0.5) < 5 * np.sqrt(1 / 12 / len(strays))).all()
    assert (np.abs(shares.var(axis=0) - 1 / 12) < 5 * np.sqrt(1 / 180 / len(strays))).all()


def test_the_other_points_are_those_drawn_without_a_background() -> None:
    plain = random_mixture(3, seed=1)
    (points, labels) = next(sample(plain, 100, seed=3))
    empty = replace(plain, background=Background.over(BOX, 0.0))
    (again, labels_again) = next(sample(empty, 100, seed=3))
    np.testing.assert_array_equal(points, again)
    np.testing.assert_array_equal(labels, labels_again)
