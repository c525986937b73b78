"""Assessment: how sure the figures of a mixture are, and where it does not describe the points.

Here belong the `scales` on which figures have errors that are alike on either side, and the
`errors` themselves; the `overlap` of components; and their `misfit`, also where values went
through `rounding`, with that of the whole beside a histogram of `bins`. NumPy only, but for
quantiles and shares of normal distributions.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
