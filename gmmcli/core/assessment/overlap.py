"""How much of each component the likeliest label gives to others.

NumPy only.
"""

from typing import NamedTuple

import numpy as np

from gmmcli.core.cells.cells import Cells, assign_cells
from gmmcli.core.cells.gaps import spread_cells
from gmmcli.core.mixture.background import BACKGROUND_LABEL
from gmmcli.core.mixture.covariances import FloatArray
from gmmcli.core.mixture.mixture import Mixture


class Confusion(NamedTuple):
    """What the likeliest label takes from one component for another.

    Attributes:
        component: whose points they are; -1 for the background.
        label: that they get.
        share: of all points of the component.
    """

    component: int
    label: int
    share: float


def measure_overlap(cells: Cells, mixture: Mixture, *, at_once: int = 150_000) -> FloatArray:
    """The share of each component's points that the likeliest label gives to each, shape (P, P).

    Rows are the components whose points they are, and sum to 1; columns are labels. P is K, or
    K + 1 where there is a background, which comes last. As the responsibilities of the data tell
    it: where the mixture describes them, these are the errors of the best of classifiers. The row
    of a component without points is that of the identity.

    Args:
        cells: in data units.
        mixture: in the same units.
        at_once: see `gaps.iterate_spread_cells`.
    """
    points, _ = spread_cells(cells)
    n_parts = mixture.n_components + (mixture.background is not None)
    masses = np.zeros((n_parts, n_parts))
    for part in np.array_split(np.arange(points.n_cells), points.n_cells * n_parts // at_once + 1):
        some = points.select(part)
        shares = assign_cells(some, mixture)  # (K, N)
        if mixture.background is not None:
            rest = np.maximum(1 - shares.sum(axis=0), 0)
            shares = np.concatenate([shares, rest[None]])
        labels = shares.argmax(axis=0)
        for k, share in enumerate(shares):
            masses[k] += np.bincount(labels, share * some.counts, n_parts)
    totals = masses.sum(axis=1, keepdims=True)
    has_points = totals > np.finfo(np.float64).eps * cells.n_points
    return np.where(has_points, masses / np.where(has_points, totals, 1.0), np.eye(n_parts))


def expect_wrong(overlap: FloatArray, mixture: Mixture) -> float:
    """The share of all points whose likeliest label is not that of their component.

    Args:
        overlap: of `measure_overlap`.
        mixture: the same.
    """
    return max(1 - float(mixture.part_weights @ np.diagonal(overlap)), 0.0)


def find_worst_confusion(overlap: FloatArray, mixture: Mixture) -> Confusion | None:
    """The largest share that a component loses to another; None where there is but one.

    Args:
        overlap: of `measure_overlap`.
        mixture: the same.
    """
    if len(overlap) < 2:
        return None
    lost = np.where(np.eye(len(overlap), dtype=bool), -1.0, overlap)
    component, label = np.unravel_index(lost.argmax(), lost.shape)
    names = [*range(mixture.n_components), BACKGROUND_LABEL]
    return Confusion(names[component], names[label], float(lost[component, label]))
