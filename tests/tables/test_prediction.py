"""The densities that an engine works out are those of NumPy, whatever the engine."""

import sqlite3
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from builders import over_background, random_mixture, sampled, table_of

from gmmcli.core.groups.borders import draw_territories
from gmmcli.core.groups.terrain import survey
from gmmcli.core.mixture.covariances import FloatArray
from gmmcli.core.mixture.mixture import Mixture
from gmmcli.core.tables.arithmetic import add_up
from gmmcli.core.tables.prediction import compute_log_likelihood, predict_rows
from gmmcli.core.tables.source import Source
from gmmcli.core.tables.table import Table, open_table
from gmmcli.errors import TableError

MIXTURES = {
    "one": random_mixture(1, seed=1),
    "four": random_mixture(4, seed=2),
    "fifteen, far apart": random_mixture(15, seed=3, spread=50.0),
    "without a weight": Mixture(
        np.array([1.0, 0.0]), np.array([[0.0, 0.0], [1.0, 1.0]]), np.array([np.eye(2)] * 2)
    ),
    "thin, far from zero": Mixture(
        np.array([0.3, 0.7]),
        np.array([[1e6, -1e6], [1e6, -1e6]]),
        np.array([[[1.0, 0.999999], [0.999999, 1.0]], [[1e-6, 0.0], [0.0, 1e6]]]),
    ),
}


def write_table(place: Path, points: FloatArray, engine: str) -> Table:
    """The table of some points in a Parquet file that DuckDB reads, or in SQLite."""
    rows = pd.DataFrame(points, columns=["x", "y"])
    if engine == "duckdb":
        rows.to_parquet(place / "d.parquet")
        return table_of(place / "d.parquet")
    connection = sqlite3.connect(place / "d.sqlite")
    rows.to_sql("points", connection, index=False)
    connection.close()
    return open_table(Source(f"sqlite://{place / 'd.sqlite'}", "points"))


@pytest.mark.parametrize("engine", ["duckdb", "sqlite"])
@pytest.mark.parametrize("mixture", MIXTURES.values(), ids=MIXTURES)
def test_rows_get_the_densities_of_numpy(tmp_path: Path, mixture: Mixture, engine: str) -> None:
    points = np.concatenate([sampled(mixture, 500), [[1e6, -1e6], [0.0, 0.0], [-1e3, 1e3]]])
    table = write_table(tmp_path, points, engine)
    found = table.read(predict_rows(table, mixture, with_responsibilities=True)).to_pandas()
    found = found.sort_values(["x", "y"])
    points = points[np.lexsort((points[:, 1], points[:, 0]))]
    np.testing.assert_array_equal(found[["x", "y"]], points)
    joint, responsibilities = mixture.joint_log_densities(points), mixture.responsibilities(points)
    np.testing.assert_array_equal(found["label"], joint.argmax(axis=1))
    # A difference of coordinates near 1e6 keeps ten digits where a component is 1e-3 wide.
    assert_close = partial(np.testing.assert_allclose, rtol=1e-9, atol=1e-9)
    assert_close(found["log_density"], mixture.log_densities(points))
    assert_close(found["probability"], responsibilities.max(axis=1))
    columns = [f"responsibility_{k}" for k in range(mixture.n_components)]
    assert_close(found[columns], responsibilities)
    np.testing.assert_allclose(found[columns].sum(axis=1), 1.0, rtol=1e-14)


@pytest.mark.parametrize("engine", ["duckdb", "sqlite"])
@pytest.mark.parametrize("name", ["one", "four", "thin, far from zero", "without a weight"])
def test_rows_have_the_group_whose_territory_they_are_in(
    tmp_path: Path, name: str, engine: str
) -> None:
    mixture = MIXTURES[name]
    points = sampled(mixture, 1000)
    background = over_background(mixture, 0.3, points)
    table = write_table(tmp_path, points, engine)
    territories = draw_territories(mixture, survey(mixture)[1], 1.0)
    found = table.read(predict_rows(table, background, territories=territories)).to_pandas()
    assert list(found.columns) == ["x", "y", "label", "probability", "log_density", "group"]
    expected = territories.locate(found[["x", "y"]].to_numpy(), found["label"].to_numpy())
    if name != "thin, far from zero":  # whose points are too far apart for strays
        assert (found["label"] == -1).any()
    np.testing.assert_array_equal(found["group"], expected)


@pytest.mark.parametrize("engine", ["duckdb", "sqlite"])
@pytest.mark.parametrize("name", ["one", "four", "thin, far from zero", "without a weight"])
@pytest.mark.parametrize("cut", [None, 0.9])
def test_rows_beyond_an_ellipse_have_no_label(
    tmp_path: Path, name: str, engine: str, cut: float | None
) -> None:
    mixture = MIXTURES[name]
    points = np.concatenate([sampled(mixture, 500), mixture.means[:1], [[1e9, -1e9]]])
    if name != "thin, far from zero":  # whose points are too far apart for strays
        mixture = over_background(mixture, 0.2, points[:-1])
    table = write_table(tmp_path, points, engine)
    territories = draw_territories(mixture, survey(mixture)[1], 1.0)
    whole = table.read(predict_rows(table, mixture, territories=territories)).to_pandas()
    rows = predict_rows(table, mixture, territories=territories, with_distance=True, cut=cut)
    found = table.read(rows).to_pandas()
    assert list(found.columns) == [*whole.columns, "distance"]
    labels = whole["label"].to_numpy()
    # In units in which a component is round.
    away = whole[["x", "y"]].to_numpy() - mixture.means[labels]
    round_ones = np.linalg.solve(mixture.cholesky_factors()[labels], away[..., None])
    distances = np.linalg.norm(round_ones[..., 0], axis=1)
    is_stray = labels == -1
    assert found["distance"][is_stray].isna().all()
    # A difference of coordinates near 1e6 keeps ten digits where a component is 1e-3 wide.
    np.testing.assert_allclose(
        found["distance"][~is_stray], distances[~is_stray], rtol=1e-9, atol=1e-6
    )
    share = 1.0 if cut is None else cut
    inside = -np.expm1(-(distances**2) / 2)
    is_kept = is_stray | (inside <= share)
    is_clear = np.abs(inside - share) > 1e-9
    for column in ("label", "group"):
        is_there = found[column].notna()
        assert (is_there == is_kept)[is_clear | (cut is None)].all()
        np.testing.assert_array_equal(found[column][is_there], whole[column][is_there])


