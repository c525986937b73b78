"""The data of the benchmarks: files of points that `gmm generate` samples from two mixtures.

The article's mixture is the default of `gmm generate`, with two components. The random one has five
(random_k5.json): from NumPy's `default_rng(0)`, weights are Dirichlet(5, ...), means normal with
standard deviation 4, and covariances A A' + 0.3 I with A standard normal.
"""

import argparse
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).parent
DEFAULT_DIRECTORY = HERE / "data"
GMM = [sys.executable, "-m", "gmmcli"]

# How many components each mixture has, and the file it is in where it is not the default.
COMPONENTS = {"article": 2, "random": 5}
MIXTURE_FILES = {"random": HERE / "random_k5.json"}
MOST_ROWS = 10**8


@dataclass(frozen=True)
class Data:
    """A file of points.

    Attributes:
        mixture: the name of the mixture that they were sampled from.
        n_rows: how many there are.
        path: a CSV file with the columns x, y and label.
    """

    mixture: str
    n_rows: int
    path: Path

    @property
    def n_components(self) -> int:
        """The number of components that they were sampled from, K."""
        return COMPONENTS[self.mixture]

    @property
    def name(self) -> str:
        """What tables call the file."""
        return f"{self.mixture}, {self.n_rows:,} rows"


def generated(mixture: str, n_rows: int, directory: Path) -> Data:
    """The file of so many points of a mixture; made where it is not there yet."""
    path = directory / f"{mixture}-{n_rows}.csv"
    if not path.exists():
        directory.mkdir(parents=True, exist_ok=True)
        command = [*GMM, "generate", "-n", str(n_rows), "-o", str(path)]
        if mixture in MIXTURE_FILES:
            command += ["--mixture", str(MIXTURE_FILES[mixture])]
        subprocess.run(command, check=True)
    return Data(mixture, n_rows, path)


def row_count(text: str) -> int:
    """A number of rows such as 1000000 or 1e6, for argparse."""
    try:
        number = float(text)
    except ValueError:
        number = 0.0
    if not (number.is_integer() and 1 <= number <= MOST_ROWS):
        message = f"{text!r} is not a whole number of rows from 1 to {MOST_ROWS:.0e}"
        raise argparse.ArgumentTypeError(message)
    return int(number)


def parser_with_data(description: str | None) -> argparse.ArgumentParser:
    """A parser for a benchmark, with the option --data, the directory of these files."""
    parser = argparse.ArgumentParser(
        description=description, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--data",
        type=Path,
        default=DEFAULT_DIRECTORY,
        metavar="DIR",
        help="where the data are, or are made: benchmarks/data by default",
    )
    return parser


def parser_for_one_file(description: str | None, *, n_rows: int) -> argparse.ArgumentParser:
    """A parser for a benchmark on one file, of so many rows by default."""
    parser = parser_with_data(description)
    parser.add_argument("--rows", type=row_count, default=n_rows, metavar="N")
    parser.add_argument("--mixture", choices=COMPONENTS, default="article")
    return parser
