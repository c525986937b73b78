"""How often rivals are chosen, against closed forms."""

import numpy as np
import pytest
from builders import cells_of, fit, mixture_of, over_background, sampled
from scipy import stats

from gmmcli.core.assessment.choices import Choices, Rival, count_choices
from gmmcli.core.assessment.resamples import Resampling
from gmmcli.core.mixture.sampling import ARTICLE
from gmmcli.core.search.criteria import criteria
from gmmcli.settings import FitSettings


def test_shares_are_those_of_the_normal_distribution() -> None:
    """The difference of two sums over many points is normal, its variance that of its terms."""
    random = np.random.default_rng(0)
    counts = random.integers(1, 9, 3000).astype(float)
    losses = random.normal(size=(2, 3000))
    difference = losses[0] - losses[1]
    centred = difference - counts @ difference / counts.sum()
    sd = np.sqrt(counts @ centred**2)
    rivals = [Rival(100.0, losses[0]), Rival(100.0 + 0.7 * sd, losses[1])]
    n_replicates = 2000
    found = count_choices(counts, rivals, Resampling(n_replicates))
    expected = stats.norm.cdf(0.7)
    # Four standard errors of a share.
    error = np.sqrt(expected * (1 - expected) / n_replicates)
    assert abs(found.shares[0] - expected) < 4 * error
    assert found.shares.sum() == pytest.approx(1)


def test_values_spread_about_those_of_the_fit() -> None:
    cells = cells_of(sampled(ARTICLE, 400))
    mixtures = [fit(cells, FitSettings(k)).mixture for k in (2, 1)]
    rivals = []
    for mixture in mixtures:
        likelihood = mixture.log_densities(cells.means).sum()
        rivals.append(Rival.of(cells, mixture, criteria(cells, mixture, likelihood, "full").bic))
    found = count_choices(cells.counts, rivals, Resampling(400))
    np.testing.assert_array_equal(found.shares, [1, 0])
    errors = found.values.std(axis=0) / np.sqrt(400)
    means = np.array([rival.value for rival in rivals])
    np.testing.assert_array_less(np.abs(found.values.mean(axis=0) - means), 4 * errors)


@pytest.mark.parametrize("name", ["bic", "icl"])
def test_losses_are_what_a_criterion_changes_by(name: str) -> None:
    points = sampled(ARTICLE, 300)
    mixture = over_background(ARTICLE, 0.05, points)
    counts = np.random.default_rng(0).exponential(size=300)
    counts *= 300 / counts.sum()
    values = []
    for cells in (cells_of(points), cells_of(points, counts)):
        likelihood = float(cells.counts @ mixture.log_densities(points))
        found = criteria(cells, mixture, likelihood, "full", worth=0.5)
        values.append(getattr(found, name))
    rival = Rival.of(cells_of(points), mixture, 0.0, worth=0.5, weighs_doubt=name == "icl")
    assert rival.losses @ (counts - 1) == pytest.approx(values[1] - values[0], rel=1e-9)


def test_the_lowest_value_is_the_best() -> None:
    values = np.array([[1.0, 2.0, 3.0], [5.0, 2.0, 3.0], [5.0, 4.0, 3.0], [1.0, 9.0, 9.0]])
    np.testing.assert_array_equal(Choices(values).shares, [0.5, 0.25, 0.25])


def test_cells_with_a_spread_lose_their_mean() -> None:
    points = sampled(ARTICLE, 2000)
    one = mixture_of([1.0], [points.mean(axis=0)], [np.cov(points.T)])
    rows = cells_of(points)
    groups = np.random.default_rng(0).integers(0, 40, 2000)
    cells = rows.merge(groups)
    fine, coarse = (Rival.of(each, one, 0.0).losses for each in (rows, cells))
    np.testing.assert_allclose(cells.counts * coarse, np.bincount(groups, fine), rtol=1e-9)
