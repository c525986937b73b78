"""The page that plays the convergence, as a reader has it."""

import csv
import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from browser.chromium import Browser
from click.testing import CliRunner

from gmmcli.cli import gmm
from gmmcli.core.cells.cells import Cells
from gmmcli.core.runs.directory import read_run
from gmmcli.pictures.colours import convert_to_oklab, convert_to_rgb, lay
from gmmcli.pictures.page.page import write_page
from gmmcli.pictures.rasters import scale_strengths

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("browser")]

# Column names that would be elements, were they not text.
X, Y = "<script>alert(1)</script>", "</script><b>y & co"
FIGURES = ["weight", "mean_x", "mean_y", "sd_x", "sd_y", "correlation"]


@dataclass(frozen=True)
class Fitted:
    """A run's page, and its history with deviations and correlations, a row for each component."""

    directory: Path
    url: str
    history: pd.DataFrame

    @property
    def last(self) -> int:
        return int(self.history["step"].max())

    def figures(self, step: int) -> Any:
        return self.history[self.history["step"] == step][FIGURES].to_numpy()


@pytest.fixture(scope="module")
def fitted(tmp_path_factory: pytest.TempPathFactory) -> Fitted:
    """Three clusters in columns with evil names, fitted by the commands."""
    place = tmp_path_factory.mktemp("page")
    rng = np.random.default_rng(0)
    centres = np.array([[0, 0], [6, 1], [2, 7]])[rng.integers(3, size=300)]
    frame = pd.DataFrame(centres + rng.normal(size=(300, 2)), columns=[X, Y])
    frame.to_csv(place / "t.csv", index=False)
    for command in (
        ["fit", str(place / "t.csv"), "-k", "3", "--no-frames", "-o", str(place / "run")],
        ["plot", str(place / "run"), "--format", "html"],
    ):
        result = CliRunner().invoke(gmm, command)
        assert result.exit_code == 0, result.output
    history = pd.read_csv(place / "run" / "history.csv")
    history["sd_x"], history["sd_y"] = np.sqrt(history["cov_xx"]), np.sqrt(history["cov_yy"])
    history["correlation"] = history["cov_xy"] / (history["sd_x"] * history["sd_y"])
    return Fitted(place / "run", (place / "run" / "convergence.html").as_uri(), history)


@pytest.fixture
def page(browser: Browser, fitted: Fitted) -> Iterator[Browser]:
    """The page at its last step, at rest; it stays quiet and asks for nothing."""
    browser.look(1280, 900, theme="light", moves=False)
    browser.open(fitted.url)
    step_of(browser)  # it has drawn
    yield browser
    assert browser.complaints == []
    assert browser.requests == [fitted.url]


def step_of(page: Browser) -> int:
    """The step that the page shows, once it has drawn it."""
    page.ask("new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))")
    word, step, *_ = page.ask("document.getElementById('where').textContent").split()
    assert word == "step"
    assert int(page.ask("document.getElementById('step').value")) == int(step)
    return int(step)


def table_of(page: Browser) -> list[list[str]]:
    script = (
        "[...document.querySelectorAll('tbody tr')]"
        ".map(row => [...row.cells].map(cell => cell.innerText.trim()))"
    )
    rows: list[list[str]] = page.ask(script)
    return rows


def slide(page: Browser, step: int) -> None:
    page.ask(
        f"(() => {{ const s = document.getElementById('step'); s.value = {step};"
        "s.dispatchEvent(new Event('input', { bubbles: true })); })()"
    )


def test_it_plays_by_itself_to_the_end(browser: Browser, fitted: Fitted) -> None:
    browser.look(1280, 900, theme="dark", moves=True)
    browser.open(fitted.url)
    browser.ask("document.getElementById('speed').value = '4'")
    assert browser.ask("document.getElementById('play').textContent") == "Pause"
    browser.wait_for("Number(document.getElementById('step').value) > 0")
    browser.wait_for(f"Number(document.getElementById('step').value) === {fitted.last}")
    browser.wait_for("document.getElementById('play').textContent === 'Play'")
    assert browser.complaints == []


def test_who_wants_no_motion_gets_none_unasked(page: Browser, fitted: Fitted) -> None:
    assert step_of(page) == fitted.last
    assert page.ask("document.getElementById('play').textContent") == "Play"


