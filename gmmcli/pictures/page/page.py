"""The page as one file, which asks for nothing from outside and runs nothing but its own script."""

import base64
import hashlib
import html
import json
from pathlib import Path
from string import Template
from typing import Any

import numpy as np

from gmmcli.core.mixture.covariances import FloatArray
from gmmcli.core.mixture.gaussians import IntArray
from gmmcli.core.runs.directory import RunRecord
from gmmcli.core.runs.history import History
from gmmcli.core.runs.layout import name_film
from gmmcli.files import replace_atomically
from gmmcli.pictures.kinds import Look
from gmmcli.pictures.page.quantisation import (
    encode,
    pack_steps,
    quantise_cells,
    thin_steps,
)
from gmmcli.pictures.rasters import find_faint, measure_dot
from gmmcli.pictures.scene import COVERAGES, compute_radius, compute_scene
from gmmcli.pictures.style import BACKGROUND_COLOUR, apply_style, pick_colours, stress
from gmmcli.settings import THEMES, Theme

# In the order in which they are run.
SCRIPTS = ("mixtures.js", "plot.js", "page.js")


def draw_page(run: RunRecord, directory: Path) -> Path:
    """Write the page of a run into a directory, under its name there, and give its path.

    Raises:
        OutputError: when it cannot be written.
    """
    path = directory / name_film("html")
    write_page(run, path)
    return path


def write_page(run: RunRecord, path: Path) -> None:
    """Write the page that plays the convergence of a run.

    Raises:
        OutputError: when it cannot be written.
    """
    text = make_page(collect_data(run))
    with replace_atomically(path) as file:
        file.write(text.encode("utf-8", "replace"))


def make_page(data: dict[str, Any]) -> str:
    """The text of the page that shows what `collect_data` gives."""
    style = "\n" + _read("page.css")
    script = "\n" + "\n".join(_read(name) for name in SCRIPTS)
    policy = (
        f"default-src 'none'; style-src '{_hash(style)}'; script-src '{_hash(script)}'; "
        "img-src data:; base-uri 'none'; form-action 'none'"
    )
    return Template(_read("page.html")).substitute(
        title=html.escape(data["title"]),
        policy=policy,
        style=style,
        data=escape_json(data),
        script=script,
    )


def collect_data(run: RunRecord, *, most_bytes: int = 200_000) -> dict[str, Any]:
    """What the page knows of a run, ready for `json.dumps`.

    Args:
        run: the run.
        most_bytes: of the steps, before they are text: of longer histories the page has some
            steps only. The size of the page against how many can be stepped through.
    """
    scene, history = compute_scene(run), run.history
    marks = quantise_cells(run.cells, scene.limits)
    n_components = run.mixture.n_components
    steps = thin_steps(history, most_bytes // (8 * 6 * n_components))
    errors = run.errors
    background = None
    if history.background_weights is not None and history.box is not None:
        background = {
            "weights": encode(history.background_weights[steps]),
            "box": history.box.tolist(),
        }
    return {
        "title": run.provenance.source,
        "columns": list(run.columns),
        "points": run.cells.n_points,
        "outside": scene.n_outside,
        "status": run.figures.status.value,
        "limits": scene.limits.tolist(),
        "looks": {theme: list_colours(n_components, theme) for theme in THEMES},
        "ellipses": [{"share": share, "radius": compute_radius(share)} for share in COVERAGES],
        "cells": {
            "places": encode(marks.places),
            "logs": encode(marks.logs),
            "ends": marks.ends,
        },
        "density": measure_density(run.cells.counts) if scene.is_carpet else None,
        "steps": {
            "last": history.last_step,
            "numbers": steps.tolist(),
            "moves": _find_places(np.flatnonzero(history.by_move), steps),
            "jumps": _find_places(list_jumps(history), steps),
            "elbos": encode(history.elbos[steps]),
            "left": encode(history.measure_left(run.cells.n_points)[steps]),
            "parameters": encode(pack_steps(history, steps)),
        },
        "background": background,
        "errors": None if errors is None else _list_known(errors.standard_errors),
    }


def list_colours(n_components: int, theme: Theme) -> dict[str, list[str]]:
    """The colours of the components and the background, and inks of theirs, as frames have them."""
    with apply_style(Look(theme)):
        colours = np.vstack([pick_colours(n_components), BACKGROUND_COLOUR])
        inks = stress(colours)
    return {
        "colours": [_write_colour(colour) for colour in colours],
        "inks": [_write_colour(ink) for ink in inks],
    }


def measure_density(counts: FloatArray, *, resolution: float = 96 / 72) -> dict[str, float]:
    """How strong densities are drawn, as in frames, for pixels of CSS.

    The standard deviation of a single point's dot, in pixels, and the density below which all
    fades to nothing, in points per square pixel.

    Args:
        counts: of the cells, shape (C,).
        resolution: pixels to the point (1/72 inch).
    """
    dot = measure_dot(resolution)
    return {"dot": dot, "faint": find_faint(counts, dot)}


def list_jumps(history: History) -> IntArray:
    """The steps that are no way on from the one before, ascending: of moves, and on other cells."""
    return np.union1d(np.flatnonzero(history.by_move), history.on_other_cells)


def escape_json(data: dict[str, Any]) -> str:
    """JSON in which nothing can end the script element that it stands in, or begin a comment."""
    text = json.dumps(data, allow_nan=False, separators=(",", ":"))
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def _read(name: str) -> str:
    """A file beside this module, with one kind of line end, which hashes tell apart."""
    return Path(__file__).with_name(name).read_text(encoding="utf-8")


def _hash(text: str) -> str:
    """What a Content-Security-Policy calls an element with this text."""
    return f"sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}"


def _write_colour(colour: np.ndarray[Any, Any]) -> str:
    """A colour in RGB, shape (3,), as #rrggbb."""
    return "#" + "".join(f"{round(255 * part):02x}" for part in colour.tolist())


def _find_places(events: IntArray, steps: IntArray) -> list[int]:
    """The places of the steps at which, or since the one before, there was one of some events."""
    places: list[int] = np.unique(np.searchsorted(steps, events)).tolist()
    return places


def _list_known(values: np.ndarray[Any, Any]) -> list[list[float | None]]:
    """The rows of an array, with None where a value is not finite."""
    return [[v if np.isfinite(v) else None for v in row] for row in values.tolist()]
