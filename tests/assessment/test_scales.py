"""The scales of figures, against automatic differentiation."""

import numpy as np
import torch
from builders import random_mixture

from gmmcli.core.assessment.scales import (
    differentiate_scales,
    from_scales,
    measure_figures,
    measure_rates,
    to_scales,
)
from gmmcli.core.cells.information import take_roots


def test_figures_come_back_from_their_scales() -> None:
    figures = measure_figures(random_mixture(4, seed=1))
    np.testing.assert_allclose(from_scales(to_scales(figures)), figures, rtol=1e-13)


def test_rates_are_those_of_the_way_back() -> None:
    figures = measure_figures(random_mixture(3, seed=2))
    values, step = to_scales(figures), 1e-6
    ahead, behind = from_scales(values + step), from_scales(values - step)
    np.testing.assert_allclose(measure_rates(figures), (ahead - behind) / (2 * step), rtol=1e-8)


def test_scales_change_with_parameters_as_derivatives_tell() -> None:
    """Of the mass, the mean and the factor, as `Information` has them."""
    mixture, n_points = random_mixture(3, seed=3), 200.0
    roots = take_roots(mixture.weights, n_points)
    for k in range(mixture.n_components):
        weight, mean = mixture.weights[k], torch.tensor(mixture.means[k])
        factor = torch.tensor(mixture.cholesky_factors()[k])

        def move(
            step: torch.Tensor,
            weight: float = weight,
            mean: torch.Tensor = mean,
            factor: torch.Tensor = factor,
            root: float = roots[k],
        ) -> torch.Tensor:
            mass, x, y, first, across, second = step / root
            own = weight * mass.exp()
            logit = torch.log(own / (own + 1 - weight) / (1 - own / (own + 1 - weight)))
            moved = mean + factor @ torch.stack([x, y])
            rows = [torch.stack([(first / 2**0.5).exp(), 0 * x])]
            rows += [torch.stack([across, (second / 2**0.5).exp()])]
            grown = factor @ torch.stack(rows)
            covariance = grown @ grown.T
            sds = covariance.diagonal().sqrt()
            angle = torch.atanh(covariance[0, 1] / sds.prod())
            return torch.stack([logit, *moved, *sds.log(), angle])

        found = torch.autograd.functional.jacobian(move, torch.zeros(6, dtype=torch.float64))
        expected = found.numpy()
        # Alone the mass of a component takes from the others; in all directions none does.
        expected[0, 0] /= 1 - weight
        own = differentiate_scales(mixture, roots)[k]
        np.testing.assert_allclose(own, expected, rtol=1e-10, atol=1e-13)
