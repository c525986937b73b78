"""Fits from Python: the same as the commands give, of tables of any kind in memory."""

import json
import subprocess
import sys
import warnings
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
from gmmcli.core.mixture.sampling import ARTICLE
from gmmcli.core.runs.parameters import read_parameters
from gmmcli.wording import translate

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
    results = ("--responsibilities", "--cut", 0.8, "--distance")
    labels = run("predict", "command", "sample_data/old_faithful.csv", *results).stdout
    rows = again.predict(frame, responsibilities=True, cut=0.8, distance=True)
    assert rows["label"].isna().any()
    pd.testing.assert_frame_equal(rows, pd.read_csv(StringIO(labels)), rtol=1e-9)
    assert len(again.predict(frame, where="waiting < 50")) == (frame["waiting"] < 50).sum()
    with pytest.raises(gmmcli.GmmError, match=r"exists: choose another.* overwrite=True$"):
        gmmcli.fit(frame, output=work / "function")
    for name in ("status", "n_points", "n_skipped", "n_groups", "log_likelihood", "bic", "icl"):
        assert getattr(again, name) == getattr(found, name)
    assert str(again) == str(found)


def test_a_fit_from_a_start_keeps_its_numbers(frame: pd.DataFrame, fitted: gmmcli.Run) -> None:
    start = fitted.mixture.reorder(np.array([1, 0]))
    found = gmmcli.fit(frame, start=start)
    np.testing.assert_allclose(found.mixture.means, start.means, rtol=1e-4)


@pytest.mark.filterwarnings("ignore::gmmcli.GmmWarning")
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
    page = gmmcli.fit(marked, components=2)._repr_html_()
    assert page.startswith('<img src="data:image/png;base64,')
    assert page.count("<tr") == 3
    assert "<b>" not in page


