"""Some points, and the components that move on them before a rest that stays.

Everything that a search does it does on a region: all points, without a rest, on a pass; those of a
few components, before all others, where these are solved anew. NumPy only; in whitened units.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from gmmcli.core.cells.cells import Cells
from gmmcli.core.mixture.common import Common
from gmmcli.core.mixture.covariances import FloatArray
from gmmcli.core.mixture.densities import exponentiate
from gmmcli.core.mixture.gaussians import (
    Gaussians,
    IntArray,
    find_natural_parameters,
    make_features,
    merge_pairs,
    rank_pairs,
    take_moments,
)
from gmmcli.core.search.constants import AT_ONCE, EXACT, LEAST_MASS, STEPS
from gmmcli.core.search.objective import Objective


@dataclass(frozen=True, eq=False)
class Assessment:
    """A mixture on a region, and what it says of its points.

    Attributes:
        gaussians: K of them.
        shares: of each cell in each component, shape (K, C).
        logs: the log density of the points of each cell, shape (C,), as the region counts it.
        score: the objective, in nats; higher is better.
    """

    gaussians: Gaussians
    shares: FloatArray
    logs: FloatArray
    score: float


def keep_best(by_number: dict[int, Assessment], found: Assessment) -> None:
    """Keep a mixture among others if it is the best of its number of components."""
    number = found.gaussians.number
    if number not in by_number or found.score > by_number[number].score:
        by_number[number] = found


@dataclass(frozen=True, eq=False)
class Region:
    """C cells, and what it costs to explain them.

    Attributes:
        objective: what components cost.
        features: of the cells, shape (6, C).
        products: the same times the counts, shape (C, 6).
        counts: of the cells, shape (C,).
        masses: how many points of each cell the components account for, shape (C,).
        inside: which cells of all points these are, shape (C,).
        log_uniform: the log density of a background, in nats.
        fewest: there are at least so many components, however few points they have.
        share: the weights of the components sum to this, with that of the background where the
            region has all points.
        log_rest: what the components that stay say of each cell, shape (C,); None where all move.
        log_before: what all components say at present, from which densities count, shape (C,).
        common: what covariances have in common, where some components stay; None where all move.
    """

    objective: Objective
    features: FloatArray
    products: FloatArray
    counts: FloatArray
    masses: FloatArray
    inside: IntArray
    log_uniform: float = 0.0
    fewest: int = 1
    share: float = 1.0
    log_rest: FloatArray | None = None
    log_before: FloatArray | None = None
    common: Common | None = None

    @staticmethod
    def of(
        cells: Cells, objective: Objective, log_uniform: float = 0.0, fewest: int = 1
    ) -> "Region":
        """The region of all points, in cells; see the attributes."""
        features = make_features(cells.means, cells.covariances)
        products = np.ascontiguousarray((features * cells.counts).T)
        counts, every = cells.counts, np.arange(cells.n_cells)
        return Region(objective, features, products, counts, counts, every, log_uniform, fewest)

    @property
    def n_cells(self) -> int:
        """How many cells it has, C."""
        return len(self.counts)

    @property
    def n_points(self) -> float:
        """N, of all points and not of this region alone."""
        return self.objective.n_points

    @property
    def points(self) -> FloatArray:
        """The means of its cells, shape (C, 2)."""
        return self.features[1:3].T

    def narrow(self, before: Assessment, components: IntArray, least: float = 1e-3) -> "Region":
        """The region of some components, before all others.

        Args:
            before: a mixture of this region, which has all points.
            components: those that move.
            least: a cell is left out of which they have no larger share than this.
        """
        shares = before.shares[components].sum(axis=0)
        inside = np.flatnonzero(shares > least)
        gaussians = before.gaussians
        return Region(
            self.objective,
            self.features[:, inside],
            self.products[inside],
            self.counts[inside],
            masses=self.counts[inside] * shares[inside],
            inside=inside,
            fewest=max(self.fewest - gaussians.number + len(components), 1),
            share=float(gaussians.weights[components].sum()),
            log_rest=np.log(np.maximum(1 - shares[inside], 1e-300)),
            log_before=before.logs[inside],
            common=self._find_common(gaussians),
        )

    def assess(self, gaussians: Gaussians) -> Assessment:
        """What a mixture says of the points."""
        shares, logs = self._assign(gaussians)
        score = float(self.counts @ logs) - self.objective.price(gaussians)
        return Assessment(gaussians, shares, logs, score)

    def _evaluate(self, gaussians: Gaussians) -> FloatArray:
        """Log weight plus log density, as the region counts it, shape (K, C)."""
        joint = find_natural_parameters(gaussians) @ self.features
        if self.log_before is not None:
            joint -= self.log_before
        return joint

    def _assign(self, gaussians: Gaussians) -> tuple[FloatArray, FloatArray]:
        """The shares of each cell, shape (K, C), and its log density, shape (C,)."""
        joint, rest = self._evaluate(gaussians), self.log_rest
        if rest is None and gaussians.background:
            rest = np.full(self.n_cells, np.log(gaussians.background) + self.log_uniform)
        most = joint.max(axis=0)
        if rest is not None:
            most = np.maximum(most, rest)
        joint -= most
        shares = exponentiate(joint)
        total = shares.sum(axis=0)
        if rest is not None:
            total += np.exp(rest - most)
        shares /= total
        return shares, most + np.log(total)

    def step(self, gaussians: Gaussians) -> Gaussians:
        """The mixture after a step of EM, without those that have next to no points."""
        return self.maximize(self._assign(gaussians)[0], gaussians)

    def climb(self, gaussians: Gaussians, n_steps: int) -> Gaussians:
        """The mixture after some steps of EM."""
        for _ in range(n_steps):
            gaussians = self.step(gaussians)
        return gaussians

    def settle(
        self, gaussians: Gaussians, n_steps: int, *, most: int = 200, settled: float = 1e-3
    ) -> Gaussians:
        """The mixture after some steps of EM, and more while small components lose their points.

        A component on few points may be on its way to one of them, where it is annihilated.

        Args:
            gaussians: to begin with.
            n_steps: at least.
            most: how many more at most.
            settled: it has settled when a step takes less of its points.
        """
        gaussians = self.climb(gaussians, n_steps)
        for _ in range(most):
            before = gaussians
            masses = before.weights * self.n_points
            small = masses < 4 * LEAST_MASS
            if not small.any():
                break
            gaussians = self.step(before)
            if gaussians.number == before.number:
                after = gaussians.weights * self.n_points
                if (after[small] > masses[small] - settled).all():
                    break
        return gaussians

    def maximize(self, shares: FloatArray, before: Gaussians) -> Gaussians:
        """The mixture that fits shares of the cells best, shape (K, C).

        Every component pays for its parameters with `LEAST_MASS` of its points.
        """
        moved = take_moments(shares @ self.products)
        alive = moved.weights > LEAST_MASS
        if alive.sum() < self.fewest:
            alive[np.argsort(-moved.weights, kind="stable")[: self.fewest]] = True
        moved = moved.select(alive)
        masses = np.maximum(moved.weights - LEAST_MASS, LEAST_MASS / 4)
        background, n_background = before.background, 0.0
        if self.log_rest is None and background:
            n_background = max(float(self.counts.sum() - (self.counts @ shares.sum(axis=0))), 0.0)
            background = n_background / (n_background + masses.sum())
        share = self.share - background if self.log_rest is None else self.share
        covariances = self._constrain(moved.covariances, moved.weights)
        return Gaussians(masses / masses.sum() * share, moved.means, covariances, background)

    def _constrain(self, covariances: FloatArray, masses: FloatArray) -> FloatArray:
        """The covariances of the type, in place of free ones."""
        if self.common is not None:
            return self.objective.structure.hold(covariances, self.common)
        return self.objective.structure.project(covariances, masses)

    def _find_common(self, gaussians: Gaussians) -> Common:
        """What the covariances of a mixture of the type have in common."""
        return self.objective.structure.find_common(gaussians.covariances, gaussians.weights)

    def descend(self, gaussians: Gaussians, fewest: int) -> Iterator[Assessment]:
        """Mixtures of ever fewer components, down to so many, each the best from the last.

        Of those merges and omissions that promise to lose least, those are made that do.

        Args:
            gaussians: to begin with; they come first.
            fewest: the least number of components.
        """
        while True:
            assessment = self.assess(gaussians)
            yield assessment
            if gaussians.number <= fewest:
                return
            n_fewer = min(max(gaussians.number // AT_ONCE, 1), gaussians.number - fewest)
            gaussians = self.climb(self.reduce(assessment, n_fewer), STEPS)

    def reduce(self, before: Assessment, n_fewer: int) -> Gaussians:
        """The mixture after so many merges and omissions that lose least."""
        gaussians = before.gaussians
        first, second = (pair[: EXACT * n_fewer] for pair in rank_pairs(gaussians))
        merged = merge_pairs(gaussians, first, second)
        common = self.common or self._find_common(gaussians)
        typed = self.objective.structure.hold(merged.covariances, common)
        merged = merged._replace(covariances=typed)
        least = np.argsort(gaussians.weights, kind="stable")[: EXACT * n_fewer]
        gains = np.concatenate(
            [
                self._gain_by_merging(before, first, second, merged),
                self._gain_by_omission(before, least),
            ]
        )
        pairs = np.stack([np.append(first, least), np.append(second, least)], axis=1)
        gone, touched = list[int](), set[int]()
        weights, means, covariances = (part.copy() for part in gaussians[:3])
        for way in np.argsort(-gains, kind="stable"):
            one, other = pairs[way]
            if one in touched or other in touched:
                continue
            touched |= {one, other}
            gone.append(other)
            if way < len(first):
                weights[one], means[one] = merged.weights[way], merged.means[way]
                covariances[one] = merged.covariances[way]
            if len(gone) == n_fewer:
                break
        kept = np.delete(np.arange(gaussians.number), gone)
        left = Gaussians(weights, means, covariances, gaussians.background).select(kept)
        return left.scale(gaussians.weights.sum() / left.weights.sum())

    def find_least_loss(self, before: Assessment) -> float:
        """What a mixture loses at least by one component less, about, in nats."""
        if before.gaussians.number == 1:
            return np.inf
        fewer = self.reduce(before, 1)
        return before.score - self.assess(self.climb(fewer, STEPS)).score

    def _gain_by_merging(
        self, before: Assessment, first: IntArray, second: IntArray, merged: Gaussians
    ) -> FloatArray:
        """What each merge brings to the objective where the others stay, shape (M,)."""
        shares, prices = before.shares, self.objective.price_components(before.gaussians)
        new = np.exp(np.minimum(self._evaluate(merged) - before.logs, 600.0))
        left = 1 - shares[first] - shares[second] + new
        gains = np.log(np.maximum(left, 1e-300)) @ self.counts
        saved = prices[first] + prices[second] - self.objective.price_components(merged)
        return np.asarray(gains + saved)

    def _gain_by_omission(self, before: Assessment, components: IntArray) -> FloatArray:
        """What leaving out each of some components brings to the objective, shape (M,)."""
        gaussians = before.gaussians
        total = gaussians.weights.sum()
        if len(gaussians.weights) == 1:
            return np.full(len(components), -np.inf)
        more = total / (total - gaussians.weights[components])
        every = before.shares.sum(axis=0)
        left = (1 - every) + (every - before.shares[components]) * more[:, None]
        gains = np.log(np.maximum(left, 1e-12)) @ self.counts
        return np.asarray(gains + self.objective.price_components(gaussians)[components])
