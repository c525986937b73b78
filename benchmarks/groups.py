"""Whether groups are what the labels of a table say, by rule, and what they cost.

    python benchmarks/groups.py
    python benchmarks/groups.py --tables moons cross --seeds 1

Fits every table of `group_tables.py`, several samples of those that are made, and groups the
components of the same fit by every rule: none (components), by valleys of the density at the
default and at 0.5, by DEMP and by the elbow of the entropy. For each: the adjusted Rand index with
the true labels, the number of groups found, and whether that is the true one. Beside them, for the
default: how many rows have the same group by the lines of `gmm predict` as by their own climb
(target: at least 99.9 %), seconds of the processor that the groups took, and what share that is of
the fit's (target: under 10 %). The tables go to `groups.md` in `benchmarks/results`.
"""

import argparse
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from group_tables import PUBLIC, TABLES
from machine import commit, described
from sklearn.metrics import adjusted_rand_score

from gmmcli.core.cells.cells import Cells
from gmmcli.core.groups.borders import draw_territories
from gmmcli.core.groups.groups import find_groups, label_points
from gmmcli.core.groups.merging import merge_by_entropy, merge_by_errors
from gmmcli.core.mixture.background import BACKGROUND_LABEL
from gmmcli.core.mixture.covariances import FloatArray
from gmmcli.core.mixture.gaussians import IntArray
from gmmcli.core.mixture.mixture import Mixture
from gmmcli.core.search.choice import choose_mixture
from gmmcli.process import prepare_process
from gmmcli.settings import VALLEY, Choice, FitSettings

RESULTS = Path(__file__).parent / "results"
CLEAR = 0.5
RULES = ("components", f"valley {VALLEY}", f"valley {CLEAR}", "DEMP 0.05", "entropy")


@dataclass(frozen=True)
class Score:
    """How a rule did on a table: the adjusted Rand index, and the groups found and true."""

    index: float
    n_found: int
    n_true: int

    @property
    def is_right(self) -> bool:
        """Whether the number of groups is the true one."""
        return self.n_found == self.n_true


@dataclass(frozen=True)
class Trial:
    """A fit of a table.

    Attributes:
        scores: of each rule.
        agreement: the share of rows in the same group by lines as by their own climb.
        seconds: of the processor that the groups took.
        fit_seconds: of the processor that the fit took.
    """

    scores: dict[str, Score]
    agreement: float
    seconds: float
    fit_seconds: float


def main() -> None:
    """Fit the tables, print a line for each fit, and write the results."""
    arguments = parsed_arguments()
    prepare_process()
    trials: dict[str, list[Trial]] = {}
    for name in arguments.tables:
        for seed in range(1 if name in PUBLIC else arguments.seeds):
            bed = TABLES[name](np.random.default_rng(seed))
            trials.setdefault(name, []).append(try_table(bed.points, bed.labellings[0]))
            print(f"{name}, sample {seed}: {describe(trials[name][-1])}", flush=True)
    arguments.results.mkdir(parents=True, exist_ok=True)
    path = arguments.results / "groups.md"
    path.write_text("\n".join(write_lines(trials)) + "\n", encoding="utf-8")


