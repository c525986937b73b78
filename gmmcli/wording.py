"""Messages in the words of Python.

Errors and cautions name options as the command line does, `--learning-rate` and `-k 3:6`; whoever
calls a function reads `learning_rate` and `components=(3, 6)`.
"""

import re
from collections.abc import Iterator
from contextlib import contextmanager

from gmmcli.errors import GmmError
from gmmcli.settings import BACKGROUNDS, COVARIANCE_TYPES, CRITERIA, EFFORTS, ENGINES, OPTIMIZERS

# What Python calls the options that have another name there.
NAMES = {"-k": "components", "-o": "output", "--init": "start", "--like": "start"}
FLAGS = ("--exact", "--strict", "--overwrite")
WORDS = {*BACKGROUNDS, *COVARIANCE_TYPES, *CRITERIA, *EFFORTS, *ENGINES, *OPTIMIZERS}
# An option with its value, if any; and before it text in quotes, which is the user's.
OPTION = re.compile(
    r"""(?<!\w)'[^']*'|(?<!\w)"[^"]*"|(?<![^\s(])(--[a-z][a-z-]+|-[a-z])\b"""
    rf"(?: (\d+:\d+|\d[\d.]*\d|\d|(?:{'|'.join(sorted(WORDS))})\b))?"
)


def translate(message: str) -> str:
    """A message that names options as Python does."""
    return OPTION.sub(_translate_option, message)


def _translate_option(match: re.Match[str]) -> str:
    option, value = match[1], match[2]
    if option is None:
        return match[0]
    name = NAMES.get(option, option.lstrip("-").replace("-", "_"))
    if value is None:
        return f"{name}=True" if option in FLAGS else name
    if ":" in value:
        return f"{name}=({value.replace(':', ', ')})"
    return f"{name}={value!r}" if value in WORDS else f"{name}={value}"


@contextmanager
def translate_errors() -> Iterator[None]:
    """Have errors of the block name options as Python does."""
    try:
        yield
    except GmmError as error:
        error.args = tuple(translate(str(said)) for said in error.args)
        raise
