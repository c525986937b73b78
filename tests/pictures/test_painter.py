"""The process that draws beside another one."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from builders import SAMPLE_DATA
from click.testing import CliRunner

from gmmcli.cli import gmm
from gmmcli.core.runs.directory import read_run
from gmmcli.pictures.painter import Painter, draw_unasked, name_unasked

# Draws with what a painter has loaded, and prints what of matplotlib that lacked.
REHEARSED = """
import sys
from pathlib import Path
from gmmcli.core.runs.directory import read_run
from gmmcli.pictures.drawing import draw_run, rehearse
from gmmcli.pictures.kinds import Order, choose_kinds
rehearse()
loaded = set(sys.modules)
run = read_run(Path(sys.argv[1]))
list(draw_run(run, Order([0], choose_kinds(run)), Path(sys.argv[2])))
print([name for name in set(sys.modules) - loaded if name.startswith(("matplotlib", "PIL"))])
"""


@pytest.fixture(scope="module")
def fitted(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run with a choice, and without pictures."""
    directory = tmp_path_factory.mktemp("runs") / "geyser run é"
    data = str(SAMPLE_DATA / "old_faithful.csv")
    asked = ["fit", data, "-k", "1:2", "--no-frames", "-q", "-o", str(directory)]
    result = CliRunner().invoke(gmm, asked)
    assert result.exit_code == 0, result.output
    return directory


@pytest.fixture
def _spare_cores(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gmmcli.pictures.painter.has_cores_to_spare", lambda: True)


@pytest.mark.usefixtures("_spare_cores")
def test_it_draws_what_this_process_would(fitted: Path, tmp_path: Path) -> None:
    with Painter() as painter:
        painter.begin(fitted)
        painted = list(painter.wait_for_pictures())
    run = read_run(fitted)
    drawn = list(draw_unasked(run, tmp_path))
    assert [path.relative_to(tmp_path).as_posix() for path in drawn] == name_unasked(run)
    assert [path.relative_to(fitted) for path in painted] == [
        path.relative_to(tmp_path) for path in drawn
    ]
    assert [path.read_bytes() for path in painted] == [path.read_bytes() for path in drawn]


@pytest.mark.usefixtures("_spare_cores")
def test_where_it_fails_there_are_no_pictures_and_no_noise(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    with Painter() as painter:
        painter.begin(tmp_path / "none")
        assert list(painter.wait_for_pictures()) == []
        painter.begin(tmp_path / "none")
    assert capfd.readouterr() == ("", "")


@pytest.mark.usefixtures("_spare_cores")
def test_it_ends_with_its_block_though_nothing_was_asked() -> None:
    with Painter() as painter:
        process = painter._process
        assert process is not None
        assert process.poll() is None
        if sys.platform != "win32":  # Ctrl-C reaches all processes of a group
            assert os.getpgid(process.pid) != os.getpgrp()
    assert process.poll() is not None


@pytest.mark.usefixtures("_spare_cores")
def test_what_cannot_start_draws_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", "/no/python")
    with Painter() as painter:
        painter.begin(Path("run"))
        assert list(painter.wait_for_pictures()) == []


def test_on_one_core_no_process_starts() -> None:
    with Painter() as painter:  # a fixture of all tests says that no core is free
        assert painter._process is None


def test_a_rehearsal_loads_all_of_matplotlib_that_drawing_needs(
    fitted: Path, tmp_path: Path
) -> None:
    command = [sys.executable, "-c", REHEARSED, str(fitted), str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
