"""`gmm generate`: the bytes, the formats, the statistics and the errors."""

import gzip
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow.csv
import pytest
from builders import one_line_error, random_mixture
from click.testing import Result

from gmmcli.core.mixture.draws import BLOCK_POINTS
from gmmcli.core.mixture.sampling import ARTICLE


def test_defaults_are_400_points_of_the_article(work: Path, run: Callable[..., Result]) -> None:
    run("generate", "-o", "points.csv")
    rows = pd.read_csv("points.csv")
    assert list(rows.columns) == ["x", "y", "label"]
    assert len(rows) == 400
    assert set(rows["label"]) == {0, 1}
    assert run("generate").stdout == Path("points.csv").read_text()


def test_same_seed_same_bytes_in_every_format(work: Path, run: Callable[..., Result]) -> None:
    for suffix in (".csv", ".csv.gz", ".parquet"):
        for name in ("a", "b"):
            run("generate", "-n", 1000, "--seed", 7, "-o", f"{name}{suffix}")
        run("generate", "-n", 1000, "--seed", 8, "-o", f"c{suffix}")
        first, second, other = (Path(f"{name}{suffix}").read_bytes() for name in "abc")
        assert first == second != other
    plain = pyarrow.csv.read_csv("a.csv").to_pandas()
    pd.testing.assert_frame_equal(plain, pd.read_parquet("a.parquet"), check_exact=True)
    assert gzip.decompress(Path("a.csv.gz").read_bytes()) == Path("a.csv").read_bytes()


def test_more_points_only_add_rows(work: Path, run: Callable[..., Result]) -> None:
    few = run("generate", "-n", 10).stdout
    many = run("generate", "-n", BLOCK_POINTS + 10).stdout
    assert many.startswith(few)
    assert len(many.splitlines()) == BLOCK_POINTS + 11
    assert run("generate", "-n", 0).stdout == "x,y,label\n"


def test_samples_follow_the_mixture(work: Path, run: Callable[..., Result]) -> None:
    mixture = random_mixture(3, seed=3)
    Path("mixture.json").write_text(json.dumps(mixture.to_json() | {"other": "keys"}))
    n = 200_000
    run("generate", "-n", n, "--mixture", "mixture.json", "-o", "points.parquet")
    rows = pd.read_parquet("points.parquet")
    for k in range(3):
        points = rows.loc[rows["label"] == k, ["x", "y"]].to_numpy()
        weight, covariance = mixture.weights[k], mixture.covariances[k]
        variances = np.diag(covariance)
        # Five standard errors of a share, of means and of covariances.
        assert abs(len(points) / n - weight) < 5 * np.sqrt(weight * (1 - weight) / n)
        error = points.mean(axis=0) - mixture.means[k]
        assert (abs(error) < 5 * np.sqrt(variances / len(points))).all()
        errors = np.sqrt((np.outer(variances, variances) + covariance**2) / len(points))
        assert (abs(np.cov(points.T) - covariance) < 5 * errors).all()


def test_a_run_is_a_mixture_to_sample_from(work: Path, run: Callable[..., Result]) -> None:
    run("fit", "sample_data/old_faithful.csv", "-k", 2, "--no-frames")
    rows = run("generate", "--mixture", "old_faithful/parameters.json", "-n", 5).stdout
    assert len(rows.splitlines()) == 6


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["-o", "points.xlsx"], 1, "cannot tell the format of points.xlsx: end it in .csv or"),
        (["-o", "taken.csv"], 1, "taken.csv exists"),
        (["-o", "taken.csv/points.csv"], 1, "cannot write taken.csv/points.csv: Not a directory"),
        (["-n", "-1"], 2, "-1 is not in the range x>=0"),
        (["--mixture", "bad.json"], 1, "bad.json: the covariance of component 1 is not positive"),
    ],
)
def test_bad_requests_get_one_line(
    work: Path, run: Callable[..., Result], arguments: list[str], code: int, message: str
) -> None:
    Path("taken.csv").write_text("mine")
    bad = ARTICLE.to_json()
    bad["covariances"][1] = [[1, 2], [2, 1]]
    Path("bad.json").write_text(json.dumps(bad))
    before = sorted(work.iterdir())
    assert message in one_line_error(run("generate", *arguments, code=code))
    assert sorted(work.iterdir()) == before
    assert Path("taken.csv").read_text() == "mine"


def test_overwrite_replaces(work: Path, run: Callable[..., Result]) -> None:
    Path("points.csv").write_text("old")
    run("generate", "-n", 1, "-o", "points.csv", "--overwrite")
    assert len(Path("points.csv").read_text().splitlines()) == 2


def test_standard_output_that_is_full_gets_one_line() -> None:
    command = f"{sys.executable} -m gmmcli generate > /dev/full"
    done = subprocess.run(command, shell=True, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (
        1,
        "Error: cannot write to standard output: No space left on device: "
        "write to a file with -o\n",
    )


def test_a_reader_that_leaves_early_is_no_error() -> None:
    command = f"{sys.executable} -m gmmcli generate -n 2000000 | head -n 1"
    done = subprocess.run(command, shell=True, capture_output=True, text=True, check=True)
    assert (done.stdout, done.stderr) == ("x,y,label\n", "")
