"""Ctrl-C, and what a system sends to end a process: exceptions, or a question that a loop asks."""

import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

# What ends a command in order, by its name, as not every system has all.
SIGNALS: tuple[int, ...] = tuple(
    getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)
)


# The last that has come, for this process: engines that it ends tell of an interrupt only.
_received: list[int] = []


class Ended(KeyboardInterrupt):
    """What a system sends to end a process has come; as Ctrl-C, wherever that is cared for.

    Attributes:
        number: of the signal.
    """

    def __init__(self, number: int) -> None:
        super().__init__()
        self.number = number


def get_number(interrupt: KeyboardInterrupt) -> int:
    """The number of the signal that an interrupt comes from."""
    if isinstance(interrupt, Ended):
        return interrupt.number
    return _received[0] if _received else signal.SIGINT


def tell_code(number: int) -> int:
    """What a command that a signal ended exits with: 128 and the number of it, as shells do."""
    return 128 + number


def raise_when_ended() -> None:
    """Have signals that end a process raise an exception, so that all is left in order.

    What this process was told to ignore, as `nohup` does, it ignores. An exception that comes where
    Python drops it, as in what is called when an object goes, is raised again a moment later.
    """

    def end(number: int, _frame: FrameType | None) -> None:
        _received[:] = [number]
        raise KeyboardInterrupt if number == signal.SIGINT else Ended(number)

    for each in SIGNALS:
        if signal.getsignal(each) != signal.SIG_IGN:
            signal.signal(each, end)
    sys.unraisablehook = _repeat(sys.unraisablehook)


def _repeat(
    tell: Callable[["sys.UnraisableHookArgs"], object], *, seconds: float = 0.05
) -> Callable[["sys.UnraisableHookArgs"], None]:
    """What is told of an exception that Python drops: of an interrupt nothing, which comes again.

    Args:
        tell: of others.
        seconds: how much later, when what dropped it is done.
    """

    def repeat(dropped: "sys.UnraisableHookArgs") -> None:
        if not issubclass(dropped.exc_type, KeyboardInterrupt):
            tell(dropped)
            return
        number = _received[0] if _received else signal.SIGINT
        timer = threading.Timer(seconds, os.kill, (os.getpid(), number))
        timer.daemon = True
        timer.start()

    return repeat


class Interrupts:
    """Whether a command was told to end, as a question that its loops ask."""

    def __init__(self) -> None:
        self._number: int | None = None

    def __call__(self) -> bool:
        """Whether a signal has come that ends a process."""
        return self._number is not None

    @property
    def exit_code(self) -> int:
        """Of the command: 0 where no signal has come, or else that of the signal."""
        return 0 if self._number is None else tell_code(self._number)

    @contextmanager
    def postpone(self) -> Iterator[None]:
        """Have the first signal of this block answer the question, rather than tear it down.

        A second one raises an exception as usual.
        """
        previous = {each: signal.getsignal(each) for each in SIGNALS}

        def restore() -> None:
            for each, handler in previous.items():
                signal.signal(each, handler)

        def note(number: int, _frame: FrameType | None) -> None:
            self._number = number
            restore()

        for each, handler in previous.items():
            if handler != signal.SIG_IGN:
                signal.signal(each, note)
        try:
            yield
        finally:
            restore()
