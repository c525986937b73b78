"""The strip below a frame: what is left to climb, on a logarithmic axis, against the step."""

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullLocator

from gmmcli.core.mixture.covariances import FloatArray
from gmmcli.core.runs.history import History
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
    return np.maximum(left, floor)


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
    axes.yaxis.set_major_locator(LogLocator(numticks=4))
    axes.yaxis.set_minor_locator(NullLocator())
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: format_small(value)))
    axes.tick_params(labelsize=8)
    axes.set_xlabel("step", fontsize=9, labelpad=1)
    axes.set_title("left to climb, nats per point (log scale)", fontsize=8, color=get_colour("note"))
    axes.title.set_y(1.0)


def format_small(value: float) -> str:
    """A power of ten in full where that is short, or else as a power."""
    if 1e-4 < value < 1e4:
        return f"{value:g}"
    exponent = str(round(np.log10(value))).translate(str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹"))
    return f"10{exponent}"
