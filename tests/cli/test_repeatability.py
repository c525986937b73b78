"""The same answer every time: run twice, on any number of threads, of rows in another order."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from builders import mixture_of, sampled
from click.testing import Result

from gmmcli.core.mixture.covariances import FloatArray

TRUE = mixture_of(
    [0.5, 0.3, 0.2],
    [[0, 0], [4, 1], [2, 5]],
    [[[1, 0.3], [0.3, 1.1]], [[1, -0.4], [-0.4, 4.2]], [[0.25, 0], [0, 0.25]]],
)
# Up to 20,000 rows are fitted one by one; more, as cells.
SIZES = [400, 30_000, pytest.param(300_000, marks=pytest.mark.slow)]
NUMBERS = [("-k", "3"), ()]
# What cells may move a parameter by, in its standard errors.
PROMISED = 0.05


def write_table(path: Path, points: FloatArray) -> None:
    pd.DataFrame(points, columns=["x", "y"]).to_csv(path, index=False)


def read_without_times(run: str) -> str:
    return re.sub(r'("seconds": )[0-9.]+', r"\g<1>0", Path(run, "parameters.json").read_text())


def compare_in_standard_errors(one: dict[str, Any], other: dict[str, Any], n_points: int) -> float:
    """The most that weights, means and standard deviations differ by, in their standard errors."""
    weights = np.array(one["weights"])
    sds = [np.sqrt(np.array(run["covariances"])[:, [0, 1], [0, 1]]) for run in (one, other)]
    own = np.sqrt(n_points * weights)[:, None]  # the points of each component
    moved = np.abs(np.array(one["means"]) - np.array(other["means"])) / sds[0] * own
    stretched = np.abs(np.log(sds[0] / sds[1])) * np.sqrt(2) * own
    spread = np.sqrt(weights * (1 - weights) / n_points)
    gained = np.abs(weights - np.array(other["weights"])) / spread
    return float(max(moved.max(), stretched.max(), gained.max()))


@pytest.mark.parametrize("asked", NUMBERS)
@pytest.mark.parametrize("n_points", SIZES)
def test_a_command_says_the_same_twice_and_of_rows_in_another_order(
    work: Path, run: Callable[..., Result], n_points: int, asked: tuple[str, ...]
) -> None:
    points = sampled(TRUE, n_points, seed=5)
    write_table(work / "one.csv", points)
    write_table(work / "other.csv", np.random.default_rng(1).permutation(points))
    for data, out in (("one", "first"), ("one", "again"), ("other", "turned")):
        run("fit", f"{data}.csv", *asked, "-o", out, "--no-frames", "-q")
    assert read_without_times("first") == read_without_times("again")
    first, turned = (json.loads(read_without_times(each)) for each in ("first", "turned"))
    assert len(first["weights"]) == len(turned["weights"]) == 3
    if n_points == 400:
        for name in ("weights", "means", "covariances"):
            np.testing.assert_allclose(first[name], turned[name], rtol=1e-9)
    else:
        assert compare_in_standard_errors(first, turned, n_points) < PROMISED


@pytest.mark.slow
@pytest.mark.parametrize("n_points", [400, 300_000])
def test_the_number_of_threads_changes_no_more_than_the_last_digits(
    tmp_path: Path, n_points: int
) -> None:
    write_table(tmp_path / "table.csv", sampled(TRUE, n_points, seed=5))
    found = []
    for n_threads in ("1", "2"):
        threads = {"OMP_NUM_THREADS": n_threads, "OPENBLAS_NUM_THREADS": n_threads}
        command = [sys.executable, "-m", "gmmcli", "fit", "table.csv", "-o", n_threads]
        environment = os.environ | threads
        asked = [*command, "--no-frames", "-q"]
        subprocess.run(asked, cwd=tmp_path, env=environment, check=True)
        found.append(json.loads((tmp_path / n_threads / "parameters.json").read_text()))
    for name in ("weights", "means", "covariances"):
        np.testing.assert_allclose(found[0][name], found[1][name], rtol=1e-12, atol=1e-14)
