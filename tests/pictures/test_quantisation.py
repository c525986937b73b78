"""What a page holds of cells and steps, against what they are."""

import base64

import numpy as np
import pytest
from builders import cells_of

from gmmcli.core.cells.cells import Cells
from gmmcli.core.mixture.mixture import Mixture
from gmmcli.core.runs.history import History
from gmmcli.pictures.page.quantisation import (
    choose_grid,
    encode,
    merge_places,
    pack_steps,
    quantise_cells,
    thin_steps,
)


def history_of(means: list[float], elbos: list[float], n_cells: list[int]) -> History:
    """One component that goes along x, a step for each mean."""
    covariance = np.array([[[2.0, 0.5], [0.5, 1.0]]])
    mixtures = [Mixture(np.ones(1), np.array([[mean, 0.0]]), covariance) for mean in means]
    return History.of(mixtures, elbos, [False] * len(means), n_cells)


def cells_with(means: np.ndarray, counts: np.ndarray) -> Cells:
    return Cells(counts, means, np.zeros((len(means), 2, 2)))


@pytest.mark.parametrize("offset", [0.0, 1e9])
def test_places_and_counts_come_back(offset: float) -> None:
    rng = np.random.default_rng(0)
    means, counts = offset + rng.uniform(size=(500, 2)), np.exp(rng.uniform(0, 12, size=500))
    limits = np.array([[offset, offset], [offset + 1, offset + 1]])
    marks = quantise_cells(cells_with(means, counts), limits)
    # A half step of 65,535 across the view, and of 255 on the log scale of counts.
    np.testing.assert_allclose(
        marks.places / 65535, means - offset, atol=0.51 / 65535 + 1e-16 * offset
    )
    np.testing.assert_allclose(marks.counts, counts, rtol=np.expm1(0.5 * 12 / 255))


def test_cells_outside_the_view_are_left_out_and_equal_counts_stay() -> None:
    cells = cells_of(np.array([[0.5, 0.5], [0.25, 1.0], [3, 0.5]]))
    marks = quantise_cells(cells, np.array([[0.0, 0.0], [1.0, 1.0]]))
    assert sorted(marks.places.tolist()) == [[16384, 65535], [32768, 32768]]
    assert marks.counts.tolist() == [1, 1]
    nothing = quantise_cells(cells, np.array([[8.0, 8.0], [9.0, 9.0]]))
    assert nothing.places.shape == (0, 2)


def test_of_more_cells_about_as_many_are_left_as_are_asked_for() -> None:
    places = np.random.default_rng(0).normal(0.5, 0.1, size=(50_000, 2)).clip(0, 1)
    marks = quantise_cells(
        cells_with(places, np.ones(50_000)), np.array([[0.0, 0.0], [1.0, 1.0]]), most_cells=5000
    )
    assert 4000 < len(marks.logs) < 6000
    assert marks.counts.sum() == pytest.approx(50_000, rel=0.02)


def test_merging_keeps_totals_and_means_of_boxes() -> None:
    places = np.array([[0.1, 0.1], [0.3, 0.2], [0.9, 0.6], [1.0, 1.0]])
    merged, counts = merge_places(places, np.array([1.0, 3.0, 2.0, 2.0]), 2)
    np.testing.assert_allclose(merged, [[0.25, 0.175], [0.95, 0.8]])
    assert counts.tolist() == [4, 4]
    assert choose_grid(np.full((9, 2), 0.5), 1) == 1


def test_all_steps_are_kept_or_those_where_much_happens() -> None:
    short = history_of([0.0, 1.0], [-2.0, -1.0], [5, 5])
    assert thin_steps(short, 2).tolist() == [0, 1]
    means = [min(step, 20) * 0.1 for step in range(400)]  # it moves in the first 20 steps only
    kept = thin_steps(history_of(means, [0.0] * 400, [5] * 400), 40)
    assert kept[0] == 0
    assert kept[-1] == 399
    assert 30 <= len(kept) <= 40
    assert (kept <= 20).sum() > 15
    assert (np.diff(kept) > 0).all()


def test_figures_are_those_of_the_history_to_the_last_bit() -> None:
    history = history_of([0.1, 1 / 3, 0.7], [0.0] * 3, [5] * 3)
    packed = pack_steps(history, np.array([1, 2]))
    assert packed.tolist() == [[[1, 1 / 3, 0, 2, 0.5, 1]], [[1, 0.7, 0, 2, 0.5, 1]]]
    decoded = np.frombuffer(base64.b64decode(encode(packed)), dtype="<f8")
    assert decoded.tolist() == packed.ravel().tolist()
