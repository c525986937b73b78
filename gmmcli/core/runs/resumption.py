"""An interrupted fit, as its run tells of it: what was asked, how far it came, how it goes on."""

import math
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from gmmcli.core.cells.cells import Cells
from gmmcli.core.inference.model import skip_checks
from gmmcli.core.inference.state import State
from gmmcli.core.mixture.knowledge import Knowledge
from gmmcli.core.mixture.mixture import Mixture
from gmmcli.core.mixture.objects import MOST_BYTES
from gmmcli.core.runs.asked import Asked, read_settings
from gmmcli.core.runs.directory import read_run
from gmmcli.core.runs.layout import PARAMETERS
from gmmcli.core.runs.reading import DamageError, parse_json, read_file, read_object, read_value
from gmmcli.core.search.criteria import Selection
from gmmcli.core.search.fit import resume_from
from gmmcli.core.search.hooks import Hooks
from gmmcli.core.search.outcome import Outcome, Search
from gmmcli.core.search.status import Status
from gmmcli.errors import RunError
from gmmcli.settings import MOST_FRAMES, FitSettings

# What the JSON of a run says of its data.
DATA = ((str, "path"), (int, "rows"))


@dataclass(frozen=True, eq=False)
class Resumption:
    """What a run holds of a fit that has not converged.

    Attributes:
        directory: of the run.
        told: what its JSON says.
        way: the states so far, in data units.
        cells: the data, as the run has them.
        selection: what the mixture was chosen from; None where there was no choice.
        columns: the names of the two coordinates.
    """

    directory: Path
    told: "Told"
    way: tuple[State, ...]
    cells: Cells
    selection: Selection | None
    columns: tuple[str, str]

    @property
    def asked(self) -> Asked:
        """What was asked for."""
        return self.told.asked

    @property
    def settings(self) -> FitSettings:
        """What was asked of the fit itself."""
        return self.told.settings

    @property
    def is_search(self) -> bool:
        """Whether the search itself was interrupted, which can only be begun anew."""
        return self.told.search is not None and self.told.status is Status.INTERRUPTED

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
        taken, asked = self.way[-1].step, self.settings.steps
        if more is not None:
            return taken + more
        return asked if asked > taken else taken + asked

    def check_frames(self) -> None:
        """Refuse to draw more frames than anybody does unasked, as a stranger's run may ask for.

        Raises:
            RunError: saying how many there are.
        """
        every = self.asked.snapshots
        if self.asked.pictures and every != "auto" and len(self.way) > every * MOST_FRAMES:
            raise RunError(
                f"{self.directory} asks for {len(self.way) // every:,} frames: say which to draw, "
                "with --snapshots auto or --no-frames"
            )

    def check_data(self, n_rows: int, cells: Cells) -> None:
        """Refuse other data than those of the fit, as the rows and the moments of cells tell.

        Args:
            n_rows: of the data.
            cells: of the data; others than those of the run may be finer or coarser.

        Raises:
            RunError: saying what has changed.
        """
        changed = ""
        if n_rows != self.told.n_rows:
            changed = f"from {self.told.n_rows:,} rows to {n_rows:,}"
        elif not math.isclose(cells.n_points, self.cells.n_points, rel_tol=1e-9):
            changed = f"from a weight of {self.cells.n_points:g} to one of {cells.n_points:g}"
        elif (change := find_change(self.cells, cells)) is not None:
            figure, places = change
            changed = f"in the {figure} of {' and '.join(self.columns[i] for i in places)}"
        if changed:
            raise RunError(
                f"the data have changed since {self.directory} was written, {changed}: "
                "fit them without --resume"
            )

    def go_on(self, cells: Cells, settings: FitSettings, hooks: Hooks) -> Outcome:
        """Where the climb leads from here, with what it was chosen from."""
        with skip_checks():
            told = self.told.search, self.told.known
            outcome = resume_from(cells, settings, self.way, *told, hooks=hooks)
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


@dataclass(frozen=True)
class Told:
    """What the JSON of a run says of how its fit can go on.

    Attributes:
        asked: what was asked for.
        settings: what was asked of the fit itself.
        source: the data, as they were named.
        n_rows: the rows read.
        status: how the fit ended.
        search: what was done to find where the way began; None where that was given.
        known: of the mixture before the data.
        is_part: whether it is of the rows of one value.
    """

    asked: Asked
    settings: FitSettings
    source: str
    n_rows: int
    status: Status
    search: Search | None
    known: Knowledge
    is_part: bool


def read_resumption(directory: Path) -> Resumption:
    """The fit of a run, to go on with.

    Raises:
        RunError: where the run is damaged, has fits by value, or tells too little, as those of
            earlier versions do.
    """
    run = read_run(directory)
    told = read_file(directory / PARAMETERS, _parse_told, most_bytes=MOST_BYTES)
    if told.asked.by is not None or told.is_part:
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
    return Resumption(directory, told, way, run.cells, run.selection, run.columns)


def _parse_told(path: Path) -> Told:
    """What a file says of how its fit can go on.

    Raises:
        DamageError: naming what it does not say, or wrongly.
    """
    values = parse_json(path)
    fit, data = values["fit"], values["data"]
    asked, settings = Asked.from_json(values["settings"]), read_settings(values["settings"])
    try:
        status = Status(fit["status"])
    except ValueError:
        raise DamageError(f"fit.status is {fit['status']!r}: no fit ends so") from None
    search = None if fit["search"] is None else read_object(Search, fit["search"], "fit.search")
    if search is not None and (asked.init, asked.like, asked.prior) != ("auto", None, None):
        raise DamageError("it tells of a search and of a start that was given")
    source, n_rows = (read_value(kind, data[name], f"data.{name}") for kind, name in DATA)
    known = Knowledge.from_json(values, Mixture.from_json(values))
    return Told(asked, settings, source, n_rows, status, search, known, "by" in values)


def find_change(
    before: Cells, after: Cells, *, rounding: float = 1e-9
) -> tuple[str, tuple[int, ...]] | None:
    """The first moment that is another in other cells, and of which coordinates; None if none is.

    Args:
        before: some cells, in data units.
        after: others, in the same units.
        rounding: how far sums in another order may be apart, as a share of a standard deviation;
            where the values are large beside that, as far as a few of their last digits.
    """
    mean, covariance = before.mean(), before.covariance()
    spreads = np.sqrt(np.diagonal(covariance))
    slack = rounding * spreads + 4 * np.spacing(abs(mean) + spreads)  # (2,)
    allowed = np.outer(slack, spreads) + np.outer(spreads, slack) + np.outer(slack, slack)
    is_moved = abs(after.mean() - mean) > slack
    is_other = abs(after.covariance() - covariance) > allowed  # (2, 2)
    for i in (0, 1):
        if is_moved[i] or is_other[i, i]:
            return "mean" if is_moved[i] else "variance", (i,)
    return ("covariance", (0, 1)) if is_other[0, 1] else None
