"""Adam, for comparison and for teaching: the climb of the worked example."""

from pyro.infer.util import zero_grads
from pyro.optim import Adam as PyroAdam  # type: ignore[attr-defined]

from gmmcli.core.inference.ascent import Evaluation, Steady
from gmmcli.core.inference.model import Components, MixtureModel


class Adam:
    """Pyro's Adam on the unconstrained parameters of a model.

    In the form of AMSGrad (Reddi, Kale & Kumar 2018): plain Adam never settles where its gradients
    vanish.

    Args:
        learning_rate: of Adam.
    """

    def __init__(self, learning_rate: float) -> None:
        self._update = PyroAdam({"lr": learning_rate, "amsgrad": True})

    def init(self) -> Steady:
        """The state before the first step."""
        return Steady()

    def step(self, state: Steady, evaluation: Evaluation, model: MixtureModel) -> Steady:
        """The same state; the model is moved by a step of Adam."""
        evaluation.loss.backward()
        parameters = list(model.parameters())
        self._update(parameters)
        zero_grads(parameters)
        return state


def move_inside(start: Components, *, least: float, margin: float = 1e-12) -> Components:
    """A start off the bounds of the parameters, where an unconstrained one would be infinite.

    Args:
        start: where to begin.
        least: the least value on the diagonal of a factor.
        margin: how far off a weight, or a diagonal in whitened units, has to be at least.
    """
    weights = start.weights.clamp(min=margin)
    over = (start.factors.diagonal(dim1=1, dim2=2) - least).clamp(min=margin)
    factors = start.factors.tril(-1) + (least + over).diag_embed()
    return start._replace(weights=weights / weights.sum(), factors=factors)
