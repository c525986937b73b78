"""A fit by the values of a column: names, orders, the table, and what does not change a result."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from builders import mixture_of, sampled, table_of

from gmmcli.core.cells.compression import compress
from gmmcli.core.mixture.mixture import Mixture
from gmmcli.core.runs.asked import Asked
from gmmcli.core.runs.directory import read_run
from gmmcli.core.runs.parts import Ending, PartPlan
from gmmcli.core.runs.result import Provenance
from gmmcli.core.runs.values import (
    complete,
    fit_values,
    name_runs,
    sort_values,
    tabulate_values,
    write_values,
)
from gmmcli.core.search.choice import choose_mixture
from gmmcli.core.search.hooks import Hooks
from gmmcli.core.tables.partition import partition
from gmmcli.core.tables.table import Table
from gmmcli.settings import Choice, FitSettings

THREE = mixture_of(
    [0.5, 0.3, 0.2], [[0, 0], [6, 1], [1, 7]], [[[1, 0.3], [0.3, 1]], [[1, 0], [0, 2]], np.eye(2)]
)


def moved(mixture: Mixture, shift: float) -> Mixture:
    """The mixture with its components farther apart, or nearer."""
    return Mixture(mixture.weights, mixture.means * (1 + shift), mixture.covariances)


@pytest.fixture
def table(tmp_path: Path) -> Table:
    """Three sites whose components differ a little, one of two components, and one of one row."""
    two = mixture_of([0.4, 0.6], THREE.means[[2, 0]], THREE.covariances[[2, 0]])
    points = [sampled(moved(THREE, s), 300, seed=i) for i, s in enumerate((-0.2, 0.0, 0.2))]
    points += [sampled(two, 200, seed=9), np.zeros((1, 2))]
    names = np.repeat(["b", "a", "c", "two", "lone"], [len(p) for p in points])
    frame = pd.DataFrame(np.concatenate(points), columns=["x", "y"]).assign(site=names)
    frame.sample(frac=1, random_state=0).to_csv(tmp_path / "d.csv", index=False)
    return table_of(tmp_path / "d.csv", x="x", y="y", by="site")


def fitted(
    table: Table,
    directory: Path,
    n_processes: int = 1,
    *,
    start: Mixture | None = None,
    asked: Asked | None = None,
) -> list[Ending]:
    """What came of every value, written to a directory."""
    directory.mkdir()
    parted = partition(table, directory / "rows.parquet")
    counts, _ = parted.count_rows()
    choice = Choice(1, 4, goes_on=False, background="off")
    plan = PartPlan(
        parted,
        FitSettings(components=choice.most if start is None else start.n_components),
        choice,
        start,
        pooled=THREE,
        exact=False,
        most_cells=1000,
        strict=False,
        provenance=Provenance(("x", "y"), table.source, 0, 0, asked or Asked(by="site")),
    )
    endings = complete(fit_values(directory, table, plan, counts, n_processes=n_processes), counts)
    write_values(directory, endings)
    return endings


def test_every_value_has_its_resamples(table: Table, tmp_path: Path) -> None:
    fitted(table, tmp_path / "run", asked=Asked(by="site", bootstrap=20))
    run = read_run(tmp_path / "run" / "values" / "a")
    assert run.errors is not None
    assert (run.errors.method, run.errors.n_replicates) == ("bootstrap", 20)


def test_numbers_are_those_of_the_fit_of_all_rows(table: Table, tmp_path: Path) -> None:
    endings = fitted(table, tmp_path / "run")
    assert [ending.value for ending in endings] == ["a", "b", "c", "lone", "two"]
    found = {ending.value: ending.found for ending in endings}
    for site, shift in (("b", -0.2), ("a", 0.0), ("c", 0.2)):
        told = found[site]
        assert told is not None
        assert told.partners.numbers.tolist() == [0, 1, 2]
        # Four standard errors of the mean of the smallest component, of 60 points.
        apart = told.mixture.means - moved(THREE, shift).means
        assert np.abs(apart).max() < 4 * np.sqrt(2 / 60)
    two = found["two"]
    assert two is not None
    assert two.partners.numbers.tolist() == [0, 2]
    assert np.abs(two.mixture.means - THREE.means[[0, 2]]).max() < 4 * np.sqrt(1 / 80)
    assert "one row with a point" in endings[3].problem


def test_every_run_can_be_read_and_the_table_says_what_is_in_it(
    table: Table, tmp_path: Path
) -> None:
    endings = fitted(table, tmp_path / "run")
    rows = pd.read_csv(tmp_path / "run" / "values.csv")
    assert rows["value"].tolist() == [*"aaabbbccc", "lone", "two", "two"]
    assert rows.loc[rows["value"] == "lone", "status"].tolist() == ["not fitted"]
    assert rows["problem"].notna().sum() == 1
    fits = rows[rows["problem"].isna()]
    for ending in endings:
        own = fits[fits["value"] == ending.value]
        if ending.problem:
            continue
        run = read_run(tmp_path / "run" / own["run"].iloc[0])
        np.testing.assert_allclose(own["weight"], run.mixture.weights, rtol=1e-15)
        np.testing.assert_allclose(own[["mean_x", "mean_y"]], run.mixture.means, rtol=1e-15)
        sds = np.sqrt(np.diagonal(run.mixture.covariances, axis1=1, axis2=2))
        np.testing.assert_allclose(own[["sd_x", "sd_y"]], sds, rtol=1e-14)
        across = own["correlation"] * own["sd_x"] * own["sd_y"]
        np.testing.assert_allclose(across, run.mixture.covariances[:, 0, 1], rtol=1e-12)
        assert own["component"].tolist() == list(range(run.mixture.n_components))
        assert run.cells.n_points == own["rows"].iloc[0]


def test_a_result_does_not_depend_on_the_number_of_processes(table: Table, tmp_path: Path) -> None:
    for n_processes in (1, 2):
        fitted(table, tmp_path / f"of_{n_processes}", n_processes)
    one, two = ((tmp_path / f"of_{n}" / "values.csv").read_bytes() for n in (1, 2))
    assert one == two
    for site in ("a", "two"):
        one, two = (
            (tmp_path / f"of_{n}" / "values" / site / "history.csv").read_bytes() for n in (1, 2)
        )
        assert one == two


def test_components_of_a_start_keep_its_numbers(table: Table, tmp_path: Path) -> None:
    start = THREE.reorder(np.array([2, 0, 1]))
    for ending in fitted(table, tmp_path / "run", start=start):
        if ending.value in "abc":
            assert ending.found is not None
            nearest = np.linalg.norm(ending.found.mixture.means[:, None] - start.means, axis=2)
            assert nearest.argmin(axis=1).tolist() == [0, 1, 2]
            assert ending.found.partners.numbers.tolist() == [0, 1, 2]


def test_a_value_is_fitted_as_if_there_were_no_other_rows(table: Table, tmp_path: Path) -> None:
    rows = pd.read_csv(tmp_path / "d.csv")
    rows[rows["site"] == "c"].to_csv(tmp_path / "c.csv", index=False)
    compression = compress(table_of(tmp_path / "c.csv", x="x", y="y"))
    choice = Choice(1, 4, goes_on=False, background="off")
    hooks = Hooks(grain=compression.grain)
    alone = choose_mixture(compression.cells, FitSettings(components=4), choice, hooks=hooks)
    told = fitted(table, tmp_path / "run")[2]
    assert told.value == "c"
    assert told.found is not None
    order = alone.mixture.canonical_order()
    again = told.found.mixture.reorder(told.found.mixture.canonical_order())
    np.testing.assert_array_equal(again.means, alone.mixture.means[order])
    np.testing.assert_array_equal(again.covariances, alone.mixture.covariances[order])
    assert told.found.criteria == alone.criteria


def test_a_value_of_many_rows_is_fitted_by_cells(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in ("parts", "compression"):
        monkeypatch.setattr(f"gmmcli.core.cells.{module}.EXACT_ROWS", 1000)
    points = [sampled(THREE, n, seed=n) for n in (4000, 900)]
    frame = pd.DataFrame(np.concatenate(points), columns=["x", "y"])
    frame["site"] = np.repeat(["large", "small"], [4000, 900])
    frame.to_csv(tmp_path / "d.csv", index=False)
    table = table_of(tmp_path / "d.csv", x="x", y="y", by="site")
    endings = {ending.value: ending.found for ending in fitted(table, tmp_path / "run")}
    for site, n_points in (("large", 4000), ("small", 900)):
        cells = read_run(tmp_path / "run" / "values" / site).cells
        assert cells.covariances.any() == (site == "large")
        assert cells.n_points == n_points
        found = endings[site]
        assert found is not None
        assert found.mixture.n_components == 3
        # Four standard errors of the mean of the smallest component, of a fifth of the points.
        assert np.abs(found.mixture.means - THREE.means).max() < 4 * np.sqrt(2 / (n_points / 5))


def test_values_that_were_not_begun_are_told_of() -> None:
    endings = complete([Ending("b", 3, "b", problem="bad")], {"b": 3, "a": 4})
    assert [(e.value, e.n_rows, e.problem) for e in endings] == [
        ("a", 4, "the fit ended before this value was done"),
        ("b", 3, "bad"),
    ]
    rows = tabulate_values(endings)
    assert rows["rows"].tolist() == [4, 3]


def test_names_can_be_those_of_files_and_differ() -> None:
    values = ["a/b", "..", "a%2Fb", "Zürich", "x y", " x", "A", "a", "a~2", "007", "1,5", "é" * 500]
    values.append("é" * 501)
    names = name_runs(values)
    assert list(names) == values
    folded = [name.casefold() for name in names.values()]
    assert len(set(folded)) == len(values)
    assert {v: names[v] for v in values[:7]} == {
        "a/b": "a%2Fb",
        "..": "%2E%2E",
        "a%2Fb": "a%252Fb",
        "Zürich": "Zürich",
        "x y": "x y",
        " x": "%20x",
        "A": "A",
    }
    assert names["a"] == "a~2"
    assert all(0 < len(name.encode()) < 256 and Path(name).name == name for name in names.values())


def test_names_are_cut_between_the_marks_of_values() -> None:
    values = ["a" * 58 + "/b", "a" * 58 + "/c", "b" * 57 + "/b", "c" * 59 + ".5", "d" * 59 + " e"]
    names = list(name_runs([*values, "e" + "." * 70, "/" * 30, "\U0001f600" * 30]).values())
    assert names[:2] == ["a" * 58, "a" * 58 + "~2"]
    assert names[2:6] == ["b" * 57 + "%2F", "c" * 59, "d" * 59, "e"]
    assert names[6:] == ["%2F" * 20, "%F0%9F%98%80" * 5]


def test_numbers_are_sorted_as_numbers_and_before_others() -> None:
    assert sort_values(["10", "9", "-1.5", "007"]) == ["-1.5", "007", "9", "10"]
    assert sort_values(["10", "a", "9", "b", "A"]) == ["9", "10", "A", "a", "b"]
    assert sort_values(["nan", "10", "9", "1e+20", "1e-07"]) == ["1e-07", "9", "10", "1e+20", "nan"]
