"""Assessment: how sure the figures of a mixture are, and where it does not describe the points.

Here belong the `scales` on which figures have errors that are alike on either side, and the
`errors` themselves, and what a fit is `worth` as a prior. NumPy only, but for quantiles.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
