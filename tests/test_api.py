"""Fits from Python: the same as the commands give, of tables of any kind in memory."""

import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from io import StringIO
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyro
import pytest
from builders import SAMPLE_DATA, one_line_error, random_mixture, sampled
from click.testing import Result
from matplotlib.figure import Figure

import gmmcli
from gmmcli.core.runs.parameters import read_parameters

DATA = SAMPLE_DATA / "old_faithful.csv"


class Capsule:
    """Rows as Polars and others give them to Arrow."""

    def __init__(self, rows: pa.Table) -> None:
        self._rows = rows

    def __arrow_c_stream__(self, requested_schema: object = None) -> object:
        return self._rows.__arrow_c_stream__(requested_schema)


@pytest.fixture(scope="module")
def frame() -> pd.DataFrame:
    return pd.read_csv(DATA)


@pytest.fixture(scope="module")
def fitted(frame: pd.DataFrame) -> gmmcli.Run:
    return gmmcli.fit(frame, components=2)


def test_importing_it_loads_nothing_heavy() -> None:
    code = (
        "import sys, gmmcli; "
        "print(sorted({'numpy', 'pandas', 'ibis', 'torch', 'matplotlib'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
    assert {"fit", "read_run", "Run", "Mixture", "GmmError"} <= set(dir(gmmcli))


def tables(frame: pd.DataFrame) -> Iterator[object]:
    """The same rows in every way in which they may be given."""
    rows = pa.Table.from_pandas(frame)
    yield from (str(DATA), DATA, gmmcli.Source(str(DATA)), rows, Capsule(rows), rows.to_reader())


def test_rows_of_any_kind_give_the_same_fit(frame: pd.DataFrame, fitted: gmmcli.Run) -> None:
    for data in tables(frame):
        found = gmmcli.fit(data, components=2)
        assert found.columns == ("eruptions", "waiting")
        np.testing.assert_array_equal(found.mixture.means, fitted.mixture.means)
    array = gmmcli.fit(frame.to_numpy(dtype=float), components=2)
    assert array.columns == ("x", "y")
    np.testing.assert_array_equal(array.mixture.covariances, fitted.mixture.covariances)


def test_a_fit_is_that_of_the_command(
    work: Path, run: Callable[..., Result], frame: pd.DataFrame
) -> None:
    x, where = "log10(waiting)", "eruptions > 2"
    asked = ("-x", x, "-y", "eruptions", "--where", where, "-k", "1:3", "--seed", 3)
    run("fit", "sample_data/old_faithful.csv", *asked, "-o", "command", "--no-frames", "-q")
    found = gmmcli.fit(
        frame, x=x, y="eruptions", where=where, components=(1, 3), seed=3, output=work / "function"
    )
    command, function = (read_parameters(work / name) for name in ("command", "function"))
    for name in ("weights", "means", "covariances"):
        expected = getattr(command.mixture, name)
        np.testing.assert_array_equal(getattr(function.mixture, name), expected)
        np.testing.assert_array_equal(getattr(found.mixture, name), expected)
    assert function.where == command.where == where
    assert function.columns == found.columns == (x, "eruptions")
    again = gmmcli.read_run(work / "function")
    pd.testing.assert_frame_equal(again.history, found.history, rtol=1e-12)
    labels = run("predict", "command", "sample_data/old_faithful.csv", "--responsibilities").stdout
    rows = again.predict(frame, responsibilities=True)
    pd.testing.assert_frame_equal(rows, pd.read_csv(StringIO(labels)), rtol=1e-9)
    assert len(again.predict(frame, where="waiting < 50")) == (frame["waiting"] < 50).sum()
    with pytest.raises(gmmcli.GmmError, match="exists: choose another"):
        gmmcli.fit(frame, output=work / "function")


def test_a_fit_from_a_start_keeps_its_numbers(frame: pd.DataFrame, fitted: gmmcli.Run) -> None:
    start = fitted.mixture.reorder(np.array([1, 0]))
    found = gmmcli.fit(frame, start=start)
    np.testing.assert_allclose(found.mixture.means, start.means, rtol=1e-4)


def test_two_fits_at_once_are_those_of_one_after_the_other() -> None:
    tables = [sampled(random_mixture(k, seed=k), 200, seed=k) for k in (2, 3)]
    alone = [gmmcli.fit(table, components=k) for k, table in zip((2, 3), tables, strict=True)]
    with ThreadPoolExecutor(2) as threads:
        together = [
            threads.submit(gmmcli.fit, table, components=k)
            for _ in range(5)
            for k, table in zip((2, 3), tables, strict=True)
        ]
    for one, other in zip(together, 5 * alone, strict=True):
        assert one.result().history.equals(other.history)
    assert pyro.poutine.runtime._PYRO_STACK == []


def test_a_notebook_shows_the_picture_and_the_table(frame: pd.DataFrame) -> None:
    marked = frame.rename(columns={"waiting": "<b>&amp;"})
    page = gmmcli.fit(marked, components=1)._repr_html_()
    assert page.startswith('<img src="data:image/png;base64,')
    assert page.count("<tr") == 3  # the heading has two
    assert "<b>" not in page


def test_steps_are_drawn_as_figures(fitted: gmmcli.Run) -> None:
    for figure in (fitted.plot(), fitted.plot(0, colour="group"), fitted.plot_convergence()):
        assert isinstance(figure, Figure)
    with pytest.raises(gmmcli.GmmError, match="no step 99: the history ends at step"):
        fitted.plot(99)


def test_components_are_those_of_the_mixture(fitted: gmmcli.Run) -> None:
    table, mixture = fitted.components, fitted.mixture
    assert list(table.columns[:3]) == ["weight", "mean eruptions", "mean waiting"]
    variances = mixture.covariances[:, 1, 1]
    np.testing.assert_allclose(table["sd waiting"] ** 2, variances)
    product = table["sd eruptions"] * table["sd waiting"] * table["correlation"]
    np.testing.assert_allclose(product, mixture.covariances[:, 0, 1])


@pytest.mark.parametrize(
    ("data", "options", "message"),
    [
        (3, {}, "cannot read a table from a int"),
        (np.ones(3), {}, "an array of points has shape (N, 2), not (3,)"),
        (pd.DataFrame({"a": ["u", "v"], "b": [1, 2]}), {}, "the table needs two numeric columns"),
        (np.ones((5, 2)), {}, "the table: all points equal (1, 1)"),
        (np.eye(3), {"x": "z"}, "the table has no column 'z'"),
        (np.eye(3), {"components": 0}, "components is (0, 0): give a number above 0"),
        (np.eye(3), {"covariance": "round"}, "'round' is none of full, tied"),
        (np.eye(3), {"criterion": "dic"}, "'dic' is none of bic"),
    ],
)
def test_what_is_wrong_is_one_line(data: object, options: dict[str, object], message: str) -> None:
    with pytest.raises(gmmcli.GmmError) as raised:
        gmmcli.fit(data, **options)  # type: ignore[arg-type]
    assert message in str(raised.value)
    assert "\n" not in str(raised.value)


def test_an_option_that_there_is_not_is_an_error_of_the_program() -> None:
    with pytest.raises(TypeError, match="fit has no option 'colour'"):
        gmmcli.fit(np.eye(3), colour="red")  # type: ignore[call-arg]


def test_a_mixture_alone_labels_rows(work: Path, run: Callable[..., Result]) -> None:
    run("generate", "-n", 50, "-o", "d.csv")
    error = one_line_error(run("predict", "sample_data/article_start.json", "d.csv", code=2))
    assert "article_start.json is a mixture and names no columns: give -x and -y" in error
    said = run("predict", "sample_data/article_start.json", "d.csv", "-x", "x", "-y", "y").stdout
    rows = pd.read_csv(StringIO(said))
    mixture = gmmcli.read_mixture(Path("sample_data/article_start.json"))
    expected = mixture.log_densities(rows[["x", "y"]].to_numpy())
    np.testing.assert_allclose(rows["log_density"], expected, rtol=1e-9)


def test_a_path_is_read_as_the_commands_read_it(tmp_path: Path) -> None:
    path = tmp_path / "by_blanks.dat"
    path.write_text("# time flux\n" + "".join(f"  {i}   {i % 7}.5\n" for i in range(30)))
    assert gmmcli.fit(path, components=1).columns == ("time", "flux")


def test_a_run_does_not_take_the_place_of_what_it_is_fitted_to(
    work: Path, frame: pd.DataFrame
) -> None:
    gmmcli.fit(frame, components=1, output=work / "run")
    files = {path: path.read_bytes() for path in (work / "run").iterdir()}
    with pytest.raises(gmmcli.GmmError, match="which the run is to replace: choose another"):
        gmmcli.fit(work / "run" / "history.csv", output=work / "run", overwrite=True)
    assert {path: path.read_bytes() for path in (work / "run").iterdir()} == files
    again = gmmcli.fit(frame, components=2, output=work / "run", overwrite=True)
    assert gmmcli.read_run(work / "run").mixture.n_components == again.mixture.n_components == 2
