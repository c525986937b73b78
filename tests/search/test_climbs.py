"""The way to a mixture: its steps, the cells that they are on, and how it ends."""

from itertools import count, pairwise

import numpy as np
import pytest
from builders import (
    cells_of,
    choose,
    fit,
    gaussian,
    mixture_of,
    n_missed,
    over_background,
    random_mixture,
    sampled,
    spread_clusters,
    touching_clusters,
)

from gmmcli.core.cells.cells import Cells
from gmmcli.core.cells.grain import Grain
from gmmcli.core.cells.refinement import Coarseness
from gmmcli.core.cells.tree import merge_cells
from gmmcli.core.inference.climb import measure
from gmmcli.core.inference.state import State
from gmmcli.core.mixture.mixture import Mixture
from gmmcli.core.mixture.sampling import ARTICLE
from gmmcli.core.runs.history import History
from gmmcli.core.search.climbs import climb_stages, make_ascent, show_way, tell
from gmmcli.core.search.constants import NEAR, TOLERANCE
from gmmcli.core.search.hooks import Hooks
from gmmcli.core.search.outcome import Search
from gmmcli.core.search.problem import Problem
from gmmcli.core.search.stages import Stages
from gmmcli.core.search.status import Status
from gmmcli.settings import COVARIANCE_TYPES, Choice, CovarianceType, FitSettings

CONTINUOUS = Grain(np.zeros(2), 1.0)


def problem_of(
    cells: Cells, settings: FitSettings | None = None, few: int | None = None
) -> Problem:
    """The problem of some cells whose points are continuous."""
    return Problem(cells, CONTINUOUS, settings or FitSettings(), "bic", few)


def draw_degenerate(kind: str) -> Cells:
    """Two clusters of 100 points on lines of their own, or with equal values of x in each."""
    second = np.arange(200.0) % 2
    along = np.random.default_rng(5).normal(size=200)
    if kind == "slanted lines":
        points = [along + 10 * second, (along + 10 * second) * np.where(second, 1, -1)]
    else:
        apart = 0.01 * (1 + 3 * second) if kind == "short lines" else 1.0
        points = [10 * second, 10 * second + apart * along]
    return cells_of(np.stack(points, axis=1))


@pytest.mark.parametrize("covariance", COVARIANCE_TYPES)
@pytest.mark.parametrize("kind", ["slanted lines", "short lines", "equal values"])
def test_a_climb_on_degenerate_data_converges(kind: str, covariance: CovarianceType) -> None:
    cells, settings = draw_degenerate(kind), FitSettings(covariance=covariance, steps=40)
    found = choose(cells, settings, Choice.hold(2, covariance))
    assert found.status is Status.CONVERGED


def begin(problem: Problem, mixture: Mixture) -> list[State]:
    """The state that a climb begins with at a mixture in data units."""
    return [State(0, problem.whitening.whiten(mixture), -np.inf)]


def check_way(history: History) -> None:
    """Check that the ELBO falls nowhere but where a move leads on, or to other cells."""
    rises = np.diff(history.elbos)
    is_free = history.by_move[1:] | (np.diff(history.n_cells) != 0)
    rounding = 1e-9 * np.abs(history.elbos).max()
    assert (rises[~is_free] > -rounding).all()


@pytest.mark.parametrize("n_clusters", [2, 6, 35])
def test_the_way_goes_up_but_where_a_move_is_marked(n_clusters: int) -> None:
    true = spread_clusters(n_clusters)
    found = fit(cells_of(sampled(true, 100 * n_clusters)), FitSettings(n_clusters))
    history = found.history
    check_way(history)
    assert history.last_step == len(history.elbos) - 1 > 0
    # Some of 35 clusters always have no seed; then there is a move from there to the mixture.
    assert history.by_move.sum() <= 1
    assert not history.by_move[0]
    assert n_clusters < 35 or history.by_move.sum() == 1
    assert n_missed(found.mixture, true) == 0
    assert found.elbo == pytest.approx(history.elbos[-1], rel=1e-12)


