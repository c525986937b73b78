"""Files and directories that appear whole or not at all, whatever happens on the way."""

import errno
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from gmmcli.claims import claim
from gmmcli.errors import OutputError
from gmmcli.files import replace_atomically, stage_directory

# Replaces one directory by another, and ends without a word, as kill -9 would have it, at the
# n-th call that changes something in the file system; prints whether it came so far.
KILLED = """
import os, sys
from pathlib import Path
from gmmcli import files
from gmmcli.files import stage_directory
where, last, at_once = Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3] == "at once"
EVENTS = {"os.rename", "os.mkdir", "os.link", "os.remove", "os.rmdir", "open", "ctypes.dlsym"}
count = 0
def watch(event, arguments):
    global count
    if event in EVENTS and (event != "open" or str(where) in str(arguments[0])):
        count += 1
        if count > last:
            os._exit(9)
if not at_once:
    files._exchange_at_once = lambda *_names: False
sys.addaudithook(watch)
is_replaced = lambda entry: entry.name in ("a", "b")
with stage_directory(where / "run", is_replaced=is_replaced) as stage:
    (stage / "a").write_text("new")
    (stage / "c").write_text("new")
"""


def contents(directory: Path) -> dict[str, str]:
    found = (path for path in directory.rglob("*") if path.is_file())
    return {str(path.relative_to(directory)): path.read_text() for path in found}


def fill(directory: Path) -> dict[str, str]:
    (directory / "more").mkdir(parents=True)
    (directory / ".more.gmm").mkdir()
    for name in ("a", "b", "mine", "more/mine", ".more.gmm/mine"):
        (directory / name).write_text("old")
    return contents(directory)


NEW = {"a": "new", "c": "new"}
KEPT = {"mine": "old", "more/mine": "old", ".more.gmm/mine": "old"}


@pytest.mark.parametrize("how", ["at once", "in turn"])
def test_a_kill_at_any_stage_leaves_the_old_or_the_new_whole(tmp_path: Path, how: str) -> None:
    ends = set()
    for last in range(100):
        old = fill(tmp_path / str(last) / "run")
        command = [sys.executable, "-c", KILLED, str(tmp_path / str(last)), str(last), how]
        done = subprocess.run(command, check=False)
        with claim(tmp_path / str(last) / "run"):  # as the next command does
            found = contents(tmp_path / str(last) / "run")
        assert found in (old, NEW | KEPT)
        assert [path.name for path in (tmp_path / str(last)).iterdir()] == ["run"]
        ends.add("old" if found == old else "new")
        if done.returncode == 0:
            break
    assert done.returncode == 0
    assert ends == {"old", "new"}
    assert last > 10


def test_what_was_not_replaced_goes_over_and_links_stay_links(tmp_path: Path) -> None:
    fill(tmp_path / "run")
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "run" / "link").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "run" / "a").chmod(0o400)
    inode = (tmp_path / "run" / "mine").stat().st_ino
    with stage_directory(tmp_path / "run", is_replaced=lambda entry: entry.name == "b") as stage:
        (stage / "a").write_text("new")
    assert contents(tmp_path / "run") == {"a": "new"} | KEPT
    assert (tmp_path / "run" / "link").is_symlink()
    assert (tmp_path / "run" / "mine").stat().st_ino == inode
    assert sorted(path.name for path in tmp_path.iterdir()) == ["elsewhere", "run"]


def test_files_that_cannot_be_linked_are_copied(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_names: object, **_options: object) -> None:
        raise OSError(errno.EPERM, os.strerror(errno.EPERM))

    old = fill(tmp_path / "run")
    monkeypatch.setattr(os, "link", refuse)
    with stage_directory(tmp_path / "run") as stage:
        (stage / "c").write_text("new")
    assert contents(tmp_path / "run") == old | {"c": "new"}


def test_a_link_to_a_directory_stays_one(tmp_path: Path) -> None:
    fill(tmp_path / "runs" / "first")
    (tmp_path / "latest").symlink_to("runs/first")
    with stage_directory(tmp_path / "latest") as stage:
        (stage / "a").write_text("new")
    assert (tmp_path / "latest").is_symlink()
    assert (tmp_path / "runs" / "first" / "a").read_text() == "new"
    assert [path.name for path in (tmp_path / "runs").iterdir()] == ["first"]


