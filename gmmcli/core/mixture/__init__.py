"""What a mixture is.

Here belongs what is true of mixtures whatever data they describe: the value with its checks
(`mixture`, read from `objects` of JSON) and its stray points (`background`), what is known of it
before its points (`knowledge`: a prior, and what is fixed), the one density (`densities`), and that
of many Gaussians at once for searches (`gaussians`), lines between groups (`territories`), points
drawn (`sampling`), the map to units of the data's spread (`whitening`), how far apart components
are (`distances`), which of two mixtures' are the same (`matching`, which alone knows SciPy), and
the units of figures (`units`).

Of covariances: their algebra and bounds (`covariances`), their volumes, shapes and orientations
(`ellipses`), the types and their M steps (`structures`), what a type's components share of these
three, as it fits best (`common`), and how a type's covariances can move (`moves`). Nothing here
knows a table, a cell or Torch.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
