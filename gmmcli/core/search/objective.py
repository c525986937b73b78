"""Whether a mixture says something about the data, or has high likelihood for its thinness alone.

And what an optimum is worth beside others, without what thinness brings it.

NumPy only; everything is in whitened units.
"""

import numpy as np
import numpy.typing as npt

from gmmcli.core.cells.cells import Cells
from gmmcli.core.mixture.covariances import FloatArray, are_floored, half_log_determinants
from gmmcli.core.mixture.mixture import Mixture
from gmmcli.core.search.status import Status

# The least share of a handful that closes in: two points define a strip, and among all strips of a
# width chance brings one that gains as much as they do.
LEAST_CLOSING_IN = 1 / 3
# A component on the floor stands out that has so many handfuls of points, and where its shape holds
# no more than a handful at so many places nearby, or so many times fewer.
STANDING_OUT = 5
PLACES = 8
FEWER = 50
# So much of a handful is enough, as every component leaves others a little of its points.
ENOUGH = 0.99
# A component whose logarithm of the area is larger by less than this is no wider: it is rounding.
WIDER = 1e-6
# A component on a few points that lies so many standard deviations from each of the others is no
# part of them.
FAR = 10.0
# What a shape holds is within so many standard deviations.
REACH = 5.0


def score(mixture: Mixture, elbo: float, n_points: float, handful: float) -> float:
    """An ELBO, in nats, less what components gain by being thin, for comparisons of optima.

    Args:
        mixture: in whitened units.
        elbo: of the mixture.
        n_points: how many points it is of, N.
        handful: how many points are enough for a component, in the units of the cells' counts.
    """
    held = mixture.weights * n_points
    return elbo - float(gains_by_thinness(held, mixture.covariances, handful).sum())


def gains_by_thinness(held: FloatArray, covariances: FloatArray, handful: float) -> FloatArray:
    """What each component may gain by nothing but being thin, shape (K,), in nats.

    The likelihood of a component on a few points grows without bound as it closes in on them. This
    is what a handful of them would gain so, or fewer where the component has more: they are less
    likely to be where they are by chance. It does not depend on units.

    Args:
        held: how many points each component has, shape (K,).
        covariances: shape (K, 2, 2), in whitened units.
        handful: how many points are enough for a component, in the units of the counts.
    """
    share = np.clip(handful / np.maximum(held, handful), LEAST_CLOSING_IN, 1)
    gains: FloatArray = -handful * share * half_log_determinants(covariances)
    return gains


def flaw(cells: Cells, mixture: Mixture, handful: float, floor: float) -> Status | None:
    """What keeps a mixture from being chosen; None where nothing does.

    Every component has points enough or is of strays, and those on the floor stand out. A few
    points far from all others are strays: their component is wider than the others are on average,
    by the logarithms of their areas, or many standard deviations from each of them. One value that
    many rows share is a group, and so is a line of them. The values of rounded data are not: each
    has neighbours with about as many points. Places that components on the floor have for
    themselves are no neighbours.

    Args:
        cells: the data.
        mixture: of them.
        handful: how many points are enough for a component, in the units of the cells' counts.
        floor: the least eigenvalue of a covariance.
    """
    if not _stand_out_on_floor(cells, mixture, handful, floor):
        return Status.ON_FLOOR
    few = have_few_points(mixture, cells.n_points, handful)
    return None if are_strays(mixture, few) else Status.ON_FEW


def have_few_points(mixture: Mixture, n_points: float, handful: float) -> npt.NDArray[np.bool_]:
    """Which components have fewer points than a handful, shape (K,).

    Args:
        mixture: in any units.
        n_points: how many points it is of, N.
        handful: how many points are enough for a component, in the units of the cells' counts.
    """
    return np.asarray(mixture.weights * n_points < ENOUGH * handful)


def are_strays(mixture: Mixture, few: npt.NDArray[np.bool_]) -> bool:
    """Whether all components on few points, if any, are wider than the others or far from them.

    Args:
        mixture: in any units.
        few: which components are on few points, shape (K,).
    """
    if few.all() or not few.any():
        return not few.any()
    log_areas = half_log_determinants(mixture.covariances)
    others = np.average(log_areas[~few], weights=mixture.weights[~few])
    are_wider = log_areas[few] > others + WIDER
    away = mixture.means[few][:, None] - mixture.means[~few]  # (F, E, 2)
    inverses = np.linalg.inv(mixture.covariances[~few])
    squares = np.einsum("fei,eij,fej->fe", away, inverses, away)
    are_far = squares.min(axis=1) > FAR**2
    return bool((are_wider | are_far).all())


def _stand_out_on_floor(cells: Cells, mixture: Mixture, handful: float, floor: float) -> bool:
    """Whether all components on the floor stand out from what is near them."""
    thin = np.flatnonzero(are_floored(mixture.covariances, floor))
    if not len(thin):
        return True
    shares = [_shares(cells, mixture.means[k], mixture.covariances[k]) for k in thin]
    held = [float(cells.counts @ share) for share in shares]
    if min(held) < STANDING_OUT * handful:
        return False
    elsewhere = np.all([share == 0 for share in shares], axis=0)
    if cells.counts @ elsewhere < handful:  # there is nothing but values, or lines
        return True
    nearby = (
        _held_nearby(cells, mixture.means[k], mixture.covariances[k], elsewhere) for k in thin
    )
    return all(other <= max(handful, own / FEWER) for own, other in zip(held, nearby, strict=True))


def _shares(cells: Cells, mean: FloatArray, covariance: FloatArray) -> FloatArray:
    """The share of each cell's points that the shape of a Gaussian may hold, about; (C,)."""
    both = cells.covariances + covariance  # wide cells have few of their points in a thin shape
    away = cells.means - mean
    (xx, xy), (_, yy) = both.transpose(1, 2, 0)
    own_determinant = np.linalg.det(covariance)
    determinants = np.maximum(xx * yy - xy**2, own_determinant)
    x, y = away.T
    distances = (yy * x**2 + xx * y**2 - 2 * xy * x * y) / determinants
    most = REACH**2 / 2 * np.sqrt(own_determinant / determinants)
    return np.where(distances < REACH**2, np.minimum(most, 1.0), 0.0)


def _held_nearby(
    cells: Cells, mean: FloatArray, covariance: FloatArray, elsewhere: npt.NDArray[np.bool_]
) -> float:
    """How many points the shape of a component holds at cells nearby, at most.

    Args:
        cells: C of them.
        mean: of the component.
        covariance: of the component.
        elsewhere: which cells may be such places, shape (C,).
    """
    places = cells.means[elsewhere]
    distances = np.linalg.norm(places - mean, axis=1)
    nearest = places[np.argsort(distances, kind="stable")[:PLACES]]
    held = [float(cells.counts @ _shares(cells, place, covariance)) for place in nearest]
    return max(held)
