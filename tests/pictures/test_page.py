"""The page as text: its size, its policy, and that what strangers wrote stays text."""

import base64
import hashlib
import json
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from builders import SAMPLE_DATA
from click.testing import CliRunner
from matplotlib.colors import to_hex

from gmmcli.cli import gmm
from gmmcli.core.cells.cells import Cells
from gmmcli.core.runs.directory import RunRecord, read_run
from gmmcli.pictures.kinds import Look
from gmmcli.pictures.page.page import collect_data, escape_json, make_page, write_page
from gmmcli.pictures.rasters import find_faint, measure_dot
from gmmcli.pictures.scene import MANY_CELLS
from gmmcli.pictures.style import (
    BACKGROUND_COLOUR,
    apply_style,
    get_colour,
    pick_colours,
    stress,
)
from gmmcli.settings import THEMES, Theme

EVIL = "</script><script>alert(1)</script><!--&"


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> RunRecord:
    """Two components of Old Faithful."""
    directory = tmp_path_factory.mktemp("runs") / "geyser"
    data = str(SAMPLE_DATA / "old_faithful.csv")
    result = CliRunner().invoke(gmm, ["fit", data, "-k", "2", "--no-frames", "-o", str(directory)])
    assert result.exit_code == 0, result.output
    return read_run(directory)


def give_cells(run: RunRecord, n_cells: int) -> RunRecord:
    rng = np.random.default_rng(0)
    means = run.cells.mean() + rng.normal(size=(n_cells, 2)) @ np.diag([1.1, 13])
    return replace(run, cells=Cells(np.ones(n_cells), means, np.zeros((n_cells, 2, 2))))


def test_it_is_one_page_that_asks_for_nothing(run: RunRecord, tmp_path: Path) -> None:
    write_page(run, tmp_path / "page.html")
    text = (tmp_path / "page.html").read_text()
    assert not re.search(r"""(src|href)=["'](?!data:)""", text)
    assert not re.search(r"url\(|@import|https?:|\bfetch\(|eval\(|innerHTML", text)
    policy = re.search(r'Content-Security-Policy" content="([^"]+)"', text)
    assert policy
    assert policy[1].startswith("default-src 'none'; ")
    for element in ("style", "script"):
        (inside,) = re.findall(rf"<{element}>(.*?)</{element}>", text, re.DOTALL)
        digest = base64.b64encode(hashlib.sha256(inside.encode()).digest()).decode()
        assert f"{element}-src 'sha256-{digest}'" in policy[1]
    assert not re.search(r"\sstyle=|\son\w+=", text.partition("<body>")[2].partition("<script")[0])


@pytest.mark.parametrize(("n_cells", "most"), [(20_000, 5e5), (100_000, 1e6), (300_000, 1e6)])
def test_it_is_small_with_many_cells_and_steps(run: RunRecord, n_cells: int, most: float) -> None:
    history = run.history
    many = {
        name: np.repeat(getattr(history, name), 3000, axis=0)
        for name in ("elbos", "weights", "means", "covariances", "by_move", "n_cells")
    }
    grown = replace(give_cells(run, n_cells), history=replace(history, **many))
    assert len(make_page(collect_data(grown))) < most


def test_what_strangers_wrote_stays_text(run: RunRecord) -> None:
    provenance = replace(run.provenance, columns=(EVIL, "y"), source=EVIL)
    data = collect_data(replace(run, provenance=provenance))
    text = make_page(data)
    assert "alert(1)</script>" not in text
    assert text.count("</script>") == 2
    assert text.count("<!--") == 0
    inside = re.search(r'<script id="data"[^>]*>(.*?)</script>', text, re.DOTALL)
    assert inside
    assert json.loads(inside[1]) == json.loads(json.dumps(data))
    assert json.loads(inside[1])["columns"] == [EVIL, "y"]
    assert "&" not in escape_json(data)


def test_what_has_no_error_has_none_and_a_background_its_box(run: RunRecord) -> None:
    assert np.shape(collect_data(run)["errors"]) == (2, 6)
    n_steps = len(run.history.elbos)
    history = replace(
        run.history,
        background_weights=np.zeros(n_steps),
        box=np.array([[1.0, 6.0], [40.0, 100.0]]),
    )
    data = collect_data(replace(run, diagnostics=None, history=history))
    assert data["errors"] is None
    assert data["background"]["box"] == [[1.0, 6.0], [40.0, 100.0]]


@pytest.mark.parametrize("theme", THEMES)
def test_its_colours_are_those_of_frames(run: RunRecord, theme: Theme) -> None:
    look = collect_data(run)["looks"][theme]
    with apply_style(Look(theme)):
        colours = np.vstack([pick_colours(2), BACKGROUND_COLOUR])
        inks, paper = stress(colours), to_hex(get_colour("paper"))
    assert look == {"colours": [*map(to_hex, colours)], "inks": [*map(to_hex, inks)]}
    style = make_page(collect_data(run)).partition("<style>")[2].split("@media")
    assert f"--paper: {paper};" in style[THEMES.index(theme)]


def test_its_densities_are_as_strong_as_those_of_frames(run: RunRecord) -> None:
    assert collect_data(run)["density"] is None
    many = give_cells(run, MANY_CELLS + 1)
    told = collect_data(many)["density"]
    assert told["faint"] == find_faint(many.cells.counts, told["dot"])
    assert told["dot"] == measure_dot(96 / 72)


def test_nothing_lies_before_a_move_and_before_other_cells(run: RunRecord) -> None:
    history = replace(
        run.history,
        **{
            name: np.repeat(getattr(run.history, name)[:1], 7, axis=0)
            for name in ("elbos", "weights", "means", "covariances")
        },
        by_move=np.arange(7) == 2,
        n_cells=np.array([9, 9, 9, 9, 5, 5, 5]),
    )
    steps = collect_data(replace(run, history=history))["steps"]
    assert steps["moves"] == [2]
    assert steps["jumps"] == [2, 4]


def test_plot_writes_it_and_replaces_no_other_unasked(run: RunRecord, tmp_path: Path) -> None:
    data = str(SAMPLE_DATA / "old_faithful.csv")
    place, other = str(tmp_path / "run"), tmp_path / "pages"
    result = CliRunner().invoke(gmm, ["fit", data, "-k", "1", "-o", place])
    assert re.search(
        r"^wrote .*convergence\.png, convergence\.html, \d", result.stdout, re.MULTILINE
    )
    asked = ["plot", place, "--format", "html", "-o", str(other)]
    assert CliRunner().invoke(gmm, asked).stdout == f"wrote {other}: convergence.html\n"
    again = CliRunner().invoke(gmm, asked)
    assert again.exit_code == 1
    assert "convergence.html exists" in again.stderr
