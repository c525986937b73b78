"""Numbers that stay within double precision in every engine.

Where others make zero or infinity of a number, PostgreSQL ends a query that under- or overflows.
"""

import sys
from collections.abc import Sequence

import ibis.expr.types as ir
import numpy as np

from gmmcli.core.mixture.covariances import FloatArray

# The largest finite double; what is larger in size is infinite or NaN.
LARGEST = sys.float_info.max
# A share of a unit too small to be seen beside it in double precision (1e-16), whose square (1e-40
# of the unit's) is still far from vanishing for units of any data (1e-308).
HAIR = 1e-20


def avoid_zero(origins: FloatArray, units: FloatArray) -> FloatArray:
    """Origins moved a hair from zero where they are nearer to it than that.

    Tiny numbers are lost in differences from them then, before their squares would vanish, which
    PostgreSQL refuses.

    Args:
        origins: what numbers are to be subtracted from, in data units, shape (..., 2).
        units: the unit of either axis, in data units, of the same shape.
    """
    hair = HAIR * units
    return np.where(np.abs(origins) < hair, hair, origins)


def add_up(values: Sequence[ir.Value]) -> ir.Value:
    """The sum of some values, by sums of pairs: hundreds, one by one, are nested too deeply."""
    if len(values) == 1:
        return values[0]
    middle = len(values) // 2
    return add_up(values[:middle]) + add_up(values[middle:])
