"""How often each of several mixtures would have been chosen, had other samples been taken.

By resampling of estimated log-likelihoods (Kishino, Miyata & Hasegawa 1990): mixtures stay as they
are and the points' weights are drawn anew. Were mixtures fitted to the resampled points, those of
more parameters would gain by chance a second time; see docs/decisions/37-bootstrap.md. NumPy only.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from gmmcli.core.assessment.resamples import Resampling, draw_weights
from gmmcli.core.cells.cells import Cells, evaluate_cells
from gmmcli.core.mixture.covariances import FloatArray
from gmmcli.core.mixture.densities import exponentiate, log_total
from gmmcli.core.mixture.mixture import Mixture


@dataclass(frozen=True, eq=False)
class Rival:
    """A mixture that might have been chosen.

    Attributes:
        value: its criterion, of all that is in it, in twice nats; lower is better.
        losses: what of it is due to each point of a cell, shape (C,), in twice nats.
    """

    value: float
    losses: FloatArray

    @staticmethod
    def of(
        cells: Cells,
        mixture: Mixture,
        value: float,
        *,
        worth: float = 1.0,
        weighs_doubt: bool = False,
    ) -> "Rival":
        """That of a mixture.

        Args:
            cells: the data.
            mixture: in the units of the cells.
            value: see the attributes.
            worth: what a point counts for as evidence; see `cells.grain`.
            weighs_doubt: whether the criterion has what it costs to assign points, as ICL.
        """
        joint = evaluate_cells(cells, mixture.weights, mixture.means, mixture.covariances)
        logs = log_total(joint, mixture.rest, axis=0)
        losses = -logs
        if weighs_doubt:
            shares = exponentiate(joint - logs)
            losses -= np.log(np.maximum(shares.max(axis=0), 1 - shares.sum(axis=0)))
        return Rival(value, 2 * worth * losses)


@dataclass(frozen=True, eq=False)
class Choices:
    """How rivals compare in resampled points.

    Attributes:
        values: the criterion of each in each replicate, shape (R, M), in twice nats.
    """

    values: FloatArray

    @property
    def shares(self) -> FloatArray:
        """The share of replicates in which each rival is the best, shape (M,)."""
        n_replicates, n_rivals = self.values.shape
        best = np.bincount(self.values.argmin(axis=1), minlength=n_rivals)
        return np.asarray(best / n_replicates)


def count_choices(counts: FloatArray, rivals: Sequence[Rival], resampling: Resampling) -> Choices:
    """How rivals compare in resampled points.

    Args:
        counts: of the cells, shape (C,).
        rivals: M of them.
        resampling: how many replicates, and how they are drawn.
    """
    losses = np.stack([rival.losses for rival in rivals])  # (M, C)
    known = np.array([rival.value for rival in rivals])
    values = np.empty((resampling.n_replicates, len(rivals)))
    for number, weights in enumerate(draw_weights(counts, resampling)):
        values[number] = known + losses @ (weights - counts)
    return Choices(values)
