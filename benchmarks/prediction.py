"""How long `gmm predict` takes to label a large file, beside a plain copy of it by DuckDB.

    python benchmarks/prediction.py

`gmm predict RUN FILE -o out.parquet` and a process in which DuckDB copies the same CSV file to
Parquet with two computed columns take turns, start-up included; the best of several runs counts.
Targets: less than twice the time of the copy, and less than 1.5 GB of memory.
"""

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path

from data import GMM, Data, generated, parser_for_one_file
from processes import Command, Outcome, alternated, end_on_request

DEFAULT_ROWS = 10**7
MOST_RATIO = 2
MOST_GB = 1.5

COPY_CODE = """
import sys
import duckdb
rows = duckdb.read_csv(sys.argv[1]).project("*, x * y AS product, x + y AS total")
rows.write_parquet(sys.argv[2])
"""


def main() -> None:
    """Time both and print the comparison."""
    end_on_request()
    arguments = parsed_arguments()
    data = generated(arguments.mixture, arguments.rows, arguments.data)
    with tempfile.TemporaryDirectory(prefix="gmm-prediction-", dir=arguments.data) as scratch:
        run = fitted(data, Path(scratch))
        found = alternated(commands_of(data, run, Path(scratch)), repeats=arguments.repeats)
    failed = [name for name, measurement in found.items() if measurement.outcome is not Outcome.OK]
    if failed:
        sys.exit(f"{' and '.join(failed)} did not succeed")
    predict, copy = found["gmm predict"], found["copy"]
    print(f"{data.name}, K={data.n_components}")
    print(f"gmm predict    {predict.seconds:7.2f} s")
    print(f"DuckDB copy    {copy.seconds:7.2f} s")
    print(f"their ratio    {predict.seconds / copy.seconds:7.2f}     under {MOST_RATIO}")
    print(f"peak memory    {predict.peak_gb:7.2f} GB  under {MOST_GB}")


def parsed_arguments() -> argparse.Namespace:
    """What the command line asks for."""
    parser = parser_for_one_file(__doc__, n_rows=DEFAULT_ROWS)
    parser.add_argument("--repeats", type=int, default=3, metavar="N")
    return parser.parse_args()


def fitted(data: Data, scratch: Path) -> Path:
    """The run of a fit to the data."""
    run = scratch / "run"
    fit = [*GMM, "fit", str(data.path), "-k", str(data.n_components), "--no-frames", "-q"]
    subprocess.run([*fit, "-o", str(run)], check=True)
    return run


def commands_of(data: Data, run: Path, scratch: Path) -> dict[str, Command]:
    """What to time."""
    labelled, copied = scratch / "labelled.parquet", scratch / "copied.parquet"
    predict = [*GMM, "predict", str(run), str(data.path), "-o", str(labelled), "--overwrite"]
    return {
        "gmm predict": Command(predict),
        "copy": Command([sys.executable, "-c", COPY_CODE, str(data.path), str(copied)]),
    }


if __name__ == "__main__":
    main()
