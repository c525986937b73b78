"""Which component is which: against all permutations, and where numbers differ."""

from itertools import permutations

import numpy as np
from builders import mixture_of, random_mixture

from gmmcli.core.mixture.distances import measure_distances
from gmmcli.core.mixture.matching import match, order_by_partners


def test_pairs_have_the_least_sum_of_distances() -> None:
    for seed in range(5):
        one, other = random_mixture(5, seed=seed), random_mixture(5, seed=seed + 100)
        apart = measure_distances(one, other)
        least = min(apart[range(5), list(order)].sum() for order in permutations(range(5)))
        assert apart[range(5), match(one, other)].sum() == least


def test_a_permutation_is_undone() -> None:
    mixture = random_mixture(6, seed=3)
    order = np.random.default_rng(0).permutation(6)
    partners = match(mixture.reorder(order), mixture)
    assert partners.tolist() == order.tolist()
    again = mixture.reorder(order).reorder(order_by_partners(partners))
    np.testing.assert_array_equal(again.means, mixture.means)


def test_what_is_left_over_comes_last_in_its_order() -> None:
    mixture = random_mixture(6, seed=3)
    few = mixture_of([0.3, 0.7], mixture.means[[4, 1]], mixture.covariances[[4, 1]])
    partners = match(mixture, few)
    assert partners.tolist() == [-1, 1, -1, -1, 0, -1]
    assert order_by_partners(partners).tolist() == [4, 1, 0, 2, 3, 5]
    assert match(few, mixture).tolist() == [4, 1]
