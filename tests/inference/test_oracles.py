"""The inference against what is known in closed form and against scikit-learn."""

from collections.abc import Callable
from dataclasses import replace
from itertools import islice

import numpy as np
import pytest
from builders import cells_of, fit, over_background, random_mixture, sampled
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.exceptions import ConvergenceWarning
from sklearn.mixture import GaussianMixture

from gmmcli.core.cells.cells import Cells, assign_cells, find_whitening
from gmmcli.core.cells.gaps import estimate_gap
from gmmcli.core.inference.ascent import Ascent
from gmmcli.core.inference.climb import climb
from gmmcli.core.inference.state import State
from gmmcli.core.mixture.covariances import FloatArray, are_floored
from gmmcli.core.mixture.densities import maximize
from gmmcli.core.mixture.ellipses import measure_along
from gmmcli.core.mixture.mixture import Mixture
from gmmcli.core.mixture.sampling import ARTICLE
from gmmcli.core.mixture.structures import STRUCTURES, constrain
from gmmcli.core.search.constants import TOLERANCE
from gmmcli.core.search.status import Status
from gmmcli.settings import COVARIANCE_TYPES, CovarianceType, FitSettings, OptimizerName

LEAST = 1e-10 * np.eye(2)


def states(
    cells: Cells, start: Mixture, n: int, covariance: CovarianceType = "full", rate: float = 1.0
) -> list[State]:
    return list(
        islice(
            climb(cells, start, Ascent(covariance, "natural", rate, LEAST, accelerated=False)), n
        )
    )


def typed(mixture: Mixture, covariance: CovarianceType) -> Mixture:
    made = constrain(mixture.covariances, mixture.weights, covariance, least=LEAST)
    return replace(mixture, covariances=made)


def expected_log_likelihood(cells: Cells, mixture: Mixture) -> float:
    return float(cells.counts @ mixture.log_densities(cells.means))


@pytest.mark.parametrize(("n_components", "spread"), [(1, 2.0), (2, 2.0), (7, 2.0), (60, 100.0)])
def test_elbo_is_the_log_likelihood_where_cells_are_points(
    n_components: int, spread: float
) -> None:
    mixture = random_mixture(n_components, seed=n_components, spread=spread)
    counts = np.random.default_rng(0).integers(1, 9, 500)
    cells = cells_of(sampled(mixture, 500), counts.tolist())
    (state,) = states(cells, mixture, 1)
    assert state.elbo == pytest.approx(expected_log_likelihood(cells, mixture), rel=1e-9)


def test_elbo_of_cells_is_a_bound_as_tight_as_estimated() -> None:
    points = sampled(ARTICLE, 20_000)
    places, index = np.unique(np.floor(points / 0.2), axis=0, return_inverse=True)
    counts = np.bincount(index).astype(float)
    means = np.stack([np.bincount(index, points[:, i]) / counts for i in (0, 1)], axis=1)
    deviations = points - means[index]
    covariances = np.zeros((len(places), 2, 2))
    np.add.at(covariances, index, deviations[:, :, None] * deviations[:, None, :])
    cells = Cells(counts, means, covariances / counts[:, None, None])

    (state,) = states(cells, ARTICLE, 1)
    true_gap = ARTICLE.log_densities(points).mean() - state.elbo / len(points)
    assert true_gap > 0
    # The estimate leaves out the third order, of relative size 0.2 of a cell's width here.
    assert estimate_gap(cells, ARTICLE) == pytest.approx(true_gap, rel=0.05)


