"""What pictures cost: frames a second, all that a fit draws, a film, the page, and a whole fit.

    python benchmarks/pictures.py DIRECTORY

Draws in this process the convergence of 400 points, and that of ten million rows of five components
as their cells, at 120 dots per inch; and times whole fits of Old Faithful with and without
pictures, in turns, as the difference of the least of each. `DIRECTORY` keeps the rows between runs.
Writes `results/pictures.md`.
"""

import argparse
import subprocess
import sys
import tempfile
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from time import perf_counter

from machine import commit, described

from gmmcli.core.runs.directory import RunRecord, read_run
from gmmcli.pictures.drawing import draw_run, rehearse
from gmmcli.pictures.films import Timing, write_film
from gmmcli.pictures.kinds import Order
from gmmcli.pictures.page.page import write_page
from gmmcli.process import prepare_process

RESULTS = Path(__file__).parent / "results" / "pictures.md"
SAMPLES = Path(__file__).parent.parent / "sample_data"
MIXTURE = Path(__file__).parent / "random_k5.json"
GMM = (sys.executable, "-m", "gmmcli")
N_TURNS = 5


def main() -> None:
    """Fit, draw, and write the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("directory", type=Path)
    directory = parser.parse_args().directory
    prepare_process()
    rehearse()
    with tempfile.TemporaryDirectory() as scratch:
        runs = prepare(directory, Path(scratch))
        lines = [line for name, run in runs.items() for line in measure(name, run, Path(scratch))]
        lines.append(compare_fits(Path(scratch)))
    page = [
        "# What pictures cost",
        "",
        "By `python benchmarks/pictures.py DIRECTORY`, in seconds of the clock.",
        "",
        *described(),
        f"- Date: {datetime.now(UTC):%Y-%m-%d}, {commit()}",
        "",
        "| what | |",
        "| --- | --- |",
        *lines,
    ]
    RESULTS.write_text("\n".join(page) + "\n", encoding="utf-8")
    print("\n".join(lines))


def prepare(directory: Path, scratch: Path) -> dict[str, RunRecord]:
    """The runs whose pictures are drawn, by what they are of."""
    rows = directory / "five.parquet"
    if not rows.exists():
        call("generate", "-n", "10000000", "--mixture", str(MIXTURE), "-o", str(rows))
    points = scratch / "points.csv"
    call("generate", "-o", str(points))
    found = {}
    for name, data in (("400 points", points), ("ten million rows", rows)):
        call("fit", str(data), "-q", "--no-frames", "-o", str(scratch / name))
        found[name] = read_run(scratch / name)
    return found


def measure(name: str, run: RunRecord, scratch: Path) -> list[str]:
    """A line of the table for each kind of what is drawn of a run."""
    steps = run.history.choose_telling(8)
    n_frames = len(steps)
    frames = time_call(lambda: list(draw_run(run, Order(steps, ("frames",)), scratch)))
    # The first frame makes what the others share, so that its part is told apart.
    first = time_call(lambda: list(draw_run(run, Order(steps[:1], ("frames",)), scratch)))
    rate = (n_frames - 1) / (frames - first)
    both = time_call(lambda: list(draw_run(run, Order(steps, ("frames", "sheet")), scratch)))
    order = Order(range(run.history.last_step + 1))
    timing = Timing(fps=25)  # 150 frames
    film = time_call(lambda: list(write_film(run, order, scratch / "film.gif", "gif", timing)))
    page = time_call(lambda: write_page(run, scratch / "page.html"))
    size = (scratch / "page.html").stat().st_size
    cells = f"{name}, {run.cells.n_cells:,} cells"
    return [
        f"| {cells}: frames a second beyond the first | {rate:.0f} |",
        f"| {cells}: {n_frames} frames and the sheet | {both:.2f} |",
        f"| {cells}: a GIF of about 150 frames | {film:.1f} |",
        f"| {cells}: the page | {page:.2f}, {size / 1000:,.0f} kB |",
    ]


def time_call(call: Callable[[], object]) -> float:
    """The least that a call took of three times, in seconds."""
    found = []
    for _ in range(3):
        began = perf_counter()
        call()
        found.append(perf_counter() - began)
    return min(found)


def compare_fits(scratch: Path) -> str:
    """What pictures add to a whole fit of Old Faithful."""
    data, least = str(SAMPLES / "old_faithful.csv"), {"": float("inf"), "--no-frames": float("inf")}
    for turn in range(N_TURNS):
        for option in least:
            began = perf_counter()
            call("fit", data, "-q", "-o", str(scratch / f"{turn}{option}"), *option.split())
            least[option] = min(least[option], perf_counter() - began)
    with_all, without = least.values()
    found = f"{with_all:.2f}, {without:.2f}, {with_all - without:.2f}"
    return f"| Old Faithful, a whole fit: with pictures, without, more | {found} |"


def call(*arguments: str) -> None:
    """Run gmm as a process of its own."""
    subprocess.run([*GMM, *arguments], check=True, stdout=subprocess.DEVNULL)


if __name__ == "__main__":
    main()
