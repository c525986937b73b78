"""One table in every engine: the same cells, the same fit and the same labels as from a file."""

import csv
import gc
import json
import os
import shutil
import sqlite3
import subprocess
import sys
import warnings
from collections.abc import Mapping, Sequence
from contextlib import chdir
from functools import partial
from pathlib import Path
from urllib.parse import quote
from uuid import uuid4

import duckdb
import numpy as np
import pandas as pd
import psycopg
import pytest
from builders import sampled
from click.testing import CliRunner
from servers import HOST, PASSWORD, spark_cluster, spark_environment

from gmmcli.cli import gmm as commands
from gmmcli.core.cells.cells import Cells
from gmmcli.core.cells.compression import Compression, compress
from gmmcli.core.cells.totals import read_numbers
from gmmcli.core.groups.borders import draw_territories
from gmmcli.core.groups.terrain import survey
from gmmcli.core.mixture.covariances import FloatArray
from gmmcli.core.mixture.mixture import Mixture
from gmmcli.core.mixture.sampling import ARTICLE
from gmmcli.core.runs.directory import read_run
from gmmcli.core.search.sketch import sketch_mixture
from gmmcli.core.tables.complaints import MEND_TEXT
from gmmcli.core.tables.counts import count_labels
from gmmcli.core.tables.partition import partition
from gmmcli.core.tables.prediction import predict_rows
from gmmcli.core.tables.source import Source
from gmmcli.core.tables.table import open_table
from gmmcli.errors import TableError

TABLE = 'my "tåble" [1]'
X, Y, WEIGHT, NOTE = ('x "ö" [m]', "y 's %s {a}", "how many", "note")
START = {
    "weights": [0.4, 0.4, 0.2],
    "means": [[0, 5], [5, 0], [3, 3]],
    "covariances": [[[1, 0], [0, 1]]] * 3,
}

Row = Sequence[float | str | None]


def rows() -> list[Row]:
    """Two wide clusters, a tight one that needs finer cells, and rows that are skipped."""
    generator = np.random.default_rng(0)
    tight = generator.normal((3, 3), 0.001, (5000, 2))
    points = generator.permutation(np.concatenate([sampled(ARTICLE, 20_000), tight]))
    weights = generator.integers(0, 10, len(points)) / 4  # most are not 0, so that cells are cut
    numbers = np.column_stack([points, weights]).tolist()
    full: list[Row] = [(*three, f'"{i}", é') for i, three in enumerate(numbers)]
    return [*full[:99], (None, 1.0, 1.0, "no x"), *full[99:], (1.0, None, 0.5, None)]


def quoted(name: str) -> str:
    """A name as SQL."""
    return '"' + name.replace('"', '""') + '"'


def created(kind: str = "DOUBLE PRECISION") -> str:
    """SQL that makes the table, with numbers of some type."""
    numbers = ", ".join(f"{quoted(name)} {kind}" for name in (X, Y, WEIGHT))
    columns = f"{numbers}, {quoted(NOTE)} VARCHAR(20)"
    return f"CREATE TABLE {quoted(TABLE)} ({columns})"


def new_database(server: str) -> str:
    """The URL of an empty database."""
    name = f"dätä {uuid4()}"
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {quoted(name)}".encode())
    return server.removesuffix("postgres") + quote(name)


def fill_postgres(server: str, rows: Sequence[Row], kind: str = "DOUBLE PRECISION") -> str:
    url = new_database(server)
    with psycopg.connect(url) as connection, connection.cursor() as cursor:
        cursor.execute(created(kind).encode())
        with cursor.copy(f"COPY {quoted(TABLE)} FROM STDIN".encode()) as copy:
            for row in rows:
                copy.write_row(row)
    return url


def fill_sqlite(path: Path, rows: Sequence[Row]) -> str:
    connection = sqlite3.connect(path)
    connection.execute(created())
    connection.executemany(f"INSERT INTO {quoted(TABLE)} VALUES (?, ?, ?, ?)", rows)
    connection.commit()
    connection.close()
    return f"sqlite://{path}"


def fill_duckdb(path: Path, file: Path) -> str:
    with duckdb.connect(path) as connection:
        connection.execute(created())
        found = connection.read_csv(str(file).replace("[", "[[]"), all_varchar=True)
        found.insert_into(quoted(TABLE))
    return f"duckdb://{path}"


