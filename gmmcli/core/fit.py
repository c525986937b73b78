"""A fit: cells in, the best mixture found and the way to it out."""

from collections.abc import Callable
from time import perf_counter

import numpy as np

from gmmcli.core.cells import Cells, estimated_gap
from gmmcli.core.history import History
from gmmcli.core.inference import (
    WINDOWS,
    Ascent,
    State,
    climb,
    remaining_climb,
)
from gmmcli.core.mixture import Mixture
from gmmcli.core.result import Fit, FitSettings, Status
from gmmcli.core.search import best_start
from gmmcli.core.selection import criteria
from gmmcli.core.whitening import Whitening, whitening_of
from gmmcli.errors import TableError

# A fit has converged when its remaining climb is estimated below this, in nats for each point ...
TOLERANCE_PER_POINT = 1e-6
# ... and in nats for all points: half the square of 1 % of a standard error of a parameter.
TOLERANCE = 5e-5


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
        TableError: when there are fewer distinct points than components.
    """
    if cells.n_cells < settings.components:
        raise TableError(
            f"{cells.n_cells} distinct points cannot hold {settings.components} components: "
            f"ask for at most {cells.n_cells}"
        )
    began = perf_counter()
    whitening = whitening_of(cells, settings.covariance)
    whitened = whitening.whiten_cells(cells)
    ascent = Ascent(
        settings.covariance, settings.optimizer, settings.learning_rate, whitening.floor
    )
    if start is None:
        first = best_start(whitened, settings.components, ascent, seed=settings.seed)
    else:
        first = whitening.whiten(start)
    states: list[State] = []
    elbos: list[float] = []
    for state in climb(whitened, first, ascent):
        states.append(state)
        elbos.append(state.elbo)
        watch(state.step, state.elbo / cells.n_points + whitening.log_volume)
        status = _status(elbos, cells.n_points, settings, interrupted=interrupted())
        if status is not None:
            seconds = perf_counter() - began
            return _outcome(cells, settings, states, status, whitening, seconds)
    raise AssertionError("an ascent has no end of its own")


def _status(
    elbos: list[float], n_points: float, settings: FitSettings, *, interrupted: bool
) -> Status | None:
    """How the fit ends at this step; None where it goes on."""
    tolerance = min(TOLERANCE, TOLERANCE_PER_POINT * n_points)
    if remaining_climb(elbos, WINDOWS[settings.optimizer]) < tolerance:
        return Status.CONVERGED
    if interrupted:
        return Status.INTERRUPTED
    if len(elbos) > settings.steps:
        return Status.STEP_LIMIT
    return None


def _outcome(
    cells: Cells,
    settings: FitSettings,
    states: list[State],
    status: Status,
    whitening: Whitening,
    seconds: float,
) -> Fit:
    """A fit in data units, its components in the canonical order of the last mixture."""
    jacobian = cells.n_points * whitening.log_volume
    mixtures = [whitening.unwhiten(state.mixture) for state in states]
    order = mixtures[-1].canonical_order()
    history = History.of(
        [mixture.reordered(order) for mixture in mixtures],
        [state.elbo + jacobian for state in states],
    )
    last = history.snapshot(history.last_step)
    least = np.linalg.eigvalsh(states[-1].mixture.covariances[order])[:, 0]
    floored = np.flatnonzero(least <= whitening.floor * (1 + FLOOR_MARGIN))
    return Fit(
        history=history,
        status=status,
        cells=cells,
        log_likelihood=last.elbo,
        compression_gap=estimated_gap(cells, last.mixture),
        criteria=criteria(cells, last.mixture, last.elbo, settings.covariance),
        floored=tuple(floored.tolist()),
        seconds=seconds,
    )
