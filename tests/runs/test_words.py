"""Numbers and names as a sentence needs them."""

import pytest

from gmmcli.core.runs.words import count, list_components, name_data, round_to_scale, write_nats


@pytest.mark.parametrize(
    ("value", "scale", "text"),
    [
        (54.47945, 5.8, "54.48"),
        (-0.0626, 1.0, "-0.06"),
        (1e9 + 0.25, 1.0, "1000000000.25"),
        (5e-8, 1e-6, "5e-08"),
        (0.0, 1.0, "0"),
    ],
)
def test_values_show_a_hundredth_of_their_scale(value: float, scale: float, text: str) -> None:
    assert round_to_scale(value, scale) == text


def test_one_is_singular_and_ranges_are_of_two_numbers() -> None:
    assert count(1, "step") == "1 step"
    assert count(1234, "step") == "1,234 steps"
    assert count(9, "component", fewest=1) == "1 to 9 components"
    assert count(9, "component", fewest=9) == "9 components"
    assert list_components([3]) == "component 3"
    assert list_components([0, 2]) == "components 0, 2"


def test_a_url_is_not_shown_as_it_may_hold_a_password() -> None:
    assert name_data("postgres://user:secret@host/survey", "stars") == "stars"
    assert name_data("postgres://user:secret@host/survey", None) == "the data"
    assert name_data("stars.csv", None) == "stars.csv"


def test_a_log_likelihood_has_no_more_digits_than_a_double() -> None:
    assert write_nats(-1126.31591) == "-1126.3159"
    assert write_nats(1821461445401464.25) == "1821461445401464"
    assert write_nats(-2.5e302) == "-2.5e+302"
