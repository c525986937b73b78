"""What was there stays, whatever is asked: links, inputs, two fits at once, and signals."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from builders import SAMPLE_DATA, one_line_error
from click.testing import CliRunner, Result

from gmmcli.claims import claim
from gmmcli.cli import gmm

DATA = "sample_data/old_faithful.csv"
FIT = ("fit", DATA, "-k", 1, "--no-frames", "-q")


@pytest.fixture(scope="module")
def once_fitted(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The run of a fit, which no test may change."""
    place = tmp_path_factory.mktemp("fitted") / "own"
    data = str(SAMPLE_DATA / "old_faithful.csv")
    done = CliRunner().invoke(gmm, ["fit", data, "-k", "2", "--snapshots", "1", "-o", str(place)])
    assert done.exit_code == 0, done.output
    return place


@pytest.fixture
def own(work: Path, once_fitted: Path) -> Path:
    """A copy of the run in the current directory, which is called own."""
    shutil.copytree(once_fitted, "own")
    return Path("own")


def contents(directory: Path) -> dict[str, bytes]:
    found = (path for path in directory.rglob("*") if path.is_file())
    return {str(path.relative_to(directory)): path.read_bytes() for path in found}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("fit", "own/cells.parquet", "-o", "own", "--overwrite"), "lies in own, which the run"),
        (("fit", "own/*.csv", "-x", "elbo", "-o", "own", "--overwrite"), "lies in own, which"),
        ((*FIT, "-o", "own"), "own exists: name another with -o, or replace it"),
        (
            (*FIT, "-o", "own", "--overwrite", "--assignments", "own/cells.parquet"),
            "own/cells.parquet is a file of the run own: choose another place with --assignments",
        ),
        (
            (*FIT, "-o", "new", "--assignments", "new/cells.parquet"),
            "new/cells.parquet is a file of the run new: choose another place with --assignments",
        ),
        (
            ("predict", "own", DATA, "-o", "own/history.csv", "--overwrite"),
            "own/history.csv is a file of the run own: choose another place with -o",
        ),
        (
            ("generate", "-o", "own/history.csv", "--overwrite"),
            "own/history.csv is a file of the run own: choose another place with -o",
        ),
        ((*FIT, "-o", "dangling"), "dangling links to nothing: name another directory"),
    ],
)
def test_what_is_there_is_refused_before_anything_is_touched(
    own: Path,
    run: Callable[..., Result],
    monkeypatch: pytest.MonkeyPatch,
    arguments: tuple[object, ...],
    message: str,
) -> None:
    def read(*_args: object, **_options: object) -> None:
        raise AssertionError("the data are read")

    Path("dangling").symlink_to("nowhere")
    monkeypatch.setattr("gmmcli.core.cells.compression.compress", read)
    monkeypatch.setattr("gmmcli.core.tables.prediction.export", read)
    before = contents(Path())
    assert message in one_line_error(run(*arguments, code=1))
    assert contents(Path()) == before
    assert sorted(path.name for path in Path().iterdir()) == ["dangling", "own", "sample_data"]


@pytest.mark.parametrize("command", ["fit", "plot"])
def test_nothing_is_written_or_removed_through_a_link_of_a_run(
    own: Path, run: Callable[..., Result], command: str
) -> None:
    shutil.rmtree(own / "frames")
    Path("mine").mkdir()
    for name in ("step-0000.png", "step-0999.png"):
        (Path("mine") / name).write_text("mine")
    (own / "frames").symlink_to(Path("mine").resolve())
    before = contents(Path())
    arguments = (*FIT, "-o", "own", "--overwrite") if command == "fit" else ("plot", "own")
    message = "own/frames is a link, and nothing is written through it"
    assert message in one_line_error(run(*arguments, code=1))
    assert contents(Path()) == before


def test_the_current_directory_is_not_taken_away(
    own: Path, run: Callable[..., Result], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(own)
    before = contents(Path())
    asked = ("fit", f"../{DATA}", "-q", "-o", ".", "--overwrite")
    assert "holds the current directory, which" in one_line_error(run(*asked, code=1))
    assert contents(Path()) == before


@pytest.mark.parametrize("arguments", [(*FIT, "-o", "own", "--overwrite"), ("plot", "own")])
def test_a_run_that_another_process_writes_is_left_to_it(
    own: Path, run: Callable[..., Result], arguments: tuple[object, ...]
) -> None:
    before = contents(own)
    with claim(own):
        error = one_line_error(run(*arguments, code=1))
    assert error.startswith("Error: another gmm is writing own")
    assert contents(own) == before


def test_a_fit_through_a_link_replaces_the_run_that_it_leads_to(
    own: Path, run: Callable[..., Result]
) -> None:
    Path("latest").symlink_to("own")
    (own / "notes.txt").write_text("mine")
    run(*FIT, "-o", "latest", "--overwrite")
    assert Path("latest").is_symlink()
    found = contents(own)
    assert sorted(found) == ["cells.parquet", "history.csv", "notes.txt", "parameters.json"]
