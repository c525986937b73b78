"""What was there stays, whatever is asked or happens: links, inputs, two fits at once, signals."""

import os
import resource
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from builders import SAMPLE_DATA, one_line_error
from click.testing import CliRunner, Result

from gmmcli.claims import claim
from gmmcli.cli import gmm
from gmmcli.core.runs.directory import read_run

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
        ((*FIT, "-o", "own"), "own exists: choose another place with -o, or add --overwrite"),
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
        ((*FIT, "-o", "dangling"), "dangling links to nothing: choose another place with -o"),
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
    assert error.startswith("Error: another gmm is writing own: ")
    assert "wait" in error
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


@pytest.mark.parametrize("name", ["labels.csv", "labels.csv.gz", "labels.parquet"])
@pytest.mark.parametrize("command", ["predict", "generate"])
def test_a_file_that_appears_while_another_is_made_stays(
    own: Path,
    run: Callable[..., Result],
    monkeypatch: pytest.MonkeyPatch,
    command: str,
    name: str,
) -> None:
    def keep(*_names: object) -> None:  # asked after all other checks
        Path(name).write_text("mine")

    monkeypatch.setattr("gmmcli.core.runs.layout.check_kept", keep)
    arguments = ("predict", "own", DATA) if command == "predict" else ("generate", "-n", 10)
    error = one_line_error(run(*arguments, "-o", name, code=1))
    assert f"cannot write {name}: it was not there before; nothing is replaced unasked" in error
    assert Path(name).read_text() == "mine"
    run(*arguments, "-o", name, "--overwrite")
    assert Path(name).read_bytes()[:4] != b"mine"


def test_a_directory_of_a_users_beside_a_run_stays(own: Path, run: Callable[..., Result]) -> None:
    Path(".keep.gmm").mkdir()
    Path(".keep.gmm/notes").write_text("mine")
    message = ".keep.gmm/notes is where gmm would prepare keep, and not gmm's: move it elsewhere"
    assert message in one_line_error(run(*FIT, "-o", "keep", code=1))
    assert Path(".keep.gmm/notes").read_text() == "mine"


GMM = [sys.executable, "-m", "gmmcli"]
# Takes thousands of steps: two components that overlap almost wholly, by small steps.
LONG = ("-k", "3", "--optimizer", "adam", "--learning-rate", "1e-5", "--steps", "1000000")


def begin(*arguments: str, **options: Any) -> subprocess.Popen[str]:
    """A gmm in a process of its own."""
    pipe = subprocess.PIPE
    return subprocess.Popen([*GMM, *arguments], stdout=pipe, stderr=pipe, text=True, **options)


def hidden() -> list[Path]:
    return [path for path in Path().rglob(".*") if path.name.endswith(".gmm")]


def wait_for_claim(process: subprocess.Popen[str], name: str) -> None:
    """Wait until a process has claimed a run, and so has checked all that there is to check."""
    while not Path(f".{name}.gmm").exists():
        assert process.poll() is None


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT])
def test_a_fit_that_is_told_to_end_keeps_what_there_is_and_can_go_on(
    work: Path, run: Callable[..., Result], number: signal.Signals, tmp_path: Path
) -> None:
    rows = (SAMPLE_DATA / "old_faithful.csv").read_bytes()
    place = tmp_path / "copies"
    place.mkdir()
    environment = {**os.environ, "TMPDIR": str(place)}
    start = str(SAMPLE_DATA / "article_start.json")
    process = begin("fit", "-", "-o", "run", "--init", start, *LONG[2:], env=environment, stdin=-1)
    assert process.stdin is not None
    process.stdin.write(rows.decode())
    process.stdin.close()
    process.stdin = None
    wait_for_claim(process, "run")
    # Torch loads for a while yet; what comes before the first step leaves nothing.
    while (Path("/proc") / str(process.pid) / "maps").read_text().count("libtorch_cpu") == 0:
        assert process.poll() is None
    process.send_signal(number)
    out, err = process.communicate()
    assert process.returncode == 128 + number, err
    assert "Traceback" not in err
    assert hidden() == []
    assert list(place.iterdir()) == []
    if Path("run").exists():
        assert "interrupted after" in out
        read_run(Path("run"))