def test_the_way_begins_far_from_where_it_ends() -> None:
    found = fit(cells_of(sampled(touching_clusters(6, seed=0), 900)), FitSettings(6))
    assert found.history.elbos[-1] - found.history.elbos[0] > 100
    first = found.history.snapshot(0).mixture
    np.testing.assert_allclose(first.weights, 1 / 6)
    np.testing.assert_allclose(first.covariances, np.tile(first.covariances[0], (6, 1, 1)))


def test_a_way_on_few_cells_ends_on_all() -> None:
    cells = cells_of(sampled(touching_clusters(3, seed=0), 12_000))
    found = fit(cells, FitSettings(3))
    history = found.history
    assert history.n_cells[0] <= 4096
    assert history.n_cells[-1] == 12_000
    assert (np.diff(history.n_cells) >= 0).all()
    check_way(history)
    total = found.mixture.log_densities(cells.means).sum()
    assert found.elbo == pytest.approx(total, rel=1e-9)


def test_components_keep_their_places_on_the_way() -> None:
    found = fit(cells_of(sampled(spread_clusters(12), 1200)), FitSettings(12))
    history = found.history
    far = [
        np.linalg.norm(after - before, axis=1)
        for (before, after), by_move in zip(
            pairwise(history.means), history.by_move[1:], strict=True
        )
        if not by_move
    ]
    # Clusters are 8 apart: no step takes the component of one to another but at a move.
    assert max(step.max() for step in far) < 8


def test_the_way_of_one_component_is_its_climb() -> None:
    points = gaussian(100, (3, 4), 2.0, seed=0)
    problem = problem_of(cells_of(points), FitSettings(1))
    states = climb_stages(problem, begin(problem, random_mixture(1, 0)), Hooks()).states
    assert show_way(problem, states, Hooks()) == states


def test_a_way_that_comes_there_by_itself_has_no_move() -> None:
    true = mixture_of([0.5, 0.5], [[0, 0], [30, 0]], [np.eye(2)] * 2)
    problem = problem_of(cells_of(sampled(true, 200)))
    states = climb_stages(problem, begin(problem, true), Hooks()).states
    way = show_way(problem, states, Hooks())
    assert [state.step for state in way] == list(range(len(way)))
    assert not any(state.by_move for state in way)
    assert way[-1].mixture is states[-1].mixture


@pytest.mark.parametrize("seed", range(4))
def test_a_way_that_ends_elsewhere_has_one_move_to_the_mixture(seed: int) -> None:
    # Seeds without a second try miss some of 20 clusters: each finds its own with a chance of 1/2.
    true = spread_clusters(20)
    problem = problem_of(cells_of(sampled(true, 1000)), FitSettings(20, seed=seed))
    states = climb_stages(problem, begin(problem, true), Hooks()).states
    way = show_way(problem, states, Hooks())
    (move,) = (k for k, state in enumerate(way) if state.by_move)
    before, after = way[:move], way[move:]
    assert [state.step for state in way] == list(range(len(way)))
    assert all(state.elbo < states[0].elbo for state in before)
    assert n_missed(problem.whitening.unwhiten(before[-1].mixture), true) > 0
    assert [state.elbo for state in after] == [state.elbo for state in states]


def test_a_way_has_no_more_steps_than_the_most() -> None:
    problem = problem_of(cells_of(sampled(random_mixture(4, 2), 500)), FitSettings(4))
    states = climb_stages(problem, begin(problem, random_mixture(4, 2)), Hooks()).states
    way = show_way(problem, states, Hooks(), most=3)
    assert len(way) <= 4 + len(states)
    assert len(way) > len(states)


