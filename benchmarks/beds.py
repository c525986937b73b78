"""What a plain `gmm fit FILE` makes of tables whose groups are known, and how long it takes.

    python benchmarks/beds.py
    python benchmarks/beds.py --beds "15 at 4 sd" uniform --seeds 2
    python benchmarks/beds.py --gmm "env PYTHONPATH=/elsewhere python -m gmmcli" --results /tmp

Fits every bed of `bed_tables.py` by `gmm fit FILE --no-frames -q`, with no other option, each a
whole process, several samples of each. A line for each fit says how many components it has and the
truth has, the weight of a background where there is one, the BIC that it reports and how far this
is above that of EM from the true labels, seconds on the wall and of the processor, and how many
cores others used meanwhile. The table of all beds is written to `beds.md` in `benchmarks/results`.
Target: at most one fit in fifty is 0.5 or more above EM from the true labels.
"""

import argparse
import json
import shlex
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from bed_tables import BEDS, Bed
from machine import commit, described
from processes import Command, Measurement, Outcome, end_on_request, measure, note
from truths import reach_bic

from gmmcli.core.mixture.covariances import FloatArray

GMM = f"{shlex.quote(sys.executable)} -m gmmcli"
RESULTS = Path(__file__).parent / "results"
NONE = "–"  # noqa: RUF001 (a dash in a table)
# A fit whose BIC is above the truth's by less than this is as good.
AS_GOOD = 0.5
# With and without a background are both right where their BICs differ by less than this.
UNCLEAR = 10.0


@dataclass(frozen=True)
class Truth:
    """What a bed should give; None where that is not known.

    Attributes:
        n_components: K.
        has_background: whether some rows are in the background.
        bic: that of EM from the true labels.
    """

    n_components: int | None
    has_background: bool
    bic: float | None

    def __str__(self) -> str:
        """K, and whether there is a background."""
        number = NONE if self.n_components is None else str(self.n_components)
        return f"{number} and background" if self.has_background else number


def find_truths(bed: Bed) -> list[Truth]:
    """What is right of a bed, that with the lowest BIC first.

    That is also what has no background where this one has, or the other way round, and a BIC that
    is not clearly higher.
    """
    if not bed.labellings:
        return [Truth(bed.n_components, False, None)]
    reached = sorted(
        (reach_bic(bed.points, labels), int(labels.max()) + 1, bool((labels < 0).any()))
        for labels in bed.labellings
    )
    lowest, _, has_background = reached[0]
    return [
        Truth(n_components if bed.are_gaussians else None, has, bic)
        for bic, n_components, has in reached
        if bic == lowest or (has != has_background and bic < lowest + UNCLEAR)
    ]


@dataclass(frozen=True)
class Found:
    """What a fit says.

    Attributes:
        n_components: K.
        background: the weight of the background; 0 without one.
        bic: the BIC that it reports.
    """

    n_components: int
    background: float
    bic: float

    def agrees_with(self, truth: Truth) -> bool:
        """Whether K is the truth's, and there is a background where there should be."""
        is_right = self.n_components == truth.n_components
        return is_right and (self.background > 0) == truth.has_background

    @staticmethod
    def read(path: Path) -> "Found":
        """What stands in a file of parameters."""
        told = json.loads(path.read_text(encoding="utf-8"))
        background = told.get("background") or {"weight": 0.0}
        return Found(len(told["weights"]), background["weight"], told["fit"]["bic"])


@dataclass(frozen=True)
class Trial:
    """One fit of a bed: what is right, what was found if the fit succeeded, and what it took."""

    truths: list[Truth]
    found: Found | None
    taken: Measurement

    @property
    def truth(self) -> Truth:
        """What is right and was found; or what is right with the lowest BIC."""
        for each in self.truths:
            if self.found is not None and self.found.agrees_with(each):
                return each
        return self.truths[0]

    @property
    def above_truth(self) -> float | None:
        """How far the BIC is above that of EM from the true labels."""
        if self.found is None or self.truth.bic is None:
            return None
        return self.found.bic - self.truth.bic

    @property
    def is_right(self) -> bool | None:
        """Whether all is as in the truth and the BIC as good; None where K is not known."""
        if self.truth.n_components is None:
            return None
        if self.found is None or not self.found.agrees_with(self.truth):
            return False
        return self.above_truth is None or self.above_truth < AS_GOOD

    def __str__(self) -> str:
        """A line on the fit."""
        used = "" if self.taken.others is None else f", others used {self.taken.others:.2f} cores"
        taken = f"{self.taken.seconds:.2f} s, {self.taken.cpu_seconds:.2f} s of CPU{used}"
        if self.found is None:
            return f"{self.taken.outcome}, truth {self.truth}, {taken}"
        return (
            f"{self.found.n_components} (truth {self.truth}), "
            f"background {self.found.background:.4f}, BIC {self.found.bic:.2f} "
            f"(truth's {format_number(self.truth.bic, '.2f')}, "
            f"{format_number(self.above_truth, '+.2f')}), {taken}"
        )


