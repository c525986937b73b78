"""Covariance types: what the covariances of components have in common. NumPy only.

A type says of volume, shape and orientation whether they are equal (E), variable (V) or, of a
shape and an orientation, the identity (I): round, and along the axes of the coordinates (Banfield &
Raftery 1993; Celeux & Govaert 1995, section 2). All that differs between types follows from these
three letters: the number of parameters, the projection in the M step, what maps of the data the
type survives, and the moves that it allows (`moves`).
"""

from dataclasses import dataclass
from functools import partial
from typing import Literal

import numpy as np

from gmmcli.core.mixture.common import (
    Common,
    Spreads,
    find_shared_angle,
    share_angle,
    share_both,
    share_elongation,
    share_volume,
)
from gmmcli.core.mixture.covariances import (
    FloatArray,
    are_inside,
    bound_below,
    bound_lengths,
    measure_loss,
)
from gmmcli.core.mixture.ellipses import Ellipses, find_angles, measure_along
from gmmcli.settings import COVARIANCE_CODES, CovarianceType


@dataclass(frozen=True)
class CovarianceStructure:
    """What the covariances of one type have in common.

    Attributes:
        volume: E or V.
        shape: I, E or V; I only where the orientation is I.
        orientation: I, E or V.
    """

    volume: Literal["E", "V"] = "V"
    shape: Literal["I", "E", "V"] = "V"
    orientation: Literal["I", "E", "V"] = "V"

    @staticmethod
    def of(code: str) -> "CovarianceStructure":
        """That of three letters, for volume, shape and orientation."""
        return CovarianceStructure(code[0], code[1], code[2])  # type: ignore[arg-type]

    @property
    def code(self) -> str:
        """Its three letters."""
        return self.volume + self.shape + self.orientation

    @property
    def n_own(self) -> int:
        """How many parameters the covariance of a component has of its own."""
        return self.code.count("V")

    @property
    def n_shared(self) -> int:
        """How many parameters all covariances have in common."""
        return self.code.count("E")

    @property
    def is_shared(self) -> bool:
        """Whether all components have the same covariance."""
        return self.n_own == 0

    @property
    def is_mixed(self) -> bool:
        """Whether covariances have something in common and differ all the same."""
        return self.n_own > 0 and self.n_shared > 0

    @property
    def is_bent(self) -> bool:
        """Whether components go along curves in their own units as their parameters change.

        As they turn together, or keep a shape in common while each turns.
        """
        return self.is_mixed and not self.is_aligned and "E" in (self.shape, self.orientation)

    @property
    def is_aligned(self) -> bool:
        """Whether the covariances are diagonal."""
        return self.orientation == "I"

    @property
    def is_round(self) -> bool:
        """Whether all variances of a component are the same."""
        return self.shape == "I"

    @property
    def has_own_lengths(self) -> bool:
        """Whether the axes of one component may be shorter than those of others."""
        return "V" in (self.volume, self.shape)

    @property
    def survives(self) -> Literal["affine maps", "scales of axes", "one scale"]:
        """The widest group of linear maps of the data that the type survives.

        A map changes shapes and orientations of any axes together, and all volumes alike.
        """
        if self.orientation == "I":
            return "one scale" if self.is_round else "scales of axes"
        return "affine maps" if self.shape == self.orientation else "one scale"

    def project(
        self, covariances: FloatArray, masses: FloatArray, least: FloatArray | None = None
    ) -> FloatArray:
        """The covariances of the type that maximise the likelihood in place of free ones.

        The M step of each type is this projection of the M step of free covariances (Celeux &
        Govaert 1995, section 3).

        Args:
            covariances: shape (K, 2, 2).
            masses: the points that each component accounts for, shape (K,).
            least: the least covariance, shape (2, 2): where components share something but not
                all, no axis is shorter than this is along it.

        Returns:
            Shape (K, 2, 2).
        """
        if self.is_mixed:
            return self.hold(covariances, self.find_common(covariances, masses, least), least)
        if self.is_shared:
            mean = np.einsum("k,kij->ij", masses / masses.sum(), covariances)
            covariances = np.broadcast_to(mean, covariances.shape)
        if self.is_aligned:
            variances = covariances[:, [0, 1], [0, 1]]  # (K, 2)
            if self.is_round:
                variances = np.broadcast_to(variances.mean(axis=1)[:, None], variances.shape)
            covariances = variances[:, :, None] * np.eye(2)
        return np.asarray(covariances)

    def hold(
        self, covariances: FloatArray, common: Common, least: FloatArray | None = None
    ) -> FloatArray:
        """The covariances that fit best in place of free ones, given what they have in common.

        Args:
            covariances: shape (K, 2, 2).
            common: what they have in common.
            least: see `project`.
        """
        if not self.n_shared:
            return self.project(covariances, np.ones(len(covariances)))
        if common.angle is None:
            angles = find_angles(covariances)
        else:
            angles = np.full(len(covariances), common.angle)
        lengths = Spreads.along(covariances, angles, least).fit(common)
        return Ellipses(*lengths, angles).to_covariances()

    def find_common(
        self, covariances: FloatArray, masses: FloatArray, least: FloatArray | None = None
    ) -> Common:
        """What the covariances of the type that fit best in place of free ones have in common.

        Args:
            covariances: shape (K, 2, 2).
            masses: shape (K,).
            least: see `project`.
        """
        if not self.n_shared:
            return Common()
        if self.is_shared:
            one = self.describe(self.project(covariances, masses)[:1])
            volume, elongation, angle = one.log_volumes[0], one.elongations[0], one.angles[0]
            return Common(float(volume), float(elongation), float(angle))
        fit = partial(self._fit_along, covariances, masses, least)
        if self.orientation == "E":
            start = self._find_start(covariances, masses)
            angle = share_angle(covariances, masses, start, lambda angles: fit(angles)[1:])
            return fit(np.full(len(masses), angle))[0]
        angles = np.zeros(len(masses)) if self.is_aligned else find_angles(covariances)
        return fit(angles)[0]

    def describe(self, covariances: FloatArray) -> Ellipses:
        """The ellipses of covariances of the type, (K, 2, 2), with the axes that it speaks of.

        Where axes are in common, the first of one component may be shorter than its second.
        """
        if self.orientation == "V":
            return Ellipses.of(covariances)
        angle = 0.0 if self.is_aligned else find_shared_angle(covariances)
        angles = np.full(len(covariances), angle)
        return Ellipses(*Spreads.along(covariances, angles, None).fit(Common()), angles)

    def adapt_least(self, least: FloatArray) -> FloatArray:
        """The least covariance as one of this shape, shape (2, 2).

        Aligned ones keep to its diagonal, round ones to the larger variance on it, so that the
        bound has the type that it holds.

        Args:
            least: symmetric and positive definite, shape (2, 2).
        """
        if not self.is_aligned:
            return least
        variances = np.diag(least)
        return np.diag(np.full(2, variances.max()) if self.is_round else variances)

    def _fit_along(
        self,
        covariances: FloatArray,
        masses: FloatArray,
        least: FloatArray | None,
        angles: FloatArray,
    ) -> tuple[Common, Spreads, FloatArray, FloatArray]:
        """What is in common along axes at some angles, and the log volumes and elongations."""
        spreads = Spreads.along(covariances, angles, least)
        volume, elongation = None, 0.0 if self.is_round else None
        if self.volume == self.shape == "E":
            volume, elongation = share_both(spreads, masses)
        elif self.volume == "E":
            volume = share_volume(spreads, masses)
        elif self.shape == "E":
            elongation = share_elongation(spreads, masses)
        common = Common(volume, elongation, None if self.orientation == "V" else float(angles[0]))
        return common, spreads, *spreads.fit(common)

    def _find_start(self, covariances: FloatArray, masses: FloatArray, *, n_even: int = 8) -> float:
        """The angle to begin with where axes are in common.

        With a shape in common there is one optimum, as the loss is convex along geodesics
        (Wiesel 2012); else the best of the components' own and of some even ones.
        """
        if self.shape == "E":
            return float(find_angles(np.einsum("k,kij->ij", masses, covariances)))
        even = np.arange(n_even) * (np.pi / 2 / n_even)
        tried = np.concatenate([find_angles(covariances), even])
        volumes = np.log(measure_along(covariances, tried[:, None])).mean(axis=-1)  # (T, K)
        losses = (volumes if self.volume == "V" else np.exp(volumes)) @ masses
        return float(tried[losses.argmin()])


