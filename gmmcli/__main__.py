"""`gmm`, and `python -m gmmcli`, which is the same."""

import errno
import sys

from gmmcli.cli import gmm
from gmmcli.cli.interrupts import raise_when_ended
from gmmcli.process import end_process, prepare_process, prepare_streams


def main() -> None:
    """Run the command line, and end the process at once.

    Spark's session is left to end in order.
    """
    prepare_streams()
    prepare_process()
    raise_when_ended()
    try:
        gmm(prog_name="gmm")
    except SystemExit as end:
        if "pyspark" in sys.modules or not isinstance(end.code, int):
            raise
        is_written = write_standard_output()
        end_process(end.code or int(not is_written))


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
