"""The errors of the figures of a mixture from its fits to resampled points.

By the weighted-likelihood bootstrap (Newton & Raftery 1994). It needs no quadratic approximation,
which falls short where components overlap much or have few points.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
from scipy.special import stdtrit

from gmmcli.core.assessment.anchor import Anchor, find_anchor, measure_on_scales
from gmmcli.core.assessment.errors import Errors
from gmmcli.core.assessment.optimum import Summit
from gmmcli.core.assessment.resamples import Resampling
from gmmcli.core.assessment.scales import from_scales, measure_figures, measure_rates
from gmmcli.core.cells.cells import Cells
from gmmcli.core.cells.information import N_PARAMETERS
from gmmcli.core.mixture.covariances import FloatArray, are_floored
from gmmcli.core.mixture.mixture import Mixture
from gmmcli.settings import CovarianceType


@dataclass(frozen=True, eq=False)
class Bootstrap:
    """What the fits to resampled points say of a mixture.

    Attributes:
        figures: of each replicate, shape (R, K, 6), in data units; see `scales.FIGURES`.
        backgrounds: the weight of the background in each, shape (R,); None where there is none.
        are_lost: in which replicates a component lost its points, shape (R,).
        have_settled: which came to an optimum, shape (R,).
        errors: of the figures, from the replicates that settled without a loss.
    """

    figures: FloatArray
    backgrounds: FloatArray | None
    are_lost: npt.NDArray[np.bool_]
    have_settled: npt.NDArray[np.bool_]
    errors: Errors

    @property
    def are_kept(self) -> npt.NDArray[np.bool_]:
        """Which replicates the errors are made of, shape (R,)."""
        return self.have_settled & ~self.are_lost


def bootstrap(
    cells: Cells,
    mixture: Mixture,
    covariance: CovarianceType = "full",
    least: FloatArray | None = None,
    *,
    resampling: Resampling,
    level: float = 0.95,
) -> Bootstrap:
    """The figures of a mixture in resampled points, and the errors that they tell.

    Each replicate climbs from the fit, whose components it keeps apart. Standard errors are the
    standard deviations of replicates on the scales of figures, and intervals those of Student's t
    with n - 3 degrees of freedom about the fit, for n points of a component.

    Args:
        cells: the data, in data units.
        mixture: an optimum of its fit to these, in the same units.
        covariance: its covariance type.
        least: the least covariance that components may have, shape (2, 2).
        resampling: how many replicates, and how they are drawn.
        level: the share of samples whose intervals hold what is so.
    """
    anchor, by_sandwich = find_anchor(cells, mixture, covariance, least, resampling)
    summits = list[Summit]()
    for counts in anchor.points.draw(resampling):
        summits.append(anchor.climb(counts))
        resampling.watch(len(summits))
    are_lost = _find_lost(summits, anchor)
    have_settled = np.array([summit.has_settled for summit in summits])
    replicates = [anchor.whitening.unwhiten(summit.place.mixture) for summit in summits]
    values = np.stack([measure_on_scales(replicate) for replicate in replicates])
    with np.errstate(invalid="ignore"):  # a weight of 1, or a component on a line
        moves = (values - measure_on_scales(anchor.mixture)) * anchor.calibration
        deviations = _deviate(moves[have_settled & ~are_lost])
    backgrounds = None
    if mixture.background is not None:
        backgrounds = np.array([each.background.weight for each in replicates if each.background])
    errors = _replace_errors(by_sandwich, mixture, cells.n_points, deviations, level)
    if backgrounds is not None:
        of_background = float(_deviate(backgrounds[have_settled & ~are_lost]))
        errors = replace(errors, background=of_background)
    figures = from_scales(measure_on_scales(mixture) + np.nan_to_num(moves))
    return Bootstrap(figures, backgrounds, are_lost, have_settled, errors)


def _find_lost(summits: Sequence[Summit], anchor: Anchor) -> npt.NDArray[np.bool_]:
    """In which replicates a component has lost its points, or its shape to a few, shape (R,).

    It has fewer points than parameters, and less than half of those that it has in the fit, where
    these are few; or it stands on the least covariance, where the fit's does not.
    """
    start, least = anchor.top.place.mixture, anchor.likelihood.least
    n_points = anchor.likelihood.points.n_points
    fewest = np.minimum(N_PARAMETERS, start.weights * n_points / 2)
    stood = are_floored(start.covariances, least)
    found = [summit.place.mixture for summit in summits]
    faint = [(each.weights * n_points < fewest).any() for each in found]
    flat = [(are_floored(each.covariances, least) & ~stood).any() for each in found]
    return np.asarray(np.array(faint) | np.array(flat))


def _replace_errors(
    errors: Errors, mixture: Mixture, n_points: float, deviations: FloatArray, level: float
) -> Errors:
    """Errors with those of replicates in place of the sandwich's, where there are any.

    Args:
        errors: by the sandwich.
        mixture: the fit, in data units.
        n_points: N.
        deviations: of the replicates on the scales of figures, shape (K, 6).
        level: of the intervals.
    """
    deviations = np.where(np.isfinite(errors.standard_errors), deviations, np.nan)
    degrees = np.maximum(mixture.weights * n_points - 3, 1)
    reach = stdtrit(degrees, (1 + level) / 2)[:, None] * deviations
    middle = measure_on_scales(mixture)
    return replace(
        errors,
        level=level,
        standard_errors=deviations * measure_rates(measure_figures(mixture)),
        intervals=np.stack([from_scales(middle - reach), from_scales(middle + reach)], axis=-1),
    )


def _deviate(values: FloatArray) -> FloatArray:
    """The standard deviations of replicates, along the first axis; NaN of fewer than two."""
    if len(values) < 2:
        return np.full(values.shape[1:], np.nan)
    return np.asarray(values.std(axis=0, ddof=1))
