"""Tables whose groups are known, for `beds.py`: pure functions of a random generator.

A bed is made of clusters, which are Gaussian if nothing else is said, and of what tables have
beside clusters: rounded values, copies, strays, heaps, tails, groups that are rare. Where it is not
plain whether a few points are a cluster or strays, the bed has both labellings.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np

from gmmcli.core.mixture.covariances import FloatArray

Random = np.random.Generator
IntArray = np.ndarray[tuple[int], np.dtype[np.int64]]

OLD_FAITHFUL = Path(__file__).parent.parent / "sample_data" / "old_faithful.csv"


@dataclass(frozen=True)
class Bed:
    """Points and the truth about them.

    Attributes:
        points: shape (N, 2).
        labellings: what the labels (N,) may be, -1 in the background; the one that gives the lowest
            BIC counts. None where labels say nothing of the best mixture.
        n_components: how many components are right where there are no labels, if that is known.
        are_gaussians: whether the groups that the labels name are all that the best mixture has.
    """

    points: FloatArray
    labellings: tuple[IntArray, ...] = ()
    n_components: int | None = None
    are_gaussians: bool = True


def clusters(
    random: Random, means: FloatArray, covariances: FloatArray, counts: IntArray
) -> tuple[FloatArray, IntArray]:
    """Points of Gaussians (N, 2) and their labels (N,), so many of each."""
    labels = np.repeat(np.arange(len(counts)), counts)
    factors = np.linalg.cholesky(covariances)[labels]  # (N, 2, 2)
    away = np.einsum("nij,nj->ni", factors, random.normal(size=(len(labels), 2)))
    return means[labels] + away, labels


def round_clusters(
    random: Random, places: Sequence[tuple[float, float]], sds: list[float], counts: list[int]
) -> tuple[FloatArray, IntArray]:
    """Points of round Gaussians and their labels."""
    covariances = np.square(sds)[:, None, None] * np.eye(2)
    return clusters(random, np.array(places), covariances, np.array(counts))


def centres(random: Random, n: int, width: float, least: float) -> FloatArray:
    """Random places in a square, none nearer to another than the least, shape (n, 2)."""
    chosen: list[FloatArray] = []
    for n_tries in range(1_000_000):
        place = random.uniform(0, width, 2)
        if all(np.hypot(*(place - other)) >= least for other in chosen):
            chosen.append(place)
        if len(chosen) == n:
            return np.array(chosen)
        if n_tries % 20_000 == 19_999:  # the square is too full to hold the rest
            chosen, width = [], width * 1.02
    raise AssertionError("a wide square has room for all")


def shapes(random: Random, deviations: FloatArray, roundness: float) -> FloatArray:
    """Covariances at random angles, (K, 2, 2), given the larger standard deviations (K,).

    The smaller ones are at least `roundness` of the larger.
    """
    angles = random.uniform(0, np.pi, len(deviations))
    cosines, sines = np.cos(angles), np.sin(angles)
    turns = np.stack([[cosines, -sines], [sines, cosines]]).transpose(2, 0, 1)
    smaller = deviations * random.uniform(roundness, 1, len(deviations))
    variances = np.stack([deviations, smaller], axis=1) ** 2
    covariances: FloatArray = (turns * variances[:, None, :]) @ turns.swapaxes(1, 2)
    return covariances


def evenly_filled(n: int, apart: float, n_points: int, random: Random) -> Bed:
    """So many clusters of one size, at least so many standard deviations apart."""
    means = centres(random, n, 1.25 * apart * np.sqrt(n), apart)
    counts = np.full(n, n_points // n) + (np.arange(n) < n_points % n)
    points, labels = clusters(random, means, shapes(random, np.ones(n), 0.5), counts)
    return Bed(points, (labels,))


def unequal(random: Random) -> Bed:
    """Eight clusters of 100 to 2,000 points, whose spreads differ by a factor of five."""
    counts = np.array([2000, 1500, 1000, 700, 400, 250, 150, 100])
    spreads = random.permutation(np.geomspace(0.4, 2, 8))
    means = centres(random, 8, 45, 13)
    points, labels = clusters(random, means, shapes(random, spreads, 0.4), counts)
    return Bed(points, (labels,))


def overlapping(random: Random) -> Bed:
    """Two clusters whose means are 2.5 standard deviations apart."""
    points, labels = round_clusters(random, [(0, 0), (2.5, 0)], [1, 1], [1000, 1000])
    return Bed(points, (labels, np.zeros_like(labels)))


def single(n_points: int, random: Random) -> Bed:
    """One Gaussian."""
    points, labels = round_clusters(random, [(0, 0)], [1], [n_points])
    return Bed(points, (labels,))


def uniform(random: Random) -> Bed:
    """Points all over a square."""
    return Bed(random.uniform(size=(2000, 2)))


def old_faithful(_: Random) -> Bed:
    """The eruptions of the geyser, short and long."""
    points = np.loadtxt(OLD_FAITHFUL, delimiter=",", skiprows=1)
    return Bed(points, ((points[:, 0] > 3).astype(np.int64),))


def one_rounded(step: float, random: Random) -> Bed:
    """One Gaussian whose values are rounded to multiples of a step, in standard deviations."""
    return Bed(np.round(random.normal(size=(2000, 2)) / step) * step, n_components=1)


def two_rounded(random: Random) -> Bed:
    """Two clusters rounded to whole numbers."""
    points, labels = round_clusters(random, [(0, 0), (8, 3)], [1.7, 1.7], [1500, 1500])
    return Bed(np.round(points), (labels,))


def heap_in_cluster(random: Random) -> Bed:
    """A cluster, and a quarter of all rows at one value inside."""
    points, _ = round_clusters(random, [(0, 0)], [1], [1500])
    return Bed(np.concatenate([points, np.tile([0.7, -0.3], (500, 1))]), n_components=2)


def line_in_cluster(random: Random) -> Bed:
    """A cluster, and a quarter of all rows on a straight line through it."""
    points, _ = round_clusters(random, [(0, 0)], [1], [1500])
    along = random.uniform(-3, 3, 500)
    return Bed(np.concatenate([points, np.stack([along, along / 2], axis=1)]))


def strays_together(n_strays: int, random: Random) -> Bed:
    """Two clusters, and a few points near each other far out: a cluster, or a background."""
    points, labels = round_clusters(
        random, [(0, 0), (6, 0), (40, 40)], [1, 1, 1], [500, 500, n_strays]
    )
    as_background = np.where(labels == 2, -1, labels)
    return Bed(points, (as_background,) if n_strays < 3 else (as_background, labels))


def strays_apart(n_strays: int, random: Random) -> Bed:
    """Two clusters, and a few points anywhere: a background."""
    points, labels = round_clusters(random, [(0, 0), (6, 0)], [1, 1], [500, 500])
    strays = random.uniform(-60, 60, (n_strays, 2))
    return Bed(np.concatenate([points, strays]), (np.append(labels, [-1] * n_strays),))


def rare(random: Random) -> Bed:
    """A tight cluster of 60 points inside one of 29,940."""
    points, labels = round_clusters(random, [(0, 0), (1.8, 1.2)], [1, 0.05], [29_940, 60])
    return Bed(points, (labels,))


def three_rare(random: Random) -> Bed:
    """Three tight clusters of 25 to 60 points inside one of 20,000."""
    places = [(0.0, 0.0), (0.8, 0.5), (-1, 0.2), (0, -1.5)]
    points, labels = round_clusters(random, places, [1, 0.02, 0.01, 0.02], [20_000, 40, 25, 60])
    return Bed(points, (labels,))


def twelve(random: Random) -> Bed:
    """Two groups of six points."""
    points, labels = round_clusters(random, [(0, 0), (9, 9)], [1, 1], [6, 6])
    return Bed(points, (labels, np.zeros_like(labels)))


def copies(fewest: int, most: int, random: Random) -> Bed:
    """120 points of one Gaussian, each several times."""
    counts = random.integers(fewest, most + 1, 120)
    return Bed(np.repeat(random.normal(size=(120, 2)), counts, axis=0), n_components=1)


def heavy_tails(places: Sequence[tuple[float, float]], n_each: int, random: Random) -> Bed:
    """Clusters that follow Student's t with three degrees of freedom; which Gaussians do not."""
    n = n_each * len(places)
    away = random.normal(size=(n, 2)) / np.sqrt(random.chisquare(3, n) / 3)[:, None]
    return Bed(np.repeat(np.array(places), n_each, axis=0) + away)


