"""The best of many optima, and of many numbers of components.

Here belongs what decides where climbs begin and which of their ends is better: the `objective`,
`starts`, `moves` and `insertion`, their `rounds`, the `stages` of cells, all together in `fit`;
`criteria` and the `choice` by them; `sketch`, a rough mixture without Torch. A search ends in an
`outcome`, in whitened units, with a `status`.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
