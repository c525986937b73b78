"""Mixtures with hills of many kinds."""

import numpy as np
import pytest
from builders import mixture_of, overlap

from gmmcli.core.mixture.mixture import Mixture

MIXTURES = {
    "one": overlap(1, 0),
    "two": mixture_of([0.6, 0.4], [[0, 0], [3, 0]], [np.eye(2), np.eye(2)]),
    "a mode at no mean": mixture_of(
        [0.6, 0.4], [[2, 0], [0, 2]], [np.diag([1.0, 0.05]), np.diag([0.05, 1.0])]
    ),
    "wide over three": mixture_of(
        [0.3, 0.3, 0.2, 0.2],
        [[0, 0], [4, 0], [0, 4], [1, 1]],
        [0.2 * np.eye(2), 0.2 * np.eye(2), 0.3 * np.eye(2), 9 * np.eye(2)],
    ),
    "rare and tight": mixture_of(
        [0.99, 0.01], [[0, 0], [1.8, 1.2]], [np.eye(2), 0.0025 * np.eye(2)]
    ),
    "far from zero": mixture_of(
        [0.6, 0.4], [[1e6, -1e6], [1e6 + 4, -1e6]], [np.diag([1.0, 1e-4]), np.diag([1.0, 1e-4])]
    ),
    **{f"{n} that overlap": overlap(n, seed) for seed, n in enumerate((4, 7, 12, 20))},
}


@pytest.fixture(params=list(MIXTURES.values()), ids=list(MIXTURES))
def mixture(request: pytest.FixtureRequest) -> Mixture:
    """Each of the mixtures."""
    return request.param  # type: ignore[no-any-return]
