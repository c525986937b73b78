"""The tables of a run: its history, its cells and what it was chosen from, as rows and back."""

from dataclasses import asdict
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet

from gmmcli.core.cells.cells import Cells
from gmmcli.core.mixture.covariances import FloatArray
from gmmcli.core.runs.history import History
from gmmcli.core.runs.parameters import Parameters, pick
from gmmcli.core.search.criteria import Candidate, Criteria, Selection
from gmmcli.core.search.status import Status
from gmmcli.settings import COVARIANCE_TYPES, CRITERIA, CriterionName

HISTORY_PARAMETERS = ["weight", "mean_x", "mean_y", "cov_xx", "cov_xy", "cov_yy"]
HISTORY_COLUMNS = ["step", "by_move", "cells", "elbo", "component", *HISTORY_PARAMETERS]
# A column of the weight of the background, for each step; only where there is one.
HISTORY_BACKGROUND = "background"
SELECTION_COLUMNS = ["components", "covariance", "log_likelihood", "parameters", *CRITERIA]
SELECTION_COLUMNS += ["status", "background", "surcharge"]
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
            **asdict(candidate),
            **asdict(candidate.criteria),
            "status": candidate.status.value,
        }
        for candidate in selection.candidates
    ]
    return pd.DataFrame(rows, columns=SELECTION_COLUMNS)


def parse_selection(path: Path, *, parameters: Parameters, criterion: CriterionName) -> Selection:
    """What a mixture was chosen from, in a file.

    Args:
        path: of the file.
        parameters: of the run.
        criterion: what it was chosen by.

    Raises:
        ValueError: where a value is none of a candidate, or none is that of the parameters.
    """
    table = _read_csv(path)
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
    figures = table[["log_likelihood", *CRITERIA, "background", "surcharge"]].to_numpy(np.float64)
    if not np.isfinite(figures).all() or not (table["components"] > 0).all():
        raise ValueError("a figure is missing or not finite, or a number of components not above 0")
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
        ValueError: where steps are missing, or a value is none of a fit.
        MixtureError: where a step has no mixture.
    """
    names = HISTORY_COLUMNS if box is None else [*HISTORY_COLUMNS, HISTORY_BACKGROUND]
    table = _select_columns(_read_csv(path), names)
    n_components = int(table["component"].max()) + 1
    n_steps = len(table) // max(n_components, 1)
    expected = np.stack(np.divmod(np.arange(n_steps * max(n_components, 0)), n_components or 1))
    if n_steps == 0 or not np.array_equal(table[["step", "component"]].to_numpy().T, expected):
        raise ValueError("its steps or components are incomplete or not in order")
    shape = (n_steps, n_components, len(HISTORY_PARAMETERS))
    values = table[HISTORY_PARAMETERS].to_numpy(np.float64).reshape(shape)
    elbos = table["elbo"].to_numpy(np.float64)[::n_components]
    if not np.isfinite(elbos).all():
        raise ValueError("an ELBO is missing or not finite")
    by_move = table["by_move"].to_numpy(np.bool_)[::n_components]
    n_cells = table["cells"].to_numpy(np.int64)[::n_components]
    if (n_cells < 0).any():
        raise ValueError("a number of cells is below 0")
    covariances, stray = _unpack(values[..., 3:]), None
    if box is not None:
        stray = table[HISTORY_BACKGROUND].to_numpy(np.float64)[::n_components]
    components = values[..., 0], values[..., 1:3], covariances
    history = History(elbos, *components, by_move, n_cells, stray, box)
    for step in range(n_steps):
        history.snapshot(step)  # checks the mixture
    return history


def parse_cells(path: Path, *, rounding: float = 1e-9) -> Cells:
    """The cells in a file.

    Args:
        path: of the file.
        rounding: how far a covariance may be from that of any points, as a share of all points'.

    Raises:
        ValueError: where there are none, or a value is none of theirs.
    """
    values = _read_parquet(path).to_numpy(np.float64)
    if len(values) == 0 or not np.isfinite(values).all() or not (values[:, 0] > 0).all():
        raise ValueError("a value is missing, not finite, or a count not above 0")
    cells = Cells(values[:, 0], values[:, 1:3], _unpack(values[:, 3:]))
    with np.errstate(over="ignore"):
        spread = cells.covariance()
    if not (np.isfinite(cells.n_points) and np.isfinite(spread).all()):
        raise ValueError("its points lie out of double precision's reach")
    xx, xy, yy = values[:, 3:].T
    slack_x, slack_y = rounding * np.diagonal(spread)
    largest = np.sqrt((np.maximum(xx, 0) + slack_x) * (np.maximum(yy, 0) + slack_y))
    if not ((xx >= -slack_x) & (yy >= -slack_y) & (abs(xy) <= largest)).all():
        raise ValueError("a covariance is that of no points")
    return cells


def _read_csv(path: Path) -> pd.DataFrame:
    """The rows of a CSV file; Arrow reads every digit, whichever the version of pandas."""
    table: pd.DataFrame = pyarrow.csv.read_csv(path).to_pandas()
    return table


def _read_parquet(path: Path, *, plain_rows: int = 2**24) -> pd.DataFrame:
    """The columns of cells in a Parquet file.

    Args:
        path: of the file.
        plain_rows: more rows are refused unless the file has a byte for each: a gigabyte of memory
            for what a stranger gives, in which a few bytes may unfold to any number of rows.

    Raises:
        ValueError: where a column is missing or no numbers, or there are too many rows.
    """
    with pyarrow.parquet.ParquetFile(path) as file:
        schema = file.schema_arrow
        for name in CELL_COLUMNS:
            if name not in schema.names:
                raise ValueError(f"it lacks the column {name!r}")
            if schema.field(name).type != pa.float64():
                raise ValueError(f"its column {name!r} is not of doubles")
        n_rows = file.metadata.num_rows
        if n_rows > max(plain_rows, path.stat().st_size):
            raise ValueError(f"it unfolds to {n_rows:,} rows")
        table: pd.DataFrame = file.read(columns=CELL_COLUMNS).to_pandas()
        return table


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
