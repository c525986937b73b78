"""Errors and interrupts, each as one line with its exit code."""

import signal
from pathlib import Path

import click
import pytest

from gmmcli.cli.application import (
    Interrupted,
    OneLineUsageError,
    mention_kept_fit,
    shorten_errors,
)
from gmmcli.cli.interrupts import Ended
from gmmcli.errors import OutputError, TableError


@pytest.mark.parametrize(
    ("error", "line", "code"),
    [
        (TableError("d.csv is empty"), "d.csv is empty", 1),
        (PermissionError(13, "Permission denied", "d.csv"), "d.csv: Permission denied", 1),
        (click.UsageError("No such option: --fast."), "No such option: --fast", 2),
        (click.UsageError("Did you mean 'fit'?"), "Did you mean 'fit'? Try 'gmm --help'.", 2),
        (KeyboardInterrupt(), "interrupted", 130),
        (Ended(signal.SIGTERM), "ended by SIGTERM", 143),
        (ImportError("libtorch_cpu.so: failed to map segment"), "there is too little memory", 1),
        (RuntimeError("DefaultCPUAllocator: can't allocate memory"), "there is too little", 1),
        (MemoryError(), "there is too little memory: fit fewer --cells", 1),
    ],
)
def test_what_is_the_users_to_mend_gets_one_line(
    error: BaseException, line: str, code: int
) -> None:
    with pytest.raises(click.ClickException) as caught, shorten_errors():
        raise error
    assert caught.value.format_message().startswith(line)
    assert "\n" not in caught.value.format_message()
    assert caught.value.exit_code == code
    assert isinstance(caught.value, OneLineUsageError) == (code == 2)


@pytest.mark.parametrize("error", [ZeroDivisionError("a bug"), BrokenPipeError(32, "Broken pipe")])
def test_a_bug_keeps_its_traceback_and_a_broken_pipe_is_clicks(error: Exception) -> None:
    with pytest.raises(type(error)) as caught, shorten_errors():
        raise error
    assert caught.value is error


def test_errors_after_a_fit_say_that_it_is_kept() -> None:
    kept = "the fit is kept: draw it with gmm plot stars"
    with (
        pytest.raises(OutputError, match=f"^the disk is full; {kept}$"),
        mention_kept_fit(Path("stars")),
    ):
        raise OutputError("the disk is full")
    with (
        pytest.raises(Interrupted, match=f"^interrupted; {kept}$"),
        mention_kept_fit(Path("stars")),
    ):
        raise KeyboardInterrupt
