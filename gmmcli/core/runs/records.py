"""The tables of a run: its history, its cells and what it was chosen from, as rows and back."""

import math
from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet

from gmmcli.core.assessment.bootstrap import Bootstrap
from gmmcli.core.assessment.scales import FIGURES
from gmmcli.core.cells.cells import Cells
from gmmcli.core.mixture.covariances import FloatArray
from gmmcli.core.runs.history import History
from gmmcli.core.runs.parameters import Parameters, pick
from gmmcli.core.runs.reading import DamageError
from gmmcli.core.search.criteria import Candidate, Criteria, Selection
from gmmcli.core.search.status import Status
from gmmcli.settings import CELLS_AT_MOST, COVARIANCE_TYPES, CRITERIA, CriterionName

HISTORY_PARAMETERS = ["weight", "mean_x", "mean_y", "cov_xx", "cov_xy", "cov_yy"]
HISTORY_COLUMNS = ["step", "by_move", "cells", "elbo", "component", *HISTORY_PARAMETERS]
# A column of the weight of the background, for each step; only where there is one.
HISTORY_BACKGROUND = "background"
HISTORY_TYPES = {
    **dict.fromkeys([*HISTORY_COLUMNS, HISTORY_BACKGROUND], pa.float64()),
    **dict.fromkeys(["step", "by_move", "cells", "component"], pa.int64()),
}
SELECTION_COLUMNS = ["components", "covariance", "log_likelihood", "parameters", *CRITERIA]
SELECTION_COLUMNS += ["status", "background", "surcharge", "share"]
CELL_COLUMNS = ["count", "mean_x", "mean_y", "cov_xx", "cov_xy", "cov_yy"]


def tabulate_history(history: History) -> pd.DataFrame:
    """A row for each component of each step."""
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


def tabulate_cells(cells: Cells) -> pd.DataFrame:
    """A row for each cell."""
    values = np.column_stack([cells.counts, cells.means, _pack(cells.covariances)])
    return pd.DataFrame(values, columns=CELL_COLUMNS)


def tabulate_selection(selection: Selection) -> pd.DataFrame:
    """A row for each candidate."""
    rows = [
        {
            **vars(candidate),
            **asdict(candidate.criteria),
            "status": candidate.status.value,
        }
        for candidate in selection.candidates
    ]
    return pd.DataFrame(rows, columns=SELECTION_COLUMNS)


def tabulate_bootstrap(bootstrap: Bootstrap) -> pd.DataFrame:
    """A row for each component of each replicate; and its background, if there is one."""
    n_replicates, n_components, n_figures = bootstrap.figures.shape
    table = pd.DataFrame(bootstrap.figures.reshape(-1, n_figures), columns=list(FIGURES))
    table.insert(0, "replicate", np.repeat(np.arange(n_replicates), n_components))
    table.insert(1, "component", np.tile(np.arange(n_components), n_replicates))
    table.insert(2, "is_kept", np.repeat(bootstrap.are_kept, n_components))
    if bootstrap.backgrounds is not None:
        table[HISTORY_BACKGROUND] = np.repeat(bootstrap.backgrounds, n_components)
    return table


def parse_selection(path: Path, *, parameters: Parameters, criterion: CriterionName) -> Selection:
    """What a mixture was chosen from, in a file.

    Args:
        path: of the file.
        parameters: of the run.
        criterion: what it was chosen by.

    Raises:
        DamageError: where a value is none of a candidate, or none is that of the parameters.
    """
    table = _read_csv(path)
    for name, nothing in (("background", 0.0), ("surcharge", 0.0), ("share", math.nan)):
        if name not in table.columns:  # as in earlier runs
            table[name] = nothing
    table = _select_columns(table, SELECTION_COLUMNS).astype({"share": np.float64})
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
            share=None if math.isnan(row["share"]) else float(row["share"]),
        )
        for row in table.to_dict("records")
    )
    figures = table[["log_likelihood", *CRITERIA, "background", "surcharge"]].to_numpy(np.float64)
    if not np.isfinite(figures).all() or not (table["components"] > 0).all():
        raise DamageError(
            "a figure is missing or not finite, or a number of components not above 0"
        )
    chosen = [(each.components, each.covariance) for each in candidates].index(
        (parameters.mixture.n_components, parameters.covariance)
    )
    return Selection(candidates, criterion, chosen)


def parse_history(path: Path, *, box: FloatArray | None) -> History:
    """The history in a file.

    Args:
        path: of the file.
        box: of the background, shape (2, 2), in data units; None where there is none.

    Raises:
        DamageError: where steps are missing, or a value is none of a fit.
        MixtureError: where a step has no mixture.
    """
    table = _read_history(path, HISTORY_COLUMNS if box is None else HISTORY_TYPES)
    n_steps, n_components = _count_steps(table)

    def pick_steps(name: str) -> npt.NDArray[Any]:
        return np.array(table[name].to_numpy()[::n_components])

    elbos, n_cells, by_move = pick_steps("elbo"), pick_steps("cells"), pick_steps("by_move") != 0
    if not np.isfinite(elbos).all():
        raise DamageError("an ELBO is not finite")
    if (n_cells < 0).any():
        raise DamageError("a number of cells is below 0")
    stray = None if box is None else pick_steps(HISTORY_BACKGROUND)
    values = np.empty((n_steps, n_components, len(HISTORY_PARAMETERS)))
    for place, name in enumerate(HISTORY_PARAMETERS):
        values[..., place] = table[name].to_numpy().reshape(n_steps, n_components)
    components = values[..., 0], values[..., 1:3], _unpack(values[..., 3:])
    history = History(elbos, *components, by_move, n_cells, stray, box)
    history.check()
    return history


