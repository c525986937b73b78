"""`gmm predict`: rows come back whole and in order, with what scikit-learn would say of them."""

import io
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from builders import one_line_error, random_mixture, sampled
from click.testing import Result
from scipy import stats
from servers import spark_environment
from sklearn.mixture import GaussianMixture

import gmmcli
from gmmcli.core.groups.groups import label_points
from gmmcli.core.mixture.mixture import Mixture
from gmmcli.core.runs.parameters import read_parameters
from gmmcli.files import write_json

N_ROWS = 5000


@pytest.fixture
def fitted(work: Path, run: Callable[..., Result]) -> Mixture:
    """A mixture of four, whose run is in `run`; the points are in d.csv."""
    mixture = random_mixture(4, seed=2)
    points = pd.DataFrame(sampled(mixture, N_ROWS), columns=["a", "b"])
    points["name"] = [f"n, {i}" if i % 7 == 0 else f"{i:05}" for i in range(N_ROWS)]
    points["label"] = "mine"
    points.to_csv(work / "d.csv", index=False)
    points.to_parquet(work / "d.parquet")
    write_json(work / "start.json", mixture.to_json())
    run("fit", "d.csv", "--init", "start.json", "--steps", 0, "--no-frames", "-o", "run", "-q")
    return mixture


def oracle(mixture: Mixture) -> GaussianMixture:
    """scikit-learn's mixture with the same parameters."""
    model = GaussianMixture(mixture.n_components)
    model.weights_, model.means_ = mixture.weights, mixture.means
    model.covariances_ = mixture.covariances
    model.precisions_cholesky_ = np.linalg.cholesky(np.linalg.inv(mixture.covariances))
    return model


@pytest.mark.parametrize("output", ["out.csv", "out.parquet"])
@pytest.mark.parametrize("data", ["d.csv", "d.parquet"])
def test_rows_get_what_scikit_learn_says(
    work: Path, run: Callable[..., Result], fitted: Mixture, data: str, output: str
) -> None:
    run("predict", "run", data, "--responsibilities", "-o", output)
    given = pd.read_parquet(work / "d.parquet")
    read = pd.read_csv if output.endswith(".csv") else pd.read_parquet
    found = read(output)
    assert list(found.columns[:4]) == ["a", "b", "name", "label"]
    pd.testing.assert_frame_equal(found[["name", "label"]], given[["name", "label"]])
    points = given[["a", "b"]].to_numpy()
    np.testing.assert_allclose(found[["a", "b"]], points, rtol=1e-15)
    model = oracle(fitted)
    np.testing.assert_array_equal(found["predicted_label"], model.predict(points))
    responsibilities = model.predict_proba(points)
    np.testing.assert_allclose(found["probability"], responsibilities.max(axis=1), rtol=1e-9)
    np.testing.assert_allclose(found["log_density"], model.score_samples(points), rtol=1e-9)
    columns = [f"responsibility_{k}" for k in range(4)]
    np.testing.assert_allclose(found[columns], responsibilities, rtol=1e-7, atol=1e-12)