def sklearn_step(points: FloatArray, start: Mixture, covariance: CovarianceType) -> Mixture:
    n_components = start.n_components
    precisions = np.linalg.inv(start.covariances)
    given_precisions = {
        "full": precisions,
        "tied": precisions[0],
        "diag": np.diagonal(precisions, axis1=1, axis2=2),
        "spherical": precisions[:, 0, 0],
    }[covariance]
    model = GaussianMixture(
        n_components,
        covariance_type=covariance,
        tol=0,
        reg_covar=0,
        max_iter=1,
        weights_init=start.weights,
        means_init=start.means,
        precisions_init=given_precisions,
    )
    with pytest.warns(ConvergenceWarning):
        model.fit(points)
    eye = np.eye(2)
    whole: dict[CovarianceType, Callable[[FloatArray], FloatArray]] = {
        "full": lambda c: c,
        "tied": lambda c: np.tile(c, (n_components, 1, 1)),
        "diag": lambda c: c[:, :, None] * eye,
        "spherical": lambda c: c[:, None, None] * eye,
    }
    return Mixture(model.weights_, model.means_, whole[covariance](model.covariances_))


def take_em_step(cells: Cells, start: Mixture, covariance: CovarianceType) -> Mixture:
    """The mixture after an EM step with a background, in NumPy."""
    assert start.background is not None
    shares = assign_cells(cells, start)
    totals, means, free = maximize(cells.means, cells.counts * shares, cells.covariances)
    stray = float(cells.counts @ (1 - shares.sum(axis=0))) / cells.n_points
    made = constrain(free, totals, covariance, least=LEAST)
    background = start.background.reweigh(stray)
    return Mixture(totals / cells.n_points, means, made, background)


@pytest.mark.parametrize(("n_components", "spread"), [(3, 2.0), (60, 100.0)])
@pytest.mark.parametrize("covariance", COVARIANCE_TYPES)
def test_a_natural_gradient_step_is_an_em_step_with_a_background_too(
    covariance: CovarianceType, n_components: int, spread: float
) -> None:
    mixture = random_mixture(n_components, seed=1, spread=spread)
    points = sampled(mixture, 100 * n_components)
    roots = np.random.default_rng(0).normal(0, 0.3, (len(points), 2, 2))
    cells = Cells(np.ones(len(points)), points, roots @ roots.swapaxes(1, 2))
    start = over_background(replace(mixture, means=mixture.means + 0.5), 0.1, points)
    start = typed(start, covariance)
    expected = take_em_step(cells, start, covariance)
    _, after = states(cells, start, 2, covariance)
    found, digits = after.mixture, 6e-14 * spread**2
    assert found.background is not None
    assert expected.background is not None
    assert found.background.weight == pytest.approx(expected.background.weight, abs=6e-14)
    np.testing.assert_allclose(found.weights, expected.weights, atol=6e-14)
    np.testing.assert_allclose(found.means, expected.means, rtol=6e-14, atol=digits)
    np.testing.assert_allclose(found.covariances, expected.covariances, rtol=6e-14, atol=digits)


@pytest.mark.parametrize("n_components", [2, 60])
def test_the_elbo_with_a_background_is_the_log_likelihood_of_points(n_components: int) -> None:
    mixture = random_mixture(n_components, seed=n_components, spread=20.0)
    points = sampled(mixture, 500)
    mixture = over_background(mixture, 0.2, points)
    (state,) = states(cells_of(points), mixture, 1)
    assert state.elbo == pytest.approx(mixture.log_densities(points).sum(), rel=1e-12)


@pytest.mark.parametrize("optimizer", ["natural", "adam"])
def test_a_climb_finds_how_many_points_are_stray(optimizer: OptimizerName) -> None:
    box = np.array([[-8.0, -8.0], [8.0, 8.0]])
    true = over_background(random_mixture(2, seed=3), 0.1, box)
    n_points = 4000
    points = np.concatenate([sampled(true, n_points), box])
    start = over_background(random_mixture(2, seed=3), 0.02, box)
    ascent = Ascent("full", optimizer, 1.0 if optimizer == "natural" else 0.05, LEAST)
    *_, last = islice(climb(cells_of(points), start, ascent), 150)
    assert last.mixture.background is not None
    # Five standard errors of a share of so many points.
    error = np.sqrt(0.1 * 0.9 / n_points)
    assert last.mixture.background.weight == pytest.approx(0.1, abs=5 * error)


