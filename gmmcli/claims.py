"""The right to write at a path: of one process at a time, and with the room to prepare it.

Whatever is written is made in a hidden directory beside its path first, and takes its place by one
rename. That directory is the claim: its name follows from the path, so that two processes cannot
have it at once, and who has it holds a lock on it that ends with the process, however that ends.
All that is made is in one directory of the claim, whose name is nobody else's. What a killed
process has left is so recognised, and cleared by the next one that writes there; a claim with
anything else in it is a user's.
"""

import errno
import hashlib
import os
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from gmmcli.errors import OutputError

if sys.platform != "win32":
    import fcntl

SUFFIX = ".gmm"
# In a claim, all that is in it: what is made there.
ROOM = "made-by-gmm"
# In the room of a claim: what a directory was before another took its place, where the system
# cannot exchange the two at once.
BEFORE = "before"


def is_claim(path: Path) -> bool:
    """Whether what is at a path is a claim, and nothing else in it."""
    is_named_so = path.name.startswith(".") and path.name.endswith(SUFFIX)
    return is_named_so and path.is_dir() and not path.is_symlink() and not _find_foreign(path)


@contextmanager
def claim(path: Path, remedy: str = "") -> Iterator[Path]:
    """An empty directory in the claim of a path, which no other process has as long as the block.

    Directories on the way to the path are made, and removed again where they stay empty.

    Args:
        path: a file or directory that may exist; what links to a directory stands for that.
        remedy: what to do where nothing can be written there, for the error to say.

    Raises:
        OutputError: naming the path, when another process writes there, or none can, or a user's
            files are where its claim would be.
    """
    target = path.resolve() if path.is_dir() else path.absolute()
    above = [place for place in target.parents if not place.exists()]
    place = target.parent / _name_claim(target.name)
    remedy = f": {remedy}" if remedy else ""
    try:
        _make_way(place.parent)
        handle = _take(place)
        room = _clear(place, target, handle)
    except BlockingIOError as error:
        wait = f"{remedy}, or wait" if remedy else ": wait until it has ended"
        raise OutputError(f"another gmm is writing {path}{wait}") from error
    except OSError as error:
        _remove_empty(above)
        raise OutputError(f"cannot write {path}: {error.strerror or error}{remedy}") from error
    try:
        yield room
    finally:
        shutil.rmtree(room, ignore_errors=True)
        _remove_empty([place])
        _close(handle)
        _remove_empty(above)


def _name_claim(name: str, *, longest: int = 240) -> str:
    """The name of the claim of a path with this name, of at most about so many bytes."""
    if len(name.encode(errors="surrogateescape")) > longest:
        name = hashlib.sha256(name.encode(errors="surrogateescape")).hexdigest()
    return f".{name}{SUFFIX}"


def _make_way(directory: Path) -> None:
    """Make a directory and those above it, where they are not there yet."""
    try:
        directory.mkdir(parents=True, exist_ok=True)
    except FileExistsError as error:
        raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR)) from error


def _take(place: Path) -> int | None:
    """A locked handle of a directory, made where there is none; None where none can be locked.

    Raises:
        BlockingIOError: where another process has it.
    """
    while True:
        is_new = not place.exists()
        place.mkdir(exist_ok=True)
        if sys.platform == "win32":
            return None
        try:
            handle = os.open(place, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
        except FileNotFoundError:  # who had it has ended just now
            continue
        try:
            _lock(handle, is_new=is_new)
            with suppress(FileNotFoundError):  # as above
                if os.path.samestat(os.fstat(handle), place.stat()):
                    return handle
        except OSError:
            os.close(handle)
            raise
        os.close(handle)


def _lock(handle: int, *, is_new: bool) -> None:
    """Lock a directory; a new one may lack a lock where its file system has none.

    Raises:
        BlockingIOError: where another process has it, or may have.
    """
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise
    except OSError as error:  # of some network file systems
        if not is_new:
            raise BlockingIOError(error.errno, error.strerror) from error


def _clear(place: Path, path: Path, handle: int | None) -> Path:
    """The room of a claim, without what a process that was killed has left in it.

    What it had taken away from the path, and put nothing in its place, comes back.

    Raises:
        OutputError: where something else is in the claim.
    """
    room = place / ROOM
    try:
        if foreign := _find_foreign(place):
            raise OutputError(
                f"{foreign[0]} is where gmm would prepare {path.name}, and not gmm's: move it "
                "elsewhere"
            )
        if (room / BEFORE).exists() and not os.path.lexists(path):
            (room / BEFORE).rename(path)
        if room.exists():
            shutil.rmtree(room)
        room.mkdir()
    except (OSError, OutputError):
        _close(handle)
        raise
    return room


def _find_foreign(place: Path) -> list[Path]:
    """What in a claim no process of ours has made, in the order of names."""
    return sorted(entry for entry in place.iterdir() if entry.name != ROOM or entry.is_symlink())


def _close(handle: int | None) -> None:
    if handle is not None:
        os.close(handle)


def _remove_empty(places: list[Path]) -> None:
    """Remove directories, from the innermost on, unless something is in them."""
    for place in places:
        try:
            place.rmdir()
        except OSError as error:
            if error.errno != errno.ENOENT:
                return
