"""What can become of a fit, and of a candidate for the choice, each with its remedy.

Imports nothing heavy.
"""

from enum import Enum


class Status(Enum):
    """How a fit ended, or how far a candidate has come, in the words that a user reads."""

    CONVERGED = "converged"
    STEP_LIMIT = "step limit reached"
    INTERRUPTED = "interrupted"
    # No climb was made, as the candidate could not win: its figure is that of a pass.
    PRELIMINARY = "preliminary"

    @classmethod
    def _missing_(cls, value: object) -> "Status | None":
        """The status by a word that earlier runs have for it."""
        earlier = ("left behind", "on the covariance floor", "on fewer than 6 points")
        return cls.PRELIMINARY if value in earlier else None

    @property
    def remedy(self) -> str:
        """What to do; empty where nothing is amiss, or nothing helps."""
        remedies = {
            Status.STEP_LIMIT: "raise --steps to climb on",
            Status.INTERRUPTED: "go on with --resume RUN",
        }
        return remedies.get(self, "")
