"""How the covariances of a type can move from where they are. NumPy only.

Of a component in its own units, in which it is round, three ways to grow: along its first axis, by
shear, and along its second; see `cells.information`. In these the information of Gaussians apart is
the identity. Volume, shape and orientation are three other such ways, at right angles; a type lets
each component go its own, or all together, or none.
"""

from dataclasses import dataclass

import numpy as np

from gmmcli.core.mixture.covariances import FloatArray, factorize
from gmmcli.core.mixture.ellipses import Ellipses, turn
from gmmcli.core.mixture.structures import CovarianceStructure


@dataclass(frozen=True, eq=False)
class Moves:
    """The moves that are open to the covariances of K components of a type.

    Attributes:
        structure: what they have in common.
        axes: of the components in their own units, as columns of rotations, shape (K, 2, 2).
        frames: of volume, shape and orientation, by how a component grows, orthonormal, shape
            (K, 3, 3).
        rates: how far each goes for a move in common, in root masses times local units, (K, 3).
        elongations: of the components, shape (K,).
    """

    structure: CovarianceStructure
    axes: FloatArray
    frames: FloatArray
    rates: FloatArray
    elongations: FloatArray

    @staticmethod
    def of(structure: CovarianceStructure, covariances: FloatArray, roots: FloatArray) -> "Moves":
        """Those from some covariances of the type.

        Args:
            structure: of the type.
            covariances: shape (K, 2, 2).
            roots: of the masses of components, shape (K,).
        """
        ellipses = structure.describe(covariances)
        # A turn moves a component by the more, the longer it is.
        speeds = [np.ones_like(roots), np.ones_like(roots), 2 * np.sinh(ellipses.elongations)]
        axes = _find_axes(covariances, ellipses)
        rates = np.stack(speeds, axis=1) * roots[:, None]
        return Moves(structure, axes, _find_frames(axes), rates, ellipses.elongations)

    def project(self, growth: FloatArray) -> FloatArray:
        """The part of a growth in local units, shape (K, 3), that the type allows."""
        parts = np.einsum("kpg,kg->kp", self.frames, growth)
        for part, letter in enumerate(self.structure.code):
            if letter == "I":
                parts[:, part] = 0.0
            elif letter == "E":
                along = self._normalize(part)
                parts[:, part] = along * (along @ parts[:, part])
        return np.asarray(np.einsum("kpg,kp->kg", self.frames, parts))

    def span(self) -> FloatArray:
        """An orthonormal basis of the moves that are open, by how components grow, (K, 3, F)."""
        basis = list[FloatArray]()
        for part, letter in enumerate(self.structure.code):
            ways = self.frames[:, part]  # (K, 3)
            if letter == "V":
                basis.append(np.einsum("kg,kl->kgl", ways, np.eye(len(ways))))
            elif letter == "E":
                basis.append((self._normalize(part)[:, None] * ways)[:, :, None])
        return np.concatenate(basis, axis=2)

    def bend(self, moments: FloatArray, *, roundest: float = 1e-6) -> FloatArray:
        """What the bent paths of the type add to the information of the complete data, (K, 3, 3).

        Where a component is longer or turns at the same time as others, it goes along a curve: the
        second derivatives along it have a part of the first ones, which vanish only in sum.

        Args:
            moments: the second moments of the points of each component in its own units, summed,
                shape (K, 2, 2).
            roundest: of a component with less elongation, turns are taken to be straight.
        """
        r = self.elongations
        are_bent = (np.abs(r) > roundest) & self.structure.is_bent
        r = np.where(are_bent, r, 1.0)
        (first, across), (_, second) = (self.axes.swapaxes(1, 2) @ moments @ self.axes).transpose(
            1, 2, 0
        )
        total, apart, turned = first + second, first - second, -2 * across / np.tanh(r)
        turn = (first * np.exp(r) - second * np.exp(-r)) / np.sinh(r)
        paths = np.array(
            [[total, apart, 2 * across], [apart, total, turned], [2 * across, turned, turn]]
        ).transpose(2, 0, 1)
        along = self.frames.swapaxes(1, 2) @ (paths / 2) @ self.frames
        bent: FloatArray = np.where(are_bent[:, None, None], along - straighten(moments), 0.0)
        return bent

    def _normalize(self, part: int) -> FloatArray:
        """How far each component goes for a move of length 1 of all in common, shape (K,)."""
        rates = self.rates[:, part]
        length = np.sqrt(rates @ rates)
        return np.asarray(rates / length if length > 0 else np.zeros_like(rates))


def straighten(moments: FloatArray) -> FloatArray:
    """The information of the complete data on how components grow, shape (K, 3, 3).

    Args:
        moments: the second moments of the points of each component in its own units, summed, shape
            (K, 2, 2).
    """
    (uu, uv), (_, vv) = moments.transpose(1, 2, 0)
    root, none = np.sqrt(2), np.zeros_like(uu)
    rows = [[uu, uv / root, none], [uv / root, uu, root * uv], [none, root * uv, vv]]
    return np.array(rows).transpose(2, 0, 1)


def _find_axes(covariances: FloatArray, ellipses: Ellipses) -> FloatArray:
    """The axes of components in their own units, as columns of rotations, shape (K, 2, 2)."""
    factors, sds = factorize(covariances), np.sqrt(ellipses.variances[:, 0])
    x, y = (sds[:, None] * ellipses.directions[:, :, 0]).T
    x = x / factors[:, 0, 0]
    y = (y - factors[:, 1, 0] * x) / factors[:, 1, 1]
    return turn(np.arctan2(y, x))


def _find_frames(axes: FloatArray) -> FloatArray:
    """By how components grow where their volumes, shapes and orientations change, (K, 3, 3)."""
    x, y = axes[:, :, 0].T
    root, none, one = np.sqrt(2), np.zeros_like(x), np.ones_like(x)
    ways = [
        [one / root, none, one / root],
        [(x**2 - y**2) / root, 2 * x * y, (y**2 - x**2) / root],
        [-root * x * y, x**2 - y**2, root * x * y],
    ]
    return np.array(ways).transpose(2, 0, 1)
