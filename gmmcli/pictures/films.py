"""The convergence of a run as a film: GIF and WebP by Pillow, MP4 by ffmpeg where there is one."""

import shutil
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image

from gmmcli.core.mixture.covariances import FloatArray
from gmmcli.core.mixture.geodesics import interpolate
from gmmcli.core.runs.directory import RunRecord
from gmmcli.core.runs.history import History, Snapshot
from gmmcli.errors import OutputError
from gmmcli.files import replace_atomically
from gmmcli.pictures.drawing import compute_coloured_scene
from gmmcli.pictures.frames import Frame
from gmmcli.pictures.kinds import Order
from gmmcli.pictures.style import apply_style
from gmmcli.settings import FilmFormat

# A frame in RGB, shape (H, W, 3).
Pixels = npt.NDArray[np.uint8]


@dataclass(frozen=True)
class Timing:
    """How long a film takes.

    Attributes:
        fps: frames per second.
        seconds: how long it moves.
        rest: how long it then shows the last step, in seconds.
        shows_all: whether it moves for longer where steps are many, so that all are shown.
    """

    fps: float = 20.0
    seconds: float = 6.0
    rest: float = 1.5
    shows_all: bool = False

    @property
    def n_frames(self) -> int:
        """The frames that it moves for."""
        return max(round(self.fps * self.seconds), 2)


def plan_places(travel: FloatArray, n_frames: int) -> FloatArray:
    """Where a film is at each frame on the way along S steps; 3.25 is a quarter on from the fourth.

    Half of the time goes to the steps evenly and half to how far components travel in each, so that
    early leaps glide and late steps still show. Every step has a frame of its own, where there are
    enough; else frames are at steps.

    Args:
        travel: how far components have travelled by each step, shape (S,).
        n_frames: about how many frames there are.

    Returns:
        Ascending from 0 to S - 1.
    """
    n_ways = len(travel) - 1
    if n_ways < 1:
        return np.zeros(1)
    lengths = np.diff(travel)
    total = lengths.sum()
    shares = np.full(n_ways, 1 / n_ways)
    if total > 0:
        shares = (shares + lengths / total) / 2
    if n_ways >= n_frames:
        times = np.concatenate([[0.0], np.cumsum(shares)])
        even = np.interp(np.linspace(0, 1, n_frames), times / times[-1], np.arange(n_ways + 1.0))
        return np.unique(np.round(even))
    counts = np.maximum(np.round(shares * n_frames), 1).astype(int)
    ways = [way + np.arange(count) / count for way, count in enumerate(counts)]
    return np.concatenate([*ways, [float(n_ways)]])


def take_snapshot(history: History, steps: Sequence[int], place: float) -> Snapshot:
    """The snapshot at a place on the way along some steps, with the number of the last passed.

    Between two steps the mixture is between theirs, but for where a move of the search led on: its
    components are others than before.
    """
    before = int(place)
    here = history.snapshot(steps[before])
    if (share := place - before) == 0:
        return here
    first, last = steps[before], steps[before + 1]
    if history.by_move[first + 1 : last + 1].any():
        return here
    mixture = interpolate(here.mixture, history.snapshot(last).mixture, share)
    return replace(here, mixture=mixture)


def write_film(
    run: RunRecord, order: Order, path: Path, film_format: FilmFormat, timing: Timing
) -> Iterator[None]:
    """Write the film of a run, and yield at every frame once drawn.

    Args:
        run: the run.
        order: the steps that it shows, and its colours and look.
        path: of the file.
        film_format: of the file.
        timing: how long it takes.

    Raises:
        OutputError: when it cannot be written, or lacks the program that writes it.
    """
    writer = find_ffmpeg() if film_format == "mp4" else None
    places = plan_film(run, order, timing)
    frames = draw_frames(run, order, places)
    with replace_atomically(path) as file:
        if writer is not None:
            yield from _encode(frames, writer, file.name, timing)
            return
        images = list[Image.Image]()
        for frame in frames:
            images.append(Image.fromarray(frame))
            yield
        _save(images, file, film_format, timing)


