"""How often `gmm compare` calls two samples of one mixture different.

    python benchmarks/same.py
    python benchmarks/same.py --pairs 100

Draws pairs of samples of the article's mixture, fits each from the truth, and compares the two. Of
all figures of all pairs, 5 in 100 should be more than 1.96 standard errors apart, and of all pairs
5 in 100 should have a p-value below 0.05. Writes `results/same.md`.
"""

import argparse
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
from machine import commit, described
from planted import one_cell_each

from gmmcli.core.mixture.sampling import ARTICLE, sample
from gmmcli.core.runs.asked import Asked
from gmmcli.core.runs.comparison import Comparison, compare_runs
from gmmcli.core.runs.directory import RunRecord
from gmmcli.core.runs.result import Provenance, describe
from gmmcli.core.search.fit import fit_from
from gmmcli.process import prepare_process
from gmmcli.settings import FitSettings

RESULTS = Path(__file__).parent / "results" / "same.md"
# Standard errors that 5 in 100 differences exceed by chance.
UNLIKELY = 1.96


def main() -> None:
    """Compare all pairs and write how often they differ."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--pairs", type=int, default=300, help="how many pairs")
    parser.add_argument("--points", type=int, default=400, help="how many points a sample has")
    arguments = parser.parse_args()
    prepare_process()
    found = [compare_pair(n, arguments.points) for n in range(arguments.pairs)]
    z_scores = np.array([each.z_scores for each in found])  # (R, K, 6)
    are_far = np.abs(z_scores) > UNLIKELY
    p_values = np.array([each.likelihood_ratio.p_value for each in found if each.likelihood_ratio])
    lines = [
        "# Two samples of one mixture, compared",
        "",
        *described(),
        f"- Date: {datetime.now(UTC):%Y-%m-%d}, {commit()}",
        "",
        f"{arguments.pairs} pairs of samples of {arguments.points} points of the article's mixture",
        "",
        "| what | % |",
        "| --- | --- |",
        f"| differences of more than {UNLIKELY} standard errors | {100 * are_far.mean():.1f} |",
        f"| those of the figure that has most | {100 * are_far.mean(axis=0).max():.1f} |",
        f"| p-values below 0.05 | {100 * (p_values < 0.05).mean():.1f} |",
        f"| p-values below 0.01 | {100 * (p_values < 0.01).mean():.1f} |",
    ]
    print("\n".join(lines))
    RESULTS.write_text("\n".join(lines) + "\n")


def compare_pair(number: int, n_points: int) -> Comparison:
    """Two samples of one mixture, compared."""
    runs = [make_run(2 * number + each, n_points) for each in (0, 1)]
    return compare_runs(*runs)


def make_run(seed: int, n_points: int) -> RunRecord:
    """The run of a fit to a sample."""
    points = np.concatenate([some for some, _ in sample(ARTICLE, n_points, seed=seed)])
    fitted = fit_from(one_cell_each(points), FitSettings(ARTICLE.n_components), ARTICLE)
    return RunRecord.of(describe(fitted), Provenance(("x", "y"), "a sample", n_points, 0, Asked()))


if __name__ == "__main__":
    main()
