"""The run directory: what a fit leaves behind, written whole and read with suspicion.

JSON, CSV and Parquet only. A run is all that a picture needs; torch is not.
"""

import math
import os
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from gmmcli.claims import claim
from gmmcli.core.assessment.diagnostics import Diagnostics
from gmmcli.core.assessment.errors import Errors
from gmmcli.core.cells.cells import Cells
from gmmcli.core.groups.groups import Groups, find_groups
from gmmcli.core.mixture.knowledge import NOTHING_KNOWN, Knowledge
from gmmcli.core.mixture.mixture import Mixture
from gmmcli.core.mixture.objects import MOST_BYTES
from gmmcli.core.mixture.units import Nats
from gmmcli.core.runs.figures import Figures
from gmmcli.core.runs.history import History, Snapshots
from gmmcli.core.runs.layout import (
    BOOTSTRAP,
    CELLS,
    ELSEWHERE,
    FILES,
    FRAMES,
    HISTORY,
    PARAMETERS,
    SECOND,
    SELECTION,
    check_links,
    is_frame,
    is_part,
    name_picture,
)
from gmmcli.core.runs.parameters import choose_valley, collect_parameters, read_parameters
from gmmcli.core.runs.reading import parse_json, read_file, read_value
from gmmcli.core.runs.records import (
    parse_cells,
    parse_history,
    parse_selection,
    tabulate_bootstrap,
    tabulate_cells,
    tabulate_history,
    tabulate_selection,
)
from gmmcli.core.runs.result import Fit, Provenance
from gmmcli.core.search.criteria import Selection
from gmmcli.core.search.outcome import SecondOptimum
from gmmcli.errors import RunError
from gmmcli.files import stage_directory, write_json
from gmmcli.settings import FitSettings, PictureFormat, PictureKind


@dataclass(frozen=True, eq=False)
class RunRecord:
    """A fit as its run directory tells it.

    Attributes:
        provenance: where it came from.
        settings: what was asked for; where there was a choice, with what was chosen.
        mixture: the final mixture, in data units.
        history: every step.
        cells: the data, as cells.
        figures: how the fit went.
        diagnostics: how far it is to be trusted; None where the fit did not converge, or an
            earlier version wrote the run.
        selection: what the mixture was chosen from; None where there was no choice.
        groups: of the mixture; None where an earlier version wrote the run.
        second: another optimum; None where none is nearly as good.
        known: of the mixture before the data.
    """

    provenance: Provenance
    settings: FitSettings
    mixture: Mixture
    history: History
    cells: Cells
    figures: Figures
    diagnostics: Diagnostics | None = None
    selection: Selection | None = None
    groups: Groups | None = None
    second: SecondOptimum | None = None
    known: Knowledge = NOTHING_KNOWN

    @staticmethod
    def of(
        fit: Fit, provenance: Provenance, exact_log_likelihood: Nats | None = None
    ) -> "RunRecord":
        """What the run directory of a fit holds, whether there is one or not."""
        return RunRecord(
            provenance=provenance,
            settings=fit.settings,
            mixture=fit.mixture,
            history=fit.history,
            cells=fit.cells,
            figures=Figures.of(fit, exact_log_likelihood),
            diagnostics=fit.diagnostics,
            selection=fit.selection,
            groups=fit.groups,
            second=fit.second,
            known=fit.known,
        )

    def to_fit(self) -> Fit:
        """The fit, as a user was told of it."""
        groups = find_groups(self.mixture, self.cells) if self.groups is None else self.groups
        return Fit(
            settings=self.settings,
            history=self.history,
            status=self.figures.status,
            cells=self.cells,
            elbo=self.figures.log_likelihood,
            cost=self.figures.cost,
            criteria=self.figures.criteria,
            floored=self.figures.floored,
            n_effective=self.figures.n_effective,
            search=self.figures.search,
            seconds=self.figures.seconds,
            groups=groups,
            diagnostics=self.diagnostics,
            selection=self.selection,
            second=self.second,
            known=self.known,
            background_gain=self.figures.background_gain,
        )

    @property
    def errors(self) -> Errors | None:
        """How sure the mixture's figures are; None where it has no diagnostics."""
        return None if self.diagnostics is None else self.diagnostics.errors

    @property
    def columns(self) -> tuple[str, str]:
        """The names of the two coordinates."""
        return self.provenance.columns

    @property
    def snapshots(self) -> Snapshots:
        """Which steps the fit was asked to show."""
        return self.provenance.asked.snapshots

    @property
    def has_tree(self) -> bool:
        """Whether there is a tree of modes that tells something."""
        return self.groups is not None and self.groups.has_telling_tree


@contextmanager
def claim_run(directory: Path, *, overwrite: bool) -> Iterator[Path]:
    """The claim of a directory that a run can be written to without harm; see `write_run`.

    Raises:
        RunError: when it exists and `overwrite` is not given, or it holds something else than a
            run.
        OutputError: when it cannot be written, or another process writes there.
    """
    check_target(directory, overwrite=overwrite)
    with claim(directory, ELSEWHERE) as claimed:
        check_target(directory, overwrite=overwrite)  # who had it before may have written it
        yield claimed


def claim_pictures(directory: Path) -> AbstractContextManager[object]:
    """The claim of a directory in which pictures are drawn, so that no run takes its place.

    Where it is not there, or nothing can be made beside it, none can.
    """
    can_be_replaced = directory.is_dir() and os.access(directory.resolve().parent, os.W_OK)
    return claim(directory) if can_be_replaced else nullcontext()


