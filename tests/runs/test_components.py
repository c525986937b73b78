"""Components as rows of text, each figure with its error."""

import numpy as np
import pytest
from builders import cells_of, fit, gaussian

from gmmcli.core.runs.components import explain_errors, write_components, write_with_error
from gmmcli.settings import FitSettings


@pytest.mark.parametrize(
    ("value", "error", "text"),
    [
        (2.0364, 0.0249, "2.036(25)"),
        (-0.001, 0.05, "-0.001(50)"),
        (0.284, 0.0999, "0.28(10)"),
        (54.48, 1.24, "54.5(12)"),
        (54.48, 12.4, "54(12)"),
        (12345.0, 123.0, "12340(120)"),
        (3.0, 99.6, "0(100)"),
        (123456.0, 9.96, "123456(10)"),
        (0.00012, 0.000015, "0.000120(15)"),
        (1e-9, 1.2e-12, "1.0000(12)e-09"),
        (5e15, 2e3, "5.0000000000000(20)e+15"),
        (1.0, 1e-30, "1.0000000000000000(10)"),
    ],
)
def test_values_end_where_their_errors_do(value: float, error: float, text: str) -> None:
    assert write_with_error(value, error) == text


def test_every_figure_has_its_error_but_what_the_points_do_not_settle() -> None:
    points = np.concatenate([gaussian(60, (0, 0), 1, 0), gaussian(5, (9, 9), 1, 1)])
    found = fit(cells_of(points), FitSettings(2))
    assert found.errors is not None
    for shows_axes in (False, True):
        large, small = write_components(found.mixture, found.errors, shows_axes=shows_axes)
        assert all(text.count("(") == 1 for text in large)
        assert [text.count("(") for text in small] == [1, 0, 0, 0, 0, 0]
        plain = write_components(found.mixture, None, shows_axes=shows_axes)
        assert plain[1][1:] == small[1:]
    assert explain_errors(plain) is None


def test_an_example_says_what_brackets_mean() -> None:
    rows = [["1.0000", "12340(120)", "1.20(3)e-09", "2.036(25)"]]
    assert explain_errors(rows) == (
        "brackets hold the standard errors of the last digits: 2.036(25) is 2.036 ± 0.025"
    )
    assert "digits (of 200 resamples): 2.036(25)" in str(explain_errors(rows, 200))
