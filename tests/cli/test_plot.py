"""`gmm plot`: a run's pictures, drawn again."""

import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from builders import SAMPLE_DATA, one_line_error
from click.testing import CliRunner, Result
from PIL import Image

from gmmcli.cli import gmm
from gmmcli.core.runs.directory import read_run

DATA = "sample_data/old_faithful.csv"


@pytest.fixture(scope="module")
def once_fitted(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The run of a fit, which no test may change."""
    place = tmp_path_factory.mktemp("fitted") / "old_faithful"
    data = str(SAMPLE_DATA / "old_faithful.csv")
    done = CliRunner().invoke(gmm, ["fit", data, "-k", "1:2", "-o", str(place)])
    assert done.exit_code == 0, done.output
    return place


@pytest.fixture
def fitted(work: Path, once_fitted: Path) -> Path:
    """A copy of the run."""
    return Path(shutil.copytree(once_fitted, work / "old_faithful"))


def files(directory: Path) -> list[str]:
    found = (path for path in directory.rglob("*") if path.is_file())
    return sorted(str(path.relative_to(directory)) for path in found)


def test_plot_draws_what_the_fit_drew(fitted: Path, run: Callable[..., Result]) -> None:
    drawn = {path: (fitted / path).read_bytes() for path in files(fitted)}
    for path in fitted.rglob("*.png"):
        path.unlink()
    run("plot", "old_faithful")
    assert {path: (fitted / path).read_bytes() for path in files(fitted)} == drawn


def test_any_steps_in_any_format_anywhere(fitted: Path, run: Callable[..., Result]) -> None:
    before = files(fitted)
    run("plot", "old_faithful", "--steps", "3,0", "--format", "svg", "-o", "a/b")
    assert files(Path("a")) == [
        "b/convergence.svg",
        "b/frames/step-0000.svg",
        "b/frames/step-0003.svg",
        "b/selection.svg",
    ]
    assert "ELBO" in Path("a/b/frames/step-0003.svg").read_text()
    run("plot", "old_faithful", "--steps", "all", "--format", "pdf", "-o", "pdf")
    last = read_run(fitted).history.last_step
    assert len(files(Path("pdf/frames"))) == last + 1
    assert files(fitted) == before


def test_frames_in_a_run_are_those_of_its_sheet(fitted: Path, run: Callable[..., Result]) -> None:
    run("plot", "old_faithful", "--steps", "1,2")
    assert [path for path in files(fitted) if path.endswith(".png")] == [
        "convergence.png",
        "frames/step-0001.png",
        "frames/step-0002.png",
        "selection.png",
    ]


def changed(run: Path, **values: object) -> None:
    path = run / "parameters.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | values))


def reversed_lines(path: Path) -> None:
    header, *rows = path.read_text().splitlines()
    path.write_text("\n".join([header, *reversed(rows)]))


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda run: (run / "history.csv").unlink(), "history.csv is missing"),
        (lambda run: (run / "cells.parquet").unlink(), "cells.parquet is missing"),
        (lambda run: (run / "parameters.json").unlink(), "it has no parameters.json"),
        (lambda run: (run / "parameters.json").write_text("{"), "parameters.json is damaged"),
        (lambda run: (run / "parameters.json").write_text("{}"), "it lacks 'format'"),
        (lambda run: (run / "parameters.json").write_text("[]"), "parameters.json is damaged"),
        (
            lambda run: (run / "history.csv").write_text("step,elbo\n0,1\n"),
            "history.csv is damaged",
        ),
        (lambda run: (run / "history.csv").write_text(""), "history.csv is damaged"),
        (lambda run: (run / "cells.parquet").write_bytes(b"PAR1"), "cells.parquet is damaged"),
        (lambda run: changed(run, settings={"snapshots": "often"}), "snapshots is 'often'"),
        (lambda run: changed(run, settings={"snapshots": -1}), "snapshots is -1"),
        (lambda run: changed(run, weights=[1.0, 1.2]), "parameters.json is damaged: weights sum"),
        (
            lambda run: changed(run, weights=[1.0], means=[[0, 0]], covariances=[[[1, 0], [0, 1]]]),
            "parameters.json is damaged: uncertainty is of another number of components",
        ),
        (
            lambda run: changed(
                run,
                weights=[1.0],
                means=[[0, 0]],
                covariances=[[[1, 0], [0, 1]]],
                uncertainty=None,
            ),
            "history.csv is damaged: it has 2 components and parameters.json has 1",
        ),
        (
            lambda run: pd.read_parquet(run / "cells.parquet")[:100].to_parquet(
                run / "cells.parquet"
            ),
            "cells.parquet is damaged: it has",
        ),
        (
            lambda run: reversed_lines(run / "history.csv"),
            "history.csv is damaged: its steps or components are",
        ),
        (
            lambda run: pd.DataFrame({"count": [1.0]}).to_parquet(run / "cells.parquet"),
            "cells.parquet is damaged",
        ),
    ],
)
def test_a_damaged_run_gets_one_line(
    fitted: Path, run: Callable[..., Result], damage: Callable[[Path], object], message: str
) -> None:
    damage(fitted)
    assert message in one_line_error(run("plot", "old_faithful", code=1))


def test_a_truncated_history_is_damaged(fitted: Path, run: Callable[..., Result]) -> None:
    path = fitted / "history.csv"
    path.write_text("\n".join(path.read_text().splitlines()[:-1]))
    assert "history.csv is damaged" in one_line_error(run("plot", "old_faithful", code=1))


def test_another_format_version_gets_one_line(fitted: Path, run: Callable[..., Result]) -> None:
    path = fitted / "parameters.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"format": "gmmcli/9"}))
    error = one_line_error(run("plot", "old_faithful", code=1))
    assert "parameters.json has format 'gmmcli/9'" in error
    assert "reads 'gmmcli/1'" in error


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["nowhere"], 1, "nowhere is not a run directory"),
        (["old_faithful", "--steps", "0,999"], 1, "no step 999: the history ends at step"),
        (["old_faithful", "--steps", "1,b"], 2, "neither 'auto', 'all' nor numbers"),
        (["old_faithful", "--format", "bmp"], 2, "'bmp' is not one of"),
        (["old_faithful", "--kind", "elbo,pie"], 2, "'pie' is no kind of picture: give all, or"),
        (["old_faithful", "--kind", "groups"], 1, "the components of the run are its groups"),
        (["old_faithful", "--size", "7"], 2, "'7' is no width and height in inches from 3 to 60"),
        (["old_faithful", "--size", "7x900"], 2, "such as 7x5.4"),
        (["old_faithful", "--fps", "9"], 2, "--format png does not heed --fps: leave it out"),
        (["old_faithful", "--format", "html", "--dpi", "90"], 2, "html does not heed --dpi"),
        (["old_faithful", "--format", "gif", "--kind", "elbo"], 2, "gif does not heed --kind"),
        (["old_faithful", "--show", "-o", "there"], 2, "--show does not heed --output"),
        (["old_faithful", "-o", "taken"], 2, "'taken' is a file"),
        (["old_faithful", "-o", "taken/sub"], 1, "cannot write taken/sub/frames/step-0000.png"),
        (["old_faithful", "-o", "mine"], 1, "mine/convergence.png exists: choose another place"),
    ],
)
def test_bad_requests_get_one_line(
    fitted: Path, run: Callable[..., Result], arguments: list[str], code: int, message: str
) -> None:
    Path("taken").write_text("mine")
    Path("mine").mkdir()
    Path("mine/convergence.png").write_text("mine")
    before = files(fitted.parent)
    assert message in one_line_error(run("plot", *arguments, code=code))
    assert files(fitted.parent) == before
    assert Path("mine/convergence.png").read_text() == "mine"


def test_looks_are_as_asked(fitted: Path, run: Callable[..., Result]) -> None:
    look = ("--theme", "dark", "--dpi", 50, "--size", "6x4")
    run("plot", "old_faithful", "--kind", "density,frames", "--steps", 0, *look, "-o", "dark")
    assert files(Path("dark")) == ["density.png", "frames/step-0000.png"]
    for name in files(Path("dark")):
        with Image.open(Path("dark") / name) as picture:
            assert picture.size == (300, 200)
            assert np.asarray(picture.convert("RGB"))[0, 0].max() < 60


def test_a_film_takes_as_long_as_is_asked(
    fitted: Path, run: Callable[..., Result], monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = ("plot", "old_faithful", "--format", "gif", "--fps", 2, "--dpi", 30)
    result = run(*asked)
    assert result.stdout == "wrote old_faithful: convergence.gif\n"
    with Image.open("old_faithful/convergence.gif") as film:
        assert 11 <= film.n_frames <= 14  # type: ignore[attr-defined]
        assert film.info["duration"] == 500
    monkeypatch.setattr("gmmcli.cli.drawing.MOST_FRAMES", 9)
    assert "a gif has 9 frames at most, and this would have" in one_line_error(run(*asked, code=1))


def test_a_page_is_written_anew(fitted: Path, run: Callable[..., Result]) -> None:
    result = run("plot", "old_faithful", "--format", "html", "-o", "web")
    assert result.stdout == "wrote web: convergence.html\n"
    assert files(Path("web")) == ["convergence.html"]


def test_any_column_name_is_drawn_as_it_is(work: Path, run: Callable[..., Result]) -> None:
    rows = Path(DATA).read_text().split("\n", 1)[1]
    Path("names.csv").write_text(f'"$\\foo$ $x_$","[/b] 長さ"\n{rows}')
    result = run("fit", "names.csv", "--snapshots", 1)
    assert "$\\foo$ $x_$" in result.stdout
    assert Path("names/convergence.png").exists()


def test_plot_never_imports_torch(fitted: Path) -> None:
    code = (
        "import sys; from gmmcli.cli import gmm\n"
        "gmm(['plot', 'old_faithful', '-q'], standalone_mode=False)\n"
        "print(sorted({'torch', 'pyro', 'ibis', 'duckdb', 'matplotlib.pyplot'} & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=fitted.parent
    )
    assert done.stdout == "[]\n"


def test_groups_are_drawn_where_they_are_not_the_components(
    work: Path, run: Callable[..., Result]
) -> None:
    three = {
        "weights": [0.4, 0.3, 0.3],
        "means": [[0, 0], [1.2, 0], [9, 9]],
        "covariances": [[[1, 0], [0, 1]]] * 3,
    }
    Path("three.json").write_text(json.dumps(three))
    run("generate", "--mixture", "three.json", "-n", 600, "-o", "three.csv")
    asked = ("three.csv", "--init", "three.json", "--steps", 0, "--snapshots", 1)
    assert "3 components in 2 groups" in run("fit", *asked).stdout
    assert (work / "three" / "groups.png").is_file()
    run("plot", "three", "--color", "group", "-o", "coloured")
    frame = "frames/step-0000.png"
    assert (work / "coloured" / frame).read_bytes() != (work / "three" / frame).read_bytes()
    values = json.loads((work / "three" / "parameters.json").read_text())
    del values["groups"]  # as in runs of earlier versions
    (work / "three" / "parameters.json").write_text(json.dumps(values))
    assert "groups.png" in run("plot", "three", "-o", "again").stdout
    again, first = (work / name / "groups.png" for name in ("again", "three"))
    assert again.read_bytes() == first.read_bytes()
