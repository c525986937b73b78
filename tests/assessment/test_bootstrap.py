"""The bootstrap against the sandwich where both hold, and what sets it apart."""

from typing import get_args

import numpy as np
import pytest
from builders import cells_of, fit, gaussian, mixture_of, over_background, sampled
from scipy import stats

from gmmcli.core.assessment.anchor import FEWEST_CELLS, find_anchor
from gmmcli.core.assessment.bootstrap import Bootstrap, bootstrap
from gmmcli.core.assessment.errors import Errors, estimate_errors
from gmmcli.core.assessment.optimum import climb
from gmmcli.core.assessment.resamples import Resampling
from gmmcli.core.assessment.scales import measure_figures, to_scales
from gmmcli.core.cells.cells import Cells
from gmmcli.core.mixture.covariances import FloatArray
from gmmcli.core.mixture.mixture import Mixture
from gmmcli.settings import CovarianceType, FitSettings

APART = mixture_of([0.4, 0.6], [[0, 0], [9, 1]], [np.eye(2), [[2.0, 0.6], [0.6, 1.0]]])
NEAR = mixture_of([0.4, 0.6], [[0, 0], [2.5, 0]], [np.eye(2), np.eye(2)])


def optimum_of(cells: Cells, start: Mixture, covariance: CovarianceType = "full") -> Mixture:
    """The fit of a mixture to cells, in data units."""
    return fit(cells, FitSettings(start.n_components, covariance), start=start).mixture


def resample(
    cells: Cells, mixture: Mixture, n_replicates: int, seed: int = 0
) -> tuple[Bootstrap, Errors]:
    """The bootstrap of a mixture, and its errors by the sandwich."""
    found = bootstrap(cells, mixture, resampling=Resampling(n_replicates, seed))
    return found, estimate_errors(cells, mixture)


def are_alike(one: FloatArray, other: FloatArray, n_replicates: int) -> bool:
    """Whether errors of replicates are those of the sandwich, as near as replicates tell.

    The standard error of the logarithm of a standard deviation is 1 / sqrt(2 R): 4 of these for a
    figure, and that of all in the mean, which are half a dozen that vary on their own.
    """
    logs, precision = np.log(one / other), 1 / np.sqrt(2 * n_replicates)
    return bool(
        np.abs(logs).max() < 4 * precision and abs(logs.mean()) < 4 * precision / np.sqrt(6)
    )


def test_components_apart_have_the_errors_of_the_sandwich() -> None:
    cells = cells_of(sampled(APART, 1000))
    found, errors = resample(cells, optimum_of(cells, APART), 200)
    assert found.are_kept.all()
    assert are_alike(found.errors.standard_errors, errors.standard_errors, 200)
    assert are_alike(found.errors.axes, errors.axes, 200)
    assert found.errors.method == "bootstrap"
    np.testing.assert_array_equal(found.errors.model_standard_errors, errors.model_standard_errors)
    assert found.errors.least_information == errors.least_information


def test_heavy_tails_have_the_errors_of_the_sandwich() -> None:
    random = np.random.default_rng(0)
    tails = np.sqrt(6 / random.chisquare(8, (1500, 1)))
    cells = cells_of(random.normal(size=(1500, 2)) * tails)
    mixture = fit(cells, FitSettings(1)).mixture
    found, errors = resample(cells, mixture, 200)
    assert np.isnan(found.errors.standard_errors[0, 0])  # the weight is 1
    np.testing.assert_array_equal(found.figures[:, 0, 0], 1)
    known = found.errors.standard_errors[:, 1:], errors.standard_errors[:, 1:]
    assert are_alike(*known, 200)
    of_deviations = slice(3, 5)
    model = found.errors.model_standard_errors[0, of_deviations]
    assert (found.errors.standard_errors[0, of_deviations] > 1.05 * model).all()


def test_components_that_overlap_are_less_sure_than_the_sandwich_has_it() -> None:
    cells = cells_of(sampled(NEAR, 300, seed=1))
    found, errors = resample(cells, optimum_of(cells, NEAR), 100)
    assert errors.least_information < 0.1
    ratios = found.errors.standard_errors / errors.standard_errors
    assert np.median(ratios) > 1.1
    # Warm starts keep the numbers of components, though these overlap.
    lefts, rights = found.figures[:, :, 1].T
    assert (lefts < rights).mean() > 0.98


