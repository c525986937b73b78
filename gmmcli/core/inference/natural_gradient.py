"""Steps along the natural gradient of the ELBO, which are EM steps where they are full."""

import torch
from torch import Tensor

from gmmcli.core.inference.ascent import Ascent, Evaluation, Steady
from gmmcli.core.inference.held import Held
from gmmcli.core.inference.model import Components, MixtureModel
from gmmcli.core.mixture.covariances import FloatArray
from gmmcli.core.mixture.structures import constrain

# A component that accounts for a smaller share of the points has only rounding to go by, and stays
# as it is. Rounding of doubles decides it; no benchmark does.
EMPTY = 1e-13


class NaturalGradient:
    """Steps along the natural gradient of the ELBO of a mixture.

    A full step is an EM step exactly, and with any share of one the ELBO never falls (Xu & Jordan
    1996, equations 5 to 7; Hoffman et al. 2013, section 2).

    Args:
        n_points: N, the sum of the cells' counts and of what a prior is worth.
        ascent: the covariance type, the share of a full step, the least covariance, and what stays.
    """

    def __init__(self, n_points: float, ascent: Ascent) -> None:
        self.n_points, self.ascent = n_points, ascent
        self._held = Held.of(ascent.known)

    def init(self) -> Steady:
        """The state before the first step."""
        return Steady()

    def step(self, state: Steady, evaluation: Evaluation, model: MixtureModel) -> Steady:
        """The same state; the model is moved along the natural gradient."""
        gradients = differentiate(evaluation)
        with torch.no_grad():
            model.move(self.propose(evaluation.components, gradients))
        return state

    def propose(self, here: Components, gradients: Components) -> Components:
        """Where a step leads, given the gradients of the ELBO with respect to the parameters."""
        masses, mean_steps, free = self._find_moments(here, gradients)
        before = (here.factors @ here.factors.mT).numpy()
        factors = constrain_factors(free, masses[: here.n_components], self.ascent, before)
        means = here.means + mean_steps
        there = Components(masses / masses.sum(), means, factors, here.background)
        return there if self._held is None else self._held.restore(there)

    def _find_moments(
        self, here: Components, gradients: Components
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Masses (K,), steps of the means (K, 2) and free covariances (K, 2, 2) after a step.

        With a background there are K + 1 masses, of which the last is its own. The gradients are
        taken to the units of each component, where they have the size of its mass however tight it
        is.

        Args:
            here: where the step begins.
            gradients: of the ELBO there.
        """
        weights, factors, share = here.weights, here.factors, self.ascent.learning_rate
        # The model normalises its weights, which takes N off their gradient.
        accounted = (weights * (self.n_points + gradients.weights)).clamp(min=0)
        masses = (1 - share) * self.n_points * weights + share * accounted
        alive = masses > EMPTY * self.n_points
        per_mass = torch.where(alive, share / masses, 0.0)[: here.n_components, None, None]
        masses = torch.where(alive, masses, 0.0)
        steps = per_mass * (factors.mT @ gradients.means[:, :, None])  # (K, 2, 1), in its units
        if self._held is not None:  # covariances are about the means that stay
            steps = torch.where(self._held.means[:, None, None], 0.0, steps)
        lower = (factors.mT @ gradients.factors).tril()
        growth = per_mass * (lower + lower.tril(-1).mT)  # (K, 2, 2), in its units
        unit = torch.eye(2, dtype=factors.dtype)
        covariances = factors @ (unit + growth - steps @ steps.mT) @ factors.mT
        return masses, (factors @ steps)[:, :, 0], covariances


def differentiate(evaluation: Evaluation) -> Components:
    """The gradients of the ELBO with respect to the components, of their shapes."""
    *moving, background = evaluation.components
    weights, means, factors = torch.autograd.grad(-evaluation.loss, moving)
    return Components(weights, means, factors, background)


def constrain_factors(
    covariances: Tensor, masses: Tensor, ascent: Ascent, before: FloatArray | None = None
) -> Tensor:
    """The Cholesky factors (K, 2, 2) of the covariances of a type that fit best in place of some.

    Args:
        covariances: shape (K, 2, 2).
        masses: the points that each component accounts for, shape (K,).
        ascent: the covariance type and the least covariance.
        before: covariances to keep if they fit better; see `constrain`.
    """
    typed = constrain(
        covariances.numpy(), masses.numpy(), ascent.covariance, least=ascent.least, before=before
    )
    factors: Tensor = torch.linalg.cholesky(torch.from_numpy(typed))
    return factors