def with_cores(apart: float, random: Random) -> Bed:
    """15 clusters, a sixth of whose points lie in a tight core: 30 components.

    The kurtosis of a cluster is 1.2 times a Gaussian's, as the variances of core and rest have a
    variance of 0.2 about their mean, 1.
    """
    core = 0.02
    share = 0.2 / (0.2 + (1 - core) ** 2)
    variances = np.tile([core, (1 - core * share) / (1 - share)], 15)
    means = np.repeat(centres(random, 15, 5 * apart, apart), 2, axis=0)
    covariances = np.repeat(shapes(random, np.ones(15), 0.7), 2, axis=0)
    n_core = round(333 * share)
    counts = np.tile([n_core, 333 - n_core], 15)
    points, labels = clusters(random, means, variances[:, None, None] * covariances, counts)
    return Bed(points, (labels,))


def peaked(apart: float, random: Random) -> Bed:
    """15 round clusters, denser at the centre than Gaussians, of 1.2 times their kurtosis.

    The squared radius follows a gamma distribution, whose shape would be 1 for a Gaussian.
    """
    shape = 1 / 1.4
    radii = np.sqrt(2 / shape * random.gamma(shape, size=4995))
    angles = random.uniform(0, 2 * np.pi, 4995)
    away = radii[:, None] * np.stack([np.cos(angles), np.sin(angles)], axis=1)
    labels = np.repeat(np.arange(15), 333)
    points = centres(random, 15, 5 * apart, apart)[labels] + away
    return Bed(points, (labels,), are_gaussians=False)


