"""The modes of a mixture as a tree: which of them meet, and how deep the valley between them is."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from gmmcli.core.mixture.covariances import FloatArray, are_in_reach
from gmmcli.core.mixture.gaussians import IntArray
from gmmcli.errors import MixtureError


@dataclass(frozen=True, eq=False)
class Tree:
    """The M modes of a mixture, and how each joins a higher part of the landscape.

    A mode joins the mode on the other side of the highest saddle that leads to higher ground. How
    shallow the valley there is says the density at the saddle, as a share of that at the mode.

    Attributes:
        modes: shape (M, 2), in data units.
        log_densities: of the components there, in nats, shape (M,).
        joins: the mode that each one joins, shape (M,); the highest mode joins itself.
        saddles: where, shape (M, 2), in data units; NaN for the highest mode.
        valleys: how high the saddle is, as a share of the mode, shape (M,); 0 for the highest mode.

    Raises:
        MixtureError: where the shapes differ, a value is out of its range, or joins go in a circle.
    """

    modes: FloatArray
    log_densities: FloatArray
    joins: IntArray
    saddles: FloatArray
    valleys: FloatArray

    def __post_init__(self) -> None:
        numbers, n_modes = np.arange(self.number), self.number
        shapes = [self.modes.shape, self.joins.shape, self.saddles.shape, self.valleys.shape]
        if n_modes == 0 or shapes != [(n_modes, 2), (n_modes,), (n_modes, 2), (n_modes,)]:
            raise MixtureError(f"the modes have shapes that differ: {shapes}")
        if not (np.isfinite(self.modes).all() and np.isfinite(self.log_densities).all()):
            raise MixtureError("a mode is not finite")
        if not (
            are_in_reach(self.modes).all()
            and are_in_reach(self.saddles[self.joins != numbers]).all()
        ):
            raise MixtureError("a mode or a saddle is out of double precision's reach")
        if not ((self.valleys >= 0) & (self.valleys <= 1)).all():
            raise MixtureError(f"a valley is not between 0 and 1: {self.valleys.tolist()}")
        if not ((self.joins >= 0) & (self.joins < n_modes)).all():
            raise MixtureError(f"a mode joins one that there is not: {self.joins.tolist()}")
        ends = np.flatnonzero(self.joins == numbers)
        if len(ends) != 1 or (_follow(self.joins) != ends).any():
            raise MixtureError(f"not all modes join in the end: {self.joins.tolist()}")

    @property
    def number(self) -> int:
        """How many modes there are, M."""
        return len(self.log_densities)

    def cut(self, valley: float) -> IntArray:
        """The group of each mode, shape (M,), where modes with shallower valleys are one group.

        Groups are numbered by their first mode.

        Args:
            valley: as a share of the lower mode; from there on a valley divides nothing.
        """
        is_joined = self.valleys >= valley
        ends = _follow(np.where(is_joined, self.joins, np.arange(self.number)))
        _, first, groups = np.unique(ends, return_index=True, return_inverse=True)
        return np.asarray(np.argsort(np.argsort(first))[groups])

    def find_step(self, valley: float, *, times: float = 2.0) -> float | None:
        """A lower cut from which the number of groups hardly depends; None where there is none.

        It is in the widest gap between successive valleys, where that is far wider than any other;
        the present cut may be in such a gap itself. One group is no answer.

        Args:
            valley: of the present cut; shallower ones do not count.
            times: how many times as wide as any other the gap is.
        """
        deeper = np.unique(self.valleys[self.valleys < valley])
        gaps = np.diff([*deeper, valley])
        if len(gaps) < 2:
            return None
        widest = int(gaps.argmax())
        others = np.delete(gaps, widest)
        if widest == len(gaps) - 1 or gaps[widest] < times * others.max():
            return None
        low, high = deeper[widest], deeper[widest + 1]
        cut = 0.5 if low < 0.5 <= high else float(f"{(low + high) / 2:.2g}")
        return cut if self.cut(cut).max() > 0 else None

    def to_json(self, valley: float) -> list[dict[str, Any]]:
        """Each mode with its group where valleys divide from this on, ready for `json.dump`."""
        return [
            {
                "group": int(group),
                "place": self.modes[mode].tolist(),
                "log_density": float(self.log_densities[mode]),
                **(self._tell_join(mode) if self.joins[mode] != mode else {"joins": None}),
            }
            for mode, group in enumerate(self.cut(valley))
        ]

    def _tell_join(self, mode: int) -> dict[str, Any]:
        joins, saddle = int(self.joins[mode]), self.saddles[mode].tolist()
        return {"joins": joins, "saddle": saddle, "valley": float(self.valleys[mode])}

    @staticmethod
    def from_json(modes: Sequence[Mapping[str, Any]]) -> "Tree":
        """The tree of modes that `to_json` gave.

        Raises:
            MixtureError: where they make no tree.
        """
        own = [mode if each["joins"] is None else each["joins"] for mode, each in enumerate(modes)]
        return Tree(
            np.array([each["place"] for each in modes], dtype=np.float64),
            np.array([each["log_density"] for each in modes], dtype=np.float64),
            np.array(own, dtype=np.intp),
            np.array([each.get("saddle", [np.nan, np.nan]) for each in modes], dtype=np.float64),
            np.array([each.get("valley", 0.0) for each in modes], dtype=np.float64),
        )


def _follow(joins: IntArray) -> IntArray:
    """Where each mode comes to in the end, shape (M,)."""
    for _ in range(len(joins).bit_length()):  # twice as far each time
        joins = joins[joins]
    return joins


def join_modes(heights: FloatArray, sides: IntArray) -> tuple[IntArray, IntArray]:
    """The mode that each one joins, and by which saddle; both of shape (M,).

    Each saddle in turn joins two parts of the landscape, and the one with the lower top ends there
    (Chazal, Guibas, Oudot & Skraba 2013, "Persistence-based clustering in Riemannian manifolds",
    section 3). A mode that ends nowhere joins itself, by saddle -1.

    Args:
        heights: of the modes, in nats, shape (M,).
        sides: the modes on either side of each saddle, from the highest saddle down, shape (S, 2).
    """
    tops = np.arange(len(heights))  # the highest mode of the part that each one is in
    joins, by = tops.copy(), np.full(len(heights), -1)
    for saddle, (left, right) in enumerate(sides.tolist()):
        if tops[left] == tops[right]:
            continue
        if heights[tops[left]] > heights[tops[right]]:
            left, right = right, left
        ending = tops[left]
        joins[ending], by[ending] = right, saddle
        tops[tops == ending] = tops[right]
    return joins, by
