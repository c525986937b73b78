"""The steps of `gmm plot`, from a run to its pictures, or to the film of its convergence."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Literal

import click

from gmmcli.cli.reporter import Reporter
from gmmcli.core.runs.directory import (
    RunRecord,
    claim_pictures,
    group_again,
    list_pictures,
    read_run,
)
from gmmcli.core.runs.layout import name_film
from gmmcli.errors import RunError
from gmmcli.files import check_file_target
from gmmcli.pictures.kinds import DRAWN_UNASKED, Look, Order, choose_kinds
from gmmcli.settings import (
    MOST_FRAMES,
    ColourChoice,
    FilmFormat,
    PageFormat,
    PictureFormat,
    PictureKind,
    Theme,
)


@dataclass(frozen=True)
class PlotRequest:
    """What the user asks of `gmm plot`: its argument and options, under their names there."""

    run: Path
    kinds: Sequence[PictureKind] | Literal["all"] | None
    steps: Literal["auto", "all"] | tuple[int, ...] | None
    file_format: PictureFormat | FilmFormat | PageFormat
    fps: float
    colour: ColourChoice
    valley: float | None
    theme: Theme
    dpi: int
    inches: tuple[float, float] | None
    output: Path | None
    overwrite: bool
    quiet: bool

    @property
    def directory(self) -> Path:
        """Where the pictures go."""
        return self.run if self.output is None else self.output


@dataclass(frozen=True)
class Plan:
    """What is to be drawn.

    Attributes:
        names: of the files, inside the directory.
        stale: the pictures that make way for these.
        n_parts: into how many parts the work falls.
        begin: begins it; what comes back gives something at the end of each part.
    """

    names: list[str]
    stale: list[Path]
    n_parts: int
    begin: Callable[[], Iterator[object]]


def read_asked(request: PlotRequest, ctx: click.Context) -> RunRecord:
    """The run, with its groups as asked for, once nothing else can take its place.

    Raises:
        RunError: when it cannot be read.
        OutputError: when another process writes there.
    """
    ctx.with_resource(claim_pictures(request.directory))
    return group_again(read_run(request.run), request.valley)


def plan(request: PlotRequest, run: RunRecord) -> Plan:
    """What is to be drawn of a run.

    Raises:
        RunError: where the run has no such steps or pictures, or too many steps for a film.
    """
    look = Look(request.theme, request.dpi, request.inches)
    match request.file_format:
        case "gif" | "webp" | "mp4" as film_format:
            return _plan_film(request, run, film_format, look)
        case "html":
            return _plan_page(request, run)
        case picture_format:
            return _plan_pictures(request, run, picture_format, look)


def _plan_pictures(
    request: PlotRequest, run: RunRecord, picture_format: PictureFormat, look: Look
) -> Plan:
    steps = run.history.choose_asked(request.steps, run.snapshots)
    kinds = choose_kinds(run, request.kinds)
    order = Order(steps, kinds, picture_format, request.colour, look)
    names = order.name_pictures()
    begin, stale = partial(_draw, run, order, request.directory), list[Path]()
    if request.output is None or request.overwrite:
        replaced = DRAWN_UNASKED if request.kinds is None else kinds
        stale = list_pictures(request.directory, replaced, picture_format)
    return Plan(names, stale, len(names), begin)


def _draw(run: RunRecord, order: Order, directory: Path) -> Iterator[Path]:
    from gmmcli.pictures.drawing import draw_run

    return draw_run(run, order, directory)


def _plan_film(request: PlotRequest, run: RunRecord, film_format: FilmFormat, look: Look) -> Plan:
    from gmmcli.pictures.films import Timing, plan_film, write_film

    timing = Timing(request.fps, shows_all=request.steps == "all")
    steps = run.history.choose_steps(request.steps or "all")
    order = Order(steps, ("frames",), colour=request.colour, look=look)
    name = name_film(film_format)
    n_frames = len(plan_film(run, order, timing))
    if n_frames > MOST_FRAMES and film_format != "mp4":  # which would all be in memory
        raise RunError(
            f"a {film_format} has {MOST_FRAMES:,} frames at most, and this would have "
            f"{n_frames:,}: choose some --steps, or --format mp4"
        )
    path = request.directory / name
    return Plan([name], [], n_frames, partial(write_film, run, order, path, film_format, timing))


def _plan_page(request: PlotRequest, run: RunRecord) -> Plan:
    from gmmcli.pictures.page.page import draw_page

    return Plan([name_film("html")], [], 1, lambda: iter([draw_page(run, request.directory)]))


def carry_out(request: PlotRequest, planned: Plan, reporter: Reporter) -> list[Path]:
    """The files, drawn once it is clear that all can be written; in a run they replace others.

    Raises:
        OutputError: when one cannot be written, or is there already in another directory.
    """
    files = [request.directory / name for name in planned.names]
    for path in files:
        check_file_target(path, overwrite=request.overwrite or request.output is None)
    for _ in reporter.track(planned.begin(), planned.n_parts, "drawing"):
        pass
    for path in set(planned.stale) - set(files):
        path.unlink(missing_ok=True)
    return files
