"""Groups of overlapping components, by what the papers say of plain cases."""

import numpy as np
import pytest

from gmmcli.core.groups.merging import merge_by_entropy, merge_by_errors


def test_components_that_are_one_are_merged() -> None:
    shares = np.array([[0.5, 0.5, 0.0]] * 60 + [[0.0, 0.0, 1.0]] * 40)
    counts = np.ones(100)
    assert merge_by_errors(shares, counts).tolist() == [0, 0, 1]


@pytest.mark.parametrize(("least", "expected"), [(0.05, [0, 0]), (0.15, [0, 1])])
def test_the_larger_error_decides(least: float, expected: list[int]) -> None:
    # Of component 1 with a mass of 20, a tenth is assigned to 0; of component 0, nothing to 1.
    shares = np.array([[1.0, 0.0]] * 80 + [[0.0, 1.0]] * 18 + [[0.6, 0.4]] * 5)
    probability = 2.0 / 20.0
    assert 0.05 < probability < 0.15
    assert merge_by_errors(shares, np.ones(103), least).tolist() == expected


def test_counts_are_as_many_points() -> None:
    random = np.random.default_rng(0)
    shares = random.dirichlet(np.full(5, 0.3), size=40)
    counts = random.integers(1, 5, 40)
    rows = np.repeat(shares, counts, axis=0)
    for merge in (merge_by_errors, merge_by_entropy):
        weighted = merge(shares, counts.astype(np.float64))
        np.testing.assert_array_equal(weighted, merge(rows, np.ones(len(rows))))


def test_the_elbow_is_where_the_entropy_stops_falling() -> None:
    # Three pairs that share points evenly: entropy falls by 10 log 2 by each merge, then no more.
    blocks = np.kron(np.eye(3), np.full((10, 2), 0.5))
    groups = merge_by_entropy(blocks, np.ones(30))
    assert groups[::2].tolist() == groups[1::2].tolist()
    assert len(set(groups.tolist())) == 3