@pytest.mark.parametrize("n_cuts", [40, 80])
def test_cells_have_the_errors_of_their_rows(n_cuts: int) -> None:
    """Had cells of n rows weights of n exponentials, errors would be several times too wide."""
    points = sampled(APART, 30_000)
    rows = cells_of(points)
    lowest, widths = points.min(axis=0), np.ptp(points, axis=0)
    columns = np.floor((points - lowest) / widths * n_cuts).astype(int)
    cells = rows.merge(columns @ np.array([1000, 1]))
    mixture = optimum_of(rows, APART)
    found, errors = resample(cells, mixture, 100)
    assert are_alike(found.errors.standard_errors, errors.standard_errors, 100)
    by_rows = estimate_errors(rows, mixture)
    assert are_alike(found.errors.standard_errors, by_rows.standard_errors, 100)


def test_many_cells_are_climbed_on_as_few_as_have_their_errors() -> None:
    cells = cells_of(sampled(NEAR, 40_000))
    mixture = optimum_of(cells, NEAR)
    anchor, errors = find_anchor(cells, mixture, "full", None, Resampling(200))
    assert anchor.points.cells.n_cells <= 4 * 3 * FEWEST_CELLS
    own = estimate_errors(anchor.points.cells, anchor.mixture)
    precision = 1 / np.sqrt(2 * 200)
    assert np.abs(np.log(anchor.calibration)).max() < precision
    assert (anchor.calibration != 1).all()
    # Weights, means and deviations hardly move, so that errors have the same ratios as on scales.
    ratios = errors.standard_errors / own.standard_errors
    np.testing.assert_allclose(anchor.calibration, ratios, rtol=0.02)
    with_more, _ = find_anchor(cells, mixture, "full", None, Resampling(20_000))
    assert with_more.points.cells.n_cells > anchor.points.cells.n_cells


def test_replicates_are_spread_about_the_fit() -> None:
    """Though merged cells have an optimum of their own, some standard errors away."""
    cells = cells_of(sampled(NEAR, 40_000))
    mixture = optimum_of(cells, NEAR)
    found, errors = resample(cells, mixture, 100)
    offsets = (found.figures.mean(axis=0) - measure_figures(mixture)) / errors.standard_errors
    assert np.abs(offsets).max() < 5 / np.sqrt(100)


@pytest.mark.parametrize("covariance", get_args(CovarianceType))
def test_replicates_keep_to_the_covariance_type(covariance: CovarianceType) -> None:
    cells = cells_of(sampled(APART, 250))
    mixture = optimum_of(cells, APART, covariance)
    found = bootstrap(cells, mixture, covariance, resampling=Resampling(5))
    assert found.are_kept.all()
    sd_x, sd_y, correlation = np.moveaxis(found.figures[..., 3:], -1, 0)  # (R, K) each
    areas = sd_x * sd_y * np.sqrt(1 - correlation**2)
    if covariance in ("tied", "EII", "EEI", "EVI", "EEV", "EVE", "EVV"):
        np.testing.assert_allclose(areas[:, 0], areas[:, 1], rtol=1e-6)
    if covariance in ("spherical", "EII"):
        np.testing.assert_allclose(sd_x, sd_y, rtol=1e-9)
    if covariance in ("diag", "spherical") or covariance.endswith("I"):
        np.testing.assert_allclose(correlation, 0, atol=1e-12)
    assert np.isfinite(found.errors.standard_errors[:, :3]).all()


def test_a_replicate_is_the_fit_to_its_weights() -> None:
    cells = cells_of(sampled(NEAR, 500))
    mixture = optimum_of(cells, NEAR)
    resampling = Resampling(3, seed=4)
    found = bootstrap(cells, mixture, resampling=resampling)
    anchor, _ = find_anchor(cells, mixture, "full", None, resampling)
    for figures, counts in zip(found.figures, anchor.points.draw(resampling), strict=True):
        fitted = optimum_of(Cells(counts, cells.means, cells.covariances), mixture)
        apart = to_scales(figures) - to_scales(measure_figures(fitted))
        errors = found.errors.standard_errors
        assert np.abs(apart[:, 1:3] / errors[:, 1:3]).max() < 0.05


def test_a_seed_gives_the_same_replicates() -> None:
    cells = cells_of(sampled(APART, 200))
    mixture = optimum_of(cells, APART)
    told = list[int]()
    one, same, more, other = (
        bootstrap(cells, mixture, resampling=each).figures
        for each in (
            Resampling(4, 7),
            Resampling(4, 7, watch=told.append),
            Resampling(6, 7),
            Resampling(4, 8),
        )
    )
    np.testing.assert_array_equal(one, same)
    np.testing.assert_array_equal(one, more[:4])
    assert (one != other).all()
    assert told == [1, 2, 3, 4]


