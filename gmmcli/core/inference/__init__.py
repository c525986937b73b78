"""Pyro: the model of a mixture over cells, its guide, and the climb of their ELBO.

Here belongs all that knows Torch and Pyro, and no tensor leaves: the `model` with its
`distributions`, its `assignment` and the parameters that are `held`, the optimizers behind one
interface (`ascent`; `natural_gradient`, `quasi_newton` with `curvature` and `local_units`, `adam`),
the loop (`climb`), and when it has converged (`convergence`). Everything is in whitened units.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
