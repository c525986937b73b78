"""Overlap against points drawn from a mixture, and against closed forms."""

import numpy as np
import pytest
from builders import cells_of, mixture_of, over_background, random_mixture, sampled
from scipy import stats

from gmmcli.core.assessment.overlap import expect_wrong, find_worst_confusion, measure_overlap


@pytest.mark.parametrize("n_components", [2, 5])
@pytest.mark.parametrize("share", [0.0, 0.2])
def test_overlap_is_that_of_points_drawn(n_components: int, share: float) -> None:
    mixture = random_mixture(n_components, seed=4)
    points = sampled(mixture, 100_000)
    if share:
        mixture = over_background(mixture, share, points)
        points = sampled(mixture, 100_000)
    overlap = measure_overlap(cells_of(points), mixture)
    drawn, components = mixture.sample(400_000, seed=1)
    joint = mixture.joint_log_densities(drawn)
    rest = np.full((len(drawn), 1), -np.inf if mixture.rest is None else mixture.rest)
    labels = np.concatenate([joint, rest], axis=1).argmax(axis=1)
    own = range(n_components) if not share else [*range(n_components), -1]
    for row, k in enumerate(own):
        found = np.bincount(labels[components == k], minlength=len(own))[: len(own)]
        found = found / found.sum()
        # Of numbers of points: of those drawn, and of those that the responsibilities are of.
        weight = (components == k).mean()
        error = np.sqrt(found * (1 - found) / weight * (1 / 400_000 + 1 / 100_000))
        assert (np.abs(overlap[row] - found) < 4 * error + 1e-4).all()
    np.testing.assert_allclose(overlap.sum(axis=1), 1)


def test_two_equal_components_lose_what_lies_beyond_the_middle() -> None:
    distance = 2.5
    mixture = mixture_of([0.5, 0.5], [[0, 0], [distance, 0]], [np.eye(2)] * 2)
    # Points on a fine lattice, none on the border, that count as the mixture has it: no chance.
    axis = np.linspace(-6, 8.5, 400)
    points = np.stack(np.meshgrid(axis, axis), axis=-1).reshape(-1, 2)
    counts = np.exp(mixture.log_densities(points))
    overlap = measure_overlap(cells_of(points, counts), mixture)
    lost = stats.norm.sf(distance / 2)
    np.testing.assert_allclose(overlap, [[1 - lost, lost], [lost, 1 - lost]], atol=2e-4)
    worst = find_worst_confusion(overlap, mixture)
    assert worst is not None
    assert worst.share == pytest.approx(lost, abs=2e-4)


def test_cells_have_the_overlap_of_their_rows() -> None:
    mixture = mixture_of([0.4, 0.6], [[0, 0], [2.5, 1]], [np.eye(2), np.diag([1.0, 2.0])])
    points = sampled(mixture, 60_000)
    rows = cells_of(points)
    columns = np.floor(points / 0.25).astype(int)
    coarse = rows.merge(columns @ np.array([1000, 1]))
    found, expected = (measure_overlap(cells, mixture) for cells in (coarse, rows))
    np.testing.assert_allclose(found, expected, atol=2e-3)


def test_the_worst_pair_is_named_by_its_labels() -> None:
    mixture = random_mixture(2, seed=1)
    points = sampled(mixture, 10)
    with_background = over_background(mixture, 0.2, points)
    overlap = np.array([[0.9, 0.04, 0.06], [0.1, 0.9, 0.0], [0.2, 0.3, 0.5]])
    assert find_worst_confusion(overlap, with_background) == (-1, 1, 0.3)
    overlap[2] = 0, 0, 1
    assert find_worst_confusion(overlap, with_background) == (1, 0, 0.1)
    overlap[1] = 0, 1, 0
    assert find_worst_confusion(overlap, with_background) == (0, -1, 0.06)
    one = random_mixture(1, seed=1)
    assert find_worst_confusion(measure_overlap(cells_of(points), one), one) is None


def test_a_component_without_points_overlaps_none() -> None:
    mixture = mixture_of([1.0, 0.0], [[0, 0], [1, 0]], [np.eye(2)] * 2)
    overlap = measure_overlap(cells_of(sampled(mixture, 100)), mixture)
    np.testing.assert_array_equal(overlap, np.eye(2))


@pytest.mark.parametrize("share", [0.0, 0.2])
def test_as_many_labels_are_wrong_as_are_expected_to_be(share: float) -> None:
    mixture = mixture_of([0.7, 0.3], [[-1, 0], [1, 0]], [np.eye(2), np.eye(2)])
    if share:
        mixture = over_background(mixture, share, np.array([[-4.0, -4], [4, 4]]))
    points, labels = mixture.sample(40_000, seed=0)
    chances = np.column_stack(
        [mixture.responsibilities(points), mixture.background_responsibilities(points)]
    )
    wrong = (chances.argmax(axis=1) != np.where(labels < 0, 2, labels)).mean()
    rows = cells_of(points)
    expected = expect_wrong(measure_overlap(rows, mixture), mixture)
    # Five standard errors of a share of 40,000.
    assert abs(wrong - expected) < 5 * np.sqrt(expected / 40_000)
    _, groups = np.unique(np.round(points / 1.0), axis=0, return_inverse=True)
    coarse = rows.merge(groups.ravel())
    # Four places in a wide cell stand for its points to a twentieth of the share.
    found = expect_wrong(measure_overlap(coarse, mixture), mixture)
    assert found == pytest.approx(expected, rel=0.05)
