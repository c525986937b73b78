"""The exact log-likelihood of the points in a file under a mixture, in nats per point.

    python benchmarks/scoring.py points.csv parameters.json

`speed.py` runs this for every tool, so that all are scored alike, in double precision. DuckDB reads
the file, and memory does not grow with it.
"""

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np

from gmmcli.core.mixture.mixture import Mixture
from gmmcli.core.tables.prediction import compute_log_likelihood
from gmmcli.core.tables.source import Source
from gmmcli.core.tables.table import open_table


def main() -> None:
    """Score one mixture."""
    path, parameters = sys.argv[1:]
    mixture = mixture_of(json.loads(Path(parameters).read_text(encoding="utf-8")))
    points = open_table(Source(path), x="x", y="y")
    n_points = points.rows.count().to_pyarrow().as_py()
    print(compute_log_likelihood(points, mixture) / n_points)


def mixture_of(parameters: dict[str, Any]) -> Mixture:
    """The mixture of some parameters, which may be those of single precision."""
    weights = np.array(parameters["weights"], dtype=np.float64)
    covariances = np.array(parameters["covariances"], dtype=np.float64)
    symmetric = (covariances + covariances.swapaxes(1, 2)) / 2
    return Mixture(weights / weights.sum(), parameters["means"], symmetric)


if __name__ == "__main__":
    main()
