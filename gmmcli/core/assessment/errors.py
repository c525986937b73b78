"""The standard errors and intervals of the parameters of a mixture, at an optimum of its fit.

By the sandwich (Huber 1967; White 1982), which holds where components are not quite Gaussian too:
the inverse of the observed information on either side of the scores' second moments.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from gmmcli.core.assessment.scales import (
    OF_SHAPE,
    differentiate_axes,
    differentiate_scales,
    find_intervals,
    list_known,
    measure_figures,
    measure_rates,
    name_figures,
    read_figures,
)
from gmmcli.core.cells.cells import Cells
from gmmcli.core.cells.directions import N_PARAMETERS
from gmmcli.core.cells.information import observe_information, sum_squared_scores, take_roots
from gmmcli.core.mixture.covariances import FloatArray, are_floored
from gmmcli.core.mixture.knowledge import NOTHING_KNOWN, Knowledge
from gmmcli.core.mixture.mixture import Mixture
from gmmcli.errors import MixtureError
from gmmcli.ranges import check_word
from gmmcli.settings import ERROR_METHODS, LEVEL, CovarianceType, ErrorMethod


@dataclass(frozen=True, eq=False)
class Errors:
    """How sure the figures of components are; see `scales.FIGURES`.

    A figure that the points do not settle has none: NaN.

    Attributes:
        level: of the intervals, such as 0.95.
        standard_errors: shape (K, 6), in data units.
        model_standard_errors: the same as if components were Gaussian, shape (K, 6).
        intervals: shape (K, 6, 2), in data units.
        axes: of the standard deviations along the long and the short axis, in data units, and of
            the angle, in degrees, shape (K, 3).
        background: the standard error of the background's weight; None where there is none, or on
            six points or fewer.
        least_information: the least eigenvalue of the information, which is 1 for components apart
            and less for what the points hardly tell.
        method: how they were found.
        n_replicates: by the bootstrap, of how many resamples; 0 otherwise.
        n_left_out: of these, where a component lost its points, or that came to no optimum.

    Raises:
        MixtureError: where their shapes do not go together.
    """

    level: float
    standard_errors: FloatArray
    model_standard_errors: FloatArray
    intervals: FloatArray
    axes: FloatArray
    background: float | None
    least_information: float
    method: ErrorMethod = "sandwich"
    n_replicates: int = 0
    n_left_out: int = 0

    def __post_init__(self) -> None:
        shape = len(self.standard_errors), N_PARAMETERS
        found = [self.standard_errors, self.model_standard_errors, self.intervals[..., 0]]
        if any(each.shape != shape for each in found) or self.axes.shape != (shape[0], 3):
            raise MixtureError("the errors of components are not of one number of them")

    def find_misfit(
        self, numbers: FloatArray, *, apart: float = 1.25, chance: float = 4.0
    ) -> float | None:
        """The largest factor between a standard error and that of a Gaussian component.

        None where all are as chance may have them, and where they are of resamples, which differ
        for more reasons.

        Args:
            numbers: of the points of each component, shape (K,).
            apart: factors of less are of no matter.
            chance: Gaussians hardly reach factors with a log of so many over the root of the points
                that tell: that of a deviation's error varies by sqrt(1.5 / n), as the variance of a
                kurtosis is 24 / n.
        """
        if self.method != "sandwich":
            return None
        with np.errstate(divide="ignore", invalid="ignore"):
            logs = np.abs(np.log(self.standard_errors / self.model_standard_errors))
            told = numbers * max(self.least_information, 0.0)
            bounds = np.maximum(np.log(apart), chance / np.sqrt(told))
        beyond = logs[np.isfinite(logs) & (logs > bounds[:, None])]
        return float(np.exp(beyond.max())) if len(beyond) else None

    def to_json(self) -> dict[str, Any]:
        """The same, ready for `json.dump`; what has no error is None."""
        errors = name_figures(self.standard_errors)
        errors["axes"] = [{"sds": axes[:2], "angle": axes[2]} for axes in list_known(self.axes)]
        if self.background is not None:
            errors["background"] = self.background
        resamples = {"resamples": self.n_replicates, "left_out": self.n_left_out}
        return {
            "method": self.method,
            **(resamples if self.method == "bootstrap" else {}),
            "level": self.level,
            "standard_errors": errors,
            "model_standard_errors": name_figures(self.model_standard_errors),
            "intervals": name_figures(self.intervals),
            "least_information": self.least_information,
        }

    @staticmethod
    def from_json(values: Mapping[str, Any]) -> "Errors":
        """The errors that `to_json` gave.

        Raises:
            MixtureError: where they do not go together.
        """
        own = values["standard_errors"]
        axes = [[*each["sds"], each["angle"]] for each in own["axes"]]
        return Errors(
            level=float(values["level"]),
            standard_errors=read_figures(own),
            model_standard_errors=read_figures(values["model_standard_errors"]),
            intervals=read_figures(values["intervals"]),
            axes=np.array(axes, dtype=np.float64),
            background=own.get("background"),
            least_information=float(values["least_information"]),
            method=check_word("method", values["method"], ERROR_METHODS),
            n_replicates=int(values.get("resamples", 0)),
            n_left_out=int(values.get("left_out", 0)),
        )


def estimate_errors(
    cells: Cells,
    mixture: Mixture,
    covariance: CovarianceType = "full",
    least: FloatArray | None = None,
    *,
    level: float = LEVEL,
    known: Knowledge = NOTHING_KNOWN,
) -> Errors:
    """The errors of the figures of a mixture, where it is an optimum of its fit to some cells.

    Of components on few points, standard errors come out too small by the root of n / (n - 6) for
    n points, and intervals are those of Student's t with n - 3 degrees of freedom. Where components
    overlap, the points hold but a share r of the information on a figure that they would if it were
    known whose they are: the factor is the root of 1 + 6 / (r (n - 6)) then, and the degrees of
    freedom are r (n - 3) (Barnard & Rubin 1999, section 2). Behind a weight are all points, so that
    two that sum to 1 have the same error. The points of a cell count as one place, which changes
    errors by less than 0.1 % where cells are not told to be too coarse.

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
    n_points = cells.n_points + known.n_points
    information = observe_information(
        cells, mixture, covariance, least, moves_background=True, known=known
    )
    scores = sum_squared_scores(cells, mixture, known=known)
    inverse = information.inverse
    sandwich = inverse @ scores @ inverse
    spreads = sandwich, inverse, information.directions @ information.directions.T
    roots = take_roots(mixture.weights, n_points)
    errors, by_model, apart = _take_errors(spreads, differentiate_scales(mixture, roots))
    numbers, shares = count_points_behind(mixture, n_points), _share_information(by_model, apart)
    few = _allow_for_few(numbers, shares)
    few[~_are_open(mixture, least, known)] = np.nan
    figures = measure_figures(mixture)
    rates = measure_rates(figures)
    of_axes, *of_model = _take_errors(spreads, differentiate_axes(mixture, roots))
    few_of_axes = _allow_for_few(numbers[:, OF_SHAPE], _share_information(*of_model))
    return Errors(
        level=level,
        standard_errors=errors * few * rates,
        model_standard_errors=by_model * few * rates,
        intervals=find_intervals(figures, errors * few, shares * (numbers - 3), level),
        axes=np.where(np.isnan(few[:, OF_SHAPE]), np.nan, of_axes * few_of_axes),
        background=_find_background_error(spreads, mixture, n_points),
        least_information=float(information.lengths[0]),
    )


