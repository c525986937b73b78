"""The terrain of a mixture: its landscape in units of its spread, and the tree of its modes."""

from dataclasses import dataclass

import numpy as np

from gmmcli.core.groups.landscape import Landscape
from gmmcli.core.groups.modes import Modes, find_modes, find_tops, reach_modes
from gmmcli.core.groups.saddles import find_saddles, look_between
from gmmcli.core.groups.tree import Tree, join_modes
from gmmcli.core.mixture.covariances import FloatArray
from gmmcli.core.mixture.gaussians import Gaussians, IntArray
from gmmcli.core.mixture.mixture import Mixture
from gmmcli.core.mixture.whitening import Whitening


@dataclass(frozen=True, eq=False)
class Terrain:
    """The landscape of a mixture in units of its spread, with its modes.

    Attributes:
        gaussians: the components that have a weight, in whitened units.
        whitening: the map to these units.
        landscape: theirs.
        modes: all of theirs.
        of_components: the mode that each mean climbs to, shape (K,).
    """

    gaussians: Gaussians
    whitening: Whitening
    landscape: Landscape
    modes: Modes
    of_components: IntArray

    def climb(self, points: FloatArray) -> IntArray:
        """The mode that each point climbs to, shape (N,); points have the shape (N, 2)."""
        return self.climb_whitened(self.whitening.whiten_points(points))

    def climb_whitened(self, points: FloatArray) -> IntArray:
        """The same of points in whitened units."""
        return reach_modes(self.landscape, self.modes, points)


def survey(mixture: Mixture) -> tuple[Terrain, Tree]:
    """The landscape of a mixture, and the tree of its modes in data units.

    Modes are numbered by the first component whose mean climbs to them, and the few that no mean
    climbs to come last.
    """
    gaussians, whitening = _whiten(mixture)
    landscape = Landscape.of(gaussians)
    tops, _ = find_tops(landscape, gaussians.means)
    saddles = find_saddles(landscape, gaussians, tops)
    modes, leads_to = find_modes(landscape, np.concatenate([tops, saddles.sides.reshape(-1, 2)]))
    heights, places, pairs = look_between(landscape, modes.places)
    # Saddles come first: other ways are for modes that these leave alone.
    heights = np.concatenate([saddles.heights, heights])
    places = np.concatenate([saddles.places, places])
    pairs = np.concatenate([leads_to[len(tops) :].reshape(-1, 2), pairs])
    joins, by = join_modes(modes.heights, pairs)
    heights = np.append(heights, -np.inf)  # of the mode that joins no other
    places = np.concatenate([whitening.unwhiten_points(places), np.full((1, 2), np.nan)])
    tree = Tree(
        whitening.unwhiten_points(modes.places),
        modes.heights + whitening.log_volume,
        joins,
        places[by],
        np.minimum(np.exp(heights[by] - modes.heights), 1),
    )
    of_components = reach_modes(landscape, modes, gaussians.means)
    return Terrain(gaussians, whitening, landscape, modes, of_components), tree


def revisit(mixture: Mixture, tree: Tree) -> Terrain:
    """The landscape of a mixture whose tree is known, with modes numbered as there."""
    gaussians, whitening = _whiten(mixture)
    landscape = Landscape.of(gaussians)
    modes, _ = find_modes(landscape, whitening.whiten_points(tree.modes))
    of_components = reach_modes(landscape, modes, gaussians.means)
    return Terrain(gaussians, whitening, landscape, modes, of_components)


def _whiten(mixture: Mixture) -> tuple[Gaussians, Whitening]:
    """The components that have a weight, in units of their spread, and the map to these units."""
    has_weight = mixture.weights > 0
    gaussians = Gaussians.of(mixture).select(has_weight)
    shares = gaussians.weights / gaussians.weights.sum()
    middle = shares @ gaussians.means
    apart = gaussians.means - middle
    between = apart[:, :, None] * apart[:, None, :]
    total = np.einsum("k,kij->ij", shares, gaussians.covariances + between)
    whitening = Whitening.of(middle, total, "full")
    # Axes along which components are narrow, if they are: across both, their digits would be lost.
    within = shares @ whitening.whiten_covariances(gaussians.covariances).reshape(-1, 4)
    _, directions = np.linalg.eigh(within.reshape(2, 2))
    whitening = Whitening(np.asarray(directions.T @ whitening.matrix), middle)
    means = whitening.whiten_points(gaussians.means)
    covariances = whitening.whiten_covariances(gaussians.covariances)
    return gaussians._replace(means=means, covariances=covariances), whitening
