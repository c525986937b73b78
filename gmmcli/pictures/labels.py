"""Where numbers stand in a picture so that none covers another, and how ticks are written."""

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from gmmcli.core.mixture.covariances import FloatArray


@dataclass(frozen=True)
class Labels:
    """Where K labels stand, all in points from the lower left corner of the view.

    Attributes:
        places: of their middles, shape (K, 2).
        are_shown: whether there is a place near what they name that no other label has, shape (K,).
        are_outside: whether what they name lies outside the view, shape (K,).
        bearings: the directions from the middle of the view to these, in radians, shape (K,).
    """

    places: FloatArray
    are_shown: npt.NDArray[np.bool_]
    are_outside: npt.NDArray[np.bool_]
    bearings: FloatArray


def place_labels(
    anchors: FloatArray,
    reaches: FloatArray,
    sizes: FloatArray,
    view: FloatArray,
    *,
    n_directions: int = 16,
    n_rings: tuple[int, ...] = (4, 9),
) -> Labels:
    """Each label on its anchor where there is room inside its ellipse, or else beside it.

    One after the other, from the widest ellipse to the narrowest, takes a near place that no label
    before it has, and that covers little of other anchors; where there is none, it is not shown.
    What lies outside the view has its label at the edge.

    Args:
        anchors: what is labelled, shape (K, 2), in points from the lower left corner.
        reaches: how far the inner ellipse goes from each anchor along x and y, shape (K, 2).
        sizes: width and height of the labels, shape (K, 2).
        view: width and height, shape (2,).
        n_directions: in which places are tried about an anchor: more finds nearer ones, in more
            time.
        n_rings: of places about an anchor, each a label's height farther out; where there is no
            free place in so many, in as many as come next. More find room for more labels, with
            longer leaders.
    """
    inside = np.asarray(((anchors >= 0) & (anchors <= view)).all(axis=1))
    edge = sizes / 2 + np.where(inside, 2, 9)[:, None]  # with room for an arrow
    homes = np.clip(anchors, edge, np.maximum(view - edge, edge))
    places, are_shown = homes.copy(), np.ones(len(anchors), dtype=np.bool_)
    done: list[int] = []
    rays = np.linspace(0, 2 * math.pi, n_directions, endpoint=False) + math.pi / 4
    rays = np.stack([np.cos(rays), np.sin(rays)], axis=1)
    for k in np.argsort(-reaches.min(axis=1), kind="stable").tolist():
        # Less than a label of room about an anchor: the label would hide the component.
        is_small = bool((reaches[k] < sizes[k]).any()) and bool(inside[k])
        away = (np.minimum(reaches[k], 2 * sizes[k]) if is_small else 0) + 0.75 * sizes[k]
        others = np.arange(len(anchors)) != k
        for n in n_rings:
            rings = away + sizes[k, 1] * np.arange(n)[:, None]  # (n, 2)
            offsets = (rays * rings[:, None, :]).reshape(-1, 2)
            tried = homes[k] + (offsets if is_small else np.vstack([np.zeros(2), offsets]))
            tried = np.clip(tried, edge[k], np.maximum(view - edge[k], edge[k]))
            covered = _measure_overlaps(tried, sizes[k], places[done], sizes[done])
            if covered.min() == 0:
                break
        hidden = _measure_overlaps(tried, sizes[k], homes[others], np.full((1, 2), 4.0))
        far = np.linalg.norm(tried - homes[k], axis=1)
        cost = 1e6 * covered + hidden + 0.3 * sizes[k, 1] * far
        places[k] = tried[np.argmin(cost)]
        are_shown[k] = covered.min() == 0
        if are_shown[k]:
            done.append(k)
    towards = anchors - view / 2
    return Labels(places, are_shown, ~inside, np.arctan2(towards[:, 1], towards[:, 0]))


def _measure_overlaps(
    places: FloatArray, size: FloatArray, others: FloatArray, sizes: FloatArray
) -> FloatArray:
    """The area that a box at each of some places shares with others, shape (P,)."""
    apart = np.abs(places[:, None] - others)  # (P, M, 2)
    shared = np.clip((size + sizes) / 2 - apart, 0, np.minimum(size, sizes))
    return np.asarray(shared.prod(axis=2).sum(axis=1))


