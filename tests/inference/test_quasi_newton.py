"""Steps that learn: what becomes of one that leads down."""

from itertools import islice

import numpy as np
import pytest
import torch
from builders import cells_of, random_mixture, sampled
from torch import Tensor

from gmmcli.core.inference.ascent import Ascent
from gmmcli.core.inference.climb import climb
from gmmcli.core.inference.curvature import Memory
from gmmcli.core.inference.model import MixtureModel
from gmmcli.core.inference.quasi_newton import QuasiNewton, Trial


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
    states = list(islice(climb(cells, mixture, Ascent("full", "natural", 1.0, 1e-10)), 6))
    cut = [n for n in range(1, len(trials)) if trials[n].n_cuts]
    assert cut
    for n in cut:
        assert torch.equal(trials[n].step, 0.3 * trials[n - 1].step)
        assert trials[n].start is trials[n - 1].start
    assert (np.diff([state.elbo for state in states]) > 0).all()
