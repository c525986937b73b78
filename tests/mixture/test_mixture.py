"""The mixture as a value: its checks, its order, its densities and its JSON."""

import json
import re
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from builders import mixture_of, over_background, random_mixture, sampled
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import multivariate_normal

from gmmcli.core.mixture.background import Background
from gmmcli.core.mixture.mixture import Mixture, read_mixture
from gmmcli.core.mixture.sampling import ARTICLE, sample
from gmmcli.errors import MixtureError

UNIT = [[1.0, 0.0], [0.0, 1.0]]


def mixture_json(**changes: object) -> dict[str, object]:
    return ARTICLE.to_json() | changes


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"weights": [0.5, 0.4]}, r"weights sum to 0\.9, not to 1"),
        ({"weights": [1.5, -0.5]}, r"weight of component 1 is -0\.5"),
        ({"weights": [float("nan"), 1.0]}, "weight of component 0 is nan"),
        ({"weights": []}, r"weights must have shape \(K,\)"),
        ({"weights": "many"}, "weights must be a regular array of numbers"),
        (
            {"means": [[0, 1]]},
            r"means must have shape \(2, 2\), as there are 2 weights, not \(1, 2\)",
        ),
        ({"means": [[0, 1], [2]]}, "means must be a regular array"),
        ({"means": [[0, 1], [2, float("inf")]]}, r"mean of component 1 is not finite: \[2.0, inf"),
        ({"covariances": [UNIT]}, r"covariances must have shape \(2, 2, 2\)"),
        ({"covariances": [UNIT, [[1, 2], [2, 1]]]}, r"component 1 is not positive definite: \[\[1"),
        ({"covariances": [[[1, 0.5], [0.4, 1]], UNIT]}, "component 0 is not symmetric"),
        ({"covariances": [UNIT, [[float("nan"), 0], [0, 1]]]}, "component 1 is not finite"),
    ],
)
def test_bad_mixtures_are_named(changes: dict[str, object], message: str) -> None:
    with pytest.raises(MixtureError, match=message):
        Mixture.from_json(mixture_json(**changes))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "is not JSON"),
        ("[1, 2]", "expected a JSON object"),
        ('{"weights": [1]}', "no means and no covariances"),
    ],
)
def test_bad_mixture_files_are_named(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "mixture.json"
    path.write_text(text)
    with pytest.raises(MixtureError, match=f"mixture.json.*{message}"):
        read_mixture(path)
    with pytest.raises(MixtureError, match=r"cannot read .*none\.json: No such file"):
        read_mixture(tmp_path / "none.json")


@given(seed=st.integers(0, 1000), n_components=st.integers(1, 6))
def test_json_keeps_every_digit(seed: int, n_components: int) -> None:
    mixture = random_mixture(n_components, seed)
    again = Mixture.from_json(json.loads(json.dumps(mixture.to_json())))
    for name in ("weights", "means", "covariances"):
        np.testing.assert_array_equal(getattr(again, name), getattr(mixture, name))


@given(seed=st.integers(0, 1000), n_components=st.integers(1, 6))
def test_responsibilities_sum_to_one_and_follow_permutations(seed: int, n_components: int) -> None:
    mixture = random_mixture(n_components, seed)
    points = sampled(mixture, 20) * 3
    responsibilities = mixture.responsibilities(points)
    np.testing.assert_allclose(responsibilities.sum(axis=1), 1, rtol=1e-12)
    order = np.random.default_rng(seed).permutation(n_components)
    turned = mixture.reorder(order)
    np.testing.assert_allclose(turned.responsibilities(points), responsibilities[:, order])
    np.testing.assert_allclose(turned.log_densities(points), mixture.log_densities(points))
    np.testing.assert_array_equal(
        turned.reorder(turned.canonical_order()).means,
        mixture.reorder(mixture.canonical_order()).means,
    )


def test_densities_agree_with_scipy() -> None:
    mixture = random_mixture(3, seed=0)
    points = sampled(mixture, 100)
    expected = sum(
        weight * multivariate_normal(mean, covariance).pdf(points)
        for weight, mean, covariance in zip(
            mixture.weights, mixture.means, mixture.covariances, strict=True
        )
    )
    np.testing.assert_allclose(mixture.log_densities(points), np.log(expected), rtol=1e-10)


def test_canonical_order_is_by_mean_x_then_mean_y() -> None:
    covariances = np.tile(np.eye(2), (3, 1, 1))
    mixture = mixture_of([0.2, 0.3, 0.5], [[1, 5], [0, 9], [1, 2]], covariances)
    assert mixture.canonical_order().tolist() == [1, 2, 0]


def test_a_mixture_cannot_be_changed() -> None:
    mixture = random_mixture(2, seed=0)
    with pytest.raises(ValueError, match="read-only"):
        mixture.weights[0] = 1


def test_a_file_without_an_end_is_not_read_to_it() -> None:
    with pytest.raises(MixtureError, match=r"/dev/zero has more than 1,000 bytes: no mixture"):
        read_mixture(Path("/dev/zero"), most_bytes=1000)


@pytest.mark.parametrize(
    ("mean", "spread"), [(1e300, 1.0), (0.0, 1e150), (0.0, 1e-150), (-1e76, 1.0)]
)
def test_what_double_precision_does_not_hold_is_refused(mean: float, spread: float) -> None:
    covariance = [[spread**2, 0.0], [0.0, 1.0]]
    with pytest.raises(MixtureError, match="component 0 is out of double precision's reach"):
        mixture_of([1.0], [[mean, 0.0]], [covariance])


def test_points_are_drawn_as_generate_draws_them() -> None:
    points, labels = ARTICLE.sample(70_000, seed=5)
    blocks = list(sample(ARTICLE, 70_000, seed=5))
    np.testing.assert_array_equal(points, np.concatenate([block for block, _ in blocks]))
    np.testing.assert_array_equal(labels, np.concatenate([block for _, block in blocks]))
    assert [each.shape for each in ARTICLE.sample(0)] == [(0, 2), (0,)]


def test_scikit_learn_says_the_same_of_points(monkeypatch: pytest.MonkeyPatch) -> None:
    points, _ = ARTICLE.sample(100)
    model = ARTICLE.to_sklearn()
    np.testing.assert_allclose(model.score_samples(points), ARTICLE.log_densities(points))
    np.testing.assert_allclose(model.predict_proba(points), ARTICLE.responsibilities(points))
    np.testing.assert_allclose(model.precisions_, np.linalg.inv(ARTICLE.covariances))
    background = Background.over(np.array([[0.0, 1.0], [0.0, 1.0]]), 0.1)
    strays = Mixture(0.9 * ARTICLE.weights, ARTICLE.means, ARTICLE.covariances, background)
    with pytest.raises(MixtureError, match="scikit-learn's mixtures have no background"):
        strays.to_sklearn()
    monkeypatch.setitem(sys.modules, "sklearn.mixture", None)
    with pytest.raises(MixtureError, match="pip install scikit-learn"):
        ARTICLE.to_sklearn()


def test_deviations_and_correlations_make_the_covariances() -> None:
    mixture = random_mixture(4, seed=2)
    sds, correlations = mixture.standard_deviations, mixture.correlations
    assert (sds.shape, correlations.shape) == ((4, 2), (4,))
    np.testing.assert_allclose(sds**2, mixture.covariances[:, [0, 1], [0, 1]])
    np.testing.assert_allclose(correlations * sds.prod(axis=1), mixture.covariances[:, 0, 1])


@pytest.mark.parametrize("has_background", [False, True])
def test_points_that_are_not_finite_have_nan_and_far_ones_do_not(*, has_background: bool) -> None:
    mixture = random_mixture(2, seed=1)
    points = np.array([[0.5, 1.0], [np.nan, 0.0], [0.0, -np.inf], [1e308, -1e308]])
    if has_background:
        mixture = over_background(mixture, 0.1, np.array([[-9.0, -9.0], [9.0, 9.0]]))
    results = (
        mixture.log_densities(points),
        mixture.responsibilities(points).sum(axis=1),
        mixture.background_responsibilities(points),
        mixture.joint_log_densities(points).max(axis=1),
    )
    for result in results:
        assert np.isfinite(result).tolist() == [True, False, False, True]
    total = results[1] + results[2]
    np.testing.assert_allclose(total[[0, 3]], 1)
    # Of points that are near, nothing changes for the others' sake.
    np.testing.assert_allclose(results[0][:1], mixture.log_densities(points[:1]), rtol=1e-12)


@pytest.mark.parametrize(
    ("points", "message"),
    [
        ([1.0, 2.0], "points must have shape (N, 2), not (2,)"),
        (np.ones((2, 3)), "points must have shape (N, 2), not (2, 3)"),
        ([["a", "b"]], "points must be numbers, in an array of shape (N, 2)"),
        ([[1, 2], [3]], "points must be numbers, in an array of shape (N, 2)"),
    ],
)
def test_points_have_two_coordinates(points: Any, message: str) -> None:
    mixture = random_mixture(2, seed=1)
    for ask in (
        mixture.log_densities,
        mixture.joint_log_densities,
        mixture.responsibilities,
        mixture.background_responsibilities,
    ):
        with pytest.raises(MixtureError, match=re.escape(message)):
            ask(points)


def test_lists_and_frames_are_points_too() -> None:
    mixture, points = random_mixture(2, seed=1), np.arange(6.0).reshape(3, 2)
    expected = mixture.log_densities(points)
    for same in (points.tolist(), pd.DataFrame(points), points.astype(int)):
        np.testing.assert_array_equal(mixture.log_densities(same), expected)
