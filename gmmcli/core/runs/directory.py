"""The run directory: what a fit leaves behind, written whole and read with suspicion.

JSON, CSV and Parquet only. A run is all that a picture needs; torch is not.
"""

import math
import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow.csv

from gmmcli.core.cells.cells import Cells
from gmmcli.core.groups.groups import Groups, find_groups
from gmmcli.core.mixture.covariances import FloatArray
from gmmcli.core.mixture.mixture import Mixture
from gmmcli.core.mixture.units import Nats
from gmmcli.core.runs.history import History, Snapshots
from gmmcli.core.runs.parameters import (
    PARAMETERS,
    VALUES,
    Parameters,
    choose_valley,
    collect_parameters,
    pick,
    read_file,
    read_parameters,
)
from gmmcli.core.runs.result import Fit, Provenance
from gmmcli.core.search.criteria import Candidate, Criteria, Selection
from gmmcli.core.search.status import Status
from gmmcli.errors import RunError
from gmmcli.files import check_writable, remove_directories, stage_directory, write_json
from gmmcli.settings import (
    COVARIANCE_TYPES,
    CRITERIA,
    PICTURE_FORMATS,
    CriterionName,
    PictureFormat,
)

HISTORY, CELLS, SELECTION = "history.csv", "cells.parquet", "selection.csv"

# Of a fit by the values of a column.
VALUES_TABLE = "values.csv"

FILES = (PARAMETERS, HISTORY, SELECTION, CELLS)

HISTORY_PARAMETERS = ["weight", "mean_x", "mean_y", "cov_xx", "cov_xy", "cov_yy"]
HISTORY_COLUMNS = ["step", "by_move", "cells", "elbo", "component", *HISTORY_PARAMETERS]
# A column of the weight of the background, for each step; only where there is one.
HISTORY_BACKGROUND = "background"
SELECTION_COLUMNS = ["components", "covariance", "log_likelihood", "parameters", *CRITERIA]
SELECTION_COLUMNS += ["status", "background", "surcharge"]
CELL_COLUMNS = ["count", "mean_x", "mean_y", "cov_xx", "cov_xy", "cov_yy"]


@dataclass(frozen=True, eq=False)
class Run:
    """A fit as its run directory tells it.

    Attributes:
        columns: the names of the two coordinates.
        mixture: the final mixture, in data units.
        history: every step.
        cells: the data, as cells.
        snapshots: which steps the fit was asked to show.
        selection: what the mixture was chosen from; None where there was no choice.
        groups: of the mixture; None where an earlier version wrote the run.
    """

    columns: tuple[str, str]
    mixture: Mixture
    history: History
    cells: Cells
    snapshots: Snapshots
    selection: Selection | None = None
    groups: Groups | None = None

    @property
    def has_tree(self) -> bool:
        """Whether there is a tree of modes to be drawn: of groups that are not components."""
        groups = self.groups
        return groups is not None and groups.tree.number > 1 and not groups.are_components


def name_directory(data: str) -> Path:
    """The run directory for some data: its name without suffixes, in the current directory."""
    name = Path(data).name if data != "-" else "standard-input.csv"
    stem = re.sub(r"[*?\[\]]+", "_", Path(name.removesuffix(".gz")).stem)
    return Path(stem if stem != name else f"{stem}.run")


def check_target(directory: Path, *, overwrite: bool) -> None:
    """Raise unless a run can be written to this directory without harm.

    Raises:
        RunError: when it exists and `overwrite` is not given, or it holds something else than a
            run.
        OutputError: when it cannot be written.
    """
    if directory.exists():
        _check_replaced(directory, overwrite=overwrite)
    check_writable(directory)


def write_run(
    directory: Path, fit: Fit, provenance: Provenance, exact_log_likelihood: Nats | None = None
) -> list[Path]:
    """Write a fit's files to a run directory, all together, and give their paths.

    Args:
        directory: where to write; made where it does not exist.
        fit: what to write.
        provenance: where the fit came from.
        exact_log_likelihood: of all rows, in nats, where it was asked for.

    Raises:
        OutputError: when they cannot be written, or what another fit left cannot be removed.
    """
    with stage_directory(directory) as stage:
        write_json(stage / PARAMETERS, collect_parameters(fit, provenance, exact_log_likelihood))
        tabulate_history(fit.history).to_csv(stage / HISTORY, index=False)
        _tabulate_cells(fit.cells).to_parquet(stage / CELLS, index=False)
        if fit.selection is not None:
            _tabulate_selection(fit.selection).to_csv(stage / SELECTION, index=False)
        written = [directory / path.name for path in stage.iterdir()]
    _remove_remains(directory, written)
    return [path for path in (directory / name for name in FILES) if path in written]