def test_the_slider_lands_where_it_is_put_and_numbers_are_those_of_the_history(
    page: Browser, fitted: Fitted
) -> None:
    for step in (0, 1, fitted.last):
        slide(page, step)
        assert step_of(page) == step
        assert f"Step {step} of {fitted.last}" in page.ask(
            "document.getElementById('live').textContent"
        )
        for row, figures in zip(table_of(page), fitted.figures(step), strict=True):
            for text, figure in zip(row[1:], figures, strict=True):
                shown = Decimal(text)
                unit = Decimal(1).scaleb(int(shown.as_tuple().exponent))
                assert abs(Decimal(float(figure)) - shown) <= unit / 2
        elbo = fitted.history.loc[fitted.history["step"] == step, "elbo"].iloc[0] / 300
        shown_elbo = page.ask("document.getElementById('elbo').textContent")
        assert f"{elbo:.6f}".replace("-", "\N{MINUS SIGN}") in shown_elbo


def test_keys(page: Browser, fitted: Fitted) -> None:
    found = []
    for key in ("Home", "ArrowRight", "ArrowRight", "ArrowLeft", "End", "ArrowRight"):
        page.press(key)
        found.append(step_of(page))
    assert found == [0, 1, 2, 1, fitted.last, fitted.last]
    page.press("Home")
    page.press(" ", "Space")
    page.wait_for("document.getElementById('play').textContent === 'Pause'")
    page.wait_for("Number(document.getElementById('step').value) > 0")
    page.press(" ", "Space")
    page.wait_for("document.getElementById('play').textContent === 'Play'")


def test_the_curve_can_be_clicked(page: Browser) -> None:
    box = page.ask("document.getElementById('curve').getBoundingClientRect().toJSON()")
    page.click(box["x"] + 47, box["y"] + box["height"] / 2)
    assert step_of(page) == 0


def test_columns_sort_and_say_so(page: Browser, fitted: Fitted) -> None:
    weights = fitted.figures(fitted.last)[:, 0]
    for direction, order in (
        ("descending", np.argsort(-weights)),
        ("ascending", np.argsort(weights)),
    ):
        page.ask("document.querySelectorAll('th button')[1].click()")
        step_of(page)
        assert [int(row[0]) for row in table_of(page)] == order.tolist()
        sorts = page.ask(
            "[...document.querySelectorAll('th')].map(c => c.getAttribute('aria-sort'))"
        )
        assert sorts == [None, direction, *[None] * 5]


def test_what_is_copied_has_all_digits(page: Browser, fitted: Fitted) -> None:
    page.ask("navigator.clipboard.writeText = async text => { window.copied = text; }")
    page.ask("document.getElementById('copy').click()")
    page.wait_for("window.copied !== undefined")
    header, *rows = csv.reader(page.ask("window.copied").splitlines(), delimiter="\t")
    assert header == ["component", "weight", *(f"{w} {c}" for w in ("mean", "sd") for c in (X, Y)),
                      "correlation"]  # fmt: skip
    found = np.array(rows, dtype=float)
    np.testing.assert_allclose(found[:, 1:], fitted.figures(fitted.last), rtol=1e-15)


def test_names_are_text(page: Browser) -> None:
    heads = page.ask("[...document.querySelectorAll('th .name')].map(c => c.textContent)")
    assert heads[2] == f"mean {X}"
    assert heads[3] == f"mean {Y}"
    assert page.ask("document.querySelectorAll('script').length") == 2
    assert page.ask("document.querySelectorAll('td b, th b').length") == 0


def test_the_policy_lets_no_other_script_run(page: Browser) -> None:
    page.ask(
        "(() => { const s = document.createElement('script'); s.textContent = 'window.evil = 1';"
        "document.body.append(s); })()"
    )
    assert page.ask("window.evil === undefined")
    assert any("Content Security Policy" in complaint for complaint in page.complaints)
    page.complaints.clear()


