"""Small tables of kinds that go wrong, each with its right answer: pure functions of a seed.

A table is of groups whose labels are known, with -1 for rows of a background: strays and uniform
noise. What is right is what EM reaches from these labels, by closed forms without a floor, with a
background uniform over the bounding box, whose weight is one more parameter.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from itertools import count, islice

import numpy as np
from scipy.special import logsumexp
from scipy.stats import multivariate_normal

from gmmcli.core.cells.places import IntArray
from gmmcli.core.mixture.covariances import FloatArray

Random = np.random.Generator


@dataclass(frozen=True)
class Case:
    """Points (N, 2) and their labels (N,), -1 in the background."""

    points: FloatArray
    labels: IntArray

    @property
    def n_components(self) -> int:
        """K."""
        return int(self.labels.max()) + 1

    @property
    def has_background(self) -> bool:
        """Whether there are rows of no group."""
        return bool((self.labels < 0).any())


@dataclass(frozen=True)
class Reached:
    """Where EM ended: the log-likelihood in nats, BIC, and the background's weight."""

    log_likelihood: float
    bic: float
    background: float


def reach(case: Case, *, most_steps: int = 5000) -> Reached:
    """Where EM ends from the labels of a case, when a step brings less than 1e-6 nats.

    Raises:
        numpy.linalg.LinAlgError: where a component closes in on a line or on less than a point.
    """
    points, n_components = case.points, case.n_components
    n_parts = n_components + case.has_background
    log_densities = np.full((len(points), n_parts), -np.log(np.ptp(points, axis=0)).sum())
    responsibilities = np.eye(n_parts)[case.labels]  # -1 is the last part
    log_likelihood = -np.inf
    for _ in range(most_steps):
        for k, shares in enumerate(responsibilities.T[:n_components]):
            mean, covariance = moments(points, shares)
            log_densities[:, k] = multivariate_normal.logpdf(points, mean, covariance)
        weights = responsibilities.mean(axis=0)
        joint = np.log(np.maximum(weights, 1e-300)) + log_densities
        log_each = logsumexp(joint, axis=1)
        before, log_likelihood = log_likelihood, float(log_each.sum())
        if log_likelihood - before < 1e-6:
            break
        responsibilities = np.exp(joint - log_each[:, None])
    n_parameters = 6 * n_components - 1 + case.has_background
    bic = n_parameters * float(np.log(len(points))) - 2 * log_likelihood
    return Reached(log_likelihood, bic, float(weights[n_components:].sum()))


def moments(points: FloatArray, shares: FloatArray) -> tuple[FloatArray, FloatArray]:
    """The mean (2,) and covariance (2, 2) of points of which some have a share (N,)."""
    if shares.sum() < 1:
        raise np.linalg.LinAlgError("a component has no points")
    mean: FloatArray = shares @ points / shares.sum()
    away = points - mean
    return mean, (shares[:, None] * away).T @ away / shares.sum()


def group(
    random: Random, n: int, mean: tuple[float, float], sds: tuple[float, float], correlation: float
) -> FloatArray:
    """Points of one Gaussian, shape (n, 2)."""
    across = correlation * sds[0] * sds[1]
    covariance = [[sds[0] ** 2, across], [across, sds[1] ** 2]]
    return random.multivariate_normal(mean, covariance, n)


def together(groups: list[FloatArray], others: FloatArray | None = None) -> Case:
    """A case of groups, and of other rows in the background."""
    labels = np.repeat(np.arange(len(groups)), [len(points) for points in groups])
    if others is None:
        return Case(np.concatenate(groups), labels)
    return Case(np.concatenate([*groups, others]), np.append(labels, np.full(len(others), -1)))


def heights_and_masses(random: Random) -> list[FloatArray]:
    """Two groups of heights in cm and masses in kg, rounded to 0.1."""
    n, correlation = random.integers(20, 45, 2), random.uniform(0.2, 0.6)
    smaller = group(random, n[0], (160, 57), (5, 5), correlation)
    larger = group(random, n[1], (187, 92), (5, 6), correlation)
    return [np.round(smaller, 1), np.round(larger, 1)]


def slipped_decimal(random: Random) -> Case:
    """Two groups; in one row or two the decimal point of a value slipped."""
    groups = heights_and_masses(random)
    n_strays = int(random.integers(1, 3))
    strays = random.permutation(np.concatenate(groups))[:n_strays].copy()
    axes = random.integers(0, 2, n_strays)
    strays[np.arange(n_strays), axes] *= random.choice([0.1, 10.0], n_strays)
    return together(groups, np.round(strays, 2))


def other_unit(random: Random) -> Case:
    """Two groups with heights in m; one row has centimetres, or inches, or pounds for kilograms."""
    groups = [points * [0.01, 1] for points in heights_and_masses(random)]
    row = random.permutation(np.concatenate(groups))[0]
    factors = np.array([[100, 1], [39.37, 1], [100, 2.205]])
    return together(groups, np.round(row * random.choice(factors), 2)[None])


