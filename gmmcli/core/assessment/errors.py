"""The standard errors and intervals of the parameters of a mixture, at an optimum of its fit.

By the sandwich (Huber 1967; White 1982), which holds where components are not quite Gaussian too:
the inverse of the observed information on either side of the scores' second moments.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.special import stdtrit

from gmmcli.core.assessment.scales import (
    OF_SHAPE,
    differentiate_scales,
    from_scales,
    measure_figures,
    measure_rates,
    to_scales,
)
from gmmcli.core.cells.cells import Cells
from gmmcli.core.cells.directions import N_PARAMETERS
from gmmcli.core.cells.gaps import place_cubature_points
from gmmcli.core.cells.information import observe_information, sum_squared_scores, take_roots
from gmmcli.core.mixture.covariances import FloatArray, are_floored
from gmmcli.core.mixture.knowledge import NOTHING_KNOWN, Knowledge
from gmmcli.core.mixture.mixture import Mixture
from gmmcli.settings import CovarianceType


@dataclass(frozen=True, eq=False)
class Errors:
    """How sure the figures of components are; see `scales.FIGURES`.

    A figure that the points do not settle has none: NaN.

    Attributes:
        level: of the intervals, such as 0.95.
        standard_errors: shape (K, 6), in data units.
        model_standard_errors: the same as if components were Gaussian, shape (K, 6).
        intervals: shape (K, 6, 2), in data units.
        background: the standard error of the background's weight; None where there is none.
        least_information: the least eigenvalue of the information, which is 1 for components apart
            and less for what the points hardly tell.
    """

    level: float
    standard_errors: FloatArray
    model_standard_errors: FloatArray
    intervals: FloatArray
    background: float | None
    least_information: float

    @property
    def misfit(self) -> float:
        """The largest ratio of a standard error to that of Gaussian components, either way up."""
        with np.errstate(divide="ignore", invalid="ignore"):
            ratios = np.abs(np.log(self.standard_errors / self.model_standard_errors))
        known = ratios[np.isfinite(ratios)]
        return float(np.exp(known.max())) if len(known) else 1.0


def estimate_errors(
    cells: Cells,
    mixture: Mixture,
    covariance: CovarianceType = "full",
    least: FloatArray | None = None,
    *,
    level: float = 0.95,
    known: Knowledge = NOTHING_KNOWN,
) -> Errors:
    """The errors of the figures of a mixture, where it is an optimum of its fit to some cells.

    Of components on few points, standard errors come out too small by the root of n / (n - 6) for
    n points, and intervals are those of Student's t with n - 3 degrees of freedom.

    Args:
        cells: the data, in data units.
        mixture: in the same units.
        covariance: its covariance type.
        least: the least covariance that components may have, shape (2, 2); the shapes of those
            that stand on it have no errors.
        level: the share of samples whose intervals hold what is so.
        known: of the mixture before its points, in the same units; a prior counts as the points
            that it is worth, and what is fixed has no error.
    """
    points, n_points = _spread(cells), cells.n_points + known.n_points
    information = observe_information(
        points, mixture, covariance, least, moves_background=True, known=known
    )
    scores = sum_squared_scores(points, mixture, known=known)
    inverse = information.inverse
    sandwich = inverse @ scores @ inverse
    numbers = mixture.weights * n_points
    with np.errstate(divide="ignore", invalid="ignore"):
        few = np.sqrt(np.where(numbers > N_PARAMETERS, numbers / (numbers - N_PARAMETERS), np.nan))
    are_known = np.isfinite(few)[:, None] & _are_open(mixture, least, known)
    roots = take_roots(mixture.weights, n_points)
    figures = measure_figures(mixture)
    rates, on_scales = measure_rates(figures), []
    for spread in (sandwich, inverse):
        errors = _take_errors(spread, mixture, roots) * few[:, None]
        on_scales.append(np.where(are_known, errors, np.nan))
    reach = stdtrit(np.maximum(numbers - 3, 1), (1 + level) / 2)[:, None] * on_scales[0]
    middle = to_scales(figures)
    ends = [from_scales(middle + sign * reach) for sign in (-1, 1)]
    return Errors(
        level=level,
        standard_errors=on_scales[0] * rates,
        model_standard_errors=on_scales[1] * rates,
        intervals=np.stack(ends, axis=-1),
        background=_find_background_error(sandwich, mixture, n_points),
        least_information=float(information.lengths[0]),
    )


def _spread(cells: Cells) -> Cells:
    """Cells of which each is at one place: those with a spread in four (see `gaps`)."""
    wide = cells.have_spread
    if not wide.any():
        return cells
    some = cells.select(wide)
    places = place_cubature_points(some)  # (4, C, 2)
    counts = np.tile(some.counts / len(places), len(places))
    flat = np.zeros((len(counts), 2, 2))
    return cells.select(~wide).join(Cells(counts, places.reshape(-1, 2), flat))


def _are_open(
    mixture: Mixture, least: FloatArray | None, known: Knowledge
) -> npt.NDArray[np.bool_]:
    """Which figures the points settle, shape (K, 6)."""
    are_open = np.ones((mixture.n_components, N_PARAMETERS), dtype=np.bool_)
    if mixture.n_components == 1 and mixture.background is None:
        are_open[:, 0] = False
    if least is not None:
        are_open[are_floored(mixture.covariances, least), OF_SHAPE] = False
    if (fixed := known.fixed) is not None:
        are_open &= ~fixed.parameters
        if (~fixed.parts).sum() == 1:  # which has what the others leave
            are_open[:, 0] = False
    return are_open


def _take_errors(spread: FloatArray, mixture: Mixture, roots: FloatArray) -> FloatArray:
    """Standard errors on the scales of figures, shape (K, 6), of a covariance of parameters."""
    n_components = mixture.n_components
    blocks = spread.reshape(-1, N_PARAMETERS, len(spread) // N_PARAMETERS, N_PARAMETERS)
    own = np.arange(n_components)
    rates = differentiate_scales(mixture, roots)
    variances = np.einsum("kfp,kpq,kfq->kf", rates, blocks[own, :, own], rates)
    return np.asarray(np.sqrt(np.maximum(variances, 0)))


def _find_background_error(spread: FloatArray, mixture: Mixture, n_points: float) -> float | None:
    """The standard error of the weight of a background; None where there is none."""
    if mixture.background is None:
        return None
    weight, place = mixture.background.weight, mixture.n_components * N_PARAMETERS
    return float(np.sqrt(spread[place, place] * weight / n_points))
