"""The errors of the figures of a mixture from its fits to resampled points.

By the weighted-likelihood bootstrap (Newton & Raftery 1994). It needs no quadratic approximation,
which falls short where components overlap much or have few points.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
from scipy.special import stdtrit

from gmmcli.core.assessment.anchor import find_anchor, measure_on_scales
from gmmcli.core.assessment.errors import Errors
from gmmcli.core.assessment.optimum import Summit
from gmmcli.core.assessment.resamples import Resampling
from gmmcli.core.assessment.scales import from_scales, measure_figures, measure_rates, to_scales
from gmmcli.core.cells.cells import Cells
from gmmcli.core.cells.information import N_PARAMETERS
from gmmcli.core.mixture.covariances import FloatArray
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
    replicates = [anchor.whitening.unwhiten(summit.place.mixture) for summit in summits]
    values = np.stack([measure_on_scales(replicate) for replicate in replicates])
    with np.errstate(invalid="ignore"):  # weights of 1
        moves = (values - measure_on_scales(anchor.mixture)) * anchor.calibration
    backgrounds = None
    if mixture.background is not None:
        backgrounds = np.array([each.background.weight for each in replicates if each.background])
    found = Bootstrap(
        figures=from_scales(measure_on_scales(mixture) + np.nan_to_num(moves)),
        backgrounds=backgrounds,
        are_lost=_find_lost(replicates, mixture, cells.n_points),
        have_settled=np.array([summit.has_settled for summit in summits]),
        errors=replace(by_sandwich, level=level),
    )
    return replace(found, errors=_tell_errors(found, mixture, cells.n_points))


def _find_lost(
    replicates: Sequence[Mixture], mixture: Mixture, n_points: float
) -> npt.NDArray[np.bool_]:
    """In which replicates a component has fewer points than parameters, shape (R,).

    And less than half of those that it has in the fit, where these are few.
    """
    weights = np.stack([replicate.weights for replicate in replicates])
    fewest = np.minimum(N_PARAMETERS, mixture.weights * n_points / 2)
    return np.asarray((weights * n_points < fewest).any(axis=1))


def _tell_errors(found: Bootstrap, mixture: Mixture, n_points: float) -> Errors:
    """The errors that replicates tell of the figures for which the sandwich has any."""
    figures, kept, by_sandwich = measure_figures(mixture), found.are_kept, found.errors
    unknown = np.full(figures.shape, np.nan)
    deviations = unknown if kept.sum() < 2 else _deviate(to_scales(found.figures[kept]))
    deviations = np.where(np.isfinite(by_sandwich.standard_errors), deviations, np.nan)
    degrees = np.maximum(mixture.weights * n_points - 3, 1)
    reach = stdtrit(degrees, (1 + by_sandwich.level) / 2)[:, None] * deviations
    ends = [from_scales(measure_on_scales(mixture) + sign * reach) for sign in (-1, 1)]
    background = None
    if found.backgrounds is not None:
        background = float(_deviate(found.backgrounds[kept])) if kept.sum() > 1 else np.nan
    return replace(
        by_sandwich,
        standard_errors=deviations * measure_rates(figures),
        intervals=np.stack(ends, axis=-1),
        background=background,
    )


def _deviate(values: FloatArray) -> FloatArray:
    """The standard deviations of replicates' values, along the first axis."""
    with np.errstate(invalid="ignore"):  # of the logits of weights of 1
        return np.asarray(values.std(axis=0, ddof=1))
