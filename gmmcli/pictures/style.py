"""The look of the pictures: the style sheet, and the colours of components."""

from contextlib import AbstractContextManager
from itertools import cycle, islice
from pathlib import Path

import matplotlib
import matplotlib.colors
import numpy as np

from gmmcli.core.mixture.covariances import FloatArray
from gmmcli.pictures.kinds import Look

# Of what most likely belongs to the background, in RGB: a grey that no component has.
BACKGROUND_COLOUR = (0.45, 0.45, 0.45)
SHEET = matplotlib.rc_params_from_file(
    Path(__file__).with_name("gmm.mplstyle"), use_default_template=False
)


def apply_style(look: Look | None = None) -> AbstractContextManager[None]:
    """A context in which matplotlib draws in the style of `gmm`."""
    look = look or Look()
    return matplotlib.rc_context({**SHEET, "figure.dpi": look.dpi, "savefig.dpi": look.dpi})


def pick_colours(n_components: int) -> FloatArray:
    """The colour of each component, shape (K, 3) in RGB; they repeat after the fortieth."""
    names = SHEET["axes.prop_cycle"].by_key()["color"]
    repeated = islice(cycle(names), n_components)
    return np.array([matplotlib.colors.to_rgb(f"#{name.lstrip('#')}") for name in repeated])