def test_rows_get_their_distance_and_none_beyond_a_cut_has_a_label(
    work: Path, run: Callable[..., Result], fitted: Mixture
) -> None:
    run("predict", "run", "d.csv", "-o", "all.csv")
    run(
        "predict", "run", "d.csv", "--distance", "--cut", 0.9, "--responsibilities", "-o", "cut.csv"
    )
    every, cut = pd.read_csv("all.csv"), pd.read_csv("cut.csv")
    assert list(cut.columns[4:9]) == [*list(every.columns[4:8]), "distance"]
    labels, points = every["predicted_label"], every[["a", "b"]].to_numpy()
    away = points - fitted.means[labels]
    inverses = np.linalg.inv(fitted.covariances)[labels]
    distances = np.sqrt(np.einsum("ni,nij,nj->n", away, inverses, away))
    np.testing.assert_allclose(cut["distance"], distances, rtol=1e-9)
    is_inside = distances**2 <= stats.chi2(2).ppf(0.9)
    assert 0.85 < is_inside.mean() < 0.95
    for name in ("predicted_label", "group"):
        assert (cut[name].isna() == ~is_inside).all()
        assert (cut[name] == every[name])[is_inside].all()
    for name in ("probability", "log_density"):
        np.testing.assert_array_equal(cut[name], every[name])
    counted = pd.read_csv(
        io.StringIO(run("predict", "run", "d.csv", "--cut", 0.9, "--counts").stdout)
    )
    assert counted["count"].sum() == N_ROWS
    assert counted[counted["label"].isna()]["count"].tolist() == [(~is_inside).sum()]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--cut", "0"), "0.0 is not in the range 0<x<=0.999999"),
        (("--cut", "1"), "1.0 is not in the range 0<x<=0.999999"),
        (("--cut", "nan"), "nan is not a number"),
        (("--cut", "much"), "'much' is not a valid float"),
        (
            ("--counts", "--distance"),
            "--counts writes no rows: leave out --distance",
        ),
        (
            ("--counts", "--distance", "--responsibilities"),
            "--counts writes no rows: leave out --responsibilities and --distance",
        ),
    ],
)
def test_a_cut_that_is_none_is_refused_in_a_line(
    work: Path, run: Callable[..., Result], options: tuple[str, ...], message: str
) -> None:
    assert message in one_line_error(run("predict", "run", "d.csv", *options, code=2))


def test_rows_without_coordinates_come_through_empty(
    work: Path, run: Callable[..., Result], fitted: Mixture
) -> None:
    (work / "gaps.csv").write_text('b,a,note\n1,2,"x, y"\n,3,é\n4,inf,\nNA,5,007\n0.50,1e0,z\n')
    found = run("predict", "run", "gaps.csv").stdout
    table = pd.read_csv(io.StringIO(found), dtype=str, keep_default_na=False)
    assert table["note"].tolist() == ["x, y", "é", "", "007", "z"]
    assert table["b"].tolist() == ["1", "", "4", "NA", "0.50"]
    assert (table["label"] == "").tolist() == [False, True, True, True, False]
    assert (table["log_density"] == "").tolist() == [False, True, True, True, False]


def test_parquet_says_what_to_do_with_a_column_of_many_kinds(
    work: Path, run: Callable[..., Result], fitted: Mixture
) -> None:
    rows = "\n".join(f"{i}.5,{i % 7},{i}" for i in range(40_000))
    Path("mixed.csv").write_text(f"a,b,note\n{rows}\n1,2,text\n")
    before = sorted(work.iterdir())
    error = one_line_error(run("predict", "run", "mixed.csv", "-o", "out.parquet", code=1))
    assert "line 40002" in error
    assert "'note'" in error
    assert "write a .csv" in error
    assert sorted(work.iterdir()) == before
    Path("part.csv").write_text(f"a,b,note\n{rows}\n1,2,2.5\n")  # which DuckDB would round
    error = one_line_error(run("predict", "run", "part.csv", "-o", "out.parquet", code=1))
    assert "part.csv: a column of whole numbers holds '2.5'; only the first rows" in error
    run("predict", "run", "mixed.csv", "-o", "out.csv")
    assert pd.read_csv("out.csv", dtype=str)["note"].iloc[-1] == "text"


def test_a_fit_labels_its_own_rows(work: Path, run: Callable[..., Result]) -> None:
    data = "sample_data/old_faithful.csv"
    Path("taken.csv").write_text("mine")
    arguments = ["fit", data, "-k", 2, "-o", "run", "--no-frames", "-q"]
    for file, message in (
        (
            "taken.csv",
            "taken.csv exists: choose another place with --assignments, or add --overwrite",
        ),
        ("taken.csv/out.csv", "cannot write taken.csv/out.csv: Not a directory: choose another"),
        (data, f"{data} is what is read: choose another place with --assignments"),
    ):
        overwrite = ["--overwrite"] if file == data else []
        error = one_line_error(run(*arguments, "--assignments", file, *overwrite, code=1))
        assert message in error
        assert not Path("run").exists()
    run(*arguments, "--assignments", "fitted.csv")
    run("predict", "run", data, "-o", "predicted.csv")
    assert Path("fitted.csv").read_bytes() == Path("predicted.csv").read_bytes()
    assert pd.read_csv("fitted.csv")["label"].value_counts().tolist() == [175, 97]


