"""Modes and saddles are those that a fine grid shows, whatever the units of the data."""

from functools import partial, partialmethod

import numpy as np
import pytest
from builders import mixture_of, overlap

from gmmcli.core.groups import modes
from gmmcli.core.groups.landscape import Landscape
from gmmcli.core.groups.saddles import find_crossings, find_neighbours, walk_ridge
from gmmcli.core.groups.terrain import revisit, survey
from gmmcli.core.mixture.covariances import FloatArray
from gmmcli.core.mixture.gaussians import Gaussians
from gmmcli.core.mixture.mixture import Mixture


def flood(heights: FloatArray, *, least: float) -> list[tuple[float, float]]:
    """The tops of a grid of heights but the highest, each with the height at which it is joined.

    Joined earlier than after a fall of the least, it is a roughness of the grid.
    """
    rows, columns = heights.shape
    values, owners = heights.ravel(), np.full(heights.size, -1)

    def find(place: int) -> int:
        while owners[place] != place:
            owners[place] = owners[owners[place]]
            place = owners[place]
        return place

    joined = []
    for place in np.argsort(-values, kind="stable").tolist():
        owners[place] = place
        row, column = divmod(place, columns)
        for i in range(max(row - 1, 0), min(row + 2, rows)):
            for j in range(max(column - 1, 0), min(column + 2, columns)):
                other = i * columns + j
                if owners[other] < 0:
                    continue
                low, high = sorted((find(place), find(other)), key=lambda top: values[top])
                if low != high:
                    owners[low] = high
                    if values[low] - values[place] > least:
                        joined.append((float(values[low]), float(values[place])))
    return sorted(joined)


@pytest.mark.parametrize("seed", range(4))
def test_tree_is_that_of_a_flooded_grid(seed: int) -> None:
    random = np.random.default_rng(seed)
    n_components = 6
    roots = random.normal(size=(n_components, 2, 2))
    covariances = 0.2 * roots @ roots.swapaxes(1, 2) + 0.15 * np.eye(2)
    mixture = mixture_of(np.full(6, 1 / 6), 2 * random.normal(size=(6, 2)), covariances)
    _, tree = survey(mixture)
    low, high = mixture.means.min(axis=0) - 2, mixture.means.max(axis=0) + 2
    x, y = (np.linspace(low[axis], high[axis], 240) for axis in range(2))
    grid = np.stack(np.meshgrid(x, y, indexing="ij"), axis=-1)
    heights = mixture.log_densities(grid.reshape(-1, 2)).reshape(240, 240)
    expected = np.array(flood(heights, least=0.02)).reshape(-1, 2)
    saddles = tree.log_densities + np.log(np.maximum(tree.valleys, 1e-300))
    found = np.stack([tree.log_densities, saddles], axis=1)[tree.valleys > 0]
    found = found[np.lexsort(found.T[::-1])]
    found = found[found[:, 0] - found[:, 1] > 0.02]
    # Half a spacing of 0.05 from a top whose curvature is 1 / 0.15 at most; saddles far from all
    # means are as steep as they are low.
    np.testing.assert_allclose(found, expected, rtol=0.005, atol=(0.025**2) / 0.15 + 0.01)


@pytest.mark.parametrize(("n_components", "seed"), [(10, 1001), (15, 1009)])
def test_saddles_lead_to_the_hills_that_short_steps_lead_to(
    monkeypatch: pytest.MonkeyPatch, n_components: int, seed: int
) -> None:
    mixture = overlap(n_components, seed)
    _, tree = survey(mixture)
    for name in ("step", "stride"):
        whole = getattr(Landscape, name)
        short = partialmethod(whole, longest=0.1, part=0.05)
        monkeypatch.setattr(Landscape, name, short)
    choose = partial(modes._choose_higher, longest=0.05)
    monkeypatch.setattr(modes, "_choose_higher", choose)
    _, expected = survey(mixture)
    np.testing.assert_allclose(np.sort(tree.valleys), np.sort(expected.valleys), atol=1e-8)


def test_two_components_have_the_saddle_of_their_ridge() -> None:
    mixture = mixture_of([0.5, 0.5], [[0, 0], [4, 2]], [np.eye(2), np.eye(2)])
    _, tree = survey(mixture)
    assert tree.joins.tolist() in ([0, 0], [1, 1])
    lower = int(tree.joins[0] == 0)
    np.testing.assert_allclose(tree.saddles[lower], [2, 1], atol=1e-7)
    at_saddle, at_mode = mixture.log_densities(np.array([[2.0, 1.0], tree.modes[lower]]))
    assert tree.valleys[lower] == pytest.approx(np.exp(at_saddle - at_mode), rel=1e-9)


def test_a_mode_may_be_at_no_mean() -> None:
    crossing = mixture_of(
        [0.5, 0.5], [[1, 0], [0, 1]], [np.diag([1.0, 0.05]), np.diag([0.05, 1.0])]
    )
    _, tree = survey(crossing)
    assert tree.number == 3  # where they cross, and near either mean
    crossing_point = tree.modes[np.abs(tree.modes).max(axis=1).argmin()]
    assert np.abs(crossing_point).max() < 0.1


def test_the_mean_of_a_component_may_be_a_saddle() -> None:
    means = [[0, 0], [10, 0], [5, 0]]
    mixture = mixture_of([0.45, 0.45, 0.1], means, [np.eye(2), np.eye(2), 100 * np.eye(2)])
    _, tree = survey(mixture)
    assert tree.number == 2
    np.testing.assert_allclose(tree.saddles[tree.valleys > 0], [[5, 0]], atol=1e-6)


