"""What pictures say in words: titles and notes."""

from collections.abc import Sequence
from textwrap import wrap

from gmmcli.core.mixture.background import Background
from gmmcli.core.runs.history import Snapshot
from gmmcli.core.runs.words import write_number, write_share
from gmmcli.pictures.scene import COVERAGES, Scene

# What a step is called that a move of the search led to.
MOVE = "by a move"
# What a step is called that has an ELBO of other cells than the step before.
OTHER_CELLS = "on more cells"


def describe_scene(scene: Scene, background: Background | None) -> str:
    """What a reader needs to know to read the picture, of mixtures with a background or none."""
    mixed, grouped = "colours: mixed by responsibility", "colours and numbers: groups of the fit"
    colours = mixed if scene.cell_colours is None else grouped
    note = f"{colours}; {describe_ellipses()}"
    if scene.is_carpet:
        note = f"{note}; strength: density, on a log scale"
        if background is not None:
            note = f"{note}; grey: background"
    elif background is not None:
        note = f"{note}; open circles: background"
    if scene.n_outside:
        lie = "point lies" if scene.n_outside == 1 else "points lie"
        note = f"{scene.n_outside:,.0f} {lie} outside the view\n{note}"
    return note


def describe_ellipses(coverages: Sequence[float] = COVERAGES) -> str:
    """What share of its component an ellipse holds, of each of those that are drawn."""
    shares = " and ".join(write_share(coverage) for coverage in coverages)
    return f"ellipses: {shares} of their component"


def wrap_note(note: str, inches: float, *, points: float = 7.5) -> str:
    """A note in lines that fit a width in inches, in type of a size in points."""
    width = max(int(inches * 72 / (0.54 * points)), 20)
    return "\n".join(line for part in note.splitlines() for line in wrap(part, width))


def describe_snapshot(snapshot: Snapshot, n_points: float) -> str:
    """A title with a snapshot's step and ELBO per point."""
    elbo = write_number(snapshot.elbo / n_points, 4)
    move = f", {MOVE}" if snapshot.by_move else ""
    return f"step {snapshot.step}{move}   ELBO {elbo}"


def describe_background(background: Background) -> str:
    """What the background is called in a picture, with its weight."""
    return f"background {write_share(background.weight, 1)}"
