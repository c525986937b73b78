"""Covariance types: laws that follow from three letters, and the best covariances of each."""

import numpy as np
import pytest
from builders import count_covariances, ellipses_of_type, random_mixture
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize

from gmmcli.core.mixture.covariances import FloatArray, are_floored
from gmmcli.core.mixture.ellipses import measure_along
from gmmcli.core.mixture.mixture import Mixture
from gmmcli.core.mixture.structures import (
    STRUCTURES,
    constrain,
    count_parameters,
)
from gmmcli.settings import COVARIANCE_CODES, COVARIANCE_TYPES, CovarianceType

LEAST = 1e-10 * np.eye(2)
LEAST_OF_AXES = np.array([[0.9, 0.3], [0.3, 0.5]])
FREE = random_mixture(4, seed=2)
MASSES = 100 * FREE.weights
MIXED = [each for each in COVARIANCE_TYPES if STRUCTURES[each].is_mixed]
PLAIN = [each for each in COVARIANCE_TYPES if not STRUCTURES[each].is_mixed]


def lose(covariances: FloatArray, free: FloatArray, masses: FloatArray = MASSES) -> float:
    """What the expected log-likelihood of free covariances loses to others, up to a constant."""
    spreads = np.linalg.solve(covariances, free).trace(axis1=1, axis2=2)
    return float(masses @ (np.linalg.slogdet(covariances).logabsdet + spreads)) / 2


# By Celeux & Govaert 1995, table 1, for K = 4 in two dimensions: weights and means have 3 + 8.
NUMBERS = {
    "EII": 1, "VII": 4, "EEI": 2, "VEI": 5, "EVI": 5, "VVI": 8, "EEE": 3,
    "VEE": 6, "EVE": 6, "VVE": 9, "EEV": 6, "VEV": 9, "EVV": 9, "VVV": 12,
}  # fmt: skip


@pytest.mark.parametrize("covariance", COVARIANCE_TYPES)
def test_numbers_of_free_parameters(covariance: CovarianceType) -> None:
    expected = NUMBERS[COVARIANCE_CODES[covariance]]
    assert count_parameters(4, covariance) == 11 + expected
    assert count_parameters(4, covariance, has_background=True) == 12 + expected


@pytest.mark.parametrize("covariance", COVARIANCE_TYPES)
def test_the_parameters_are_as_many_as_the_ways_in_which_covariances_can_change(
    covariance: CovarianceType,
) -> None:
    structure = STRUCTURES[covariance]
    n_parameters = count_covariances(structure, 4)
    here = np.random.default_rng(0).normal(size=n_parameters)

    def change(step: FloatArray) -> FloatArray:
        return ellipses_of_type(structure, here + step, 4).to_covariances().ravel()

    steps = 1e-5 * np.eye(n_parameters)
    jacobian = np.array([(change(step) - change(-step)) / 2e-5 for step in steps])
    assert np.linalg.matrix_rank(jacobian, tol=1e-6) == n_parameters


FREE_COVARIANCES = st.integers(0, 10_000).map(np.random.default_rng)


def draw_free(random: np.random.Generator) -> tuple[FloatArray, FloatArray]:
    """Covariances of very different sizes and shapes, (K, 2, 2), and masses, (K,)."""
    n_components = int(random.integers(1, 6))
    roots = random.normal(size=(n_components, 2, 2))
    sizes = np.exp(random.normal(0, random.choice([0.2, 1.0, 3.0]), (n_components, 1, 1)))
    covariances = sizes * (roots @ roots.swapaxes(1, 2) + 1e-3 * np.eye(2))
    return covariances, random.uniform(0.1, 100, n_components)


@pytest.mark.parametrize("covariance", COVARIANCE_TYPES)
@given(random=FREE_COVARIANCES)
@settings(max_examples=25, deadline=None)
def test_a_projection_is_of_its_type_and_changes_nothing_the_second_time(
    covariance: CovarianceType, random: np.random.Generator
) -> None:
    structure = STRUCTURES[covariance]
    free, masses = draw_free(random)
    once = structure.project(free, masses)
    scales = np.sqrt(once[:, [0, 1], [0, 1]])
    relative = scales[:, :, None] * scales[:, None, :]
    np.testing.assert_allclose(
        structure.project(once, masses) / relative, once / relative, atol=1e-9
    )
    ellipses = structure.describe(once)
    np.testing.assert_allclose(ellipses.to_covariances() / relative, once / relative, atol=1e-9)
    parts = ellipses.log_volumes, ellipses.elongations, ellipses.angles
    for letter, part in zip(structure.code, parts, strict=True):
        if letter != "V":
            expected = part[0] if letter == "E" else 0.0
            np.testing.assert_allclose(part, expected, atol=1e-6)


