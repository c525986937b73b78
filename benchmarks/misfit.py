"""Whether components are told not to be Gaussian where they are not, and only there; and overlap.

    python benchmarks/misfit.py
    python benchmarks/misfit.py --samples 50 --rows 1e6

Samples of mixtures are fitted from the truth. Says in how many of them a component is named, and
what for; in how many the histogram shows more than the mixture; and how far distances and leanings
are. Then how overlap from responsibilities compares with that of points drawn from the fit, in
standard errors of the latter, and what all of it takes of the processor beside a whole fit.
Targets: Gaussians named in at most 2 % of samples, components of heavy tails with 2,000 points in
at least 95 %, and less than 5 % of a fit's time. Writes `results/misfit.md`.
"""

import argparse
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from time import process_time

import numpy as np
import pyarrow as pa
import pyarrow.parquet
from machine import commit, described
from planted import one_cell_each

from gmmcli.core.assessment.misfit import Misfit, measure_misfit
from gmmcli.core.assessment.overlap import measure_overlap
from gmmcli.core.cells.cells import Cells
from gmmcli.core.cells.compression import compress
from gmmcli.core.cells.grain import Grain
from gmmcli.core.mixture.covariances import FloatArray
from gmmcli.core.mixture.mixture import Mixture
from gmmcli.core.mixture.sampling import ARTICLE, sample
from gmmcli.core.runs.fits import make_hooks
from gmmcli.core.search.choice import choose_mixture
from gmmcli.core.search.fit import fit_from
from gmmcli.core.search.sketch import sketch_mixture
from gmmcli.core.tables.source import Source
from gmmcli.core.tables.table import open_table
from gmmcli.process import prepare_process
from gmmcli.settings import Choice, FitSettings

RESULTS = Path(__file__).parent / "results" / "misfit.md"
# Makes points of standard normal ones, shape (N, 2), and of random numbers.
Distort = Callable[[FloatArray, np.random.Generator], FloatArray]


@dataclass(frozen=True)
class Case:
    """What samples are drawn from.

    Attributes:
        name: of the case.
        mixture: where the components are, and how many points each has.
        n_points: of a sample.
        distort: what the components are in place of Gaussians; None where they are.
        step: to which values are rounded, in data units; 0 where they are not.
        is_weighted: whether points have weights, from 0.5 to 1.5.
    """

    name: str
    mixture: Mixture
    n_points: int
    distort: Distort | None = None
    step: float = 0.0
    is_weighted: bool = False

    def draw(self, seed: int) -> Cells:
        """A sample."""
        random = np.random.default_rng(seed)
        mixture = self.mixture
        labels = random.choice(mixture.n_components, self.n_points, p=mixture.weights)
        round_ones = random.normal(size=(self.n_points, 2))
        if self.distort is not None:
            round_ones = self.distort(round_ones, random)
        factors = mixture.cholesky_factors()[labels]
        points = mixture.means[labels] + np.einsum("nij,nj->ni", factors, round_ones)
        if self.step:
            rounded = np.round(points / self.step) * self.step
            places, counts = np.unique(rounded, axis=0, return_counts=True)
            return Cells(counts.astype(float), places, np.zeros((len(places), 2, 2)))
        if not self.is_weighted:
            return one_cell_each(points)
        weights = random.uniform(0.5, 1.5, self.n_points)
        return Cells(weights, points, np.zeros((self.n_points, 2, 2)), weights**2)


def main() -> None:
    """Measure all cases and write the results."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--samples", type=int, default=200, help="how many of each case")
    parser.add_argument("--rows", type=float, default=1e7, help="of the table whose fit is timed")
    asked = parser.parse_args()
    prepare_process()
    lines = [
        "# Where a mixture does not describe the points",
        "",
        f"By `python benchmarks/misfit.py`, {asked.samples} samples of each case, fitted from the",
        "truth.",
        "",
        *described(),
        f"- Date: {datetime.now(UTC):%Y-%m-%d}, {commit()}",
        "",
        "Named is a sample with a component that is told not to be Gaussian; distance (Kolmogorov-",
        "Smirnov) and leaning are those of its worst component, on average.",
        "",
        "| case | points | named | why | histogram better | excess, nats | distance | leaning |",
        "| --- | --- | --- | --- | --- | --- | --- | --- |",
        *(measure_case(case, asked.samples) for case in list_cases()),
        "",
        *measure_overlaps(asked.samples),
        "",
        *measure_cost(int(asked.rows)),
    ]
    RESULTS.write_text("\n".join(lines) + "\n", encoding="utf-8")
    print(RESULTS.read_text(encoding="utf-8"))


def list_cases() -> Iterator[Case]:
    """Gaussians, and what is not."""
    near = mixture_of([0.4, 0.6], [[0, 0], [2.5, 0]])
    rare = mixture_of([0.03, 0.47, 0.5], [[0, 0], [5, 5], [-6, 4]])
    five = mixture_of([0.2] * 5, [[0, 0], [4, 0], [0, 4], [4, 4], [9, 2]])
    for name, mixture, sizes in (
        ("article", ARTICLE, (400, 4000, 20_000)),
        ("2.5 sd apart", near, (300, 2000)),
        ("one of 3 %", rare, (1000, 10_000)),
        ("five, 4 sd apart", five, (1000, 10_000)),
    ):
        for n_points in sizes:
            yield Case(name, mixture, n_points)
    yield Case("article, weighted", ARTICLE, 4000, is_weighted=True)
    for step in (0.33, 0.5, 1.0):
        yield Case(f"article, rounded to {step:g}", ARTICLE, 20_000, step=step)
    for name, distort, size in (
        ("t5", partial(draw_t, freedom=5), 4000),
        ("t3", partial(draw_t, freedom=3), 4000),
        ("rings", draw_ring, 1000),
        ("lognormal", draw_lognormal, 4000),
    ):
        yield Case(f"article, {name}", ARTICLE, size, distort)


def measure_case(case: Case, n_samples: int) -> str:
    """The line of a case."""
    found = [assess(case, seed) for seed in range(n_samples)]
    named = [misfit for misfit in found if misfit.worst_first]
    why = Counter(misfit.find_shape(misfit.worst_first[0]).name.lower() for misfit in named)
    shown = sum(misfit.is_excess_sure() for misfit in found) / n_samples
    distance = np.mean([misfit.distances.max() for misfit in found])
    leaning = np.mean([misfit.leanings.max() for misfit in found])
    excess = np.mean([misfit.excess for misfit in found])
    reasons = ", ".join(f"{n} {reason}" for reason, n in why.most_common())
    return (
        f"| {case.name} | {case.n_points:,} | {len(named) / n_samples:.1%} | {reasons} "
        f"| {shown:.1%} | {excess:.4f} | {distance:.3f} | {leaning:.3f} |"
    )


def assess(case: Case, seed: int) -> Misfit:
    """What is told of a sample's fit."""
    cells = case.draw(seed)
    fitted = fit_from(cells, FitSettings(case.mixture.n_components), case.mixture)
    return measure_misfit(cells, fitted.mixture)