def test_spark_writes_parts_with_what_duckdb_says(
    work: Path,
    run: Callable[..., Result],
    fitted: Mixture,
    java: None,
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    asked = ["predict", "run", "d.csv", "--responsibilities"]
    run(*asked, "-o", "duck.csv")
    outcome = subprocess.run(
        [sys.executable, "-m", "gmmcli", *asked, "--engine", "spark", "-o", "parts.csv"],
        capture_output=True,
        check=True,
        text=True,
        env=spark_environment(tmp_path_factory.mktemp("spark")),
    )
    assert outcome.stderr == ""
    assert one_line_error(run(*asked, "--engine", "spark", code=1)).endswith("name it with -o")
    parts = sorted(Path("parts.csv").glob("part-*.csv"))
    found = pd.concat([pd.read_csv(part, dtype={"name": str}) for part in parts])
    duck = pd.read_csv("duck.csv", dtype={"name": str})
    pd.testing.assert_frame_equal(found.reset_index(drop=True), duck, rtol=1e-9)


def test_columns_of_any_name_come_through(
    work: Path, run: Callable[..., Result], fitted: Mixture
) -> None:
    names = ["gmm_x", "GMM_Y", "gmm__total", "gmm_finite", "gmm_joint_0", "gmm_share_1"]
    given = pd.read_csv("d.csv")
    given[names] = 7
    given.to_csv("names.csv", index=False)
    expected = pd.read_csv(io.StringIO(run("predict", "run", "d.csv").stdout))
    found = pd.read_csv(io.StringIO(run("predict", "run", "names.csv").stdout))
    assert (found[names] == 7).all(axis=None)
    pd.testing.assert_frame_equal(found[expected.columns], expected)


OOPS = "column 'b' holds 'oops', which is not a number"
ELSEWHERE = "choose another place with -o"
# What is read, and then the same file as the one to write.
READ = [
    ["d.csv", "-o", "d.csv"],
    ["d.csv", "-o", "run/../d.csv"],
    ["[a-d].csv", "-o", "d.csv"],
    ["d.parquet", "-o", "linked.parquet"],
    ["sqlite://d.parquet", "--table", "t", "-o", "d.parquet"],
    ["d.csv", "--engine", "spark", "-o", "d.csv"],
]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["none", "d.csv"], "none is not a run directory"),
        (["run", "other.csv"], "other.csv has no column 'a'; it has 'x', 'y'"),
        (["run", "d.csv", "-o", "out.txt"], "cannot tell the format of out.txt"),
        (["run", "d.csv", "-o", "other.csv"], "other.csv exists: choose another place with -o, or"),
        (["run", "d.csv", "-o", "d.csv/out.csv"], "cannot write d.csv/out.csv: "),
        (["run", "bad.csv"], f"bad.csv, line 3: {OOPS}"),
        (["run", "bad.csv", "-o", "out.csv"], f"bad.csv, line 3: {OOPS}"),
        (["run", "bad.csv", "-o", "out.parquet"], f"bad.csv, line 3: {OOPS}"),
        (["run", "ragged.csv"], "ragged.csv, line 3 has more fields than the 2 of the first"),
        *(
            (["run", *read, "--overwrite"], f"{read[-1]} is what is read: {ELSEWHERE}")
            for read in READ
        ),
    ],
)
def test_bad_requests_get_one_line_and_write_nothing(
    work: Path, run: Callable[..., Result], fitted: Mixture, arguments: list[str], message: str
) -> None:
    (work / "other.csv").write_text("x,y\n1,2\n")
    (work / "bad.csv").write_text("a,b\n1,2\n3,oops\n")
    (work / "ragged.csv").write_text("a,b\n1,2\n3,4,5\n6,7\n")
    (work / "linked.parquet").symlink_to("d.parquet")
    before = sorted(work.iterdir())
    assert message in one_line_error(run("predict", *arguments, code=1))
    assert sorted(work.iterdir()) == before


