"""Groups: the modes of a mixture that no clear valley divides, and what climbs to them."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from gmmcli.core.cells.cells import Cells, assign_cells, sum_groups
from gmmcli.core.groups.terrain import revisit, survey
from gmmcli.core.groups.tree import Tree
from gmmcli.core.mixture.background import BACKGROUND_LABEL
from gmmcli.core.mixture.covariances import FloatArray
from gmmcli.core.mixture.gaussians import IntArray
from gmmcli.core.mixture.mixture import Mixture
from gmmcli.errors import MixtureError
from gmmcli.settings import VALLEY


@dataclass(frozen=True, eq=False)
class Groups:
    """The groups of a mixture: modes that are one where the valley between them is shallow.

    Attributes:
        tree: of the modes.
        valley: how high a saddle is, as a share of the lower mode, that divides no more.
        shares: the share of each component's mass in each group, shape (K, G).

    Raises:
        MixtureError: where these do not go together.
    """

    tree: Tree
    valley: float
    shares: FloatArray

    def __post_init__(self) -> None:
        n_groups = int(self.tree.cut(self.valley).max()) + 1
        if self.shares.ndim != 2 or self.shares.shape[1] != n_groups:
            raise MixtureError(f"{n_groups} groups have shares of shape {self.shares.shape}")
        if not np.allclose(self.shares.sum(axis=1), 1) or (self.shares < 0).any():
            raise MixtureError("the shares of a component in groups do not sum to 1")

    @property
    def number(self) -> int:
        """How many groups there are, G."""
        return int(self.shares.shape[1])

    @property
    def of_components(self) -> IntArray:
        """The group that has most of each component, shape (K,)."""
        return np.asarray(self.shares.argmax(axis=1))

    @property
    def are_components(self) -> bool:
        """Whether each group is one component."""
        n_components, n_groups = self.shares.shape
        return bool(n_components == n_groups == len(np.unique(self.of_components)))

    @property
    def clear_valley(self) -> float | None:
        """The lower cut that leaves clear groups alone, where there is one (`Tree.find_step`)."""
        return self.tree.find_step(self.valley)

    @property
    def has_telling_tree(self) -> bool:
        """Whether groups are not just components, or a lower valley would clearly join some."""
        return self.tree.number > 1 and not (self.are_components and self.clear_valley is None)

    def to_json(self) -> dict[str, Any]:
        """The modes with their joins, and the shares, ready for `json.dump`."""
        return {
            "valley": self.valley,
            "number": self.number,
            "modes": self.tree.to_json(self.valley),
            "shares": self.shares.tolist(),
        }

    @staticmethod
    def from_json(values: Mapping[str, Any]) -> "Groups":
        """The groups that `to_json` gave.

        Raises:
            MixtureError: where they do not go together.
        """
        shares = np.array(values["shares"], dtype=np.float64)
        return Groups(Tree.from_json(values["modes"]), float(values["valley"]), shares)


def find_groups(
    mixture: Mixture, cells: Cells, valley: float = VALLEY, tree: Tree | None = None
) -> Groups:
    """The groups of a mixture, and how its components lie in them by the points of some cells.

    A cell is in the group that its mean climbs to, with all of its points.

    Args:
        mixture: in the units of the cells.
        cells: the data.
        valley: how high a saddle is, as a share of the lower mode, that divides no more.
        tree: of the mixture's modes; found by default.
    """
    terrain, tree = survey(mixture) if tree is None else (revisit(mixture, tree), tree)
    groups = tree.cut(valley)
    n_groups = int(groups.max()) + 1
    if n_groups == 1:
        return Groups(tree, valley, np.ones((mixture.n_components, 1)))
    masses = assign_cells(cells, mixture) * cells.counts  # (K, C)
    held = sum_groups(groups[terrain.climb(cells.means)], masses.T, n_groups).T  # (K, G)
    rounding = np.finfo(np.float64).eps
    totals = held.sum(axis=1, keepdims=True)
    own = np.eye(n_groups)[groups[terrain.climb(mixture.means)]]  # of a component without mass
    has_mass = totals > rounding * cells.n_points
    shares = np.where(has_mass, held / np.where(has_mass, totals, 1.0), own)
    return Groups(tree, valley, np.where(shares < rounding, 0.0, shares))


def climb_means(mixture: Mixture, tree: Tree) -> IntArray:
    """The mode that the mean of each component climbs to, shape (K,).

    Args:
        mixture: in data units.
        tree: of its modes.
    """
    return revisit(mixture, tree).climb(mixture.means)


def label_points(mixture: Mixture, tree: Tree, valley: float, points: FloatArray) -> IntArray:
    """The group of each point, shape (N,); -1 where it most likely is in the background.

    Args:
        mixture: in data units.
        tree: of its modes.
        valley: how high a saddle is, as a share of the lower mode, that divides no more.
        points: shape (N, 2), in data units.
    """
    groups = tree.cut(valley)[revisit(mixture, tree).climb(points)]
    if mixture.background is None:
        return groups
    strays = mixture.background_responsibilities(points)
    are_stray = strays > mixture.responsibilities(points).max(axis=1)
    return np.where(are_stray, BACKGROUND_LABEL, groups)
