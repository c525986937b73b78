"""Pictures as files."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from builders import ROOT, article_run, candidate_of, random_mixture, run_of, sampled
from matplotlib.testing.compare import compare_images
from PIL import Image

from gmmcli.core.assessment.diagnostics import Diagnostics
from gmmcli.core.assessment.errors import estimate_errors
from gmmcli.core.assessment.misfit import measure_misfit
from gmmcli.core.assessment.overlap import measure_overlap
from gmmcli.core.groups.groups import find_groups
from gmmcli.core.runs.directory import RunRecord
from gmmcli.core.runs.history import History
from gmmcli.core.search.criteria import Selection
from gmmcli.pictures.drawing import draw_run
from gmmcli.pictures.kinds import Look, Order, choose_kinds
from gmmcli.settings import THEMES, Theme


@pytest.mark.parametrize("name", ["frames/step-0001.png", "convergence.png"])
def test_pictures_look_as_they_did(tmp_path: Path, name: str) -> None:
    run = article_run()
    drawn = list(draw_run(run, Order([0, 1, run.history.last_step], choose_kinds(run)), tmp_path))
    assert tmp_path / name in drawn
    baseline = ROOT / "tests" / "baseline" / Path(name).name
    # Where a change is meant, look at the new picture and copy it over the baseline.
    assert compare_images(str(baseline), str(tmp_path / name), tol=4) is None


@pytest.fixture(scope="module", params=[1, 2, 15, 50])
def run(request: pytest.FixtureRequest) -> RunRecord:
    """A run of so many components, with a choice, a tree, errors, a far outlier and long names."""
    truth = random_mixture(request.param, seed=3)
    points = np.vstack([sampled(truth, 400), [[1e4, 0.0]]])
    moved = replace(truth, means=truth.means + 0.1)
    history = History.of([moved, truth], [-2000.0, -1900.0], [False, False], [401, 401])
    found = run_of(points, history)
    names = "photons counted in the first channel, per second", "of the second"
    candidates = candidate_of(request.param, 3800), candidate_of(request.param + 1, 3900)
    errors, misfit = estimate_errors(found.cells, truth), measure_misfit(found.cells, truth)
    return replace(
        found,
        provenance=replace(found.provenance, columns=names),
        groups=find_groups(truth, found.cells),
        selection=Selection(candidates, "bic", 0),
        diagnostics=Diagnostics(errors, measure_overlap(found.cells, truth), misfit),
    )


@pytest.mark.parametrize("theme", THEMES)
def test_every_kind_is_drawn_in_every_theme(run: RunRecord, theme: Theme, tmp_path: Path) -> None:
    kinds = choose_kinds(run, "all")
    order = Order([0, 1], kinds, look=Look(theme, dpi=40))
    drawn = list(draw_run(run, order, tmp_path))
    assert [str(path.relative_to(tmp_path)) for path in drawn] == order.name_pictures()
    paper = 255 if theme == "light" else 25
    for path in drawn:
        with Image.open(path) as picture:
            pixels = np.asarray(picture.convert("RGB"), dtype=float)
        assert abs(pixels[-1].mean() - paper) < 15, path  # nothing hangs over the lower edge
        assert pixels.std() > 5, path