@pytest.mark.parametrize(("n_components", "spread"), [(3, 2.0), (60, 100.0)])
@pytest.mark.parametrize("covariance", ["full", "tied", "diag", "spherical"])
def test_a_natural_gradient_step_is_an_em_step(
    covariance: CovarianceType, n_components: int, spread: float
) -> None:
    points = sampled(random_mixture(n_components, seed=1, spread=spread), 100 * n_components)
    start = random_mixture(n_components, seed=1, spread=spread)
    start = typed(replace(start, means=start.means + 0.5), covariance)
    expected = sklearn_step(points, start, covariance)
    _, after = states(cells_of(points), start, 2, covariance)
    np.testing.assert_allclose(after.mixture.weights, expected.weights, atol=1e-8)
    np.testing.assert_allclose(after.mixture.means, expected.means, atol=1e-8)
    np.testing.assert_allclose(after.mixture.covariances, expected.covariances, atol=1e-8)


@pytest.mark.parametrize("covariance", COVARIANCE_TYPES)
@pytest.mark.parametrize("rate", [1.0, 0.3])
@pytest.mark.parametrize("seed", [0, 1])
def test_the_elbo_never_falls(covariance: CovarianceType, rate: float, seed: int) -> None:
    points = sampled(random_mixture(4, seed=seed), 200)
    elbos = [s.elbo for s in states(cells_of(points), random_mixture(4, 9), 60, covariance, rate)]
    assert elbos[-1] > elbos[0]
    assert (np.diff(elbos) > -1e-12 * abs(elbos[-1])).all()


@pytest.mark.parametrize("covariance", COVARIANCE_TYPES)
@pytest.mark.parametrize("accelerated", [True, False])
def test_the_elbo_never_falls_where_a_least_covariance_holds_components(
    covariance: CovarianceType, accelerated: bool
) -> None:
    cells = cells_of(sampled(random_mixture(3, seed=1), 300))
    least = np.array([[2.0, 0.3], [0.3, 0.8]])
    ascent = Ascent(covariance, "natural", 1.0, least, accelerated=accelerated)
    found = list(islice(climb(cells, random_mixture(3, 9), ascent), 40))
    elbos = [state.elbo for state in found]
    assert elbos[-1] > elbos[0]
    assert (np.diff(elbos) > -1e-12 * abs(elbos[-1])).all()
    last, structure = found[-1].mixture.covariances, STRUCTURES[covariance]
    if structure.survives == "one scale" and not structure.is_round:
        angles = structure.describe(last).angles
        over = measure_along(last, angles) - measure_along(ascent.least, angles)
    else:
        over = np.linalg.eigvalsh(last - ascent.least).astype(np.float64)
    assert (over > -1e-9).all()
    assert are_floored(found[-1].mixture.covariances, ascent.least).any()


@pytest.mark.parametrize("covariance", COVARIANCE_TYPES)
def test_whitening_changes_nothing_but_rounding(covariance: CovarianceType) -> None:
    cells = cells_of(sampled(random_mixture(3, seed=4), 300) * [1.0, 30.0] + [5.0, -700.0])
    means = cells.means[[3, 77, 200]]
    start = Mixture(np.full(3, 1 / 3), means, np.tile(np.diag([4.0, 4.0]), (3, 1, 1)))
    whitening = find_whitening(cells, covariance)
    raw = states(cells, start, 30, covariance)[-1]
    white = states(cells.whiten(whitening), whitening.whiten(start), 30, covariance)[-1]
    back = whitening.unwhiten(white.mixture)
    elbo = white.elbo + cells.n_points * whitening.log_volume
    assert elbo == pytest.approx(raw.elbo, rel=1e-11)
    np.testing.assert_allclose(back.means, raw.mixture.means, rtol=1e-6)
    np.testing.assert_allclose(back.covariances, raw.mixture.covariances, rtol=1e-5, atol=1e-6)


