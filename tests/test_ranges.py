"""Values of options: which are taken, as what, and the one line that refuses others."""

import math
from fractions import Fraction

import numpy as np
import pytest

from gmmcli.errors import OptionError
from gmmcli.ranges import RealRange, WholeRange, check_flag, check_texts, check_word, take_path
from gmmcli.settings import Choice, FitSettings, read_components, read_covariances


@pytest.mark.parametrize("value", [2, np.int64(2), np.uint8(2), np.array(2)])
def test_integers_of_any_kind_are_whole_numbers(value: object) -> None:
    found = WholeRange(1).check("components", value)
    assert (type(found), found) == (int, 2)


@pytest.mark.parametrize(
    "value", [0, 6, -1, 2.0, True, np.True_, "2", None, math.nan, [2], np.array([2]), np.ones(3)]
)
def test_what_is_no_whole_number_of_a_range_is_refused(value: object) -> None:
    with pytest.raises(OptionError, match=r"^steps is .*: give a whole number from 1 to 5$"):
        WholeRange(1, 5).check("steps", value)


@pytest.mark.parametrize("value", [1, 0.5, np.float32(0.5), np.int8(1), Fraction(1, 2)])
def test_numbers_of_any_kind_are_numbers(value: object) -> None:
    found = RealRange(0, 1).check("valley", value)
    assert type(found) is float
    assert found in (0.5, 1.0)


@pytest.mark.parametrize("value", [0, -1, 1.5, math.nan, math.inf, True, "0.5", None, 1j, [0.5]])
def test_what_is_no_number_of_a_range_is_refused(value: object) -> None:
    with pytest.raises(OptionError, match=r"^valley is .*: give a number above 0 and up to 1$"):
        RealRange(0, 1, is_open=True).check("valley", value)
    with pytest.raises(OptionError, match=r"^floor is 7: give a number from 0.1 to 0.5$"):
        RealRange(0.1, 0.5).check("floor", 7)


def test_words_flags_texts_and_paths_are_nothing_else() -> None:
    assert check_word("effort", "quick", ("quick", "normal")) == "quick"
    with pytest.raises(OptionError, match="effort is None: give quick, normal or thorough"):
        check_word("effort", None, ("quick", "normal", "thorough"))
    assert check_flag("exact", np.True_) is True
    for wrong in ("no", 1, None, np.array([True])):
        with pytest.raises(OptionError, match=r"exact is .*: give True or False"):
            check_flag("exact", wrong)
    check_texts(x=None, y="waiting")
    with pytest.raises(OptionError, match="y is 0: give text, the name of a column"):
        check_texts(x=None, y=0)
    with pytest.raises(OptionError, match="output is 3: give a path"):
        take_path("output", 3)


@pytest.mark.parametrize("value", [0, (3, 1), (1, 2, 3), (), 2.0, range(1, 4), "2:3", None, True])
def test_components_are_a_number_or_two(value: object) -> None:
    with pytest.raises(OptionError, match=r"components is .*: give 'auto', a whole number above 0"):
        read_components(value)
    assert read_components(3) == (3, 3)
    assert read_components([1, np.int64(3)]) == (1, 3)


def test_covariance_types_are_known_by_name_and_code() -> None:
    assert read_covariances(["VVV", "tied ", "eee", "VEV"]) == ("full", "tied", "VEV")
    with pytest.raises(OptionError, match="'round' is no covariance type: name full, tied"):
        read_covariances(["full", "round"])
    with pytest.raises(OptionError, match="nothing is no covariance type"):
        read_covariances([])


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"components": 0}, "components is 0"),
        ({"steps": -1}, "steps is -1"),
        ({"seed": 1.5}, "seed is 1.5"),
        ({"floor": math.nan}, "floor is nan"),
        ({"learning_rate": 2}, "learning_rate is 2"),
        ({"covariance": "round"}, "covariance is 'round'"),
        ({"optimizer": "sgd"}, "optimizer is 'sgd': give natural or adam"),
        ({"effort": "some"}, "effort is 'some'"),
    ],
)
def test_settings_are_checked(options: dict[str, object], message: str) -> None:
    with pytest.raises(OptionError, match=message):
        FitSettings(**options)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"fewest": 0}, "components is"),
        ({"fewest": 3, "most": 2}, "components is"),
        ({"covariances": ()}, "no covariance type"),
        ({"criterion": "dic"}, "criterion is 'dic'"),
        ({"background": "no"}, "background is 'no'"),
    ],
)
def test_a_choice_is_checked(options: dict[str, object], message: str) -> None:
    with pytest.raises(OptionError, match=message):
        Choice(**options)  # type: ignore[arg-type]
