"""What is known before the points: its laws, and what of it is refused."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from builders import mixture_of, over_background, random_mixture, sampled
from scipy import stats

from gmmcli.core.mixture.knowledge import Fixed, Knowledge, Prior, check_number, read_start
from gmmcli.core.mixture.mixture import Mixture
from gmmcli.core.mixture.whitening import Whitening
from gmmcli.errors import FitError, MixtureError
from gmmcli.settings import CovarianceType

PRIOR = Prior(
    np.array([12.0, 7.0]),
    np.array([[1.0, 4.0], [4.0, 1.0]]),
    np.array([[[1, 0.2], [0.2, 2]], [[3, 0], [0, 0.5]]]),
)
TWO = mixture_of([0.4, 0.6], [[0, 5], [5, 0]], [np.diag([2.0, 3.0]), np.diag([4.0, 1.0])])


def evaluate_conjugate(mixture: Mixture) -> float:
    """The log density of a Dirichlet of weights and normal-inverse-Wisharts of components."""
    total = float(stats.dirichlet(PRIOR.counts + 1).logpdf(mixture.weights))
    for k, count in enumerate(PRIOR.counts):
        mean, covariance = mixture.means[k], mixture.covariances[k]
        # The Jacobian of the inverse Wishart's own measure takes 4 off its degrees of freedom.
        wishart = stats.invwishart(df=count - 4, scale=count * PRIOR.covariances[k])
        total += wishart.logpdf(covariance)
        total += stats.multivariate_normal(PRIOR.means[k], covariance / count).logpdf(mean)
    return total


def test_a_prior_is_the_conjugate_one_but_for_a_constant() -> None:
    one, other = random_mixture(2, seed=1), random_mixture(2, seed=2)
    found = PRIOR.evaluate(one) - PRIOR.evaluate(other)
    assert found == pytest.approx(evaluate_conjugate(one) - evaluate_conjugate(other), rel=1e-10)


def test_a_prior_of_a_mixture_is_highest_there() -> None:
    prior = Prior.of(TWO, 50)
    assert prior.n_points == pytest.approx(50)
    np.testing.assert_allclose(prior.counts, [20, 30])
    best = prior.evaluate(TWO)
    for seed in range(20):
        random = np.random.default_rng(seed)
        moved = mixture_of(
            random.dirichlet([40, 60]),
            TWO.means + random.normal(0, 0.1, (2, 2)),
            TWO.covariances * np.exp(random.normal(0, 0.1, (2, 1, 1))),
        )
        assert prior.evaluate(moved) < best


def test_components_without_points_in_the_prior_are_free_even_of_weight_0() -> None:
    prior = Prior(np.array([5.0, 0.0]), PRIOR.means, PRIOR.covariances)
    empty = mixture_of([1.0, 0.0], TWO.means, TWO.covariances)
    assert np.isfinite(prior.evaluate(empty))


def test_whitening_changes_the_prior_of_a_mixture_by_a_constant() -> None:
    whitening = Whitening(np.array([[2.0, 0.3], [-0.1, 0.5]]), np.array([3.0, -4.0]))
    known = Knowledge(PRIOR, Fixed.from_json([["mean"], []], TWO))
    white = known.whiten(whitening)
    assert white.prior is not None
    assert white.fixed is not None
    changes = []
    for seed in (1, 2):
        mixture = random_mixture(2, seed=seed)
        changes.append(white.evaluate(whitening.whiten(mixture)) - known.evaluate(mixture))
    volume = -PRIOR.n_points * whitening.log_volume
    assert changes == pytest.approx([volume, volume], rel=1e-9)
    own = whitening.whiten(TWO).means
    np.testing.assert_array_equal(white.fixed.mixture.means, own)


def test_knowledge_comes_back_from_its_json() -> None:
    known = Knowledge(PRIOR, Fixed.from_json([["mean"], ["covariance", "weight"]], TWO))
    found = Knowledge.from_json(json.loads(json.dumps(known.to_json())), TWO)
    assert found.prior is not None
    assert found.to_json() == known.to_json()
    assert Knowledge.from_json({}, TWO).to_json() == {}
    np.testing.assert_array_equal(found.prior.covariances, PRIOR.covariances)


@pytest.mark.parametrize(
    ("covariance", "names", "expected"),
    [
        ("full", [["mean"], []], 2),
        ("full", [["weight"], []], 1),
        ("full", [["weight"], ["weight"]], 1),
        ("full", [["covariance"], ["mean", "covariance"]], 8),
        ("diag", [["covariance"], []], 2),
        ("spherical", [["covariance"], []], 1),
        ("tied", [["mean"], ["mean"]], 4),
    ],
)
def test_what_is_fixed_is_not_free(
    covariance: CovarianceType, names: list[list[str]], expected: int
) -> None:
    assert Fixed.from_json(names, TWO).count(covariance) == expected


def test_one_weight_is_free_beside_a_background() -> None:
    mixture = over_background(TWO, 0.1, sampled(TWO, 50))
    assert Fixed.from_json([["weight"], []], mixture).count("full") == 1
    assert Fixed.from_json([["weight"], ["weight"]], mixture).count("full") == 2


GOOD = PRIOR.to_json()


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"prior": 3}, "the prior must be an object with counts, means and covariances, not 3"),
        ({"prior": {"counts": [1, 2]}}, "the prior has no means and no covariances: it needs all"),
        ({"prior": {**GOOD, "counts": ["a"]}}, "the counts of the prior must be a list of numbers"),
        ({"prior": {**GOOD, "counts": 3}}, r"the counts of the prior must have shape \(K,\), one"),
        ({"prior": {**GOOD, "counts": [1, -1]}}, "the count of the prior for component 1 is -1.0"),
        ({"prior": {**GOOD, "counts": [np.nan, 1]}}, "for component 0 is nan: it must be 0 or mo"),
        ({"prior": {**GOOD, "means": [[0, 1]]}}, "the prior has 2 counts and 1 means: give one of"),
        (
            {"prior": {**GOOD, "covariances": [[[1, 2], [2, 1]]] * 2}},
            "in the prior, the covariance of component 0 is not positive definite",
        ),
        (
            {"prior": Prior.of(random_mixture(3, 1), 9).to_json()},
            "the prior is of another number of c",
        ),
        ({"fixed": "mean"}, "fixed must be a list with one of names for each component, not 'mean"),
        ({"fixed": [["mean"]]}, "fixed has 1 lists of names, and the mixture 2 components: give"),
        ({"fixed": [["means"], []]}, "fixed has 'means' for component 0: it may have weight, mea"),
    ],
)
def test_what_is_wrong_is_one_line(tmp_path: Path, values: dict[str, Any], message: str) -> None:
    path = tmp_path / "start.json"
    path.write_text(json.dumps({**TWO.to_json(), **values}))
    with pytest.raises(MixtureError, match=message) as caught:
        read_start(path)
    assert str(caught.value).startswith(f"{path}: ")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("covariance", "names", "message"),
    [
        ("tied", [["covariance"], []], "with --covariance tied, components share of their covaria"),
        ("VEE", [[], ["covariance"]], "none can be fixed alone: take full, diag or spherical"),
        ("spherical", [["covariance"], []], "the covariance of component 0 is fixed at"),
        ("spherical", [["covariance"], []], "which is not spherical: name another --covariance"),
        ("full", [["weight", "mean", "covariance"]] * 2, "all parameters are fixed: there is noth"),
    ],
)
def test_what_a_type_cannot_hold_is_refused(
    covariance: CovarianceType, names: list[list[str]], message: str
) -> None:
    with pytest.raises(FitError, match=message):
        Knowledge(fixed=Fixed.from_json(names, TWO)).settle(TWO, covariance)


def test_what_is_fixed_has_the_values_of_the_start() -> None:
    other = mixture_of(TWO.weights, TWO.means + 1, TWO.covariances)
    settled = Knowledge(fixed=Fixed.from_json([["mean"], []], TWO)).settle(other, "full")
    assert settled.fixed is not None
    assert settled.fixed.mixture is other
    with pytest.raises(MixtureError, match="the mixture to start from: 2, not 3"):
        Knowledge(PRIOR).settle(random_mixture(3, seed=1), "full")
    check_number(PRIOR, TWO)


def test_counts_and_means_go_together() -> None:
    with pytest.raises(
        MixtureError, match="the prior has 1 counts and 2 means: give one of either"
    ):
        Prior(np.ones(1), np.zeros((2, 2)), np.stack([np.eye(2)] * 2))
