"""The picture of a choice between fits: a criterion against the number of components.

What is drawn is how far each candidate's criterion is above that of the chosen one, linear where
that is little and logarithmic beyond. So the differences that decide can be seen beside candidates
that are a thousand times worse, and large criteria keep their digits.
"""

import math
from collections.abc import Sequence
from textwrap import wrap
from typing import Any

import matplotlib
import numpy as np
from matplotlib import rcParams
from matplotlib.axes import Axes
from matplotlib.container import BarContainer
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patheffects import withStroke
from matplotlib.text import Annotation
from matplotlib.ticker import FuncFormatter, MaxNLocator

from gmmcli.core.mixture.covariances import FloatArray
from gmmcli.core.runs.words import write_share
from gmmcli.core.search.criteria import Candidate, Selection
from gmmcli.core.search.status import Status
from gmmcli.pictures.style import choose_inches, get_colour, pick_colours, scale_type
from gmmcli.settings import COVARIANCE_CODES, COVARIANCE_TYPES, CovarianceType

SELECTION_INCHES = (7.0, 4.6)
# A difference of so much in BIC, in twice nats, is very strong evidence (Kass & Raftery 1995,
# section 3.2): up to here the axis is linear.
STRONG = 10.0
# A marker for each kind of shape and orientation, full ones first; its place is its colour's, too.
MARKERS = {"VV": "o", "EE": "s", "VI": "^", "II": "D", "EV": "v", "VE": "P", "EI": "X"}


def make_selection_figure(selection: Selection) -> Figure:
    """How every candidate compares with the chosen one, as a figure."""
    inches = choose_inches(SELECTION_INCHES)
    with scale_type(inches, enough=SELECTION_INCHES):
        return _draw_selection(selection, Figure(figsize=inches))


def _draw_selection(selection: Selection, figure: Figure) -> Figure:
    """Draw it into an empty figure."""
    above = compare_criteria(selection)
    note = describe_selection(selection, above)
    shares = sum_shares(selection.candidates)
    axes, below = _lay_out(figure, above, note.count("\n"), has_shares=bool(shares))
    if shares:
        draw_shares(below, shares)
    lines = draw_candidates(axes, selection.candidates, above)
    draw_chosen(axes, selection.winner)
    scale_criterion(axes, above)
    name = selection.criterion.upper()
    value = selection.winner.criteria.value(selection.criterion)
    chosen = f"{name_candidate(selection.winner)}, {name} {_format_in_full(value, n_decimals=2)}"
    axes.set_title(f"chosen: {chosen}")
    below.set_xlabel("components")
    axes.set_ylabel(f"{name} above the chosen (lower is better)")
    top = axes.get_position().y1
    figure.legend(handles=lines, title="covariance", loc="upper right", bbox_to_anchor=(1, top))
    figure.text(0.02, 0.02, note, fontsize=0.8 * rcParams["font.size"], color=get_colour("note"))
    return figure


def _lay_out(
    figure: Figure, above: FloatArray, n_breaks: int, *, has_shares: bool
) -> tuple[Axes, Axes]:
    """The axes of the candidates, and those of shares below them, or the same where there are none.

    Args:
        figure: empty.
        above: as `compare_criteria` gives it, for the room of ticks.
        n_breaks: of the lines of the note.
        has_shares: whether there are shares.
    """
    width, height = figure.get_size_inches() / (rcParams["font.size"] / 10)  # of type of 10 points
    longest = max(len(_format_in_full(value)) for value in (np.nanmin(above), np.nanmax(above)))
    margins = {
        "left": (0.65 + 0.08 * max(longest, 4)) / width,
        "right": 1 - 1.3 / width,
        "top": 1 - 0.4 / height,
        "bottom": (0.85 + 0.14 * n_breaks) / height,
        "hspace": 0.15,
    }
    if not has_shares:
        axes = figure.subplots(gridspec_kw=margins)
        return axes, axes
    axes, below = figure.subplots(2, sharex=True, height_ratios=[4, 1], gridspec_kw=margins)
    return axes, below


def sum_shares(candidates: Sequence[Candidate]) -> dict[CovarianceType, dict[int, float]]:
    """The shares of resamples in which candidates are the best, by type and number of components.

    Those of none are left out; empty where there were no resamples.
    """
    shares: dict[CovarianceType, dict[int, float]] = {}
    for covariance in COVARIANCE_TYPES:
        own = {
            each.components: each.share
            for each in candidates
            if each.covariance == covariance and each.share
        }
        if own:
            shares[covariance] = own
    return shares


def draw_shares(axes: Axes, shares: dict[CovarianceType, dict[int, float]]) -> list[BarContainer]:
    """Draw the shares of resamples as bars, those of types on one another, with their sums."""
    totals: dict[int, float] = {}
    bars = []
    for covariance, own in shares.items():
        look = _choose_look(covariance)
        below = [totals.get(components, 0.0) for components in own]
        hatch = "////" if look["ls"] == "--" else None
        bars.append(
            axes.bar(
                list(own),
                list(own.values()),
                0.5,
                below,
                color=look["color"],
                hatch=hatch,
                edgecolor=matplotlib.rcParams["axes.facecolor"],
                linewidth=0.5,
            )
        )
        for components, share in own.items():
            totals[components] = totals.get(components, 0.0) + share
    for components, total in totals.items():
        text = write_share(total) if total >= 0.005 else "<1 %"
        axes.annotate(
            text,
            (components, total),
            (0, 1),
            textcoords="offset points",
            ha="center",
            va="bottom",
            fontsize=8,
        )
    axes.set_ylim(0, 1.4 * max(totals.values()))
    axes.set_yticks([])
    axes.spines["left"].set_visible(False)
    axes.set_ylabel("share of\nresamples", fontsize=8)
    return bars