def parsed_arguments() -> argparse.Namespace:
    """What was asked for on the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = parser.add_argument
    add("--tables", nargs="+", choices=TABLES, default=list(TABLES), metavar="TABLE")
    add("--seeds", type=int, default=3, metavar="N", help="samples of each table (default: 3)")
    add("--results", type=Path, default=RESULTS, metavar="DIR")
    return parser.parse_args()


def try_table(points: FloatArray, labels: IntArray) -> Trial:
    """Fit points, shape (N, 2), and score every rule by their labels, shape (N,)."""
    cells = Cells(np.ones(len(points)), points, np.zeros((len(points), 2, 2)))
    began = time.process_time()
    mixture = choose_mixture(cells, FitSettings(), Choice()).mixture
    fitted = time.process_time()
    tree = find_groups(mixture, cells).tree
    grouped = time.process_time()
    own = label_components(mixture, points)
    climbed = label_points(mixture, tree, VALLEY, points)
    by_lines = draw_territories(mixture, tree, VALLEY).locate(points, own)
    found = {RULES[0]: own, RULES[1]: climbed, RULES[2]: label_points(mixture, tree, CLEAR, points)}
    responsibilities = mixture.responsibilities(points)
    for rule, merge in zip(RULES[3:], (merge_by_errors, merge_by_entropy), strict=True):
        groups = merge(responsibilities, cells.counts)
        found[rule] = np.where(own == BACKGROUND_LABEL, own, groups[own])
    scores = {rule: score(labels, some) for rule, some in found.items()}
    agreement = float((by_lines == climbed).mean())
    return Trial(scores, agreement, grouped - fitted, fitted - began)


def label_components(mixture: Mixture, points: FloatArray) -> IntArray:
    """The likeliest component of each point, shape (N,), or -1 for the background."""
    shares = mixture.responsibilities(points)
    are_stray = mixture.background_responsibilities(points) > shares.max(axis=1)
    return np.where(are_stray, BACKGROUND_LABEL, shares.argmax(axis=1))


def score(labels: IntArray, found: IntArray) -> Score:
    """How groups compare with labels; a background counts as no group."""
    n_found = len(set(found.tolist()) - {BACKGROUND_LABEL})
    index = float(adjusted_rand_score(labels, found))
    return Score(index, n_found, len(set(labels.tolist()) - {BACKGROUND_LABEL}))


def describe(trial: Trial) -> str:
    """A line on a fit."""
    told = [f"{rule} {s.index:.3f} ({s.n_found})" for rule, s in trial.scores.items()]
    n_true = trial.scores[RULES[0]].n_true
    return (
        f"{n_true} groups: {', '.join(told)}; lines agree {trial.agreement:.5f}; "
        f"{trial.seconds:.3f} s of {trial.fit_seconds:.1f} s"
    )


def write_lines(trials: dict[str, list[Trial]]) -> Iterator[str]:
    """The lines of the report."""
    every = [trial for some in trials.values() for trial in some]
    yield from [
        "# Groups and labels",
        "",
        "By `python benchmarks/groups.py`: the mean adjusted Rand index of each rule on the fit of",
        "each table, and after it the numbers of groups found, one for each sample.",
        "",
        f"| table | groups | {' | '.join(RULES)} |",
        f"|{' --- |' * (len(RULES) + 2)}",
    ]
    for name, some in trials.items():
        cells = [tell([trial.scores[rule] for trial in some]) for rule in RULES]
        yield f"| {name} | {some[0].scores[RULES[0]].n_true} | {' | '.join(cells)} |"
    means = [
        np.mean([np.mean([t.scores[r].index for t in s]) for s in trials.values()]) for r in RULES
    ]
    right = [sum(trial.scores[rule].is_right for trial in every) for rule in RULES]
    yield f"| mean of all tables | | {' | '.join(f'{mean:.3f}' for mean in means)} |"
    yield f"| number right, of {len(every)} | | {' | '.join(map(str, right))} |"
    agreements = [trial.agreement for trial in every]
    seconds, fits = (sum(getattr(t, n) for t in every) for n in ("seconds", "fit_seconds"))
    yield from [
        "",
        f"By the lines of `gmm predict`, {min(agreements):.2%} of the rows of a table at least are",
        f"in the group of their own climb, {np.mean(agreements):.3%} on average.",
        f"The groups took {max(t.seconds for t in every):.2f} s of the processor at most, and",
        f"in all {seconds / fits:.1%} of what the fits took.",
        "",
        *described(),
        f"- Commit of the benchmark: {commit()}",
    ]


def tell(scores: Sequence[Score]) -> str:
    """The mean index of some samples, and the numbers of groups."""
    numbers = ", ".join(str(each.n_found) for each in scores)
    return f"{np.mean([each.index for each in scores]):.3f} ({numbers})"


if __name__ == "__main__":
    main()
