"""The right to write at a path: of one process at a time, whatever became of others."""

import errno
import fcntl
import os
import subprocess
import sys
from pathlib import Path

import pytest

from gmmcli.claims import claim, is_claim
from gmmcli.errors import OutputError

# Claims a path, leaves something half done there, says so, and waits to be killed.
HOLDER = """
import sys, time
from pathlib import Path
from gmmcli.claims import claim
with claim(Path(sys.argv[1])) as place:
    (place / "half").mkdir()
    (place / "half" / "done").write_text("...")
    print("claimed", flush=True)
    time.sleep(600)
"""


def test_what_another_process_writes_is_refused_until_it_is_killed(tmp_path: Path) -> None:
    command = [sys.executable, "-c", HOLDER, str(tmp_path / "run")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "claimed\n"
        message = "another gmm is writing .*run: name another with -o, or wait"
        with (
            pytest.raises(OutputError, match=message),
            claim(tmp_path / "run", "name another with -o"),
        ):
            pass
        with claim(tmp_path / "other"):
            pass
        holder.kill()
    assert [path.name for path in tmp_path.iterdir()] == [".run.gmm"]
    assert is_claim(tmp_path / ".run.gmm")
    with claim(tmp_path / "run") as place:
        assert list(place.iterdir()) == []
    assert list(tmp_path.iterdir()) == []


def test_two_claims_of_one_process_are_two(tmp_path: Path) -> None:
    with (
        claim(tmp_path / "run") as place,
        pytest.raises(OutputError, match=r"another gmm is writing .*run: wait until it has ended$"),
        claim(tmp_path / "run"),
    ):
        pass
    assert not place.exists()


@pytest.mark.parametrize("name", ["run", "d.csv", "名" * 80, "a" * 255])
def test_any_name_can_be_claimed(tmp_path: Path, name: str) -> None:
    with claim(tmp_path / name) as place:
        assert is_claim(place.parent)
        assert place.parent.parent == tmp_path


def test_a_claim_through_a_link_is_that_of_the_directory(tmp_path: Path) -> None:
    (tmp_path / "runs" / "first").mkdir(parents=True)
    (tmp_path / "latest").symlink_to("runs/first")
    with claim(tmp_path / "latest") as place:
        assert place.parent == tmp_path.resolve() / "runs" / ".first.gmm"


def test_a_claim_is_never_taken_through_a_link(tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "notes").write_text("mine")
    (tmp_path / ".run.gmm").symlink_to(tmp_path / "mine")
    with pytest.raises(OutputError, match=r"cannot write .*run: "), claim(tmp_path / "run"):
        pass
    assert (tmp_path / "mine" / "notes").read_text() == "mine"


@pytest.mark.parametrize("name", ["notes", "new", "run", "before", "made-by-gmm"])
def test_what_a_user_has_where_a_claim_would_be_is_left_and_told(tmp_path: Path, name: str) -> None:
    mine = tmp_path / ".run.gmm" / name
    if name == "made-by-gmm":  # even a link to what is a user's
        (tmp_path / "mine").mkdir()
        mine.parent.mkdir()
        mine.symlink_to(tmp_path / "mine")
    else:
        mine.mkdir(parents=True)
    (mine / "notes").write_text("mine")
    assert not is_claim(mine.parent)
    message = rf"\.run\.gmm/{name} is where gmm would prepare run, and not gmm's: move it elsewhere"
    for _ in range(2):  # no lock stays
        with pytest.raises(OutputError, match=message), claim(tmp_path / "run"):
            pass
    assert (mine / "notes").read_text() == "mine"


def test_what_comes_into_a_claim_meanwhile_is_left(tmp_path: Path) -> None:
    with claim(tmp_path / "run") as place:
        (place / "half").write_text("...")
        (place.parent / "notes").write_text("mine")
    assert [path.name for path in (tmp_path / ".run.gmm").iterdir()] == ["notes"]


def test_a_file_system_without_locks_has_claims_that_do_not_end_by_themselves(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(_handle: int, _how: int) -> None:
        raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))

    monkeypatch.setattr(fcntl, "flock", refuse)
    with (
        claim(tmp_path / "run"),
        pytest.raises(OutputError, match="another gmm is writing"),
        claim(tmp_path / "run"),
    ):
        pass
    assert list(tmp_path.iterdir()) == []


def test_what_cannot_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with (
        pytest.raises(OutputError, match=r"cannot write .*d.csv: "),
        claim(tmp_path / "file/d.csv"),
    ):
        pass