def test_the_way_before_a_background_has_one_throughout() -> None:
    points = np.concatenate(
        [sampled(ARTICLE, 300), np.random.default_rng(0).uniform(-90, 90, (20, 2))]
    )
    found = choose(cells_of(points), FitSettings(), Choice(2, 2, False, background="on"))
    weights = found.history.background_weights
    assert weights is not None
    assert (weights > 0).all()
    assert weights[-1] * 320 == pytest.approx(20, abs=3)
    check_way(found.history)


@pytest.mark.parametrize("covariance", COVARIANCE_TYPES)
def test_a_climb_ends_where_little_is_left(covariance: CovarianceType) -> None:
    true = random_mixture(3, seed=4)
    problem = problem_of(cells_of(sampled(true, 400)), FitSettings(3, covariance=covariance))
    climbed = climb_stages(problem, begin(problem, true), Hooks())
    assert climbed.status is Status.CONVERGED
    on = climb_stages(problem, climbed.states[-1:], Hooks()).states
    assert on[-1].elbo - climbed.states[-1].elbo < 2 * TOLERANCE
    states = climbed.states
    assert [state.step for state in states] == list(range(len(states)))
    again = measure(states[-1], problem.few_cells, make_ascent(problem))
    assert again.elbo == pytest.approx(states[-1].elbo, rel=1e-12)


def test_a_climb_may_end_sooner_where_less_is_enough() -> None:
    true = random_mixture(4, seed=1)
    problem = problem_of(cells_of(sampled(true, 600)))
    far = begin(problem, random_mixture(4, seed=9))
    soon, late = (
        climb_stages(problem, far, Hooks(), enough=enough).states for enough in (5.0, 0.0)
    )
    assert len(soon) < len(late)
    assert late[-1].elbo - soon[-1].elbo < 2 * 5.0


def test_a_climb_ends_at_the_step_limit_and_on_all_cells() -> None:
    true = random_mixture(4, seed=1)
    cells = cells_of(sampled(true, 3000))
    problem = problem_of(cells, FitSettings(4, steps=2), few=300)
    climbed = climb_stages(problem, begin(problem, random_mixture(4, seed=9)), Hooks())
    assert climbed.status is Status.STEP_LIMIT
    assert [state.n_cells for state in climbed.states][-1] == 3000
    assert len(climbed.states) == 3
    told = tell(climbed, None)
    assert told.elbo == pytest.approx(told.mixture.log_densities(cells.means).sum(), rel=1e-9)


def test_an_interrupt_ends_a_climb_at_the_next_step() -> None:
    problem = problem_of(cells_of(sampled(random_mixture(4, 1), 600)))
    asked = count()
    hooks = Hooks(interrupted=lambda: next(asked) >= 2)
    climbed = climb_stages(problem, begin(problem, random_mixture(4, 9)), hooks)
    assert climbed.status is Status.INTERRUPTED
    assert len(climbed.states) == 3


def test_every_step_is_told_with_its_elbo_per_point() -> None:
    told: list[tuple[str, int, float]] = []
    points = sampled(ARTICLE, 200)
    problem = problem_of(cells_of(points))
    hooks = Hooks(watch=lambda *what: told.append(what))
    states = climb_stages(problem, begin(problem, ARTICLE), hooks).states
    assert [(what, number) for what, number, _ in told] == [("step", s.step) for s in states]
    last = problem.whitening.unwhiten(states[-1].mixture)
    assert told[-1][2] == pytest.approx(last.log_densities(points).mean(), rel=1e-9)


def test_an_outcome_is_in_data_units_and_in_canonical_order_where_it_was_searched_for() -> None:
    points = 100 * sampled(ARTICLE, 300) + 7
    problem = problem_of(cells_of(points))
    turned = ARTICLE.reorder(np.array([1, 0]))
    moved = Mixture(turned.weights, 100 * turned.means + 7, 1e4 * turned.covariances)
    climbed = climb_stages(problem, begin(problem, moved), Hooks())
    assert tell(climbed, None).mixture.canonical_order().tolist() == [1, 0]
    outcome = tell(climbed, Search(passes=1, returns=1))
    assert outcome.mixture.canonical_order().tolist() == [0, 1]
    first = problem.whitening.unwhiten(outcome.states[0].mixture)
    np.testing.assert_allclose(first.means, 100 * ARTICLE.means + 7)
    assert outcome.settings.components == 2
    assert outcome.floored == ()
    total = outcome.mixture.log_densities(points).sum()
    assert outcome.elbo == pytest.approx(total, rel=1e-9)
    assert outcome.log_likelihood == pytest.approx(total, rel=1e-9)