def test_steps_are_drawn_as_figures(fitted: gmmcli.Run) -> None:
    drawn = fitted.plot(), fitted.plot(0, colour="group", theme="dark"), fitted.plot_convergence()
    for figure in drawn:
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
        (np.ones((5, 3)), {}, "an array of points has shape (N, 2), not (5, 3)"),
        (pd.DataFrame({"a": ["u", "v"], "b": [1, 2]}), {}, "the table needs two numeric columns"),
        (np.ones((5, 2)), {}, "the table: all points equal (1, 1)"),
        (np.eye(2), {"x": "z"}, "the table has no column 'z'"),
        (np.eye(2), {"x": "y", "y": "y"}, "x and y both name 'y'"),
    ],
)
def test_what_is_wrong_is_one_line(data: object, options: dict[str, object], message: str) -> None:
    with pytest.raises(gmmcli.GmmError) as raised:
        gmmcli.fit(data, **options)  # type: ignore[arg-type]
    assert message in str(raised.value)
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"components": 0}, "components is 0: give 'auto', a whole number above 0, or"),
        ({"components": True}, "components is True"),
        ({"covariance": "round"}, "'round' is no covariance type: name full, tied"),
        ({"covariance": None}, "None is no covariance type"),
        ({"criterion": "dic"}, "criterion is 'dic': give bic, aic or icl"),
        ({"background": None}, "background is None: give auto, on or off"),
        ({"effort": 3}, "effort is 3: give quick, normal or thorough"),
        ({"floor": -1}, "floor is -1: give a number from 1e-07 to 0.5"),
        ({"valley": float("nan")}, "valley is nan: give a number above 0 and up to 1"),
        ({"optimizer": "sgd"}, "optimizer is 'sgd': give natural or adam"),
        ({"learning_rate": 0}, "learning_rate is 0: give a number from 1e-06 to 1"),
        ({"steps": 2.5}, "steps is 2.5: give a whole number from 0 on"),
        ({"seed": None}, "seed is None: give a whole number from 0 on"),
        ({"strict": "no"}, "strict is 'no': give True or False"),
        ({"exact": 1}, "exact is 1: give True or False"),
        ({"cells": 1}, "cells is 1: give a whole number from 100 to 10,000,000"),
        ({"output": 3}, "output is 3: give a path"),
        ({"overwrite": None}, "overwrite is None: give True or False"),
        ({"start": 5}, "start is 5: give a mixture, a run, or the path of its JSON"),
        ({"start": "nothing.json"}, "cannot read nothing.json"),
        ({"prior": 5}, "prior is 5: give a mixture, a run, or the path of either"),
        ({"prior": ARTICLE}, "prior is a mixture of no points: give prior_weight, too"),
        ({"prior": ARTICLE, "prior_weight": -1}, "prior_weight is -1: give a number from 0 to 1e"),
        ({"prior_weight": 9}, "prior_weight says how much prior counts: give prior, too"),
        ({"x": 0}, "x is 0: give text, the name of a column or an expression of columns"),
        ({"where": 3}, "where is 3: give text"),
        ({"weight": 2}, "weight is 2: give text"),
    ],
)
def test_options_are_checked_before_data_are_read(options: dict[str, object], message: str) -> None:
    with pytest.raises(gmmcli.GmmError) as raised:
        gmmcli.fit("no such table", **options)  # type: ignore[arg-type]
    assert str(raised.value).startswith(message)
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"components": 3}, "components is 3, and start has 2: leave out either"),
        ({"covariance": ["full", "diag"]}, "covariance with several types searches for a start"),
        ({"background": "on"}, "a start says itself whether there is a background"),
    ],
)
def test_a_start_leaves_nothing_to_be_chosen(
    fitted: gmmcli.Run, options: dict[str, object], message: str
) -> None:
    with pytest.raises(gmmcli.GmmError, match=message):
        gmmcli.fit("no such table", start=fitted, **options)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("ask", "message"),
    [
        (lambda run: run.predict(DATA, valley=2), "valley is 2: give a number above 0"),
        (
            lambda run: run.predict(DATA, cut=1),
            "cut is 1: give a number above 0 and up to 0.999999",
        ),
        (lambda run: run.predict(DATA, cut="a"), "cut is 'a'"),
        (lambda run: run.predict(DATA, distance=3), "distance is 3: give True or False"),
        (lambda run: run.predict(DATA, x=3), "x is 3: give text"),
        (lambda run: run.predict(DATA, responsibilities="no"), "responsibilities is 'no'"),
        (lambda run: run.plot(colour="x"), "colour is 'x': give component or group"),
        (lambda run: run.plot(theme="x"), "theme is 'x': give light or dark"),
        (lambda run: run.plot("a"), "step is 'a': give a whole number from 0 on"),
        (lambda run: run.plot(1.5), "step is 1.5"),
        (lambda run: run.mixture.sample(-1), "n_points is -1"),
        (lambda run: run.mixture.sample(5, seed=1.5), "seed is 1.5"),
        (lambda run: run.mixture.log_densities([1, 2]), "points must have shape (N, 2), not (2,)"),
        (
            lambda run: run.mixture.responsibilities(np.ones((2, 3))),
            "points must have shape (N, 2)",
        ),
        (lambda run: run.mixture.log_densities([["a", "b"]]), "points must be numbers"),
        (lambda _: gmmcli.read_run(3), "path is 3: give a path"),  # type: ignore[arg-type]
        (lambda _: gmmcli.read_mixture(None), "path is None"),  # type: ignore[arg-type]
    ],
)
def test_what_is_asked_of_a_run_is_checked(
    fitted: gmmcli.Run, ask: Callable[[gmmcli.Run], object], message: str
) -> None:
    with pytest.raises(gmmcli.GmmError) as raised:
        ask(fitted)
    assert str(raised.value).startswith(message)


def test_numbers_of_numpy_are_numbers(frame: pd.DataFrame, fitted: gmmcli.Run) -> None:
    found = gmmcli.fit(
        frame,
        components=np.int64(2),  # type: ignore[arg-type]
        seed=np.uint8(0),  # type: ignore[arg-type]
        floor=np.float32(1e-5),  # type: ignore[arg-type]
        exact=np.False_,  # type: ignore[arg-type]
    )
    np.testing.assert_allclose(found.mixture.means, fitted.mixture.means, rtol=1e-12)
    assert isinstance(found.plot(np.int64(1)), Figure)  # type: ignore[arg-type]


