"""Expressions of columns in every engine: the same numbers, and the same rows."""

import json
import math
import sqlite3
import subprocess
import sys
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
import psycopg
import pytest
from servers import spark_environment

from gmmcli.core.tables.formulas import Use, read_formulas
from gmmcli.core.tables.source import Source
from gmmcli.core.tables.table import open_table
from gmmcli.errors import TableError

Numbers = dict[str, list[float]]

NONE = math.nan
ROWS = [
    # a, b, n, word
    (1.0, 2.0, 1, "g"),
    (-2.5, 0.0, 0, "r"),
    (0.0, -1.0, -3, "it's"),
    (150.0, 1e-5, 2, None),
    (None, 3.0, 7, "é"),
    (1e5, None, 1000, "G"),
    (7.25, 0.5, None, "g"),
]
# What each expression is in these rows.
NUMBERS = {
    "log(a)": [0, NONE, NONE, math.log(150), NONE, math.log(1e5), math.log(7.25)],
    "log10(a)": [0, NONE, NONE, math.log10(150), NONE, 5, math.log10(7.25)],
    "log2(n)": [0, NONE, NONE, 1, math.log2(7), math.log2(1000), NONE],
    "asinh(a / 150)": [math.asinh(a / 150) for a in (1, -2.5, 0, 150, NONE, 1e5, 7.25)],
    "sinh(n)": [math.sinh(1), 0, math.sinh(-3), math.sinh(2), math.sinh(7), NONE, NONE],
    "exp(n)": [math.e, 1, math.exp(-3), math.exp(2), math.exp(7), NONE, NONE],
    "exp(-n)": [1 / math.e, 1, math.exp(3), math.exp(-2), math.exp(-7), 0, NONE],
    "sqrt(a)": [1, NONE, 0, math.sqrt(150), NONE, math.sqrt(1e5), math.sqrt(7.25)],
    "a / b": [0.5, NONE, 0, 150 / 1e-5, NONE, NONE, 14.5],
    "n / 2": [0.5, 0, -1.5, 1, 3.5, 500, NONE],
    "1 / n": [1, NONE, -1 / 3, 0.5, 1 / 7, 1e-3, NONE],
    "-n ** 2": [-1, 0, -9, -4, -49, -1e6, NONE],
    "n ** -1": [1, NONE, -1 / 3, 0.5, 1 / 7, 1e-3, NONE],
    "a ** 0.5": [1, NONE, 0, math.sqrt(150), NONE, math.sqrt(1e5), math.sqrt(7.25)],
    "b ** n": [2, 1, -1, 1e-10, 2187, NONE, NONE],
    "10 ** (-0.4 * b)": [*(10 ** (-0.4 * b) for b in (2, 0, -1, 1e-5, 3, NONE, 0.5))],
    "floor(a)": [1, -3, 0, 150, NONE, 1e5, 7],
    "abs(a) - b": [-1, 2.5, 1, 150 - 1e-5, NONE, NONE, 6.75],
    "arctan2(b, a)": [math.atan2(2, 1), math.pi, -math.pi / 2, 1e-5 / 150, NONE, NONE, 0.5 / 7.25],
    "sin(radians(b)) + cos(b)": [
        math.sin(math.radians(b)) + math.cos(b) for b in (2, 0, -1, 1e-5, 3, NONE, 0.5)
    ],
}
NUMBERS["arctan2(b, a)"][-1] = math.atan2(0.5, 7.25)
# Which rows each condition leaves.
CONDITIONS = {
    "a > 0": [0, 3, 5, 6],
    "not a > 0": [1, 2],
    "0 < b <= 1": [3, 6],
    "log(a) > 1 or word == 'r'": [1, 3, 5, 6],
    'word == "it\'s"': [2],
    "word != 'g'": [1, 2, 4, 5],
    "word in ('g', 'é') and not missing(n)": [0, 4],
    "missing(word) or missing(a * b)": [3, 4, 5],
    "n in (0, 2, 1e3)": [1, 3, 5],
    "n not in (0, 2, 1e3)": [0, 2, 4],
    "a == n": [0],
}


def write_csv(place: Path) -> Source:
    lines = [",".join("" if each is None else str(each) for each in row) for row in ROWS]
    path = place / "d.csv"
    path.write_text("\n".join(["a,b,n,word", *lines]), encoding="utf-8")
    return Source(str(path))


