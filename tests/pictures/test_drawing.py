"""Pictures as files."""

from pathlib import Path

import pytest
from builders import ROOT, article_run
from matplotlib.testing.compare import compare_images

from gmmcli.pictures.drawing import OF_A_SCENE, draw_run
from gmmcli.pictures.kinds import Order, choose_kinds
from gmmcli.settings import PICTURE_KINDS


@pytest.mark.parametrize("name", ["frames/step-0001.png", "convergence.png"])
def test_pictures_look_as_they_did(tmp_path: Path, name: str) -> None:
    run = article_run()
    drawn = list(draw_run(run, Order([0, 1, run.history.last_step], choose_kinds(run)), tmp_path))
    assert tmp_path / name in drawn
    baseline = ROOT / "tests" / "baseline" / Path(name).name
    # Where a change is meant, look at the new picture and copy it over the baseline.
    assert compare_images(str(baseline), str(tmp_path / name), tol=4) is None


def test_every_kind_is_drawn_by_something() -> None:
    assert {*OF_A_SCENE, "frames", "sheet", "selection", "groups"} == {*PICTURE_KINDS}
