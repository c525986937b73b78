"""Whole processes: how long each takes, and how much memory at most.

Only the standard library is imported here and by whatever starts the processes to be measured. On
Linux, the peak memory of a new process counts from that of the process that starts it, which
therefore has to stay small. A busy machine does not slow all processes alike: threads that wait for
each other actively, as OpenMP's do, can take several times as long. So the work of others is
measured too.
"""

import os
import resource
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path

CPU_TIMES = Path("/proc/stat")
# Of the times on its first line, those that are not idle: user, nice, system, irq, softirq, steal.
BUSY = (1, 2, 3, 6, 7, 8)
BYTES_PER_MAXRSS = 1 if sys.platform == "darwin" else 1024


class Outcome(StrEnum):
    """How a process ended."""

    OK = "ok"
    TIMEOUT = "timeout"
    KILLED = "killed"
    FAILED = "failed"
    SKIPPED = "skipped"


@dataclass(frozen=True)
class Command:
    """What to run.

    Attributes:
        arguments: the program and its arguments.
        is_timed_inside: whether the seconds that count are those that it prints.
    """

    arguments: list[str]
    is_timed_inside: bool = False


@dataclass(frozen=True)
class Measurement:
    """What a process took.

    Attributes:
        outcome: how it ended.
        seconds: on the wall, or inside the process where those count; or what it was given.
        cpu_seconds: of the processor, in all threads, whole process.
        peak_gb: the most memory that it had, in 10⁹ bytes.
        others: how many cores all other processes used meanwhile; None where that is not known.
        errors: what it wrote to standard error.
    """

    outcome: Outcome
    seconds: float
    cpu_seconds: float
    peak_gb: float
    others: float | None
    errors: str


def measure(command: Command, *, timeout: float = float("inf")) -> Measurement:
    """What a command takes; after `timeout` seconds it is killed."""
    with tempfile.TemporaryFile("w+") as output, tempfile.TemporaryFile("w+") as errors:
        began, busy_before = time.perf_counter(), _busy_seconds()
        process = subprocess.Popen(
            command.arguments, stdin=subprocess.DEVNULL, stdout=output, stderr=errors
        )
        timer = threading.Timer(min(timeout, threading.TIMEOUT_MAX), _kill, [process.pid])
        timer.start()
        try:
            _, status, usage = os.wait4(process.pid, 0)
        except BaseException:
            _kill(process.pid)  # whoever ends the benchmark ends what it runs
            raise
        finally:
            timer.cancel()
        seconds = time.perf_counter() - began
        others = _others(busy_before, _busy_seconds(), usage, seconds)
        process.returncode = os.waitstatus_to_exitcode(status)
        outcome = _outcome(process.returncode, seconds, timeout)
        output.seek(0)
        errors.seek(0)
        if outcome is Outcome.TIMEOUT:
            seconds = timeout
        elif outcome is Outcome.OK and command.is_timed_inside:
            seconds = float(output.read())
        peak_gb = usage.ru_maxrss * BYTES_PER_MAXRSS / 1e9
        cpu_seconds = usage.ru_utime + usage.ru_stime
        return Measurement(outcome, seconds, cpu_seconds, peak_gb, others, errors.read())


def alternated(
    commands: Mapping[str, Command], *, repeats: int, timeout: float = float("inf")
) -> dict[str, Measurement]:
    """What each command takes at best, when they are run in turn several times.

    The peak memory is the highest of the repeats. A command that does not succeed once is not
    repeated, and has not succeeded.
    """
    best: dict[str, Measurement] = {}
    for _ in range(repeats):
        for name, command in commands.items():
            if name in best and best[name].outcome is not Outcome.OK:
                continue
            now = measure(command, timeout=timeout)
            _report(name, now)
            best[name] = _better(best.get(name, now), now)
    return best


def _report(name: str, now: Measurement) -> None:
    others = "" if now.others is None else f", others used {now.others:.2f} cores"
    note(f"  {name}: {now.seconds:.2f} s, {now.peak_gb:.2f} GB{others}, {now.outcome}")
    if now.outcome is Outcome.FAILED:
        note(now.errors.strip())


def end_on_request() -> None:
    """Let a request to end this process interrupt it, so that what it runs ends too."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)


def note(message: str) -> None:
    """Say something on standard error."""
    print(message, file=sys.stderr, flush=True)


def _better(before: Measurement, now: Measurement) -> Measurement:
    """The quicker of two measurements with the higher peak; the second where it did not succeed."""
    if now.outcome is not Outcome.OK:
        return now
    quicker = min(before, now, key=lambda measurement: measurement.seconds)
    return replace(quicker, peak_gb=max(before.peak_gb, now.peak_gb))


def _outcome(exit_code: int, seconds: float, timeout: float) -> Outcome:
    if exit_code == 0:
        return Outcome.OK
    if seconds >= timeout:
        return Outcome.TIMEOUT
    return Outcome.KILLED if exit_code < 0 else Outcome.FAILED


def _others(
    before: float | None, after: float | None, usage: resource.struct_rusage, seconds: float
) -> float | None:
    """How many cores were busy with something else than the process of this usage."""
    if before is None or after is None:
        return None
    return max(after - before - usage.ru_utime - usage.ru_stime, 0.0) / seconds


def _busy_seconds() -> float | None:
    """How long all cores together have been busy since the machine began, in seconds."""
    if not CPU_TIMES.exists():
        return None
    times = CPU_TIMES.read_text(encoding="ascii").splitlines()[0].split()
    return sum(int(times[place]) for place in BUSY) / os.sysconf("SC_CLK_TCK")


def _kill(process_id: int) -> None:
    with suppress(ProcessLookupError):  # it may have ended just now
        os.kill(process_id, signal.SIGKILL)