def test_pointing_tells_figures_with_errors_and_responsibilities(
    page: Browser, fitted: Fitted
) -> None:
    step_of(page)
    box = page.ask("document.getElementById('plot').getBoundingClientRect().toJSON()")
    places = page.ask(
        "placeNumbers(run.readMixture(lastStep).components, frame).map(({x, y}) => [x, y])"
    )
    page.move(box["x"] + places[1][0], box["y"] + places[1][1])
    step_of(page)
    card = page.ask("document.getElementById('card').innerText")
    assert card.startswith("Component 1")
    assert card.count("\N{PLUS-MINUS SIGN}") == 6
    page.move(box["x"] + places[1][0], box["y"] + places[1][1] + 40)
    step_of(page)
    card = page.ask("document.getElementById('card').innerText")
    assert card.startswith("Responsibilities")
    assert "component 1" in card
    shares = page.ask(
        "(() => { const f = new Float64Array(run.nComponents + 1);"
        "prepareResponsibilities(run.readMixture(lastStep))(0.4, 0.5, f); return [...f]; })()"
    )
    data = json.loads(page.ask("document.getElementById('data').textContent"))
    low, high = np.array(data["limits"])
    place = low + np.array([0.4, 0.5]) * (high - low)
    figures = fitted.figures(fitted.last)
    joint = []
    for weight, *mean, sd_x, sd_y, r in figures:
        covariance = np.array([[sd_x**2, r * sd_x * sd_y], [r * sd_x * sd_y, sd_y**2]])
        away = place - mean
        distance = away @ np.linalg.solve(covariance, away)
        joint.append(weight * np.exp(-distance / 2) / np.sqrt(np.linalg.det(covariance)))
    np.testing.assert_allclose(shares[:-1], np.array(joint) / sum(joint), rtol=1e-6, atol=1e-12)


@pytest.mark.parametrize("width", [1280, 390])
def test_nothing_is_wider_than_the_window(page: Browser, width: int) -> None:
    page.look(width, 844, theme="dark", moves=False, dots=2)
    step_of(page)
    assert page.ask("document.documentElement.scrollWidth") <= width
    assert page.ask("document.getElementById('plot').width") == 2 * page.ask(
        "document.getElementById('plot').clientWidth"
    )


def test_between_steps_it_glides_but_for_moves_and_other_cells(page: Browser) -> None:
    shown = (
        "(position => { state.position = position; Object.defineProperty(stillness, 'matches',"
        "{ value: false, configurable: true }); return readPosition(); })"
    )
    assert page.ask(f"{shown}(0.3)") == 0.3
    page.ask("run.jumps.add(1)")
    assert [page.ask(f"{shown}({place})") for place in (0.3, 0.6, 1)] == [0, 1, 1]


def test_points_on_the_border_of_the_background_are_in_it(page: Browser) -> None:
    box = "{lowX: 0.25, highX: 0.75, lowY: 0.25, highY: 0.75}"
    mixture = "{components: [{weight: 0.5, x: 0.5, y: 0.5, a: 0.1, b: 0, c: 0.1}], background: 0.5}"
    found = [
        page.ask(
            f"(() => {{ const found = [0, 0];"
            f" prepareResponsibilities({mixture}, {box})({x}, 0.5, found); return found; }})()"
        )
        for x in (0.75 + 0.5 / 65535, 0.7501)
    ]
    assert found[0][1] > 0.4
    assert found[1][1] == 0


def test_strengths_are_those_of_frames(page: Browser) -> None:
    density = np.array([0.0, 0.1, 3.0, 5000.0])
    found = page.ask(f"[...scaleStrengths(Float64Array.of({','.join(map(str, density))}), 0.2)]")
    np.testing.assert_allclose(found, scale_strengths(density, 0.2), rtol=1e-12)


def test_hues_are_laid_on_paper_as_in_frames(page: Browser) -> None:
    hues, paper = convert_to_oklab(np.eye(3)[:2]), convert_to_oklab(np.ones(3))
    strengths = np.array([1.0, 0.5, 0.3, 0.0])
    found = page.ask(
        f"(() => {{ const image = new ImageData(4, 1); const hues = {hues.ravel().tolist()};"
        f"layOnPaper({strengths.tolist()}, {{ hues, columns: 2, rows: 1 }}, {paper.tolist()},"
        "image); return [...image.data]; })()"
    )
    found = np.array(found).reshape(4, 4)
    between = np.array([0, 0.25, 0.75, 1])[:, None] * (hues[1] - hues[0]) + hues[0]
    expected = 255 * convert_to_rgb(lay(paper, between, strengths))
    np.testing.assert_allclose(found[:3, :3], expected[:3], atol=1)
    assert found[:, 3].tolist() == [255, 255, 255, 0]


