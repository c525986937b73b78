"""Options that are more than a number or a name."""

from collections.abc import Callable
from pathlib import Path

import click
import pytest
from builders import one_line_error
from click.testing import Result

from gmmcli.cli.options import CovarianceChoice
from gmmcli.settings import COVARIANCE_TYPES, CovarianceType

DATA = "sample_data/old_faithful.csv"


@pytest.mark.parametrize("asked", ["0", "3:1", "1:", "a:b", "2-4", "0:3"])
def test_a_range_is_two_numbers(work: Path, run: Callable[..., Result], asked: str) -> None:
    error = one_line_error(run("fit", DATA, "-k", asked, code=2))
    assert f"{asked!r} is neither 'auto', a number above 0, nor a range such as 1:12" in error


@pytest.mark.parametrize(
    ("option", "digits"),
    [("-k", 19), ("-k", 5000), ("--snapshots", 5000), ("--seed", 5000), ("--steps", 5000)],
)
def test_more_digits_than_a_number_can_have_are_refused(
    work: Path, run: Callable[..., Result], option: str, digits: int
) -> None:
    error = one_line_error(run("fit", DATA, option, "9" * digits, code=2))
    assert f"'{option}'" in error
    assert len(error) < 1000


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ("full", ("full",)),
        ("VVV", ("full",)),
        ("vev", ("VEV",)),
        ("EEE, diag,tied", ("tied", "diag")),
        ("auto", COVARIANCE_TYPES),
    ],
)
def test_covariance_types_have_names_and_codes(
    asked: str, expected: tuple[CovarianceType, ...]
) -> None:
    assert CovarianceChoice().convert(asked, None, None) == expected


@pytest.mark.parametrize("asked", ["VXV", "full,", "EIE", "full auto"])
def test_an_unknown_covariance_type_is_refused(asked: str) -> None:
    with pytest.raises(click.UsageError, match=r"covariance type.*: name full, tied"):
        CovarianceChoice().convert(asked, None, None)


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
