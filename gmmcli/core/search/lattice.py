"""Covariance types as each other's beginnings.

Types form a lattice: one letter of volume, shape or orientation relaxed or constrained leads from
one to its neighbours, whose best mixtures are seldom far from its own. So one type is searched, and
each other begins with what is best among its neighbours; see `choice`. NumPy only.
"""

from collections.abc import Sequence

import numpy as np

from gmmcli.core.mixture.gaussians import Gaussians
from gmmcli.core.mixture.structures import STRUCTURES
from gmmcli.core.search.constants import ASIDE, STEPS_TO_SETTLE
from gmmcli.core.search.hooks import Hooks
from gmmcli.core.search.passes import Findings
from gmmcli.core.search.problem import Problem
from gmmcli.core.search.region import Region
from gmmcli.core.search.regions import Bounds, improve, seed_afresh
from gmmcli.settings import CovarianceType


def measure_distance(one: CovarianceType, other: CovarianceType) -> int:
    """How many steps of one letter, from variable to equal to the identity, part two types."""
    codes = STRUCTURES[one].code, STRUCTURES[other].code
    ranks = [["VEI".index(letter) for letter in code] for code in codes]
    return sum(abs(a - b) for a, b in zip(*ranks, strict=True))


def order_types(covariances: Sequence[CovarianceType]) -> list[CovarianceType]:
    """Types from the first on, in such an order that each is near to one before."""
    return sorted(covariances, key=lambda each: measure_distance(covariances[0], each))


def derive(
    problem: Problem, origins: Sequence[Gaussians], bounds: Bounds, hooks: Hooks
) -> Findings:
    """The best mixtures of a type that those of its neighbours lead to, by number of components.

    The best of each number settles, up to some more components than the best has; a pass down leads
    to all numbers besides, and the regions of the best of all are solved anew.

    Args:
        problem: the data, as the type sees them.
        origins: mixtures of its neighbours, in the units of the problem; one at least, and all
            within bounds.
        bounds: how many components a mixture may have.
        hooks: who is asked whether to end.
    """
    region, findings = problem.hold(bounds), Findings(bounds)
    for origin in origins:
        findings.note(region.assess(_make_typed(region, origin)))
    for number, begin in sorted(findings.by_number.items()):
        if number > findings.best.gaussians.number + ASIDE or hooks.interrupted():
            break
        settled = region.assess(region.settle(begin.gaussians, STEPS_TO_SETTLE))
        findings.note(settled)
    most = max(n for n in findings.by_number if n <= count_told(findings.best.gaussians.number))
    findings.pass_down(region, findings.by_number[most].gaussians, bounds.fewest)
    fresh = seed_afresh(np.random.default_rng(problem.settings.seed))
    better = improve(region, findings.best, bounds, fresh, interrupted=hooks.interrupted)
    findings.note(better)
    findings.ends.append(better)
    return findings


def count_told(n_components: int, *, times: float = 1.5, beyond: int = 3) -> int:
    """Up to how many components mixtures are told of, where the best has so many.

    Args:
        n_components: of the best.
        times: as many as that,
        beyond: and so many more.
    """
    return int(times * n_components + beyond)


def _make_typed(region: Region, gaussians: Gaussians) -> Gaussians:
    """A mixture with the covariances of a region's type in place of its own."""
    structure = region.objective.structure
    covariances = structure.project(gaussians.covariances, gaussians.weights)
    return gaussians._replace(covariances=covariances)
