"""Parameters that stay as they are given, as steps of an optimizer have to know them."""

from typing import NamedTuple

import torch
from torch import Tensor

from gmmcli.core.inference.model import Components
from gmmcli.core.mixture.knowledge import Knowledge


class Held(NamedTuple):
    """What stays of a mixture.

    Attributes:
        values: the components that have its values.
        weights: which weights stay, shape (P,).
        means: which means, shape (K,).
        covariances: which covariances, shape (K,).
    """

    values: Components
    weights: Tensor
    means: Tensor
    covariances: Tensor

    @staticmethod
    def of(known: Knowledge) -> "Held | None":
        """What stays by what is known, in whitened units; None where nothing does."""
        fixed = known.fixed
        if fixed is None:
            return None
        masks = fixed.parts, fixed.means, fixed.covariances
        return Held(Components.of(fixed.mixture), *(torch.tensor(mask) for mask in masks))

    def restore(self, components: Components) -> Components:
        """The components with what stays; the other weights share what these leave.

        Gradients with respect to what is restored here go to the free parameters alone.
        """
        free = torch.where(self.weights, 0.0, components.weights)
        left = 1 - self.values.weights[self.weights].sum()
        shared = left * free / free.sum() if free.any() else free
        return components._replace(
            weights=torch.where(self.weights, self.values.weights, shared),
            means=torch.where(self.means[:, None], self.values.means, components.means),
            factors=torch.where(
                self.covariances[:, None, None], self.values.factors, components.factors
            ),
        )

    def project(self, gradient: Tensor, roots: Tensor) -> Tensor:
        """The part of a gradient in local units, shape (P, 6), that what stays leaves free.

        Args:
            gradient: in local units.
            roots: of the masses, shape (P, 1), along which free masses would grow together.
        """
        stays, n_components = torch.zeros_like(gradient, dtype=torch.bool), len(self.means)
        stays[:, 0] = self.weights
        stays[:n_components, 1:3] = self.means[:, None]
        stays[:n_components, 3:] = self.covariances[:, None]
        gradient = torch.where(stays, 0.0, gradient)
        along = torch.where(self.weights, 0.0, roots[:, 0])
        if along.any():
            masses = gradient[:, 0] - along * (along @ gradient[:, 0]) / (along @ along)
            gradient = torch.cat([masses[:, None], gradient[:, 1:]], dim=1)
        return gradient
