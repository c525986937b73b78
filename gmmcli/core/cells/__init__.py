"""Rows become cells: groups of points with the statistics that a Gaussian needs of them.

Here belongs how cells are made (`compression`, by the grids of `first_grid` and `grids`, through
the Ibis `expressions`), those of each value of a column (`parts`), what they cost a fit and which
are cut finer (`gaps`, `shifts`, `refinement`), how many become fewer (`tree`), what they tell
of parameters (`information`) in the `directions` open to these, and which values look like `codes`
for missing ones.
Only `compression` and `expressions` know Ibis; all else is NumPy.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
