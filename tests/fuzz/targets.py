"""What the fuzzer gives bytes to: each reads them as it would a stranger's, and checks what it got.

A target raises `GmmError` of one line for what it refuses. Anything else that comes out of it is a
bug: another exception, a refusal of several lines, a wrong value, a hang, too much memory.
"""

import math
import re
import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd
from builders import cells_of, sampled
from fuzz.oracles import Value, calculate

from gmmcli.core.cells.cells import Cells
from gmmcli.core.cells.compression import compress
from gmmcli.core.groups.groups import find_groups
from gmmcli.core.mixture.mixture import Mixture, read_mixture
from gmmcli.core.mixture.sampling import ARTICLE
from gmmcli.core.runs.asked import Asked
from gmmcli.core.runs.directory import read_run, write_run
from gmmcli.core.runs.result import Provenance, describe
from gmmcli.core.search.choice import choose_mixture
from gmmcli.core.tables.columns import check_use, take
from gmmcli.core.tables.copies import resolve_source
from gmmcli.core.tables.engine import Dataset
from gmmcli.core.tables.formulas import read_formulas
from gmmcli.core.tables.frames import name_source, open_frame
from gmmcli.core.tables.layout import find_mark, leave_out
from gmmcli.core.tables.prediction import predict_rows
from gmmcli.core.tables.table import open_table
from gmmcli.errors import GmmError
from gmmcli.settings import Choice, FitSettings

# The rows of a table that expressions are of; no two columns are alike.
FRAME = pd.DataFrame(
    {
        "a": [1.0, -2.5, 0.0, 1e5, math.inf, None, 7.25],
        "b": [2.0, 0.0, -1.0, 1e-5, 3.0, 0.5, None],
        "n": pd.array([1, 0, -3, 2, 7, 1000, None], "Int64"),
        "t": pd.array([True, False, None, True, False, None, True], "boolean"),
        "word": ["g", "r", "it's", None, "", "é", "g"],
        "a-b": [3.0, 1.0, 4.0, 1.0, 5.0, 9.0, 2.0],
    }
)
# Text of which every line is a row, a comment or blank.
PLAIN = re.compile(rb"[\t\n\r !#-&(-~]+")
CELLS = Cells(np.array([3.0, 1.0, 2.0]), np.eye(3, 2), np.zeros((3, 2, 2)))


def read_expression(data: bytes) -> None:
    """An expression of columns is refused, or what Python makes of it in every row."""
    dataset, rows = _open_frame()
    text = data.decode(errors="replace")
    formula = read_formulas([(text, "any")], list(rows[0]), "the table").get(text)
    if formula is None:
        return  # a column by itself
    for name, use in formula.uses.items():
        check_use(dataset, name, use, source="the table")
    found = formula.build(lambda name: take(dataset, name, formula.uses[name])).to_pyarrow()
    for value, row in zip(found.to_pylist(), rows, strict=True):
        expected = calculate(formula.root, row)
        assert _are_alike(value, expected), (formula.text, row, value, expected)


def read_mixture_file(data: bytes) -> None:
    """A file is refused, or a mixture that says finite things and comes back as it was."""
    with _scratch() as directory:
        path = directory / "mixture.json"
        path.write_bytes(data)
        mixture = read_mixture(path)
    assert mixture.n_components > 0
    again = Mixture.from_json(mixture.to_json())
    assert np.array_equal(again.covariances, mixture.covariances)
    if mixture.n_components <= 100:
        points = np.concatenate([mixture.means, mixture.sample(5)[0]])
        assert not np.isnan(mixture.log_densities(points)).any()
        shares = mixture.responsibilities(points).sum(axis=1)
        assert np.allclose(shares + mixture.background_responsibilities(points), 1)
        find_groups(mixture, CELLS, 0.95)


def read_run_directory(data: bytes) -> None:
    """A run with one file replaced, which the first byte chooses, is refused or can be drawn."""
    with _scratch() as directory:
        run = Path(shutil.copytree(_write_run(), directory / "run"))
        files = sorted(run.iterdir())
        if data:
            files[data[0] % len(files)].write_bytes(data[1:])
        read = read_run(run)
    read.history.choose_steps("auto")
    assert np.isfinite(read.cells.covariance()).all()
    assert read.selection is None or read.selection.winner.components == read.mixture.n_components
    assert read.groups is None or len(read.groups.shares) == read.mixture.n_components


def read_text(data: bytes) -> None:
    """A text file is refused, or no row of it is lost."""
    with _scratch() as directory:
        path = directory / "data.csv"
        path.write_bytes(data)
        with resolve_source(str(path), None) as source:
            table = open_table(source)
            try:
                compression = compress(table)
                predicted = predict_rows(table, ARTICLE)
                n_rows = predicted.count().to_pyarrow().as_py()
            finally:
                table.dataset.engine.backend.disconnect()
    counted = compression.cells.n_points + compression.n_skipped
    assert counted == compression.n_rows == n_rows, (counted, compression.n_rows, n_rows)
    if PLAIN.fullmatch(data):
        lines = data.decode().splitlines()
        mark = find_mark(lines)
        n_lines = sum(not leave_out(line, mark) for line in lines)
        assert n_lines - n_rows in (0, int(table.has_header)), (n_rows, n_lines)


TARGETS: Mapping[str, Callable[[bytes], None]] = {
    "expression": read_expression,
    "mixture": read_mixture_file,
    "run": read_run_directory,
    "text": read_text,
}


def refuse(read: Callable[[bytes], None]) -> Callable[[bytes], None]:
    """What a target does, with a refusal for a good end if it is one line."""

    def try_it(data: bytes) -> None:
        try:
            read(data)
        except GmmError as error:
            text = str(error)
            assert text.isprintable(), text
            assert len(text) < 2000, text

    return try_it


@contextmanager
def _scratch() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="gmm-fuzz-") as directory:
        yield Path(directory)


@cache
def _open_frame() -> tuple[Dataset, list[dict[str, Value]]]:
    known = FRAME.astype(object).where(FRAME.notna(), None)
    rows = [dict(zip(FRAME.columns, row, strict=True)) for row in known.to_numpy()]
    return open_frame(name_source(FRAME)), rows


@cache
def _write_run() -> Path:
    """A run of a choice and a background, as a fit writes it."""
    directory = Path(tempfile.mkdtemp(prefix="gmm-fuzz-run-")) / "run"
    choice = Choice(1, 2, goes_on=False, background="on")
    fitted = describe(choose_mixture(cells_of(sampled(ARTICLE, 60)), FitSettings(), choice))
    write_run(directory, fitted, Provenance(("x", "y"), "d.csv", 60, 0, Asked()))
    return directory


def _are_alike(found: Value, expected: Value, *, tolerance: float = 1e-12) -> bool:
    """Whether two values are the same, but for the last digits of numbers."""
    if isinstance(found, float) and isinstance(expected, int | float):
        return math.isclose(found, expected, rel_tol=tolerance)
    return found == expected
