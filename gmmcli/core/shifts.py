"""How far cells move the parameters of a mixture, in standard errors.

Where a fit of cells has converged, the gradient of its ELBO is nil, but that of the points'
log-likelihood is not. One step of scoring from there, with the empirical information (McLachlan &
Krishnan 2008, "The EM algorithm and extensions", on Newton-type methods and on standard errors),
tells how far the parameters are from where the points would have them. NumPy only.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from gmmcli.core.cells import Cells, cubature_places
from gmmcli.core.mixture import FloatArray, Mixture, log_sum_exp

IntArray = npt.NDArray[np.intp]

# So many cells times components are enough for the information.
ENOUGH = 250_000
# So many are worked on at once.
AT_ONCE = 1_000_000
# A responsibility that differs by less within a cell moves nothing.
LEAST_DIFFERENCE = 1e-9
# Added to the information for each parameter, where 1 is that of a component apart from others:
# parameters that the points do not tell apart have standard errors all the same.
LEAST_INFORMATION = 1e-8
# The parameters of a component: its weight, two of its mean, three of its covariance.
N_PARAMETERS = 6


@dataclass(frozen=True, eq=False)
class Shifts:
    """How far cells move the parameters of K components.

    Of a component's six parameters, that combination counts which moves farthest in its standard
    error, so that none moves farther, whatever the units and axes.

    Attributes:
        totals: how far all cells together move each component, shape (K,), in standard errors.
        n_cells: the number of cells, C.
        cells: the cells that move components, one for each of their components, shape (E,).
        components: those components, shape (E,).
        scores: by what they pull their parameters, divided by the root of the component's mass,
            shape (E, 6).
        directions: how far such pulls on each component move each component in the direction in
            which all together move it, shape (K, 6, K), in standard errors.
    """

    totals: FloatArray
    n_cells: int
    cells: IntArray
    components: IntArray
    scores: FloatArray
    directions: FloatArray

    def by_cell(self, component: int) -> FloatArray:
        """How far each cell moves a component, shape (C,), in standard errors, with its sign."""
        along = self.directions[self.components, :, component]
        moved = (self.scores * along).sum(axis=1)
        return np.bincount(self.cells, moved, self.n_cells).astype(np.float64)


def estimated_shift(cells: Cells, mixture: Mixture) -> float:
    """How far cells move the component that they move farthest, in standard errors."""
    return float(shifts(cells, mixture).totals.max())


def shifts(cells: Cells, mixture: Mixture) -> Shifts:
    """How far cells move the parameters from where their points would have them, estimated.

    The points of a cell stand in the same four places as for `gaps`. Parameters are those of free
    weights and full covariances, also where the mixture was fitted with others: a covariance that
    all components share may move by more of its standard error.

    Args:
        cells: in data units.
        mixture: that these cells are fitted by, in data units.
    """
    n_components = mixture.n_components
    pulls = list(_pulls(cells, mixture))
    of_cells, components, scores = (np.concatenate(parts) for parts in zip(*pulls, strict=True))
    if not len(of_cells):
        shape = (n_components, N_PARAMETERS, n_components)
        zeros = np.zeros(n_components)
        return Shifts(zeros, cells.n_cells, of_cells, components, scores, np.zeros(shape))
    masses = np.maximum(mixture.weights * cells.n_points, np.finfo(np.float64).tiny)  # (K,)
    scores /= np.sqrt(masses)[components, None]
    summed = np.zeros((n_components, N_PARAMETERS))
    np.add.at(summed, components, scores)
    covariance = _covariance(cells, mixture, masses)  # (K, 6, K, 6)
    moved = np.einsum("kalb,lb->ka", covariance, summed)
    own = covariance[np.arange(n_components), :, np.arange(n_components)]  # (K, 6, 6)
    directions = np.einsum("kab,kb->ka", np.linalg.pinv(own, rcond=1e-12, hermitian=True), moved)
    totals = np.sqrt(np.maximum((directions * moved).sum(axis=1), 0))  # rounding
    directions /= np.where(totals > 0, totals, 1)[:, None]
    along = np.einsum("kalb,lb->kal", covariance, directions)
    return Shifts(totals, cells.n_cells, of_cells, components, scores, along)


def _pulls(cells: Cells, mixture: Mixture) -> Iterator[tuple[IntArray, IntArray, FloatArray]]:
    """Parts of the cells (E,) that pull components (E,), and by what, shape (E, 6)."""
    (wide,) = np.nonzero(cells.have_spread)
    n_parts = len(wide) * mixture.n_components // AT_ONCE + 1
    for part in np.array_split(wide, n_parts):
        places = cubature_places(cells.chosen(part))
        joint = np.stack([mixture.joint_log_densities(place) for place in places])  # (4, C, K)
        shares = np.exp(joint - log_sum_exp(joint)[..., None])
        mean_joint = joint.mean(axis=0)
        shared = np.exp(mean_joint - log_sum_exp(mean_joint)[:, None])  # (C, K)
        differ = shares.max(axis=0) - shares.min(axis=0) > LEAST_DIFFERENCE
        rows, components = np.nonzero(differ)
        more = (shares - shared)[:, rows, components] / len(places)
        features = _features(places[:, rows], mixture, components)
        scores = np.stack([(more * feature).sum(axis=0) for feature in features], axis=1)
        yield part[rows], components, cells.counts[part[rows], None] * scores


def _covariance(cells: Cells, mixture: Mixture, masses: FloatArray) -> FloatArray:
    """The covariance of the estimated parameters, shape (K, 6, K, 6).

    In units in which that of a component apart from others is the identity. The masses of the
    components are free in the information, and their sum is then held.
    """
    size = mixture.n_components * N_PARAMETERS
    few = _few(cells, ENOUGH // mixture.n_components)
    features = _features(few.means[:, None], mixture, np.arange(mixture.n_components))
    shares = mixture.responsibilities(few.means) / np.sqrt(masses)
    scores = np.stack([shares * feature for feature in features], axis=2).reshape(-1, size)
    information = (few.counts[:, None] * scores).T @ scores + LEAST_INFORMATION * np.eye(size)
    together = np.zeros((mixture.n_components, N_PARAMETERS))
    together[:, 0] = np.sqrt(masses)  # by which all masses grow alike
    covariance = np.linalg.inv(information).astype(np.float64)
    held = covariance @ together.ravel()
    covariance -= np.outer(held, held) / (together.ravel() @ held)
    return covariance.reshape(*together.shape, *together.shape)


def _few(cells: Cells, most: int) -> Cells:
    """At most so many of the cells, evenly by their points, each for as many of them."""
    if cells.n_cells <= most:
        return cells
    up_to = np.cumsum(cells.counts)
    chosen = np.searchsorted(up_to, (np.arange(most) + 0.5) / most * up_to[-1])
    return replace(cells.chosen(chosen), counts=np.full(most, cells.n_points / most))


def _features(points: FloatArray, mixture: Mixture, components: IntArray) -> list[FloatArray]:
    """The gradients of components' log densities in their six parameters.

    The parameters are the log of the mass, and the mean and covariance in units in which the
    component is round: the second moments of the gradients over its points are the identity.

    Args:
        points: shape (..., 2).
        mixture: in the same units.
        components: one for each point, in a shape that broadcasts with theirs.
    """
    factors, means = mixture.cholesky_factors(), mixture.means
    u = (points[..., 0] - means[components, 0]) / factors[components, 0, 0]
    along = factors[components, 1, 0] * u
    v = (points[..., 1] - means[components, 1] - along) / factors[components, 1, 1]
    root = np.sqrt(2)
    return [np.ones_like(u), u, v, (u**2 - 1) / root, u * v, (v**2 - 1) / root]
