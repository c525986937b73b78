"""What was asked of a fit, as the settings of its run tell it, beside those of the fit itself."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal

from gmmcli.core.runs.reading import DamageError, read_object
from gmmcli.settings import (
    LEVEL,
    MOST_CELLS,
    VALLEY,
    BackgroundChoice,
    Choice,
    EngineName,
    FitSettings,
)


@dataclass(frozen=True)
class Asked:
    """What was asked of a fit, beside its `FitSettings`, under the names in the JSON of a run.

    Each default is what a run means that does not tell, as those of earlier versions do not.

    Attributes:
        table: of the database or workbook; None where there is but one.
        engine: what reads the data.
        weight: how much each row counts; None where each counts 1.
        where: the condition that rows have to meet; None for all rows.
        by: the column whose values are fitted by themselves too; None where none is.
        strict: whether rows without two finite coordinates are refused.
        exact: whether every distinct point is a cell.
        cells: the most of them.
        init: where to start: the name of a mixture, or "auto" for a search.
        like: the run that the fit is to be like; None for none.
        prior: the run, or the mixture, that was known before; None for none.
        prior_weight: how many points that is worth; None for as many as the run knew it by.
        choice: what the mixture is chosen from; None where nothing is left to be chosen.
        background: whether there is one, in a choice or without.
        valley: from where on valleys divide no groups.
        level: the confidence level of intervals.
        bootstrap: how many resamples errors are of; None for those by the sandwich.
        snapshots: which steps to show.
        pictures: whether they are drawn.
    """

    table: str | None = None
    engine: EngineName = "auto"
    weight: str | None = None
    where: str | None = None
    by: str | None = None
    strict: bool = False
    exact: bool = False
    cells: int = MOST_CELLS
    init: str = "auto"
    like: str | None = None
    prior: str | None = None
    prior_weight: float | None = None
    choice: Choice | None = None
    background: BackgroundChoice | None = None
    valley: float = VALLEY
    level: float = LEVEL
    bootstrap: int | None = None
    snapshots: Literal["auto"] | int = "auto"
    pictures: bool = True

    @staticmethod
    def among(choice: Choice, **others: Any) -> "Asked":
        """What was asked where the mixture is one of a choice, if that leaves any."""
        kept = choice if choice.is_open else None
        return Asked(choice=kept, background=choice.background, **others)

    def to_json(self) -> dict[str, Any]:
        """The same, ready for `json.dump`."""
        return asdict(self)

    @staticmethod
    def from_json(settings: Mapping[str, Any]) -> "Asked":
        """What the settings of a run tell.

        Raises:
            DamageError: naming what has a value that it cannot have.
        """
        asked: Asked = read_object(Asked, settings, "settings", may_lack=True)
        if asked.snapshots != "auto" and asked.snapshots < 1:
            raise DamageError(f"settings.snapshots is {asked.snapshots}: it should be above 0")
        return asked


def read_settings(settings: Mapping[str, Any]) -> FitSettings:
    """What the settings of a run tell of the fit itself.

    Raises:
        DamageError: naming what is missing or has a value that it cannot have.
    """
    found: FitSettings = read_object(FitSettings, settings, "settings")
    return found
