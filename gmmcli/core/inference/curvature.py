"""What steps have learned of the curvature of an ELBO, and the direction that it recommends.

Limited-memory BFGS (Nocedal 1980), with the information of the points in place of the identity
where that has been worked out. Everything is in local units; see `local_units`.
"""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from gmmcli.core.cells.cells import Cells
from gmmcli.core.cells.information import Information, observe_information
from gmmcli.core.inference.model import Components
from gmmcli.core.mixture.covariances import FloatArray
from gmmcli.core.mixture.knowledge import Knowledge
from gmmcli.settings import CovarianceType

Curvature = Callable[[Components], Information]


@dataclass(frozen=True, eq=False)
class Memory:
    """What steps have learned of the curvature of an ELBO.

    Attributes:
        pairs: steps that were taken, and how much each took off the gradient; the last few.
        curvature: the information at the place where the first of them was taken, if it is known.
    """

    pairs: tuple[tuple[Tensor, Tensor], ...] = ()
    curvature: Information | None = None

    @property
    def is_empty(self) -> bool:
        """Whether nothing has been learned."""
        return not self.pairs and self.curvature is None

    def learn(
        self, step: Tensor, fall: Tensor, *, most: int = 20, least_share: float = 1e-8
    ) -> "Memory":
        """This memory with one step more, where the ELBO is concave along it.

        Args:
            step: that was taken, shape (P, 6).
            fall: how much it took off the gradient, shape (P, 6).
            most: how many steps are kept.
            least_share: a step tells of curvature when this share of it lies along the change of
                the gradient.
        """
        if not (step * fall).sum() > least_share * step.norm() * fall.norm():
            return self
        return Memory((*self.pairs, (step, fall))[-most:], self.curvature)

    def recommend(self, gradient: Tensor, longest: float) -> Tensor:
        """The step that follows from a gradient, both of shape (P, 6).

        By the two-loop recursion (Nocedal 1980); Newton's part of it is no longer than `longest`,
        in local units.
        """
        step, shares = gradient, list[Tensor]()
        for move, fall in reversed(self.pairs):
            share = (move * step).sum() / (move * fall).sum()
            step = step - share * fall
            shares.append(share)
        if self.curvature is not None:
            newton = self.curvature.step(step.ravel().numpy(), longest)
            step = torch.from_numpy(newton).reshape(step.shape)
        for (move, fall), share in zip(self.pairs, reversed(shares), strict=True):
            step = step + move * (share - (fall * step).sum() / (move * fall).sum())
        return step if (step * gradient).sum() > 0 else gradient


def find_curvature(
    cells: Cells,
    n_components: int,
    covariance: CovarianceType,
    least: FloatArray,
    known: Knowledge,
    *,
    most_components: int = 60,
) -> Curvature | None:
    """What works out how the ELBO bends at a place; None where it would take too long.

    Args:
        cells: the data, in whitened units.
        n_components: K.
        covariance: the covariance type.
        least: the least covariance, in whitened units, shape (2, 2).
        known: of the mixture before its points, in whitened units.
        most_components: with more it is left out: it takes as long as one evaluation of the ELBO
            with ten components, three with thirty, four with fifty, a dozen with a hundred
            (`benchmarks/convergence.py`).
    """
    if n_components > most_components:
        return None

    def work_out(components: Components) -> Information:
        mixture = components.to_mixture()
        return observe_information(
            cells, mixture, covariance, least, moves_background=True, known=known
        )

    return work_out
