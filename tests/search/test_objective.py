"""What components cost: against the criteria, and the price of thin ones."""

import numpy as np
import pytest
from builders import random_mixture

from gmmcli.core.mixture.gaussians import Gaussians
from gmmcli.core.mixture.structures import STRUCTURES, count_parameters
from gmmcli.core.search.objective import Objective
from gmmcli.settings import COVARIANCE_TYPES, CovarianceType, CriterionName

N = 500.0


def components_of(covariance: CovarianceType, number: int) -> Gaussians:
    """Components of a type, none of them thin."""
    free = Gaussians.of(random_mixture(number, seed=2))
    covariances = STRUCTURES[covariance].project(free.covariances + np.eye(2), free.weights)
    return free._replace(covariances=covariances)


@pytest.mark.parametrize("number", [1, 2, 7])
@pytest.mark.parametrize("covariance", COVARIANCE_TYPES)
@pytest.mark.parametrize(("criterion", "each"), [("bic", np.log(N) / 2), ("aic", 1.0)])
def test_the_price_is_that_of_the_criterion_in_nats(
    criterion: CriterionName, each: float, covariance: CovarianceType, number: int
) -> None:
    objective = Objective.of(criterion, covariance, N, chance=-np.inf)
    price = objective.price(components_of(covariance, number))
    assert price == pytest.approx(each * count_parameters(number, covariance))


def test_bic_prices_components_as_such_that_are_not_thin() -> None:
    # 3 ln 500 is 18.6, and so C - ln v is no more for any v above 2.4e-5.
    objective, gaussians = Objective.of("bic", "full", N), components_of("full", 4)
    assert objective.price(gaussians) == pytest.approx(23 * np.log(N) / 2)
    assert objective.find_excess(gaussians) == 0


def test_aic_prices_components_as_such_that_are_not_thin() -> None:
    round_one = Gaussians(np.ones(1), np.zeros((1, 2)), np.eye(2)[None])
    objective = Objective.of("aic", "full", N)
    assert objective.find_excess(round_one) == 0


def test_icl_is_searched_for_by_the_prices_of_bic() -> None:
    assert Objective.of("icl", "diag", N) == Objective.of("bic", "diag", N)


@pytest.mark.parametrize("covariance", ["full", "diag", "spherical"])
def test_a_thin_component_pays_for_all_that_could_be_as_thin(covariance: CovarianceType) -> None:
    objective = Objective.of("bic", covariance, N, chance=8.0)
    gaussians, least = components_of(covariance, 2), 1e-12
    thin = gaussians.covariances.copy()
    thin[1] = least * np.eye(2)
    own = objective.of_component
    prices = objective.price_components(gaussians._replace(covariances=thin))
    np.testing.assert_allclose(prices, [own, 8 - np.log(least)], rtol=1e-9)
    excess = objective.find_excess(gaussians._replace(covariances=thin))
    assert excess == pytest.approx(8 - np.log(least) - own)


def test_a_component_is_thin_in_any_direction() -> None:
    along = np.array([[0.5, 0.5], [0.5, 0.5]]) + 1e-12 * np.eye(2)
    strip = Gaussians(np.ones(1), np.zeros((1, 2)), along[None])
    price = Objective.of("bic", "full", N).price_components(strip)
    # Rounding leaves of 1 - 1 about 1e-16 in 1e-12.
    assert price[0] == pytest.approx(8 + 12 * np.log(10), abs=1e-3)


def test_a_component_whose_width_double_precision_cannot_tell_has_a_finite_price() -> None:
    point = Gaussians(np.ones(1), np.zeros((1, 2)), 1e-200 * np.eye(2)[None])
    assert np.isfinite(Objective.of("bic", "diag", N).price(point))


def test_a_component_is_as_thin_as_the_data_are_narrow() -> None:
    strip = Gaussians(np.ones(1), np.zeros((1, 2)), np.diag([1.0, 1e-12])[None])
    narrow, wide = (
        Objective.of("bic", "full", N, narrowest=narrowest).price_components(strip)[0]
        for narrowest in (1e-12, 1.0)
    )
    assert narrow == pytest.approx(3 * np.log(N))  # more than the 8 nats of the least thin one
    assert wide == pytest.approx(8 + 12 * np.log(10))


def test_a_shared_covariance_is_never_thin() -> None:
    gaussians = components_of("tied", 3)
    thin = gaussians._replace(covariances=1e-12 * gaussians.covariances)
    objective = Objective.of("bic", "tied", N)
    assert objective.price(thin) == objective.price(gaussians)
    assert objective.find_excess(thin) == 0


@pytest.mark.parametrize(("criterion", "each"), [("bic", np.log(N) / 2), ("aic", 1.0)])
def test_a_background_pays_for_its_weight_and_what_is_asked_of_it(
    criterion: CriterionName, each: float
) -> None:
    objective = Objective.of(criterion, "full", N, beyond=5.0)
    gaussians = components_of("full", 2)
    more = objective.price(gaussians._replace(background=0.01)) - objective.price(gaussians)
    assert more == pytest.approx(each + 5)


def test_no_points_cost_nothing() -> None:
    assert Objective.of("bic", "full", 0.5).of_parameter == 0