def name_frame(step: int, picture_format: PictureFormat) -> str:
    """The path of a step's frame inside a run."""
    return f"frames/step-{step:04d}.{picture_format}"


def name_sheet(picture_format: PictureFormat) -> str:
    """The path of the sheet with all snapshots inside a run."""
    return f"convergence.{picture_format}"


def name_selection(picture_format: PictureFormat) -> str:
    """The path of the picture of a choice inside a run."""
    return f"selection.{picture_format}"


def name_tree(picture_format: PictureFormat) -> str:
    """The path of the picture of the groups inside a run."""
    return f"groups.{picture_format}"


def name_pictures(run: Run, steps: Sequence[int], picture_format: PictureFormat) -> list[str]:
    """The paths of the frames of some steps, and of the other pictures, inside a run."""
    names = [name_frame(step, picture_format) for step in steps]
    if run.selection is not None:
        names.append(name_selection(picture_format))
    if run.has_tree:
        names.append(name_tree(picture_format))
    return [*names, name_sheet(picture_format)]


def remove_pictures(
    directory: Path, picture_format: PictureFormat, *, keep: Sequence[Path] = ()
) -> None:
    """Remove a run's pictures of one format, but for those to keep."""
    frames = directory.glob(f"frames/step-*.{picture_format}")
    others = [name(picture_format) for name in (name_sheet, name_selection, name_tree)]
    for path in (*frames, *(directory / name for name in others)):
        if path not in keep:
            path.unlink(missing_ok=True)


def read_run(directory: Path) -> Run:
    """The run in a directory.

    Raises:
        RunError: naming the file that is missing, damaged or of an unknown format version.
    """
    parameters = read_parameters(directory)
    mixture, n_points = parameters.mixture, parameters.n_points
    box = None if mixture.background is None else mixture.background.box
    history = read_file(directory / HISTORY, partial(_parse_history, box=box))
    if history.weights.shape[1] != mixture.n_components:
        raise RunError(
            f"{directory / HISTORY} is damaged: it has {history.weights.shape[1]} components and "
            f"{PARAMETERS} has {mixture.n_components}; fit the data again"
        )
    cells = read_file(directory / CELLS, _parse_cells)
    if not math.isclose(cells.n_points, n_points, rel_tol=1e-9):
        raise RunError(
            f"{directory / CELLS} is damaged: it has {cells.n_points:g} points and "
            f"{PARAMETERS} has {n_points:g}; fit the data again"
        )
    selection = None
    if parameters.criterion is not None:
        parse = partial(_parse_selection, parameters=parameters, criterion=parameters.criterion)
        selection = read_file(directory / SELECTION, parse)
    asked, groups = parameters.snapshots, parameters.groups
    return Run(parameters.columns, mixture, history, cells, asked, selection, groups)


def group_again(run: Run, valley: float | None) -> Run:
    """A run with groups that valleys divide from here on; with those of the fit by default."""
    valley = choose_valley(run.groups, valley)
    if run.groups is not None and valley == run.groups.valley:
        return run
    tree = None if run.groups is None else run.groups.tree
    return replace(run, groups=find_groups(run.mixture, run.cells, valley, tree))


def _check_replaced(directory: Path, *, overwrite: bool) -> None:
    if not directory.is_dir():
        raise RunError(f"{directory} is a file: name another directory for the run with -o")
    if not overwrite:
        raise RunError(f"{directory} exists: name another with -o, or replace it with --overwrite")
    if any(directory.iterdir()) and not (directory / PARAMETERS).is_file():
        raise RunError(f"{directory} is not a run: --overwrite replaces nothing but runs")


def _remove_remains(directory: Path, written: Sequence[Path]) -> None:
    """Remove what is left of a fit that another has replaced, whose files have been written.

    What no fit wrote stays.
    """
    for picture_format in PICTURE_FORMATS:
        remove_pictures(directory, picture_format)
    for name in (SELECTION, VALUES_TABLE):
        if directory / name not in written:
            (directory / name).unlink(missing_ok=True)
    remove_directories(directory / VALUES, holding=PARAMETERS)


def tabulate_history(history: History) -> pd.DataFrame:
    """A row for each step and component of a history, with the columns of history.csv."""
    n_steps, n_components = history.weights.shape
    covariances = _pack(history.covariances)
    values = np.concatenate([history.weights[..., None], history.means, covariances], axis=2)
    table = pd.DataFrame(values.reshape(-1, len(HISTORY_PARAMETERS)), columns=HISTORY_PARAMETERS)
    table.insert(0, "step", np.repeat(np.arange(n_steps), n_components))
    table.insert(1, "by_move", np.repeat(history.by_move.astype(np.int64), n_components))
    table.insert(2, "cells", np.repeat(history.n_cells, n_components))
    table.insert(3, "elbo", np.repeat(history.elbos, n_components))
    table.insert(4, "component", np.tile(np.arange(n_components), n_steps))
    if history.background_weights is not None:
        table[HISTORY_BACKGROUND] = np.repeat(history.background_weights, n_components)
    return table


