"""How near `gmm fit` comes to the best known optimum where clusters overlap and have few points.

    python benchmarks/overlapping.py
    python benchmarks/overlapping.py --samples 10 --tools gmm "gmm, quick"

Samples of 300 to 10,000 points from random mixtures of 3 to 12 components. Some of these lie within
others, so that there are many optima. For each tool, compared with the best optimum that any found:
in how many samples it comes within half a nat, how many nats of all points it is behind on average
and at most, and the seconds of search and fit. Optima are compared by the objective of the search,
as a thin component on a few points has a high likelihood and no meaning. scikit-learn runs beside
it from one start and from ten, until its steps bring less than 1e-6 nats per point.
"""

import argparse
from collections.abc import Callable
from dataclasses import dataclass
from time import perf_counter

import numpy as np
from planted import one_cell_each
from sklearn.mixture import GaussianMixture

from gmmcli.core.cells.cells import find_whitening
from gmmcli.core.mixture.covariances import FloatArray
from gmmcli.core.mixture.gaussians import Gaussians
from gmmcli.core.mixture.mixture import Mixture
from gmmcli.core.mixture.sampling import sample
from gmmcli.core.search.choice import choose_mixture
from gmmcli.core.search.objective import Objective
from gmmcli.process import prepare_process
from gmmcli.settings import Choice, Effort, FitSettings

# A mixture behind the best by less than this, in nats, is as good.
AS_GOOD = 0.5


@dataclass(frozen=True)
class Problem:
    """Points (N, 2), and how many components to find in them."""

    points: FloatArray
    n_components: int

    @staticmethod
    def of(number: int) -> "Problem":
        """One of many problems."""
        random = np.random.default_rng(number)
        n_components = int(random.integers(3, 13))
        n_points, spread = int(10 ** random.uniform(2.5, 4)), random.uniform(1.5, 6)
        roots = random.normal(size=(n_components, 2, 2))
        roots *= random.lognormal(0, 0.5, (n_components, 1, 1))
        true = Mixture(
            random.dirichlet(np.full(n_components, 2.0)),
            random.normal(0, spread, (n_components, 2)),
            roots @ roots.swapaxes(1, 2) + 0.05 * np.eye(2),
        )
        return Problem(
            np.concatenate([some for some, _ in sample(true, n_points, seed=number)]), n_components
        )

    def worth(self, found: Mixture) -> float:
        """The log-likelihood, in nats, less what thin components gain, but for a constant."""
        whitening = find_whitening(one_cell_each(self.points), "full")
        log_likelihood = float(found.log_densities(self.points).sum())
        gaussians = Gaussians.of(whitening.whiten(found))
        objective = Objective.of("bic", "full", len(self.points))
        return log_likelihood - objective.price(gaussians)


def main() -> None:
    """Fit every sample by every tool and print a line for each tool."""
    arguments = parsed_arguments()
    prepare_process()
    for tool in arguments.tools:
        TOOLS[tool](Problem.of(0))  # warms up
    worths = np.empty((arguments.samples, len(arguments.tools)))
    seconds = np.empty_like(worths)
    for number in range(arguments.samples):
        problem = Problem.of(number)
        for place, tool in enumerate(arguments.tools):
            began = perf_counter()
            found = TOOLS[tool](problem)
            seconds[number, place] = perf_counter() - began
            worths[number, place] = problem.worth(found)
    behind = worths.max(axis=1, keepdims=True) - worths
    print("| tool | as good as the best | nats behind | at most | seconds | at most |")
    print("| --- | --- | --- | --- | --- | --- |")
    for place, tool in enumerate(arguments.tools):
        by, taken = behind[:, place], seconds[:, place]
        print(
            f"| {tool} | {(by < AS_GOOD).sum()} of {len(by)} | {by.mean():.2f} | {by.max():.1f} "
            f"| {taken.mean():.2f} | {taken.max():.2f} |"
        )


def parsed_arguments() -> argparse.Namespace:
    """What was asked for on the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--samples", type=int, default=40, help="how many")
    parser.add_argument("--tools", nargs="+", choices=TOOLS, default=list(TOOLS))
    return parser.parse_args()


def by_gmm(effort: Effort) -> Callable[[Problem], Mixture]:
    """What `gmm fit` finds with an effort."""
    return lambda problem: (
        choose_mixture(
            one_cell_each(problem.points),
            FitSettings(effort=effort),
            Choice.hold(problem.n_components),
        ).mixture
    )


def by_sklearn(n_starts: int) -> Callable[[Problem], Mixture]:
    """What scikit-learn finds from so many starts."""

    def found(problem: Problem) -> Mixture:
        model = GaussianMixture(problem.n_components, n_init=n_starts, max_iter=1000)
        model.set_params(random_state=0, tol=1e-6).fit(problem.points)
        return Mixture(model.weights_, model.means_, model.covariances_)

    return found


TOOLS: dict[str, Callable[[Problem], Mixture]] = {
    "gmm": by_gmm("normal"),
    "gmm, quick": by_gmm("quick"),
    "gmm, thorough": by_gmm("thorough"),
    "sklearn": by_sklearn(1),
    "sklearn, n_init=10": by_sklearn(10),
}

if __name__ == "__main__":
    main()
