"""Files and directories that appear whole or not at all."""

import ctypes
import json
import os
import re
import shutil
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, nullcontext, suppress
from pathlib import Path
from typing import IO, Any

from gmmcli.claims import BEFORE, claim, is_claim
from gmmcli.errors import OutputError

# In the room of a claim: what is to take the place of a directory.
STAGE = "new"
# Of renameat2 in Linux: nothing is replaced, both names are exchanged, and where a name is one of
# the current directory.
RENAME_NOREPLACE, RENAME_EXCHANGE, AT_FDCWD = 1, 2, -100


def check_file_target(path: Path, *, overwrite: bool, option: str = "-o") -> None:
    """Raise where writing a file would replace one unasked.

    Args:
        path: the file.
        overwrite: whether to replace it where it exists.
        option: the option that names it.

    Raises:
        OutputError: naming the file.
    """
    if path.exists() and not overwrite:
        raise OutputError(f"{path} exists: choose another place with {option}, or add --overwrite")


def check_writable(path: Path, option: str = "-o") -> None:
    """Raise where nothing can be made at a path, by making something beside it.

    Args:
        path: a file or directory that may exist.
        option: the option that names it.

    Raises:
        OutputError: naming the path.
    """
    with claim(path, f"choose another place with {option}"):
        pass


@contextmanager
def replace_atomically(path: Path, *, overwrite: bool = True) -> Iterator[IO[bytes]]:
    """A binary file that takes the place of `path` when the block ends without an error.

    Directories on the way to it are made. Until then it has another name, its `.name`.

    Args:
        path: of the file.
        overwrite: whether to replace what is there by then.

    Raises:
        OutputError: naming `path`, when it cannot be written.
    """
    with claim(path) as place:
        temporary = place / path.name
        try:
            with temporary.open("wb") as file:
                yield file
            if overwrite:
                temporary.replace(path)
            else:
                _move_onto_nothing(temporary, path)
        except OSError as error:
            raise OutputError(f"cannot write {path}: {tell_reason(error)}") from error


@contextmanager
def stage_directory(
    path: Path,
    *,
    claimed: Path | None = None,
    is_replaced: Callable[[Path], bool] = lambda _entry: False,
) -> Iterator[Path]:
    """A directory that takes the place of `path` when the block ends without an error.

    Where there was one before the block, what it holds goes over to the new one, by links where
    files can have several names, but for what the new one has itself and what is replaced; then
    both exchange their names. Where there was none, the new one replaces nothing.

    Args:
        path: of the directory; what links to one stays a link.
        claimed: the claim of the path, where the caller has it.
        is_replaced: whether an entry of the directory before is a part of what is written anew.

    Raises:
        OutputError: naming `path`, when it cannot be written, or another process writes there.
    """
    target = path.resolve()
    with claim(path) if claimed is None else nullcontext(claimed) as place:
        existed = target.exists()
        try:
            stage = place / STAGE
            stage.mkdir()
            yield stage
            if existed:
                _carry_over(target, stage, is_replaced)
                _exchange(target, stage, place)
            else:
                _move_onto_nothing(stage, target)
        except OSError as error:
            raise OutputError(f"cannot write {path}: {tell_reason(error)}") from error
        try:
            for replaced in place.iterdir():
                shutil.rmtree(replaced)
        except OSError as error:
            name = error.filename or place
            raise OutputError(f"cannot remove {name}: {tell_reason(error)}") from error


def write_json(path: Path, values: Mapping[str, Any]) -> None:
    """Write standard JSON, indented, atomically.

    Raises:
        OutputError: when the file cannot be written.
    """
    text = json.dumps(values, indent=2, ensure_ascii=False, allow_nan=False)
    with replace_atomically(path) as file:
        file.write(text.encode() + b"\n")


def tell_reason(error: OSError) -> str:
    """Why something could not be done, in the system's words."""
    if isinstance(error, shutil.Error) and isinstance(error.args[0], list):
        first = str(error.args[0][0][-1])  # of several files
        return re.sub(r"^\[Errno \d+\] ", "", first)
    return error.strerror or str(error)


def _carry_over(before: Path, stage: Path, is_replaced: Callable[[Path], bool]) -> None:
    """Give a directory what another one holds, but for what is replaced, or is there already."""

    def list_left(place: str, names: list[str]) -> list[str]:
        here = Path(place)
        there = stage / here.relative_to(before)
        return [
            name
            for name in names
            if is_claim(here / name) or is_replaced(here / name) or os.path.lexists(there / name)
        ]

    shutil.copytree(
        before, stage, symlinks=True, ignore=list_left, copy_function=_link, dirs_exist_ok=True
    )


def _link(source: str, target: str) -> None:
    """Give a file another name, or where it can have one only, make a copy with it."""
    try:
        os.link(source, target, follow_symlinks=False)
    except OSError:
        shutil.copy2(source, target)


def _exchange(target: Path, stage: Path, place: Path) -> None:
    """Have two directories exchange their names; the one before is in the claim then.

    Where the system cannot do that at once, it is for a moment in the claim alone, from where the
    next claim takes it back if need be.
    """
    if _exchange_at_once(target, stage):
        return
    target.rename(place / BEFORE)
    try:
        stage.rename(target)
    except OSError:
        (place / BEFORE).rename(target)
        raise


def _exchange_at_once(one: Path, other: Path) -> bool:
    """Exchange two names in one step; False where the system or its file system cannot."""
    return _rename(one, other, RENAME_EXCHANGE)


def _move_onto_nothing(source: Path, target: Path) -> None:
    """Give a file or directory a name that nothing has.

    Where the system cannot do that at once, a file gets it as a second name, which replaces nothing
    either; a directory replaces none but an empty one.

    Raises:
        OSError: where something has it by now.
    """
    if not os.path.lexists(target):
        if _rename(source, target, RENAME_NOREPLACE):
            return
        if not source.is_dir():
            with suppress(OSError):
                os.link(source, target)
                return
    if os.path.lexists(target):
        raise FileExistsError(0, "it was not there before; nothing is replaced unasked")
    source.rename(target)  # of a file, only where there are no second names


def _rename(one: Path, other: Path, how: int) -> bool:
    """Whether Linux's renameat2 could rename a path so, in one step."""
    rename = getattr(ctypes.CDLL(None), "renameat2", None) if sys.platform == "linux" else None
    if rename is None:
        return False
    names = os.fsencode(one), os.fsencode(other)
    return bool(rename(AT_FDCWD, names[0], AT_FDCWD, names[1], how) == 0)