def test_weights_of_rows_in_another_unit_change_nothing() -> None:
    points = sampled(APART, 300)
    rows, heavy = cells_of(points), cells_of(points, np.full(300, 2.5))
    mixture = optimum_of(rows, APART)
    plain = bootstrap(rows, mixture, resampling=Resampling(5))
    squares = np.full(300, 2.5**2)
    for of_heavy in (Resampling(5, squares=squares), Resampling(5, worth=1 / 2.5)):
        weighted = bootstrap(heavy, mixture, resampling=of_heavy)
        np.testing.assert_allclose(weighted.figures, plain.figures, rtol=1e-5, atol=1e-6)
        np.testing.assert_allclose(
            weighted.errors.standard_errors, plain.errors.standard_errors, rtol=1e-4
        )


def test_a_component_that_lies_along_y_has_an_angle_whose_error_is_small() -> None:
    """Though 89 degrees and -89 are far apart as numbers."""
    truth = mixture_of([0.5, 0.5], [[0, 0], [9, 0]], [np.diag([0.2, 2.0]), np.diag([2.0, 0.2])])
    cells = cells_of(sampled(truth, 400))
    found, errors = resample(cells, optimum_of(cells, truth), 100)
    assert are_alike(found.errors.axes, errors.axes, 100)
    assert (found.errors.axes[:, 2] < 5).all()


def test_intervals_are_those_of_student() -> None:
    cells = cells_of(sampled(APART, 200))
    mixture = optimum_of(cells, APART)
    resampling = Resampling(20)
    for level in (0.5, 0.95):
        errors = bootstrap(cells, mixture, resampling=resampling, level=level).errors
        assert errors.level == level
        reach = stats.t.ppf((1 + level) / 2, mixture.weights * 200 - 3)
        low, high = errors.intervals[:, 1].T
        np.testing.assert_allclose((high + low) / 2, mixture.means[:, 0], rtol=1e-9)
        np.testing.assert_allclose((high - low) / 2, reach * errors.standard_errors[:, 1])


def test_the_weight_of_a_background_has_the_error_of_the_sandwich() -> None:
    points = np.concatenate([gaussian(500, (0, 0), 1, 0), gaussian(60, (0, 0), 30, 1)])
    cells = cells_of(points)
    start = over_background(mixture_of([1.0], [[0, 0]], [np.eye(2)]), 0.1, points)
    found, errors = resample(cells, optimum_of(cells, start), 200)
    assert found.backgrounds is not None
    assert found.errors.background is not None
    assert errors.background is not None
    precision = 1 / np.sqrt(2 * 200)
    assert abs(np.log(found.errors.background / errors.background)) < 4 * precision
    assert found.errors.background == pytest.approx(found.backgrounds.std(ddof=1))


def test_replicates_that_lose_a_component_are_told_and_left_out() -> None:
    """Eight points at the edge of three hundred are a component in some samples and not in all."""
    points = np.concatenate([gaussian(300, (0, 0), 1, 0), gaussian(8, (2.6, 2.6), 0.4, 1)])
    cells = cells_of(points)
    start = mixture_of([0.97, 0.03], [[0, 0], [2.6, 2.6]], [np.eye(2), 0.16 * np.eye(2)])
    found, _ = resample(cells, optimum_of(cells, start), 60)
    assert found.are_lost.any()
    assert found.are_kept.any()
    kept = found.figures[found.are_kept]
    np.testing.assert_allclose(
        found.errors.standard_errors[0, 1], kept[:, 0, 1].std(ddof=1), rtol=1e-6
    )
    assert (kept[..., 0] * 308 > 3).all()


def test_points_whose_errors_no_one_knows_have_none() -> None:
    points = np.concatenate([gaussian(100, (0, 0), 1, 0), gaussian(6, (9, 9), 1, 1)])
    cells = cells_of(points)
    found, _ = resample(cells, fit(cells, FitSettings(2)).mixture, 10)
    assert np.isfinite(found.errors.standard_errors[0]).all()
    assert np.isnan(found.errors.standard_errors[1, 1:]).all()
    assert np.isnan(found.errors.intervals[1, 1:]).all()
    alone, _ = resample(cells_of(sampled(APART, 100)), APART, 1)
    assert np.isnan(alone.errors.standard_errors).all()


def test_an_anchor_climbs_from_its_top() -> None:
    cells = cells_of(sampled(APART, 200))
    mixture = optimum_of(cells, APART)
    anchor, _ = find_anchor(cells, mixture, "full", None, Resampling(1))
    again = anchor.climb(cells.counts)
    top = anchor.top.place
    assert again.place.log_likelihood == pytest.approx(top.log_likelihood, abs=1e-6)
    assert climb(anchor.likelihood, top.mixture).has_settled
    np.testing.assert_allclose(
        measure_figures(anchor.mixture), measure_figures(mixture), rtol=1e-3, atol=1e-3
    )
