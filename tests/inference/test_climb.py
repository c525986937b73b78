"""The loop of a climb; what it finds is in test_oracles."""

import subprocess
import sys

import numpy as np
from builders import cells_of, random_mixture, sampled

from gmmcli.core.inference.ascent import Ascent
from gmmcli.core.inference.climb import climb, measure
from gmmcli.core.inference.state import State

CLIMB = """
import sys
import numpy as np
from gmmcli.core.cells.cells import Cells
from gmmcli.core.inference.ascent import Ascent
from gmmcli.core.inference.climb import climb
from gmmcli.core.mixture.sampling import ARTICLE, sample
points, _ = next(sample(ARTICLE, 50, seed=0))
cells = Cells(np.ones(50), points, np.zeros((50, 2, 2)))
states = climb(cells, ARTICLE, Ascent("full", "natural", 1.0, 1e-10 * np.eye(2)))
print([next(states).step for _ in range(4)], sorted({"sympy", "torch._dynamo"} & set(sys.modules)))
"""


def test_a_climb_loads_nothing_that_takes_longer_than_itself() -> None:
    # SymPy takes a quarter of a second and 30 MB, which some functions of Torch bring in.
    done = subprocess.run([sys.executable, "-c", CLIMB], capture_output=True, text=True, check=True)
    assert done.stdout == "[0, 1, 2, 3] []\n"


def test_a_measured_state_keeps_its_step_and_takes_the_elbo_of_the_cells() -> None:
    mixture = random_mixture(3, seed=5)
    points = sampled(mixture, 100)
    ascent = Ascent("full", "natural", 1.0, 1e-10 * np.eye(2))
    found = measure(State(7, mixture, 0.0, by_move=True), cells_of(points), ascent)
    assert (found.step, found.by_move, found.n_cells) == (7, True, 100)
    first = next(climb(cells_of(points), mixture, ascent))
    assert found.elbo == first.elbo