def test_modes_are_tops(mixture: Mixture) -> None:
    _, tree = survey(mixture)
    spread = np.sqrt(np.diagonal(mixture.covariances, axis1=1, axis2=2)).min(axis=0)
    angles = np.linspace(0, 2 * np.pi, 9)[:-1]
    away = 0.01 * spread * np.stack([np.cos(angles), np.sin(angles)], axis=1)
    around = mixture.log_densities((tree.modes[:, None] + away).reshape(-1, 2))
    tops = mixture.log_densities(tree.modes)
    assert (around.reshape(-1, 8) < tops[:, None]).all()
    np.testing.assert_allclose(tree.log_densities, tops, atol=1e-6)


def test_units_of_the_data_change_nothing(mixture: Mixture) -> None:
    matrix, shift = np.array([[3.0, 1.0], [-50.0, 200.0]]), np.array([7.0, -3.0])
    moved = mixture_of(
        mixture.weights,
        mixture.means @ matrix.T + shift,
        matrix @ mixture.covariances @ matrix.T,
    )
    (_, tree), (_, other) = survey(mixture), survey(moved)
    assert other.joins.tolist() == tree.joins.tolist()
    np.testing.assert_allclose(other.valleys, tree.valleys, rtol=1e-5, atol=1e-9)
    np.testing.assert_allclose(other.modes, tree.modes @ matrix.T + shift, rtol=1e-6, atol=1e-4)


def test_a_terrain_is_revisited_with_the_same_modes(mixture: Mixture) -> None:
    terrain, tree = survey(mixture)
    again = revisit(mixture, tree)
    assert again.modes.number == tree.number
    np.testing.assert_allclose(again.modes.places, terrain.modes.places, atol=1e-6)
    np.testing.assert_array_equal(again.climb(tree.modes), np.arange(tree.number))


def test_a_component_without_weight_has_no_mode() -> None:
    mixture = mixture_of([1, 0], [[0, 0], [50, 50]], [np.eye(2), np.eye(2)])
    _, tree = survey(mixture)
    np.testing.assert_allclose(tree.modes, [[0, 0]], atol=1e-9)


def test_neighbours_join_all_places_and_have_none_between() -> None:
    places = np.random.default_rng(0).normal(size=(30, 2))
    pairs = find_neighbours(places)
    joined = {0}
    for _ in places:
        joined |= {int(n) for pair in pairs if joined & set(pair.tolist()) for n in pair}
    assert joined == set(range(30))
    middles = places[pairs].mean(axis=1)
    reaches = np.linalg.norm(places[pairs[:, 0]] - middles, axis=1)
    nearest = np.linalg.norm(places - middles[:, None], axis=2).min(axis=1)
    np.testing.assert_allclose(nearest, reaches)
    line = np.stack([np.arange(5.0), np.zeros(5)], axis=1)
    assert find_neighbours(line).tolist() == [[0, 1], [1, 2], [2, 3], [3, 4]]


@pytest.mark.parametrize(("valley", "apart"), [(0.95, 2.29), (0.5, 3.33)])
def test_two_gaussians_of_one_size_are_two_groups_from_a_distance_on(
    valley: float, apart: float
) -> None:
    for distance, expected in ((apart - 0.02, 1), (apart + 0.02, 2)):
        mixture = mixture_of([0.5, 0.5], [[0, 0], [distance, 0]], [np.eye(2), np.eye(2)])
        assert survey(mixture)[1].cut(valley).max() + 1 == expected


def test_ridges_are_walked_between_neighbours_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    measured: list[int] = []
    measure = Landscape.measure

    def count(landscape: Landscape, points: FloatArray) -> FloatArray:
        measured.append(len(points))
        return measure(landscape, points)

    monkeypatch.setattr(Landscape, "measure", count)
    totals = []
    for n_components in (20, 40, 80):
        means = np.stack([4.0 * np.arange(n_components), np.zeros(n_components)], axis=1)
        weights = np.full(n_components, 1 / n_components)
        measured.clear()
        assert survey(mixture_of(weights, means, [np.eye(2)] * n_components))[1].number == len(
            means
        )
        totals.append(sum(measured))
    # Of a chain, so many again for so many components more: all pairs would be four times as many.
    assert totals[2] - totals[1] < 2.5 * (totals[1] - totals[0])


def test_components_are_as_likely_where_they_cross(mixture: Mixture) -> None:
    landscape = Landscape.of(Gaussians.of(mixture))
    pairs = np.stack(np.triu_indices(landscape.number, 1))
    shares = find_crossings(landscape, pairs)
    places = walk_ridge(landscape, pairs, shares)
    differences = np.diff([landscape.measure_own(side, places) for side in pairs], axis=0)[0]
    is_inside = (shares > 1e-5) & (shares < 1 - 1e-5)
    # A millionth of the way, on which a component falls by some tens of nats.
    np.testing.assert_allclose(differences[is_inside], 0, atol=1e-3)
    # At an end, one of the two is the likelier all along the ridge.
    one_wins = landscape.measure_own(pairs[0], places) > landscape.measure_own(pairs[1], places)
    np.testing.assert_array_equal(one_wins[~is_inside], shares[~is_inside] > 0.5)
