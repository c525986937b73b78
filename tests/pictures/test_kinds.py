"""Which pictures there are of a run."""

import pytest
from builders import article_run

from gmmcli.errors import RunError
from gmmcli.pictures.kinds import Order, choose_kinds
from gmmcli.settings import PICTURE_KINDS


def test_kinds_are_those_that_a_run_has() -> None:
    run = article_run()  # without a choice, and its components are its groups
    assert choose_kinds(run) == ("frames", "sheet")
    rest = [kind for kind in PICTURE_KINDS if kind not in ("selection", "groups")]
    assert list(choose_kinds(run, "all")) == rest
    assert choose_kinds(run, ("elbo", "frames")) == ("elbo", "frames")
    with pytest.raises(RunError, match="no picture of kind selection: the run chose between no"):
        choose_kinds(run, ("selection",))


def test_an_order_names_its_pictures() -> None:
    order = Order([0, 12], ("frames", "sheet", "elbo"), "svg")
    assert order.name_pictures() == [
        "frames/step-0000.svg",
        "frames/step-0012.svg",
        "convergence.svg",
        "elbo.svg",
    ]
