"""The grid that a long table gets, as fine as a mixture of its first rows needs."""

from pathlib import Path

import numpy as np
import pytest
from builders import N_ROWS, gaussian, sampled, sketch, written

from gmmcli.core.cells.compression import compress
from gmmcli.core.cells.gaps import estimate_gap
from gmmcli.core.cells.places import SPAN
from gmmcli.core.cells.refinement import compare_gap, plan_parts_of_crowds
from gmmcli.core.mixture.sampling import ARTICLE


@pytest.mark.usefixtures("long_tables")
def test_a_long_table_has_few_cells_which_are_fine_enough_in_one_pass(tmp_path: Path) -> None:
    table = written(tmp_path / "d.csv", sampled(ARTICLE, N_ROWS))
    compression = compress(table, sketch=sketch(2))
    assert compression.n_passes == 1
    assert (plan_parts_of_crowds(compression.cells) == 1).all()
    gap = estimate_gap(compression.cells, ARTICLE)
    assert compare_gap(compression.cells.n_points, gap) < 0.8
    assert compression.cells.n_cells < 10_000


@pytest.mark.usefixtures("long_tables")
def test_cells_that_are_longer_beyond_a_core_keep_the_moments_of_the_rows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        "gmmcli.core.cells.first_grid.CROWD", 0.02
    )  # which keeps cells short otherwise
    points = sampled(ARTICLE, N_ROWS)
    compression = compress(written(tmp_path / "d.csv", points), sketch=sketch(2))
    assert compression.grids is not None
    assert compression.grids.stretch > 1
    rows = np.abs((compression.places[:, 1] + SPAN // 2) % SPAN - SPAN // 2)
    assert (rows > compression.grids.core).any()
    cells = compression.cells
    np.testing.assert_allclose(cells.mean(), points.mean(axis=0), rtol=1e-12)
    np.testing.assert_allclose(cells.covariance(), np.cov(points.T, bias=True), rtol=1e-12)


@pytest.mark.usefixtures("long_tables")
def test_a_long_table_for_one_component_is_cut_about_its_middle(tmp_path: Path) -> None:
    points = gaussian(N_ROWS, (5, 7), 2, 1)
    compression = compress(written(tmp_path / "d.csv", points), sketch=sketch(1))
    assert compression.grids is not None
    np.testing.assert_allclose(compression.grids.origins[0], [5, 7], atol=0.1)
    assert (plan_parts_of_crowds(compression.cells) == 1).all()
