"""Two fits compared: component by component in standard errors, and as one mixture against two."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.special import chdtrc

from gmmcli.core.assessment.errors import Errors
from gmmcli.core.assessment.scales import (
    FIGURES,
    list_known,
    measure_figures,
    measure_rates,
    to_scales,
)
from gmmcli.core.mixture.covariances import FloatArray
from gmmcli.core.mixture.distances import measure_distances
from gmmcli.core.mixture.matching import match
from gmmcli.core.mixture.structures import count_parameters
from gmmcli.core.runs.directory import RunRecord
from gmmcli.core.runs.fits import fit_starts
from gmmcli.core.search.status import Status
from gmmcli.errors import RunError


@dataclass(frozen=True)
class LikelihoodRatio:
    """How much better two mixtures describe two data sets than one describes both.

    Attributes:
        statistic: twice the log-likelihood ratio.
        degrees: of freedom: the number of free parameters of one mixture.
        p_value: how often it is larger where the truth is one mixture of Gaussians (Wilks 1938).
        is_doubtful: whether components are not Gaussian, so that the p-value is too small.
    """

    statistic: float
    degrees: int
    p_value: float
    is_doubtful: bool


@dataclass(frozen=True, eq=False)
class Comparison:
    """How one run's mixture differs from another's, over P pairs of components.

    Attributes:
        pairs: the numbers of the components, in the first run and the second, shape (P, 2).
        distances: the Bhattacharyya distances between these, in nats, shape (P,).
        differences: of the figures, the second less the first, shape (P, 6), in data units.
        standard_errors: of the differences, shape (P, 6); NaN where one has none.
        z_scores: of the figures on their scales, shape (P, 6); NaN where one has no error.
        alone: the numbers of the components without a partner, of either run.
        are_of_one_source: whether both runs are of the same table.
        likelihood_ratio: None where the mixtures are not of one kind and number.
    """

    pairs: npt.NDArray[np.intp]
    distances: FloatArray
    differences: FloatArray
    standard_errors: FloatArray
    z_scores: FloatArray
    alone: tuple[tuple[int, ...], tuple[int, ...]]
    are_of_one_source: bool
    likelihood_ratio: LikelihoodRatio | None

    def to_json(self) -> dict[str, Any]:
        """The same, ready for `json.dump`; what has no error is None."""
        pairs = [
            {
                "components": self.pairs[p].tolist(),
                "distance": float(self.distances[p]),
                "differences": _name(self.differences[p]),
                "standard_errors": _name(self.standard_errors[p]),
                "z_scores": _name(self.z_scores[p]),
            }
            for p in range(len(self.pairs))
        ]
        ratio = self.likelihood_ratio
        return {
            "pairs": pairs,
            "alone": [list(numbers) for numbers in self.alone],
            "likelihood_ratio": None if ratio is None else vars(ratio),
        }


def compare_runs(first: RunRecord, second: RunRecord) -> Comparison:
    """How the mixtures of two runs of independent data differ.

    Components are paired so that the sum of their Bhattacharyya distances is least. The two are
    tried against one mixture by fitting that to the cells of both.

    Raises:
        RunError: when they are of other coordinates, or one has no errors.
        FitError: when the fit of both diverges.
    """
    if first.columns != second.columns:
        names = " and ".join(f"{x!r}, {y!r}" for x, y in (first.columns, second.columns))
        raise RunError(f"the runs are of different coordinates, {names}: compare runs of the same")
    errors = [_take_errors(run) for run in (first, second)]
    partners = match(first.mixture, second.mixture)
    pairs = np.stack([np.flatnonzero(partners >= 0), partners[partners >= 0]], axis=1)
    figures, own = [], []
    for run, of_run, numbers in zip((first, second), errors, pairs.T, strict=True):
        figures.append(measure_figures(run.mixture)[numbers])
        own.append(of_run.standard_errors[numbers])
    with np.errstate(divide="ignore", invalid="ignore"):
        apart = to_scales(figures[1]) - to_scales(figures[0])
        spreads = [error / measure_rates(each) for error, each in zip(own, figures, strict=True)]
        z_scores = apart / np.hypot(*spreads)
    numbers_of = [range(run.mixture.n_components) for run in (first, second)]
    alone = [set(numbers) - set(p) for numbers, p in zip(numbers_of, pairs.T.tolist(), strict=True)]
    return Comparison(
        pairs=pairs,
        distances=measure_distances(first.mixture, second.mixture)[tuple(pairs.T)],
        differences=figures[1] - figures[0],
        standard_errors=np.hypot(*own),
        z_scores=np.where(np.isfinite(z_scores), z_scores, np.nan),
        alone=(tuple(sorted(alone[0])), tuple(sorted(alone[1]))),
        are_of_one_source=_tell_source(first) == _tell_source(second),
        likelihood_ratio=_test_likelihood(first, second),
    )


def _tell_source(run: RunRecord) -> tuple[str, str | None, str | None]:
    """What rows a run is of: the table, and the condition that they meet."""
    asked = run.provenance.asked
    return run.provenance.source, asked.table, asked.where


def _take_errors(run: RunRecord) -> Errors:
    """The errors of a run.

    Raises:
        RunError: when it has none.
    """
    if run.errors is None:
        raise RunError(
            f"the fit of {run.provenance.source} has no standard errors, as it did not converge "
            "or an earlier version wrote it: fit it again"
        )
    return run.errors


def _test_likelihood(first: RunRecord, second: RunRecord) -> LikelihoodRatio | None:
    """The likelihood-ratio test of one mixture against two; None where there is none.

    There is one of mixtures of one kind, of the data alone. Points count as what they are worth as
    evidence; the one mixture is the better of where the climbs from either lead.
    """
    one, other = first.mixture, second.mixture
    covariance = first.settings.covariance
    are_alike = covariance == second.settings.covariance and one.n_components == other.n_components
    is_plain = not any(run.mixture.background or run.known.is_any for run in (first, second))
    if not (are_alike and is_plain):
        return None
    weighed = [run.cells.weigh(run.figures.worth) for run in (first, second)]
    pooled = fit_starts(weighed[0].join(weighed[1]), first.settings, (one, other))
    if pooled.status is not Status.CONVERGED:
        return None
    apart = sum(run.figures.log_likelihood * run.figures.worth for run in (first, second))
    statistic = 2 * (apart - pooled.elbo)
    degrees = count_parameters(one.n_components, covariance)
    p_value = float(chdtrc(degrees, max(statistic, 0.0)))
    return LikelihoodRatio(statistic, degrees, p_value, any(map(_is_misfit, (first, second))))


def _is_misfit(run: RunRecord) -> bool:
    """Whether some component of a run is told not to be Gaussian."""
    return run.diagnostics is not None and bool(run.diagnostics.misfit.worst_first)


def _name(values: FloatArray) -> dict[str, Any]:
    """The figures of a component, shape (6,), by their names."""
    return dict(zip(FIGURES, list_known(values), strict=True))
