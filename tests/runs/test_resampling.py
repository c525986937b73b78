"""A fit in resampled points."""

from dataclasses import replace

import numpy as np
import pytest
from builders import cells_of, choose, gaussian, sampled, spread_clusters

from gmmcli.core.assessment.resamples import Resampling
from gmmcli.core.runs.records import tabulate_bootstrap
from gmmcli.core.runs.resampling import resample, share_choices
from gmmcli.core.runs.result import describe
from gmmcli.core.search.choice import choose_mixture
from gmmcli.settings import Choice, FitSettings


def test_errors_are_those_of_the_resamples() -> None:
    cells = cells_of(sampled(spread_clusters(3), 400))
    outcome = choose_mixture(cells, FitSettings(3), Choice.hold(3))
    fit, numbers = describe(outcome), list[int]()
    found = resample(fit, outcome, 100, 0.9, numbers.append)
    assert numbers == list(range(1, 101))
    assert fit.errors is not None
    assert found.errors is not None
    assert found.errors.method == "bootstrap"
    assert (found.errors.level, found.errors.n_replicates) == (0.9, 100)
    # Of 100 replicates a standard deviation is known to 7 %, and three of these are 0.21.
    ratios = found.errors.standard_errors / fit.errors.standard_errors
    assert np.abs(np.log(ratios)).max() < 0.35
    assert found.bootstrap is not None
    table = tabulate_bootstrap(found.bootstrap)
    assert len(table) == 300
    means = table[table["is_kept"]].groupby("component")["mean_x"].mean()
    np.testing.assert_allclose(means, fit.mixture.means[:, 0], atol=0.1)
    again = resample(fit, outcome, 100, 0.9)
    assert again.errors is not None
    np.testing.assert_array_equal(again.errors.standard_errors, found.errors.standard_errors)


def test_a_fit_that_did_not_converge_is_left_as_it_is() -> None:
    cells = cells_of(sampled(spread_clusters(2), 100))
    outcome = choose_mixture(cells, FitSettings(2, steps=0), Choice.hold(2))
    fit = describe(outcome)
    assert resample(fit, outcome, 20, 0.95) is fit


@pytest.mark.parametrize(("distance", "least"), [(8.0, 0.95), (2.4, 0.3)])
def test_candidates_share_the_resamples(distance: float, least: float) -> None:
    """Clusters apart are two in nearly all of them; those that overlap may be one or two."""
    points = [gaussian(150, (0, 0), 1, 0), gaussian(150, (distance, 0), 1, 1)]
    cells = cells_of(np.concatenate(points))
    found = choose(cells, FitSettings(), Choice(1, 3, goes_on=False, background="off"))
    assert found.selection is not None
    shared = share_choices(found.selection, cells, Resampling(100, 0))
    shares = [each.share for each in shared.candidates if each.share is not None]
    assert sum(shares) == pytest.approx(1)
    assert shared.winner.share is not None
    assert shared.winner.share > least
    assert replace(shared.winner, share=None) == found.selection.winner


@pytest.mark.parametrize(("n_done", "method"), [(5, "sandwich"), (30, "bootstrap")])
def test_an_interrupt_keeps_what_is_done(n_done: int, method: str) -> None:
    """Those of 20 and more have errors; of fewer, those by the sandwich stay."""
    cells = cells_of(sampled(spread_clusters(2), 200))
    outcome = choose_mixture(cells, FitSettings(2), Choice.hold(2))
    numbers = list[int]()
    found = resample(
        describe(outcome), outcome, 100, 0.95, numbers.append, lambda: len(numbers) == n_done
    )
    assert numbers[-1] == n_done
    assert found.errors is not None
    assert found.errors.method == method
    assert (found.errors.n_replicates == n_done) is (method == "bootstrap")
