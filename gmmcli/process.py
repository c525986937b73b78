"""What this process asks of the system: memory to keep, and threads that sleep while they wait."""

import ctypes
import os
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


def prepare_process() -> None:
    """Have large arrays reuse memory, and waiting threads sleep; to be called before Torch loads.

    A step's arrays are as large as those of the step before it. To have the system clear memory for
    each anew takes up to a third of a fit's time. Threads that spin while they wait save little
    where nothing else runs, and where something does they take its time and their own. What the
    user's environment says about either comes first.
    """
    os.environ.setdefault("OMP_WAIT_POLICY", "passive")
    is_own = not os.environ.keys().isdisjoint(OWN_SETTINGS)
    is_tuned = "glibc.malloc." in os.environ.get("GLIBC_TUNABLES", "")
    if sys.platform != "linux" or is_own or is_tuned:
        return
    with suppress(AttributeError):  # another C library than glibc
        mallopt = ctypes.CDLL(None).mallopt
        if any(mallopt(M_MMAP_THRESHOLD, size) for size in (STAYING, STAYING_BEFORE)):
            mallopt(M_TRIM_THRESHOLD, STAYING)
