"""Data and helpers that several tests share."""

import os
import shutil
from collections.abc import Callable, Iterator
from glob import glob
from pathlib import Path
from typing import NoReturn

import pyro
import pytest
from builders import SAMPLE_DATA, cells_of, sampled, table_of
from click.testing import CliRunner, Result
from servers import postgres_server

from gmmcli.cli import gmm
from gmmcli.core.cells.cells import Cells
from gmmcli.core.cells.compression import compress
from gmmcli.core.mixture.sampling import ARTICLE
from gmmcli.process import prepare_process

os.environ.setdefault("SPARK_LOCAL_IP", "127.0.0.1")
# There is a worker for each core; with threads of their own, they would wait for each other.
os.environ.setdefault("OMP_NUM_THREADS", "1")
prepare_process()


@pytest.fixture(autouse=True)
def _checked_by_pyro() -> Iterator[None]:
    """Pyro's own checks of models and distributions are on in every test."""
    with pyro.validation_enabled(True):
        yield


@pytest.fixture(autouse=True)
def _drawn_here(monkeypatch: pytest.MonkeyPatch) -> None:
    """Commands that run in this process draw in it, as it has matplotlib loaded."""
    monkeypatch.setattr("gmmcli.pictures.painter.has_cores_to_spare", lambda: False)


@pytest.fixture(autouse=True)
def _shared_with_none(monkeypatch: pytest.MonkeyPatch) -> None:
    """Commands that run in this process fit the values of a column in it."""
    monkeypatch.setattr("gmmcli.core.runs.values.count_processes", lambda _n_tasks: 1)


# Fixtures of servers, each with the name of the group of tests that one worker runs.
GROUPS = {"java": "spark", "postgres": "databases", "database": "databases"}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Tests of one server go to one worker, so that it is started once."""
    for item in items:
        wanted = [GROUPS[name] for name in getattr(item, "fixturenames", ()) if name in GROUPS]
        if wanted:
            item.add_marker(pytest.mark.xdist_group(wanted[0]))


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
