"""The picture of the climb: the ELBO of every step, and what is left of the way to the last."""

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator

from gmmcli.core.mixture.covariances import FloatArray
from gmmcli.core.runs.directory import RunRecord
from gmmcli.core.runs.history import History
from gmmcli.core.runs.words import write_number
from gmmcli.pictures.artists import draw_changes
from gmmcli.pictures.panel import fit_type, open_figure
from gmmcli.pictures.scene import Scene
from gmmcli.pictures.style import get_colour


def make_elbo_figure(scene: Scene, run: RunRecord) -> Figure:
    """The ELBO of a run's steps over what is left to climb, as a figure."""
    history, n_points = run.history, scene.cells.n_points
    last = write_number(history.elbos[-1] / n_points, 6)
    title = f"{run.figures.status.value} at step {history.last_step}: ELBO {last} nats per point"
    figure = open_figure(title, describe_climb(run))
    above, below = figure.subplots(2, sharex=True, height_ratios=[1, 1.2])
    draw_changes(above, history)
    draw_changes(below, history, has_legend=False)
    draw_elbos(above, history, n_points)
    draw_rest(below, history, n_points)
    if run.second is not None:
        deficit = run.second.deficit / n_points
        colour = get_colour("note")
        for axes, level in ((above, history.elbos[-1] / n_points - deficit), (below, deficit)):
            axes.axhline(level, color=colour, linewidth=0.9, linestyle=(0, (5, 3)), zorder=0)
    below.set_xlabel("step")
    below.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
    figure.align_ylabels()
    return figure


def describe_climb(run: RunRecord) -> str:
    """What a reader needs to know to read the picture, and what the search did."""
    notes = []
    if len(run.history.on_other_cells):
        notes.append("where more cells took over, the change of the ELBO is not a climb")
    if run.second is not None:
        notes.append(f"dashed: another optimum, {run.second.deficit:.3g} nats below in all")
    if (search := run.figures.search) is not None:
        notes.append(
            f"{search.returns} of {search.passes} passes of the search came to this optimum on "
            "their own"
        )
    return "; ".join(notes)


def draw_elbos(axes: Axes, history: History, n_points: float) -> Line2D:
    """Draw the ELBO per point of every step, in one line for all steps on the same cells."""
    line = _draw_steps(axes, history.elbos / n_points, history)
    axes.ticklabel_format(axis="y", style="plain", useOffset=False)
    axes.locator_params(axis="y", nbins=5)
    axes.margins(y=0.12)
    _name_axis(axes, "ELBO,\nnats per point")
    return line


def draw_rest(axes: Axes, history: History, n_points: float) -> Line2D:
    """Draw what is left to climb at every step, in nats per point, on a logarithmic axis.

    Steps at which nothing is left have no place there.
    """
    rest = history.measure_left(n_points)
    axes.set_yscale("log")
    line = _draw_steps(axes, np.where(rest > 0, rest, np.nan), history)
    if not (rest > 0).any():
        axes.set_yticks([])
        axes.minorticks_off()
        axes.annotate("nothing", (0.5, 0.5), xycoords="axes fraction", ha="center", va="center")
    axes.margins(y=0.12)
    _name_axis(axes, "left to climb,\nnats per point")
    return line


def _name_axis(axes: Axes, name: str) -> None:
    """Name a vertical axis in type that half of the figure's height has room for."""
    height = matplotlib.rcParams["figure.figsize"][1]
    axes.set_ylabel(name, fontsize=fit_type(name, 0.3 * height))


def _draw_steps(axes: Axes, values: FloatArray, history: History) -> Line2D:
    """Draw values of all steps, shape (T,), broken where other cells take over."""
    breaks = history.on_other_cells
    steps = np.insert(np.arange(len(values), dtype=np.float64), breaks, np.nan)
    size = float(np.clip(400 / len(values), 1.5, 4.5))
    (line,) = axes.plot(
        steps,
        np.insert(values, breaks, np.nan),
        "o-",
        ms=size,
        mew=0,
        linewidth=1.3,
        color=get_colour("ink"),
    )
    return line
