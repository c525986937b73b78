"""Groups: what people mean by clusters, where components are only Gaussians.

Here belongs the density of a mixture as a `landscape`: its `modes` and who climbs to them, its
`saddles`, all of it as the `terrain`, with the `tree` in which modes join across valleys; the
`groups` that a cut of the tree gives, and the `borders` between them; and `merging`, groups by how
much components overlap. All but the groups' shares in the components follows from the
mixture alone. NumPy only.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