def test_an_array_may_be_of_any_numbers(frame: pd.DataFrame) -> None:
    halves = frame.to_numpy(dtype=np.float16)
    found = gmmcli.fit(halves, components=2)
    same = gmmcli.fit(halves.astype(np.float64), components=2)
    np.testing.assert_array_equal(found.mixture.means, same.mixture.means)


def test_labels_go_where_their_rows_are(frame: pd.DataFrame, fitted: gmmcli.Run) -> None:
    expected = fitted.predict(frame)["label"]
    kinds = pd.Categorical(np.where(frame["waiting"] > 70, "long", "short"))
    shuffled = frame.assign(kind=kinds, index=1).sample(frac=1, random_state=1)
    shuffled["label"] = fitted.predict(shuffled)["label"]
    pd.testing.assert_series_equal(shuffled["label"].sort_index(), expected)
    # A condition leaves rows out; indices with names, of several levels and with copies are kept.
    for index in (["kind"], ["kind", "label"]):
        rows = shuffled.set_index(index)
        found = fitted.predict(rows, where="waiting < 60", responsibilities=True)
        left = rows[rows["waiting"] < 60]
        pd.testing.assert_frame_equal(found[list(left.columns)], left)
        np.testing.assert_array_equal(
            found["label"], shuffled.loc[shuffled["waiting"] < 60, "label"]
        )
    assert fitted.predict(shuffled)["kind"].dtype == "category"
    assert list(fitted.predict(shuffled).columns[4:6]) == ["label", "predicted_label"]


def test_rows_of_arrow_are_labelled(frame: pd.DataFrame, fitted: gmmcli.Run) -> None:
    found = fitted.predict(Capsule(pa.Table.from_pandas(frame)))
    pd.testing.assert_frame_equal(found, fitted.predict(frame))


def test_a_start_is_a_mixture_a_run_or_a_path(
    frame: pd.DataFrame, fitted: gmmcli.Run, tmp_path: Path
) -> None:
    path = tmp_path / "start.json"
    path.write_text(json.dumps(fitted.mixture.to_json()))
    for start in (fitted.mixture, fitted, path, str(path)):
        found = gmmcli.fit(frame, start=start)
        np.testing.assert_allclose(found.mixture.means, fitted.mixture.means, rtol=1e-4)


@pytest.mark.filterwarnings("ignore::gmmcli.GmmWarning")
def test_a_start_loses_its_background_where_there_is_to_be_none(frame: pd.DataFrame) -> None:
    start = gmmcli.fit(frame, components=2, background="on")
    assert start.mixture.background is not None
    assert gmmcli.fit(frame, start=start).mixture.background is not None
    assert gmmcli.fit(frame, start=start, background="off").mixture.background is None


def test_adam_climbs_from_python_too(frame: pd.DataFrame, fitted: gmmcli.Run) -> None:
    with pytest.warns(gmmcli.GmmWarning, match="^step limit reached after 3 steps: raise steps"):
        found = gmmcli.fit(
            frame, start=fitted, optimizer="adam", learning_rate=1e-3, steps=3, covariance="diag"
        )
    assert found.status == "step limit reached"
    assert found.history["step"].max() == 3


