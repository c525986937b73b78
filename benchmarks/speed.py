"""How long `gmm fit` and other tools take from a CSV file to a mixture, and how good it is.

    python benchmarks/speed.py
    python benchmarks/speed.py --rows 1e8 --mixtures article --tools gmm sklearn

Whole processes, start-up included, take turns on the same files; the best of several runs counts.
Each tool has its defaults and is told the number of components and a seed. Measured are seconds,
peak memory and the log-likelihood per point; `gmm fit` less its imports is also set beside DuckDB's
plain scan of the file. speed.md and speed.csv are rewritten after every file, and rows of earlier
runs on the same machine with the same versions stay in them. Run it on a machine that has nothing
else to do; the table says how busy others kept it. There is no target in numbers: read how the time
compares with the fastest peer's, and how far each log-likelihood is below the best tool's.
"""

import argparse
import datetime
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import machine
import peers
from data import COMPONENTS, GMM, HERE, Data, generated, parser_with_data, row_count
from processes import Command, Measurement, Outcome, alternated, end_on_request, note
from report import IMPORTS, SCAN, Row, merged, read_rows, write_report

TOOLS = ("gmm", *peers.PEERS)
DEFAULT_ROWS = [10**4, 10**5, 10**6]

# What gmm fit imports, and the connection that it opens. It ends as gmm does, at once.
IMPORT_CODE = """
import os
import gmmcli.cli.fit, gmmcli.cli.fitting
import gmmcli.core.cells.compression, gmmcli.core.tables.opening, gmmcli.core.tables.export
import gmmcli.core.mixture.mixture, gmmcli.core.runs.directory, gmmcli.core.tables.table
import gmmcli.core.search.fit
import ibis
ibis.duckdb.connect()
os._exit(0)
"""
SCAN_CODE = """
import sys, time
import duckdb
connection = duckdb.connect()
connection.execute("SET enable_progress_bar = false")
sums = "count(*), sum(x), sum(y), sum(x * x), sum(x * y), sum(y * y)"
began = time.perf_counter()
connection.execute(f"SELECT {sums} FROM read_csv(?)", [sys.argv[1]]).fetchall()
print(time.perf_counter() - began)
"""


def main() -> None:
    """Measure every file and write the tables."""
    end_on_request()
    arguments = parsed_arguments()
    machine_lines = machine.described()
    check_same_machine(arguments.output, machine_lines)
    tools = [tool for tool in arguments.tools if is_available(tool)]
    for mixture in arguments.mixtures:
        for n_rows in sorted(set(arguments.rows)):
            data = generated(mixture, n_rows, arguments.data)
            before = read_rows(arguments.output / "speed.csv")
            rows = compared(data, tools, before, arguments.repeats, arguments.timeout)
            write_report(arguments.output, merged(before, rows), machine_lines)
    print((arguments.output / "speed.md").read_text(encoding="utf-8"), end="")


def parsed_arguments() -> argparse.Namespace:
    """What the command line asks for."""
    parser = parser_with_data(__doc__)
    parser.add_argument("--rows", nargs="+", type=row_count, default=DEFAULT_ROWS, metavar="N")
    parser.add_argument("--mixtures", nargs="+", choices=COMPONENTS, default=list(COMPONENTS))
    parser.add_argument("--tools", nargs="+", choices=TOOLS, default=list(TOOLS))
    parser.add_argument("--repeats", type=int, default=3, metavar="N")
    parser.add_argument("--timeout", type=float, default=900.0, metavar="SECONDS")
    parser.add_argument("--output", type=Path, default=HERE / "results", metavar="DIR")
    return parser.parse_args()


def check_same_machine(output: Path, machine_lines: Sequence[str]) -> None:
    """Exit where the output has results of another machine or of other versions."""
    report = output / "speed.md"
    if report.exists():
        lines = report.read_text(encoding="utf-8").splitlines()
        if not set(machine_lines) <= set(lines):
            sys.exit(f"{output} has results of another machine or versions: give another --output")


