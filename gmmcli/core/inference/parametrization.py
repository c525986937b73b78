"""What stands for covariances among the parameters of a model: Pyro's, whatever the type.

Where components share all of their covariances or nothing, that is factors or their diagonals.
Where they share something, it is volumes, elongations and angles, each of all components or of
one; see `mixture.ellipses`. Whatever an optimizer does to its parameters, the type is kept.
"""

import torch
from pyro.nn import PyroModule, PyroParam
from torch import Tensor
from torch.distributions import constraints

from gmmcli.core.mixture.structures import CovarianceStructure


def parametrize(
    structure: CovarianceStructure, factors: Tensor, least: float
) -> "Factors | Ellipticals":
    """What stands for factors of covariances of a type.

    Args:
        structure: of the type.
        factors: lower Cholesky factors, shape (K, 2, 2).
        least: the least standard deviation.
    """
    kind = Ellipticals if structure.is_mixed else Factors
    return kind(structure, factors, least)


class Factors(PyroModule):
    """Cholesky factors, or their diagonals where these are all; one where components share it.

    Args:
        structure: of a type that shares everything or nothing.
        factors: to begin with, shape (K, 2, 2).
        least: the least value on the diagonal of a factor.
    """

    def __init__(self, structure: CovarianceStructure, factors: Tensor, least: float) -> None:
        super().__init__()
        self.structure, self.least = structure, least
        kind = constraints.positive if structure.is_aligned else constraints.lower_cholesky
        # A PyroModule keeps a PyroParam and gives back its value, a tensor.
        self.factors: Tensor = PyroParam(self._narrow(factors), kind)  # type: ignore[assignment]

    def to_factors(self, n_components: int) -> Tensor:
        """The lower Cholesky factors, shape (K, 2, 2), with their graph."""
        factors = self.factors
        if self.structure.is_aligned:
            factors = torch.diag_embed(factors.expand(-1, 2))
        factors = factors.expand(n_components, 2, 2)
        return factors + self.least * torch.eye(2, dtype=factors.dtype)

    @torch.no_grad()
    def move(self, factors: Tensor) -> None:
        """Set the parameters to those of factors, (K, 2, 2), of covariances of the type."""
        self.factors = self._narrow(factors)

    def _narrow(self, factors: Tensor) -> Tensor:
        """What stands for factors (K, 2, 2) among the parameters, where they are of the type.

        (K, 2, 2), or (1, 2, 2) where components share them, or their diagonals, (K, 2), or (K, 1).
        """
        values = (factors.diagonal(dim1=1, dim2=2) - self.least).clamp(min=0)  # rounding
        if self.structure.is_round:
            values = values[:, :1]
        elif not self.structure.is_aligned:
            values = factors.tril(-1) + torch.diag_embed(values)
        return values[:1] if self.structure.is_shared else values


class Ellipticals(PyroModule):
    """Volumes, elongations and angles of ellipses; one of each that components share.

    The volume is what is beyond the least that the elongation allows: the root of a volume times
    the exponential of minus half the elongation is the shorter standard deviation.

    Args:
        structure: of a type that shares something.
        factors: to begin with, shape (K, 2, 2).
        least: the least standard deviation.
    """

    def __init__(self, structure: CovarianceStructure, factors: Tensor, least: float) -> None:
        super().__init__()
        self.structure, self.least = structure, least
        beyond, elongations, angles = self._take_apart(factors)
        self.beyond: Tensor = PyroParam(beyond, constraints.positive)  # type: ignore[assignment]
        self.elongations: Tensor = PyroParam(elongations)  # type: ignore[assignment]
        # Along the axes of the coordinates they are no parameter.
        self.angles: Tensor = angles if structure.is_aligned else PyroParam(angles)  # type: ignore[assignment]

    def to_factors(self, n_components: int) -> Tensor:
        """The lower Cholesky factors, shape (K, 2, 2), with their graph."""
        elongations = self.elongations.expand(n_components)
        sizes = self.beyond + self._find_least(elongations)  # (K,), or (1,)
        first, second = sizes * (elongations / 2).exp(), sizes * (-elongations / 2).exp()
        cosines, sines = self.angles.cos(), self.angles.sin()
        # The factor of a covariance from the product of its axes by their standard deviations.
        x = ((cosines * first) ** 2 + (sines * second) ** 2).sqrt()
        across = cosines * sines * (first**2 - second**2) / x
        rows = [torch.stack([x, torch.zeros_like(x)], -1), torch.stack([across, sizes**2 / x], -1)]
        return torch.stack(rows, dim=-2)

    @torch.no_grad()
    def move(self, factors: Tensor) -> None:
        """Set the parameters to those of factors, (K, 2, 2), of covariances of the type."""
        self.beyond, self.elongations, self.angles = self._take_apart(factors)

    def _find_least(self, elongations: Tensor) -> Tensor:
        """The least roots of volumes that keep axes from being too short, shape (K,), or (1,)."""
        least = self.least * (elongations.abs() / 2).exp()
        return least.amax(dim=0, keepdim=True) if self.structure.volume == "E" else least

    def _take_apart(self, factors: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """The parameters of factors, (K, 2, 2), of covariances of the type."""
        ellipses = self.structure.describe((factors @ factors.mT).numpy())
        elongations = torch.from_numpy(ellipses.elongations)
        sizes = torch.from_numpy(ellipses.log_volumes / 2).exp()
        beyond = (sizes - self._find_least(elongations)).clamp(min=0)  # rounding
        parts = beyond, elongations, torch.from_numpy(ellipses.angles)
        shared = zip(parts, self.structure.code, strict=True)
        beyond, elongations, angles = (p if letter == "V" else p[:1] for p, letter in shared)
        return beyond, elongations, angles
