"""The search: laws of its moves, and mixtures that no climb from one start finds."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from builders import (
    cells_of,
    fit,
    mixture_of,
    n_missed,
    random_mixture,
    sampled,
    spread_clusters,
    touching_clusters,
)
from click.testing import Result
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure

from gmmcli.core.cells.cells import Cells, find_whitening
from gmmcli.core.inference.ascent import Ascent
from gmmcli.core.inference.climb import climb, measure
from gmmcli.core.inference.state import State
from gmmcli.core.mixture.covariances import FloatArray
from gmmcli.core.mixture.mixture import Mixture
from gmmcli.core.runs.directory import read_run
from gmmcli.core.search.fit import Hooks
from gmmcli.core.search.moves import aligned, joined, merged_to, split
from gmmcli.core.search.objective import gains_by_thinness, score
from gmmcli.core.search.outcome import Search
from gmmcli.core.search.rounds import TAKEN_HANDFUL, Searcher, Trail
from gmmcli.core.search.starts import seeds
from gmmcli.pictures.artists import draw_climb
from gmmcli.settings import COVARIANCE_TYPES, HANDFUL, CovarianceType, Effort, FitSettings

EM = Ascent("full", "natural", 1.0, 1e-10).take_full_steps()


def moments(mixture: Mixture) -> tuple[FloatArray, FloatArray]:
    """The mean (2,) and covariance (2, 2) of a mixture."""
    mean, second = raw_moments(mixture)
    return mean, second - np.outer(mean, mean)


def raw_moments(mixture: Mixture) -> tuple[FloatArray, FloatArray]:
    """The mean (2,) and the mean square (2, 2) of a mixture."""
    squares = mixture.covariances + mixture.means[:, :, None] * mixture.means[:, None, :]
    return mixture.weights @ mixture.means, np.einsum("k,kij->ij", mixture.weights, squares)


def test_splits_keep_the_mean_and_covariance() -> None:
    mixture = random_mixture(4, seed=3)
    halves = split(cells_of(sampled(mixture, 500)), mixture)
    assert halves.n_components == 8
    for found, expected in zip(moments(halves), moments(mixture), strict=True):
        np.testing.assert_allclose(found, expected, rtol=1e-12)


@pytest.mark.parametrize("covariance", COVARIANCE_TYPES)
def test_a_measured_mixture_is_of_the_type_that_its_elbo_is_of(covariance: CovarianceType) -> None:
    mixture = random_mixture(3, seed=5)
    points = sampled(mixture, 600)
    ascent = Ascent(covariance, "natural", 1.0, 1e-10)
    found = measure(State(7, mixture, 0.0), cells_of(points), ascent)
    assert found.step == 7
    assert found.elbo == pytest.approx(found.mixture.log_densities(points).sum(), rel=1e-12)


def test_a_split_parts_the_two_groups_of_a_component() -> None:
    groups = mixture_of([0.5, 0.5], [[-3, 1], [3, -1]], [np.eye(2), np.eye(2)])
    points = sampled(groups, 2000)
    one = mixture_of([1.0], [points.mean(axis=0)], [np.cov(points.T)])
    halves = split(cells_of(points), one)
    assert n_missed(halves, groups) == 0


def test_merging_keeps_the_mean_and_covariance_and_takes_the_halves_of_one() -> None:
    mixture = mixture_of([0.5, 0.5], [[-5, 0], [5, 1]], [np.eye(2), [[2, 1], [1, 3]]])
    cells = cells_of(sampled(mixture, 2000))
    merged = merged_to(cells, split(cells, mixture), 2, HANDFUL)
    merged = merged.reorder(merged.canonical_order())
    np.testing.assert_allclose(merged.weights, mixture.weights, rtol=1e-12)
    np.testing.assert_allclose(merged.means, mixture.means, rtol=1e-12)
    np.testing.assert_allclose(merged.covariances, mixture.covariances, rtol=1e-12, atol=1e-12)


def test_a_wide_component_over_tight_ones_is_left_out_rather_than_merged() -> None:
    tight = mixture_of([0.5, 0.5], [[-5, 0], [5, 1]], [np.eye(2) * 0.1, np.eye(2) * 0.1])
    cells = cells_of(sampled(tight, 2000))
    three = mixture_of(
        [0.49, 0.49, 0.02], [[-5, 0], [5, 1], [0, 0]], [*tight.covariances, np.eye(2) * 30]
    )
    found = merged_to(cells, three, 2, HANDFUL)
    np.testing.assert_allclose(found.means, tight.means)
    np.testing.assert_allclose(found.covariances, tight.covariances)


def test_components_stay_where_they_were() -> None:
    mixture = random_mixture(5, seed=2)
    moved = Mixture(
        mixture.weights, mixture.means + 0.01 * np.arange(5)[:, None], mixture.covariances
    )
    shuffled = moved.reorder(np.array([3, 0, 4, 2, 1]))
    np.testing.assert_array_equal(aligned(shuffled, mixture).means, moved.means)


def test_what_is_gained_by_thinness_falls_with_the_points_that_are_held() -> None:
    held = np.array([3.0, 6.0, 12.0, 18.0, 600.0])
    gains = gains_by_thinness(held, np.tile(1e-4 * np.eye(2), (5, 1, 1)), HANDFUL)
    np.testing.assert_allclose(gains / gains[0], [1, 1, 1 / 2, 1 / 3, 1 / 3])
    assert gains[0] == pytest.approx(HANDFUL * np.log(1e4))


def test_a_component_that_closes_in_on_few_points_has_no_better_score() -> None:
    def scored(n_close: int, deviation: float) -> float:
        close = np.random.default_rng(0).normal(0, deviation, (n_close, 2))
        points = np.concatenate([np.random.default_rng(1).normal(0, 1, (500, 2)), close])
        covariances = [np.eye(2), np.eye(2) * deviation**2]
        share = n_close / len(points)
        mixture = mixture_of([1 - share, share], np.zeros((2, 2)), covariances)
        elbo = float(mixture.log_densities(points).sum())
        return score(mixture, elbo, len(points), HANDFUL)

    assert scored(5, 1e-5) < scored(5, 1e-3)  # closing in does not pay with five points ...
    assert scored(50, 1e-5) > scored(50, 1e-3)  # ... and does with fifty


@pytest.mark.parametrize("n_clusters", [2, 15])
@pytest.mark.parametrize("seed", [0, *(pytest.param(s, marks=pytest.mark.slow) for s in (1, 2))])
def test_touching_clusters_are_all_found(n_clusters: int, seed: int) -> None:
    true = touching_clusters(n_clusters, seed)
    cells = cells_of(sampled(true, 200 * n_clusters, seed))
    found = fit(cells, FitSettings(n_clusters))
    from_truth = fit(cells, FitSettings(n_clusters), start=true)
    assert n_missed(found.mixture, true) == 0
    assert found.elbo > from_truth.elbo - 1e-4 * cells.n_points


def test_a_search_leaves_an_optimum_that_no_climb_leaves() -> None:
    true = touching_clusters(6, seed=4)
    cells = cells_of(sampled(true, 1200))
    stuck = mixture_of(
        true.weights,
        [*true.means[:4], true.means[4:].mean(axis=0), true.means[0] + 0.1],
        [*true.covariances[:4], np.eye(2) * 30, np.eye(2)],
    )
    searcher = Searcher(EM, seed=0)
    path = [state for state, _ in zip(climb(cells, stuck, EM), range(40), strict=False)]
    assert n_missed(path[-1].mixture, true) > 0
    better = searcher.improved(cells, Trail(path))
    assert n_missed(better.last.mixture, true) == 0
    assert better.moves > 0
    moved = [state.step for state in better.states if state.by_move]
    assert moved[0] == len(path)
    assert [state.step for state in better.states] == list(range(len(better.states)))


def test_scales_and_shears_change_nothing() -> None:
    true = touching_clusters(8, seed=5)
    points = sampled(true, 1600)
    matrix = np.array([[1e9, 2e8], [0, 1e-9]])
    found = fit(cells_of(points), FitSettings(8))
    mapped = fit(cells_of(points @ matrix.T), FitSettings(8))
    shift = len(points) * np.linalg.slogdet(matrix).logabsdet
    assert mapped.elbo == pytest.approx(found.elbo - shift, abs=1e-3)
    order = found.mixture.canonical_order()
    back = mapped.mixture.means @ np.linalg.inv(matrix).T
    apart = np.abs(back[:, None] - found.mixture.means[order]).max(axis=2)
    assert apart.min(axis=1).max() < 1e-4


def test_equal_seeds_search_alike() -> None:
    cells = cells_of(sampled(touching_clusters(5, seed=6), 500))
    first, second = (fit(cells, FitSettings(5, seed=3)) for _ in range(2))
    np.testing.assert_array_equal(first.history.means, second.history.means)


def test_the_history_tells_which_steps_were_moves(work: Path, run: Callable[..., Result]) -> None:
    # The first guesses at 35 clusters always miss some.
    points = sampled(spread_clusters(35), 3500)
    pd.DataFrame(points, columns=["x", "y"]).to_csv("d.csv", index=False)
    result = run("fit", "d.csv", "-k", 35, "--no-frames")
    history = read_run(Path("d")).history
    moves = np.flatnonzero(history.by_move)
    assert len(moves) > 0
    assert moves[0] > 0
    assert f" of moves, {len(moves)} improved the fit" in result.stdout
    axes = Figure().add_subplot()
    draw_climb(axes, history, len(points), [0])
    drawn = [each for each in axes.collections if isinstance(each, LineCollection)]
    marked = [[np.asarray(segment)[0, 0] for segment in each.get_segments()] for each in drawn]
    assert marked == [moves.tolist(), history.on_other_cells.tolist()]
    # Within a stage only moves may lower the ELBO: there the line is drawn, elsewhere it is broken.
    assert history.n_cells[0] < history.n_cells[-1] == len(points)
    rises = np.diff(history.elbos)
    rises[np.append(history.on_other_cells, moves) - 1] = 0
    assert rises.min() > -1e-9 * abs(history.elbos[-1])


def test_every_round_is_counted_that_was_told() -> None:
    # The search is on few cells; a last round, on all, checks where it has led and changes nothing.
    told: list[str] = []
    hooks = Hooks(watch=lambda what, _number, _elbo: told.append(what))
    found = fit(cells_of(sampled(spread_clusters(35), 3500)), FitSettings(35), hooks=hooks)
    assert found.search is not None
    assert found.search.moves > 0
    n_rounds = told.count("search, round")
    assert "step" in told[: len(told) - 1 - told[::-1].index("search, round")]
    assert found.search.rounds >= n_rounds  # what is tried at the end is counted, but not told


@pytest.mark.parametrize("factor", [1e-6, 1e6])
def test_the_scale_of_weights_means_nothing(factor: float) -> None:
    points = sampled(touching_clusters(6, seed=7), 600)
    weights = np.random.default_rng(0).integers(1, 4, len(points)).astype(float)
    found = fit(
        cells_of(points, weights.tolist()), FitSettings(6), hooks=Hooks(row_weight=weights.mean())
    )
    scaled = fit(
        cells_of(points, (factor * weights).tolist()),
        FitSettings(6),
        hooks=Hooks(row_weight=factor * weights.mean()),
    )
    np.testing.assert_array_equal(scaled.history.by_move, found.history.by_move)
    np.testing.assert_allclose(scaled.mixture.means, found.mixture.means, atol=1e-5)


def test_an_optimum_that_is_the_best_is_left_alone() -> None:
    close = mixture_of([0.5, 0.5], [[0, 0], [3, 0]], [np.eye(2), np.eye(2)])
    cells = cells_of(sampled(close, 3000))
    best = fit(cells, FitSettings(2, effort="thorough")).mixture
    path = Searcher(EM, seed=1).improved(cells, Trail([State(0, best, -np.inf)]))
    assert path.moves == 0
    assert len(path.states) == 1


def test_two_mixtures_joined_have_the_moments_of_both() -> None:
    one, other = random_mixture(4, seed=3), random_mixture(2, seed=4)
    both = joined(one, other)
    assert both.n_components == 6
    means, seconds = zip(*map(raw_moments, (one, other, both)), strict=True)
    np.testing.assert_allclose(means[2], (means[0] + means[1]) / 2, rtol=1e-12)
    np.testing.assert_allclose(seconds[2], (seconds[0] + seconds[1]) / 2, rtol=1e-12)


@pytest.mark.parametrize(
    ("effort", "script", "expected"),
    [
        # Five starts that lead as high end a search, and so does one split where it is quick.
        (
            "normal",
            [("split", 0), ("cross", -0.1), ("cross", 0.1)] + [("cross", 0)] * 3,
            Search(6, 0, 5, 5),
        ),
        ("quick", [("split", -5)], Search(1, 0, 0, 0)),
        # What is known of the best is void when there is a better one; a split comes next.
        (
            "normal",
            [("split", 9), ("split", -1), ("cross", 0), ("cross", 9), ("split", 0)]
            + [("cross", 0)] * 5,
            Search(10, 2, 5, 5),
        ),
        # A small gain is taken, but no reason to split again; the starts before it don't count.
        (
            "normal",
            [("split", -1), ("cross", 0), ("cross", 0.2)] + [("cross", 0)] * 5,
            Search(8, 1, 5, 5),
        ),
        # Where all lead lower, patience ends a search.
        ("normal", [("split", -1)] + [("cross", -1)] * 9, Search(10, 0, 9, 0)),
        ("thorough", [("split", -1)] + [("cross", -1)] * 39, Search(40, 0, 39, 0)),
    ],
)
def test_a_search_goes_on_while_other_starts_lead_elsewhere(
    effort: Effort,
    script: list[tuple[str, float]],
    expected: Search,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    mixture = random_mixture(5, seed=1)
    cells = cells_of(sampled(mixture, 5000))  # of which 0.5 nats are a reason to split again
    start = Trail([measure(State(0, mixture, -np.inf), cells, EM)])
    best, due = start.last.elbo, list(script)

    def gained(kind: str) -> list[State]:
        nonlocal best
        (expected_kind, gain), elbo = due.pop(0), best
        assert kind == expected_kind
        if gain > TAKEN_HANDFUL * HANDFUL:
            best += gain
        return [State(0, mixture, elbo + gain)]

    monkeypatch.setattr(Searcher, "worth", lambda _self, _cells, state: state.elbo)
    monkeypatch.setattr(Searcher, "moved", lambda *_: gained("split"))
    monkeypatch.setattr(Searcher, "crossed", lambda *_: gained("cross"))
    path = Searcher(EM, seed=0, effort=effort).improved(cells, start)
    assert path.search == expected
    assert not due


def test_what_is_known_of_a_mixture_is_void_after_a_move() -> None:
    path = Trail([]).after(Search(3, 1, 2, 1)).after(Search(1))
    assert path.search == Search(4, 1, 2, 1)
    assert path.after(Search(2, 1, 1, 1)).search == Search(6, 2, 1, 1)


def test_crossing_with_other_starts_finds_what_splits_do_not() -> None:
    mixture = random_mixture(8, seed=5, spread=3.0)
    cells = cells_of(sampled(mixture, 400))
    cells = cells.whiten(find_whitening(cells, "full"))
    searcher = Searcher(EM, seed=0)
    begun = searcher.begun(cells, 8)
    by_splits = searcher.improved(cells, begun, patience=1)
    found = searcher.improved(cells, begun)
    gain = searcher.worth(cells, found.last) - searcher.worth(cells, by_splits.last)
    assert gain > 1


def test_more_effort_is_more_rounds() -> None:
    cells = cells_of(sampled(touching_clusters(3, seed=1), 300))
    found = [fit(cells, FitSettings(3, effort=e)).search for e in ("quick", "normal", "thorough")]
    assert [search and search.rounds for search in found] == [1, 3, 9]
    cells = cells_of(sampled(touching_clusters(2, seed=1), 300))
    found = [fit(cells, FitSettings(2, effort=e)).search for e in ("quick", "normal", "thorough")]
    assert [search and search.rounds for search in found] == [1, 2, 5]


def test_the_floor_can_be_set() -> None:
    points = sampled(touching_clusters(2, seed=3), 400) * [1, 0] + [0, 5]
    found = fit(cells_of(points), FitSettings(1, floor=1e-2))
    thinner, wider = np.sqrt(np.linalg.eigvalsh(found.mixture.covariances[0]))
    assert thinner == pytest.approx(1e-2 * wider, rel=1e-6)


def test_seeds_are_distinct_cells() -> None:
    cells = Cells(np.ones(3), np.array([[0, 0], [1, 0], [5, 5]]), np.zeros((3, 2, 2)))
    found = seeds(cells, 3, np.random.default_rng(0))
    assert len(np.unique(found, axis=0)) == 3
    nearly_one = Cells(np.ones(4), 1e-300 * np.arange(8.0).reshape(4, 2), np.zeros((4, 2, 2)))
    assert len(np.unique(seeds(nearly_one, 4, np.random.default_rng(0)), axis=0)) == 4
