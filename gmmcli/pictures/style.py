"""The look of the pictures: the style sheets, and the colours of components, ink and paper."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from itertools import cycle, islice
from pathlib import Path
from typing import Any, Literal

import matplotlib
import matplotlib.colors
import numpy as np

from gmmcli.core.mixture.covariances import FloatArray
from gmmcli.pictures.colours import lighten
from gmmcli.pictures.kinds import Look
from gmmcli.settings import Theme

# Of what most likely belongs to the background, in RGB: a grey that no component has.
BACKGROUND_COLOUR = (0.45, 0.45, 0.45)

# What is drawn with: text, what text is written on, remarks and dots of measure, lines that are not
# of components, and those that hardly matter.
Role = Literal["ink", "paper", "note", "line", "faint"]
_SETTINGS: dict[Role, str] = {
    "ink": "text.color",
    "paper": "figure.facecolor",
    "note": "xtick.color",
    "line": "axes.edgecolor",
    "faint": "grid.color",
}


def _read_sheet(name: str) -> dict[str, Any]:
    path = Path(__file__).with_name(name)
    sheet: Any = matplotlib.rc_params_from_file(path, use_default_template=False)
    return dict(sheet)


SHEET = _read_sheet("gmm.mplstyle")
_SHEETS: dict[Theme, dict[str, Any]] = {
    "light": SHEET,
    "dark": SHEET | _read_sheet("gmm-dark.mplstyle"),
}
_LOOK: ContextVar[Look] = ContextVar("look")


@contextmanager
def apply_style(look: Look | None = None) -> Iterator[None]:
    """A context in which matplotlib draws in the style of `gmm`, and colours are those of a theme.

    A figure made in it without a size has the look's, or else that of a frame.
    """
    look = look or Look()
    settings: Any = {**_SHEETS[look.theme], "figure.dpi": look.dpi, "savefig.dpi": look.dpi}
    if look.inches is not None:
        settings["figure.figsize"] = look.inches
    before = _LOOK.set(look)
    try:
        with matplotlib.rc_context(settings):
            yield
    finally:
        _LOOK.reset(before)


def _get_look() -> Look:
    return _LOOK.get(Look())


def choose_inches(own: tuple[float, float]) -> tuple[float, float]:
    """The width and height that are asked for, or else those that a picture has of its own."""
    return _get_look().inches or own


@contextmanager
def scale_type(
    inches: tuple[float, float], *, enough: tuple[float, float] = (6.0, 5.6)
) -> Iterator[float]:
    """A context whose type is smaller where a figure is; it gives the share of its usual size.

    Args:
        inches: the width and height of the figure.
        enough: from so much on, type has its usual size.
    """
    names = ("font.size", "axes.titlesize", "xtick.labelsize", "ytick.labelsize", "legend.fontsize")
    share = min(1.0, *(own / least for own, least in zip(inches, enough, strict=True)))
    settings: Any = {name: share * SHEET[name] for name in names}
    with matplotlib.rc_context(settings):
        yield share


def pick_colours(n_components: int) -> FloatArray:
    """The colour of each component, shape (K, 3) in RGB; they repeat after the fortieth.

    On dark paper they are the same hues, lighter.
    """
    names = SHEET["axes.prop_cycle"].by_key()["color"]
    repeated = islice(cycle(names), n_components)
    colours = np.array([matplotlib.colors.to_rgb(f"#{name.lstrip('#')}") for name in repeated])
    return colours if _get_look().theme == "light" else lighten(colours)


def pick_sides(names: tuple[str, str] = ("#864AD2", "#767700")) -> FloatArray:
    """The colours of too little and of too much, which no component has, shape (2, 3) in RGB.

    They are lighter on dark paper. The first is that of doubt, too.

    Args:
        names: violet and olive, by default: in OKLab 0.13 from each of the first eight components,
            and 0.28 from each other to normal, protan and deutan eyes.
    """
    colours = np.array([matplotlib.colors.to_rgb(name) for name in names])
    return colours if _get_look().theme == "light" else lighten(colours)


def get_colour(role: Role) -> tuple[float, float, float]:
    """The colour of what is no component, in RGB, on the paper of the theme."""
    return matplotlib.colors.to_rgb(_SHEETS[_get_look().theme][_SETTINGS[role]])


def stress(colours: FloatArray, *, share: float = 0.2) -> FloatArray:
    """Colours for thin lines and text over points of the same colours: nearer to the ink.

    Args:
        colours: in RGB, shape (..., 3).
        share: of black or white in them: more is easier to read, less easier to tell apart.
    """
    end = 0.0 if _get_look().theme == "light" else 1.0
    return np.asarray((1 - share) * np.asarray(colours) + share * end)
