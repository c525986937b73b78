"""The arithmetic of places, in NumPy and in an engine, against edges that are written out."""

from collections.abc import Callable
from typing import Any

import ibis
import numpy as np
import pyarrow as pa
import pytest
from builders import number_by_edges

from gmmcli.core.cells.expressions import find_middle, find_number, find_number_within, shorten
from gmmcli.core.cells.places import (
    SPAN,
    choose_halves,
    count_cells,
    find_middles,
    lengthen,
    split_indices,
)
from gmmcli.core.mixture.covariances import FloatArray


def worked_out(
    columns: dict[str, FloatArray], **expressions: Callable[[Any], Any]
) -> list[FloatArray]:
    """What an engine makes of expressions over some columns."""
    rows = ibis.memtable(pa.table({"n": np.arange(len(columns["x"])), **columns}))
    made = {name: make(rows) for name, make in expressions.items()}
    connection = ibis.duckdb.connect()
    found = connection.to_pyarrow(rows.select("n", **made).order_by("n"))
    connection.disconnect()
    return [found[name].to_numpy() for name in expressions]


def coordinates(half: int, n_wider: int) -> FloatArray:
    """Coordinates in all cells of a grid, and beyond where it has an end."""
    generator = np.random.default_rng(0)
    farthest = 3 * max(n_wider, 1) * (half + 0.5)
    near = generator.uniform(-half - 1, half + 1, 500)
    return np.concatenate([near, generator.uniform(-farthest, farthest, 500)])


@pytest.mark.parametrize("n_wider", [0, 1, 8])
@pytest.mark.parametrize("half", [1, 5, 40])
def test_an_engine_finds_the_cells_and_middles_that_numpy_has(half: int, n_wider: int) -> None:
    x = coordinates(half, n_wider)
    columns = {name: np.full(len(x), float(value)) for name, value in (("h", half), ("w", n_wider))}
    number, middle = worked_out(
        {"x": x, **columns},
        number=lambda rows: find_number(rows.x, rows.h, rows.w),
        middle=lambda rows: find_middle(find_number(rows.x, rows.h, rows.w), rows.h, rows.w),
    )
    if n_wider:
        np.testing.assert_array_equal(number, number_by_edges(x, half, n_wider))
    else:  # the outermost have no end
        np.testing.assert_array_equal(number, np.clip(np.floor(x + 0.5), -half, half))
    np.testing.assert_allclose(middle, find_middles(number, columns["h"], columns["w"]), rtol=1e-15)
    # Middles lie in their cells, whose edges are those of the definition.
    if n_wider:
        np.testing.assert_array_equal(number_by_edges(middle, half, n_wider), number)


def test_an_engine_finds_cells_of_a_first_grid_that_are_longer_beyond_a_core() -> None:
    half, core, stretch = 12, 4, 2.0
    x = coordinates(2 * half, 0)
    (number,) = worked_out(
        {"x": x},
        number=lambda rows: find_number_within(shorten(rows.x, core, stretch), ibis.literal(half)),
    )
    lengths = np.where(np.abs(number) > core, stretch, 1.0)
    middles = lengthen(number, core, lengths)
    inside = np.abs(number) < half
    assert (np.abs(x - middles)[inside] <= lengths[inside] / 2).all()
    np.testing.assert_array_equal(np.unique(number), np.arange(-half, half + 1))
    # Cells lie side by side: the middles are half a length of either apart.
    ends = np.unique(np.concatenate([middles - lengths / 2, middles + lengths / 2]))
    assert len(ends) == 2 * half + 2


def test_indices_are_columns_and_rows_that_doubles_hold() -> None:
    most = SPAN // 2 - 1
    columns, rows = np.random.default_rng(0).integers(-most, most + 1, (2, 1000))
    columns[:2], rows[:2] = [most, -most], [-most, most]
    indices = (columns * SPAN + rows).astype(np.float64).astype(np.int64)
    np.testing.assert_array_equal(split_indices(indices), np.stack([columns, rows], axis=1))


def test_halves_are_the_smallest_that_give_the_parts() -> None:
    parts = np.array([1.0, 9.0, 9.1, 25.0, 26.0, 1e9])
    halves = choose_halves(parts)
    np.testing.assert_array_equal(halves, [1, 1, 2, 2, 3, 40])
    none = np.zeros(len(parts), dtype=np.int64)
    assert (count_cells(halves, none)[:-1] >= parts[:-1]).all()
    np.testing.assert_array_equal(count_cells(np.array([1, 2]), np.array([0, 8])), [9, 441])