@pytest.mark.parametrize("covariance", COVARIANCE_TYPES)
@pytest.mark.parametrize("seed", range(3))
def test_no_optimizer_finds_better_covariances_of_a_type(
    covariance: CovarianceType, seed: int
) -> None:
    structure, random = STRUCTURES[covariance], np.random.default_rng(seed)
    free, masses = draw_free(random)
    n_components = len(masses)

    def lose_by(values: FloatArray) -> float:
        ellipses = ellipses_of_type(structure, values, n_components)
        spreads = measure_along(free, ellipses.angles) / ellipses.variances
        return float(masses @ (2 * ellipses.log_volumes + spreads.sum(axis=1))) / 2

    starts = random.normal(size=(6, count_covariances(structure, n_components)))
    best = min(minimize(lose_by, start, options={"gtol": 1e-7}).fun for start in starts)
    assert lose(structure.project(free, masses), free, masses) <= best + 1e-9 * masses.sum()


@given(random=FREE_COVARIANCES)
@settings(max_examples=50, deadline=None)
def test_a_type_that_holds_more_fits_no_better(random: np.random.Generator) -> None:
    free, masses = draw_free(random)
    lost = {
        structure.code: lose(structure.project(free, masses), free, masses) / masses.sum()
        for structure in STRUCTURES.values()
    }
    for code, loss in lost.items():
        for place, (letter, held) in enumerate(zip(code, "EII", strict=True)):
            for tighter in {"V": "E" + held, "E": held, "I": ""}[letter]:
                other = code[:place] + tighter + code[place + 1 :]
                if other in lost:
                    assert loss <= lost[other] + 1e-9


def test_types_that_differ_in_letters_alone_are_the_same_of_one_component() -> None:
    alone = {s.code: s.project(FREE.covariances[:1], MASSES[:1]) for s in STRUCTURES.values()}
    for code, covariances in alone.items():
        expected = alone[code.replace("E", "V")]
        np.testing.assert_allclose(covariances, expected, rtol=1e-12, atol=1e-14)


MAPS = {
    "one scale": [3.0 * np.eye(2)],
    "scales of axes": [np.diag([3.0, 0.2])],
    "affine maps": [np.diag([3.0, 0.2]), np.array([[1.0, 0.4], [-0.7, 2.0]])],
}


@pytest.mark.parametrize("covariance", COVARIANCE_TYPES)
def test_a_type_survives_the_maps_that_it_says_and_no_others(covariance: CovarianceType) -> None:
    structure = STRUCTURES[covariance]
    typed = structure.project(FREE.covariances, MASSES)
    for maps, matrices in MAPS.items():
        survives = list(MAPS).index(maps) <= list(MAPS).index(structure.survives)
        mapped = [matrix @ typed @ matrix.T for matrix in matrices]
        kept = [np.allclose(structure.project(each, MASSES), each, rtol=1e-8) for each in mapped]
        assert all(kept) == survives


@pytest.mark.parametrize("covariance", COVARIANCE_TYPES)
def test_what_is_in_common_gives_the_projection(covariance: CovarianceType) -> None:
    structure = STRUCTURES[covariance]
    common = structure.find_common(FREE.covariances, MASSES)
    held = structure.hold(FREE.covariances, common)
    np.testing.assert_allclose(
        held, structure.project(FREE.covariances, MASSES), rtol=1e-9, atol=1e-12
    )
    some = structure.hold(FREE.covariances[1:3], common)
    np.testing.assert_allclose(some, held[1:3], rtol=1e-12, atol=1e-14)


