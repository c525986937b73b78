"""The last step of a run in the terminal."""

from collections.abc import Callable
from io import StringIO
from pathlib import Path

import numpy as np
import pytest
from builders import article_run, mixture_of, one_line_error, run_of, sampled
from click.testing import Result
from rich.console import Console

from gmmcli.cli.terminal import SHADES, UPPER_HALF, TerminalPicture
from gmmcli.core.runs.directory import RunRecord
from gmmcli.core.runs.history import History
from gmmcli.pictures.scene import compute_scene


def console_of(width: int, *, is_terminal: bool, **options: object) -> Console:
    return Console(
        file=StringIO(),
        width=width,
        height=40,
        force_terminal=is_terminal,
        color_system="truecolor" if is_terminal else None,
        no_color=bool(options.get("no_color", False)),
        _environ={},
    )


def lines_of(run: RunRecord, console: Console) -> list[str]:
    picture = TerminalPicture(run, compute_scene(run))
    lines = console.render_lines(picture)
    return ["".join(segment.text for segment in line).rstrip() for line in lines]


@pytest.mark.parametrize("width", [30, 80, 200])
def test_a_terminal_gets_half_blocks_of_its_width(width: int) -> None:
    lines = lines_of(article_run(), console_of(width, is_terminal=True))
    assert len(lines) <= 38
    assert max(map(len, lines)) == width - 1
    assert {"y", UPPER_HALF} <= {*lines[0], *lines[5]}
    assert len({line.count(UPPER_HALF) > 0 for line in lines[1:-1]}) == 1
    assert lines[-1].split()[1] == "x"


def test_half_blocks_have_the_colours_of_two_pixels() -> None:
    run = article_run()
    lines = console_of(80, is_terminal=True).render_lines(TerminalPicture(run, compute_scene(run)))
    blocks = [each for line in lines for each in line if UPPER_HALF in each.text]
    assert len({each.style.color for each in blocks if each.style}) > 12
    assert all(each.style and each.style.bgcolor for each in blocks)


@pytest.mark.parametrize(
    "console",
    [
        console_of(70, is_terminal=False),
        console_of(70, is_terminal=True, no_color=True),
    ],
)
def test_without_colours_there_are_shades_and_numbers(console: Console) -> None:
    run = article_run()
    lines = lines_of(run, console)
    drawn = "".join(line[8:] for line in lines[2:-2])
    assert set(drawn) <= {*SHADES, *"0123456789"}
    assert all(str(k) in drawn for k in range(run.mixture.n_components))
    assert len({*drawn} & {*SHADES}) >= 4


def test_ends_of_axes_tell_the_view() -> None:
    run = article_run()
    (left, low), (right, high) = compute_scene(run).limits
    lines = lines_of(run, console_of(90, is_terminal=False))
    told = [float(lines[row].split()[place]) for row, place in ((-1, 0), (-1, -1), (-2, 0), (1, 0))]
    widths = np.repeat([right - left, high - low], 2)
    assert (abs(np.array(told) - [left, right, low, high]) < 0.02 * widths).all()


def test_far_from_zero_and_on_a_line_there_is_a_picture_too() -> None:
    points = 1e9 + sampled(mixture_of([1.0], [[0, 0]], [np.eye(2)]), 50) * [1.0, 1e-7]
    only = mixture_of([1.0], [points.mean(axis=0)], [np.diag([1.0, 1e-14])])
    run = run_of(points, History.of([only], [-1.0], [False], [50]))
    lines = lines_of(run, console_of(60, is_terminal=False))
    assert "0" in "".join(line[30:] for line in lines[1:-1])
    left, _, right = lines[-1].split()
    assert 999_999_990 < float(left) < float(right) < 1_000_000_010


def test_names_are_never_markup_nor_longer_than_the_picture() -> None:
    run = article_run()
    scene = compute_scene(run)
    named = TerminalPicture(run, type(scene)(**{**vars(scene), "columns": ("[red]" * 30, "[b]y")}))
    lines = console_of(50, is_terminal=False).render_lines(named)
    texts = ["".join(segment.text for segment in line) for line in lines]
    assert texts[0].startswith("[b]y")
    assert "[red]" in texts[-1]
    assert max(map(len, texts)) <= 50


def test_show_draws_and_writes_nothing(work: Path, run: Callable[..., Result]) -> None:
    data = work / "points.csv"
    np.savetxt(
        data,
        sampled(mixture_of([1.0], [[0, 0]], [np.eye(2)]), 60),
        delimiter=",",
        header="a,b",
        comments="",
    )
    fitted = run("fit", str(data), "-k", "1", "--no-frames", "--show", "-o", "out")
    shown = run("plot", "out", "--show")
    assert shown.stdout.splitlines()[0].strip() == "b"
    assert fitted.stdout.endswith(shown.stdout)
    assert not [*Path("out").rglob("*.png")]
    assert run("plot", "out", "--show", "-q").stdout == ""


def test_show_takes_no_option_of_files(work: Path, run: Callable[..., Result]) -> None:
    done = run("plot", str(work), "--show", "--kind", "density", code=2)
    assert "does not heed --kind" in one_line_error(done)
