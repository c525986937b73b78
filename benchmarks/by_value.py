"""What `gmm fit --by` costs: 1,000 values of 300 rows each, as one command.

    python benchmarks/by_value.py

Makes a table in which every value has the same three clusters, a little elsewhere, and fits it by
value in a process of its own. Says how long that takes, on the wall and of all cores, how many
values get three components, and in how many of these the components have the numbers of their
clusters: paired with those of the fit of all rows, and in order of mean x, as they would be without
it. Target: under 3 minutes where two cores are idle. Writes `results/by_value.md`; `--values` and
`--rows` change the size.
"""

import argparse
import sys
import tempfile
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pandas as pd
from machine import commit, described
from processes import Command, Measurement, measure
from scipy.optimize import linear_sum_assignment

from gmmcli.core.mixture.covariances import FloatArray

RESULTS = Path(__file__).parent / "results" / "by_value.md"
WEIGHTS = np.array([0.5, 0.2, 0.3])
# In the order of mean x, as the fit of all rows numbers them.
MEANS = np.array([[0.0, 0.0], [1.0, 6.0], [5.0, 1.0]])
# How far each cluster of a value lies from these on either axis, in its standard deviations.
SHIFT = 0.5


def main() -> None:
    """Make the table, fit it, and write what came of it."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--values", type=int, default=1000)
    parser.add_argument("--rows", type=int, default=300)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        data, run = Path(scratch) / "data.csv", Path(scratch) / "run"
        centres = write_table(data, asked.values, asked.rows)
        taken = fit(data, run)
        table = pd.read_csv(run / "values.csv")
    numbers = table.groupby("value").first()["components"].value_counts().sort_index()
    with_each = ", ".join(f"{n:,} with {k}" for k, n in numbers.items())
    three = table[table["components"] == len(MEANS)]
    paired, by_mean = count_right(three, centres)
    each = taken.cpu_seconds / asked.values
    lines = [
        "# A fit by the values of a column",
        "",
        f"`gmm fit --by` of {asked.values:,} values of {asked.rows:,} rows each, by",
        "`python benchmarks/by_value.py`.",
        "",
        *described(),
        f"- Date: {datetime.now(UTC):%Y-%m-%d}, {commit()}",
        "",
        f"- {taken.seconds:.0f} s on the wall, while others used {taken.others or 0:.2f} cores",
        f"- {taken.cpu_seconds:.0f} s of all cores, {each:.3f} s a value",
        f"- values by their number of components: {with_each}",
        f"- of those with three, {paired:,} have the numbers of the clusters; in order of mean x "
        f"{by_mean:,} would have",
    ]
    RESULTS.write_text("\n".join(lines) + "\n")
    print("\n".join(lines))


def write_table(path: Path, n_values: int, n_rows: int) -> FloatArray:
    """The centres of each value's clusters, (V, K, 2), whose rows are written in random order."""
    generator = np.random.default_rng(0)
    centres = MEANS + generator.normal(0, SHIFT, (n_values, *MEANS.shape))
    values = np.repeat(np.arange(n_values), n_rows)
    clusters = generator.choice(len(MEANS), len(values), p=WEIGHTS)
    points = centres[values, clusters] + generator.normal(size=(len(values), 2))
    rows = pd.DataFrame(points, columns=["x", "y"]).assign(value=values)
    rows.sample(frac=1, random_state=0).to_csv(path, index=False)
    return np.asarray(centres)


def fit(data: Path, run: Path) -> Measurement:
    """What the command takes."""
    command = [sys.executable, "-m", "gmmcli", "fit", str(data), "-x", "x", "-y", "y"]
    return measure(Command([*command, "--by", "value", "-o", str(run), "--no-frames", "-q"]))


def count_right(table: pd.DataFrame, centres: FloatArray) -> tuple[int, int]:
    """How many values have components with the numbers of their clusters: paired, and by mean."""
    paired = by_mean = 0
    for value, rows in table.groupby("value"):
        means = rows[["mean_x", "mean_y"]].to_numpy()
        apart = ((means[:, None] - centres[value]) ** 2).sum(axis=2)
        _, clusters = linear_sum_assignment(apart)
        paired += bool((rows["pooled"].to_numpy() == clusters).all())
        by_mean += bool((np.argsort(means[:, 0]).argsort() == clusters).all())
    return paired, by_mean


if __name__ == "__main__":
    main()
