"""A run's last step in the terminal: two pixels in each letter, or shades without colours."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from rich.console import Console, ConsoleOptions, RenderResult
from rich.style import Style
from rich.text import Text

from gmmcli.cli.reporter import Reporter
from gmmcli.errors import escape

if TYPE_CHECKING:
    from gmmcli.core.mixture.covariances import FloatArray
    from gmmcli.core.runs.directory import RunRecord
    from gmmcli.pictures.scene import Scene
    from gmmcli.pictures.terminal import View

UPPER_HALF = "\N{UPPER HALF BLOCK}"
# From nothing to all, where there is no colour.
SHADES = " .:-=+*#%@"


def show_run(directory: Path, reporter: Reporter) -> None:
    """Draw the last step of the run in a directory in the terminal.

    Raises:
        RunError: where it cannot be read.
    """
    with reporter.show_work(f"reading {directory}"):
        from gmmcli.core.runs.directory import read_run
        from gmmcli.pictures.kinds import Look
        from gmmcli.pictures.scene import compute_scene
        from gmmcli.pictures.style import apply_style

        run = read_run(directory)
        with apply_style(Look(theme="dark")):  # as the picture's paper is
            scene = compute_scene(run)
    reporter.print(TerminalPicture(run, scene))


@dataclass(frozen=True, eq=False)
class TerminalPicture:
    """A run's last step, as wide as the console that it is printed to.

    Attributes:
        run: the run.
        scene: with its view, and colours for dark paper.
        least_columns: of the plane, in letters, however narrow the console.
        row_share: its height, in lines, as a share of its width in letters.
        lines_left: of a terminal's height, what is left for what is said before and after.
    """

    run: "RunRecord"
    scene: "Scene"
    least_columns: int = 16
    row_share: float = 0.3
    lines_left: int = 6

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """The lines of the picture."""
        from gmmcli.pictures.terminal import View

        left = _name_ends(self.scene.limits[:, 1])
        margin = max(map(len, left)) + 2
        n_columns = max(options.max_width - margin - 1, self.least_columns)
        n_rows = max(round(self.row_share * n_columns), 6)
        if console.is_terminal:
            n_rows = min(n_rows, max(console.height - self.lines_left, 6))
        view = View(self.scene.limits, (2 * n_rows, n_columns))
        has_colours = console.color_system is not None and not console.no_color
        draw = self._colour if has_colours and not options.ascii_only else self._shade
        yield Text(escape(self.scene.columns[1]), no_wrap=True, overflow="ellipsis")
        for row, line in enumerate(draw(view)):
            end = left[1] if row == 0 else left[0] if row == n_rows - 1 else ""
            yield Text.assemble(f"{end:>{margin - 2}}  ", line, no_wrap=True, overflow="crop")
        yield Text(" " * margin + self._name_columns(n_columns), no_wrap=True, overflow="crop")

    def _name_columns(self, width: int) -> str:
        """The ends of the horizontal axis, and its name between them."""
        low, high = _name_ends(self.scene.limits[:, 0])
        room = width - len(low) - len(high) - 2
        name = escape(self.scene.columns[0])
        name = name if len(name) <= room else f"{name[: max(room - 1, 0)]}…"[: max(room, 0)]
        return f"{low} {name:^{max(room, 0)}} {high}"

    def _colour(self, view: "View") -> Iterator[Text]:
        """Lines of half blocks in colours, with numbers on them."""
        from gmmcli.pictures.scene import COVERAGES, compute_radius, list_colours
        from gmmcli.pictures.terminal import (
            count_pixels,
            paint_mixture,
            paint_points,
            rank_strengths,
            trace_ellipses,
        )

        mixture, scene = self.run.mixture, self.scene
        strengths = rank_strengths(count_pixels(self.run.cells, view))
        image = paint_points(strengths, mixture, view, list_colours(scene, mixture))
        traces = trace_ellipses(mixture, view, compute_radius(max(COVERAGES)))
        image = paint_mixture(image, traces, scene.colours)
        letters = self._place_numbers(view)
        for row, pair in enumerate(image.reshape(-1, 2, *image.shape[1:])):
            yield _join_halves(pair, letters.get(row, {}))

    def _shade(self, view: "View") -> Iterator[Text]:
        """Lines of letters, the denser where there are more points, with numbers among them."""
        from gmmcli.pictures.terminal import count_pixels, rank_strengths

        coarse = view._replace(shape=(view.shape[0] // 2, view.shape[1]))
        strengths = rank_strengths(count_pixels(self.run.cells, coarse), faintest=0.12)
        numbers = np.ceil(strengths * (len(SHADES) - 1)).astype(int)
        letters = self._place_numbers(view)
        for row, shades in enumerate(numbers):
            line = [SHADES[number] for number in shades]
            for column, letter in letters.get(row, {}).items():
                line[column] = letter
            yield Text("".join(line))

    def _place_numbers(self, view: "View") -> dict[int, dict[int, str]]:
        """The digits of components' numbers at their means, by line and column.

        Where several would stand, that of the heaviest component stands.
        """
        coarse = view._replace(shape=(view.shape[0] // 2, view.shape[1]))
        places = coarse.locate(self.run.mixture.means)
        letters: dict[int, dict[int, str]] = {}
        for k in np.argsort(-self.run.mixture.weights, kind="stable"):
            name = str(self.scene.names[k])
            row, start = int(places[k, 0]), int(places[k, 1]) - (len(name) - 1) // 2
            columns = range(start, start + len(name))
            line = letters.setdefault(row, {})
            is_free = not any(column in line for column in range(start - 1, columns.stop + 1))
            if is_free and start >= 0 and columns.stop <= view.shape[1]:
                line.update(zip(columns, name, strict=True))
        return letters


def _join_halves(pair: "FloatArray", letters: dict[int, str]) -> Text:
    """A line of half blocks from two rows of pixels, shape (2, W, 3), with letters on some."""
    line = Text()
    upper, lower = ([_to_hex(pixel) for pixel in row] for row in pair)
    for column, (above, below) in enumerate(zip(upper, lower, strict=True)):
        if column in letters:
            line.append(letters[column], Style(bold=True, color="#ffffff", bgcolor="#000000"))
        else:
            line.append(UPPER_HALF, Style(color=above, bgcolor=below))
    return line


def _to_hex(pixel: "FloatArray") -> str:
    red, green, blue = (round(255 * float(value)) for value in pixel)
    return f"#{red:02x}{green:02x}{blue:02x}"


def _name_ends(ends: "FloatArray") -> tuple[str, str]:
    """The ends of an axis, in as few digits as tell its width to a part in a hundred."""
    low, high = map(float, ends)
    n_digits = 3 + max(math.ceil(math.log10(max(abs(low), abs(high)) / (high - low))), 0)
    return f"{low:.{n_digits}g}", f"{high:.{n_digits}g}"
