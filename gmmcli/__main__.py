"""`gmm`, and `python -m gmmcli`, which is the same."""

import errno
import os
import sys

from gmmcli.cli import gmm
from gmmcli.process import prepare_process


def main() -> None:
    """Run the command line, and end the process at once.

    Python takes half a second to take Torch and DuckDB apart, when all is written and said. Spark's
    session is left to end in order.
    """
    prepare_process()
    try:
        gmm(prog_name="gmm")
    except SystemExit as end:
        if "pyspark" in sys.modules or not isinstance(end.code, int):
            raise
        is_written = write_standard_output()
        os._exit(end.code or int(not is_written))


def write_standard_output() -> bool:
    """Write what is left for standard output; whether that could be done."""
    try:
        if sys.stdout is not None:
            sys.stdout.flush()
    except OSError as error:
        if error.errno != errno.EPIPE:
            print(f"Error: standard output: {error.strerror}", file=sys.stderr)
        return False
    return True


if __name__ == "__main__":
    main()
