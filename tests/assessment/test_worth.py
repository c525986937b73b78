"""What a fit is worth as a prior: never surer than it was, and all it had where it was sure."""

import numpy as np
import pytest
from builders import cells_of, mixture_of, sampled

from gmmcli.core.assessment.errors import estimate_errors
from gmmcli.core.assessment.worth import count_labelled
from gmmcli.core.cells.information import observe_information
from gmmcli.core.mixture.knowledge import Knowledge, Prior
from gmmcli.core.mixture.mixture import Mixture
from gmmcli.core.search.fit import fit_from
from gmmcli.settings import CovarianceType, FitSettings


def pair(distance: float) -> Mixture:
    """Two round components so many standard deviations apart."""
    return mixture_of([0.4, 0.6], [[0, 0], [distance, 0]], [np.eye(2)] * 2)


@pytest.mark.parametrize("covariance", ["full", "tied", "spherical"])
def test_components_apart_are_worth_their_points(covariance: CovarianceType) -> None:
    truth = pair(20)
    cells = cells_of(sampled(truth, 500))
    mixture = fit_from(cells, FitSettings(2, covariance), truth).mixture
    found = count_labelled(cells, mixture, covariance)
    np.testing.assert_allclose(found, 500 * mixture.weights, rtol=1e-6)


def test_the_more_components_overlap_the_less_they_are_worth() -> None:
    totals = []
    for distance in (8, 4, 3, 2.5):
        truth = pair(distance)
        cells = cells_of(sampled(truth, 1000))
        mixture = fit_from(cells, FitSettings(2), truth).mixture
        totals.append(count_labelled(cells, mixture).sum())
    assert (np.diff(totals) < 0).all()
    assert totals[0] > 950
    assert totals[-1] < 200


def test_no_combination_of_parameters_is_surer_than_in_the_fit() -> None:
    truth = pair(3)
    cells = cells_of(sampled(truth, 1000))
    mixture = fit_from(cells, FitSettings(2), truth).mixture
    counts = count_labelled(cells, mixture)
    spread = observe_information(cells, mixture).inverse.reshape(2, 6, 2, 6)
    for k, count in enumerate(counts):
        of_prior = 1000 * mixture.weights[k] / count * np.eye(6)
        lengths = np.linalg.eigvalsh(of_prior - spread[k, :, k])
        assert lengths[0] == pytest.approx(0, abs=1e-6)


def test_a_fit_with_a_prior_is_worth_both() -> None:
    truth = pair(20)
    cells = cells_of(sampled(truth, 300))
    known = Knowledge(Prior.of(truth, 200))
    mixture = fit_from(cells, FitSettings(2), truth, known).mixture
    assert count_labelled(cells, mixture, known=known).sum() == pytest.approx(500, rel=1e-6)


@pytest.mark.slow
@pytest.mark.parametrize(("distance", "fewest"), [(4.0, 0.93), (2.5, 0.87)])
def test_errors_hold_where_one_run_is_the_prior_of_the_next(distance: float, fewest: float) -> None:
    """95 % intervals of 100 samples; of twelve figures each, so the standard error is about 1 %."""
    truth, settings, covered = pair(distance), FitSettings(2), []
    for seed in range(100):
        first, second = (cells_of(sampled(truth, 400, seed=2 * seed + i)) for i in (0, 1))
        before = fit_from(first, settings, truth).mixture
        counts = count_labelled(first, before)
        known = Knowledge(Prior(counts, before.means, before.covariances))
        after = fit_from(second, settings, before, known).mixture
        ends = estimate_errors(second, after, known=known).intervals
        figures = np.column_stack(
            [truth.weights, truth.means, truth.standard_deviations, truth.correlations]
        )
        covered.append((ends[..., 0] <= figures) & (figures <= ends[..., 1]))
    assert fewest < np.mean(covered) < 0.985
