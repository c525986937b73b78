"""The files of a run, read with suspicion: it may be damaged, or a stranger's."""

import json
import stat
from collections.abc import Callable, Mapping
from dataclasses import fields, is_dataclass
from pathlib import Path
from types import NoneType, UnionType
from typing import Any, Literal, NoReturn, TypeVar, Union, get_args, get_origin, get_type_hints

import pyarrow as pa

from gmmcli.errors import GmmError, RunError

Parsed = TypeVar("Parsed")

# What JSON calls values of these types.
KINDS = {int: "a whole number", float: "a number", str: "text", bool: "true or false"}
KINDS |= {NoneType: "null"}


class DamageError(ValueError):
    """A file is not what a fit wrote, for a reason that says something to who reads it."""


def read_file(path: Path, parse: Callable[[Path], Parsed], *, most_bytes: int = 2**30) -> Parsed:
    """What a file of a run holds.

    What goes wrong is told as this program or Arrow say it, which read the file knowingly; of any
    other error only that the file is not what a fit writes, as that is what it means.

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
            raise DamageError("it is not a plain file")
        if found.st_size > most_bytes:
            raise DamageError(
                f"it has {found.st_size:,} bytes, and at most {most_bytes:,} are read"
            )
        return parse(path)
    except FileNotFoundError as error:
        raise RunError(f"{path} is missing: fit the data again") from error
    except OSError as error:
        raise RunError(f"cannot read {path}: {error.strerror or error}") from error
    except RunError:
        raise
    except (DamageError, GmmError, pa.ArrowException) as error:
        raise tell_damage(path, str(error).splitlines()[0]) from error
    except json.JSONDecodeError as error:
        raise tell_damage(path, f"line {error.lineno} of it is not JSON") from error
    except UnicodeDecodeError as error:
        raise tell_damage(path, "it is not UTF-8") from error
    except KeyError as error:
        raise tell_damage(path, f"it lacks {error}") from error
    except RecursionError as error:
        raise tell_damage(path, "it is nested too deeply") from error
    except (TypeError, ValueError, OverflowError, AttributeError, IndexError) as error:
        raise tell_damage(path, "it is not what gmm fit writes there") from error


def tell_damage(path: Path, reason: str) -> RunError:
    """What is to be said of a file that is not what a fit wrote."""
    return RunError(f"{path} is damaged: {reason}; fit the data again")


def parse_json(path: Path) -> Any:
    """What a file of standard JSON holds, which has no numbers but finite ones.

    Raises:
        ValueError: where it is none.
    """

    def refuse(word: str) -> NoReturn:
        raise DamageError(f"it holds {word}")

    return json.loads(path.read_text(encoding="utf-8"), parse_constant=refuse)


def read_object(kind: type[Any], values: Any, name: str, *, may_lack: bool = False) -> Any:
    """A dataclass from an object of JSON, each field of the type that it has there.

    Args:
        kind: the class.
        values: the object; what else it has is ignored.
        name: of the object, for errors.
        may_lack: whether a field has its default where the object has none.

    Raises:
        DamageError: naming what is missing or of another type.
    """
    if not isinstance(values, Mapping):
        raise DamageError(f"{name} is {values!r}: it should be an object")
    hints, found = get_type_hints(kind), {}
    for field in fields(kind):
        if field.name in values:
            place = f"{name}.{field.name}"
            found[field.name] = read_value(hints[field.name], values[field.name], place)
        elif not may_lack:
            raise DamageError(f"it lacks {name}.{field.name}")
    try:
        return kind(**found)
    except GmmError as error:
        raise DamageError(f"{name}: {error}") from error


def read_value(kind: Any, value: Any, name: str) -> Any:
    """A value of JSON as the type of Python that it is to have.

    Args:
        kind: a plain type, a word of some, a tuple of one type, a dataclass, or one of several.
        value: as JSON has it.
        name: of the value, for errors.

    Raises:
        DamageError: naming the value, where it is of another type.
    """
    options = get_args(kind) if get_origin(kind) in (Union, UnionType) else (kind,)
    for option in options:
        if is_dataclass(option) and isinstance(value, Mapping):
            return read_object(option, value, name)  # type: ignore[arg-type]  # is a class
        if get_origin(option) is tuple and isinstance(value, list):
            return tuple(read_value(get_args(option)[0], each, name) for each in value)
        is_word = get_origin(option) is Literal and isinstance(value, str)
        if is_word and value in get_args(option):
            return value
        if type(value) is option:
            return value
        if option is float and type(value) is int and abs(value) <= 2**53:
            return float(value)
    expected = " or ".join(_describe(option) for option in options)
    raise DamageError(f"{name} is {value!r}: it should be {expected}")


def _describe(kind: Any) -> str:
    """What a value of a type is, for a user."""
    if get_origin(kind) is Literal:
        return " or ".join(repr(word) for word in get_args(kind))
    if get_origin(kind) is tuple:
        return "a list"
    return KINDS.get(kind, "an object")
