"""The errors of the figures of a mixture from its fits to resampled points.

By the weighted-likelihood bootstrap (Newton & Raftery 1994). It needs no quadratic approximation,
which falls short where components overlap much or have few points.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from gmmcli.core.assessment.anchor import Anchor, find_anchor, measure_on_scales
from gmmcli.core.assessment.errors import Errors, count_points_behind
from gmmcli.core.assessment.optimum import Summit
from gmmcli.core.assessment.resamples import Resampling
from gmmcli.core.assessment.scales import (
    OF_SHAPE,
    find_intervals,
    from_scales,
    measure_figures,
    measure_rates,
)
from gmmcli.core.cells.cells import Cells
from gmmcli.core.cells.directions import N_PARAMETERS
from gmmcli.core.mixture.covariances import FloatArray, are_floored
from gmmcli.core.mixture.ellipses import Ellipses
from gmmcli.core.mixture.mixture import Mixture
from gmmcli.settings import LEVEL, CovarianceType


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
    level: float = LEVEL,
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
        if resampling.interrupted():
            break
    are_lost = _find_lost(summits, anchor, resampling.worth)
    have_settled = np.array([summit.has_settled for summit in summits])
    replicates = [anchor.whitening.unwhiten(summit.place.mixture) for summit in summits]
    values = np.stack([measure_on_scales(replicate) for replicate in replicates])
    with np.errstate(invalid="ignore"):  # a weight of 1, or a component on a line
        moves = (values - measure_on_scales(anchor.mixture)) * anchor.calibration
    backgrounds = None
    if mixture.background is not None:
        backgrounds = np.array([each.background.weight for each in replicates if each.background])
    figures = from_scales(measure_on_scales(mixture) + np.nan_to_num(moves))
    found = Bootstrap(figures, backgrounds, are_lost, have_settled, by_sandwich)
    numbers = count_points_behind(mixture, cells.n_points * resampling.worth)
    return replace(found, errors=_tell_errors(found, mixture, moves, numbers, level))


def _find_lost(summits: Sequence[Summit], anchor: Anchor, worth: float) -> npt.NDArray[np.bool_]:
    """In which replicates a component has lost its points, or its shape to a few, shape (R,).

    It has fewer points than parameters, and less than half of those that it has in the fit, where
    these are few; or it stands on the least covariance, where the fit's does not.
    """
    start, least = anchor.top.place.mixture, anchor.likelihood.least
    n_points = anchor.likelihood.points.n_points * worth
    fewest = np.minimum(N_PARAMETERS, start.weights * n_points / 2)
    stood = are_floored(start.covariances, least)
    found = [summit.place.mixture for summit in summits]
    faint = [(each.weights * n_points < fewest).any() for each in found]
    flat = [(are_floored(each.covariances, least) & ~stood).any() for each in found]
    return np.asarray(np.array(faint) | np.array(flat))


def _tell_errors(
    found: Bootstrap, mixture: Mixture, moves: FloatArray, numbers: FloatArray, level: float
) -> Errors:
    """The errors of the replicates that are kept, of the figures for which the sandwich has any.

    Args:
        found: the replicates, with the errors by the sandwich.
        mixture: the fit, in data units.
        moves: of the replicates from the fit, on the scales of figures, shape (R, K, 6).
        numbers: of the points behind each figure, shape (K, 6).
        level: of the intervals.
    """
    known, kept = found.errors, found.are_kept
    deviations = _deviate(moves[kept], known.standard_errors)
    axes = _turn_axes(found.figures[kept], mixture)
    figures = measure_figures(mixture)
    background = None
    if found.backgrounds is not None:
        background = float(_deviate(found.backgrounds[kept], np.array(0.0)))
    return replace(
        known,
        level=level,
        standard_errors=deviations * measure_rates(figures),
        intervals=find_intervals(figures, deviations, numbers - 3, level),
        axes=_deviate(axes, known.axes),
        background=background,
        method="bootstrap",
        n_replicates=len(kept),
        n_left_out=int((~kept).sum()),
    )


def _turn_axes(figures: FloatArray, mixture: Mixture) -> FloatArray:
    """The axes of replicates as `Errors.axes` has them, shape (R, K, 3).

    Angles are from those of the fit, half a turn at most.

    Args:
        figures: shape (R, K, 6).
        mixture: the fit.
    """
    sd_x, sd_y, correlations = np.moveaxis(figures[..., OF_SHAPE], -1, 0)  # (R, K) each
    across = correlations * sd_x * sd_y
    covariances = np.stack([sd_x**2, across, across, sd_y**2], axis=-1).reshape(-1, 2, 2)
    ellipses, own = Ellipses.of(covariances), Ellipses.of(mixture.covariances)
    turns = ellipses.angles.reshape(sd_x.shape) - own.angles
    turns = (turns + np.pi / 2) % np.pi - np.pi / 2
    sds = np.sqrt(ellipses.variances).reshape(*sd_x.shape, 2)
    return np.concatenate([sds, np.degrees(turns)[..., None]], axis=-1)


def _deviate(values: FloatArray, known: FloatArray) -> FloatArray:
    """The standard deviations of values along the first axis; NaN of fewer than two.

    Args:
        values: of replicates, shape (R, ...).
        known: NaN where there is nothing to be told, shape (...).
    """
    if len(values) < 2:
        return np.full(known.shape, np.nan)
    with np.errstate(invalid="ignore"):  # of the logits of weights of 1
        return np.where(np.isnan(known), np.nan, values.std(axis=0, ddof=1))