STRUCTURES: dict[CovarianceType, CovarianceStructure] = {
    covariance: CovarianceStructure.of(code) for covariance, code in COVARIANCE_CODES.items()
}


def count_parameters(
    n_components: int, covariance: CovarianceType, *, has_background: bool = False
) -> int:
    """The number of free parameters of a mixture of K components in two dimensions."""
    structure = STRUCTURES[covariance]
    n_weights = n_components - 1 + has_background
    return n_weights + (2 + structure.n_own) * n_components + structure.n_shared


def constrain(
    covariances: FloatArray,
    masses: FloatArray,
    covariance: CovarianceType,
    *,
    least: FloatArray,
    before: FloatArray | None = None,
    widest: float = 1e6,
) -> FloatArray:
    """The covariances of a type that fit best in place of free ones, shape (K, 2, 2).

    The M step of the type where no covariance may lie below the least, in any direction: the
    covariance less the least has no eigenvalue below 0. Of a type that survives one scale alone and
    yet has axes, it is these that are bound: no axis is shorter than the least is along it. No
    eigenvalue lies so far below the other that double precision cannot write both.

    Args:
        covariances: shape (K, 2, 2), in whitened units.
        masses: the points that each component accounts for, shape (K,).
        covariance: the covariance type.
        least: the least covariance, symmetric and positive definite, shape (2, 2); as the type
            has it, see `CovarianceStructure.adapt_least`.
        before: covariances of the type within these bounds, which are kept if they fit better: what
            holds axes depends on where they point, so that those found are not the best of all.
        widest: the largest eigenvalue: the variance, in whitened units, of a component that holds
            a millionth of the points far from all others. One that holds next to nothing would
            else grow without end.
    """
    structure = STRUCTURES[covariance]
    least = structure.adapt_least(least)
    # Lengths of axes have logarithms then; of what is no shorter than the least, no digit changes.
    free = covariances + np.finfo(np.float64).eps * least
    if not masses.any():  # a background has all points: no component counts more than another
        masses = np.ones_like(masses)
    covariances = structure.project(free, masses)
    if not are_inside(covariances, least, widest).all():
        if structure.is_mixed:
            covariances = _bound_axes(structure, bound_lengths(free, widest), masses, least)
            if before is not None:
                losses = [measure_loss(each, free, masses) for each in (before, covariances)]
                covariances = before if losses[0] < losses[1] else covariances
        else:
            covariances = bound_below(bound_lengths(covariances, widest), least)
    return np.asarray((covariances + covariances.swapaxes(1, 2)) / 2)


def _bound_axes(
    structure: CovarianceStructure, free: FloatArray, masses: FloatArray, least: FloatArray
) -> FloatArray:
    """The covariances of a type in place of free ones, no axis shorter than the least along it.

    In units in which the least is round, if the type survives them.
    """
    if structure.survives != "affine maps":
        return structure.project(free, masses, least)
    factor = np.linalg.cholesky(least)
    inverse = np.linalg.inv(factor)
    bounded = structure.project(inverse @ free @ inverse.T, masses, np.eye(2))
    return np.asarray(factor @ bounded @ factor.T)
