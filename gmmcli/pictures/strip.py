"""The strip below a frame: what is left to climb, on a logarithmic axis, against the step."""

import math

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.ticker import FixedFormatter, FixedLocator, MaxNLocator, NullLocator

from gmmcli.core.mixture.covariances import FloatArray
from gmmcli.core.runs.history import History
from gmmcli.pictures.captions import MOVE, OTHER_CELLS
from gmmcli.pictures.style import get_colour


def compute_left(history: History, n_points: float, *, least: float = 1e-12) -> FloatArray:
    """What is left to climb from each step to the last, in nats per point, shape (T,).

    What other cells brought, rather than steps, is left out. Where nothing is left, it is half of
    the least that is left at any step, so that a logarithmic axis has a place for it.

    Args:
        history: of a fit.
        n_points: N.
        least: less than so much, in nats per point, is rounding.
    """
    brought = np.diff(history.elbos, prepend=history.elbos[0])
    brought[history.on_other_cells] = 0.0
    left = (brought.sum() - np.cumsum(brought)) / n_points
    some = left[left > least]
    floor = float(some.min()) / 2 if len(some) else least
    return np.asarray(np.maximum(left, floor))


def draw_left(axes: Axes, history: History, left: FloatArray) -> None:
    """Draw what is left to climb, with marks where a move or other cells led to a step."""
    across = axes.get_xaxis_transform()
    moves: npt.NDArray[np.intp] = np.flatnonzero(history.by_move)
    faint, line = get_colour("faint"), get_colour("line")
    axes.vlines(moves, 0, 1, line, "dotted", linewidth=0.8, transform=across, zorder=0)
    on_others = history.on_other_cells
    axes.vlines(on_others, 0, 1, faint, "solid", linewidth=0.8, transform=across, zorder=0)
    axes.plot(left, color=line, linewidth=1.3, zorder=1)
    axes.set_yscale("log")
    last = max(history.last_step, 1)
    axes.set_xlim(-0.02 * last, 1.02 * last)
    span = max(float(left.max() / left.min()), 10.0) ** 0.12
    axes.set_ylim(float(left.min()) / span, float(left.max()) * span)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
    ticks = choose_powers(left)
    axes.yaxis.set_minor_locator(NullLocator())
    axes.yaxis.set_major_locator(FixedLocator(ticks.tolist()))
    axes.yaxis.set_major_formatter(FixedFormatter([format_small(tick) for tick in ticks.tolist()]))
    axes.tick_params(labelsize="small")
    axes.set_xlabel("step", fontsize="small", labelpad=1)
    marks = [f"dotted: {MOVE}"] * bool(len(moves)) + [f"lines: {OTHER_CELLS}"] * bool(
        len(on_others)
    )
    title = "; ".join(["left to climb, nats per point (log scale)", *marks])
    axes.set_title(title, fontsize="small", color=get_colour("note"))


def choose_powers(left: FloatArray, *, n_most: int = 3) -> FloatArray:
    """The ticks of the axis: powers of ten, evenly apart, or its ends where there are none between.

    None where nothing is left at any step.

    Args:
        left: as `compute_left` gives it.
        n_most: of ticks.
    """
    if left.max() <= left.min():
        return np.empty(0)
    low, high = math.ceil(np.log10(left.min())), math.floor(np.log10(left.max()))
    if high - low < 1:
        return np.array([left.min(), left.max()])
    stride = math.ceil((high - low + 1) / n_most)
    return 10.0 ** np.arange(high, low - 1, -stride)[::-1]


def format_small(value: float) -> str:
    """A number in full where that is short, or else as a power of ten."""
    if 0.99e-3 < value < 1e4:
        return f"{value:.2g}"
    if abs(np.log10(value) - round(np.log10(value))) > 1e-9:
        return f"{value:.0e}"
    exponent = str(round(np.log10(value))).translate(str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹"))
    return f"10{exponent}"
