"""What a terminal shows, and what a pipe gets."""

import contextlib
import fcntl
import json
import os
import re
import struct
import subprocess
import sys
import termios
from collections.abc import Callable
from pathlib import Path

from click.testing import Result

DATA = "sample_data/old_faithful.csv"


def test_piped_output_is_plain_and_quiet_is_silent(work: Path, run: Callable[..., Result]) -> None:
    result = run("fit", DATA, "-k", 2, "--no-frames")
    assert "\x1b" not in result.output
    assert result.stderr == (
        "coordinates: 'eruptions' and 'waiting' (choose others with -x and -y)\n"
    )
    assert run("fit", DATA, "-k", 2, "--no-frames", "-q", "--overwrite").output == ""


def test_what_a_terminal_would_obey_is_shown_as_text(
    work: Path, run: Callable[..., Result]
) -> None:
    rows = Path(DATA).read_text().split("\n", 1)[1]
    Path("d\x1b[2J.csv").write_text(f"x\x1b[31m,y\n{rows}")
    done = run("fit", "d\x1b[2J.csv", "-k", 1, "--no-frames", "-o", "d\x1b[2J")
    assert r"'x\x1b[31m'" in done.stderr
    assert r"wrote d\x1b[2J: " in done.stdout
    refused = run("fit", "d\x1b[2J.csv", "-x", "z\x1b[1m", "-y", "y", "-o", "other", code=1)
    assert "\x1b" not in done.output + refused.output


def test_a_terminal_shows_progress_and_the_table(work: Path) -> None:
    name = "[/b] $x$ and a good deal more than a table has room for"
    rows = Path(DATA).read_text().split("\n", 1)[1]
    Path("d [b].csv").write_text(f'"{name}",y\n{rows}')
    # Slow enough for the bar to be drawn, ten times a second.
    options = ["-k", "2", "--learning-rate", "0.001", "--steps", "400", "--no-frames"]
    master, slave = os.openpty()
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
    command = [sys.executable, "-m", "gmmcli", "fit", "d [b].csv", *options]
    with subprocess.Popen(command, stdout=slave, stderr=slave, stdin=slave) as process:
        os.close(slave)
        shown = b""
        with contextlib.suppress(OSError):  # the terminal is gone when the command ends
            while part := os.read(master, 1024):
                shown += part
    os.close(master)
    text = shown.decode()
    assert process.returncode == 0, text
    assert "\x1b[" in text
    assert re.search(r"step \d+   ELBO -\d\.\d+ nats per point", text)
    assert "reading d [b].csv" in text
    assert name in text
    assert "component" in text
    table = re.findall(r"^ +[01] .*$", text, flags=re.MULTILINE)
    assert len(table) == 2
    assert all(len(line.rstrip()) <= 80 and "…" not in line for line in table)
    assert all(len(line.split()) == 7 for line in table)


def shell(command: str) -> subprocess.CompletedProcess[str]:
    """What became of a line of shell in which `gmm` stands for the command."""
    line = command.replace("gmm", f"{sys.executable} -m gmmcli", 1)
    return subprocess.run(
        line, shell=True, executable="bash", capture_output=True, text=True, check=False
    )


def test_a_reader_that_leaves_early_gets_the_whole_run(work: Path) -> None:
    done = shell(f"set -o pipefail; gmm fit {DATA} -x eruptions -y waiting -k 2 | head -n 1")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("converged after")
    assert Path("old_faithful/frames/step-0000.png").exists()


def test_standard_output_that_is_full_gets_one_line_and_the_fit_is_kept(work: Path) -> None:
    done = shell(f"gmm fit {DATA} -x eruptions -y waiting -k 2 > /dev/full")
    assert (done.returncode, done.stderr) == (
        1,
        "Error: cannot write to standard output: No space left on device; the fit is kept: draw "
        "it with gmm plot old_faithful\n",
    )
    assert (
        json.loads(Path("old_faithful/parameters.json").read_text())["fit"]["status"] == "converged"
    )
