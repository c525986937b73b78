"""Steps that learn: what becomes of one that leads down, and where a background leads them."""

from itertools import islice

import numpy as np
import pytest
import torch
from builders import cells_of, over_background, random_mixture, sampled
from torch import Tensor

from gmmcli.core.inference.ascent import Ascent
from gmmcli.core.inference.climb import climb
from gmmcli.core.inference.curvature import Memory
from gmmcli.core.inference.model import MixtureModel
from gmmcli.core.inference.quasi_newton import QuasiNewton, Trial
from gmmcli.core.mixture.covariances import are_floored
from gmmcli.settings import COVARIANCE_TYPES, CovarianceType


def test_a_step_that_leads_down_is_cut_from_where_it_was_taken(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    mixture = random_mixture(3, seed=1)
    cells, trials, walk = cells_of(sampled(mixture, 500)), list[Trial](), QuasiNewton._walk

    def recommend_too_far(_self: Memory, gradient: Tensor, _longest: float) -> Tensor:
        return 30 * gradient

    def watch(self: QuasiNewton, trial: Trial, model: MixtureModel) -> None:
        trials.append(trial)
        walk(self, trial, model)

    monkeypatch.setattr(Memory, "recommend", recommend_too_far)
    monkeypatch.setattr(QuasiNewton, "_walk", watch)
    states = list(
        islice(climb(cells, mixture, Ascent("full", "natural", 1.0, 1e-10 * np.eye(2))), 6)
    )
    cut = [n for n in range(1, len(trials)) if trials[n].n_cuts]
    assert cut
    for n in cut:
        assert torch.equal(trials[n].step, 0.3 * trials[n - 1].step)
        assert trials[n].start is trials[n - 1].start
    assert (np.diff([state.elbo for state in states]) > 0).all()


# By L-BFGS alone, by Newton's steps, and where a component stands on the floor.
@pytest.mark.parametrize(
    ("covariance", "variance", "memory"),
    [
        ("full", 1e-10, None),
        *((covariance, 1e-10, Memory()) for covariance in COVARIANCE_TYPES),
        ("full", 0.5, Memory()),
        ("tied", 2.0, None),
    ],
)
def test_steps_that_learn_reach_the_optimum_of_em_with_a_background(
    covariance: CovarianceType, variance: float, memory: Memory | None
) -> None:
    true, ends = random_mixture(3, seed=1), np.array([[-8.0, -8.0], [8.0, 8.0]])
    points = np.concatenate([sampled(over_background(true, 0.1, ends), 500), ends])
    cells, start = cells_of(points), over_background(true, 0.02, ends)
    ascent = Ascent(covariance, "natural", 1.0, variance * np.eye(2))
    *_, by_em = islice(climb(cells, start, ascent.take_full_steps()), 500)
    found = list(islice(climb(cells, start, ascent, memory), 40))
    assert (np.diff([state.elbo for state in found]) > -1e-9).all()
    assert found[-1].elbo == pytest.approx(by_em.elbo, abs=1e-6)
    assert found[-1].mixture.background is not None
    assert by_em.mixture.background is not None
    weight = found[-1].mixture.background.weight
    assert weight == pytest.approx(by_em.mixture.background.weight, abs=1e-5)
    if memory is not None and not are_floored(found[-1].mixture.covariances, ascent.least).any():
        assert found[-1].expected < 1e-9
