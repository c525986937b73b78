"""Two runs compared."""

import json
from dataclasses import replace

import numpy as np
import pytest
from builders import cells_of, fit, gaussian, sampled, spread_clusters
from scipy import stats

from gmmcli.core.mixture.covariances import FloatArray
from gmmcli.core.mixture.knowledge import Knowledge, Prior
from gmmcli.core.runs.asked import Asked
from gmmcli.core.runs.comparison import compare_runs
from gmmcli.core.runs.directory import RunRecord
from gmmcli.core.runs.result import Provenance
from gmmcli.errors import RunError
from gmmcli.settings import FitSettings


def run_of(
    points: FloatArray, n_components: int, columns: tuple[str, str] = ("x", "y")
) -> RunRecord:
    """The run of a fit to points."""
    found = fit(cells_of(points), FitSettings(n_components))
    return RunRecord.of(found, Provenance(columns, "points", len(points), 0, Asked()))


def test_a_run_does_not_differ_from_itself() -> None:
    run = run_of(sampled(spread_clusters(3), 300), 3)
    found = compare_runs(run, run)
    np.testing.assert_array_equal(found.pairs, np.repeat(np.arange(3)[:, None], 2, axis=1))
    np.testing.assert_array_equal(found.differences, 0)
    assert found.alone == ((), ())
    assert found.are_of_one_source
    assert found.likelihood_ratio is not None
    assert found.likelihood_ratio.statistic == pytest.approx(0, abs=1e-3)
    assert found.likelihood_ratio.degrees == 17
    assert found.likelihood_ratio.p_value == pytest.approx(1)


def test_two_means_are_compared_as_textbooks_do() -> None:
    """One component each: a difference of means by its standard error, and Wilks's test."""
    points = [gaussian(400, (0, 0), 1, 0), gaussian(300, (0.5, 0), 1, 1)]
    runs = [run_of(each, 1) for each in points]
    found = compare_runs(*runs)
    squares = sum(each[:, 0].var() / (len(each) - 6) for each in points)
    expected = (points[1][:, 0].mean() - points[0][:, 0].mean()) / np.sqrt(squares)
    assert found.z_scores[0, 1] == pytest.approx(expected, rel=1e-6)
    assert np.isnan(found.z_scores[0, 0])  # weights of 1
    together = np.concatenate(points)
    logs = [np.linalg.slogdet(np.cov(each.T, bias=True)).logabsdet for each in (*points, together)]
    expected = 700 * logs[2] - 400 * logs[0] - 300 * logs[1]
    ratio = found.likelihood_ratio
    assert ratio is not None
    assert ratio.statistic == pytest.approx(expected, rel=1e-4)
    assert ratio.p_value == pytest.approx(stats.chi2.sf(expected, 5), rel=1e-2)


def test_the_other_way_round_has_the_other_signs() -> None:
    one = run_of(sampled(spread_clusters(3), 300, seed=0), 3)
    two = run_of(sampled(spread_clusters(3), 400, seed=1), 3)
    there, back = compare_runs(one, two), compare_runs(two, one)
    order = np.argsort(back.pairs[:, 1])
    np.testing.assert_array_equal(back.pairs[order][:, ::-1], there.pairs)
    np.testing.assert_allclose(there.z_scores, -back.z_scores[order])
    assert there.likelihood_ratio is not None
    assert back.likelihood_ratio is not None
    assert there.likelihood_ratio.p_value == pytest.approx(back.likelihood_ratio.p_value, rel=1e-2)
    assert json.loads(json.dumps(there.to_json()))["alone"] == [[], []]


def test_components_without_a_partner_are_told() -> None:
    points = sampled(spread_clusters(3), 300)
    found = compare_runs(run_of(points, 3), run_of(points, 2))
    assert len(found.pairs) == 2
    assert [len(numbers) for numbers in found.alone] == [1, 0]
    assert found.likelihood_ratio is None
    assert found.to_json()["likelihood_ratio"] is None


def test_a_test_in_doubt_is_told() -> None:
    random = np.random.default_rng(0)
    skewed = [random.lognormal(size=(300, 2)) for _ in range(2)]
    plain = [gaussian(300, (0, 0), 1, seed) for seed in (0, 1)]
    for points, is_doubtful in ((skewed, True), (plain, False)):
        ratio = compare_runs(*(run_of(each, 1) for each in points)).likelihood_ratio
        assert ratio is not None
        assert ratio.is_doubtful is is_doubtful


def test_runs_that_cannot_be_compared_are_refused() -> None:
    run = run_of(sampled(spread_clusters(2), 100), 2)
    with pytest.raises(RunError, match="the runs are of different coordinates"):
        compare_runs(run, run_of(sampled(spread_clusters(2), 100), 2, ("x", "z")))
    with pytest.raises(RunError, match="has no standard errors, as it did not converge"):
        compare_runs(run, replace(run, diagnostics=None))


def test_figures_without_errors_have_no_scores() -> None:
    points = np.concatenate([gaussian(100, (0, 0), 1, 0), gaussian(5, (9, 9), 1, 1)])
    run = run_of(points, 2)
    found = compare_runs(run, run)
    assert np.isnan(found.z_scores[1, 1:]).all()


def test_copies_are_no_evidence() -> None:
    """Every row written four times has the scores and the p-value of one each."""
    points = [sampled(spread_clusters(2), 200, seed=seed) for seed in (0, 1)]
    once = compare_runs(*(run_of(each, 2) for each in points))
    copied = compare_runs(*(run_of(np.repeat(each, 4, axis=0), 2) for each in points))
    np.testing.assert_allclose(copied.z_scores, once.z_scores, atol=1e-3)
    assert once.likelihood_ratio is not None
    assert copied.likelihood_ratio is not None
    assert copied.likelihood_ratio.p_value == pytest.approx(once.likelihood_ratio.p_value, rel=0.01)


def test_there_is_no_test_of_what_was_known_before() -> None:
    run = run_of(sampled(spread_clusters(2), 200), 2)
    known = Knowledge(Prior.of(run.mixture, 10))
    assert compare_runs(run, replace(run, known=known)).likelihood_ratio is None
