"""What a small job costs: start-up, a fit of 400 points, and rows generated per second.

    python benchmarks/small.py

Prints ratios of things timed in turn in one run, so that a busy machine slows both alike; the best
of several repeats counts. Targets: a fit of 400 points under 0.3 s in the process, the whole
`gmm fit` of Old Faithful within 1.6 times `import pyro, matplotlib.figure` where two cores are
idle, and a million rows of CSV in under a second of one core.
"""

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

REPEATS = 5
ROWS = 2_000_000
OLD_FAITHFUL = Path(__file__).parent.parent / "sample_data" / "old_faithful.csv"

FIT_400 = """
import time
import numpy as np
from gmmcli.core.cells.cells import Cells
from gmmcli.core.search.choice import choose_mixture
from gmmcli.settings import Choice, FitSettings
from gmmcli.core.mixture.sampling import ARTICLE, sample
points, _ = next(sample(ARTICLE, 400, seed=0))
cells = Cells(np.ones(400), points, np.zeros((400, 2, 2)))
began = time.perf_counter()
choose_mixture(cells, FitSettings(), Choice.hold(2))
print(time.perf_counter() - began)
"""


def main() -> None:
    """Time everything and print a table."""
    with tempfile.TemporaryDirectory() as scratch:
        os.chdir(scratch)
        gmm = [sys.executable, "-m", "gmmcli"]
        imports: list[float] = []
        fits: dict[str, list[float]] = {"2": [], "auto": []}
        for _ in range(REPEATS):
            imports.append(
                seconds(lambda: run([sys.executable, "-c", "import pyro, matplotlib.figure"]))
            )
            for components, of_these in fits.items():
                fit = [*gmm, "fit", "-q", str(OLD_FAITHFUL), "--overwrite", "-k", components]
                of_these.append(seconds(partial(run, fit)))
        in_process = min(float(run([sys.executable, "-c", FIT_400])) for _ in range(REPEATS))
        generated = min(
            seconds_on_one_core(
                [*gmm, "generate", "-n", str(ROWS), "-o", "rows.csv", "--overwrite"]
            )
            for _ in range(REPEATS)
        )
    print(f"import pyro, matplotlib.figure    {min(imports):6.2f} s")
    for components, of_these in fits.items():
        ratio = min(of_these) / min(imports)
        print(f"gmm fit old_faithful.csv -k {components:5} {min(of_these):6.2f} s")
        print(f"its ratio to the imports          {ratio:6.2f}     at most 1.6")
    print(f"a fit of 400 points, in process   {in_process:6.2f} s   under 0.3")
    print(
        f"gmm generate, CSV, one core       {ROWS / generated / 1e6:6.2f} million rows/s   over 1"
    )


def run(command: list[str]) -> str:
    """What a command prints."""
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def seconds(work: Callable[[], object]) -> float:
    """How long some work takes, in seconds."""
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def seconds_on_one_core(command: list[str]) -> float:
    """How long a command takes on one core, start-up included, in seconds."""
    return seconds(
        lambda: subprocess.run(command, check=True, preexec_fn=lambda: os.sched_setaffinity(0, {0}))
    )


if __name__ == "__main__":
    main()
