"""What a process asks of the system, seen from another one."""

import os
import subprocess
import sys

import pytest

# Prints how many pages the system had to clear for 50 arrays of 2 MB, one after the other.
FAULTS = """
import resource
import numpy as np
from gmmcli.core.process import prepare_process

def arrays(n):
    for _ in range(n):
        np.ones(250_000)

prepare_process()
arrays(2)
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
arrays(50)
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""
POLICY = """
import os
from gmmcli.core.process import prepare_process
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
    pages = 2_000_000 // 4096
    # Without: each array is cleared anew. With: none is; the rest of NumPy may touch a few pages.
    trim = "MALLOC_TRIM_THRESHOLD_"  # of the user's own, which comes first
    own = printed_by(FAULTS, **{trim: "100000"})
    assert int(own) > 40 * pages
    assert int(printed_by(FAULTS)) < pages


def test_waiting_threads_sleep_unless_the_user_says_otherwise() -> None:
    assert printed_by(POLICY) == "passive"
    assert printed_by(POLICY, OMP_WAIT_POLICY="active") == "active"
