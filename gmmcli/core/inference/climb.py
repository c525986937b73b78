"""Stochastic variational inference as a generator of states, each a mixture and its ELBO.

One loop serves all optimizers: Pyro's `TraceEnum_ELBO` of the model and its guide, and a step.
Callers decide when to stop; `convergence` tells them what further steps are worth. Everything is
in whitened units.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from itertools import islice
from typing import Any

import torch
from pyro.infer import TraceEnum_ELBO

from gmmcli.core.cells.cells import Cells
from gmmcli.core.inference.adam import Adam, move_inside
from gmmcli.core.inference.ascent import Ascent, Evaluation, Optimizer
from gmmcli.core.inference.convergence import estimate_after_probe
from gmmcli.core.inference.curvature import Memory, find_curvature
from gmmcli.core.inference.held import Held
from gmmcli.core.inference.model import CellTensors, Components, MixtureModel, enter_pyro
from gmmcli.core.inference.natural_gradient import NaturalGradient, constrain_factors
from gmmcli.core.inference.quasi_newton import QuasiNewton
from gmmcli.core.inference.state import State
from gmmcli.core.mixture.covariances import measure_rounding
from gmmcli.core.mixture.mixture import Mixture
from gmmcli.errors import FitError, MixtureError


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
    states = _climb(cells, start, ascent, memory)
    while True:
        with enter_pyro():
            state = next(states)
        yield state


def _climb(cells: Cells, start: Mixture, ascent: Ascent, memory: Memory | None) -> Iterator[State]:
    """The same where this thread is the only one in Pyro."""
    tensors, elbo = CellTensors.of(cells), TraceEnum_ELBO(max_plate_nesting=1)
    model, held = prepare_model(start, ascent), Held.of(ascent.known)
    optimizer = choose_optimizer(cells, start.n_components, ascent, memory)
    state, step = optimizer.init(), 0
    while True:
        components = model.components() if held is None else held.restore(model.components())
        try:
            mixture = components.to_mixture()
        except MixtureError as error:
            raise FitError(f"the climb diverged at step {step}: lower --learning-rate") from error
        loss = elbo.differentiable_loss(model, model.guide, tensors, components)
        evaluation = Evaluation(components, loss, -loss.item())
        if evaluation.elbo >= state.least_elbo:  # or else the step that led here is taken back
            log_prior = ascent.known.evaluate(mixture)
            here = State(step, mixture, evaluation.elbo - log_prior, cells.n_cells)
            told = {"expected": state.expected, "memory": state.memory, "log_prior": log_prior}
            yield replace(here, **told)
            step += 1
        state = optimizer.step(state, evaluation, model)


def prepare_model(start: Mixture, ascent: Ascent) -> MixtureModel:
    """A model at a start in whitened units, whose covariances are made the ascent's type."""
    given, least = Components.of(start), ascent.least_variance**0.5
    masses = given.weights[: given.n_components]
    factors = constrain_factors(torch.tensor(start.covariances), masses, ascent)
    components = given._replace(weights=given.weights / given.weights.sum(), factors=factors)
    if ascent.optimizer == "adam":
        components = move_inside(components, least=least)
    return MixtureModel(components, ascent.covariance, least=least, prior=ascent.known.prior)


def choose_optimizer(
    cells: Cells, n_components: int, ascent: Ascent, memory: Memory | None
) -> Optimizer[Any]:
    """The optimizer of an ascent; see `climb`."""
    if ascent.optimizer == "adam":
        return Adam(ascent.learning_rate)
    natural = NaturalGradient(cells.n_points + ascent.known.n_points, ascent)
    if not ascent.is_accelerated:
        return natural
    if memory is None:
        return QuasiNewton(natural, Memory())
    how = ascent.covariance, ascent.least, ascent.known
    curvature = find_curvature(cells, n_components, *how)
    return QuasiNewton(natural, memory, curvature)


def measure(state: State, cells: Cells, ascent: Ascent) -> State:
    """The state with the ELBO that it has on some cells, its covariances made the ascent's type."""
    (first,) = islice(climb(cells, state.mixture, ascent.take_full_steps()), 1)
    return replace(first, step=state.step, by_move=state.by_move)


def estimate_left_to_climb(
    cells: Cells, mixture: Mixture, ascent: Ascent, *, n_steps: int = 6
) -> float:
    """An estimate, in nats, of what the ELBO and a prior would gain by natural gradient.

    Adam's own steps tell little of it: they shrink with its gradients, not with what is left. Of
    points on lines, the probe begins a little lower than the climb stands, and climbs as far: a
    covariance so thin cannot be written better.

    Args:
        cells: the data, in whitened units.
        mixture: from where, in whitened units.
        ascent: the covariance type and the least covariance.
        n_steps: as many natural-gradient steps as tell what remains after them, the start included.
    """
    probe = climb(cells, mixture, ascent.take_full_steps())
    elbos = [state.log_posterior for state in islice(probe, n_steps)]
    masses = cells.n_points * mixture.weights
    rounding = float(masses @ measure_rounding(mixture.covariances))
    return estimate_after_probe(elbos, rounding=rounding)


@contextmanager
def limit_threads(
    cells: Cells, n_components: int, *, one_thread: int = 500_000, enumerated: int = 30
) -> Iterator[None]:
    """A context in which torch uses as many threads as a problem of this size can.

    Args:
        cells: the data.
        n_components: K.
        one_thread: below this many cells times components more threads gain next to nothing: of
            600,000, two take a third less time than one (`benchmarks/planted.py`).
        enumerated: of many components, each cell has no more than so many or fewer.
    """
    before = torch.get_num_threads()
    size = cells.n_cells * min(n_components, enumerated)
    torch.set_num_threads(before if size > one_thread else 1)
    try:
        yield
    finally:
        torch.set_num_threads(before)
