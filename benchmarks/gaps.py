"""Whether the gap that cells are estimated to hide is the true one, on hard random mixtures.

    python benchmarks/gaps.py
    python benchmarks/gaps.py --tables 20 --first 100

Each table has 2 to 6 components, whose standard deviations differ by up to six orders, three in ten
have 3 % of outliers, and 30,000 to 150,000 rows, for 20,000 to 1,000,000 cells; half are
cut as long tables are. Prints the tables whose true gap is over the largest that is allowed though
nothing was said, and those where it is over 1.5 times the estimate.
"""

import argparse
import tempfile
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet

from gmmcli.core.cells import compression
from gmmcli.core.cells.compression import Compressor, compress
from gmmcli.core.mixture.covariances import FloatArray
from gmmcli.core.mixture.mixture import Mixture
from gmmcli.core.mixture.sampling import sample
from gmmcli.core.runs.result import describe
from gmmcli.core.search.choice import choose_mixture
from gmmcli.core.search.hooks import Hooks
from gmmcli.core.search.sketch import sketch_mixture
from gmmcli.core.tables.source import Source
from gmmcli.core.tables.table import open_table
from gmmcli.settings import Choice, FitSettings

USUAL_LONG = compression.LONG


def main() -> None:
    """Fit all tables and print those that stand out."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--tables", type=int, default=100, help="how many tables")
    parser.add_argument("--first", type=int, default=0, help="the seed of the first")
    arguments = parser.parse_args()
    print("| table | cells | passes | estimated / allowed | true / allowed | |")
    print("| --- | --- | --- | --- | --- | --- |")
    n_over = 0
    for seed in range(arguments.first, arguments.first + arguments.tables):
        with tempfile.TemporaryDirectory() as scratch:
            compressor, points, n_components = table_of(seed, Path(scratch) / "d.parquet")
            settings, choice = FitSettings(effort="quick"), Choice.hold(n_components)
            cells, grain = compressor.compression.cells, compressor.compression.grain
            hooks = Hooks(compressor.finer, grain)
            found = describe(choose_mixture(cells, settings, choice, hooks=hooks))
        exact = float(found.mixture.log_densities(points).sum())
        estimated = found.cost.gap_ratio
        true = found.gap_ratio(found.true_gap(exact))
        is_over = true > 1 and not found.cost.is_coarse
        n_over += is_over
        if is_over or true > 1.5 * max(estimated, 0.01):
            said = "over" if is_over else "said" if found.cost.is_coarse else ""
            passes = compressor.compression.n_passes
            print(
                f"| {seed} | {found.cells.n_cells:,} | {passes} | {estimated:.3f} | {true:.3f} "
                f"| {said} |",
                flush=True,
            )
    print(f"\n{n_over} of {arguments.tables} tables over what is allowed with nothing said")


def table_of(seed: int, path: Path) -> tuple[Compressor, FloatArray, int]:
    """A compressed table, its points (N, 2) and its number of components."""
    random = np.random.default_rng(seed)
    n_components = int(random.integers(2, 7))
    n_rows = int(random.choice([30_000, 60_000, 150_000]))
    most_cells = int(random.choice([20_000, 200_000, 1_000_000]))
    compression.LONG = random.choice([0, USUAL_LONG])
    mixture = hard_mixture(random, n_components)
    points = np.concatenate([some for some, _ in sample(mixture, n_rows, seed=seed)])
    points = random.permutation(np.concatenate(list(with_outliers(random, points))))
    pyarrow.parquet.write_table(pa.table(dict(zip("xy", points.T, strict=True))), path)
    table = open_table(Source(str(path)))
    sketch = partial(sketch_mixture, n_components=n_components)
    compressor = Compressor(compress(table, most_cells=most_cells, sketch=sketch))
    return compressor, points, n_components


def hard_mixture(random: np.random.Generator, n_components: int) -> Mixture:
    """Components that differ by orders of magnitude."""
    longer = 10 ** random.uniform(random.choice([-4, -3, -1]), 1, n_components)
    shorter = longer * 10 ** random.uniform(-1.5, 0, n_components)
    angles = random.uniform(0, np.pi, n_components)
    cosines, sines = np.cos(angles), np.sin(angles)
    turns = np.array([[cosines, -sines], [sines, cosines]]).transpose(2, 0, 1)
    variances = np.stack([longer, shorter], axis=1) ** 2
    return Mixture(
        random.dirichlet(np.full(n_components, 1.5)),
        random.normal(0, 10 ** random.uniform(-1, 1), (n_components, 2)),
        (turns * variances[:, None]) @ turns.swapaxes(1, 2),
    )


def with_outliers(random: np.random.Generator, points: FloatArray) -> Iterator[FloatArray]:
    """The points, three times in ten with some of them far out."""
    if random.random() < 0.3:
        n_far = int(0.03 * len(points))
        points = random.permutation(points)[n_far:]
        yield random.normal(0, 10 ** random.uniform(1, 4), (n_far, 2))
    yield points


if __name__ == "__main__":
    main()
