"""What a fit leaves: its result, its history, its parameters as JSON, its directory.

Here belongs what a user is told, in data units, and how it is written and read again; how a fit is
made (`fits`), differs from one that it is to be like (`likeness`), and is what is known before
another (`priors`); and the fits of the values of a column (`values`, one of which is in `parts`,
with the numbers of its `partners`, shared among `workers`). A run is all that pictures and
predictions need; reading one loads no Torch.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