def write_csv(path: Path, rows: Sequence[Row]) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow([X, Y, WEIGHT, NOTE])
        writer.writerows(rows)


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory with the rows in a file, whose name is a pattern too, and a mixture."""
    place = tmp_path_factory.mktemp("engines é")
    write_csv(place / "d [1].csv", rows())
    (place / "start.json").write_text(json.dumps(START))
    return place


@pytest.fixture(scope="module", params=["duckdb", "sqlite", "postgres"])
def database(request: pytest.FixtureRequest, place: Path) -> str:
    """The URL of a database with the rows in TABLE."""
    if request.param == "postgres":
        return fill_postgres(request.getfixturevalue("postgres"), rows())
    if request.param == "sqlite":
        return fill_sqlite(place / "d.sqlite", rows())
    return fill_duckdb(place / "d'b.duckdb", place / "d [1].csv")


@pytest.fixture(scope="module")
def from_file(place: Path) -> Path:
    """The run of a fit to the file."""
    return fitted(place, "from_file", "d [1].csv")


# `gmm` where every table that is compressed is taken for a long one.
LONG = """
import sys
import warnings
from gmmcli import __main__
from gmmcli.core.cells import compression
compression.LONG = 0
sys.exit(__main__.main())
"""


def gmm(
    place: Path,
    *arguments: str,
    code: int = 0,
    environment: Mapping[str, str] | None = None,
    is_long: bool = False,
) -> str:
    """What a command says on standard error, run in a process of its own if that is another one."""
    if environment is None and not is_long:
        with chdir(place), warnings.catch_warnings():
            # A command leaves its connections to the end of its process.
            warnings.simplefilter("ignore", ResourceWarning)
            here = CliRunner().invoke(commands, arguments, catch_exceptions=False)
            ended, said = here.exit_code, here.stderr
            del here
            gc.collect()
        assert ended == code, said
        return said
    program = ("-c", LONG) if is_long else ("-m", "gmmcli")
    command = [sys.executable, *program, *arguments]
    done = subprocess.run(
        command, capture_output=True, text=True, cwd=place, env=environment, check=False
    )
    assert done.returncode == code, done.stderr
    return done.stderr


def fitted(
    place: Path,
    run: str,
    *data: str,
    environment: Mapping[str, str] | None = None,
    is_long: bool = False,
) -> Path:
    """The directory of the run of a fit."""
    options = ("--init", "start.json", "--weight", WEIGHT, "--verify", "--no-frames", "-q")
    asked = ("fit", *data, *options, "-o", run, "--overwrite")
    said = gmm(place, *asked, environment=environment, is_long=is_long)
    assert said == ""
    return place / run


def compressed(source: Source) -> Compression:
    """The cells of all rows, each of weight 1."""
    table = open_table(source)
    try:
        return compress(table, sketch=partial(sketch_mixture, n_components=2))
    finally:
        table.dataset.engine.backend.disconnect()


def assert_same_cells(found: Cells, expected: Cells) -> None:
    """The same counts, and moments to 1e-12 of the spread of the data, which is near 1 here."""
    np.testing.assert_array_equal(found.counts, expected.counts)
    np.testing.assert_allclose(found.means, expected.means, rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(found.covariances, expected.covariances, rtol=1e-12, atol=1e-12)


def assert_same_run(found: Path, expected: Path) -> None:
    """The same cells, parameters to a hundredth of a standard error, and log-likelihoods so far.

    A climb ends there, a step sooner or later as rounding has it.
    """
    assert_same_cells(read_run(found).cells, read_run(expected).cells)
    said, expected_said = (
        json.loads((run / "parameters.json").read_text()) for run in (found, expected)
    )
    for name in ("weights", "means", "covariances"):
        np.testing.assert_allclose(said[name], expected_said[name], rtol=0, atol=1e-4)
    for name in ("log_likelihood", "exact_log_likelihood"):
        assert said["fit"][name] == pytest.approx(expected_said["fit"][name], abs=1e-3)
    for name in ("rows", "skipped_rows"):
        assert said["data"][name] == expected_said["data"][name]


@pytest.mark.parametrize("long", [2e6, 0])
def test_a_database_gives_the_cells_that_a_file_gives(
    place: Path, database: str, monkeypatch: pytest.MonkeyPatch, long: float
) -> None:
    monkeypatch.setattr("gmmcli.core.cells.compression.LONG", long)
    expected = compressed(Source(str(place / "d [1].csv")))
    found = compressed(Source(database, TABLE))
    assert found.n_passes == expected.n_passes > 1
    np.testing.assert_array_equal(found.places, expected.places)
    assert_same_cells(found.cells, expected.cells)


def test_a_database_gives_the_fit_that_a_file_gives(
    place: Path, database: str, from_file: Path
) -> None:
    run = fitted(place, "from_database", database, "--table", TABLE)
    assert_same_run(run, from_file)
    assert "@" not in (run / "parameters.json").read_text()


def test_a_database_gives_the_labels_that_a_file_gives(
    place: Path, database: str, from_file: Path
) -> None:
    asked = ("predict", from_file.name, "--overwrite", "-o")
    assert gmm(place, *asked, "expected.csv", "d [1].csv") == ""
    assert gmm(place, *asked, "found.csv", database, "--table", TABLE) == ""
    expected, found = (pd.read_csv(place / f"{name}.csv") for name in ("expected", "found"))
    pd.testing.assert_frame_equal(found, expected, rtol=1e-9)
    skipped = found[found[[X, Y]].isna().any(axis=1)]
    assert len(skipped) == 2
    assert skipped[["label", "probability", "log_density"]].isna().all(axis=None)


def mixture_in_many_groups() -> Mixture:
    """A mixture of 9 components that overlap, in groups whose borders are bent, over the rows."""
    random = np.random.default_rng(3)
    roots = random.normal(size=(9, 2, 2))
    covariances = 0.3 * roots @ roots.swapaxes(1, 2) + 0.05 * np.eye(2)
    means = 2.5 * random.normal(size=(9, 2)) + [3, 3]
    return Mixture(np.full(9, 1 / 9), means, covariances)


def test_a_database_gives_the_groups_that_a_file_gives(place: Path, database: str) -> None:
    mixture = mixture_in_many_groups()
    territories = draw_territories(mixture, survey(mixture)[1], 0.95)
    found = []
    for source in (Source(str(place / "d [1].csv")), Source(database, TABLE)):
        table = open_table(source, x=X, y=Y)
        labelled = predict_rows(table.relay(), mixture, territories=territories).to_pandas()
        found.append(labelled[["label", "group", "log_density"]].astype(float))
        table.dataset.engine.backend.disconnect()
    pd.testing.assert_frame_equal(found[1], found[0], rtol=1e-9)
    assert found[0]["group"].nunique() > 3


def test_rows_of_sqlite_are_labelled_by_the_vector(tmp_path: Path) -> None:
    table = open_table(Source(fill_sqlite(tmp_path / "d.sqlite", rows()[:9]), TABLE))
    relayed = table.relay()
    assert table.dataset.engine.backend.name == "sqlite"
    assert relayed.dataset.engine.backend.name == "duckdb"
    assert relayed.relay() is relayed
    assert relayed.dataset.rows.to_pandas()[[X, Y]].to_numpy().tolist() == [
        list(row[:2]) for row in rows()[:9]
    ]
    table.dataset.engine.backend.disconnect()


def parted_by_weight(source: Source, path: Path) -> tuple[dict[float, FloatArray], pd.DataFrame]:
    """The points of each value of WEIGHT, in order, and how many labels each has."""
    table = open_table(source, x=X, y=Y, by=WEIGHT)
    points: dict[float, list[FloatArray]] = {}
    for value, found in partition(table, path).read():
        assert value is not None
        points.setdefault(float(value), []).append(read_numbers(found, "x", "y"))
    joined = {value: np.concatenate(pieces) for value, pieces in points.items()}
    ordered = {value: p[np.lexsort((p[:, 1], p[:, 0]))] for value, p in sorted(joined.items())}
    mixture = Mixture.from_json(START)
    territories = draw_territories(mixture, survey(mixture)[1], 1.0)
    predict = partial(predict_rows, mixture=mixture, territories=territories)
    counts = count_labels(table.relay(), predict).to_pandas()
    table.dataset.engine.backend.disconnect()
    counts[WEIGHT] = counts[WEIGHT].astype(float)
    counts["count"] = counts["count"].astype(int)
    return ordered, counts.sort_values([WEIGHT, "label", "group"], ignore_index=True)


def test_a_database_gives_the_parts_and_counts_that_a_file_gives(
    place: Path, database: str, tmp_path: Path
) -> None:
    expected, counts = parted_by_weight(Source(str(place / "d [1].csv")), tmp_path / "file.parquet")
    assert len(expected) > 5
    found, counted = parted_by_weight(Source(database, TABLE), tmp_path / "database.parquet")
    assert list(found) == list(expected)
    for value, points in found.items():
        np.testing.assert_array_equal(points, expected[value])
    pd.testing.assert_frame_equal(counted, counts, check_dtype=False)


# All that a row can be told.
EVERYTHING = ("--responsibilities", "--distance", "--cut", "0.9")


def add_background(run: Path, box: Sequence[Sequence[float]]) -> None:
    """Give the mixture of a run a background with a tenth of the weight."""
    values = json.loads((run / "parameters.json").read_text())
    values["weights"] = [0.9 * weight for weight in values["weights"]]
    values["background"] = {"weight": 0.1, "box": box}
    (run / "parameters.json").write_text(json.dumps(values))


@pytest.fixture(scope="module")
def with_strays(place: Path, from_file: Path) -> Path:
    """The run of a fit to the file with a background, and the labels that the file gives by it."""
    run = Path(shutil.copytree(from_file, place / "with_strays"))
    add_background(run, [[-3, 8.5], [-3.5, 9]])
    assert gmm(place, "predict", run.name, "d [1].csv", *EVERYTHING, "-o", "all.csv") == ""
    labels = pd.read_csv(place / "all.csv")["label"]
    assert 10 < (labels == -1).sum() < 2000
    assert labels.isna().sum() > 10
    return run


def test_a_database_gives_the_background_that_a_file_gives(
    place: Path, database: str, with_strays: Path
) -> None:
    data = (database, "--table", TABLE, *EVERYTHING, "--overwrite")
    assert gmm(place, "predict", with_strays.name, *data, "-o", "found.csv") == ""
    expected, found = (pd.read_csv(place / f"{name}.csv") for name in ("all", "found"))
    pd.testing.assert_frame_equal(found, expected, rtol=1e-9)


def test_spark_gives_the_background_that_duckdb_gives(
    place: Path, tmp_path: Path, java: None, with_strays: Path
) -> None:
    options = ("--engine", "spark", *EVERYTHING, "-o", str(tmp_path / "found.csv"))
    asked = ("predict", with_strays.name, "d [1].csv", *options)
    assert gmm(place, *asked, environment=spark_environment(tmp_path)) == ""
    parts = sorted((tmp_path / "found.csv").glob("part-*"))
    found = pd.concat([pd.read_csv(part) for part in parts], ignore_index=True)
    expected = pd.read_csv(place / "all.csv")
    results = [name for name in expected.columns if name not in (X, Y, WEIGHT, NOTE)]
    assert results[-1] == "responsibility_background"
    pd.testing.assert_frame_equal(found[results], expected[results], rtol=1e-9)


def test_a_database_gives_every_row_of_one_component(place: Path, database: str) -> None:
    asked = ("-k", "1", "--weight", WEIGHT, "--no-frames", "-q", "--overwrite", "-o", "one")
    assert gmm(place, "fit", "d [1].csv", *asked) == ""
    for name, data in (("expected", ["d [1].csv"]), ("found", [database, "--table", TABLE])):
        assert gmm(place, "predict", "one", *data, "--overwrite", "-o", f"{name}.csv") == ""
    expected, found = (pd.read_csv(place / f"{name}.csv") for name in ("expected", "found"))
    pd.testing.assert_frame_equal(found, expected, rtol=1e-9)


def test_postgres_gives_the_first_rows_first_again(postgres: str) -> None:
    source = Source(fill_postgres(postgres, rows()), TABLE)
    first, *others = (compressed(source) for _ in range(3))
    for other in others:
        np.testing.assert_array_equal(other.places, first.places)
        assert_same_cells(other.cells, first.cells)


@pytest.mark.parametrize("kind", ["numeric", "numeric(12, 3)", "real", "integer"])
def test_postgres_takes_numbers_of_any_type(tmp_path: Path, postgres: str, kind: str) -> None:
    values = (100 * sampled(ARTICLE, 21_000)).round()
    numbers = np.column_stack([values, np.ones(len(values))]).astype(int).tolist()
    data: list[Row] = [(*three, None) for three in numbers]
    if kind != "integer":
        data += [("NaN", 1, 1, None), (1, "NaN", 1, None), (None, None, None, None)]
    if kind in ("numeric", "real"):
        data += [("Infinity", 1, 1, None), ("-Infinity", "NaN", 1, None)]
    write_csv(tmp_path / "d.csv", data)
    expected = compressed(Source(str(tmp_path / "d.csv")))
    found = compressed(Source(fill_postgres(postgres, data, kind), TABLE))
    assert found.n_skipped == expected.n_skipped == len(data) - len(values)
    assert_same_cells(found.cells, expected.cells)


def test_postgres_takes_numbers_whose_squares_vanish(tmp_path: Path, postgres: str) -> None:
    half = sampled(ARTICLE, 11_000).round(1)
    # The mean of the first rows is exactly zero, so nothing hides how small the last ones are.
    centred = np.stack([half, -half], axis=1).reshape(-1, 2).tolist()
    tiny = [(1e-200, -1e-200), (5e-324, 0.0), (1e-308, 5e-324), (-1e-170, 1e-310)]
    data: list[Row] = [(x, y, 1.0, None) for x, y in [(0.0, 0.0), *centred, *tiny]]
    write_csv(tmp_path / "d.csv", data)
    expected = compressed(Source(str(tmp_path / "d.csv")))
    found = compressed(Source(fill_postgres(postgres, data), TABLE))
    assert_same_cells(found.cells, expected.cells)


@pytest.mark.parametrize("is_stray", [False, True])
def test_postgres_labels_rows_with_numbers_whose_squares_vanish_or_overflow(
    tmp_path: Path, postgres: str, is_stray: bool
) -> None:
    centred = {
        "weights": [0.5, 0.5],
        "means": [[0, 0], [1, 1]],
        "covariances": [[[1, 0], [0, 1]], [[2, 1], [1, 2]]],
    }
    (tmp_path / "start.json").write_text(json.dumps(centred))
    numbers = [0.0, 1e-200, -5e-324, 3.0, 1e200, -1e308, float("inf"), float("nan"), None]
    data: list[Row] = [(x, y, 1.0, None) for x in numbers for y in numbers]
    write_csv(tmp_path / "d.csv", data)
    write_csv(tmp_path / "few.csv", [(1, 2, 1, None), (2, 1, 1, None), (3, 3, 1, None)])
    start = ("--init", "start.json", "--steps", "0", "--no-frames", "-q")
    assert gmm(tmp_path, "fit", "few.csv", *start, "-o", "run") == ""
    if is_stray:
        add_background(tmp_path / "run", [[-5e-324, 4], [-1, 1e200]])
    url = fill_postgres(postgres, data)
    assert gmm(tmp_path, "predict", "run", "d.csv", "-o", "expected.csv") == ""
    assert gmm(tmp_path, "predict", "run", url, "--table", TABLE, "-o", "found.csv") == ""
    expected, found = (pd.read_csv(tmp_path / f"{name}.csv") for name in ("expected", "found"))
    results = ["label", "probability", "log_density"]
    pd.testing.assert_frame_equal(found[results], expected[results], rtol=1e-9)
    finite = [all(v is not None and np.isfinite(v) for v in row[:2]) for row in data]
    np.testing.assert_array_equal(found[results].notna(), np.array([finite] * 3).T)


@pytest.mark.parametrize("huge", [1e308, 1e200])
def test_a_number_that_is_too_large_gets_one_line(postgres: str, huge: float) -> None:
    url = fill_postgres(postgres, [*rows(), (huge, 1.0, 1.0, None)])
    with pytest.raises(TableError, match="double precision cannot work with: change their units"):
        compressed(Source(url, TABLE))


def test_columns_of_rare_types_are_written_as_text(
    tmp_path: Path, postgres: str, from_file: Path
) -> None:
    values = {
        "uuid": "00000000-0000-0000-0000-000000000001",
        "inet": "127.0.0.1/32",
        "numeric": "1.23456789012345678901234567890123456789",
        "integer[]": "{1,2}",
        "int4range": "[1,3)",
        "point": "(1,2)",
        "interval": "1 day 02:00:00",
    }
    url = new_database(postgres)
    with psycopg.connect(url) as connection:
        columns = ", ".join(f'"{kind}" {kind}' for kind in values)
        numbers = f"{quoted(X)} real, {quoted(Y)} real"
        connection.execute(f"CREATE TABLE rare ({numbers}, {columns})".encode())
        given = ", ".join(f"'{value}'" for value in values.values())
        connection.execute(f"INSERT INTO rare VALUES (1, 2, {given})".encode())
    asked = ("predict", str(from_file), url, "--table", "rare", "-o")
    for name in ("out.csv", "out.parquet"):
        assert gmm(tmp_path, *asked, name) == ""
    assert pd.read_csv(tmp_path / "out.csv", dtype=str)[[*values]].to_dict("records") == [values]
    assert pd.read_parquet(tmp_path / "out.parquet")[[*values]].to_dict("records") == [values]


def test_lists_in_parquet_are_written_as_text(tmp_path: Path, from_file: Path) -> None:
    given = pd.DataFrame({X: [1.0], Y: [2.0], "list": [[1, 2]], "struct": [{"a": "ö"}]})
    given.to_parquet(tmp_path / "d.parquet")
    assert gmm(tmp_path, "predict", str(from_file), "d.parquet", "-o", "out.csv") == ""
    found = pd.read_csv(tmp_path / "out.csv")
    assert found[["list", "struct"]].to_numpy().tolist() == [["[1, 2]", "{'a': ö}"]]


def test_text_among_the_numbers_of_sqlite_is_skipped(tmp_path: Path) -> None:
    data: list[Row] = [(1.5, 2.0, 1.0, None), ("", 3.0, 1.0, None), (4.0, "none", 1.0, None)]
    url = fill_sqlite(tmp_path / "d.sqlite", [*data, (2.0, 5.0, 1.0, None)])
    found = compressed(Source(url, TABLE))
    assert (found.n_rows, found.n_skipped) == (4, 2)
    np.testing.assert_array_equal(found.cells.means, [[1.5, 2], [2, 5]])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ((quote(PASSWORD, safe=""), "secret"), "password authentication failed"),
        ((HOST, "127.0.0.2"), "Connection refused"),
        (("/postgres", "/none"), 'database "none" does not exist'),
        ((quote(PASSWORD, safe=""), "sec/ret"), "the / ? # @ of a password are written %2F"),
        ((quote(PASSWORD, safe=""), "sec@re#t"), "the / ? # @ of a password are written %2F"),
        ((f"@{HOST}:", f"@{HOST}:secret"), "its port is a number"),
        (("postgres:", "nonsense:"), "is no database that Ibis knows"),
        (("/postgres", "/postgres"), "postgres none: there is no such table"),
    ],
)
def test_what_a_server_refuses_gets_one_line_without_the_password(
    tmp_path: Path, postgres: str, change: tuple[str, str], message: str
) -> None:
    url = postgres.replace(*change)
    error = gmm(tmp_path, "fit", url, "--table", "none", code=1)
    assert error.startswith("Error: ")
    assert error.count("\n") == 1
    assert message in error
    for part in (PASSWORD, quote(PASSWORD, safe=""), "sec", "re#t"):
        assert part not in error


@pytest.mark.parametrize("is_long", [False, pytest.param(True, marks=pytest.mark.slow)])
def test_spark_gives_the_fit_that_duckdb_gives(
    place: Path, tmp_path: Path, java: None, is_long: bool
) -> None:
    expected = fitted(place, f"from_file_{is_long}", "d [1].csv", is_long=is_long)
    environment = spark_environment(tmp_path)
    data = ("d [1].csv", "--engine", "spark")
    run = f"from_spark_{is_long}"
    found = fitted(place, run, *data, environment=environment, is_long=is_long)
    assert read_run(found).cells.covariances.any()
    assert_same_run(found, expected)


@pytest.mark.slow
def test_spark_gives_the_values_that_duckdb_gives(place: Path, tmp_path: Path, java: None) -> None:
    tables = {}
    for engine, environment in (("auto", None), ("spark", spark_environment(tmp_path))):
        asked = ("fit", "d [1].csv", "-x", X, "-y", Y, "-k", "1", "--by", WEIGHT, "--no-frames")
        options = ("--engine", engine, "-q", "-o", f"by_{engine}")
        assert gmm(place, *asked, *options, environment=environment) == ""
        tables[engine] = pd.read_csv(place / f"by_{engine}" / "values.csv")
    assert len(tables["auto"]) == 10
    pd.testing.assert_frame_equal(tables["spark"], tables["auto"], rtol=1e-9)


@pytest.mark.slow
def test_spark_writes_values_that_are_numbers_as_duckdb_does(tmp_path: Path, java: None) -> None:
    rows = pd.DataFrame(np.random.default_rng(0).normal(size=(80, 2)), columns=["x", "y"])
    rows["level"] = np.repeat([1e20, 1e-7, 12345678.9, np.nan], 20)
    rows.to_parquet(tmp_path / "d.parquet")
    for engine, environment in (("auto", None), ("spark", spark_environment(tmp_path))):
        asked = ("fit", "d.parquet", "-x", "x", "-y", "y", "-k", "1", "--by", "level")
        options = ("--no-frames", "--engine", engine, "-q", "-o", engine)
        assert gmm(tmp_path, *asked, *options, environment=environment) == ""
        table = pd.read_csv(tmp_path / engine / "values.csv", dtype=str)
        assert table["value"].tolist() == ["1e-07", "12345678.9", "1e+20"]
        runs = sorted(path.name for path in (tmp_path / engine / "values").iterdir())
        assert runs == ["12345678.9", "1e+20", "1e-07"]
    counted = ("predict", "spark", "d.parquet", "--counts", "--by", "level")
    gmm(
        tmp_path,
        *counted,
        "--engine",
        "spark",
        "-o",
        "counts.parquet",
        environment=spark_environment(tmp_path),
    )
    counts = pd.read_parquet(tmp_path / "counts.parquet")
    assert counts["level"].dropna().tolist() == [1e-7, 12345678.9, 1e20]
    assert counts["count"].tolist() == [20] * 4


def test_spark_says_what_is_wrong_in_one_line(tmp_path: Path, java: None) -> None:
    (tmp_path / "d.csv").write_text("x,y\n1,2\n2,oops\n3,4\n")
    asked = ("fit", "d.csv", "-x", "x", "-y", "y", "--engine", "spark")
    error = gmm(tmp_path, *asked, code=1, environment=spark_environment(tmp_path))
    assert (
        error == f"Error: d.csv: a chosen column holds 'oops', which is not a number{MEND_TEXT}\n"
    )


@pytest.mark.slow
@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "x y\n1 2\n3 4\n",
            "d.csv has blanks between fields, or comments: leave out --engine spark",
        ),
        ("# a\nx,y\n1,2\n3,4\n", "d.csv has blanks between fields, or comments: leave out"),
        ("x,y\n0,1,2\n1,3,4\n", "d.csv has other columns than its header names: leave out"),
    ],
)
def test_spark_refuses_text_that_it_would_read_otherwise(
    tmp_path: Path, java: None, text: str, message: str
) -> None:
    (tmp_path / "d.csv").write_text(text)
    asked = ("fit", "d.csv", "--engine", "spark")
    assert message in gmm(tmp_path, *asked, code=1, environment=spark_environment(tmp_path))


@pytest.mark.slow
def test_a_spark_cluster_gives_the_fit_that_duckdb_gives(
    place: Path, tmp_path: Path, from_file: Path, java: None
) -> None:
    with spark_cluster(tmp_path, n_workers=2) as cluster:
        data = ("d [1].csv", "--engine", "spark")
        run = fitted(place, "from_cluster", *data, environment=cluster.environment)
        (application,) = cluster.state()["completedapps"]
    assert_same_run(run, from_file)
    assert (application["state"], application["cores"]) == ("FINISHED", 2)
    assert set(tasks_by_executor(cluster.events)) == {"0", "1"}


def tasks_by_executor(events: Path) -> dict[str, int]:
    """How many tasks each executor of an application finished."""
    (file,) = (path for path in events.rglob("events_*"))
    ended = [
        event["Task Info"]["Executor ID"]
        for event in map(json.loads, file.read_text().splitlines())
        if event["Event"] == "SparkListenerTaskEnd" and not event["Task Info"]["Failed"]
    ]
    return {executor: ended.count(executor) for executor in sorted(set(ended))}


def test_a_session_of_spark_that_does_not_start_says_why(monkeypatch: pytest.MonkeyPatch) -> None:
    spark = pytest.importorskip("gmmcli.core.tables.spark")
    errors = pytest.importorskip("pyspark.errors")

    class Builder:
        def getOrCreate(self) -> None:  # noqa: N802 (as Spark calls it)
            os.write(2, b"starting\nno room for a heap\n")
            raise errors.PySparkRuntimeError("the gateway is closed")

    monkeypatch.setattr(spark.SparkSession, "builder", Builder())
    with pytest.raises(TableError, match="Java says: no room for a heap"):
        spark._start_session("d.csv")
