"""The directions that are open to parameters: orthonormal, and as many as are free."""

import numpy as np
import pytest
from builders import random_mixture

from gmmcli.core.cells.directions import span_free_moves
from gmmcli.core.cells.information import take_roots
from gmmcli.core.mixture.background import Background
from gmmcli.core.mixture.knowledge import Fixed
from gmmcli.core.mixture.mixture import Mixture
from gmmcli.core.mixture.moves import Moves
from gmmcli.core.mixture.structures import STRUCTURES, constrain, count_parameters
from gmmcli.settings import COVARIANCE_TYPES, CovarianceType

NAMES = [
    [[], [], []],
    [["mean"], [], ["weight"]],
    [["weight"], ["weight"], ["mean"]],
    [["weight", "mean"], ["weight"], ["weight"]],
    [["covariance"], ["weight", "mean", "covariance"], []],
]


def typed(covariance: CovarianceType, *, has_background: bool) -> Mixture:
    mixture = random_mixture(3, seed=2)
    made = constrain(mixture.covariances, mixture.weights, covariance, least=1e-9 * np.eye(2))
    share = 0.2 if has_background else 0.0
    background = Background.over([[-9, 9], [-9, 9]], share) if has_background else None
    return Mixture((1 - share) * mixture.weights, mixture.means, made, background)


@pytest.mark.parametrize("has_background", [False, True])
@pytest.mark.parametrize("names", NAMES)
@pytest.mark.parametrize("covariance", COVARIANCE_TYPES)
def test_as_many_directions_are_open_as_parameters_are_free(
    covariance: CovarianceType, names: list[list[str]], *, has_background: bool
) -> None:
    structure = STRUCTURES[covariance]
    if structure.n_shared and "covariance" in names[0]:
        return  # no covariance can be fixed alone
    mixture = typed(covariance, has_background=has_background)
    fixed = Fixed.from_json(names, mixture)
    weights = mixture.weights
    if mixture.background is not None:
        weights = np.append(weights, mixture.background.weight)
    roots = take_roots(weights, 100.0)
    moves = Moves.of(structure, mixture.covariances, roots[:3])
    found = span_free_moves(roots, moves, fixed)
    np.testing.assert_allclose(found.T @ found, np.eye(found.shape[1]), atol=1e-12)
    n_free = count_parameters(3, covariance, has_background=has_background)
    assert found.shape == (6 * len(weights), n_free - fixed.count(covariance))
    by_part = found.reshape(len(weights), 6, -1)
    assert not by_part[:3][fixed.parameters].any()
    assert np.abs(roots @ by_part[:, 0]).max(initial=0.0) < 1e-12  # no mass is made
