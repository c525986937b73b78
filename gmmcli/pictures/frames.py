"""One snapshot of a run as a figure."""

import numpy as np
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from gmmcli.core.runs.history import Snapshot
from gmmcli.pictures.artists import (
    describe_background,
    describe_scene,
    describe_snapshot,
    draw_snapshot,
)
from gmmcli.pictures.scene import Scene
from gmmcli.pictures.style import BACKGROUND_COLOUR

FRAME_INCHES = (7.0, 5.4)


def make_frame(scene: Scene, snapshot: Snapshot, *, most_legend_entries: int = 12) -> Figure:
    """One snapshot as a figure, with a legend of the weights where they are few enough."""
    has_legend = len(np.unique(scene.names)) <= most_legend_entries
    figure = Figure(figsize=FRAME_INCHES)
    left, right = 0.12, 0.82 if has_legend else 0.97
    axes = figure.add_axes((left, 0.14, right - left, 0.78))
    draw_snapshot(axes, scene, snapshot)
    background = snapshot.mixture.background
    title = f"{describe_snapshot(snapshot, scene.cells.n_points)} nats per point"
    if background is not None and not has_legend:
        title = f"{title}   {describe_background(background)}"
    axes.set_title(title)
    axes.set_xlabel(scene.columns[0], parse_math=False)
    axes.set_ylabel(scene.columns[1], parse_math=False)
    if has_legend:
        axes.legend(
            handles=_make_legend_handles(scene, snapshot),
            title="weights" if scene.cell_colours is None else "groups",
            loc="upper left",
            bbox_to_anchor=(1.0, 1.0),
            handlelength=0.8,
        )
    note = describe_scene(scene, background)
    figure.text(left, 0.015, note, fontsize=8, color="#666666")
    return figure


def _make_legend_handles(scene: Scene, snapshot: Snapshot) -> list[Line2D]:
    """A disc of each colour, with the number and weight that it is of, and the background's.

    A group whose components weigh nothing has none.
    """
    weights = np.bincount(scene.names, snapshot.mixture.weights)
    numbers, first = np.unique(scene.names, return_index=True)
    handles = [
        Line2D([], [], marker="o", linestyle="", color=colour, label=f"{n}   {weights[n]:.3f}")
        for n, colour in zip(numbers, scene.colours[first], strict=True)
        if scene.tops is None or weights[n] >= 0.0005
    ]
    if snapshot.mixture.background is not None:
        label = describe_background(snapshot.mixture.background).replace(" ", "\n", 1)
        circle = Line2D([], [], marker="o", linestyle="", mfc="none", label=label)
        circle.set_markeredgecolor(BACKGROUND_COLOUR)
        handles.append(circle)
    return handles