def over_least(roots: FloatArray, covariance: CovarianceType) -> FloatArray:
    """Covariances of a type above the least, (K, 2, 2), whatever the roots, (12,), are."""
    structure = STRUCTURES[covariance]
    lower = np.zeros((4, 2, 2))
    lower[:, [0, 1, 1], [0, 0, 1]] = roots.reshape(4, 3)
    over = structure.project(lower @ lower.swapaxes(1, 2), MASSES)
    return np.asarray(structure.adapt_least(LEAST_OF_AXES) + over)


@pytest.mark.parametrize("covariance", PLAIN)
def test_bounded_covariances_are_the_best_that_are_allowed(covariance: CovarianceType) -> None:
    free = FREE.covariances * np.array([0.1, 0.3, 1.0, 3.0])[:, None, None]
    free = 0.2 * free if STRUCTURES[covariance].is_shared else free
    found = constrain(free, MASSES, covariance, least=LEAST_OF_AXES)
    start = np.tile([1.0, 0.1, 1.0], 4)
    by_search = minimize(
        lambda roots: lose(over_least(roots, covariance), free), start, options={"gtol": 1e-7}
    )
    assert lose(found, free) == pytest.approx(by_search.fun, rel=1e-9)
    np.testing.assert_allclose(found, over_least(by_search.x, covariance), atol=2e-4)
    least = STRUCTURES[covariance].adapt_least(LEAST_OF_AXES)
    are_on_it = np.linalg.eigvals(np.linalg.solve(least, found)).real.min(axis=1) < 1.001
    assert are_on_it.any()
    assert (are_floored(found, least) == are_on_it).all()


@pytest.mark.parametrize("covariance", MIXED)
@pytest.mark.parametrize("scales", [(0.02, 0.3, 1.0, 3.0), (0.01, 0.02, 0.01, 1.0)])
def test_bounded_axes_are_the_best_that_are_allowed(
    covariance: CovarianceType, scales: tuple[float, ...]
) -> None:
    structure = STRUCTURES[covariance]
    free = FREE.covariances * np.array(scales)[:, None, None]
    least = 2 * float(np.linalg.eigvalsh(structure.project(free, MASSES)).min())
    found = constrain(free, MASSES, covariance, least=least * np.eye(2))
    np.testing.assert_allclose(structure.project(found, MASSES), found, rtol=1e-7, atol=1e-9)
    assert np.linalg.eigvalsh(found).min() == pytest.approx(least, rel=1e-6)

    def lose_by(values: FloatArray, penalty: float) -> float:
        ellipses = ellipses_of_type(structure, values, 4)
        below = np.maximum(np.log(least) - np.log(ellipses.variances), 0)
        spreads = measure_along(free, ellipses.angles) / ellipses.variances
        loss = MASSES @ (2 * ellipses.log_volumes + spreads.sum(axis=1)) / 2
        return float(loss + penalty * (below**2).sum())

    random = np.random.default_rng(0)
    losses = []
    for _ in range(4):
        values = random.normal(size=count_covariances(structure, 4))
        for penalty in (1e2, 1e4, 1e6):
            values = minimize(lose_by, values, (penalty,), options={"gtol": 1e-6}).x
        losses.append(lose_by(values, 1e6))
    # A penalty leaves them below the least by a little, and so better by a little.
    assert lose(found, free) <= min(losses) + 1e-2