def fill_sqlite(place: Path) -> Source:
    connection = sqlite3.connect(place / "d.sqlite")
    connection.execute("CREATE TABLE t (a REAL, b REAL, n INTEGER, word TEXT)")
    connection.executemany("INSERT INTO t VALUES (?, ?, ?, ?)", ROWS)
    connection.commit()
    connection.close()
    return Source(f"sqlite://{place / 'd.sqlite'}", "t")


def fill_postgres(url: str) -> Source:
    with closing(psycopg.connect(url)) as connection, connection, connection.cursor() as cursor:
        cursor.execute("DROP TABLE IF EXISTS expressed")
        cursor.execute(
            "CREATE TABLE expressed (a DOUBLE PRECISION, b DOUBLE PRECISION, n INTEGER, word TEXT)"
        )
        cursor.executemany("INSERT INTO expressed VALUES (%s, %s, %s, %s)", ROWS)
    return Source(url, "expressed")


def read_all(source: Source) -> tuple[Numbers, Numbers]:
    """What an engine makes of all expressions, and the b of the rows that each condition leaves."""
    opened = open_table(source, x="a", y="b")
    wanted: list[tuple[str | None, Use]] = [(text, "number") for text in NUMBERS]
    wanted += [(text, "truth") for text in CONDITIONS]
    formulas = read_formulas(wanted, ["a", "b", "n", "word"], "t")
    table, rows = replace(opened, formulas=formulas), opened.dataset.rows
    numbers = {f"c{i}": table.parse_number(text) for i, text in enumerate(NUMBERS)}
    found = table.read(rows.select(**numbers)).to_pylist()
    values = {text: [row[f"c{i}"] for row in found] for i, text in enumerate(NUMBERS)}
    met = {f"c{i}": table.parse_number(text) for i, text in enumerate(CONDITIONS)}
    left = {
        text: table.read(rows.filter(met[f"c{i}"]).select("b"))["b"].to_pylist()
        for i, text in enumerate(CONDITIONS)
    }
    opened.dataset.engine.backend.disconnect()
    return values, left


def assert_as_expected(found: tuple[Numbers, Numbers]) -> None:
    values, left = found
    for text, expected in NUMBERS.items():
        numbers: npt.NDArray[np.float64] = np.array(values[text], dtype=np.float64)
        np.testing.assert_allclose(numbers, expected, rtol=1e-13, atol=1e-300, err_msg=text)
    for condition, rows in CONDITIONS.items():
        b = [None if each is None else float(each) for each in left[condition]]
        assert b == [ROWS[row][1] for row in rows], condition


def test_a_file_gives_what_expressions_say(tmp_path: Path) -> None:
    assert_as_expected(read_all(write_csv(tmp_path)))


def test_columns_that_are_kept_as_text_give_the_same(tmp_path: Path) -> None:
    source = write_csv(tmp_path)
    for condition in ("0 < b <= 1", "word in ('g', 'é') and not missing(n)"):
        rows = CONDITIONS[condition]
        table = open_table(replace(source, where=condition), x="log10(a)", y="b", as_text=True)
        assert set(table.dataset.rows.schema().types) == {table.dataset.rows.word.type()}
        found = table.read(table.rows)["x"].to_pylist()
        logarithms = [NUMBERS["log10(a)"][row] for row in rows]
        assert found == [None if math.isnan(x) else pytest.approx(x) for x in logarithms]


def test_sqlite_gives_what_expressions_say(tmp_path: Path) -> None:
    assert_as_expected(read_all(fill_sqlite(tmp_path)))


def test_postgres_gives_what_expressions_say(postgres: str) -> None:
    source = fill_postgres(postgres)
    assert_as_expected(read_all(source))
    table = open_table(source, x="1e300 * a ** 4", y="b")
    with pytest.raises(TableError, match="numbers that double precision cannot work with"):
        table.read(table.rows)
    table.dataset.engine.backend.disconnect()


SPARK = """
import json, sys
sys.path.insert(0, sys.argv[1])
from pathlib import Path
from test_evaluation import read_all
from gmmcli.core.tables.source import Source
print(json.dumps(read_all(Source(sys.argv[2], engine="spark"))))
"""


def test_spark_gives_what_expressions_say(tmp_path: Path, java: None) -> None:
    source = write_csv(tmp_path)
    here = Path(__file__).parent
    done = subprocess.run(
        [sys.executable, "-c", SPARK, str(here), source.data],
        capture_output=True,
        text=True,
        env={**spark_environment(tmp_path), "PYTHONPATH": ":".join(sys.path)},
        check=False,
    )
    assert done.returncode == 0, done.stderr
    values, left = json.loads(done.stdout.splitlines()[-1])
    assert_as_expected((values, left))