def test_a_fit_warns_of_what_the_summary_does(
    frame: pd.DataFrame, work: Path, run: Callable[..., Result]
) -> None:
    counted = frame.rename_axis("number").reset_index()
    counted.loc[[3, 4], "eruptions"] = [np.nan, np.inf]
    counted.loc[[5, 6, 7], "eruptions"] = -999
    options = {"components": 2, "background": "off"}
    with pytest.warns(gmmcli.GmmWarning) as warned:
        found = gmmcli.fit(counted, x="eruptions", y="waiting", **options)  # type: ignore[arg-type]
    lines = [str(warning.message) for warning in warned]
    assert lines[:2] == [
        "skipped 2 of 272 rows: a coordinate is empty or not finite",
        "-999 in 'eruptions' (3 rows) is far outside all other values, as codes for missing ones "
        "are: if it is one, leave those fields empty, or add where 'eruptions != -999'",
    ]
    assert {warning.filename for warning in warned} == {__file__}
    assert (found.n_points, found.n_skipped) == (270, 2)
    counted.to_csv("d.csv", index=False)
    asked = ("-x", "eruptions", "-y", "waiting", "-k", 2, "--background", "off", "--no-frames")
    said = run("fit", "d.csv", *asked).stderr.splitlines()
    assert [translate(line) for line in said] == lines


def test_a_first_column_that_counts_is_no_coordinate_without_a_word(
    frame: pd.DataFrame, work: Path, run: Callable[..., Result]
) -> None:
    counted = frame.rename_axis("number").reset_index()
    line = "'number' counts the rows: if it is no coordinate, choose others with x and y"
    with pytest.warns(gmmcli.GmmWarning) as warned:
        gmmcli.fit(counted, components=1, background="on")
    assert str(warned[0].message) == line
    counted.to_csv("d.csv", index=False)
    said = run("fit", "d.csv", "-k", 1, "--no-frames").stderr
    assert line.replace("x and y", "-x and -y") in said.splitlines()
    with warnings.catch_warnings(record=True) as said_here:
        warnings.simplefilter("always")
        gmmcli.fit(counted, x="number", y="waiting", components=2)
    assert not any("counts the rows" in str(each.message) for each in said_here)


def test_a_run_says_in_few_lines_what_it_is(fitted: gmmcli.Run) -> None:
    assert repr(fitted) == (
        "<Run: 2 components of 'eruptions' and 'waiting', 272 points, converged>"
    )
    lines = str(fitted).splitlines()
    assert lines[0].startswith("converged after ")
    assert lines[1].split()[:2] == ["component", "weight"]
    assert lines[2].split() == [
        "0",
        "0.356(29)",
        "2.036(29)",
        "54.48(62)",
        "0.263(27)",
        "5.80(38)",
        "0.285(96)",
    ]
    assert lines[4] == f"log-likelihood {fitted.log_likelihood:.4f} nats, 272 points"
    assert lines[5].startswith(f"BIC {fitted.bic:.2f}   AIC {fitted.aic:.2f}   ICL")


def test_figures_are_those_of_their_formulas(frame: pd.DataFrame, fitted: gmmcli.Run) -> None:
    total = fitted.mixture.log_densities(frame).sum()
    np.testing.assert_allclose(fitted.log_likelihood, total, rtol=1e-12)
    n_free = 11  # two weights that sum to 1, two means and two covariances
    np.testing.assert_allclose(fitted.bic, n_free * np.log(272) - 2 * total, rtol=1e-12)
    np.testing.assert_allclose(fitted.aic, 2 * n_free - 2 * total, rtol=1e-12)
    assert fitted.icl > fitted.bic
    assert (fitted.status, fitted.n_points, fitted.n_skipped) == ("converged", 272, 0)
    assert fitted.n_groups == 2


def test_libraries_tell_a_user_nothing_of_their_own(frame: pd.DataFrame) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        warnings.simplefilter("ignore", gmmcli.GmmWarning)
        for data in (frame, DATA):
            gmmcli.fit(data, components=1, background="on").predict(data)


def test_far_points_have_the_answers_of_predict(fitted: gmmcli.Run) -> None:
    far = pd.DataFrame(
        {"eruptions": [1e200, -1e308, 3.0, np.nan, np.inf], "waiting": [0, 1e300, 60.0, 1, 1]}
    )
    rows, mixture = fitted.predict(far, responsibilities=True), fitted.mixture
    np.testing.assert_allclose(mixture.log_densities(far), rows["log_density"], rtol=1e-9)
    shares = rows[["responsibility_0", "responsibility_1"]]
    np.testing.assert_allclose(mixture.responsibilities(far), shares, rtol=1e-9, atol=1e-300)
    assert rows["log_density"].notna().tolist() == [True, True, True, False, False]