def is_available(tool: str) -> bool:
    """Whether a tool is installed; says so where it is not."""
    if tool == "gmm" or peers.is_installed(tool):
        return True
    note(f"{tool} is not installed: skipped")
    return False


def compared(
    data: Data, tools: Sequence[str], before: Sequence[Row], repeats: int, timeout: float
) -> list[Row]:
    """The rows of some tools on one file."""
    note(f"{data.name}:")
    skipped = [tool for tool in tools if gave_up_on_fewer(tool, data, before, timeout)]
    with tempfile.TemporaryDirectory(prefix="gmm-speed-") as scratch:
        outputs = {tool: name_output(tool, Path(scratch)) for tool in tools}
        commands = commands_of(data, {t: outputs[t] for t in tools if t not in skipped})
        found = alternated(commands, repeats=repeats, timeout=timeout)
        rows = [
            row_of(data, tool, measurement, outputs.get(tool))
            for tool, measurement in found.items()
        ]
    for tool in skipped:
        note(f"  {tool}: skipped, as it did not manage fewer rows")
    nothing = Measurement(Outcome.SKIPPED, 0.0, 0.0, 0.0, None, "")
    return rows + [row_of(data, tool, nothing, None) for tool in skipped]


def gave_up_on_fewer(tool: str, data: Data, before: Sequence[Row], timeout: float) -> bool:
    """Whether a peer was stopped on fewer rows, by as much time as now or for want of memory."""
    return tool != "gmm" and any(
        row.outcome is Outcome.KILLED
        or (row.outcome is Outcome.TIMEOUT and (row.seconds or 0.0) >= timeout)
        for row in before
        if row.tool == tool and row.mixture == data.mixture and row.n_rows < data.n_rows
    )


def name_output(tool: str, scratch: Path) -> Path:
    """Where a tool writes its parameters."""
    return scratch / "gmm" / "parameters.json" if tool == "gmm" else scratch / f"{tool}.json"


def commands_of(data: Data, outputs: dict[str, Path]) -> dict[str, Command]:
    """What to run for each tool, and beside gmm its imports and a plain scan."""
    commands = {}
    for tool, output in outputs.items():
        if tool == "gmm":
            fit = [*GMM, "fit", str(data.path), "-k", str(data.n_components), "--no-frames", "-q"]
            commands["gmm"] = Command([*fit, "--overwrite", "-o", str(output.parent)])
            commands[IMPORTS] = Command([sys.executable, "-c", IMPORT_CODE])
            scan = [sys.executable, "-c", SCAN_CODE, str(data.path)]
            commands[SCAN] = Command(scan, is_timed_inside=True)
        else:
            commands[tool] = Command(peers.command(tool, data.path, data.n_components, output))
    return commands


def row_of(data: Data, tool: str, measurement: Measurement, parameters: Path | None) -> Row:
    """What the table says of a tool."""
    outcome, score = measurement.outcome, None
    if parameters is not None and outcome is Outcome.OK:
        score = scored(data, parameters)
        outcome = Outcome.OK if score is not None else Outcome.FAILED
    return Row(
        mixture=data.mixture,
        n_rows=data.n_rows,
        n_components=data.n_components,
        tool=tool,
        outcome=outcome,
        seconds=measurement.seconds or None,
        peak_gb=measurement.peak_gb or None,
        others=measurement.others,
        log_likelihood=score,
        date=datetime.datetime.now().astimezone().date().isoformat(),
        commit=machine.commit(),
    )


def scored(data: Data, parameters: Path) -> float | None:
    """The log-likelihood per point of some parameters; None where they are no mixture."""
    command = [sys.executable, str(HERE / "scoring.py"), str(data.path), str(parameters)]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode != 0:
        note(done.stderr.strip())
        return None
    return float(done.stdout)


if __name__ == "__main__":
    main()