def lay_leaders(
    labels: Labels, anchors: FloatArray, sizes: FloatArray, *, arrow: float = 6.0
) -> tuple[list[FloatArray], list[FloatArray]]:
    """The lines from labels to what they name, and the arrows out of the view, in points.

    A line of shape (2, 2) for each label, of no length where the label covers what it names, and an
    arrow of shape (3, 2), of no size where that is in the view.

    Args:
        labels: K of them.
        anchors: what they name, shape (K, 2).
        sizes: of the labels, shape (K, 2).
        arrow: the length of an arrow.
    """
    leaders, arrows = [], []
    are_in = zip(labels.are_shown, labels.are_outside, labels.bearings, strict=True)
    parts = zip(labels.places, anchors, sizes, are_in, strict=True)
    for place, anchor, size, (is_shown, is_outside, bearing) in parts:
        towards = np.array([math.cos(bearing), math.sin(bearing)])
        off = anchor - place
        # Along the line to the anchor, where the label's box ends.
        exit_share = float((size / 2 / np.maximum(np.abs(off), 1e-9)).min())
        has_leader = is_shown and not is_outside and exit_share < 1
        leaders.append(np.stack([place + exit_share * off, anchor] if has_leader else [place] * 2))
        across = np.array([-towards[1], towards[0]])
        start = place + towards * (size / 2 / np.maximum(np.abs(towards), 1e-9)).min()
        tip, side = towards * arrow, across * arrow / 2
        corners = [start + tip, start + side, start - side] if is_outside else [place] * 3
        arrows.append(np.stack(corners))
    return leaders, arrows


def choose_ticks(limits: FloatArray, n_most: int) -> FloatArray:
    """At most so many evenly spaced round numbers between two, shape (T,).

    Args:
        limits: ascending, shape (2,).
        n_most: 1 or more.
    """
    low, high = limits.tolist()
    unit = 10.0 ** math.floor(math.log10((high - low) / n_most))
    for factor in (1, 2, 2.5, 5, 10, 20, 25, 50, 100):
        step = factor * unit
        first, last = math.ceil(low / step), math.floor(high / step)
        if last - first < n_most:
            break
    return np.arange(first, last + 1) * step


def format_ticks(ticks: FloatArray) -> list[str]:
    """Evenly spaced numbers in full, in thousands ("k"), millions or the like where they are large.

    All with the same prefix and as many decimals as tell them apart.
    """
    step = float(np.diff(ticks).min()) if len(ticks) > 1 else float(np.abs(ticks).max())
    largest = float(np.abs(ticks).max())
    if not step > 0 or not math.isfinite(largest):
        return [f"{tick:g}" for tick in ticks.tolist()]
    # From ten thousand on, where no digits below a thousand differ; below a thousandth.
    power = 0
    if largest >= 1e4 and _is_whole(ticks, 1e2):
        power = 3 * math.floor(math.log10(largest * 1.0000001) / 3)
        while power > 3 and step < 0.99 * 10.0 ** (power - 2):
            power -= 3
    elif largest < 1e-2:
        power = 3 * math.floor(math.log10(largest) / 3)
    prefixes = dict(
        zip(range(-12, 15, 3), ("p", "n", "µ", "m", "", "k", "M", "G", "T"), strict=True)
    )
    if power not in prefixes:
        return [f"{tick:.3g}".replace("-", "\N{MINUS SIGN}") for tick in ticks.tolist()]
    scaled, scaled_step = ticks / 10.0**power, step / 10.0**power
    decimals = next((d for d in range(9) if _is_whole(np.append(scaled, scaled_step), 10.0**-d)), 9)
    texts = [f"{value:.{decimals}f}{prefixes[power]}" for value in (scaled + 0.0).tolist()]
    zero = f"{0:.{decimals}f}"
    return [
        "0"
        if text.strip("-") == f"{zero}{prefixes[power]}"
        else text.replace("-", "\N{MINUS SIGN}")
        for text in texts
    ]


def _is_whole(values: FloatArray, unit: float, *, rounding: float = 1e-6) -> bool:
    """Whether all values are whole numbers of a unit, but for rounding."""
    wholes = values / unit
    room = rounding + 1e-15 * np.abs(wholes).max()
    return bool((np.abs(wholes - np.round(wholes)) < room).all())
