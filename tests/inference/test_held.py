"""Steps with a prior and with parameters that stay, against their closed forms."""

from dataclasses import replace
from itertools import islice, pairwise

import numpy as np
import pytest
import torch
from builders import cells_of, over_background, random_mixture, sampled

from gmmcli.core.cells.cells import Cells, assign_cells
from gmmcli.core.inference.ascent import Ascent
from gmmcli.core.inference.climb import climb
from gmmcli.core.inference.curvature import Memory
from gmmcli.core.inference.held import Held
from gmmcli.core.inference.model import Components
from gmmcli.core.mixture.densities import maximize
from gmmcli.core.mixture.knowledge import NOTHING_KNOWN, Fixed, Knowledge, Prior
from gmmcli.core.mixture.mixture import Mixture
from gmmcli.core.mixture.structures import STRUCTURES, constrain
from gmmcli.settings import COVARIANCE_TYPES, CovarianceType, OptimizerName

LEAST = 1e-10 * np.eye(2)
PRIOR = Prior(
    np.array([12.0, 0.0, 7.0]),
    np.array([[1.0, 4.0], [0.0, 0.0], [4.0, 1.0]]),
    np.array([[[1, 0.2], [0.2, 2]], [[1, 0], [0, 1]], [[3, 0], [0, 0.5]]]),
)
OWN_SHAPES: list[CovarianceType] = ["full", "diag", "spherical"]


def problem(covariance: CovarianceType, *, n_points: int = 300) -> tuple[Cells, Mixture]:
    """Cells with spreads, and a start of a type with a background."""
    mixture = random_mixture(3, seed=1)
    points = sampled(mixture, n_points)
    roots = np.random.default_rng(0).normal(0, 0.3, (n_points, 2, 2))
    cells = Cells(np.ones(n_points), points, roots @ roots.swapaxes(1, 2))
    start = over_background(replace(mixture, means=mixture.means + 0.5), 0.1, points)
    made = constrain(start.covariances, start.weights, covariance, least=LEAST)
    return cells, replace(start, covariances=made)


def fix(start: Mixture, covariance: CovarianceType) -> Fixed:
    """A weight, two means and, where the type lets it be, a covariance of a start."""
    names = [["mean"], ["weight", "mean"], []]
    if not STRUCTURES[covariance].n_shared:
        names[2] = ["covariance"]
    return Fixed.from_json(names, start)


def take_step(
    cells: Cells, start: Mixture, covariance: CovarianceType, known: Knowledge
) -> Mixture:
    """The mixture after an EM step by its formulas, in NumPy."""
    assert start.background is not None
    shares = assign_cells(cells, start)
    stray = float(cells.counts @ (1 - shares.sum(axis=0)))
    if (prior := known.prior) is not None:  # points whose components are known
        cells = cells.join(Cells(prior.counts, prior.means, prior.covariances))
        shares = np.hstack([shares, np.eye(3)])
    totals, means, free = maximize(cells.means, cells.counts * shares, cells.covariances)
    weights = np.append(totals, stray) / cells.n_points
    if (fixed := known.fixed) is not None:
        away = np.where(fixed.means[:, None], means - start.means, 0.0)
        free = free + away[:, :, None] * away[:, None, :]
        means = means - away
        stay = fixed.weights.nonzero()[0]
        left = 1 - start.weights[stay].sum()
        weights[stay] = 0.0
        weights *= left / weights.sum()
        weights[stay] = start.weights[stay]
    made = constrain(free, totals, covariance, least=LEAST)
    if fixed is not None:
        made = np.where(fixed.covariances[:, None, None], start.covariances, made)
    return Mixture(weights[:3], means, made, start.background.reweigh(weights[3]))


@pytest.mark.parametrize("knows", ["prior", "fixed", "both"])
@pytest.mark.parametrize("covariance", COVARIANCE_TYPES)
def test_steps_are_those_of_the_formulas_and_never_lead_down(
    covariance: CovarianceType, knows: str
) -> None:
    cells, start = problem(covariance)
    known = Knowledge(
        PRIOR if knows != "fixed" else None,
        fix(start, covariance) if knows != "prior" else None,
    )
    ascent = Ascent(covariance, "natural", 1.0, LEAST, accelerated=False, known=known)
    states = list(islice(climb(cells, start, ascent), 12))
    for before, after in pairwise(states):
        expected = take_step(cells, before.mixture, covariance, known)
        assert expected.background is not None
        assert after.mixture.background is not None
        strays = after.mixture.background.weight, expected.background.weight
        assert strays[0] == pytest.approx(strays[1], abs=1e-10)
        for name in ("weights", "means", "covariances"):
            found, own = getattr(after.mixture, name), getattr(expected, name)
            np.testing.assert_allclose(found, own, rtol=1e-10, atol=1e-10)
        assert after.log_posterior >= before.log_posterior - 1e-10
    if known.fixed is not None:
        mixture = states[-1].mixture
        kept = known.fixed.restore(mixture.weights, mixture.means, mixture.covariances)
        for name, values in zip(("weights", "means", "covariances"), kept, strict=True):
            np.testing.assert_allclose(getattr(mixture, name), values, rtol=1e-14, atol=1e-14)


