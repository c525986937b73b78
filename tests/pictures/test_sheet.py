"""All snapshots on one sheet."""

import numpy as np
from builders import run_of, sampled

from gmmcli.core.mixture.sampling import ARTICLE
from gmmcli.core.runs.history import History
from gmmcli.pictures.scene import compute_scene
from gmmcli.pictures.sheet import make_sheet
from gmmcli.pictures.style import apply_style


def test_a_sheet_of_a_long_history_is_thinned() -> None:
    history = History.of([ARTICLE] * 300, np.arange(300.0).tolist(), [False] * 300, [9] * 300)
    run = run_of(sampled(ARTICLE, 50), history)
    with apply_style():
        sheet = make_sheet(compute_scene(run), run, list(range(300)))
    assert len(sheet.axes) == 100 + 1  # the climb is below
    titles = [axes.get_title(loc="left") for axes in sheet.axes[:-1]]
    assert titles[0].startswith("step 0 ")
    assert titles[-1].startswith("step 299 ")
    assert sheet.texts[0].get_text().startswith("100 of 300 snapshots")
