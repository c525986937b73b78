"""The figures of a fit: what its run holds is what it was, and nothing else is taken for them."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from builders import cells_of, fit, sampled, spread_clusters

from gmmcli.core.runs.asked import Asked
from gmmcli.core.runs.figures import Figures
from gmmcli.core.runs.parameters import collect_parameters
from gmmcli.core.runs.result import Provenance
from gmmcli.settings import FitSettings


@pytest.fixture(scope="module")
def values() -> dict[str, Any]:
    """The JSON of a run, of 100 points and 3 rows left out."""
    found = fit(cells_of(sampled(spread_clusters(2), 100)), FitSettings(2))
    return collect_parameters(found, Provenance(("x", "y"), "d.csv", 103, 3, Asked()), None)


def test_figures_come_back_from_a_run(values: dict[str, Any]) -> None:
    found = fit(cells_of(sampled(spread_clusters(2), 100)), FitSettings(2))
    own = replace(Figures.of(found), seconds=values["fit"]["seconds"])
    assert Figures.from_json(values["fit"]) == own
    assert found.elbo == own.log_likelihood


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("status", "done"),
        ("points", 0),
        ("points", "100"),
        ("points", True),
        ("log_likelihood", None),
        ("bic", np.inf),
        ("icl", [1]),
        ("compression_gap", "none"),
        ("compression_shift", "none"),
        ("exact_log_likelihood", "none"),
        ("effective_points", None),
        ("background_gain", "none"),
        ("floored", [0.5]),
        ("seconds", None),
    ],
)
def test_what_is_no_figure_is_refused(values: dict[str, Any], name: str, value: object) -> None:
    changed = {**values["fit"], name: value}
    with pytest.raises(ValueError, match=name if name != "status" else "done"):
        Figures.from_json(changed)
