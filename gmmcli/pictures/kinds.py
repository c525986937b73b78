"""The kinds of pictures: which a run has, which of them are drawn, and what they are called.

Light: it knows no matplotlib, so that a fit can tell what another process draws of it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from gmmcli.core.runs.directory import RunRecord
from gmmcli.core.runs.layout import name_frame, name_picture
from gmmcli.errors import RunError
from gmmcli.settings import (
    PICTURE_KINDS,
    ColourChoice,
    PictureFormat,
    PictureKind,
    Theme,
)

# Those that a fit draws, where the run has them.
DRAWN_UNASKED: tuple[PictureKind, ...] = ("frames", "selection", "groups", "sheet")


@dataclass(frozen=True)
class Look:
    """How pictures look.

    Attributes:
        theme: light or dark.
        dpi: the dots per inch of bitmaps.
        inches: the width and height of a frame and of every other picture that has one panel; None
            for each its own.
    """

    theme: Theme = "light"
    dpi: int = 120
    inches: tuple[float, float] | None = None


@dataclass(frozen=True)
class Order:
    """What is to be drawn of a run, and how.

    Attributes:
        steps: of the frames and the sheet, ascending, each in the run's history.
        kinds: of pictures, each of which the run has.
        picture_format: of every picture.
        colour: what has a colour in frames.
        look: of every picture.
    """

    steps: Sequence[int]
    kinds: Sequence[PictureKind] = DRAWN_UNASKED
    picture_format: PictureFormat = "png"
    colour: ColourChoice = "component"
    look: Look = Look()

    def name_pictures(self) -> list[str]:
        """The paths of the pictures inside a run, in the order of drawing."""
        names = []
        for kind in self.kinds:
            if kind == "frames":
                names += [name_frame(step, self.picture_format) for step in self.steps]
            else:
                names.append(name_picture(kind, self.picture_format))
        return names


def choose_kinds(
    run: RunRecord, asked: Sequence[PictureKind] | Literal["all"] | None = None
) -> tuple[PictureKind, ...]:
    """The kinds of pictures to draw: those asked for, or else those that a fit draws.

    Raises:
        RunError: for a kind that the run has nothing for.
    """
    lacking: dict[PictureKind, str] = {}
    if run.selection is None or len(run.selection.candidates) < 2:
        lacking["selection"] = "the run chose between no numbers of components"
    if not run.has_tree:
        lacking["groups"] = "the components of the run are its groups"
    if asked is not None and asked != "all":
        for kind in asked:
            if kind in lacking:
                raise RunError(f"there is no picture of kind {kind}: {lacking[kind]}")
    kinds = DRAWN_UNASKED if asked is None else PICTURE_KINDS if asked == "all" else asked
    return tuple(kind for kind in kinds if kind not in lacking)
