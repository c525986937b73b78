"""Tables in memory as sources: data frames, tables of Arrow, and arrays of NumPy."""

from dataclasses import replace
from pathlib import Path

import ibis
import numpy as np
import pandas as pd
import pyarrow as pa

from gmmcli.core.tables.complaints import translate_errors
from gmmcli.core.tables.duckdb_files import NO_EXTENSIONS, build_engine
from gmmcli.core.tables.engine import Dataset, match_titles
from gmmcli.core.tables.names import make_unique
from gmmcli.core.tables.source import Source
from gmmcli.errors import TableError

# What messages call rows in memory, and what DuckDB does.
NAME, VIEW = "the table", "gmm_rows"


def name_source(data: object, *, where: str | None = None) -> Source:
    """What a caller named, or gave.

    Args:
        data: a path or a pattern of paths; a data frame of pandas or Polars, or whatever else gives
            its rows to Arrow; an array of shape (N, 2), whose columns are called x and y; or a
            `Source`, as of a table in a database.
        where: the condition that rows have to meet.

    Raises:
        TableError: when it is none of these.
    """
    if isinstance(data, str | Path):
        return Source(str(data), where=where)
    if isinstance(data, Source):
        return data if where is None else replace(data, where=where)
    return Source(NAME, label=NAME, where=where, frame=_to_arrow(data))


def open_frame(source: Source) -> Dataset:
    """All rows and columns of a table in memory, which are not copied.

    Raises:
        TableError: when they cannot be read.
    """
    backend = ibis.duckdb.connect(**NO_EXTENSIONS)
    with translate_errors(source.name):
        backend.con.register(VIEW, source.frame)
        rows = backend.table(VIEW)
        n_rows = None if source.frame is None else float(source.frame.num_rows)
        names = [] if source.frame is None else source.frame.column_names
        titles = match_titles(make_unique(names, names), rows)
        engine = build_engine(backend)
        return Dataset(rows, engine, n_rows_about=n_rows, text_may_be_numbers=False, titles=titles)


def _to_arrow(data: object) -> pa.Table:
    try:
        if isinstance(data, np.ndarray):
            if data.ndim != 2 or data.shape[1] != 2:
                raise TableError(
                    f"an array of points has shape (N, 2), not {data.shape}: choose two columns"
                )
            return _widen(pa.table(list(data.T), names=["x", "y"]))
        if isinstance(data, pd.DataFrame):
            return _widen(pa.Table.from_pandas(data, preserve_index=False))
        return _widen(pa.table(data))
    except (pa.ArrowException, TypeError, ValueError) as error:
        reason = str(error).splitlines()[0]
        raise TableError(
            f"cannot read a table from a {type(data).__name__}: {reason}; give a path, a data "
            "frame, an Arrow table or an array of shape (N, 2)"
        ) from error


def _widen(rows: pa.Table) -> pa.Table:
    """The rows with numbers of 16 bits in 32, as DuckDB has no such numbers."""
    fields = [
        field.with_type(pa.float32()) if pa.types.is_float16(field.type) else field
        for field in rows.schema
    ]
    return rows.cast(pa.schema(fields))
