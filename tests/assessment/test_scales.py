"""The scales of figures, against automatic differentiation."""

import json

import numpy as np
import torch
from builders import mixture_of, random_mixture

from gmmcli.core.assessment.scales import (
    differentiate_axes,
    differentiate_scales,
    from_scales,
    measure_figures,
    measure_rates,
    name_figures,
    read_figures,
    to_scales,
)
from gmmcli.core.cells.information import take_roots
from gmmcli.core.mixture.covariances import FloatArray
from gmmcli.core.mixture.ellipses import list_axes


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


def test_axes_change_with_parameters_as_differences_tell() -> None:
    mixture, n_points, step = random_mixture(3, seed=5), 300.0, 1e-6
    roots = take_roots(mixture.weights, n_points)
    rates, factors = differentiate_axes(mixture, roots), mixture.cholesky_factors()
    assert (rates[:, :, :3] == 0).all()

    def measure(place: int, size: float) -> FloatArray:
        """The axes of all components after a step of a parameter, shape (K, 3)."""
        growth = np.tile(np.eye(2), (3, 1, 1))
        moved = size / roots
        if place == 4:
            growth[:, 1, 0] = moved
        else:
            axis = 0 if place == 3 else 1
            growth[:, axis, axis] = np.exp(moved / np.sqrt(2))
        grown = factors @ growth
        return np.array([[*axes.sds, axes.angle] for axes in list_axes(grown @ grown.mT)])

    for place in (3, 4, 5):
        expected = (measure(place, step) - measure(place, -step)) / (2 * step)
        np.testing.assert_allclose(rates[:, :, place], expected, rtol=1e-6, atol=1e-9)


def test_a_round_component_has_no_angle() -> None:
    round_one = mixture_of([1.0], [[0, 0]], [2 * np.eye(2)])
    rates = differentiate_axes(round_one, np.array([10.0]))
    assert np.isnan(rates[0, 2, 3:]).all()
    assert np.isfinite(rates[0, :2]).all()


def test_figures_come_back_from_json() -> None:
    figures = measure_figures(random_mixture(3, seed=6))
    figures[1, 2:4] = np.nan
    for values in (figures, np.stack([figures, figures + 1], axis=-1)):
        read = read_figures(json.loads(json.dumps(name_figures(values))))
        np.testing.assert_array_equal(read, values)
