"""Tables whose groups are known and are no Gaussians, for `groups.py`, and public ones.

Pure functions of a random generator, like those of `bed_tables.py`; the public sets are those that
scikit-learn brings, by two of their columns or their first two principal components.
"""

from collections.abc import Callable
from functools import partial

import numpy as np
from bed_tables import BEDS, Bed, Random, centres
from sklearn.datasets import load_breast_cancer, load_digits, load_iris, load_wine
from sklearn.decomposition import PCA
from sklearn.preprocessing import StandardScaler

from gmmcli.core.mixture.covariances import FloatArray

# Beds of `bed_tables.py` whose labels are groups that people would see.
CLEAN = ("15 at 8 sd", "15 at 6 sd", "15 at 5 sd", "15 at 4 sd", "20 of 150", "unequal")
CLEAN += ("Old Faithful", "two rounded", "15 peaked at 8 sd")


def about(places: FloatArray, away: FloatArray) -> Bed:
    """Points away from places, as many at each, with the place as label."""
    labels = np.repeat(np.arange(len(places)), len(away) // len(places))
    return Bed(places[labels] + away, (labels,), are_gaussians=False)


def with_cores(random: Random) -> Bed:
    """15 groups with a tight core each, which are 30 components."""
    bed = BEDS["15 with cores at 8 sd"](random)
    return Bed(bed.points, (bed.labellings[0] // 2,), are_gaussians=False)


def student(degrees: int, n_groups: int, apart: float, random: Random) -> Bed:
    """Groups of 400 points that follow Student's t."""
    n_points = 400 * n_groups
    radii = np.sqrt(random.chisquare(degrees, n_points) / degrees)
    places = centres(random, n_groups, 1.25 * apart * np.sqrt(n_groups), apart)
    return about(places, random.normal(size=(n_points, 2)) / radii[:, None])


def laplace(random: Random) -> Bed:
    """Eight groups that follow Laplace's distribution along slanted axes."""
    away = random.laplace(size=(3200, 2)) @ np.array([[1, 0.5], [0, 0.8]])
    return about(centres(random, 8, 32, 9), away)


def discs(random: Random) -> Bed:
    """Six discs that are evenly filled."""
    radii, angles = np.sqrt(random.random(3000)), random.uniform(0, 2 * np.pi, 3000)
    away = radii[:, None] * np.stack([np.cos(angles), np.sin(angles)], axis=1)
    return about(centres(random, 6, 8, 2.6), away)


def moons(random: Random) -> Bed:
    """Two half circles that reach into each other."""
    angles = random.uniform(0, np.pi, 1200)
    ups = np.repeat([1.0, -1.0], 600)
    away = np.stack([np.cos(angles), ups * np.sin(angles)], axis=1)
    return about(np.array([[0, 0], [1, 0.35]]), away + 0.1 * random.normal(size=(1200, 2)))


def skew(random: Random) -> Bed:
    """Nine groups with a long tail to one side."""
    away = np.stack([random.gamma(2, 1, 3600), random.normal(size=3600)], axis=1)
    return about(centres(random, 9, 27, 7), away)


def cross(random: Random) -> Bed:
    """Two long groups across each other: one mode, and two groups to the eye."""
    away = random.normal(size=(1000, 2)) * np.repeat([[4, 0.4], [0.4, 4]], 500, axis=0)
    return about(np.zeros((2, 2)), away)


def close(apart: float, random: Random) -> Bed:
    """Two round groups so many standard deviations apart."""
    return about(np.array([[0.0, 0.0], [apart, 0.0]]), random.normal(size=(2000, 2)))


def public(name: str, _: Random) -> Bed:
    """Two coordinates of a set of scikit-learn's, with its own labels."""
    loaded = {
        "iris": load_iris,
        "wine": load_wine,
        "breast cancer": load_breast_cancer,
        "digits": load_digits,
    }[name]()
    points = loaded.data[:, 2:]
    if name != "iris":  # whose petals are two columns already
        points = PCA(2).fit_transform(StandardScaler().fit_transform(loaded.data))
    return Bed(points, (loaded.target,), are_gaussians=False)


TABLES: dict[str, Callable[[Random], Bed]] = {
    **{name: BEDS[name] for name in CLEAN},
    "15 with cores": with_cores,
    "two 2.6 sd apart": partial(close, 2.6),
    "five of t3": partial(student, 3, 5, 15),
    "twelve of t5": partial(student, 5, 12, 7),
    "twelve of t4, close": partial(student, 4, 12, 5),
    "eight of Laplace": laplace,
    "six discs": discs,
    "moons": moons,
    "nine skewed": skew,
    "cross": cross,
    **{name: partial(public, name) for name in ("iris", "wine", "breast cancer", "digits")},
}
PUBLIC = ("Old Faithful", "iris", "wine", "breast cancer", "digits")
