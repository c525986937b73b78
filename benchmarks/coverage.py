"""How often the intervals of a fit's figures hold what is so.

    python benchmarks/coverage.py
    python benchmarks/coverage.py --samples 100 --beds "two that overlap"

Draws samples from mixtures that are known and fits each from the truth, so that components keep
their numbers. For every figure of every component, counts the samples whose 95 % interval holds its
true value: by the sandwich, which is the default; by the information alone, as if components were
Gaussian; and by the bootstrap, where components overlap. With heavy tails, the truth is the fit to
so many points that its own errors do not count. A sample does not count whose fit did not converge
or has a component without errors. Writes
`results/coverage.md`, where the lines of other beds stay.
"""

import argparse
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from time import process_time

import numpy as np
from machine import commit, described
from planted import one_cell_each

from gmmcli.core.assessment.bootstrap import Bootstrap, bootstrap
from gmmcli.core.assessment.errors import Errors, estimate_errors
from gmmcli.core.assessment.resamples import Resampling
from gmmcli.core.assessment.scales import measure_figures, to_scales
from gmmcli.core.mixture.covariances import FloatArray
from gmmcli.core.mixture.mixture import Mixture
from gmmcli.core.mixture.sampling import ARTICLE
from gmmcli.core.search.fit import fit_from
from gmmcli.core.search.status import Status
from gmmcli.process import prepare_process
from gmmcli.settings import FitSettings

RESULTS = Path(__file__).parent / "results" / "coverage.md"
NONE = "–"  # noqa: RUF001 (a dash in a table)
# Of the sample whose fit is the truth of heavy tails: its errors are a fortieth of those of 1,000.
N_POINTS_OF_TRUTH = 1_600_000


@dataclass(frozen=True)
class Bed:
    """What samples are drawn from.

    Attributes:
        mixture: the weights, means and covariances.
        n_points: of a sample.
        tails: the degrees of freedom of Student's t, whose covariance is the component's; None of
            Gaussians.
        overlaps: whether the bootstrap is tried.
    """

    mixture: Mixture
    n_points: int
    tails: int | None = None
    overlaps: bool = False

    def draw(self, n_points: int, random: np.random.Generator) -> FloatArray:
        """Points, shape (N, 2)."""
        labels = random.choice(self.mixture.n_components, n_points, p=self.mixture.weights)
        offsets = random.normal(size=(n_points, 2))
        if self.tails is not None:
            lengths = (self.tails - 2) / random.chisquare(self.tails, n_points)
            offsets *= np.sqrt(lengths)[:, None]
        factors = self.mixture.cholesky_factors()[labels]
        return np.asarray(self.mixture.means[labels] + (factors @ offsets[:, :, None])[:, :, 0])

    def find_truth(self) -> FloatArray:
        """The figures of the components, on their scales, shape (K, 6)."""
        if self.tails is None:
            return to_scales(measure_figures(self.mixture))
        points = self.draw(N_POINTS_OF_TRUTH, np.random.default_rng(99))
        settings = FitSettings(self.mixture.n_components)
        fitted = fit_from(one_cell_each(points), settings, self.mixture)
        return to_scales(measure_figures(fitted.mixture))


def shape(sd_x: float, sd_y: float, correlation: float) -> list[list[float]]:
    """A covariance."""
    across = sd_x * sd_y * correlation
    return [[sd_x**2, across], [across, sd_y**2]]


def compose(weights: list[float], means: list[list[float]], *covariances: object) -> Mixture:
    """A mixture."""
    return Mixture(np.array(weights), np.array(means, dtype=float), np.array(covariances))


ROUND = shape(1, 1, 0)
THREE = shape(1, 1, 0.3), shape(1, 1.5, 0), shape(0.7, 0.7, 0)
BEDS = {
    "the article's": Bed(ARTICLE, 400),
    "two that are clear": Bed(
        compose([0.4, 0.6], [[0, 0], [8, 0]], shape(1, 1, 0.5), shape(1.5, 1, -0.3)), 400
    ),
    "three, one of 3 %": Bed(compose([0.57, 0.40, 0.03], [[0, 0], [6, 0], [3, 6]], *THREE), 1000),
    "two that overlap": Bed(
        compose([0.4, 0.6], [[0, 0], [2.5, 0]], ROUND, ROUND), 300, overlaps=True
    ),
    "three, one of 3 % that overlaps": Bed(
        compose([0.57, 0.40, 0.03], [[0, 0], [6, 0], [3, 2.5]], *THREE), 1000, overlaps=True
    ),
    "the article's with tails of t5": Bed(ARTICLE, 1000, tails=5),
}


@dataclass(frozen=True, eq=False)
class Sample:
    """Which true values the intervals of a sample's fit hold, of shape (K, 6) each.

    Attributes:
        by_default: those of the sandwich.
        by_information: those of the information alone.
        by_bootstrap: None where it was not tried.
        share_lost: of the replicates, those that lost a component.
        share_unsettled: those that came to no optimum.
    """

    by_default: FloatArray
    by_information: FloatArray
    by_bootstrap: FloatArray | None
    share_lost: float = 0.0
    share_unsettled: float = 0.0