def heaped_prices(random: Random) -> Bed:
    """54,000 weights in hundredths, most just above round ones, and prices in whole numbers."""
    heaps = np.array([0.3, 0.4, 0.5, 0.7, 0.9, 1.0, 1.2, 1.5, 2.0])
    shares = np.array([0.2, 0.1, 0.12, 0.15, 0.05, 0.2, 0.06, 0.08, 0.04])
    weights = random.choice(heaps, 54_000, p=shares) + random.exponential(0.05, 54_000)
    weights = np.round(weights, 2)
    prices = 4500 * weights**1.7 * random.lognormal(0, 0.25, 54_000) * (1 + 0.1 * (weights >= 1))
    return Bed(np.stack([weights, np.round(prices)], axis=1))


def beds() -> Iterator[tuple[str, Callable[[Random], Bed]]]:
    """The name of each bed, and what makes it."""
    for apart in (8, 6, 5, 4):
        yield f"15 at {apart} sd", partial(evenly_filled, 15, apart, 5000)
    for n in (20, 35, 50):
        yield f"{n} of 150", partial(evenly_filled, n, 6, 150 * n)
    yield "unequal", unequal
    yield "two overlapping", overlapping
    for n in (2000, 100, 20):
        yield f"single, {n} points", partial(single, n)
    yield "uniform", uniform
    yield "Old Faithful", old_faithful
    for step in (0.003, 0.01, 0.03, 0.1, 0.3, 1.0):
        yield f"one rounded to {step:g} sd", partial(one_rounded, step)
    yield "two rounded", two_rounded
    yield "a quarter at one value", heap_in_cluster
    yield "line in a cloud", line_in_cluster
    for n in (1, 3, 4, 10):
        yield f"strays together, {n}", partial(strays_together, n)
    for n in (3, 4, 10):
        yield f"strays apart, {n}", partial(strays_apart, n)
    yield "rare, 60 of 30,000", rare
    yield "three rare", three_rare
    yield "12 points in two groups", twelve
    yield "120 points, 1 to 20 times", partial(copies, 1, 20)
    yield "120 points, 5 times", partial(copies, 5, 5)
    yield "t noise", partial(heavy_tails, [(0, 0)], 2000)
    five = [(0, 0), (15, 0), (0, 15), (15, 15), (30, 7)]
    yield "five of t noise", partial(heavy_tails, five, 400)
    for apart in (8, 4):
        yield f"15 with cores at {apart} sd", partial(with_cores, apart)
        yield f"15 peaked at {apart} sd", partial(peaked, apart)
    yield "100 of 1,000", partial(evenly_filled, 100, 6, 100_000)
    yield "heaped prices", heaped_prices


BEDS: dict[str, Callable[[Random], Bed]] = dict(beds())
