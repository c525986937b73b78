"""A fit: cells in, the best mixture found and the way to it out."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from time import perf_counter

import numpy as np

from gmmcli.core.cells import Cells, estimated_gap
from gmmcli.core.history import History
from gmmcli.core.inference import (
    WINDOWS,
    Ascent,
    State,
    climb,
    fitting_threads,
    left_to_climb,
    remaining_climb,
)
from gmmcli.core.mixture import Mixture
from gmmcli.core.result import Fit, Status
from gmmcli.core.search import best_start
from gmmcli.core.selection import criteria
from gmmcli.core.settings import FitSettings
from gmmcli.core.whitening import Whitening, whitening_of
from gmmcli.errors import FitError, TableError

# A fit has converged when its remaining climb is estimated below this, in nats for each point ...
TOLERANCE_PER_POINT = 1e-6
# ... and in nats for all points: half the square of 1 % of a standard error of a parameter.
TOLERANCE = 5e-5
# Components closer than this, in whitened units, move alike as far as double precision can tell.
COINCIDING = 1e-5
# Rounding moves an eigenvalue off the floor by less than this share.
FLOOR_MARGIN = 1e-3


def fit(
    cells: Cells,
    settings: FitSettings,
    *,
    start: Mixture | None = None,
    watch: Callable[[int, float], None] = lambda _step, _elbo_per_point: None,
    interrupted: Callable[[], bool] = lambda: False,
) -> Fit:
    """Fit a mixture to cells.

    Args:
        cells: the data, in data units.
        settings: what is asked for.
        start: the mixture to begin with; searched for by default.
        watch: called at every step with its number and the ELBO per point, in nats.
        interrupted: asked after every step whether to end here.

    Raises:
        TableError: when there are fewer distinct points than components, or their variance is
            out of double precision's reach.
        FitError: when the climb diverges, or two components of the start coincide.
    """
    _check_distinct_points(cells, settings.components)
    began = perf_counter()
    whitening = whitening_of(cells, settings.covariance)
    whitened = whitening.whiten_cells(cells)
    ascent = Ascent(
        settings.covariance, settings.optimizer, settings.learning_rate, whitening.floor
    )

    def told(state: State) -> State:
        watch(state.step, state.elbo / cells.n_points + whitening.log_volume)
        return state

    with fitting_threads(cells, settings.components):
        if start is None:
            k, seed = settings.components, settings.seed
            first = best_start(whitened, k, ascent, seed=seed, interrupted=interrupted)
        else:
            first = _distinct(whitening.whiten(start))
        climbing = map(told, climb(whitened, first, ascent))
        states, status = _followed(climbing, whitened, ascent, settings.steps, interrupted)
    states = _in_canonical_order(states, whitening)
    history = _history_of(states, cells.n_points, whitening)
    last = history.snapshot(history.last_step)
    return Fit(
        history=history,
        status=status,
        cells=cells,
        log_likelihood=last.elbo,
        compression_gap=estimated_gap(cells, last.mixture),
        criteria=criteria(cells, last.mixture, last.elbo, settings.covariance),
        floored=_floored(states[-1].mixture, whitening.floor),
        seconds=perf_counter() - began,
    )


def _check_distinct_points(cells: Cells, n_components: int) -> None:
    if cells.n_cells < n_components:
        raise TableError(
            f"{cells.n_cells} distinct points cannot hold {n_components} components: "
            f"ask for at most {cells.n_cells}"
        )


def _distinct(start: Mixture) -> Mixture:
    """The start; FitError where two of its components coincide, as they then would for ever."""
    for k, mean in enumerate(start.means):
        away = np.abs(start.means - mean).max(axis=1)
        shape = np.abs(start.covariances - start.covariances[k]).max(axis=(1, 2))
        same = (away < COINCIDING) & (shape < COINCIDING)
        if same[:k].any():
            raise FitError(
                f"components {int(np.argmax(same[:k]))} and {k} of the start coincide, and no step "
                "would part them: move one of them"
            )
    return start


def _followed(
    states: Iterable[State],
    cells: Cells,
    ascent: Ascent,
    max_steps: int,
    interrupted: Callable[[], bool],
) -> tuple[list[State], Status]:
    """The states up to where the fit ends, and why it ends there."""
    followed: list[State] = []
    elbos: list[float] = []
    for state in states:
        followed.append(state)
        elbos.append(state.elbo)
        if _has_converged(elbos, state.mixture, cells, ascent):
            return followed, Status.CONVERGED
        if interrupted():
            return followed, Status.INTERRUPTED
        if state.step >= max_steps:
            return followed, Status.STEP_LIMIT
    raise AssertionError("an ascent has no end of its own")


def _has_converged(elbos: list[float], mixture: Mixture, cells: Cells, ascent: Ascent) -> bool:
    """Whether what is left to climb is negligible."""
    tolerance = min(TOLERANCE, TOLERANCE_PER_POINT * cells.n_points)
    window = WINDOWS[ascent.optimizer]
    if len(elbos) % window or remaining_climb(elbos, window) >= tolerance:
        return False
    return window == 1 or left_to_climb(cells, mixture, ascent) < tolerance


def _history_of(states: Sequence[State], n_points: float, whitening: Whitening) -> History:
    """The history in data units of states in whitened units."""
    jacobian = n_points * whitening.log_volume
    return History.of(
        [whitening.unwhiten(state.mixture) for state in states],
        [state.elbo + jacobian for state in states],
    )


def _in_canonical_order(states: Sequence[State], whitening: Whitening) -> list[State]:
    """The states with their components in the canonical order of the last mixture."""
    order = whitening.unwhiten(states[-1].mixture).canonical_order()
    return [replace(state, mixture=state.mixture.reordered(order)) for state in states]


def _floored(mixture: Mixture, floor: float) -> tuple[int, ...]:
    """The components of a whitened mixture that stand on the floor."""
    least = np.linalg.eigvalsh(mixture.covariances)[:, 0]
    return tuple(np.flatnonzero(least <= floor * (1 + FLOOR_MARGIN)).tolist())
