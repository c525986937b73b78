"""What can become of a fit, and of a candidate for the choice, each with its remedy.

Imports nothing heavy.
"""

from enum import Enum

from gmmcli.settings import HANDFUL


class Status(Enum):
    """How a fit ended, or why a candidate cannot be chosen, in the words that a user reads."""

    CONVERGED = "converged"
    STEP_LIMIT = "step limit reached"
    INTERRUPTED = "interrupted"
    # The climb was not finished, or not begun, as the candidate could not win.
    PRELIMINARY = "preliminary"
    # Rejected, for a component that is thin, or small.
    ON_FLOOR = "on the covariance floor"
    ON_FEW = f"on fewer than {HANDFUL} points"

    @classmethod
    def _missing_(cls, value: object) -> "Status | None":
        """The status by the word that earlier runs have for it."""
        return cls.PRELIMINARY if value == "left behind" else None

    @property
    def is_rejected(self) -> bool:
        """Whether a candidate cannot be chosen, as its likelihood says nothing about the data."""
        return self in (Status.ON_FLOOR, Status.ON_FEW)

    @property
    def remedy(self) -> str:
        """What to do; empty where nothing is amiss, or nothing helps."""
        remedies = {
            Status.STEP_LIMIT: "raise --steps to climb on",
            Status.INTERRUPTED: "go on with --init and this run's parameters.json",
            Status.ON_FLOOR: "if values are rounded, raise --floor, and leave out single points "
            "far off",
        }
        return remedies.get(self, "")
