"""What a process asks of the system, seen from another one."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

# Prints how many pages the system had to clear for 20 arrays of 2 MB at once, five times.
FAULTS = """
import resource
import numpy as np
from gmmcli.process import prepare_process

{prepare}
for n_rounds in (1, 5):
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    for _ in range(n_rounds):
        arrays = [np.ones(250_000) for _ in range(20)]
        del arrays
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""
PAGES = 5 * 20 * 2_000_000 // 4096
# Prints how often Python looked for garbage while it made objects that stay.
SEARCHES = """
import gc
from gmmcli.process import prepare_process

{prepare}
before = gc.get_stats()[0]["collections"]
staying = [[] for _ in range(100_000)]
print(gc.get_stats()[0]["collections"] - before)
"""
POLICY = """
import os
from gmmcli.process import prepare_process
prepare_process()
print(os.environ["OMP_WAIT_POLICY"])
"""


def printed_by(code: str, **environment: str) -> str:
    bare = {k: v for k, v in os.environ.items() if not k.startswith(("MALLOC_", "OMP_", "GLIBC_"))}
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, env=bare | environment, capture_output=True, check=True)
    return done.stdout.decode().strip()


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="glibc's allocator")
def test_large_arrays_reuse_memory() -> None:
    by_default = int(printed_by(FAULTS.format(prepare="")))
    prepared = int(printed_by(FAULTS.format(prepare="prepare_process()")))
    assert by_default > PAGES / 2
    assert prepared < PAGES / 20  # the rest of NumPy may touch a few


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="glibc's allocator")
def test_what_the_user_says_about_memory_comes_first() -> None:
    own = {"MALLOC_TRIM_THRESHOLD_": "100000"}
    assert int(printed_by(FAULTS.format(prepare="prepare_process()"), **own)) > PAGES / 2


def test_waiting_threads_sleep_unless_the_user_says_otherwise() -> None:
    assert printed_by(POLICY) == "passive"
    assert printed_by(POLICY, OMP_WAIT_POLICY="active") == "active"


def test_garbage_is_looked_for_less_often_but_still_is() -> None:
    by_default = int(printed_by(SEARCHES.format(prepare="")))
    prepared = int(printed_by(SEARCHES.format(prepare="prepare_process()")))
    assert 0 < prepared < by_default / 5


# Writes a letter to both streams with what a process has closed, and then a file of its own.
STREAMS = """
import os, sys
from gmmcli.process import prepare_streams
prepare_streams()
assert min(os.open(os.devnull, os.O_RDONLY) for _ in range(2)) > 2
told = []
for act in (lambda: sys.stdin.read(), lambda: print("\u03bc", flush=True)):
    try:
        told.append(repr(act()))
    except OSError as error:
        told.append(error.strerror)
print(*told, "\u03bc", file=sys.stderr)
"""


@pytest.mark.parametrize(
    ("redirected", "out", "err"),
    [
        ("</dev/null", "\\u03bc", "'' None \\u03bc"),
        ("<&-", "\\u03bc", "Bad file descriptor None \\u03bc"),
        ("</dev/null >&-", "", "'' Bad file descriptor \\u03bc"),
        ("</dev/null 2>&-", "\\u03bc", ""),
        ("<&- >&- 2>&-", "", ""),
        ("</dev/null >/dev/full", "", "'' No space left on device \\u03bc"),
    ],
)
@pytest.mark.skipif(sys.platform == "win32", reason="a shell's redirections")
def test_closed_streams_fail_alone_and_lacking_letters_are_written_out(
    tmp_path: Path, redirected: str, out: str, err: str
) -> None:
    (tmp_path / "streams.py").write_text(STREAMS)
    command = f'exec "{sys.executable}" "{tmp_path / "streams.py"}" {redirected}'
    environment = {**os.environ, "PYTHONIOENCODING": "ascii"}
    done = subprocess.run(
        ["sh", "-c", command], env=environment, capture_output=True, text=True, check=False
    )
    assert (done.stdout.strip(), done.stderr.split("Exception ignored")[0].strip()) == (out, err)


ENDING = """
import atexit
from gmmcli.process import end_process
class Held:
    def __del__(self): print("taken apart", flush=True)
held = Held()
atexit.register(print, "removed", flush=True)
end_process(7)
"""


def test_a_process_ends_at_once_but_for_what_is_to_be_removed() -> None:
    command = [sys.executable, "-c", ENDING]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (7, "removed\n", "")
