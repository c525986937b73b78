"""Options that are more than a number or a name."""

from collections.abc import Callable
from pathlib import Path

import pytest
from builders import one_line_error
from click.testing import Result

DATA = "sample_data/old_faithful.csv"


@pytest.mark.parametrize("asked", ["0", "3:1", "1:", "a:b", "2-4", "0:3"])
def test_a_range_is_two_numbers(work: Path, run: Callable[..., Result], asked: str) -> None:
    error = one_line_error(run("fit", DATA, "-k", asked, code=2))
    assert f"{asked!r} is neither 'auto', a number above 0, nor a range such as 1:12" in error


@pytest.mark.parametrize(
    ("option", "value", "message"),
    [
        ("--floor", "2", "2.0 is not in the range 1e-07<=x<=0.5"),
        ("--floor", "nan", "nan is not a number"),
        ("--learning-rate", "1.5", "1.5 is not in the range 1e-06<=x<=1"),
        ("--learning-rate", "nan", "nan is not a number"),
        ("--learning-rate", "fast", "'fast' is not a valid float"),
    ],
)
def test_a_number_out_of_range_is_a_usage_error(
    work: Path, run: Callable[..., Result], option: str, value: str, message: str
) -> None:
    error = one_line_error(run("fit", DATA, option, value, code=2))
    assert f"'{option}': {message}" in error
