"""What is left to climb, told from the ELBOs of the steps so far. Arrays in, numbers out."""

from collections.abc import Sequence

import numpy as np

from gmmcli.core.mixture.covariances import FloatArray
from gmmcli.settings import OptimizerName

# Adam's ELBO goes up and down from step to step, so it is judged by the best of ten.
WINDOWS: dict[OptimizerName, int] = {"natural": 1, "adam": 10}
# The share of an ELBO that rounding may change at least: an ELBO that falls by less has not fallen.
# The number of doubles that are summed decides it; no benchmark does.
ELBO_ROUNDING = 1e-14


def estimate_remaining_climb(
    elbos: Sequence[float], window: int = 1, *, rounding: float = 0.0, n_noise: float = 2
) -> float:
    """An estimate of how far an ELBO still has to climb, in nats; infinite when nothing is known.

    Near the optimum the climbs of successive steps shrink by a constant rate, so what remains is a
    geometric series (Aitken's acceleration; Boehning et al. 1994, section 3). The rate is the
    largest of the last three, since a slow direction shows only when the fast ones are done. There
    is nothing left where the last three climbs are no larger than what rounding does to the ELBO.

    Args:
        elbos: the ELBO of every step so far, in nats.
        window: the steps of which the best ELBO counts; 1 where it cannot fall.
        rounding: what is known to change an ELBO by rounding, in nats, beyond that of its sum.
        n_noise: a climb of at most so many times the noise of rounding may be noise.
    """
    n_windows = len(elbos) // window
    if n_windows < 5:
        return float("inf")
    recent = np.array(elbos[-5 * window :]).reshape(5, window).max(axis=1)
    climbs = np.diff(recent)
    noise = max(rounding, ELBO_ROUNDING * abs(recent[-1]))
    if window == 1:
        noise = max(noise, find_deepest_fall(recent))
    climbs[np.abs(climbs) <= n_noise * noise] = 0.0
    if not climbs[-3:].any():
        return 0.0
    if (climbs <= 0).any():
        return float("inf")
    rate = (climbs[1:] / climbs[:-1]).max()
    return float(climbs[-1] * rate / (1 - rate)) if rate < 1 else float("inf")


def estimate_after_probe(
    elbos: Sequence[float], *, rounding: float = 0.0, n_noise: float = 2
) -> float:
    """What an ELBO had left to climb before a few full steps that tell, in nats.

    Args:
        elbos: before the first of these steps, and after each, in nats.
        rounding: see `estimate_remaining_climb`.
        n_noise: a climb of at most so many times the noise of rounding may be noise.
    """
    climbed = max(elbos) - elbos[0]
    noise = n_noise * max(rounding, ELBO_ROUNDING * abs(elbos[0]), find_deepest_fall(elbos))
    return max(climbed - noise, 0.0) + estimate_remaining_climb(elbos, rounding=rounding)


def find_deepest_fall(elbos: Sequence[float] | FloatArray) -> float:
    """The deepest fall of an ELBO that cannot fall, in nats: what rounding does to it.

    Args:
        elbos: of two steps or more.
    """
    return max(0.0, -float(np.diff(elbos).min()))