def main() -> None:
    """Fit the beds, print a line for each fit, and write the table."""
    arguments = parsed_arguments()
    end_on_request()
    trials: dict[str, list[Trial]] = {}
    for name in arguments.beds:
        for seed in range(arguments.seeds):
            bed = BEDS[name](np.random.default_rng(seed))
            trial = try_bed(bed, shlex.split(arguments.gmm), arguments.timeout)
            print(f"{name}, sample {seed}: {trial}", flush=True)
            trials.setdefault(name, []).append(trial)
    arguments.results.mkdir(parents=True, exist_ok=True)
    path = arguments.results / "beds.md"
    path.write_text("\n".join(write_lines(trials, arguments.gmm)) + "\n", encoding="utf-8")
    note(f"wrote {path}")


def parsed_arguments() -> argparse.Namespace:
    """What was asked for on the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = partial(parser.add_argument, metavar="N")
    parser.add_argument("--beds", nargs="+", choices=BEDS, default=list(BEDS), metavar="BED")
    add("--seeds", type=int, default=5, help="how many samples of each bed (default: 5)")
    add("--timeout", type=float, default=600, help="seconds that a fit may take (default: 600)")
    parser.add_argument("--gmm", default=GMM, metavar="CMD", help="what runs gmm (default: this)")
    parser.add_argument("--results", type=Path, default=RESULTS, metavar="DIR")
    return parser.parse_args()


def try_bed(bed: Bed, gmm: Sequence[str], timeout: float) -> Trial:
    """Fit the points of a bed in a process of its own."""
    with TemporaryDirectory() as scratch:
        table, run = Path(scratch) / "table.csv", Path(scratch) / "run"
        write_points(table, bed.points)
        arguments = [*gmm, "fit", str(table), "--no-frames", "-q", "-o", str(run)]
        taken = measure(Command(arguments), timeout=timeout)
        if taken.outcome is not Outcome.OK:
            note(taken.errors.strip())
            return Trial(find_truths(bed), None, taken)
        return Trial(find_truths(bed), Found.read(run / "parameters.json"), taken)


def write_points(path: Path, points: FloatArray) -> None:
    """Write points as CSV, so that they are read as they are."""
    rows = (f"{x!r},{y!r}\n" for x, y in points.tolist())
    path.write_text("x,y\n" + "".join(rows), encoding="utf-8")


def write_lines(trials: dict[str, list[Trial]], gmm: str) -> Iterator[str]:
    """The lines of the report."""
    every = [trial for some in trials.values() for trial in some]
    above = [trial.above_truth for trial in every if trial.above_truth is not None]
    yield from [
        "# Tables whose groups are known",
        "",
        "Whole processes of a plain `gmm fit FILE --no-frames -q`, by `python benchmarks/beds.py`.",
        "For each sample the number of components found, and after a + the weight of the",
        "background. Right is what has the true number, a background where there is one, and a",
        "BIC less than 0.5 above that of EM from the true labels, where these are known. Seconds",
        "are on the wall, on average and at most, and of the processor.",
        "",
        "| bed | truth | found | right | BIC above EM from the truth, at most "
        "| seconds | at most | CPU |",
        f"|{' --- |' * 8}",
    ]
    yield from (f"| {name} | {' | '.join(cells(some))} |" for name, some in trials.items())
    yield from [
        "",
        f"{sum(by >= AS_GOOD for by in above)} of {len(above)} fits are {AS_GOOD:g} or more above "
        "EM from the true labels.",
        "",
        *described(),
        f"- Commit of the benchmark: {commit()}",
        f"- Run: `{gmm}`",
    ]


def cells(trials: Sequence[Trial]) -> list[str]:
    """The cells of a bed's line."""
    seconds = [trial.taken.seconds for trial in trials]
    above = [trial.above_truth for trial in trials if trial.above_truth is not None]
    known = [trial.is_right for trial in trials if trial.is_right is not None]
    return [
        "; ".join(dict.fromkeys(str(each) for trial in trials for each in trial.truths)),
        ", ".join(tell_found(trial) for trial in trials),
        f"{sum(known)} of {len(known)}" if known else NONE,
        format_number(max(above, default=None), ".2f"),
        f"{np.mean(seconds):.1f}",
        f"{max(seconds):.1f}",
        f"{np.mean([trial.taken.cpu_seconds for trial in trials]):.1f}",
    ]


def tell_found(trial: Trial) -> str:
    """K, with the weight of a background, or what became of the fit."""
    if trial.found is None:
        return trial.taken.outcome.value
    weight = trial.found.background
    return f"{trial.found.n_components}" + (f" + {weight:.4f}" if weight > 0 else "")


def format_number(value: float | None, how: str) -> str:
    """A number, or a dash where there is none."""
    return NONE if value is None else format(value, how)


if __name__ == "__main__":
    main()