def compare_criteria(selection: Selection) -> FloatArray:
    """How far each candidate's criterion is above the chosen one's; NaN where it is not finite.

    Shape (candidates,), in twice nats.
    """
    values = np.array([selection.value(candidate) for candidate in selection.candidates])
    above: FloatArray = np.where(np.isfinite(values), values, np.nan) - values[selection.chosen]
    return above


def is_logarithmic(above: FloatArray, *, most_linear: float = 5 * STRONG) -> bool:
    """Whether some candidates are so far from the chosen one, in twice nats, that the axis is."""
    return bool(np.nanmax(np.abs(above)) > most_linear)


def draw_candidates(axes: Axes, candidates: Sequence[Candidate], above: FloatArray) -> list[Line2D]:
    """Draw a line for each covariance type, with the preliminary candidates hollow.

    Types of equal volumes are dashed, in the colour and with the marker of those of variable ones.
    Of many types, those that come nearest to the chosen candidate have a look of their own, and the
    rest is thin and grey. What comes back is for a legend.
    """
    lines = []
    components = np.array([candidate.components for candidate in candidates])
    order = np.argsort(components)
    types, best = _rank_types(candidates, above)
    # Of a type that is not among the best of many.
    faint: dict[str, Any] = {"color": get_colour("faint"), "marker": "", "linewidth": 0.8}
    for covariance in types:
        places = [place for place in order if candidates[place].covariance == covariance]
        look = _choose_look(covariance)
        if covariance not in best:
            look |= faint
            axes.plot(components[places], above[places], **look, zorder=1)
            continue
        hollow = [p for p in places if candidates[p].status is Status.PRELIMINARY]
        axes.plot(components[places], above[places], **look)
        axes.plot(components[hollow], above[hollow], **{**look, "ls": ""}, mfc=get_colour("paper"))
        lines.append(Line2D([], [], label=covariance, **look))
    if len(best) < len(types):
        lines.append(Line2D([], [], label=f"{len(types) - len(best)} others", **faint))
    return lines


def _rank_types(
    candidates: Sequence[Candidate], above: FloatArray, *, many: int = 6, n_best: int = 5
) -> tuple[list[CovarianceType], list[CovarianceType]]:
    """The types that there are, and those to be told apart, in the order of `settings`.

    Args:
        candidates: of these types.
        above: as `compare_criteria` gives it.
        many: so many types at most can all be told apart in a picture.
        n_best: of more, how many are.
    """
    lowest: dict[CovarianceType, float] = {}
    for candidate, value in zip(candidates, above.tolist(), strict=True):
        known = lowest.get(candidate.covariance, math.inf)
        lowest[candidate.covariance] = known if math.isnan(value) else min(known, value)
    types = [each for each in COVARIANCE_TYPES if each in lowest]
    ranked = sorted(types, key=lambda each: lowest[each])
    best = ranked if len(types) <= many else ranked[:n_best]
    return types, [each for each in types if each in best]


def _choose_look(covariance: CovarianceType) -> dict[str, Any]:
    """The colour, marker and line of a covariance type."""
    volume, kind = COVARIANCE_CODES[covariance][0], COVARIANCE_CODES[covariance][1:]
    colours = pick_colours(len(MARKERS))
    return {
        "marker": MARKERS[kind],
        "color": colours[list(MARKERS).index(kind)],
        "markersize": 6,
        "ls": "--" if volume == "E" else "-",
    }


def draw_chosen(axes: Axes, candidate: Candidate) -> Annotation:
    """Draw a star for the chosen candidate, with its label below."""
    place = (candidate.components, 0.0)
    axes.plot(*place, "*", ms=17, mfc=get_colour("ink"), mec=get_colour("paper"), mew=1.2, zorder=4)
    label = axes.annotate(
        name_candidate(candidate),
        place,
        (0, -11),
        textcoords="offset points",
        ha="center",
        va="top",
    )
    label.set_path_effects([withStroke(linewidth=3, foreground=get_colour("paper"))])
    return label


def scale_criterion(axes: Axes, above: FloatArray) -> None:
    """Scale the axes so that small differences and large ones can be read."""
    axes.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
    axes.margins(x=0.06, y=0.14)
    if is_logarithmic(above):
        axes.set_yscale("symlog", linthresh=STRONG, subs=range(2, 10))
        axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: _format_in_full(value)))
    else:
        axes.ticklabel_format(axis="y", style="plain", useOffset=False)


def describe_selection(selection: Selection, above: FloatArray, *, width: int = 110) -> str:
    """What a reader needs to know to read the picture, in lines of a width in letters.

    Args:
        selection: what is drawn.
        above: as `compare_criteria` gives it.
        width: of a line.
    """
    notes = []
    if any(each.status is Status.PRELIMINARY for each in selection.candidates):
        notes.append("hollow: preliminary (too far behind to be climbed)")
    if is_logarithmic(above):
        notes.append(f"axis: linear up to {STRONG:.0f}, logarithmic beyond")
    codes = {COVARIANCE_CODES[each.covariance] for each in selection.candidates}
    if {code[0] for code in codes} == {"E", "V"}:
        notes.append("dashed: types of equal volumes")
    return "\n".join(wrap("; ".join(notes), width))


def name_candidate(candidate: Candidate) -> str:
    """A candidate's number of components and covariance type."""
    return f"{candidate.components}, {candidate.covariance}"


def _format_in_full(value: float, n_decimals: int = 0) -> str:
    return f"{value:,.{n_decimals}f}".replace("-", "\N{MINUS SIGN}")