def main() -> None:
    """Draw, fit and count, and write the table."""
    arguments = parse_arguments()
    prepare_process()
    for name in arguments.beds:
        began = process_time()
        samples = list(assess(BEDS[name], arguments.samples, arguments.replicates))
        line = describe(name, samples, arguments.samples)
        print(line, f"{process_time() - began:.0f} s", flush=True)
        write(name, line)


def write(name: str, line: str) -> None:
    """Write the page with the line of a bed; those of other beds stay."""
    before = RESULTS.read_text(encoding="utf-8").splitlines() if RESULTS.exists() else []
    lines = {kept.split(" | ")[0].removeprefix("| "): kept for kept in before if "|" in kept}
    lines[name] = line
    page = [
        "# Coverage of intervals",
        "",
        "By `python benchmarks/coverage.py`: of how many samples that were drawn count, and the",
        "percentage of their 95 % intervals that hold the true value: of all figures together, and",
        "of the figure with the fewest and that with the most. Those of the bootstrap have 200",
        "replicates.",
        "",
        *described(),
        f"- Date: {datetime.now(UTC):%Y-%m-%d}, {commit()}",
        "",
        "| mixture | points | samples | default | information alone | bootstrap | replicates lost "
        "| without an optimum |",
        "| --- | --- | --- | --- | --- | --- | --- | --- |",
        *(lines[bed] for bed in BEDS if bed in lines),
    ]
    RESULTS.write_text("\n".join(page) + "\n", encoding="utf-8")


def assess(bed: Bed, n_samples: int, n_replicates: int) -> Iterator[Sample]:
    """The samples of a bed that count."""
    truth = bed.find_truth()
    settings = FitSettings(bed.mixture.n_components)
    for number in range(n_samples):
        cells = one_cell_each(bed.draw(bed.n_points, np.random.default_rng(number)))
        outcome = fit_from(cells, settings, bed.mixture)
        mixture = outcome.mixture
        errors = estimate_errors(cells, mixture)
        if outcome.status is not Status.CONVERGED or np.isnan(errors.standard_errors).any():
            continue
        middle, ends = to_scales(measure_figures(mixture)), put_on_scales(errors.intervals)
        reach = (ends[1] - ends[0]) / 2 * errors.model_standard_errors / errors.standard_errors
        found: Bootstrap | None = None
        if bed.overlaps:
            resampling = Resampling(n_replicates, seed=number)
            found = bootstrap(cells, mixture, resampling=resampling)
        yield Sample(
            hold(errors, truth),
            np.abs(truth - middle) <= reach,
            None if found is None else hold(found.errors, truth),
            0.0 if found is None else float(found.are_lost.mean()),
            0.0 if found is None else float(1 - found.have_settled.mean()),
        )


def put_on_scales(intervals: FloatArray) -> FloatArray:
    """The ends of intervals, shape (K, 6, 2), on the scales of figures, shape (2, K, 6)."""
    with np.errstate(divide="ignore"):  # of correlations up to 1
        return to_scales(np.moveaxis(intervals, -1, 0))


def hold(errors: Errors, truth: FloatArray) -> FloatArray:
    """Which intervals hold a value, all of shape (K, 6), the value on the scales of figures."""
    low, high = put_on_scales(errors.intervals)
    return np.asarray((low <= truth) & (truth <= high))


def describe(name: str, samples: list[Sample], n_drawn: int) -> str:
    """The line of a bed."""
    by_bootstrap, lost, unsettled = [NONE] * 3
    if BEDS[name].overlaps:
        tried = [s.by_bootstrap for s in samples if s.by_bootstrap is not None]
        by_bootstrap = summarise(tried)
        lost = f"{100 * np.mean([s.share_lost for s in samples]):.2f} %"
        unsettled = f"{100 * np.mean([s.share_unsettled for s in samples]):.2f} %"
    columns = [
        name,
        f"{BEDS[name].n_points:,}",
        f"{len(samples)} of {n_drawn}",
        summarise([sample.by_default for sample in samples]),
        summarise([sample.by_information for sample in samples]),
        by_bootstrap,
        lost,
        unsettled,
    ]
    return f"| {' | '.join(columns)} |"


def summarise(held: list[FloatArray]) -> str:
    """The percentage of all intervals that hold the truth, and the least and greatest of one."""
    shares = 100 * np.mean(held, axis=0)
    return f"{shares.mean():.1f} ({shares.min():.1f} to {shares.max():.1f})"


def parse_arguments() -> argparse.Namespace:
    """What was asked for."""
    parser = argparse.ArgumentParser(description="Coverage of intervals.")
    parser.add_argument("--samples", type=int, default=300)
    parser.add_argument("--replicates", type=int, default=200)
    parser.add_argument("--beds", nargs="+", choices=BEDS, default=list(BEDS))
    return parser.parse_args()


if __name__ == "__main__":
    main()
