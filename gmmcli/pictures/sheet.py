"""All snapshots of a run on one sheet, over the climb of the ELBO."""

import math

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from gmmcli.core.runs.directory import RunRecord
from gmmcli.pictures.artists import draw_climb, draw_snapshot, label_view
from gmmcli.pictures.captions import describe_scene, describe_snapshot, wrap_note
from gmmcli.pictures.labels import choose_ticks, format_ticks
from gmmcli.pictures.scene import Scene
from gmmcli.pictures.style import get_colour

# Of a panel, width and height, and of the climb below all panels, its height.
PANEL_INCHES = (3.3, 2.9)
# The least width, for a panel's title; and of the axes' width and height, the gaps between them.
LEAST_INCHES, GAP, GAP_ABOVE = 2.0, 0.12, 0.42
CLIMB_INCHES = 2.2


def make_sheet(scene: Scene, run: RunRecord, steps: list[int], *, most_panels: int = 100) -> Figure:
    """Snapshots side by side, over the climb of the ELBO from step to step.

    Args:
        scene: what all steps share.
        run: the run.
        steps: the steps to show, ascending.
        most_panels: of more steps, so many are shown.
    """
    shown = steps if len(steps) <= most_panels else _thin(steps, most_panels)
    margin = measure_margin(scene)
    figure, panels, strip = _lay_out(len(shown), choose_panel_inches(scene), margin)
    n_columns = _count_columns(len(shown))
    for place, (axes, step) in enumerate(zip(panels, shown, strict=True)):
        snapshot = run.history.snapshot(step)
        draw_snapshot(axes, scene, snapshot)
        axes.set_title(describe_snapshot(snapshot, scene.cells.n_points), fontsize=9)
        label_view(axes, scene)
        is_first, is_lowest = place % n_columns == 0, place + n_columns >= len(shown)
        _label_outside(axes, is_first=is_first, is_lowest=is_lowest)
    draw_climb(strip, run.history, scene.cells.n_points, shown)
    note = describe_scene(scene, run.mixture.background)
    if len(shown) < len(steps):
        note = f"{len(shown)} of {len(steps)} snapshots; {note}"
    note = wrap_note(note, figure.get_figwidth() - margin, points=8)
    left, bottom = margin / figure.get_figwidth(), 0.12 / figure.get_figheight()
    figure.text(left, bottom, note, fontsize=8, color=get_colour("note"))
    return figure


def measure_margin(scene: Scene) -> float:
    """The inches to the left of the axes, which hold their ticks in full and a name."""
    longest = max(map(len, format_ticks(choose_ticks(scene.limits[:, 1], 6))))
    return 0.6 + 0.075 * max(longest, 4)


def choose_panel_inches(scene: Scene) -> tuple[float, float]:
    """The width and height of a panel with its margins: narrower for a tall view of one scale."""
    width, height = PANEL_INCHES
    if not scene.has_one_scale:
        return width, height
    across, up = np.ptp(scene.limits, axis=0)
    axes_width, axes_height = width / (1 + GAP), height / (1 + GAP_ABOVE)
    narrowing = max(1 - axes_height / axes_width * across / up, 0)
    return max(width - narrowing * axes_width, LEAST_INCHES), height


def _lay_out(
    n_panels: int, panel: tuple[float, float], margin: float
) -> tuple[Figure, list[Axes], Axes]:
    """A figure with so many panels in rows, and a strip below them all."""
    n_columns = _count_columns(n_panels)
    n_rows = math.ceil(n_panels / n_columns)
    width = margin + max(n_columns * panel[0], 4.5)
    height = n_rows * panel[1] + CLIMB_INCHES
    figure = Figure(figsize=(width, height))
    grid = figure.add_gridspec(
        n_rows + 1,
        n_columns,
        height_ratios=[panel[1]] * n_rows + [CLIMB_INCHES],
        left=margin / width,
        right=1 - 0.15 / width,
        top=1 - 0.35 / height,
        bottom=0.75 / height,
        hspace=GAP_ABOVE,
        wspace=GAP,
    )
    places = [divmod(place, n_columns) for place in range(n_panels)]
    panels = [figure.add_subplot(grid[row, column]) for row, column in places]
    return figure, panels, figure.add_subplot(grid[n_rows, :])


def _count_columns(n_panels: int) -> int:
    """The panels of a row, such that rows are about equally long."""
    widest = 4 if n_panels <= 12 else 6 if n_panels <= 36 else 10
    return math.ceil(n_panels / math.ceil(n_panels / widest))


def _label_outside(axes: Axes, *, is_first: bool, is_lowest: bool) -> None:
    """Label a panel's axes where no other panel is to its left or below it."""
    if not is_first:
        axes.set_ylabel("")
        axes.tick_params(labelleft=False)
    if not is_lowest:
        axes.set_xlabel("")
        axes.tick_params(labelbottom=False)


def _thin(steps: list[int], n_left: int) -> list[int]:
    """So many of the steps, evenly, first and last included."""
    places = (round(i * (len(steps) - 1) / (n_left - 1)) for i in range(n_left))
    return [steps[place] for place in places]
