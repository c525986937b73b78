"""`gmm plot` and the pictures themselves."""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from builders import ROOT, SAMPLE_DATA, cells_of, one_line_error, sampled
from click.testing import Result
from matplotlib.figure import Figure
from matplotlib.testing.compare import compare_images
from matplotlib.transforms import Affine2D

from gmmcli.core.mixture.mixture import Mixture, read_mixture
from gmmcli.core.mixture.sampling import ARTICLE
from gmmcli.core.runs.directory import Run, read_run
from gmmcli.core.runs.history import History
from gmmcli.core.search.fit import fit
from gmmcli.pictures.artists import draw_climb, ellipse_of
from gmmcli.pictures.frames import MOST_PANELS, draw_run, frame_of, sheet_of
from gmmcli.pictures.scene import scene_of
from gmmcli.pictures.style import component_colours, styled
from gmmcli.settings import FitSettings

DATA = "sample_data/old_faithful.csv"


@pytest.fixture
def fitted(work: Path, run: Callable[..., Result]) -> Path:
    run("fit", DATA, "-k", "1:2")
    return work / "old_faithful"


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
        (lambda run: (run / "parameters.json").unlink(), "parameters.json is missing"),
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
        (["old_faithful", "--format", "gif"], 2, "'gif' is not one of"),
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


@pytest.mark.parametrize("coverage", [0.5, 0.95])
def test_an_ellipse_holds_its_share_of_the_component(coverage: float) -> None:
    mean, covariance = np.array([3.0, -1.0]), np.array([[4.0, 1.2], [1.2, 0.5]])
    points = np.random.default_rng(0).multivariate_normal(mean, covariance, 40_000)
    factor = np.linalg.cholesky(covariance)
    scales = np.array([1e-9, 1e9])  # of very different units
    ellipse = ellipse_of(mean * scales, factor * scales[:, None], coverage)
    share = ellipse.transformed(Affine2D().scale(*1 / scales)).contains_points(points).mean()
    # Five standard errors of a share of 40,000.
    assert abs(share - coverage) < 5 * np.sqrt(coverage * (1 - coverage) / 40_000)


def run_of(points: np.ndarray, history: History) -> Run:
    last = history.snapshot(history.last_step).mixture
    return Run(("x", "y"), last, history, cells_of(points), "auto")


def article_run() -> Run:
    points = sampled(ARTICLE, 300)
    start = read_mixture(SAMPLE_DATA / "article_start.json")
    result = fit(cells_of(points), FitSettings(covariance="diag"), start=start)
    return run_of(points, result.history)


def test_a_view_shows_all_points_and_the_final_ellipses() -> None:
    run = article_run()
    scene = scene_of(run)
    assert scene.n_outside == 0
    with styled():
        for step in (0, run.history.last_step):
            axes = frame_of(scene, run.history.snapshot(step)).axes[0]
            np.testing.assert_allclose(axes.get_xlim(), scene.limits[:, 0])
            np.testing.assert_allclose(axes.get_ylim(), scene.limits[:, 1])


def test_far_outliers_leave_the_view_and_are_counted() -> None:
    points = np.concatenate([sampled(ARTICLE, 1000), [[1e6, 0.0], [0.0, -1e6]]])
    scene = scene_of(run_of(points, History.of([ARTICLE], [-1.0], [False], [9])))
    assert scene.n_outside == 2
    assert (abs(scene.limits) < 200).all()


def test_points_have_a_view_that_no_component_lies_in() -> None:
    points = np.concatenate([np.random.default_rng(24).normal(size=(300, 2)), [[1e6, 1e6]]])
    only = Mixture([1.0], [points.mean(axis=0)], [np.cov(points.T) + np.eye(2)])
    scene = scene_of(run_of(points, History.of([only], [-1.0], [False], [9])))
    assert scene.n_outside == 1
    assert (abs(scene.limits) < 10).all()
    assert (abs(only.means) > 1000).all()


def test_what_one_axis_leaves_out_the_other_does_not_show() -> None:
    random = np.random.default_rng(0)
    # On y alone, four points at 8 would leave the others enough of the view.
    points = np.concatenate([random.normal(size=(500, 2)), random.normal([40, 8], 0.3, (4, 2))])
    means, covariances = [[0, 0], [40, 8]], [np.eye(2), 0.1 * np.eye(2)]
    history = History.of([Mixture([0.99, 0.01], means, covariances)], [-1.0], [False], [9])
    scene = scene_of(run_of(points, history))
    assert scene.n_outside == 4
    assert (abs(scene.limits) < 6).all()


def test_points_on_an_axis_have_a_view() -> None:
    points = sampled(ARTICLE, 50) * [1.0, 0.0]
    result = fit(cells_of(points), FitSettings(components=1))
    limits = scene_of(run_of(points, result.history)).limits
    assert (limits[1] > limits[0]).all()


