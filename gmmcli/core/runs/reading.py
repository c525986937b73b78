"""The files of a run, read with suspicion: it may be damaged, or a stranger's."""

import json
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn, TypeVar

from gmmcli.errors import MixtureError, RunError

Parsed = TypeVar("Parsed")


def read_file(path: Path, parse: Callable[[Path], Parsed], *, most_bytes: int = 2**30) -> Parsed:
    """What a file of a run holds.

    Args:
        path: of the file.
        parse: reads it.
        most_bytes: a larger file is refused: a history of 10,000 steps of 500 components, against
            memory for what a stranger gives.

    Raises:
        RunError: naming the file that is missing, damaged or too large.
    """
    try:
        found = path.stat()
        if not stat.S_ISREG(found.st_mode):
            raise ValueError("it is not a plain file")
        if found.st_size > most_bytes:
            raise ValueError(f"it has {found.st_size:,} bytes, and at most {most_bytes:,} are read")
        return parse(path)
    except FileNotFoundError as error:
        raise RunError(f"{path} is missing: fit the data again") from error
    except OSError as error:
        raise RunError(f"cannot read {path}: {error.strerror or error}") from error
    except KeyError as error:
        raise RunError(f"{path} is damaged: it lacks {error}; fit the data again") from error
    except RecursionError as error:
        raise RunError(f"{path} is damaged: it is nested too deeply; fit the data again") from error
    except (TypeError, ValueError, OverflowError, AttributeError, MixtureError) as error:
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        raise RunError(f"{path} is damaged: {reason}; fit the data again") from error


def parse_json(path: Path) -> Any:
    """What a file of standard JSON holds, which has no numbers but finite ones.

    Raises:
        ValueError: where it is none.
    """

    def refuse(word: str) -> NoReturn:
        raise ValueError(f"it holds {word}")

    return json.loads(path.read_text(encoding="utf-8"), parse_constant=refuse)
