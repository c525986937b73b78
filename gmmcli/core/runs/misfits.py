"""Where a mixture does not describe the points, and where components overlap, as lines to print.

They name options as the command line does; see `cautions`.
"""

from collections.abc import Iterator, Sequence

from gmmcli.core.assessment.misfit import Misfit, Shape
from gmmcli.core.assessment.overlap import find_worst_confusion
from gmmcli.core.mixture.background import BACKGROUND_LABEL
from gmmcli.core.mixture.covariances import FloatArray
from gmmcli.core.mixture.mixture import Mixture
from gmmcli.core.runs.words import count, list_components
from gmmcli.settings import CovarianceType


def caution_on_misfit(
    misfit: Misfit, *, covariance: CovarianceType, has_background: bool
) -> Iterator[str]:
    """A line where the mixture does not describe the points: of components, or of the whole.

    Args:
        misfit: of the mixture.
        covariance: its covariance type.
        has_background: whether it has one.
    """
    freer = () if covariance == "full" else ("--covariance full",)
    if not (worst := misfit.worst_first):
        if misfit.is_excess_sure():
            yield (
                f"a histogram of {misfit.n_bins:,} bins describes the points better, by "
                f"{misfit.excess:.3f} ± {misfit.excess_error:.3f} nats per point: the mixture "
                f"misses something; {_offer((*freer, 'more components'))} may describe it"
            )
        return
    shape = misfit.find_shape(worst[0])
    useless = ("--background on",) if has_background else ()
    remedies = (*freer, *(remedy for remedy in shape.remedies if remedy not in useless))
    what, its = f"{_list_few(worst)} are not Gaussian; component {worst[0]} is farthest", "them"
    if len(worst) == 1:
        what, its = f"component {worst[0]} is not Gaussian", "it"
    yield f"{what}: it {_describe(misfit, worst[0])}; {_offer(remedies)} may describe {its}"


def caution_on_overlap(
    overlap: FloatArray, mixture: Mixture, *, least: float = 0.1
) -> Iterator[str]:
    """A line where labels take much of a component for another.

    Args:
        overlap: of `overlap.measure_overlap`.
        mixture: the same.
        least: the share of a component from which on this is told: one point in ten.
    """
    worst = find_worst_confusion(overlap, mixture)
    if worst is not None and worst.share > least:
        one, other = map(_name, (worst.component, worst.label))
        share = f"{100 * worst.share:.0f} % of the points of {one}"
        yield f"overlap: {share} get the label of {other}; gmm predict says how sure a label is"


def _describe(misfit: Misfit, component: int) -> str:
    """How a component differs from a Gaussian, and how far."""
    shape = misfit.find_shape(component)
    if shape is Shape.LEANING:
        return f"{shape.words} (leaning {misfit.leanings[component]:.2f})"
    return f"{shape.words} (Kolmogorov-Smirnov distance {misfit.distances[component]:.2f})"


def _list_few(components: Sequence[int], *, most: int = 5) -> str:
    """Components by their numbers, the first of them where there are many."""
    left = len(components) - most
    others = f" and {count(left, 'other')}" if left > 0 else ""
    return f"{list_components(sorted(components[:most]))}{others}"


def _offer(remedies: Sequence[str]) -> str:
    """Remedies, any of which may do: 'one', 'one or another', 'one, another or a third'."""
    *others, last = remedies
    return f"{', '.join(others)} or {last}" if others else last


def _name(label: int) -> str:
    return "the background" if label == BACKGROUND_LABEL else f"component {label}"
