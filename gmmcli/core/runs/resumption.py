"""An interrupted fit, as its run tells of it: what was asked, how far it came, how it goes on."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from gmmcli.core.cells.cells import Cells
from gmmcli.core.inference.model import skip_checks
from gmmcli.core.inference.state import State
from gmmcli.core.mixture.mixture import Mixture
from gmmcli.core.runs.directory import read_run
from gmmcli.core.runs.layout import PARAMETERS
from gmmcli.core.runs.parameters import read_json
from gmmcli.core.search.criteria import Selection
from gmmcli.core.search.fit import resume_from
from gmmcli.core.search.hooks import Hooks
from gmmcli.core.search.outcome import Outcome, Search
from gmmcli.core.search.status import Status
from gmmcli.errors import RunError
from gmmcli.settings import FitSettings


@dataclass(frozen=True, eq=False)
class Resumption:
    """What a run holds of a fit that has not converged.

    Attributes:
        directory: of the run.
        asked: what was asked for, under the names in its JSON.
        source: the data, as they were named.
        n_rows: the rows read.
        n_points: N.
        status: how the fit ended.
        way: the states so far, in data units.
        search: what was done to find where the way began; None where that was given.
        selection: what the mixture was chosen from; None where there was no choice.
        columns: the names of the two coordinates.
    """

    directory: Path
    asked: Mapping[str, Any]
    source: str
    n_rows: int
    n_points: float
    status: Status
    way: tuple[State, ...]
    search: Search | None
    selection: Selection | None
    columns: tuple[str, str]

    @property
    def is_search(self) -> bool:
        """Whether the search itself was interrupted, which can only be begun anew."""
        return self.search is not None and self.status is Status.INTERRUPTED

    @property
    def start(self) -> Mixture:
        """Where the fit began, in data units."""
        return self.way[0].mixture

    @property
    def mixture(self) -> Mixture:
        """How far it came, in data units."""
        return self.way[-1].mixture

    def count_steps(self, more: int | None) -> int:
        """The most steps in all: so many more, or else as the fit was asked for.

        A fit that took all of these may take as many again.
        """
        taken, asked = self.way[-1].step, int(self.asked["steps"])
        if more is not None:
            return taken + more
        return asked if asked > taken else taken + asked

    def check_rows(self, n_rows: int, n_points: float) -> None:
        """Refuse other rows than those of the fit.

        Raises:
            RunError: saying how many there are.
        """
        if n_rows != self.n_rows or not math.isclose(n_points, self.n_points, rel_tol=1e-9):
            raise RunError(
                f"the data have changed since {self.directory} was written, from {self.n_rows:,} "
                f"rows to {n_rows:,}: fit them without --resume"
            )

    def go_on(self, cells: Cells, settings: FitSettings, hooks: Hooks) -> Outcome:
        """Where the climb leads from here, with what it was chosen from."""
        with skip_checks():
            outcome = resume_from(cells, settings, self.way, self.search, hooks=hooks)
        if self.selection is None:
            return outcome
        winner = replace(
            self.selection.winner,
            log_likelihood=outcome.log_likelihood,
            criteria=outcome.criteria,
            status=outcome.status,
        )
        candidates = list(self.selection.candidates)
        candidates[self.selection.chosen] = winner
        return replace(outcome, selection=replace(self.selection, candidates=tuple(candidates)))


def read_resumption(directory: Path) -> Resumption:
    """The fit of a run, to go on with.

    Raises:
        RunError: where the run is damaged, has fits by value, or tells too little, as those of
            earlier versions do.
    """
    run, values = read_run(directory), read_json(directory)
    if values["settings"].get("by") is not None or "by" in values:
        raise RunError(
            f"{directory} has fits by value, which --resume does not go on with: "
            "fit again with --overwrite"
        )
    history = run.history
    snapshots = [history.snapshot(step) for step in range(history.last_step + 1)]
    way = tuple(
        State(each.step, each.mixture, each.elbo, int(history.n_cells[each.step]), each.by_move)
        for each in snapshots
    )
    try:
        told, data, steps = values["fit"], values["data"], values["settings"]["steps"]
        if not (isinstance(steps, int) and steps >= 0):
            raise ValueError(f"steps is {steps!r}")
        search = None if told["search"] is None else Search(**told["search"])
        return Resumption(
            directory,
            values["settings"],
            data["path"],
            data["rows"],
            told["points"],
            Status(told["status"]),
            way,
            search,
            run.selection,
            run.columns,
        )
    except (KeyError, TypeError, ValueError) as error:
        raise RunError(
            f"{directory / PARAMETERS} does not tell how to go on ({error}): fit the data again"
        ) from error
