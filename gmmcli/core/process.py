"""What this process asks of the system: memory to keep, and threads that sleep while they wait."""

import ctypes
import os
import sys
from contextlib import suppress

# Options of glibc's `mallopt`, and how much freed memory is kept, in bytes.
M_TRIM_THRESHOLD = -1
M_MMAP_THRESHOLD = -3
KEPT = 2**30


def prepare_process() -> None:
    """Have large arrays reuse memory, and waiting threads sleep; to be called before Torch loads.

    A step's arrays are as large as those of the step before it. To have the system clear memory for
    each anew takes up to a third of a fit's time. Threads that spin while they wait save little
    where nothing else runs, and where something does they take its time and twice their own. What
    the user's environment says about either comes first.
    """
    os.environ.setdefault("OMP_WAIT_POLICY", "passive")
    is_set = any(name.startswith(("MALLOC_", "GLIBC_TUNABLES")) for name in os.environ)
    if sys.platform == "linux" and not is_set:
        with suppress(AttributeError):  # C libraries other than glibc
            mallopt = ctypes.CDLL(None).mallopt
            mallopt(M_MMAP_THRESHOLD, KEPT)
            mallopt(M_TRIM_THRESHOLD, KEPT)