def test_groups_are_those_that_the_fitted_rows_climb_to(
    work: Path, run: Callable[..., Result], fitted: Mixture
) -> None:
    told = read_parameters(work / "run")
    assert told.groups is not None
    points = pd.read_parquet(work / "d.parquet")[["a", "b"]].to_numpy()
    for valley in (told.groups.valley, 0.5, 1.0):
        asked = () if valley == told.groups.valley else ("--valley", valley)
        run("predict", "run", "d.csv", *asked, "-o", "out.csv", "--overwrite")
        expected = label_points(fitted, told.groups.tree, valley, points)
        assert (pd.read_csv(work / "out.csv")["group"] == expected).mean() >= 0.999


def test_a_run_of_an_earlier_version_has_groups_too(
    work: Path, run: Callable[..., Result], fitted: Mixture
) -> None:
    run("predict", "run", "d.csv", "-o", "new.csv")
    values = json.loads((work / "run" / "parameters.json").read_text())
    del values["groups"]
    write_json(work / "run" / "parameters.json", values)
    run("predict", "run", "d.csv", "-o", "old.csv")
    assert (work / "old.csv").read_bytes() == (work / "new.csv").read_bytes()


def test_damaged_groups_are_an_error(
    work: Path, run: Callable[..., Result], fitted: Mixture
) -> None:
    values = json.loads((work / "run" / "parameters.json").read_text())
    values["groups"]["modes"][0]["joins"] = 99
    write_json(work / "run" / "parameters.json", values)
    result = run("predict", "run", "d.csv", code=1)
    assert "damaged: a mode joins one that there is not" in one_line_error(result)


def test_a_run_keeps_its_expressions_and_its_condition(
    work: Path, run: Callable[..., Result]
) -> None:
    data = pd.read_csv("sample_data/old_faithful.csv")
    data["wait time"], data["night"] = data.pop("waiting"), np.arange(len(data)) % 2
    data.loc[5, "wait time"] = 0
    data.to_csv("d.csv", index=False)
    x, condition = "log10(`wait time`)", "eruptions > 2 and night == 1"
    asked = ("-x", x, "-y", "eruptions / 2", "--where", condition, "--by", "eruptions > 4")
    written = ("--assignments", "own.csv", "-o", "run", "--no-frames")
    found = run("fit", "d.csv", "-k", 2, *asked, *written)
    chosen = data[(data["eruptions"] > 2) & (data["night"] == 1)]
    assert f"{condition}: {len(chosen)} of 272 rows" in found.stderr
    assert f"skipped 1 of {len(chosen)} rows" in found.stderr
    said = json.loads(Path("run/parameters.json").read_text())
    assert said["columns"] == [x, "eruptions / 2"]
    assert said["settings"]["where"] == condition
    points = np.column_stack([np.log10(chosen["wait time"].replace(0, 1)), chosen["eruptions"] / 2])
    mixture = read_parameters(Path("run")).mixture
    labels = oracle(mixture).predict(points[chosen["wait time"] > 0])
    own = pd.read_csv("own.csv")
    pd.testing.assert_frame_equal(own[data.columns], chosen.reset_index(drop=True))
    assert own["label"].dropna().tolist() == labels.tolist()
    every = run("predict", "run", "d.csv")
    assert f"run is of rows with {condition}; all rows are labelled here" in every.stderr
    rows = pd.read_csv(io.StringIO(every.stdout))
    pd.testing.assert_frame_equal(rows[data.columns], data)
    assert rows["label"].isna().sum() == 1
    few = run(
        "predict", "run", "d.csv", "--where", "eruptions < 2", "--counts", "--by", "night > 0"
    )
    counts = pd.read_csv(io.StringIO(few.stdout))
    assert counts["count"].sum() == (data["eruptions"] < 2).sum()
    assert set(counts["night > 0"].astype(str)) == {"True", "False"}
    assert "all rows are labelled" not in few.stderr
    like = run("fit", "d.csv", "--like", "run", "-o", "again", "--no-frames")
    assert f"{condition}: {len(chosen)} of 272 rows" in like.stderr
    again = json.loads(Path("again/parameters.json").read_text())
    assert again["columns"] == said["columns"]
    np.testing.assert_allclose(again["means"], said["means"], rtol=1e-4)  # two climbs