@pytest.mark.parametrize("engine", ["duckdb", "sqlite"])
@pytest.mark.parametrize("offset", [0.0, 1e6])
def test_rows_of_the_background_have_its_label(tmp_path: Path, engine: str, offset: float) -> None:
    plain = replace(MIXTURES["four"], means=MIXTURES["four"].means + offset)
    ends = np.array([[-20.0, -30.0], [40.0, 25.0]]) + offset
    mixture = over_background(plain, 0.05, ends)
    # A corner of the box, a point just outside, and one far from all.
    special = np.array([ends[0], ends[1] + 1e-3, [1e9, -1e9]])
    points = np.concatenate([sampled(mixture, 500), special])
    points = points[np.lexsort((points[:, 1], points[:, 0]))]
    table = write_table(tmp_path, points, engine)
    found = table.read(predict_rows(table, mixture, with_responsibilities=True)).to_pandas()
    found = found.sort_values(["x", "y"], ignore_index=True)
    strays = mixture.background_responsibilities(points)
    shares = np.column_stack([mixture.responsibilities(points), strays])
    assert_close = partial(np.testing.assert_allclose, rtol=1e-9, atol=1e-9)
    columns = [*(f"responsibility_{k}" for k in range(4)), "responsibility_background"]
    assert list(found.columns[-5:]) == columns
    assert_close(found[columns], shares)
    labels = np.array([0, 1, 2, 3, -1])[shares.argmax(axis=1)]
    np.testing.assert_array_equal(found["label"], labels)
    assert_close(found["probability"], shares.max(axis=1))
    assert_close(found["log_density"], mixture.log_densities(points))
    (corner,) = np.flatnonzero((points == ends[0]).all(axis=1))
    assert found["label"][corner] == -1
    outside = (points > ends[1]).any(axis=1)
    assert outside.sum() == 2
    assert found["responsibility_background"][outside].max() < 1e-300


@pytest.mark.parametrize("engine", ["duckdb", "sqlite"])
def test_far_points_keep_their_digits(tmp_path: Path, engine: str) -> None:
    mixture = MIXTURES["four"]
    points = np.array([[1e6, -1e6], [1e100, 0.0]])
    table = write_table(tmp_path, points, engine)
    found = table.read(predict_rows(table, mixture)).to_pandas()
    assert found["log_density"][0] == pytest.approx(mixture.log_densities(points)[0], rel=1e-12)
    assert found["probability"].tolist() == [1.0, 1.0]


def test_the_exact_log_likelihood_is_that_of_the_rows(tmp_path: Path) -> None:
    mixture = MIXTURES["four"]
    points = sampled(mixture, 5000)
    exact = compute_log_likelihood(write_table(tmp_path, points, "duckdb"), mixture)
    assert exact == pytest.approx(mixture.log_densities(points).sum(), rel=1e-12)


def test_the_exact_log_likelihood_has_that_of_the_background(tmp_path: Path) -> None:
    plain = MIXTURES["four"]
    points = sampled(plain, 1000)
    mixture = over_background(plain, 0.1, points)
    exact = compute_log_likelihood(write_table(tmp_path, points, "duckdb"), mixture)
    assert exact == pytest.approx(mixture.log_densities(points).sum(), rel=1e-12)


def test_the_exact_log_likelihood_counts_rows_by_their_weights(tmp_path: Path) -> None:
    mixture = MIXTURES["four"]
    points = sampled(mixture, 1000)
    weights = np.random.default_rng(0).integers(0, 4, 1000) / 2
    rows = pd.DataFrame(points, columns=["x", "y"]).assign(weight=weights)
    rows.to_parquet(tmp_path / "d.parquet")
    exact = compute_log_likelihood(table_of(tmp_path / "d.parquet", weight="weight"), mixture)
    assert exact == pytest.approx(weights @ mixture.log_densities(points), rel=1e-12)


def test_a_result_finds_a_name_or_says_which_is_taken(tmp_path: Path) -> None:
    rows = pd.DataFrame({"x": [1.0, 2.0], "y": [2.0, 1.0], "label": ["a", "b"]})
    rows.to_parquet(tmp_path / "d.parquet")
    found = predict_rows(table_of(tmp_path / "d.parquet"), MIXTURES["four"])
    assert found.columns[3:] == ("predicted_label", "probability", "log_density")
    rows.assign(predicted_label=1).to_parquet(tmp_path / "taken.parquet")
    with pytest.raises(TableError, match="'predicted_label' already: rename or drop it"):
        predict_rows(table_of(tmp_path / "taken.parquet"), MIXTURES["four"])


def test_hundreds_of_columnsadd_up(tmp_path: Path) -> None:
    rows = write_table(tmp_path, np.ones((3, 2)), "duckdb").dataset.rows
    total = add_up([rows["x"]] * 5000)
    assert rows.select(total=total)["total"].to_pyarrow().to_pylist() == [5000.0] * 3