def test_an_outcome_in_another_order_is_the_same_mixture_at_every_step() -> None:
    mixture = random_mixture(3, seed=2)
    points = np.concatenate([sampled(mixture, 200), np.tile([30.0, 30.0], (20, 1))])
    means, covariances = [*mixture.means, [30, 30]], [*mixture.covariances, np.eye(2)]
    spot = mixture_of([0.3, 0.3, 0.3, 0.1], means, covariances)
    problem = problem_of(cells_of(points))
    outcome = tell(climb_stages(problem, begin(problem, spot), Hooks()), None)
    assert outcome.floored == (3,)
    order = np.array([3, 1, 0, 2])
    other = outcome.reorder(order)
    assert other.floored == (0,)
    assert (other.elbo, other.criteria) == (outcome.elbo, outcome.criteria)
    for state, there in zip(outcome.states, other.states, strict=True):
        np.testing.assert_array_equal(there.mixture.means, state.mixture.means[order])
        np.testing.assert_array_equal(there.mixture.weights, state.mixture.weights[order])


def test_an_outcome_before_a_background_has_its_box() -> None:
    points = sampled(ARTICLE, 300)
    start = over_background(ARTICLE, 0.05, points)
    problem = problem_of(cells_of(points))
    outcome = tell(climb_stages(problem, begin(problem, start), Hooks()), None)
    background = outcome.mixture.background
    assert background is not None
    assert start.background is not None
    np.testing.assert_allclose(background.box, start.background.box, rtol=1e-9)


def test_stages_have_few_cells_first_and_all_at_last() -> None:
    problem = problem_of(cells_of(sampled(ARTICLE, 5000)), few=100)
    stages, numbers = Stages(problem), list[int]()
    mixture = problem.whitening.whiten(ARTICLE)
    while True:
        numbers.append(stages.cells.n_cells)
        assert stages.tolerance == (TOLERANCE if stages.is_last else NEAR)
        if not stages.advance(mixture):
            break
    assert numbers == [level.n_cells for level in problem.levels]
    assert stages.is_last
    assert Stages(problem, on_all=True).cells.n_cells == 5000


def test_what_may_be_left_is_of_what_points_are_worth() -> None:
    cells = cells_of(sampled(ARTICLE, 1000))
    copies = Problem(cells, Grain(np.zeros(2), 0.1), FitSettings(), "bic", None)
    assert Stages(copies).tolerance == pytest.approx(10 * Stages(problem_of(cells)).tolerance)


def test_cells_that_are_cut_are_climbed_on() -> None:
    fine = cells_of(sampled(ARTICLE, 3000))
    coarse = merge_cells(fine, 300)
    asked: list[Coarseness] = []

    def cut(coarseness: Coarseness) -> Cells:
        asked.append(coarseness)
        return fine

    problem = problem_of(coarse)
    climbed = climb_stages(problem, begin(problem, ARTICLE), Hooks(), cut)
    assert climbed.status is Status.CONVERGED
    assert climbed.problem.cells is fine
    numbers = [state.n_cells for state in climbed.states]
    assert (numbers[0], numbers[-1]) == (coarse.n_cells, 3000)
    assert asked[0].cells is coarse
    assert asked[-1].cells is fine
    assert climbed.coarseness is asked[-1]  # of the end: nothing was cut there
    told = tell(climbed, None)
    assert told.elbo == pytest.approx(told.mixture.log_densities(fine.means).sum(), rel=1e-9)