def test_points_mix_the_colours_of_their_components() -> None:
    run = article_run()
    scene = scene_of(run)
    axes = frame_of(scene, run.history.snapshot(run.history.last_step)).axes[0]
    colours = axes.collections[0].get_facecolor()[:, :3]
    responsibilities = run.mixture.responsibilities(run.cells.means)
    np.testing.assert_allclose(colours, responsibilities @ scene.colours, atol=1e-9)


# What eyes without long or medium cones see of linear RGB (Machado, Oliveira & Fernandes 2009).
EYES = {
    "normal": np.eye(3),
    "protan": np.array(
        [
            [0.152286, 1.052583, -0.204868],
            [0.114503, 0.786281, 0.099216],
            [-0.003882, -0.048116, 1.051998],
        ]
    ),
    "deutan": np.array(
        [
            [0.367322, 0.860646, -0.227968],
            [0.280085, 0.672501, 0.047413],
            [-0.011820, 0.042940, 0.968881],
        ]
    ),
}


def oklab(colours: np.ndarray, eye: np.ndarray) -> np.ndarray:
    """RGB colours in OKLab (Ottosson 2020), where equal distances look equal; shape (K, 3)."""
    linear = np.where(colours <= 0.04045, colours / 12.92, ((colours + 0.055) / 1.055) ** 2.4)
    cones = np.clip(linear @ eye.T, 0, 1) @ [
        [0.4122214708, 0.2119034982, 0.0883024619],
        [0.5363325363, 0.6806995451, 0.2817188376],
        [0.0514459929, 0.1073969566, 0.6299787005],
    ]
    return np.cbrt(cones) @ [
        [0.2104542553, 1.9779984951, 0.0259040371],
        [0.7936177850, -2.4285922050, 0.7827717662],
        [-0.0040720468, 0.4505937099, -0.8086757660],
    ]


# A distance of 0.02 can just be seen. The first ten are 0.199, 0.096 and 0.076 from their
# neighbours, and 0.124, 0.057 and 0.039 from each other.
@pytest.mark.parametrize(
    ("eye", "from_neighbours", "from_all"),
    [("normal", 0.16, 0.07), ("protan", 0.09, 0.035), ("deutan", 0.07, 0.035)],
)
def test_forty_components_have_colours_that_can_be_told_apart(
    eye: str, from_neighbours: float, from_all: float
) -> None:
    seen = oklab(component_colours(40), EYES[eye])
    apart = np.linalg.norm(seen[:, None] - seen, axis=2)
    assert np.diagonal(apart, 1).min() > from_neighbours
    assert apart[np.triu_indices(40, 1)].min() > from_all


def test_more_components_than_colours_repeat_them() -> None:
    colours = component_colours(45)
    np.testing.assert_array_equal(colours[40:], colours[:5])


def test_the_climb_is_broken_where_more_cells_take_over() -> None:
    elbos = [-9.0, -8.0, -6.0, -5.0]
    history = History.of([ARTICLE] * 4, elbos, [False] * 4, [5, 5, 9, 9])
    axes = Figure().add_subplot()
    line = draw_climb(axes, history, 10, [0, 3])
    np.testing.assert_array_equal(line.get_ydata(), [-0.9, -0.8, np.nan, -0.6, -0.5])
    legend = axes.get_legend()
    assert legend is not None
    assert [text.get_text() for text in legend.get_texts()] == ["on more cells"]


def test_a_sheet_of_a_long_history_is_thinned() -> None:
    history = History.of([ARTICLE] * 300, np.arange(300.0).tolist(), [False] * 300, [9] * 300)
    run = run_of(sampled(ARTICLE, 50), history)
    with styled():
        sheet = sheet_of(scene_of(run), run, list(range(300)))
    assert len(sheet.axes) == MOST_PANELS + 1
    titles = [axes.get_title(loc="left") for axes in sheet.axes[:-1]]
    assert titles[0].startswith("step 0 ")
    assert titles[-1].startswith("step 299 ")
    assert sheet.texts[0].get_text().startswith("100 of 300 snapshots")


@pytest.mark.parametrize("name", ["frames/step-0001.png", "convergence.png"])
def test_pictures_look_as_they_did(tmp_path: Path, name: str) -> None:
    run = article_run()
    drawn = list(draw_run(run, [0, 1, run.history.last_step], tmp_path))
    assert tmp_path / name in drawn
    baseline = ROOT / "tests" / "baseline" / Path(name).name
    # Where a change is meant, look at the new picture and copy it over the baseline.
    assert compare_images(str(baseline), str(tmp_path / name), tol=4) is None