@settings(max_examples=10, deadline=None)
@given(
    scales=st.tuples(*2 * [st.sampled_from([1e-9, 0.3, 1.0, 1e9])]),
    angle=st.floats(0, 3),
    offset=st.sampled_from([0.0, 1e3]),
)
def test_an_affine_map_shifts_the_log_likelihood_by_its_jacobian(
    scales: tuple[float, float], angle: float, offset: float
) -> None:
    points = sampled(ARTICLE, 200)
    rotation = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    matrix = np.diag(scales) @ rotation
    moved = (points + offset) @ matrix.T
    plain = fit(cells_of(points), FitSettings(seed=3))
    mapped = fit(cells_of(moved), FitSettings(seed=3))
    jacobian = len(points) * np.linalg.slogdet(matrix).logabsdet
    # Two converged fits of one optimum differ by no more than each may have left to climb.
    assert mapped.elbo + jacobian == pytest.approx(plain.elbo, abs=2 * TOLERANCE)


@pytest.mark.parametrize("covariance", COVARIANCE_TYPES)
def test_components_keep_their_covariance_type(covariance: CovarianceType, article: Cells) -> None:
    for optimizer in ("natural", "adam"):
        result = fit(
            article,
            FitSettings(covariance=covariance, optimizer=optimizer, learning_rate=0.1, steps=20),
        )
        covariances = result.mixture.covariances
        off_diagonal = covariances[:, 0, 1]
        if covariance == "tied":
            np.testing.assert_allclose(covariances[0], covariances[1], rtol=1e-12)
        if covariance in ("diag", "spherical"):
            assert (off_diagonal == 0).all()
        if covariance == "spherical":
            np.testing.assert_allclose(covariances[:, 0, 0], covariances[:, 1, 1], rtol=1e-12)
        if covariance == "full":
            assert (off_diagonal != 0).all()


@pytest.mark.parametrize("covariance", COVARIANCE_TYPES)
def test_adam_reaches_the_optimum_of_natural_gradient(
    covariance: CovarianceType, article: Cells
) -> None:
    natural = fit(article, FitSettings(covariance=covariance))
    adam = fit(article, FitSettings(covariance=covariance, optimizer="adam", learning_rate=0.1))
    assert natural.status is adam.status is Status.CONVERGED
    assert adam.elbo == pytest.approx(natural.elbo, abs=2 * TOLERANCE)


def test_a_tight_component_far_off_the_others_keeps_its_digits() -> None:
    generator = np.random.default_rng(0)
    wide = generator.normal(0, 10, (300, 2))
    tight = generator.normal(0, 1e-3, (100, 2)) @ [[1, 1], [0, 0.1]] + [3, 4]
    points = np.concatenate([wide, tight])
    result = fit(cells_of(points), FitSettings(components=2))
    k = int(np.argmin(result.mixture.covariances[:, 0, 0]))
    assert result.elbo == pytest.approx(
        expected_log_likelihood(result.cells, result.mixture), rel=1e-9
    )
    # Its outermost points are shared with the wide component; rounding would show far above this.
    np.testing.assert_allclose(result.mixture.covariances[k], np.cov(tight.T, bias=True), rtol=1e-2)


def test_a_natural_gradient_step_on_cells_is_the_em_step_of_numpy() -> None:
    points = sampled(random_mixture(3, seed=1), 400)
    cells = cells_of(points).merge(np.arange(400) // 4)  # 100 of 4 points
    start = random_mixture(3, seed=2)
    masses = cells.counts * assign_cells(cells, start)
    totals, means, covariances = maximize(cells.means, masses, cells.covariances)
    _, after = states(cells, start, 2)
    np.testing.assert_allclose(after.mixture.weights, totals / cells.n_points, rtol=1e-10)
    np.testing.assert_allclose(after.mixture.means, means, rtol=1e-10, atol=1e-10)
    np.testing.assert_allclose(after.mixture.covariances, covariances, rtol=1e-9, atol=1e-10)
