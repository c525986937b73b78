"""What a summary says of misfit and overlap, word for word."""

from dataclasses import replace

import numpy as np
from builders import mixture_of, over_background, random_mixture

from gmmcli.core.assessment.misfit import Misfit
from gmmcli.core.runs.misfits import caution_on_misfit, caution_on_overlap
from gmmcli.settings import CovarianceType

GAUSSIAN = Misfit(
    distances=np.full(8, 0.01),
    leanings=np.full(8, 0.01),
    kurtoses=np.full(8, 8.0),
    numbers=np.full(8, 1000.0),
    limits=np.full(8, 0.04),
    excess=0.0,
    excess_error=0.001,
    n_bins=64,
)


def say(misfit: Misfit, *, full: bool = True, has_background: bool = False) -> list[str]:
    """The lines on a misfit."""
    covariance: CovarianceType = "full" if full else "diag"
    return list(caution_on_misfit(misfit, covariance=covariance, has_background=has_background))


def with_one(component: int, distance: float, leaning: float, kurtosis: float) -> Misfit:
    """A misfit of one component."""
    changed = {"distances": distance, "leanings": leaning, "kurtoses": kurtosis}
    values = {name: getattr(GAUSSIAN, name).copy() for name in changed}
    for name, value in changed.items():
        values[name][component] = value
    return replace(GAUSSIAN, **values)


def test_nothing_is_said_where_nothing_is_missed() -> None:
    assert say(GAUSSIAN) == []
    assert say(replace(GAUSSIAN, limits=np.full(8, np.inf), distances=np.ones(8))) == []


def test_a_component_is_named_with_what_it_is_like_and_a_remedy() -> None:
    heavy = with_one(3, 0.1, 0.01, 16)
    assert say(heavy) == [
        "component 3 is not Gaussian: it has heavier tails (Kolmogorov-Smirnov distance 0.10); "
        "more components or --background on may describe it"
    ]
    assert say(heavy, full=False, has_background=True) == [
        "component 3 is not Gaussian: it has heavier tails (Kolmogorov-Smirnov distance 0.10); "
        "--covariance full or more components may describe it"
    ]
    assert say(with_one(3, 0.1, 0.01, 5)) == [
        "component 3 is not Gaussian: it is flatter, or hollow in the middle (Kolmogorov-Smirnov "
        "distance 0.10); more components may describe it"
    ]
    assert say(with_one(3, 0.1, 0.12, 16), full=False) == [
        "component 3 is not Gaussian: it leans to one side (leaning 0.12); --covariance full, "
        "more components or the log of a coordinate may describe it"
    ]
    assert say(with_one(3, 0.1, 0.01, 8)) == [
        "component 3 is not Gaussian: it is of another shape (Kolmogorov-Smirnov distance 0.10); "
        "more components may describe it"
    ]


def test_of_several_components_the_worst_come_first() -> None:
    misfit = replace(
        GAUSSIAN,
        distances=np.array([0.05, 0.2, 0.06, 0.07, 0.08, 0.09, 0.1, 0.01]),
        kurtoses=np.full(8, 16.0),
    )
    assert misfit.worst_first == [1, 6, 5, 4, 3, 2, 0]
    assert say(misfit) == [
        "components 1, 3, 4, 5, 6 and 2 others are not Gaussian; component 1 is farthest: it has "
        "heavier tails (Kolmogorov-Smirnov distance 0.20); more components or --background on may "
        "describe them"
    ]


def test_the_whole_is_told_where_no_component_is() -> None:
    missed = replace(GAUSSIAN, excess=0.0312, excess_error=0.004)
    assert say(missed) == [
        "a histogram of 64 bins describes the points better, by 0.031 ± 0.004 nats per point: the "
        "mixture misses something; more components may describe it"
    ]
    assert say(replace(missed, excess=0.011)) == []
    assert say(replace(missed, excess=0.004, excess_error=1e-5)) == []


def test_the_worst_overlap_is_told_from_a_tenth_on() -> None:
    mixture = mixture_of([0.5, 0.5], [[0, 0], [2, 0]], [np.eye(2)] * 2)
    overlap = np.array([[0.9, 0.1], [0.14, 0.86]])
    assert list(caution_on_overlap(overlap, mixture)) == [
        "overlap: 14 % of the points of component 1 get the label of component 0; gmm predict says "
        "how sure a label is"
    ]
    assert list(caution_on_overlap(np.array([[0.9, 0.1], [0.1, 0.9]]), mixture)) == []
    one = over_background(random_mixture(1, seed=1), 0.1, np.array([[-9.0, -9.0], [9.0, 9.0]]))
    assert list(caution_on_overlap(np.array([[0.8, 0.2], [0.0, 1.0]]), one)) == [
        "overlap: 20 % of the points of component 0 get the label of the background; gmm predict "
        "says how sure a label is"
    ]
