"""What this process asks of the system and of Python: memory, threads, streams, and its end."""

import atexit
import ctypes
import gc
import os
import signal
import sys
from contextlib import suppress
from io import TextIOWrapper
from typing import NoReturn

# Options of glibc's `mallopt`, by their numbers in malloc.h: arrays of up to so many bytes stay
# with the process when they are freed, and so does what is free at the end of its memory.
M_MMAP_THRESHOLD = -3
M_TRIM_THRESHOLD = -1
# In bytes: memory that other processes cannot have, against the time to clear it anew. Older
# versions of glibc take no more than the second size for arrays; with the other option alone none
# but small arrays would stay.
STAYING, STAYING_BEFORE = 2**30, 2**25
# What users set themselves where these options matter to them.
OWN_SETTINGS = ("MALLOC_MMAP_THRESHOLD_", "MALLOC_TRIM_THRESHOLD_", "MALLOC_TOP_PAD_")


def prepare_process(*, n_objects: int = 10_000) -> None:
    """Have large arrays reuse memory, and waiting threads sleep; call it before NumPy loads.

    A step's arrays are as large as those of the step before it. To have the system clear memory for
    each anew takes up to a third of a fit's time. Threads that spin while they wait save little
    where nothing else runs, and where something does they take its time and their own; and those
    of NumPy's products gain nothing, as a search makes them of thin matrices. What the user's
    environment says about any of this comes first.

    Args:
        n_objects: Python looks for garbage whenever so many more objects are there than before: by
            default 700, and libraries make hundreds of thousands that stay. A seventh of the time
            in which they load went for that, against memory for so many (benchmarks/small.py).
    """
    gc.set_threshold(n_objects)
    os.environ["MPLBACKEND"] = "agg"  # Jupyter sets one of its own, which may not be installed here
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    os.environ.setdefault("OMP_WAIT_POLICY", "passive")
    is_own = not os.environ.keys().isdisjoint(OWN_SETTINGS)
    is_tuned = "glibc.malloc." in os.environ.get("GLIBC_TUNABLES", "")
    if sys.platform != "linux" or is_own or is_tuned:
        return
    with suppress(AttributeError):  # another C library than glibc
        mallopt = ctypes.CDLL(None).mallopt
        if any(mallopt(M_MMAP_THRESHOLD, size) for size in (STAYING, STAYING_BEFORE)):
            mallopt(M_TRIM_THRESHOLD, STAYING)


def prepare_streams() -> None:
    r"""Open what is closed of the standard streams, and have them take any letter.

    What would be read or written there fails as on a closed stream; without this, the next file
    that is opened would take its place. What is closed for messages takes them without a word.
    Letters that the encoding of a stream lacks are written as Python writes them, as \u03bc.
    """
    modes = {0: os.O_WRONLY, 1: os.O_RDONLY, 2: os.O_WRONLY}
    for number, mode in modes.items():
        try:
            os.fstat(number)
        except OSError:
            handle = os.open(os.devnull, mode)
            if handle != number:
                os.dup2(handle, number)
                os.close(handle)
    sys.stdin = sys.stdin or os.fdopen(0, closefd=False)
    sys.stdout = sys.stdout or os.fdopen(1, "w", closefd=False)
    sys.stderr = sys.stderr or os.fdopen(2, "w", closefd=False)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def end_process(code: int) -> NoReturn:
    """End this process at once, but for what libraries have to remove.

    Python takes half a second to take Torch and DuckDB apart, when all is written and said.
    """
    atexit._run_exitfuncs()
    os._exit(code)


def prepare_worker() -> None:
    """Prepare a process that works for another: on one thread, and out of Ctrl-C's reach.

    Where the user's environment has OMP_NUM_THREADS, it is on so many threads. The other process,
    which Ctrl-C does reach, has it end when its task is done.
    """
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    prepare_process()
    signal.signal(signal.SIGINT, signal.SIG_IGN)
