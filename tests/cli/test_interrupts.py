"""Ctrl-C and other signals that end a process: as a question, and as exceptions."""

import os
import signal
import subprocess
import sys

import pytest

from gmmcli.cli.interrupts import Ended, Interrupts

# Is interrupted in what Python calls when an object goes, whose exceptions it drops.
DROPPED = """
import os, signal, sys, time
from gmmcli.cli.interrupts import raise_when_ended

class Held:
    def __del__(self):
        os.kill(os.getpid(), signal.{name})
        time.sleep(10)

raise_when_ended()
try:
    held = Held()
    del held
    time.sleep(10)
except KeyboardInterrupt as interrupt:
    print(type(interrupt).__name__)
"""
# Is ended while an engine works, which tells of an interrupt only.
LOST = """
import os, signal
from gmmcli.cli.application import tell_end
from gmmcli.cli.interrupts import raise_when_ended
raise_when_ended()
try:
    try:
        os.kill(os.getpid(), signal.SIGTERM)
    except KeyboardInterrupt:
        raise KeyboardInterrupt from None
except KeyboardInterrupt as interrupt:
    print(tell_end(interrupt).exit_code)
"""
IGNORED = """
import os, signal
from gmmcli.cli.interrupts import raise_when_ended
signal.signal(signal.SIGHUP, signal.SIG_IGN)
raise_when_ended()
os.kill(os.getpid(), signal.SIGHUP)
print("goes on")
"""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_the_first_is_noted_and_the_second_is_as_before(number: int) -> None:
    def end(_number: int, _frame: object) -> None:
        raise Ended(number)

    interrupts, before = Interrupts(), signal.getsignal(number)
    signal.signal(number, end)
    try:
        with interrupts.postpone():
            assert not interrupts()
            assert interrupts.exit_code == 0
            os.kill(os.getpid(), number)
            assert interrupts()
            with pytest.raises(KeyboardInterrupt):
                os.kill(os.getpid(), number)
        assert signal.getsignal(number) is end
    finally:
        signal.signal(number, before)
    assert interrupts.exit_code == 128 + number


def printed_by(code: str) -> str:
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stderr == ""
    return done.stdout


@pytest.mark.parametrize(("name", "kind"), [("SIGINT", "KeyboardInterrupt"), ("SIGTERM", "Ended")])
def test_an_interrupt_that_python_drops_comes_again(name: str, kind: str) -> None:
    assert printed_by(DROPPED.format(name=name)) == f"{kind}\n"


def test_what_was_ignored_stays_so() -> None:
    assert printed_by(IGNORED) == "goes on\n"


def test_the_signal_is_known_where_an_engine_tells_of_an_interrupt_only() -> None:
    assert printed_by(LOST) == "143\n"