@pytest.mark.parametrize("covariance", COVARIANCE_TYPES)
@pytest.mark.parametrize("variances", [(30.0, 1e-10), (1e-10, 30.0), (0.3, 1e-10), (2.0, 0.05)])
def test_given_their_axes_no_lengths_above_an_uneven_least_are_better(
    covariance: CovarianceType, variances: tuple[float, float]
) -> None:
    structure = STRUCTURES[covariance]
    free = FREE.covariances * np.array([0.003, 0.3, 0.01, 1.0])[:, None, None]
    least = structure.adapt_least(np.diag(variances))
    found = constrain(free, MASSES, covariance, least=least)
    if structure.survives == "affine maps":  # its axes are those where the least is round
        inverse = np.diag(np.diag(least) ** -0.5)
        free, found, least = (inverse @ each @ inverse for each in (free, found, least))
    described = structure.describe(found)
    angles = np.zeros(4) if structure.is_round else described.angles
    points, floors = measure_along(free, angles), np.log(measure_along(least, angles))

    def take_logs(values: FloatArray) -> FloatArray:
        ellipses = ellipses_of_type(structure, np.append(values, np.zeros(4)), 4)
        return np.asarray(np.log(ellipses.variances))

    def lose_by(values: FloatArray) -> float:
        logs = take_logs(values)
        return float(MASSES / 100 @ (logs + points * np.exp(-logs)).sum(axis=1))

    n_lengths = sum({"V": 4, "E": 1, "I": 0}[letter] for letter in structure.code[:2])
    start = np.zeros(n_lengths)
    start[: 4 if structure.volume == "V" else 1] = np.log(points.max()) + floors.max()
    above = {"type": "ineq", "fun": lambda values: (take_logs(values) - floors).ravel()}
    best = minimize(lose_by, start, constraints=above, options={"ftol": 1e-13, "maxiter": 1000})
    logs = np.log(measure_along(found, angles))
    assert (logs > floors - 1e-9).all()
    loss = float(MASSES / 100 @ (logs + points * np.exp(-logs)).sum(axis=1))
    assert loss == pytest.approx(best.fun, abs=1e-7)


@pytest.mark.parametrize("covariance", COVARIANCE_TYPES)
def test_points_at_one_spot_have_covariances_that_can_be_written(
    covariance: CovarianceType,
) -> None:
    free = np.concatenate([FREE.covariances, np.zeros((1, 2, 2)), [np.diag([1.0, 0.0])]])
    masses = np.ones(6)
    made = constrain(free, masses, covariance, least=1e-6 * np.eye(2))
    Mixture(masses / 6, np.zeros((6, 2)), made)  # checks that they are positive definite
    assert np.linalg.eigvalsh(made).min() > 0.999e-6


@pytest.mark.parametrize("covariance", COVARIANCE_TYPES)
def test_a_least_covariance_has_the_shape_that_it_bounds(covariance: CovarianceType) -> None:
    structure = STRUCTURES[covariance]
    least = structure.adapt_least(LEAST_OF_AXES)
    if not structure.is_mixed or structure.is_aligned:
        np.testing.assert_allclose(structure.project(least[None], np.ones(1))[0], least, rtol=1e-14)
    np.testing.assert_array_equal(structure.adapt_least(least), least)
    assert (np.diag(least) >= np.diag(LEAST_OF_AXES)).all()


def test_a_covariance_below_the_floor_stands_on_it() -> None:
    thin = np.array([np.diag([1.0, 1e-12]), np.eye(2)])
    made = constrain(thin, np.ones(2), "full", least=1e-6 * np.eye(2))
    np.testing.assert_allclose(made[0], np.diag([1.0, 1e-6]), rtol=1e-9)
    assert are_floored(made, 1e-6 * np.eye(2)).tolist() == [True, False]


def test_covariances_that_break_no_bound_are_kept_to_the_last_digit() -> None:
    made = constrain(FREE.covariances, MASSES, "full", least=1e-3 * LEAST_OF_AXES)
    np.testing.assert_array_equal(made, FREE.covariances)
    mixed = np.concatenate([FREE.covariances, 1e-6 * FREE.covariances[:1]])
    made = constrain(mixed, np.ones(5), "full", least=1e-3 * LEAST_OF_AXES)
    np.testing.assert_array_equal(made[:4], FREE.covariances)
    np.testing.assert_allclose(made[4], 1e-3 * LEAST_OF_AXES, rtol=1e-12)


def test_however_long_and_thin_a_component_is_led_to_be_it_can_be_written() -> None:
    angles = np.linspace(0, np.pi, 100)
    along = np.stack([np.cos(angles), np.sin(angles)], axis=1)
    needles = 1e9 * along[:, :, None] * along[:, None, :]
    mixture = Mixture(np.full(100, 0.01), np.zeros((100, 2)), needles + 0.1 * np.eye(2))
    lengths = np.linalg.eigvalsh(
        constrain(mixture.covariances, mixture.weights, "full", least=LEAST)
    )
    np.testing.assert_allclose(lengths[:, 1], 1e6)
    for least in (LEAST, np.diag([1e-4, 1e-10])):
        made = constrain(needles, np.ones(100), "full", least=least)
        Mixture(mixture.weights, mixture.means, made)  # checks that they are positive definite
