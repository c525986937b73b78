"""What this process asks of the system and of Python: memory to keep, and threads that sleep."""

import ctypes
import gc
import os
import signal
import sys
from contextlib import suppress

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


def prepare_worker() -> None:
    """Prepare a process that works for another: on one thread, and out of Ctrl-C's reach.

    Where the user's environment has OMP_NUM_THREADS, it is on so many threads. The other process,
    which Ctrl-C does reach, has it end when its task is done.
    """
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    prepare_process()
    signal.signal(signal.SIGINT, signal.SIG_IGN)
