"""Where the climbs of replicates begin: the optimum of a mixture on the points that are resampled.

These are as few as have the errors of all, as near as replicates can tell them.
"""

from dataclasses import dataclass, replace

import numpy as np

from gmmcli.core.assessment.errors import Errors, estimate_errors
from gmmcli.core.assessment.optimum import Likelihood, Summit, climb
from gmmcli.core.assessment.resamples import Resampling, WeightedPoints
from gmmcli.core.assessment.scales import measure_figures, measure_rates, to_scales
from gmmcli.core.cells.cells import Cells, find_whitening
from gmmcli.core.mixture.covariances import FloatArray
from gmmcli.core.mixture.mixture import Mixture
from gmmcli.core.mixture.structures import STRUCTURES
from gmmcli.core.mixture.whitening import Whitening
from gmmcli.settings import CovarianceType

# The fewest cells that replicates are climbed on where there are more: seconds against the error of
# errors (docs/decisions/37-bootstrap.md).
FEWEST_CELLS = 3_000


@dataclass(frozen=True, eq=False)
class Anchor:
    """Where the climbs of replicates begin.

    Attributes:
        points: that weights are drawn for.
        likelihood: of these with their own weights, in whitened units.
        top: the optimum of the mixture there.
        whitening: from data units.
        calibration: by how much errors by all cells exceed those by these points, on the scales of
            figures, shape (K, 6).
    """

    points: WeightedPoints
    likelihood: Likelihood
    top: Summit
    whitening: Whitening
    calibration: FloatArray

    @staticmethod
    def of(
        points: WeightedPoints,
        mixture: Mixture,
        covariance: CovarianceType,
        least: FloatArray | None,
    ) -> "Anchor":
        """That of a mixture on some points, without calibration.

        Args:
            points: that weights are drawn for.
            mixture: an optimum on these or on what they stand for, in data units.
            covariance: its covariance type.
            least: the least covariance, shape (2, 2); by default that of a fit without a grain.
        """
        whitening = find_whitening(points.cells, covariance)
        if least is None:
            least = whitening.floor() * np.eye(2)
        else:
            least = whitening.whiten_covariances(least[None])[0]
        least = STRUCTURES[covariance].adapt_least(least)
        likelihood = Likelihood(points.cells.whiten(whitening), covariance, least)
        top = climb(likelihood, whitening.whiten(mixture))
        return Anchor(points, likelihood, top, whitening, np.ones((mixture.n_components, 6)))

    @property
    def mixture(self) -> Mixture:
        """The optimum, in data units."""
        return self.whitening.unwhiten(self.top.place.mixture)

    def climb(self, counts: FloatArray) -> Summit:
        """The optimum of the points with other weights, shape (C,), in whitened units."""
        start, information = self.top.place.mixture, self.top.information
        return climb(self.likelihood.reweigh(counts), start, information)


def find_anchor(
    cells: Cells,
    mixture: Mixture,
    covariance: CovarianceType,
    least: FloatArray | None,
    resampling: Resampling,
    *,
    more: int = 3,
) -> tuple[Anchor, Errors]:
    """Where the climbs of replicates begin, and the errors by the sandwich.

    On so few cells that errors by the sandwich are those of all cells, as near as the replicates
    can tell: a standard deviation is known to one in the root of twice their number.

    Args:
        cells: the data, in data units.
        mixture: an optimum of its fit to these.
        covariance: its covariance type.
        least: the least covariance, shape (2, 2).
        resampling: how many replicates, and how they are drawn.
        more: how many times as many cells are tried next (docs/decisions/37-bootstrap.md).
    """
    worth, most = resampling.worth, FEWEST_CELLS
    weighed = cells.weigh(worth, resampling.find_squares(cells.counts))
    errors = estimate_errors(weighed, mixture, covariance, least)
    precision = 1 / np.sqrt(2 * resampling.n_replicates)
    while True:
        points = WeightedPoints.of(cells, resampling, most)
        anchor = Anchor.of(points, mixture, covariance, least)
        if not points.are_merged:
            return anchor, errors
        weighed = points.cells.weigh(worth, points.squares)
        own = estimate_errors(weighed, anchor.mixture, covariance, least)
        ratios = _put_on_scales(errors, mixture) / _put_on_scales(own, anchor.mixture)
        ratios = np.where(np.isfinite(ratios), ratios, 1.0)
        if np.abs(np.log(ratios)).max() < precision:
            return replace(anchor, calibration=ratios), errors
        most *= more


def measure_on_scales(mixture: Mixture) -> FloatArray:
    """The figures of a mixture on their scales, shape (K, 6)."""
    with np.errstate(divide="ignore"):  # the logit of a weight of 1
        return to_scales(measure_figures(mixture))


def _put_on_scales(errors: Errors, mixture: Mixture) -> FloatArray:
    """Standard errors of figures on their scales, shape (K, 6)."""
    with np.errstate(invalid="ignore", divide="ignore"):  # of what has none
        return np.asarray(errors.standard_errors / measure_rates(measure_figures(mixture)))