def test_an_option_that_there_is_not_is_an_error_of_the_program(fitted: gmmcli.Run) -> None:
    with pytest.raises(TypeError, match="fit has no option 'colour'"):
        gmmcli.fit(np.eye(3), colour="red")  # type: ignore[call-arg]
    with pytest.raises(TypeError, match="predict has no option 'colour'"):
        fitted.predict(np.eye(3), colour="red")  # type: ignore[call-arg]


def test_a_mixture_alone_labels_rows(work: Path, run: Callable[..., Result]) -> None:
    run("generate", "-n", 50, "-o", "d.csv")
    error = one_line_error(run("predict", "sample_data/article_start.json", "d.csv", code=2))
    assert "article_start.json is a mixture and names no columns: give -x and -y" in error
    said = run("predict", "sample_data/article_start.json", "d.csv", "-x", "x", "-y", "y").stdout
    rows = pd.read_csv(StringIO(said))
    mixture = gmmcli.read_mixture(Path("sample_data/article_start.json"))
    expected = mixture.log_densities(rows[["x", "y"]].to_numpy())
    np.testing.assert_allclose(rows["log_density"], expected, rtol=1e-9)


@pytest.mark.filterwarnings("ignore::gmmcli.GmmWarning")
def test_a_path_is_read_as_the_commands_read_it(tmp_path: Path) -> None:
    path = tmp_path / "by_blanks.dat"
    path.write_text("# time flux\n" + "".join(f"  {i}   {i % 7}.5\n" for i in range(30)))
    assert gmmcli.fit(path, components=1).columns == ("time", "flux")


@pytest.mark.filterwarnings("ignore::gmmcli.GmmWarning")
def test_a_run_does_not_take_the_place_of_what_it_is_fitted_to(
    work: Path, frame: pd.DataFrame
) -> None:
    gmmcli.fit(frame, components=3, output=work / "run")
    files = {path: path.read_bytes() for path in (work / "run").iterdir()}
    with pytest.raises(gmmcli.GmmError, match="which the run is to replace: choose another"):
        gmmcli.fit(work / "run" / "history.csv", output=work / "run", overwrite=True)
    assert {path: path.read_bytes() for path in (work / "run").iterdir()} == files
    again = gmmcli.fit(frame, components=2, output=work / "run", overwrite=True)
    assert gmmcli.read_run(work / "run").mixture.n_components == again.mixture.n_components == 2


@pytest.mark.usefixtures("work")
@pytest.mark.filterwarnings("ignore::gmmcli.GmmWarning")
def test_a_prior_is_that_of_the_command(run: Callable[..., Result], fitted: gmmcli.Run) -> None:
    """Of a run, a path of one, or a mixture with a number of points."""
    rows = pd.read_csv("sample_data/old_faithful.csv").head(40)
    rows.to_csv("new.csv", index=False)
    run("fit", "sample_data/old_faithful.csv", "-k", 2, "-o", "old", "--no-frames", "-q")
    run("fit", "new.csv", "--prior", "old", "--no-frames", "-q")
    expected = gmmcli.read_run("new").mixture
    for prior in (fitted, "old"):
        found = gmmcli.fit(rows, output="again", overwrite=True, prior=prior)
        np.testing.assert_allclose(found.mixture.means, expected.means, rtol=1e-5)
    weighed = gmmcli.fit(rows, prior=fitted.mixture, prior_weight=272, start=expected)
    assert weighed.record.known.n_points == pytest.approx(272)
    assert found.record.known.n_points < 272
    told = json.loads(Path("again/parameters.json").read_text())
    assert told["settings"]["prior"] == "mixture"
    with pytest.raises(gmmcli.GmmError, match="start has a prior of its own: leave out prior"):
        gmmcli.fit(rows, start="new/parameters.json", prior="old")