def plan_film(run: RunRecord, order: Order, timing: Timing) -> FloatArray:
    """The places of a film's frames on the way along the steps of an order; see `plan_places`."""
    n_frames = timing.n_frames
    if timing.shows_all:
        n_frames = max(n_frames, len(order.steps))
    return plan_places(run.history.measure_travel()[list(order.steps)], n_frames)


def draw_frames(run: RunRecord, order: Order, places: FloatArray) -> Iterator[Pixels]:
    """The frames at some places."""
    with apply_style(order.look):
        scene = compute_coloured_scene(run, order.colour)
        frame = Frame(scene, run.history, run.figures.status.value)
    for place in places.tolist():
        with apply_style(order.look):
            frame.show(take_snapshot(run.history, order.steps, place))
            pixels = frame.paint()
        yield pixels


def _save(
    images: Sequence[Image.Image], file: Any, film_format: FilmFormat, timing: Timing
) -> None:
    """Write images as an animation that repeats."""
    each = round(1000 / timing.fps)
    durations = [each] * (len(images) - 1) + [each + round(1000 * timing.rest)]
    if film_format == "gif":
        palette = _find_palette(images)
        images = [image.quantize(palette=palette, dither=Image.Dither.NONE) for image in images]
        looks: dict[str, Any] = {"optimize": False, "disposal": 1}
    else:
        looks = {"quality": 85, "method": 2}
    first, *rest = images
    first.save(
        file,
        format=film_format.upper(),
        save_all=True,
        append_images=rest,
        duration=durations,
        loop=0,
        **looks,
    )


def _find_palette(images: Sequence[Image.Image], n_looked_at: int = 5) -> Image.Image:
    """One palette for all images, of the colours of some: else colours would flicker."""
    chosen = np.unique(np.linspace(0, len(images) - 1, n_looked_at).astype(int))
    stacked = np.concatenate([np.asarray(images[place]) for place in chosen])
    return Image.fromarray(stacked).quantize(256, method=Image.Quantize.MEDIANCUT)


def find_ffmpeg() -> str:
    """The path of ffmpeg.

    Raises:
        OutputError: where there is none.
    """
    found = shutil.which("ffmpeg")
    if found is None:
        raise OutputError(
            "mp4 is written by ffmpeg, which is not installed: get it from ffmpeg.org or by "
            "apt, brew or conda install ffmpeg, or ask for --format gif or webp"
        )
    return found


def _encode(frames: Iterator[Pixels], ffmpeg: str, path: str, timing: Timing) -> Iterator[None]:
    """Have ffmpeg write frames to a file, the last one for the rest of the time."""
    last = next(frames)
    with _start_encoder(ffmpeg, path, last.shape, timing.fps) as process:
        for frame in chain([last], frames):
            _feed(process, last := frame)
            yield
        for _ in range(round(timing.fps * timing.rest)):
            _feed(process, last)
        _, said = process.communicate()
        if process.returncode:
            reason = said.decode(errors="replace").strip().rpartition("\n")[2]
            raise OutputError(f"ffmpeg cannot write {path}: {reason}")


def _start_encoder(
    ffmpeg: str, path: str, shape: tuple[int, ...], fps: float
) -> "subprocess.Popen[bytes]":
    """The process that takes frames of a shape, (H, W, 3), as bytes."""
    height, width = shape[:2]
    taken = f"-f rawvideo -pix_fmt rgb24 -s {width}x{height} -r {fps:g} -i -"
    # Players take no odd sizes, nor colours that are as sharp as brightness.
    made = "-vf pad=ceil(iw/2)*2:ceil(ih/2)*2 -c:v libx264 -pix_fmt yuv420p -movflags +faststart"
    command = [ffmpeg, "-y", "-loglevel", "error", *taken.split(), *made.split(), "-f", "mp4", path]
    pipe, nowhere = subprocess.PIPE, subprocess.DEVNULL
    return subprocess.Popen(command, stdin=pipe, stdout=nowhere, stderr=pipe)  # noqa: S603 (found)


def _feed(process: "subprocess.Popen[bytes]", frame: Pixels) -> None:
    """Give a frame to the encoder; where it has ended, it says why later."""
    if process.stdin is not None:
        try:
            process.stdin.write(frame.tobytes())
            process.stdin.flush()
        except BrokenPipeError:
            with suppress(BrokenPipeError):
                process.stdin.close()
            process.stdin = None
