"""Other tools that fit mixtures of Gaussians, each with its defaults; one fit for each process.

    python benchmarks/peers.py sklearn points.csv 2 parameters.json

`speed.py` runs this. It reads the columns x and y of a CSV file, fits so many components, and
writes weights, means and covariances as JSON. A tool is told nothing but the number of components
and a seed of 0, with two exceptions: mlpack takes 0 to mean the clock, so its seed is 1; and
mclust, which by default tries 14 kinds of covariances, is told to fit the kind that the others fit.
pandas reads the points, with its default reader, the fastest of its readers for such files; for
mclust, `data.table::fread` does, or R's own `read.csv` where that is not installed.
"""

import importlib.util
import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

# Weights, means and covariances as nested lists.
Parameters = dict[str, Any]

MCLUST = Path(__file__).parent / "mclust.R"
MCLUST_VERSION = 'cat(as.character(packageVersion("mclust")))'
MLPACK_SEED = 1


def main() -> None:
    """Fit with one tool."""
    tool, path, n_components, output = sys.argv[1:]
    parameters = FITS[tool](path, int(n_components))
    Path(output).write_text(json.dumps(parameters), encoding="utf-8")


def command(tool: str, path: Path, n_components: int, output: Path) -> list[str]:
    """What fits with a tool in a process of its own."""
    arguments = [str(path), str(n_components), str(output)]
    if tool == "mclust":
        return ["Rscript", str(MCLUST), *arguments]
    return [sys.executable, __file__, tool, *arguments]


def is_installed(tool: str) -> bool:
    """Whether a tool can be run."""
    if tool == "mclust":
        return mclust_version() is not None
    return importlib.util.find_spec(tool) is not None


def mclust_version() -> str | None:
    """The version of R's package mclust; None where there is none."""
    if shutil.which("Rscript") is None:
        return None
    asked = subprocess.run(["Rscript", "-e", MCLUST_VERSION], capture_output=True, text=True)
    return asked.stdout.strip() if asked.returncode == 0 else None


def points_of(path: str) -> Any:
    """The points of a file, shape (N, 2)."""
    import pandas as pd

    return pd.read_csv(path, usecols=["x", "y"]).to_numpy()


def fit_sklearn(path: str, n_components: int) -> Parameters:
    """The mixture that scikit-learn finds."""
    from sklearn.mixture import GaussianMixture

    found = GaussianMixture(n_components, random_state=0).fit(points_of(path))
    return {
        "weights": found.weights_.tolist(),
        "means": found.means_.tolist(),
        "covariances": found.covariances_.tolist(),
    }


def fit_mlpack(path: str, n_components: int) -> Parameters:
    """The mixture that mlpack finds."""
    from mlpack import gmm_train

    trained = gmm_train(gaussians=n_components, input_=points_of(path), seed=MLPACK_SEED)
    found = trained["output_model"].get_cpp_params()["GMM"]
    return {
        "weights": found["weights"].ravel().tolist(),
        "means": [gaussian["mean"].ravel().tolist() for gaussian in found["dists"]],
        "covariances": [gaussian["covariance"].tolist() for gaussian in found["dists"]],
    }


def fit_pomegranate(path: str, n_components: int) -> Parameters:
    """The mixture that pomegranate finds, in the single precision that it computes in."""
    import torch
    from pomegranate.distributions import Normal
    from pomegranate.gmm import GeneralMixtureModel

    points = torch.tensor(points_of(path), dtype=torch.float32)
    gaussians = [Normal() for _ in range(n_components)]
    found = GeneralMixtureModel(gaussians, random_state=0).fit(points)
    return {
        "weights": found.priors.tolist(),
        "means": [gaussian.means.tolist() for gaussian in found.distributions],
        "covariances": [gaussian.covs.tolist() for gaussian in found.distributions],
    }


FITS: dict[str, Callable[[str, int], Parameters]] = {
    "sklearn": fit_sklearn,
    "mlpack": fit_mlpack,
    "pomegranate": fit_pomegranate,
}
PEERS = (*FITS, "mclust")


if __name__ == "__main__":
    main()
