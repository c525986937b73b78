"""What a request of `gmm fit` asks for."""

from dataclasses import fields, replace

import click
import pytest
from click import Context

from gmmcli.cli.fit import fit
from gmmcli.cli.request import Request, make_choice, make_settings
from gmmcli.cli.starts import Given
from gmmcli.core.mixture.sampling import ARTICLE
from gmmcli.settings import COVARIANCE_TYPES, LEARNING_RATES, Choice, FitSettings


def parse(*arguments: str) -> Request:
    """What a command line asks for."""
    context: Context = fit.make_context("fit", ["points.csv", *arguments])
    return Request(**context.params)


def test_a_request_is_what_the_command_parses() -> None:
    options = {option.name for option in fit.params}
    assert {field.name for field in fields(Request)} == {*options, "resumed"}  # from `resume`


def test_nothing_asked_is_what_the_settings_say() -> None:
    request = parse()
    choice = make_choice(request, None)
    assert choice == Choice()
    assert make_settings(request, choice) == FitSettings(components=choice.most)


@pytest.mark.parametrize(
    ("arguments", "choice"),
    [
        (("-k", "auto"), Choice()),
        (("-k", "3"), Choice(3, 3, goes_on=False, background="off")),
        (("-k", "3", "--background", "auto"), Choice(3, 3, goes_on=False)),
        (("-k", "2:7"), Choice(2, 7, goes_on=False)),
        (("--background", "on"), Choice(background="on")),
        (("-k", "2:7", "--background", "off"), Choice(2, 7, goes_on=False, background="off")),
        (("--covariance", "auto"), Choice(covariances=COVARIANCE_TYPES)),
        (("--criterion", "icl", "--covariance", "diag"), Choice(1, 9, True, ("diag",), "icl")),
    ],
)
def test_what_there_is_to_choose_from(arguments: tuple[str, ...], choice: Choice) -> None:
    assert make_choice(parse(*arguments), None) == choice


def test_a_start_has_a_number_of_components() -> None:
    request = parse("--init", "start.json")
    given = Given(ARTICLE, "--init")
    assert make_choice(request, given) == Choice(2, 2, goes_on=False, background="off")
    assert make_choice(replace(request, components=(2, 2)), given).most == 2
    with pytest.raises(click.UsageError, match="-k asks for other than the 2 of --init"):
        make_choice(replace(request, components="auto"), given)
    with pytest.raises(click.UsageError, match="--covariance with several types searches"):
        make_choice(replace(request, covariances=COVARIANCE_TYPES), given)


def test_a_start_says_itself_whether_there_is_a_background() -> None:
    for background in ("auto", "on"):
        with pytest.raises(click.UsageError, match="leave out --background"):
            make_choice(
                parse("--init", "start.json", "--background", background), Given(ARTICLE, "--init")
            )


def test_each_optimizer_has_its_rate_unless_one_is_asked_for() -> None:
    for optimizer, rate in LEARNING_RATES.items():
        request = parse("--optimizer", optimizer)
        assert make_settings(request, Choice()).learning_rate == rate
    request = parse("--optimizer", "adam", "--learning-rate", "0.3")
    assert make_settings(request, Choice()).learning_rate == 0.3
