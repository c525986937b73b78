"""How many evaluations the ELBO's climb takes, beside EM's from the same place.

    python benchmarks/convergence.py

12 mixtures of 2 to 15 components, overlapping or less so, with 2,000 points in each mixture, and
Old Faithful with 3. Both climbs begin where the final climb of a fit does, where the search has
ended. Evaluations of the ELBO and its gradient are counted until it is within 1e-6 nats per point
of where each climb ends. Targets: nowhere more than EM's, and at most a quarter where EM needs over
200.
"""

from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import numpy as np
import pandas as pd
from planted import one_cell_each
from pyro.infer import TraceEnum_ELBO

from gmmcli.core.cells.cells import Cells, find_whitening
from gmmcli.core.inference.ascent import Ascent
from gmmcli.core.inference.climb import climb, limit_threads
from gmmcli.core.inference.curvature import Memory
from gmmcli.core.mixture.mixture import Mixture
from gmmcli.core.mixture.sampling import sample
from gmmcli.core.search.objective import Objective
from gmmcli.core.search.region import Region
from gmmcli.core.search.starts import start

OLD_FAITHFUL = Path(__file__).parent.parent / "sample_data" / "old_faithful.csv"
NEAR = 1e-6
FLOOR = 1e-10
# Far more than either needs, but for EM on the hardest, which then counts as done.
MOST = {"EM": 3000, "gmm": 300}


@dataclass
class Counter:
    """How many evaluations there have been."""

    n: int = 0


def main() -> None:
    """Climb on every problem, and print a line for each."""
    counter = counted_evaluations()
    print("| problem | EM | gmm | ratio | both end within, nats per point |")
    print("| --- | --- | --- | --- | --- |")
    for name, cells, n_components in problems():
        ascent = Ascent("full", "natural", 1.0, FLOOR * np.eye(2))
        begin = start_of(cells, n_components)
        found = [
            evaluations(cells, begin, each, most, counter)
            for each, most in zip((ascent.take_full_steps(), ascent), MOST.values(), strict=True)
        ]
        (by_em, end_of_em), (by_gmm, end_of_gmm) = found
        apart = abs(end_of_em - end_of_gmm) / cells.n_points
        print(f"| {name} | {by_em} | {by_gmm} | {by_gmm / by_em:.2f} | {apart:.0e} |", flush=True)


def start_of(cells: Cells, n_components: int) -> Mixture:
    """A mixture about random points that are far from each other."""
    region = Region.of(cells, Objective.of("bic", "full", cells.n_points))
    parts = start(region, n_components, np.eye(2), np.random.default_rng(0), n_tries=4)
    return region.climb(parts, 20).to_mixture()


def counted_evaluations() -> Counter:
    """Count every evaluation from here on."""
    counter, evaluated = Counter(), TraceEnum_ELBO.differentiable_loss

    def counting(*arguments: object) -> object:
        counter.n += 1
        return evaluated(*arguments)

    TraceEnum_ELBO.differentiable_loss = counting
    return counter


def problems() -> list[tuple[str, Cells, int]]:
    """Names, whitened cells and numbers of components."""
    points = {}
    for seed in range(12):
        random = np.random.default_rng(seed)
        n_components = (2, 3, 5, 8, 12, 15)[seed % 6]
        means = random.normal(size=(n_components, 2)) * (1.5 if seed < 6 else 3)
        factors = random.normal(size=(n_components, 2, 2)) * 0.7
        covariances = factors @ factors.swapaxes(1, 2) + 0.1 * np.eye(2)
        true = Mixture(random.dirichlet(np.full(n_components, 5.0)), means, covariances)
        some = np.concatenate([part for part, _ in sample(true, 2000, seed=seed)])
        points[f"{n_components} components, {'near' if seed < 6 else 'far'}"] = (some, n_components)
    points["Old Faithful, 3 components"] = (pd.read_csv(OLD_FAITHFUL).to_numpy()[:, :2], 3)
    cells = {name: one_cell_each(some) for name, (some, _) in points.items()}
    return [
        (name, each.whiten(find_whitening(each, "full")), points[name][1])
        for name, each in cells.items()
    ]


def evaluations(
    cells: Cells, start: Mixture, ascent: Ascent, most: int, counter: Counter
) -> tuple[int, float]:
    """How many evaluations come near where a climb ends, and the ELBO there, in nats."""
    before, elbos, counts = counter.n, [], []
    with limit_threads(cells, start.n_components):
        for state in islice(climb(cells, start, ascent, Memory()), most):
            elbos.append(state.elbo)
            counts.append(counter.n - before)
    near = np.array(elbos) > elbos[-1] - NEAR * cells.n_points
    return counts[int(np.argmax(near))], elbos[-1]


if __name__ == "__main__":
    main()
