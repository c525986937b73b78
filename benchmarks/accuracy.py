"""What the cells of a large table cost a fit: how far parameters move, what likelihood is hidden.

    python benchmarks/accuracy.py
    python benchmarks/accuracy.py --rows 1e6 --mixture random

Fits the same file by default and with `--exact`, which starts from the default's result, and prints
how far each parameter moved in its standard errors: those of the empirical Fisher information of a
million rows at the exact fit. Prints the gap that the default fit estimates its cells to hide, and
the true one by `--verify`. The exact fit needs about 1 GB of memory for each million rows. Targets:
no parameter moves by 0.05 standard errors, and the estimated gap is within 5 % of the true one.
"""

import json
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from data import GMM, Data, generated, parser_for_one_file
from processes import Command, Outcome, end_on_request, measure, note

from gmmcli.core.mixture.covariances import FloatArray
from gmmcli.core.mixture.mixture import Mixture

DEFAULT_ROWS = 10**7
SAMPLE_ROWS = 10**6
MOST_STANDARD_ERRORS = 0.05
MOST_GAP_ERROR = 0.05


def main() -> None:
    """Fit twice and print the table."""
    end_on_request()
    arguments = parser_for_one_file(__doc__, n_rows=DEFAULT_ROWS).parse_args()
    data = generated(arguments.mixture, arguments.rows, arguments.data)
    with tempfile.TemporaryDirectory(prefix="gmm-accuracy-") as scratch:
        default, exact = Path(scratch, "default"), Path(scratch, "exact")
        components = ["-k", str(data.n_components)]
        fitted(data, [*components, "--verify", "-o", str(default)])
        start = ["--exact", "--init", str(default / "parameters.json")]
        fitted(data, [*start, "-o", str(exact)])
        results = [json.loads((run / "parameters.json").read_text()) for run in (default, exact)]
    by_cells, by_points = (Mixture.from_json(result) for result in results)
    print(f"{data.name}, K={data.n_components}")
    print_fits(*results)
    print_parameters(data, by_cells, by_points)
    print_gaps(results[0]["fit"])


def fitted(data: Data, options: list[str]) -> None:
    """Fit a file in a process of its own, and say what that took."""
    fit = [*GMM, "fit", str(data.path), "--no-frames", "-q", *options]
    took = measure(Command(fit))
    if took.outcome is not Outcome.OK:
        sys.exit(took.errors or f"the fit was {took.outcome}")
    kind = "exact" if "--exact" in options else "default"
    note(f"{kind} fit: {took.seconds:.1f} s, {took.peak_gb:.2f} GB")


def scores(mixture: Mixture, points: FloatArray) -> FloatArray:
    """The gradient of each point's log density in the parameters, shape (N, 6 K - 1).

    The parameters are in the order of `list_parameters`; the last weight is 1 less the others.
    """
    responsibilities = mixture.responsibilities(points)  # (N, K)
    per_weight = responsibilities / mixture.weights
    deviations = points[:, None, :] - mixture.means  # (N, K, 2)
    pulls = np.einsum("kij,nkj->nki", np.linalg.inv(mixture.covariances), deviations)
    squares = pulls[..., :, None] * pulls[..., None, :]
    stretches = (squares - np.linalg.inv(mixture.covariances)) / 2  # (N, K, 2, 2)
    in_covariances = stretches[..., [0, 0, 1], [0, 1, 1]] * [1, 2, 1]  # xy stands in two places
    in_gaussians = np.concatenate([pulls, in_covariances], axis=2) * responsibilities[..., None]
    in_weights = per_weight[:, :-1] - per_weight[:, -1:]
    return np.concatenate([in_weights, in_gaussians.reshape(len(points), -1)], axis=1)


def standard_errors(mixture: Mixture, points: FloatArray, n_rows: int) -> FloatArray:
    """The standard errors of the parameters of n_rows rows, from a sample of them."""
    information = np.zeros((6 * mixture.n_components - 1,) * 2)
    for part in np.array_split(points, max(len(points) // 100_000, 1)):
        gradients = scores(mixture, part)
        information += gradients.T @ gradients
    covariance = np.linalg.inv(information * n_rows / len(points))
    return np.sqrt(np.diag(covariance))


def list_parameters(mixture: Mixture) -> FloatArray:
    """The free parameters: weights but the last; of each component x, y, xx, xy and yy."""
    packed = mixture.covariances[:, [0, 0, 1], [0, 1, 1]]
    gaussians = np.concatenate([mixture.means, packed], axis=1)
    return np.concatenate([mixture.weights[:-1], gaussians.ravel()])


def names_of(n_components: int) -> list[str]:
    """The names of the free parameters."""
    gaussian = ("mean x", "mean y", "covariance xx", "covariance xy", "covariance yy")
    weights = [f"{k} weight" for k in range(n_components - 1)]
    return weights + [f"{k} {name}" for k in range(n_components) for name in gaussian]


def print_fits(default: dict[str, Any], exact: dict[str, Any]) -> None:
    """Print how both fits ended."""
    for name, result in (("default", default), ("exact", exact)):
        fit = result["fit"]
        print(f"{name:>7} fit: {fit['status']}, {fit['steps']} steps, {fit['cells']:,} cells")


def print_parameters(data: Data, by_cells: Mixture, by_points: Mixture) -> None:
    """Print how far each parameter moved."""
    sample = pd.read_csv(data.path, usecols=["x", "y"], nrows=SAMPLE_ROWS).to_numpy()
    errors = standard_errors(by_points, sample, data.n_rows)
    exact = list_parameters(by_points)
    moved = (list_parameters(by_cells) - exact) / errors
    print("\nparameter              exact  standard error  moved by, in standard errors")
    for name, *values in zip(names_of(data.n_components), exact, errors, moved, strict=True):
        print(f"{name:<16} {values[0]:>11.6f}  {values[1]:>14.2e}  {values[2]:>+28.4f}")
    print(f"\nthe furthest     {np.abs(moved).max():.4f}   under {MOST_STANDARD_ERRORS}")


def print_gaps(fit: dict[str, Any]) -> None:
    """Print the gap that the fit estimated and the true one, in nats per point."""
    true = (fit["exact_log_likelihood"] - fit["log_likelihood"]) / fit["points"]
    estimated = fit["compression_gap"]
    print(f"estimated gap    {estimated:.4e} nats per point")
    print(f"true gap         {true:.4e} nats per point")
    if true > 0:
        print(f"their ratio      {estimated / true:.4f}   within {MOST_GAP_ERROR:.0%} of 1")


if __name__ == "__main__":
    main()