def missing_code(random: Random) -> Case:
    """Two groups; one row has a code for a missing value, in one column or both."""
    groups = heights_and_masses(random)
    row = groups[0][0].copy()
    is_coded = np.array([[True, False], [False, True], [True, True]])[random.integers(3)]
    row[is_coded] = random.choice([-999.0, -99.0, 9999.0])
    return together(groups, row[None])


def rounded(step: float, random: Random) -> Case:
    """Three groups with standard deviations of about 1, rounded to multiples of a step."""
    places: list[tuple[float, float]] = [(0, 0), (7, 3), (2, 9)]
    groups = [
        group(random, int(random.integers(30, 90)), place, (1, 1.2), random.uniform(-0.5, 0.5))
        for place in places
    ]
    return together([np.round(points / step) * step for points in groups])


def correlated_sizes(random: Random) -> Case:
    """Three sizes of a thing, length and width in step with each other, rounded to 0.1.

    The groups lie along the main axis of the table, and are long in its direction.
    """
    counts = random.multinomial(210, [1 / 3] * 3)
    lengths = np.array([1.5, 4.2, 6.9]) + random.uniform(-0.1, 0.1, 3)
    correlation = random.uniform(0.4, 0.7)
    groups = [
        group(random, n, (length, 0.4 * length), (sd, 0.35 * sd), correlation)
        for n, length, sd in zip(counts, lengths, (0.25, 0.45, 0.5), strict=True)
    ]
    return together([np.round(points, 1) for points in groups])


def rare_far(random: Random) -> Case:
    """Two groups of over a hundred rows, and one of 5 to 10 rows far from both."""
    n_rare = int(random.integers(5, 11))
    groups = [
        group(random, 130, (0.2, 1.2), (0.04, 0.08), random.uniform(-0.3, 0.3)),
        group(random, 120, (0.55, 1.3), (0.05, 0.07), random.uniform(-0.3, 0.3)),
        group(random, n_rare, (0.95, 0.95), (0.03, 0.06), 0),
    ]
    return together([np.round(points, 3) for points in groups])


def uniform_field(random: Random) -> Case:
    """One cluster or two in a field of uniform noise, which has half to four fifths of the rows."""
    n_noise, n_groups = int(random.integers(150, 241)), int(random.integers(1, 3))
    places: list[tuple[float, float]] = [(-1.2, -0.8), (1.3, 1.1)]
    n = (300 - n_noise) // n_groups
    groups = [group(random, n, place, (0.25, 0.2), 0.3) for place in places[:n_groups]]
    return together(groups, random.uniform(-3, 3, (n_noise, 2)))


def heaped_prices(random: Random) -> Case:
    """Weights in hundredths, and prices of which a third are in round fifties: two grades."""
    counts = random.integers(80, 160, 2)
    ordinary = group(random, counts[0], (1.0, 2500), (0.15, 300), 0.6)
    better = group(random, counts[1], (1.3, 5200), (0.2, 450), 0.6)

    def heap(points: FloatArray) -> FloatArray:
        steps = np.where(random.random(len(points)) < 1 / 3, 50, 1)
        prices = np.round(points[:, 1] / steps) * steps
        return np.stack([np.round(points[:, 0], 2), prices], axis=1)

    return together([heap(ordinary), heap(better)])


def clean(random: Random) -> Case:
    """One to three round groups well apart, of 20 to 500 rows in all, and nothing else."""
    n_groups = int(random.integers(1, 4))
    n = int(random.integers(20, 500) / n_groups) + 5
    places: list[tuple[float, float]] = [(0, 0), (6, 2), (1, 7)]
    return together([group(random, n, place, (1, 1), 0) for place in places[:n_groups]])


KINDS: dict[str, Callable[[Random], Case]] = {
    "slipped decimal": slipped_decimal,
    "other unit": other_unit,
    "missing code": missing_code,
    "correlated sizes": correlated_sizes,
    "rare and far": rare_far,
    "uniform field": uniform_field,
    "heaped prices": heaped_prices,
    **{f"rounded to {step:g} sd": partial(rounded, step) for step in (0.1, 0.25, 0.5, 0.8)},
}
# How many tables there are of a kind; strays of three kinds and four roundings make a dozen each.
N_TABLES = dict.fromkeys(KINDS, 12)
N_TABLES |= dict.fromkeys(["slipped decimal", "other unit", "missing code"], 4)
N_TABLES |= dict.fromkeys([kind for kind in KINDS if kind.startswith("rounded")], 3)
# Tables whose truth is not the best mixture by a clear margin: two strays may be a third group, and
# five rows that lie far apart may be strays.
UNCLEAR = {
    ("slipped decimal", 0),
    ("slipped decimal", 3),
    ("rare and far", 9),
    ("rare and far", 10),
    ("rare and far", 14),
    ("heaped prices", 0),
}


def each_table() -> Iterator[tuple[str, int]]:
    """The kind and number of each table."""
    for kind, n_tables in N_TABLES.items():
        clear = ((kind, number) for number in count() if (kind, number) not in UNCLEAR)
        yield from islice(clear, n_tables)


TABLES = list(each_table())


def case_of(kind: str, number: int) -> Case:
    """One of the tables of a kind."""
    return KINDS[kind](np.random.default_rng(number))
