"""What a run's directory is called, and what in it is the run's.

Light: it asks what is there and what links to where, and reads no file.
"""

import re
from pathlib import Path

from gmmcli.errors import OutputError, RunError
from gmmcli.settings import (
    FILM_FORMATS,
    PAGE_FORMATS,
    PICTURE_FORMATS,
    PICTURE_KINDS,
    FilmFormat,
    PageFormat,
    PictureFormat,
    PictureKind,
)

PARAMETERS, HISTORY = "parameters.json", "history.csv"
CELLS, SELECTION = "cells.parquet", "selection.csv"
# Another optimum that is nearly as good.
SECOND = "second.json"
# The figures in resampled points.
BOOTSTRAP = "bootstrap.parquet"
# Of a fit by the values of a column: the table of all, and the directory with a run for each.
VALUES_TABLE, VALUES = "values.csv", "values"
FRAMES = "frames"
# What to do where something is in the way of a run.
ELSEWHERE = "choose another place with -o"
# In the order in which they are told of.
FILES = (PARAMETERS, HISTORY, SELECTION, SECOND, CELLS, BOOTSTRAP)


def name_directory(data: str) -> Path:
    """The run directory for some data: its name without suffixes, in the current directory."""
    name = Path(data).name if data != "-" else "standard-input.csv"
    stem = re.sub(r"[*?\[\]]+", "_", Path(name.removesuffix(".gz")).stem)
    return Path(stem if stem != name else f"{stem}.run")


def name_frame(step: int, picture_format: PictureFormat) -> str:
    """The path of a step's frame inside a run."""
    return f"{FRAMES}/step-{step:04d}.{picture_format}"


def name_picture(kind: PictureKind, picture_format: PictureFormat) -> str:
    """The path of a picture of a whole run inside it; frames are many and have no such path."""
    stem = "convergence" if kind == "sheet" else kind
    return f"{stem}.{picture_format}"


def name_film(film_format: FilmFormat | PageFormat) -> str:
    """The path of the film of the convergence, or of the page that plays it, inside a run."""
    return f"convergence.{film_format}"


def name_pictures(picture_format: PictureFormat) -> list[str]:
    """The paths of all pictures of a whole run in one format."""
    return [name_picture(kind, picture_format) for kind in PICTURE_KINDS if kind != "frames"]


def is_frame(name: str, picture_format: PictureFormat) -> bool:
    """Whether a file of this name is a frame of a format."""
    return name.startswith("step-") and name.endswith(f".{picture_format}")


def is_part(run: Path, path: Path) -> bool:
    """Whether a fit wrote what is at a path inside a run, if it is there.

    Runs of values are, and so are the directories of these and of frames, where nothing else is in
    them.

    Args:
        run: its directory.
        path: that begins with it.
    """
    match path.relative_to(run).parts:
        case [name]:
            named = {name for each in PICTURE_FORMATS for name in name_pictures(each)}
            named |= {name_film(each) for each in (*FILM_FORMATS, *PAGE_FORMATS)}
            if name in {*FILES, VALUES_TABLE, *named}:
                return True
            is_place = name in (FRAMES, VALUES) and path.is_dir() and not path.is_symlink()
            return is_place and all(is_part(run, entry) for entry in path.iterdir())
        case [directory, name] if directory == FRAMES:
            return any(is_frame(name, each) for each in PICTURE_FORMATS)
        case [directory, _] if directory == VALUES:
            return not path.is_symlink() and (path / PARAMETERS).is_file()
    return False


def check_links(run: Path) -> None:
    """Refuse a run that leads elsewhere: nothing is written or removed through links.

    Raises:
        RunError: naming the link.
    """
    for name in (FRAMES, VALUES):
        if (run / name).is_symlink():
            raise RunError(
                f"{run / name} is a link, and nothing is written through it: remove it, or "
                f"{ELSEWHERE}"
            )


def check_kept(output: str | Path | None, *runs: Path, option: str = "-o") -> None:
    """Refuse to replace a file of a run.

    Args:
        output: the file to be written; None for standard output.
        runs: directories that are runs, or will be, beside that which the file may be in now.
        option: the option that names the file.

    Raises:
        OutputError: naming the file.
    """
    if output is None:
        return
    path = Path(output).resolve()
    known = [place for place in path.parents if (place / PARAMETERS).is_file()]
    for run in [*(run.resolve() for run in runs), *known]:
        if path.is_relative_to(run) and path != run and is_part(run, path):
            raise OutputError(
                f"{output} is a file of the run {run.name}: choose another place with {option}"
            )
