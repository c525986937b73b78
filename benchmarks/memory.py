"""What many fits in one process leave behind: memory, and Pyro's store of parameters.

    python benchmarks/memory.py

Fits two clusters of 40 random points over and over, with the number of components chosen, and says
how much memory the process holds after some fits and after all, and how many parameters Pyro's
store holds. Target: after 10,000 fits at most 5 % more than after 100. Writes `results/memory.md`;
`--fits` changes the number.
"""

import argparse
import gc
import os
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pyro
from machine import commit, described

from gmmcli.core.cells.cells import Cells
from gmmcli.core.runs.fits import fit_cells
from gmmcli.core.search.hooks import Hooks
from gmmcli.settings import Choice, FitSettings

RESULTS = Path(__file__).parent / "results" / "memory.md"
FIRST = 100


def main() -> None:
    """Fit, measure, and write what was measured."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--fits", type=int, default=10_000)
    n_fits = parser.parse_args().fits
    generator, held = np.random.default_rng(0), dict[int, float]()
    for number in range(1, n_fits + 1):
        fit_once(generator)
        if number in (FIRST, n_fits):
            gc.collect()
            held[number] = measure_memory()
    growth = held[n_fits] / held[FIRST] - 1
    lines = [
        "# Memory of many fits in one process",
        "",
        "`python benchmarks/memory.py`: fits of 80 points each, with their number chosen.",
        "",
        *described(),
        f"- Date: {datetime.now(UTC):%Y-%m-%d}, {commit()}",
        "",
        *(f"- after {number:,} fits: {size:.1f} MB" for number, size in held.items()),
        f"- growth: {growth:.1%}",
        f"- parameters in Pyro's store: {len(pyro.get_param_store())}",
    ]
    RESULTS.write_text("\n".join(lines) + "\n")
    print("\n".join(lines))


def fit_once(generator: np.random.Generator) -> None:
    """Fit two clusters of 40 random points each, some standard deviations apart."""
    points = generator.normal(size=(80, 2)) + np.repeat([[0.0, 0.0], [6.0, 2.0]], 40, axis=0)
    cells = Cells(np.ones(80), points, np.zeros((80, 2, 2)))
    fit_cells(cells, FitSettings(), Choice(1, 5), None, Hooks())


def measure_memory() -> float:
    """The memory that this process holds, in MB."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


if __name__ == "__main__":
    main()