def _count_steps(table: pa.Table) -> tuple[int, int]:
    """How many steps and components a history has, whose rows are all of these, in order.

    Raises:
        DamageError: where they are not.
    """
    numbers = table["component"].to_numpy()
    n_components = int(numbers.max(initial=-1)) + 1
    if 0 < n_components <= len(numbers):
        steps, components = np.divmod(np.arange(len(numbers)), n_components)
        if components[-1] == n_components - 1:
            are_in_order = np.array_equal(numbers, components)
            if are_in_order and np.array_equal(table["step"].to_numpy(), steps):
                return len(numbers) // n_components, n_components
    raise DamageError("its steps or components are incomplete or not in order")


def parse_cells(path: Path, *, rounding: float = 1e-9) -> Cells:
    """The cells in a file.

    Args:
        path: of the file.
        rounding: how far a covariance may be from that of any points, as a share of all points'.

    Raises:
        DamageError: where there are none, or a value is none of theirs.
    """
    counts, mean_x, mean_y, xx, xy, yy = values = _read_parquet(path)
    if counts.size == 0 or not np.isfinite(values).all() or not (counts > 0).all():
        raise DamageError("a value is missing, not finite, or a count not above 0")
    means = np.stack([mean_x, mean_y], axis=1)
    cells = Cells(counts, means, np.stack([xx, xy, xy, yy], axis=1).reshape(-1, 2, 2))
    with np.errstate(over="ignore"):
        spread = cells.covariance()
    if not (np.isfinite(cells.n_points) and np.isfinite(spread).all()):
        raise DamageError("its points lie out of double precision's reach")
    slack_x, slack_y = rounding * np.diagonal(spread)
    largest = np.sqrt((np.maximum(xx, 0) + slack_x) * (np.maximum(yy, 0) + slack_y))
    if not ((xx >= -slack_x) & (yy >= -slack_y) & (abs(xy) <= largest)).all():
        raise DamageError("a covariance is that of no points")
    return cells


def _read_csv(path: Path) -> pd.DataFrame:
    """The rows of a CSV file; Arrow reads every digit, whichever the version of pandas."""
    table: pd.DataFrame = pyarrow.csv.read_csv(path).to_pandas()
    return table


def _read_history(path: Path, names: Iterable[str], *, most_rows: int = 2**23) -> pa.Table:
    """Some columns of a history.

    Args:
        path: of the file.
        names: of the columns.
        most_rows: more are refused, a row being a component at a step: a gigabyte of memory for
            what a stranger gives.

    Raises:
        DamageError: where a column is missing, or there are too many rows.
    """
    names, batches, n_rows = list(names), list[pa.RecordBatch](), 0
    options = pyarrow.csv.ConvertOptions(column_types=HISTORY_TYPES)
    with pyarrow.csv.open_csv(path, convert_options=options) as reader:
        missing = [name for name in names if name not in reader.schema.names]
        if missing:
            raise DamageError(f"it lacks the column {missing[0]!r}")
        for batch in reader:
            n_rows += batch.num_rows
            if n_rows > most_rows:
                raise DamageError(f"it has more than {most_rows:,} rows")
            batches.append(batch.select(names))
            if any(column.null_count for column in batches[-1].columns):
                raise DamageError("a value is missing")
        schema = pa.schema([reader.schema.field(name) for name in names])
        return pa.Table.from_batches(batches, schema)


def _read_parquet(path: Path) -> FloatArray:
    """The columns of cells in a Parquet file, shape (6, C), in their order.

    A few bytes may unfold to any number of rows, so there are no more than a fit can have.

    Args:
        path: of the file.

    Raises:
        DamageError: where a column is missing or no numbers, or there are too many rows.
    """
    with pyarrow.parquet.ParquetFile(path) as file:
        schema = file.schema_arrow
        for name in CELL_COLUMNS:
            if name not in schema.names:
                raise DamageError(f"it lacks the column {name!r}")
            if schema.field(name).type != pa.float64():
                raise DamageError(f"its column {name!r} is not of doubles")
        n_rows = file.metadata.num_rows
        if n_rows > CELLS_AT_MOST:
            raise DamageError(f"it unfolds to {n_rows:,} rows, and {CELLS_AT_MOST:,} are read")
        values, end = np.empty((len(CELL_COLUMNS), n_rows)), 0
        for batch in file.iter_batches(columns=CELL_COLUMNS):
            begin, end = end, end + batch.num_rows
            for column, name in zip(values, CELL_COLUMNS, strict=True):
                column[begin:end] = batch[name].to_numpy(zero_copy_only=False)
        if end != n_rows:
            raise DamageError(f"it has {end:,} rows in place of {n_rows:,}")
        return values


def _select_columns(table: pd.DataFrame, names: list[str]) -> pd.DataFrame:
    missing = [name for name in names if name not in table.columns]
    if missing:
        raise DamageError(f"it lacks the column {missing[0]!r}")
    return table[names]


def _pack(matrices: FloatArray) -> FloatArray:
    """The xx, xy and yy of symmetric matrices: shape (..., 3) of (..., 2, 2)."""
    return matrices[..., [0, 0, 1], [0, 1, 1]]


def _unpack(values: FloatArray) -> FloatArray:
    """Symmetric matrices of their xx, xy and yy: shape (..., 2, 2) of (..., 3)."""
    return values[..., [[0, 1], [1, 2]]]
