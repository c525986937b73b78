"""Stochastic variational inference as a generator of states, each a mixture and its ELBO.

One loop serves both optimizers: Pyro's `TraceEnum_ELBO` of the model and its guide, and the steps
of a `MultiOptimizer`, Pyro's interface to optimizers that see all parameters at once. Callers
decide when to stop; `remaining_climb` tells them what further steps are worth. Everything is in
whitened units.
"""

import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, replace
from itertools import islice

import numpy as np
import pyro
import torch
from pyro.infer import TraceEnum_ELBO
from pyro.nn import PyroParam
from pyro.optim import Adam  # type: ignore[attr-defined]
from pyro.optim.multi import MultiOptimizer, PyroMultiOptimizer
from torch import Tensor
from torch.distributions import constraints

from gmmcli.core.cells.cells import Cells
from gmmcli.core.cells.information import Information, observe_information
from gmmcli.core.inference.model import MixtureModel, cell_tensors, constrained
from gmmcli.core.inference.optimizers import (
    MOST_INFORMED,
    ROUNDING,
    Ascent,
    Memory,
    NaturalGradient,
    Place,
    QuasiNewton,
)
from gmmcli.core.mixture.mixture import FloatArray, Mixture
from gmmcli.errors import FitError, MixtureError
from gmmcli.settings import CovarianceType, OptimizerName

# Adam's ELBO goes up and down from step to step, so it is judged by the best of ten.
WINDOWS: dict[OptimizerName, int] = {"natural": 1, "adam": 10}
# Below this many cells times components more threads gain next to nothing: of 600,000, two take a
# third less time than one. Of many components, each cell has no more than so many or fewer.
ONE_THREAD_SIZE = 500_000
ENUMERATED = 30
# As many natural-gradient steps as tell what remains after them.
PROBE_STEPS = 6
# Weights and diagonals are above zero where they are free parameters over the reals.
LEAST_POSITIVE = 1e-12
# A climb of at most so many times the noise of rounding may be noise.
NOISE = 2

# Checks of what the model says at every step take a fifth of the time; the tests turn them on.
pyro.enable_validation(False)


@dataclass(frozen=True, eq=False)
class State:
    """Where a climb stands.

    Attributes:
        step: how many steps led there.
        mixture: after these.
        elbo: its ELBO, in nats.
        n_cells: how many cells that is of.
        by_move: whether a move of the search led there.
        expected: what the last step should have brought, in nats: all that was left before it, as
            far as the curvature is known; infinite where it is not.
    """

    step: int
    mixture: Mixture
    elbo: float
    n_cells: int = 0
    by_move: bool = False
    expected: float = math.inf


def climb(
    cells: Cells, start: Mixture, ascent: Ascent, memory: Memory | None = None
) -> Iterator[State]:
    """The states of an ascent of the ELBO, from the start (step 0) on, without end.

    Args:
        cells: the data, in whitened units.
        start: where to begin, in whitened units; its covariances are made the ascent's type.
        ascent: how to climb.
        memory: what accelerated steps learn from; that of a climb on coarser cells, say. With one,
            steps are Newton's too, where there are not too many components.

    Raises:
        FitError: when Adam, at too high a learning rate, leaves no mixture behind.
    """
    tensors = cell_tensors(cells)
    with local_parameters():
        model, optimizer = _prepare(start, cells, ascent, memory)
    elbo = TraceEnum_ELBO(max_plate_nesting=1)
    step = 0
    while True:
        try:
            mixture = _mixture_now(model)
        except MixtureError as error:
            raise FitError(f"the climb diverged at step {step}: lower --learning-rate") from error
        with local_parameters():
            loss = elbo.differentiable_loss(model, model.guide, tensors)
        if not (isinstance(optimizer, QuasiNewton) and optimizer.overshot(-loss.item())):
            expected = optimizer.expected if isinstance(optimizer, QuasiNewton) else math.inf
            yield State(step, mixture, -loss.item(), cells.n_cells, expected=expected)
            step += 1
        optimizer.step(loss, dict(model.named_parameters()))


def measured(state: State, cells: Cells, ascent: Ascent) -> State:
    """The state with the ELBO that it has on some cells, its covariances made the ascent's type."""
    (first,) = islice(climb(cells, state.mixture, ascent.by_full_steps()), 1)
    return replace(first, step=state.step, by_move=state.by_move)


def left_to_climb(cells: Cells, mixture: Mixture, ascent: Ascent) -> float:
    """An estimate, in nats, of what the ELBO would gain from here by natural gradient.

    Adam's own steps tell little of it: they shrink with its gradients, not with what is left.
    """
    probe = climb(cells, mixture, ascent.by_full_steps())
    elbos = [state.elbo for state in islice(probe, PROBE_STEPS)]
    climbed = max(elbos) - elbos[0]
    return max(climbed - NOISE * fallen(elbos), 0.0) + remaining_climb(elbos)