def test_a_density_has_all_points_and_single_ones_are_dots(page: Browser) -> None:
    cells = "{ number: 2, x: [0.3, 0.7], y: [0.5, 0.5], counts: [1, 40] }"
    image = np.array(page.ask(f"[...computeDensity({cells}, 101, 81, 1, 6)]")).reshape(81, 101)
    assert image.sum() == pytest.approx(41, rel=1e-5)
    assert image[40, 30] == pytest.approx(1 / (2 * np.pi), rel=0.01)
    assert image[40, 70] == pytest.approx(40 / (2 * np.pi * 36), rel=0.01)


def test_many_cells_are_an_image_with_all_points(
    browser: Browser, fitted: Fitted, tmp_path: Path
) -> None:
    run = read_run(fitted.directory)
    means, _ = run.mixture.sample(20_000)
    cells = Cells(np.ones(20_000), means, np.zeros((20_000, 2, 2)))
    write_page(replace(run, cells=cells), tmp_path / "many.html")
    browser.look(1280, 900, theme="light", moves=False)
    browser.open((tmp_path / "many.html").as_uri())
    step_of(browser)
    assert browser.ask("run.image !== null")
    assert browser.ask("run.cells.counts.reduce((a, b) => a + b)") == 20_000
    # The densest pixel is as strong as can be; where nobody is, paper shows.
    strengths = browser.ask(
        "[run.image.strength[0], run.image.strength.reduce((x, y) => Math.max(x, y)),"
        "...run.image.pixels.data.slice(0, 4)]"
    )
    assert strengths == [0, 1, 0, 0, 0, 0]
    assert browser.complaints == []


def test_numbers_of_components_overlap_nowhere(page: Browser) -> None:
    places = page.ask(
        "placeNumbers(Array.from({ length: 200 }, (_, k) => ({ x: 0.5 + 0.02 * Math.sin(k * k),"
        "y: 0.5 + 0.1 * Math.cos(k * k) })), frame, 150)"
    )
    assert places[150]["hasRoom"]
    shown = [place for place in places if place["hasRoom"]]
    assert 10 < len(shown) < 200
    height = 1.44 * page.ask("chooseNumberSize(200)")
    for i, one in enumerate(shown):
        for other in shown[:i]:
            is_beside = abs(one["x"] - other["x"]) > one["reach"] + other["reach"]
            assert is_beside or abs(one["y"] - other["y"]) > height


def test_numbers_as_text(page: Browser) -> None:
    found = page.ask(
        "[writeToScale(2.0361, 0.26), writeToScale(54.4848, 5.8), writeToScale(5.39e-7, 1.2e-7),"
        "writeToScale(999999999.8634, 0.9), writeTick(1.5e-5, 5e-6), writeTick(-2, 1),"
        "writeTick(1e9, 1), writeTick(0.25, 0.05), writeCount(10000000, 'point')]"
    )
    assert found == [
        "2.036",
        "54.48",
        "5.39e-7",
        "999999999.863",
        "1.5\N{MULTIPLICATION SIGN}10\N{SUPERSCRIPT MINUS}\N{SUPERSCRIPT FIVE}",
        "\N{MINUS SIGN}2",
        "1\N{THIN SPACE}000\N{THIN SPACE}000\N{THIN SPACE}000",
        "0.25",
        "10,000,000 points",
    ]


def test_keys_stay_those_of_the_field_in_which_they_are_pressed(
    page: Browser, fitted: Fitted
) -> None:
    page.ask("document.getElementById('step').focus()")
    for key, step in (("Home", 0), ("ArrowRight", 1), ("End", fitted.last)):
        page.press(key)
        assert step_of(page) == step
    page.ask("document.getElementById('speed').focus()")
    page.press("Home")
    assert step_of(page) == fitted.last
    page.ask("document.querySelectorAll('th button')[1].focus()")
    page.press(" ", "Space")
    assert step_of(page) == fitted.last
    assert page.ask("document.getElementById('play').textContent") == "Play"