def check_target(directory: Path, *, overwrite: bool) -> None:
    """Raise unless a run may take the place of what is at a path.

    Raises:
        RunError: when something is there and `overwrite` is not given, or it is something else than
            a run.
    """
    if directory.is_symlink() and not directory.exists():
        raise RunError(f"{directory} links to nothing: {ELSEWHERE}")
    if not directory.exists():
        return
    if not directory.is_dir():
        raise RunError(f"{directory} is a file: {ELSEWHERE}")
    if not overwrite:
        raise RunError(f"{directory} exists: {ELSEWHERE}, or add --overwrite")
    if any(directory.iterdir()) and not (directory / PARAMETERS).is_file():
        raise RunError(f"{directory} is not a run: --overwrite replaces nothing but runs")
    if Path.cwd().is_relative_to(directory.resolve()):
        raise RunError(
            f"{directory} holds the current directory, which --overwrite would take away: "
            "run gmm in another one"
        )
    check_links(directory)


def write_run(
    directory: Path,
    fit: Fit,
    provenance: Provenance,
    exact_log_likelihood: Nats | None = None,
    *,
    claimed: Path | None = None,
) -> list[Path]:
    """Write a fit's files to a run directory, all together, and give their paths.

    A run that is there is replaced at once, with its pictures; what no fit wrote goes over.

    Args:
        directory: where to write; made where it does not exist.
        fit: what to write.
        provenance: where the fit came from.
        exact_log_likelihood: of all rows, in nats, where it was asked for.
        claimed: the claim of the directory, where the caller has it.

    Raises:
        OutputError: when they cannot be written, or what another fit left cannot be removed.
    """
    is_replaced = partial(is_part, directory.resolve())
    with stage_directory(directory, claimed=claimed, is_replaced=is_replaced) as stage:
        write_json(stage / PARAMETERS, collect_parameters(fit, provenance, exact_log_likelihood))
        tabulate_history(fit.history).to_csv(stage / HISTORY, index=False)
        tabulate_cells(fit.cells).to_parquet(stage / CELLS, index=False)
        if fit.selection is not None:
            tabulate_selection(fit.selection).to_csv(stage / SELECTION, index=False)
        if (second := fit.second) is not None:
            write_json(stage / SECOND, {"deficit": second.deficit, **second.mixture.to_json()})
        if fit.bootstrap is not None:
            tabulate_bootstrap(fit.bootstrap).to_parquet(stage / BOOTSTRAP, index=False)
        written = {path.name for path in stage.iterdir()}
    return [directory / name for name in FILES if name in written]


def list_pictures(
    directory: Path, kinds: Sequence[PictureKind], picture_format: PictureFormat
) -> list[Path]:
    """The pictures of some kinds in one format that a run may have."""
    paths = [directory / name_picture(kind, picture_format) for kind in kinds if kind != "frames"]
    if "frames" in kinds:
        frames = directory.glob(f"{FRAMES}/*")
        paths += [path for path in frames if is_frame(path.name, picture_format)]
    return paths


def read_run(directory: Path) -> RunRecord:
    """The run in a directory.

    Raises:
        RunError: naming the file that is missing, damaged or of an unknown format version.
    """
    while True:
        before = _identify(directory)
        try:
            run = _read(directory)
        except RunError:
            if before == _identify(directory):
                raise
        else:
            if before == _identify(directory):
                return run
        # Another run took its place meanwhile, and files of both were read.


def _identify(directory: Path) -> tuple[int, int] | None:
    """What tells a directory from another one of the same name; None where there is none."""
    if not directory.is_dir():
        return None
    found = directory.stat()
    return found.st_dev, found.st_ino


def _read(directory: Path) -> RunRecord:
    """The run in a directory, as its files are at this moment."""
    parameters = read_parameters(directory)
    mixture, figures = parameters.mixture, parameters.figures
    if figures is None:
        raise AssertionError(f"the parameters of {directory} have no figures")
    box = None if mixture.background is None else mixture.background.box
    history = read_file(directory / HISTORY, partial(parse_history, box=box))
    if history.weights.shape[1] != mixture.n_components:
        raise RunError(
            f"{directory / HISTORY} is damaged: it has {history.weights.shape[1]} components and "
            f"{PARAMETERS} has {mixture.n_components}; fit the data again"
        )
    cells = read_file(directory / CELLS, parse_cells)
    if not math.isclose(cells.n_points, figures.n_points, rel_tol=1e-9):
        raise RunError(
            f"{directory / CELLS} is damaged: it has {cells.n_points:g} points and "
            f"{PARAMETERS} has {figures.n_points:g}; fit the data again"
        )
    selection = None
    if parameters.criterion is not None:
        parse = partial(parse_selection, parameters=parameters, criterion=parameters.criterion)
        selection = read_file(directory / SELECTION, parse)
    return RunRecord(
        provenance=parameters.provenance,
        settings=parameters.settings,
        mixture=mixture,
        history=history,
        cells=cells,
        figures=figures,
        diagnostics=parameters.diagnostics,
        selection=selection,
        groups=parameters.groups,
        second=_read_second(directory / SECOND),
        known=parameters.known,
    )


def _read_second(path: Path) -> SecondOptimum | None:
    """The other optimum of a run, if it has one.

    Raises:
        RunError: where the file is damaged.
    """

    def parse(path: Path) -> SecondOptimum:
        values = parse_json(path)
        deficit = read_value(float, values["deficit"], "deficit")
        return SecondOptimum(Mixture.from_json(values), Nats(deficit))

    return read_file(path, parse, most_bytes=MOST_BYTES) if path.exists() else None


def group_again(run: RunRecord, valley: float | None) -> RunRecord:
    """A run with groups that valleys divide from here on; with those of the fit by default."""
    valley = choose_valley(run.groups, valley)
    if run.groups is not None and valley == run.groups.valley:
        return run
    tree = None if run.groups is None else run.groups.tree
    return replace(run, groups=find_groups(run.mixture, run.cells, valley, tree))