def measure_overlaps(n_samples: int, *, n_drawn: int = 100_000) -> Iterator[str]:
    """How overlap is beside that of points drawn from the fits of samples, as lines of text."""
    near, errors, shares = mixture_of([0.4, 0.6], [[0, 0], [2.5, 0]]), list[float](), list[float]()
    for seed in range(n_samples):
        (points, _), *_ = sample(near, 2000, seed=seed)
        cells = one_cell_each(points)
        mixture = fit_from(cells, FitSettings(2), near).mixture
        overlap = measure_overlap(cells, mixture)
        drawn, components = mixture.sample(n_drawn, seed=seed)
        labels = mixture.joint_log_densities(drawn).argmax(axis=1)
        for k in (0, 1):
            shares.append(float((labels[components == k] != k).mean()))
            errors.append(float(overlap[k, 1 - k]) - shares[-1])
    yield "Overlap of two components 2.5 sd apart, 2,000 points: by points drawn from the fit"
    yield f"{np.mean(shares):.4f} of a component on average; from responsibilities more by"
    yield f"{np.mean(errors):+.4f}, with a standard deviation of {np.std(errors):.4f}."


def measure_cost(n_rows: int) -> Iterator[str]:
    """What assessment takes of the processor beside a fit of so many rows, as lines."""
    with tempfile.TemporaryDirectory() as scratch:
        path = Path(scratch) / "d.parquet"
        with pyarrow.parquet.ParquetWriter(
            path, pa.schema(dict.fromkeys("xy", pa.float64()))
        ) as to:
            for points, _ in sample(ARTICLE, n_rows, seed=0):
                to.write_table(pa.table(dict(zip("xy", points.T, strict=True))))
        began = process_time()
        sketch = partial(sketch_mixture, n_components=2)
        compression = compress(open_table(Source(str(path))), sketch=sketch)
        hooks = make_hooks(compression)
        found = choose_mixture(compression.cells, FitSettings(), Choice.hold(2), hooks=hooks)
        fit_seconds = process_time() - began
    cells, grain = found.cells, compression.grain
    seconds = min(take_time(cells, found.mixture, grain) for _ in range(3))
    misfit = measure_misfit(cells, found.mixture, grain)
    name = f"{n_rows:,} rows of the article's mixture, {cells.n_cells:,} cells"
    yield f"Overlap and misfit of {name}:"
    yield f"{seconds:.2f} s of the processor, {seconds / fit_seconds:.1%} of what the fit takes"
    yield f"without start-up. Distances are {misfit.distances.max():.4f} at most, and the excess is"
    yield f"{misfit.excess:.1e} nats in {misfit.n_bins:,} bins."


def take_time(cells: Cells, mixture: Mixture, grain: Grain) -> float:
    """The seconds of the processor for overlap and misfit."""
    began = process_time()
    measure_overlap(cells, mixture)
    measure_misfit(cells, mixture, grain)
    return process_time() - began


def mixture_of(weights: list[float], means: list[list[float]]) -> Mixture:
    """Round components of deviation 1."""
    return Mixture(np.array(weights), np.array(means), np.tile(np.eye(2), (len(weights), 1, 1)))


def draw_t(points: FloatArray, random: np.random.Generator, *, freedom: int) -> FloatArray:
    """Points of Student's t with the same covariance."""
    scales = (freedom - 2) / random.chisquare(freedom, (len(points), 1))
    return np.asarray(points * np.sqrt(scales))


def draw_ring(points: FloatArray, random: np.random.Generator, *, width: float = 0.2) -> FloatArray:
    """Points on a ring of a width, with about the same covariance."""
    lengths = np.linalg.norm(points, axis=1, keepdims=True)
    return np.asarray(np.sqrt(2) * points / lengths + width * random.normal(size=points.shape))


def draw_lognormal(points: FloatArray, _: np.random.Generator, *, sd: float = 0.5) -> FloatArray:
    """Points that lean to one side on both axes."""
    grown = np.exp(sd * points)
    return np.asarray((grown - np.exp(sd**2 / 2)) / grown.std())


if __name__ == "__main__":
    main()
