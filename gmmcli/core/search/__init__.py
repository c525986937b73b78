"""The best mixture by one objective, and its number of components at once.

Here belongs what decides which mixture of some cells is the best: the `objective`; `starts`, steps
and merges on a `region` of points, `regions` solved anew, `passes` over the number of components
and `insertion`, all on the `problem`, the data as a search sees them; the `choice`, with its
`criteria`, and the `climbs` by Pyro that lead there, on the `stages` of cells; `fit` from a start;
`sketch`, a rough mixture without Torch. What all of it trades by is in `constants`. A search ends
in an `outcome`, in whitened units, with a `status`.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