@pytest.mark.parametrize(
    ("optimizer", "rate", "n_steps", "left"),
    [("natural", 1.0, 30, 1e-8), ("natural", 0.5, 150, 0.05), ("adam", 0.1, 300, 1e-2)],
)
def test_all_optimizers_come_to_the_same_optimum(
    optimizer: OptimizerName, rate: float, n_steps: int, left: float
) -> None:
    """But for what slow steps leave, in nats, and with what is fixed as it was."""
    cells, start = problem("full", n_points=100)
    known = Knowledge(PRIOR, fix(start, "full"))
    ascent = Ascent("full", optimizer, rate, LEAST, known=known)
    *_, best = islice(climb(cells, start, ascent.accelerate(), Memory()), 30)
    *_, last = islice(climb(cells, start, ascent), n_steps)
    assert best.log_posterior - left < last.log_posterior < best.log_posterior + 1e-8
    np.testing.assert_allclose(last.mixture.covariances[2], start.covariances[2], rtol=1e-12)
    np.testing.assert_allclose(last.mixture.weights[1], start.weights[1], rtol=1e-12)
    np.testing.assert_allclose(last.mixture.means[:2], start.means[:2], rtol=1e-12)


@pytest.mark.parametrize("covariance", OWN_SHAPES)
def test_newtons_steps_find_the_optimum_of_fixed_parameters(covariance: CovarianceType) -> None:
    """The ELBO ends where no step changes it, in fewer of them than EM takes."""
    cells, start = problem(covariance)
    known = Knowledge(PRIOR, fix(start, covariance))
    ascent = Ascent(covariance, "natural", 1.0, LEAST, known=known)
    states = list(islice(climb(cells, start, ascent, Memory()), 30))
    (again, after) = islice(climb(cells, states[-1].mixture, ascent.take_full_steps()), 2)
    assert after.log_posterior - again.log_posterior < 1e-9
    highest = max(state.log_posterior for state in states)
    assert states[-1].log_posterior == pytest.approx(highest, abs=1e-9)


def test_a_prior_of_no_points_changes_nothing() -> None:
    cells, start = problem("full")
    none = Knowledge(Prior(np.zeros(3), PRIOR.means, PRIOR.covariances))
    ways = [
        list(islice(climb(cells, start, Ascent("full", "natural", 1.0, LEAST, known=known)), 20))
        for known in (NOTHING_KNOWN, none)
    ]
    for plain, other in zip(*ways, strict=True):
        assert other.elbo == plain.elbo
        np.testing.assert_array_equal(other.mixture.means, plain.mixture.means)


def test_a_huge_prior_is_the_mixture() -> None:
    cells, start = problem("full")
    known = Knowledge(Prior(1e12 * np.array([0.2, 0.5, 0.3]), PRIOR.means, PRIOR.covariances))
    *_, last = islice(climb(cells, start, Ascent("full", "natural", 1.0, LEAST, known=known)), 20)
    np.testing.assert_allclose(last.mixture.weights, [0.2, 0.5, 0.3], atol=1e-8)
    np.testing.assert_allclose(last.mixture.means, PRIOR.means, atol=1e-8)
    np.testing.assert_allclose(last.mixture.covariances, PRIOR.covariances, atol=1e-8)


def test_the_elbo_that_is_told_is_that_of_the_points_alone() -> None:
    mixture = random_mixture(3, seed=3)
    cells = cells_of(sampled(mixture, 200))
    (plain,), (told,) = (
        islice(climb(cells, mixture, Ascent("full", "natural", 1.0, LEAST, known=known)), 1)
        for known in (NOTHING_KNOWN, Knowledge(PRIOR))
    )
    assert told.elbo == pytest.approx(plain.elbo, rel=1e-12)
    assert told.log_prior == pytest.approx(PRIOR.evaluate(mixture), rel=1e-12)


def test_weights_that_are_free_share_what_is_left() -> None:
    _, start = problem("full")
    held = Held.of(Knowledge(fixed=Fixed.from_json([[], ["weight"], []], start)))
    assert held is not None
    assert Held.of(NOTHING_KNOWN) is None
    here = Components.of(start)
    moved = here._replace(weights=torch.tensor([0.1, 0.7, 0.1, 0.1], dtype=torch.float64))
    found = held.restore(moved).weights.numpy()
    assert found[1] == start.weights[1]
    assert found.sum() == pytest.approx(1, abs=1e-15)
    np.testing.assert_allclose(found[[0, 2, 3]], found[0])


def test_gradients_have_no_part_along_what_stays() -> None:
    _, start = problem("full")
    fixed = Fixed.from_json([["mean"], ["weight"], ["covariance"]], start)
    held = Held.of(Knowledge(fixed=fixed))
    assert held is not None
    random = torch.Generator().manual_seed(0)
    gradient, roots = torch.rand(4, 6, generator=random), torch.rand(4, 1, generator=random) + 1
    found = held.project(gradient.double(), roots.double()).numpy()
    assert found[1, 0] == 0
    assert not found[0, 1:3].any()
    assert not found[2, 3:].any()
    np.testing.assert_array_equal(found[1, 1:], gradient[1, 1:].double().numpy())
    assert found[[0, 2, 3], 0] @ roots[[0, 2, 3], 0].double().numpy() == pytest.approx(0, abs=1e-7)