@pytest.mark.slow
def test_a_fit_that_is_killed_leaves_what_was_there_and_the_next_one_clears_up(
    own: Path, run: Callable[..., Result]
) -> None:
    before = contents(own)
    process = begin("fit", DATA, "-o", "own", "--overwrite", *LONG)
    wait_for_claim(process, "own")
    process.kill()
    process.communicate()
    assert contents(own) == before
    assert len(hidden()) == 1
    run(*FIT, "-o", "own", "--overwrite")
    assert hidden() == []
    assert read_run(own).mixture.n_components == 1


@pytest.mark.slow
def test_of_two_fits_into_one_run_one_is_refused(work: Path) -> None:
    first = begin("fit", DATA, "-o", "one", *LONG)
    wait_for_claim(first, "one")
    second = begin("fit", DATA, "-o", "one", "-k", "2")
    _, refused = second.communicate()
    assert first.poll() is None
    first.kill()
    first.communicate()
    assert second.returncode == 1
    assert "another gmm is writing one" in refused
    assert not Path("one").exists()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("redirected", "reason"),
    [(">&-", "Bad file descriptor"), (">/dev/full", "No space left on device")],
)
def test_a_summary_that_cannot_be_written_leaves_the_fit(
    work: Path, redirected: str, reason: str
) -> None:
    command = f'exec "{sys.executable}" -m gmmcli fit {DATA} -k 1 --no-frames -o run {redirected}'
    done = subprocess.run(["sh", "-c", command], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert f"Error: cannot write to standard output: {reason}; the fit is kept" in done.stderr
    assert "Traceback" not in done.stderr
    assert read_run(Path("run")).mixture.n_components == 1


@pytest.mark.slow
def test_a_closed_standard_input_is_told(work: Path) -> None:
    command = f'exec "{sys.executable}" -m gmmcli fit - -o run <&-'
    done = subprocess.run(["sh", "-c", command], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert done.stderr.strip() == "Error: cannot copy standard input: Bad file descriptor"
    assert not Path("run").exists()


@pytest.mark.slow
def test_surroundings_that_jupyter_and_small_machines_have(work: Path, tmp_path: Path) -> None:
    rows = (SAMPLE_DATA / "old_faithful.csv").read_text().split("\n", 1)[1]
    Path("greek.csv").write_text(f"μ,λ\n{rows}")
    place = tmp_path / "temporary"
    place.mkdir()
    environment = {
        **os.environ,
        "MPLBACKEND": "module://matplotlib_inline.backend_inline",
        "PYTHONIOENCODING": "ascii",
        "HOME": "/nonexistent/home",
        "TMPDIR": str(place),
        "XDG_CONFIG_HOME": "/dev/null/config",
        "XDG_CACHE_HOME": "/dev/null/cache",
    }
    process = begin("fit", "greek.csv", "-k", "1", env=environment)
    out, err = process.communicate()
    assert process.returncode == 0, err
    assert "\\u03bc" in out
    assert Path("greek/convergence.png").exists()
    assert list(place.iterdir()) == []


def limit_files() -> None:
    resource.setrlimit(resource.RLIMIT_FSIZE, (2000, 2000))


def limit_memory() -> None:
    resource.setrlimit(resource.RLIMIT_AS, (1_500_000_000, 1_500_000_000))


@pytest.mark.slow
@pytest.mark.parametrize(("limit", "reason"), [(limit_files, "File too large"), (limit_memory, "")])
def test_what_was_there_stays_where_a_disk_or_memory_is_full(
    own: Path, limit: Callable[[], None], reason: str
) -> None:
    generate = [*GMM, "generate", "-n", "3000000", "-o", "large.csv"]
    if limit is limit_memory:
        subprocess.run(generate, check=True)
    data = "large.csv" if limit is limit_memory else DATA
    before = contents(own)
    process = begin(
        *("fit", data, "-o", "own", "--overwrite", "--no-frames", "--exact", "-k", "2"),
        preexec_fn=limit,
        # Coverage would write more of what it measures than is allowed.
        env={k: v for k, v in os.environ.items() if not k.startswith("COV")}
        | {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"},
    )
    _, err = process.communicate()
    assert process.returncode == 1, err
    assert err.strip().splitlines()[-1].startswith("Error: ")
    assert reason in err
    assert "Traceback" not in err
    assert contents(own) == before
    assert hidden() == []
