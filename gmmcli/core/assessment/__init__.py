"""Assessment: how sure the figures of a mixture are, and where it does not describe the points.

Here belong the `scales` on which figures have errors that are alike on either side, and the
`errors` themselves, by the sandwich; what a fit is `worth` as a prior; what comes of `resamples`:
errors by the `bootstrap`, whose replicates climb from an `anchor` to an `optimum` each, and
`choices` among mixtures; the `overlap` of components; and their `misfit`, also where values went
through `rounding`, with that of the whole beside a histogram of `bins`. `diagnostics` has all that
is told of a fit. NumPy only, but for quantiles and shares of normal distributions.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
