"""Units of figures that could be taken for each other: types to the checker, floats at run time.

`float()` of a sum over all points is `Nats`; divided by N it is `NatsPerPoint`.
"""

from typing import NewType

Nats = NewType("Nats", float)
NatsPerPoint = NewType("NatsPerPoint", float)
