"""Ctrl-C as a question that a loop asks."""

import os
import signal

import pytest

from gmmcli.cli.interrupts import postpone_interrupt


def test_the_first_is_noted_and_the_second_raises() -> None:
    before = signal.getsignal(signal.SIGINT)
    with postpone_interrupt() as is_interrupted:
        assert not is_interrupted()
        os.kill(os.getpid(), signal.SIGINT)
        assert is_interrupted()
        with pytest.raises(KeyboardInterrupt):
            os.kill(os.getpid(), signal.SIGINT)
    assert signal.getsignal(signal.SIGINT) is before
