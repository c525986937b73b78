"""What is told of how far a fit is to be trusted, all together."""

import json
from dataclasses import fields

import numpy as np
import pytest
from builders import cells_of, fit, gaussian, sampled, spread_clusters

from gmmcli.core.assessment.diagnostics import Diagnostics
from gmmcli.core.assessment.misfit import Misfit
from gmmcli.errors import MixtureError
from gmmcli.settings import FitSettings


def diagnostics_of(n_components: int) -> Diagnostics:
    """Those of a fit to some clusters and five points apart."""
    points = sampled(spread_clusters(n_components - 1), 200)
    points = np.concatenate([points, gaussian(5, (99, 99), 1e-3, 1)])
    found = fit(cells_of(points), FitSettings(n_components)).diagnostics
    assert found is not None
    return found


def test_diagnostics_come_back_from_json() -> None:
    found = diagnostics_of(3)
    read = Diagnostics.from_json(json.loads(json.dumps(found.to_json())))
    assert read is not None
    np.testing.assert_array_equal(read.overlap, found.overlap)
    np.testing.assert_array_equal(read.errors.intervals, found.errors.intervals)
    for field in fields(Misfit):
        one, other = getattr(found.misfit, field.name), getattr(read.misfit, field.name)
        np.testing.assert_array_equal(one, other)


def test_a_run_without_errors_has_no_diagnostics() -> None:
    assert Diagnostics.from_json({}) is None
    assert Diagnostics.from_json({"uncertainty": None}) is None


def test_those_of_other_numbers_of_components_are_refused() -> None:
    two, three = (diagnostics_of(n).to_json() for n in (2, 3))
    for name in ("overlap", "misfit"):
        with pytest.raises(MixtureError, match="are not of one number of components"):
            Diagnostics.from_json({**two, name: three[name]})


def test_a_fit_that_did_not_converge_has_none() -> None:
    cells = cells_of(sampled(spread_clusters(2), 100))
    assert fit(cells, FitSettings(2, steps=0)).diagnostics is None