def _share_information(errors: npt.ArrayLike, apart: npt.ArrayLike) -> FloatArray:
    """The share of the information on figures that is left where components overlap, as errors.

    Args:
        errors: the standard errors of figures.
        apart: the same if it were known which points are whose.
    """
    errors, apart = np.asarray(errors), np.asarray(apart)
    ratios = np.divide(apart, errors, out=np.ones_like(errors), where=errors > apart)
    return np.asarray(ratios**2)


def _allow_for_few(numbers: npt.ArrayLike, shares: FloatArray) -> FloatArray:
    """By how much standard errors of figures are too small; NaN of those on too few points.

    Args:
        numbers: of the points behind each.
        shares: of their information.
    """
    beyond = np.asarray(numbers) - N_PARAMETERS
    beyond = np.where(beyond > 0, beyond, np.nan)
    return np.asarray(np.sqrt(1 + N_PARAMETERS / (shares * beyond)))


def count_points_behind(mixture: Mixture, n_points: float) -> FloatArray:
    """How many of N points are behind each figure of the components, shape (K, 6).

    All are behind a weight, and those of the component behind its mean and shape.
    """
    numbers = np.repeat((mixture.weights * n_points)[:, None], N_PARAMETERS, axis=1)
    numbers[:, 0] = np.where(numbers[:, 0] >= 1, n_points, 0.0)
    return numbers


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


def _take_errors(spreads: Sequence[FloatArray], rates: FloatArray) -> list[FloatArray]:
    """Standard errors of some figures of components, shape (K, F) each.

    Args:
        spreads: covariances of the parameters, shape (6P, 6P).
        rates: how the figures change with the parameters of their component, shape (K, F, 6).
    """
    own, found = np.arange(len(rates)), list[FloatArray]()
    for spread in spreads:
        blocks = spread.reshape(-1, N_PARAMETERS, len(spread) // N_PARAMETERS, N_PARAMETERS)
        variances = np.einsum("kfp,kpq,kfq->kf", rates, blocks[own, :, own], rates)
        found.append(np.asarray(np.sqrt(np.maximum(variances, 0))))
    return found


def _find_background_error(
    spreads: Sequence[FloatArray], mixture: Mixture, n_points: float
) -> float | None:
    """The standard error of the weight of a background; None where there is none, or few points.

    Args:
        spreads: as points are, as components are Gaussian, and as if these were apart.
        mixture: with its background.
        n_points: N.
    """
    if mixture.background is None:
        return None
    weight, place = mixture.background.weight, mixture.n_components * N_PARAMETERS
    variances = np.array([spread[place, place] for spread in spreads]) * weight / n_points
    error, by_model, apart = np.sqrt(variances)
    error *= _allow_for_few(n_points, _share_information(by_model, apart))
    return float(error) if np.isfinite(error) else None
