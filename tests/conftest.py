"""Data and helpers that several tests share."""

import os
import shutil
from collections.abc import Callable, Iterator, Sequence
from glob import glob
from pathlib import Path
from typing import NoReturn

import numpy as np
import pyro
import pytest
from click.testing import CliRunner, Result
from servers import postgres_server

from gmmcli.cli import gmm
from gmmcli.core.cells import Cells
from gmmcli.core.compression import compress
from gmmcli.core.engines import Source
from gmmcli.core.mixture import FloatArray, Mixture
from gmmcli.core.sampling import ARTICLE, sample
from gmmcli.core.tables import Table, open_table

ROOT = Path(__file__).parent.parent
SAMPLE_DATA = ROOT / "sample_data"

pyro.enable_validation(True)
os.environ.setdefault("SPARK_LOCAL_IP", "127.0.0.1")


@pytest.fixture
def work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty current directory, with the sample data in it."""
    shutil.copytree(SAMPLE_DATA, tmp_path / "sample_data")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def run() -> Callable[..., Result]:
    """Run a gmm command in this process, and check its exit code."""

    def invoke(*arguments: object, code: int = 0) -> Result:
        result = CliRunner().invoke(gmm, [str(argument) for argument in arguments])
        if result.exception and not isinstance(result.exception, SystemExit):
            raise result.exception
        assert result.exit_code == code, result.output
        return result

    return invoke


@pytest.fixture(scope="session")
def postgres() -> Iterator[str]:
    """The URL of an empty database of a PostgreSQL server, which runs as long as the tests."""
    places = [os.environ["PATH"], *sorted(glob("/usr/lib/postgresql/*/bin"))]  # noqa: PTH207
    program = shutil.which("initdb", path=os.pathsep.join(places))
    if program is None:
        without("PostgreSQL (apt install postgresql)")
    with postgres_server(Path(program).resolve().parent) as url:
        yield url


@pytest.fixture(scope="session")
def java() -> None:
    """Nothing, where Spark can run."""
    if shutil.which("java") is None:
        without("a Java runtime for Spark (apt install default-jre-headless)")


def without(what: str) -> NoReturn:
    """Skip a test that needs something this machine has not, or fail where it has to run."""
    if os.environ.get("GMM_NEEDS_ENGINES"):
        pytest.fail(f"GMM_NEEDS_ENGINES is set, and there is not {what}")
    pytest.skip(f"needs {what}")


@pytest.fixture(scope="session")
def old_faithful() -> Cells:
    """The 272 eruptions of Old Faithful."""
    return compress(table_of(SAMPLE_DATA / "old_faithful.csv")).cells


@pytest.fixture(scope="session")
def article() -> Cells:
    """400 points of the article's mixture."""
    return cells_of(sampled(ARTICLE, 400))


def table_of(path: Path, **options: str) -> Table:
    """The table in a file."""
    return open_table(Source(str(path)), **options)


def cells_of(points: FloatArray, counts: Sequence[float] | None = None) -> Cells:
    """One cell for each point."""
    n = len(points)
    counted = np.ones(n) if counts is None else np.array(counts, dtype=float)
    return Cells(counted, points, np.zeros((n, 2, 2)))


def sampled(mixture: Mixture, n_points: int, seed: int = 0) -> FloatArray:
    """Points of a mixture, shape (N, 2)."""
    return np.concatenate([points for points, _ in sample(mixture, n_points, seed=seed)])


def random_mixture(n_components: int, seed: int, spread: float = 2.0) -> Mixture:
    """A mixture with random weights, means and full covariances."""
    generator = np.random.default_rng(seed)
    roots = generator.normal(size=(n_components, 2, 2))
    return Mixture(
        generator.dirichlet(np.full(n_components, 5.0)),
        generator.normal(0, spread, (n_components, 2)),
        roots @ roots.swapaxes(1, 2) + 0.1 * np.eye(2),
    )


def one_line_error(result: Result) -> str:
    """The error that a command ended with, which must be one line on stderr."""
    errors = [line for line in result.stderr.splitlines() if line.startswith("Error: ")]
    assert len(errors) == 1
    assert result.stderr.rstrip().splitlines()[-1] == errors[0]
    assert "Traceback" not in result.output
    return errors[0]
