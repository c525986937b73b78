"""Covariance types as each other's beginnings."""

from itertools import permutations

import numpy as np
import pytest
from builders import cells_of, random_mixture, sampled

from gmmcli.core.cells.grain import find_grain
from gmmcli.core.mixture.gaussians import Gaussians
from gmmcli.core.mixture.structures import STRUCTURES
from gmmcli.core.search.hooks import Hooks
from gmmcli.core.search.lattice import count_told, derive, measure_distance, order_types
from gmmcli.core.search.problem import Problem
from gmmcli.core.search.regions import Bounds
from gmmcli.settings import COVARIANCE_TYPES, CovarianceType, FitSettings


def test_steps_between_types_are_of_one_letter() -> None:
    assert measure_distance("full", "EVV") == 1
    assert measure_distance("full", "tied") == 3
    assert measure_distance("VEI", "spherical") == 1
    for one, other in permutations(COVARIANCE_TYPES, 2):
        assert measure_distance(one, other) == measure_distance(other, one) > 0


@pytest.mark.parametrize("first", COVARIANCE_TYPES)
def test_every_type_has_a_neighbour_among_those_before_it(first: CovarianceType) -> None:
    others = [each for each in COVARIANCE_TYPES if each != first]
    order = order_types([first, *others])
    assert order[0] == first
    assert sorted(order) == sorted(COVARIANCE_TYPES)
    for place, covariance in enumerate(order[1:], 1):
        assert min(measure_distance(covariance, before) for before in order[:place]) == 1


@pytest.mark.parametrize("covariance", COVARIANCE_TYPES)
def test_what_is_derived_is_of_its_type_and_no_worse_than_its_beginnings(
    covariance: CovarianceType,
) -> None:
    true = random_mixture(3, seed=7, spread=4.0)
    cells = cells_of(sampled(true, 300))
    settings = FitSettings(covariance=covariance)
    problem = Problem(cells, find_grain(cells), settings, "bic", None)
    origins = [
        Gaussians.of(problem.whitening.whiten(random_mixture(n, seed=n, spread=4.0)))
        for n in (2, 3, 4)
    ]
    findings = derive(problem, origins, Bounds(1, 6), Hooks())
    assert {1, 2, 3, 4} <= set(findings.by_number)
    structure = STRUCTURES[covariance]
    for origin in origins:
        typed = structure.project(origin.covariances, origin.weights)
        begun = problem.region.assess(origin._replace(covariances=typed))
        assert findings.by_number[origin.number].score >= begun.score
    best = findings.best.gaussians
    projected = structure.project(best.covariances, best.weights)
    np.testing.assert_allclose(projected, best.covariances, rtol=1e-7, atol=1e-9)


def test_mixtures_are_told_of_beyond_the_best() -> None:
    assert [count_told(n) for n in (1, 2, 10)] == [4, 6, 18]