def _tabulate_cells(cells: Cells) -> pd.DataFrame:
    values = np.column_stack([cells.counts, cells.means, _pack(cells.covariances)])
    return pd.DataFrame(values, columns=CELL_COLUMNS)


def _tabulate_selection(selection: Selection) -> pd.DataFrame:
    rows = [
        {
            **asdict(candidate),
            **asdict(candidate.criteria),
            "status": candidate.status.value,
        }
        for candidate in selection.candidates
    ]
    return pd.DataFrame(rows, columns=SELECTION_COLUMNS)


def _parse_selection(path: Path, *, parameters: Parameters, criterion: CriterionName) -> Selection:
    table = pyarrow.csv.read_csv(path).to_pandas()
    for name in ("background", "surcharge"):  # which earlier runs had not
        if name not in table.columns:
            table[name] = 0.0
    table = _select_columns(table, SELECTION_COLUMNS)
    candidates = tuple(
        Candidate(
            components=int(row["components"]),
            covariance=pick(COVARIANCE_TYPES, row["covariance"]),
            log_likelihood=float(row["log_likelihood"]),
            parameters=int(row["parameters"]),
            criteria=Criteria(**{name: float(row[name]) for name in CRITERIA}),
            status=Status(row["status"]),
            background=float(row["background"]),
            surcharge=float(row["surcharge"]),
        )
        for row in table.to_dict("records")
    )
    chosen = [(each.components, each.covariance) for each in candidates].index(
        (parameters.mixture.n_components, parameters.covariance)
    )
    return Selection(candidates, criterion, chosen)


def _parse_history(path: Path, *, box: FloatArray | None) -> History:
    """The history in a file.

    Args:
        path: of the file.
        box: of the background, shape (2, 2), in data units; None where there is none.
    """
    names = HISTORY_COLUMNS if box is None else [*HISTORY_COLUMNS, HISTORY_BACKGROUND]
    # Arrow reads every digit that pandas wrote, whichever the version of pandas.
    table = _select_columns(pyarrow.csv.read_csv(path).to_pandas(), names)
    n_components = int(table["component"].max()) + 1
    n_steps = int(table["step"].max()) + 1
    expected = [(step, k) for step in range(n_steps) for k in range(n_components)]
    if list(zip(table["step"], table["component"], strict=True)) != expected:
        raise ValueError("its steps or components are incomplete or not in order")
    shape = (n_steps, n_components, len(HISTORY_PARAMETERS))
    values = table[HISTORY_PARAMETERS].to_numpy(np.float64).reshape(shape)
    elbos = table["elbo"].to_numpy(np.float64)[::n_components]
    if not np.isfinite(elbos).all():
        raise ValueError("an ELBO is missing or not finite")
    by_move = table["by_move"].to_numpy(np.bool_)[::n_components]
    n_cells = table["cells"].to_numpy(np.int64)[::n_components]
    covariances, stray = _unpack(values[..., 3:]), None
    if box is not None:
        stray = table[HISTORY_BACKGROUND].to_numpy(np.float64)[::n_components]
    components = values[..., 0], values[..., 1:3], covariances
    history = History(elbos, *components, by_move, n_cells, stray, box)
    for step in range(n_steps):
        history.snapshot(step)  # checks the mixture
    return history


def _parse_cells(path: Path) -> Cells:
    values = _select_columns(pd.read_parquet(path), CELL_COLUMNS).to_numpy(np.float64)
    if len(values) == 0 or not np.isfinite(values).all() or not (values[:, 0] > 0).all():
        raise ValueError("a value is missing, not finite, or a count not above 0")
    return Cells(values[:, 0], values[:, 1:3], _unpack(values[:, 3:]))


def _select_columns(table: pd.DataFrame, names: list[str]) -> pd.DataFrame:
    missing = [name for name in names if name not in table.columns]
    if missing:
        raise ValueError(f"it lacks the column {missing[0]!r}")
    return table[names]


def _pack(matrices: FloatArray) -> FloatArray:
    """The xx, xy and yy of symmetric matrices: shape (..., 3) of (..., 2, 2)."""
    return matrices[..., [0, 0, 1], [0, 1, 1]]


def _unpack(values: FloatArray) -> FloatArray:
    """Symmetric matrices of their xx, xy and yy: shape (..., 2, 2) of (..., 3)."""
    return values[..., [[0, 1], [1, 2]]]
