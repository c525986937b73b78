"""Files that appear whole or not at all."""

import json
import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from gmmcli.errors import OutputError


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
    above = next(place for place in path.absolute().parents if place.exists())
    try:
        for place in (above, path) if path.is_dir() else (above,):
            with tempfile.TemporaryDirectory(prefix=".gmm-", dir=place):
                pass
    except OSError as error:
        raise OutputError(
            f"cannot write {path}: {error.strerror}: choose another place with {option}"
        ) from error


@contextmanager
def replace_atomically(path: Path) -> Iterator[IO[bytes]]:
    """A binary file that takes the place of `path` when the block ends without an error.

    Directories on the way to it are made. Until then it has another name, its `.name`.

    Raises:
        OutputError: naming `path`, when it cannot be written.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(prefix=f".{path.name[:100]}.", dir=path.parent)
    except OSError as error:
        raise OutputError(f"cannot write {path}: {error.strerror}") from error
    temporary = Path(name)
    try:
        os.close(handle)
        with temporary.open("wb") as file:
            yield file
        temporary.chmod(0o666 & ~_read_umask())  # mkstemp makes files that only their owner reads
        temporary.replace(path)
    except OSError as error:
        raise OutputError(f"cannot write {path}: {error.strerror or error}") from error
    finally:
        temporary.unlink(missing_ok=True)


@contextmanager
def stage_directory(path: Path) -> Iterator[Path]:
    """A directory whose files move to `path` together when the block ends without an error.

    Where `path` exists already, files of the same names are replaced and others stay.

    Raises:
        OutputError: naming `path`, when it cannot be written.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        stage = Path(tempfile.mkdtemp(prefix=f".{path.name[:100]}.", dir=path.parent))
    except OSError as error:
        raise OutputError(f"cannot write {path}: {error.strerror}") from error
    try:
        yield stage
        stage.chmod(0o777 & ~_read_umask())
        if path.exists():
            for file in stage.iterdir():
                file.replace(path / file.name)
        else:
            stage.rename(path)
    except OSError as error:
        raise OutputError(f"cannot write {path}: {error.strerror or error}") from error
    finally:
        shutil.rmtree(stage, ignore_errors=True)


def remove_directories(place: Path, *, holding: str) -> None:
    """Remove the directories in another that hold a file, and that one where nothing else is in it.

    What links to a directory stays.

    Args:
        place: the other; nothing is done where it does not exist.
        holding: the name of the file.

    Raises:
        OutputError: naming what cannot be removed.
    """
    try:
        for file in list(place.glob(f"*/{holding}")):
            if not file.parent.is_symlink():
                shutil.rmtree(file.parent)
        if place.is_dir() and not place.is_symlink() and not any(place.iterdir()):
            place.rmdir()
    except OSError as error:
        name = error.filename or place
        raise OutputError(f"cannot remove {name}: {error.strerror or error}") from error


def write_json(path: Path, values: Mapping[str, Any]) -> None:
    """Write standard JSON, indented, atomically.

    Raises:
        OutputError: when the file cannot be written.
    """
    text = json.dumps(values, indent=2, ensure_ascii=False, allow_nan=False)
    with replace_atomically(path) as file:
        file.write(text.encode() + b"\n")


def _read_umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