def test_expressions_that_are_wrong_get_one_line(work: Path, run: Callable[..., Result]) -> None:
    pd.DataFrame({"flux": [1.0, 2, 3], "b-r": [1.0, 2, 4], "band": list("grg")}).to_csv("d.csv")
    for arguments, message in (
        (("-x", "log10(Flux)"), "'log10(Flux)', character 7: d.csv has no column 'Flux'; did you"),
        (("-x", "flux^2"), "'flux^2', character 5: powers are written **, and ^ is none"),
        (("-x", "band * 2"), "d.csv, line 2: column 'band' holds 'g', which is not a number"),
        (("--where", "flux > 3"), "d.csv: no row meets 'flux > 3': mend the condition"),
        (("--where", "flux"), "column 'flux' holds numbers, and a condition is needed: compare"),
        (
            ("--weight", "flux > 1"),
            "'flux > 1', character 1: this is true or false, where a number",
        ),
        (("--where", "flux > 'a\nb"), "what begins with ' has no end"),
    ):
        error = one_line_error(run("fit", "d.csv", "-y", "b-r", *arguments, "-o", "out", code=1))
        assert message in error
    assert not Path("out").exists()


@pytest.mark.parametrize("output", [(), ("-o", "labels.parquet")])
def test_a_bad_value_below_an_expression_is_told_with_its_line(
    work: Path, run: Callable[..., Result], output: tuple[str, ...]
) -> None:
    good = pd.DataFrame({"a": np.arange(1.0, 41), "b": np.arange(40.0) % 7, "n": range(40)})
    good.to_csv("good.csv", index=False)
    run("fit", "good.csv", "-x", "log10(a)", "-y", "b", "-k", 1, "-o", "run", "--no-frames", "-q")
    Path("bad.csv").write_text(Path("good.csv").read_text() + "oops,1.0,40\n")
    error = one_line_error(run("predict", "run", "bad.csv", *output, code=1))
    assert "bad.csv, line 42: column 'a' holds 'oops', which is not a number" in error
    assert not Path("labels.parquet").exists()


def test_json_tells_counts_and_the_mean_log_density(work: Path, run: Callable[..., Result]) -> None:
    run("fit", "sample_data/old_faithful.csv", "-k", 2, "-o", "run", "--no-frames")
    rows = pd.read_csv("sample_data/old_faithful.csv")
    rows.loc[3, "waiting"] = np.nan
    rows.to_csv("d.csv", index=False)
    told = json.loads(run("predict", "run", "d.csv", "--json").stdout)
    labelled = gmmcli.read_run("run").predict("d.csv")
    assert (told["rows"], told["without_coordinates"]) == (272, 1)
    assert told["mean_log_density"] == pytest.approx(labelled["log_density"].mean(), rel=1e-12)
    counts = {each["label"]: each["count"] for each in told["counts"]}
    assert counts == {None: 1, **labelled["label"].dropna().value_counts().to_dict()}
    run("predict", "run", "d.csv", "--json", "-o", "rows.csv")
    assert len(pd.read_csv("rows.csv")) == 272
    error = one_line_error(run("predict", "run", "d.csv", "--json", "--counts", code=2))
    assert "--json has the counts of --counts" in error