def fallen(elbos: Sequence[float] | FloatArray) -> float:
    """The deepest fall of an ELBO that cannot fall, in nats: what rounding does to it.

    Args:
        elbos: of two steps or more.
    """
    return max(0.0, -float(np.diff(elbos).min()))


@contextmanager
def fitting_threads(cells: Cells, n_components: int) -> Iterator[None]:
    """A context in which torch uses as many threads as a problem of this size can."""
    before = torch.get_num_threads()
    size = cells.n_cells * min(n_components, ENUMERATED)
    torch.set_num_threads(before if size > ONE_THREAD_SIZE else 1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def local_parameters() -> AbstractContextManager[None]:
    """A context in which parameters belong to their module, not to Pyro's global store."""
    return pyro.settings.context(module_local_params=True)


def remaining_climb(elbos: Sequence[float], window: int = 1) -> float:
    """An estimate of how far an ELBO still has to climb, in nats; infinite when nothing is known.

    Near the optimum the climbs of successive steps shrink by a constant rate, so what remains is a
    geometric series (Aitken's acceleration; Boehning et al. 1994, section 3). The rate is the
    largest of the last three, since a slow direction shows only when the fast ones are done. There
    is nothing left where the last three climbs are no larger than what rounding does to the ELBO.

    Args:
        elbos: the ELBO of every step so far.
        window: the steps of which the best ELBO counts; 1 where it cannot fall.
    """
    n_windows = len(elbos) // window
    if n_windows < 5:
        return float("inf")
    recent = np.array(elbos[-5 * window :]).reshape(5, window).max(axis=1)
    climbs = np.diff(recent)
    noise = ROUNDING * abs(recent[-1])
    if window == 1:
        noise = max(noise, fallen(recent))
    climbs[np.abs(climbs) <= NOISE * noise] = 0.0
    if not climbs[-3:].any():
        return 0.0
    if (climbs <= 0).any():
        return float("inf")
    rate = (climbs[1:] / climbs[:-1]).max()
    return float(climbs[-1] * rate / (1 - rate)) if rate < 1 else float("inf")


def _prepare(
    start: Mixture, cells: Cells, ascent: Ascent, memory: Memory | None
) -> tuple[MixtureModel, MultiOptimizer]:
    """A model at the start, and the optimizer that moves its parameters."""
    weights, means = torch.tensor(start.weights), torch.tensor(start.means)
    free = torch.tensor(start.covariances)
    covariances = constrained(free, weights, ascent.covariance, ascent.floor)
    if ascent.optimizer == "natural":
        factors = PyroParam(torch.linalg.cholesky(covariances))
        model = MixtureModel(PyroParam(weights / weights.sum()), PyroParam(means), factors)
        natural = NaturalGradient(cells.n_points, ascent)
        if not ascent.is_accelerated:
            return model, natural
        if memory is None:
            return model, QuasiNewton(natural, Memory())
        return model, QuasiNewton(natural, memory, _curvature_on(cells, start, ascent))
    positive = weights.clamp(min=LEAST_POSITIVE)
    least = ascent.floor**0.5
    model = MixtureModel(
        PyroParam(positive / positive.sum(), constraints.simplex),
        PyroParam(means),
        _free_factors(covariances, ascent.covariance, least),
        least=least,
    )
    # AMSGrad (Reddi, Kale & Kumar 2018): plain Adam never settles where its gradients vanish.
    return model, PyroMultiOptimizer(Adam({"lr": ascent.learning_rate, "amsgrad": True}))


def _curvature_on(
    cells: Cells, start: Mixture, ascent: Ascent
) -> Callable[[Place], Information] | None:
    """What works out how the ELBO bends at a place; None where it would take too long."""
    if start.n_components > MOST_INFORMED:
        return None

    def curvature(place: Place) -> Information:
        covariances = place.factors @ place.factors.mT
        mixture = Mixture(place.weights.numpy(), place.means.numpy(), covariances.numpy())
        return observe_information(cells, mixture, ascent.covariance, ascent.floor)

    return curvature


def _free_factors(covariances: Tensor, covariance: CovarianceType, least: float) -> PyroParam:
    """Parameters over the reals for what factors of a type have over the least diagonal."""
    factors = torch.linalg.cholesky(covariances)
    over = (factors.diagonal(dim1=1, dim2=2) - least).clamp(min=LEAST_POSITIVE)  # (K, 2)
    if covariance in ("full", "tied"):
        factors = factors.tril(-1) + torch.diag_embed(over)
        shared = factors[:1] if covariance == "tied" else factors
        return PyroParam(shared, constraints.lower_cholesky)
    return PyroParam(over[:, : 2 if covariance == "diag" else 1], constraints.positive)


@torch.no_grad()
def _mixture_now(model: MixtureModel) -> Mixture:
    weights, means, factors = model.parameters_now()
    return Mixture(weights.numpy(), means.numpy(), (factors @ factors.mT).numpy())
