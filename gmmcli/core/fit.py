"""A fit: cells in, the best mixture found and the way to it out."""

from collections.abc import Callable, Iterable, Sequence
from time import perf_counter

import numpy as np

from gmmcli.core.cells import Cells, estimated_gap
from gmmcli.core.history import History
from gmmcli.core.inference import WINDOWS, Ascent, State, climb, remaining_climb
from gmmcli.core.mixture import Mixture
from gmmcli.core.result import Fit, FitSettings, Status
from gmmcli.core.search import best_start
from gmmcli.core.selection import criteria
from gmmcli.core.whitening import Whitening, whitening_of
from gmmcli.errors import FitError, MixtureError, TableError

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
        TableError: when there are fewer distinct points than components, or their variance is
            out of double precision's reach.
        FitError: when the climb diverges.
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

    def told(state: State) -> State:
        watch(state.step, state.elbo / cells.n_points + whitening.log_volume)
        return state

    try:
        climbing = map(told, climb(whitened, first, ascent))
        states, status = _followed(climbing, cells.n_points, settings, interrupted)
        history = _history_of(states, cells.n_points, whitening)
    except MixtureError as error:
        raise FitError("the climb diverged: lower --learning-rate") from error
    last = history.snapshot(history.last_step)
    return Fit(
        history=history,
        status=status,
        cells=cells,
        log_likelihood=last.elbo,
        compression_gap=estimated_gap(cells, last.mixture),
        criteria=criteria(cells, last.mixture, last.elbo, settings.covariance),
        floored=_floored(whitening.whiten(last.mixture), whitening.floor),
        seconds=perf_counter() - began,
    )


def _followed(
    states: Iterable[State],
    n_points: float,
    settings: FitSettings,
    interrupted: Callable[[], bool],
) -> tuple[list[State], Status]:
    """The states up to where the fit ends, and why it ends there."""
    tolerance = min(TOLERANCE, TOLERANCE_PER_POINT * n_points)
    window = WINDOWS[settings.optimizer]
    followed: list[State] = []
    elbos: list[float] = []
    for state in states:
        followed.append(state)
        elbos.append(state.elbo)
        if remaining_climb(elbos, window) < tolerance:
            return followed, Status.CONVERGED
        if interrupted():
            return followed, Status.INTERRUPTED
        if state.step >= settings.steps:
            return followed, Status.STEP_LIMIT
    raise AssertionError("an ascent has no end of its own")


def _history_of(states: Sequence[State], n_points: float, whitening: Whitening) -> History:
    """The history in data units, its components in the canonical order of the last mixture."""
    mixtures = [whitening.unwhiten(state.mixture) for state in states]
    order = mixtures[-1].canonical_order()
    jacobian = n_points * whitening.log_volume
    return History.of(
        [mixture.reordered(order) for mixture in mixtures],
        [state.elbo + jacobian for state in states],
    )


def _floored(mixture: Mixture, floor: float) -> tuple[int, ...]:
    """The components of a whitened mixture that stand on the floor."""
    least = np.linalg.eigvalsh(mixture.covariances)[:, 0]
    return tuple(np.flatnonzero(least <= floor * (1 + FLOOR_MARGIN)).tolist())