def test_nothing_is_replaced_that_was_not_there_at_first(tmp_path: Path) -> None:
    def write() -> None:
        with stage_directory(tmp_path / "run") as stage:
            (stage / "a").write_text("new")
            fill(tmp_path / "run")

    with pytest.raises(OutputError, match=r"run: it was not there before; nothing is replaced"):
        write()
    assert contents(tmp_path / "run") == fill(tmp_path / "another")
    shutil.rmtree(tmp_path / "another")
    assert [path.name for path in tmp_path.iterdir()] == ["run"]


@pytest.mark.parametrize("fails", ["link", "rename", "both"])
def test_an_error_at_any_stage_leaves_what_was_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fails: str
) -> None:
    def full(*_names: object, **_options: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    old = fill(tmp_path / "run")
    with monkeypatch.context() as patched:
        patched.setattr("gmmcli.files._exchange_at_once", lambda *_names: False)
        if fails == "link":
            patched.setattr("gmmcli.files._link", full)
        else:
            rename = Path.rename

            def refuse(path: Path, target: Path) -> Path:
                if fails == "both" or path.name == "new":
                    full()
                return rename(path, target)

            patched.setattr(Path, "rename", refuse)
        with (
            pytest.raises(OutputError, match=r"cannot write .*run: No space left on device"),
            stage_directory(tmp_path / "run") as stage,
        ):
            (stage / "a").write_text("new")
    assert contents(tmp_path / "run") == old
    assert [path.name for path in tmp_path.iterdir()] == ["run"]


def test_an_error_of_the_block_leaves_no_file(tmp_path: Path) -> None:
    path = tmp_path / "made" / "d.csv"

    def write_half() -> None:
        with replace_atomically(path) as file:
            file.write(b"half")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        write_half()
    assert list(tmp_path.iterdir()) == []
    with replace_atomically(path) as file:
        file.write(b"whole")
    assert path.read_bytes() == b"whole"
    assert [path.name for path in path.parent.iterdir()] == ["d.csv"]


def place_as_linux_does(monkeypatch: pytest.MonkeyPatch) -> None:
    """As the system of this machine does it."""


def place_by_second_names(monkeypatch: pytest.MonkeyPatch) -> None:
    """As systems do that cannot rename onto nothing."""
    monkeypatch.setattr("gmmcli.files._rename", lambda *_names: False)


def place_by_turns(monkeypatch: pytest.MonkeyPatch) -> None:
    """As file systems do that have no second names either."""

    def refuse(*_names: object) -> None:
        raise OSError(errno.EPERM, os.strerror(errno.EPERM))

    place_by_second_names(monkeypatch)
    monkeypatch.setattr(os, "link", refuse)


@pytest.mark.parametrize("place", [place_as_linux_does, place_by_second_names, place_by_turns])
def test_a_file_that_appears_meanwhile_is_replaced_only_where_that_was_asked(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    place: Callable[[pytest.MonkeyPatch], None],
) -> None:
    place(monkeypatch)
    path = tmp_path / "d.csv"

    def write(*, overwrite: bool, appears: bool) -> None:
        with replace_atomically(path, overwrite=overwrite) as file:
            file.write(b"new")
            if appears:
                path.write_bytes(b"mine")

    write(overwrite=False, appears=False)
    assert path.read_bytes() == b"new"
    path.unlink()
    with pytest.raises(OutputError, match=r"d.csv: it was not there before; nothing is replaced"):
        write(overwrite=False, appears=True)
    assert path.read_bytes() == b"mine"
    write(overwrite=True, appears=True)
    assert path.read_bytes() == b"new"
    assert [each.name for each in tmp_path.iterdir()] == ["d.csv"]


def test_a_name_that_something_gets_at_the_last_moment_is_left(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def find_nothing_at_first(path: Path) -> bool:
        looked.append(path)
        return len(looked) > 1

    looked: list[Path] = []
    path = tmp_path / "d.csv"
    path.write_bytes(b"mine")
    monkeypatch.setattr(os.path, "lexists", find_nothing_at_first)
    with (
        pytest.raises(OutputError, match="nothing is replaced unasked"),
        replace_atomically(path, overwrite=False) as file,
    ):
        file.write(b"new")
    assert path.read_bytes() == b"mine"
    assert looked == [path, path]
