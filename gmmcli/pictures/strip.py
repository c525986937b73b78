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


def place_on_log_axis(left: FloatArray) -> FloatArray:
    """What is left to climb, shape (T,), with a place for nothing on a logarithmic axis.

    That is a tenth of the least that is left at any step.

    Args:
        left: in nats per point.
    """
    some = left[left > 0]
    floor = float(some.min()) / 10 if len(some) else 1.0
    return np.asarray(np.where(left > 0, left, floor))


def draw_left(axes: Axes, history: History, left: FloatArray) -> None:
    """Draw what is left to climb, with marks where a move or other cells led to a step.

    Args:
        axes: of the strip.
        history: of the run.
        left: as `place_on_log_axis` gives it.
    """
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
    labels = ["none", *map(format_small, ticks[1:].tolist())]
    axes.yaxis.set_minor_locator(NullLocator())
    axes.yaxis.set_major_locator(FixedLocator(ticks.tolist()))
    axes.yaxis.set_major_formatter(FixedFormatter(labels))
    axes.tick_params(labelsize="small")
    axes.set_xlabel("step", fontsize="small", labelpad=1)
    marks = [f"dotted: {MOVE}"] * bool(len(moves)) + [f"lines: {OTHER_CELLS}"] * bool(
        len(on_others)
    )
    title = "; ".join(["left to climb, nats per point (log scale)", *marks])
    axes.set_title(title, fontsize="small", color=get_colour("note"))


def choose_powers(left: FloatArray, *, n_most: int = 3, apart: float = 0.2) -> FloatArray:
    """The ticks of the axis: the place of nothing, and powers of ten evenly apart.

    Or, where there are no two powers, the most that is left.

    Args:
        left: as `place_on_log_axis` gives it, least where nothing is left.
        n_most: of powers.
        apart: from the place of nothing, as a share of the axis, so that labels have room.
    """
    nothing, most = float(left.min()), float(left.max())
    if most <= nothing:
        return np.array([nothing])
    lowest = nothing * (most / nothing) ** apart
    low, high = math.ceil(np.log10(lowest)), math.floor(np.log10(most))
    if high - low < 1:
        return np.array([nothing, most])
    stride = math.ceil((high - low + 1) / n_most)
    return np.append(nothing, 10.0 ** np.arange(high, low - 1, -stride)[::-1])


def format_small(value: float) -> str:
    """A number in full where that is short, or else as a power of ten."""
    if 0.99e-3 < value < 1e4:
        return f"{value:.2g}"
    if abs(np.log10(value) - round(np.log10(value))) > 1e-9:
        return f"{value:.0e}"
    exponent = str(round(np.log10(value))).translate(str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹"))
    return f"10{exponent}"
