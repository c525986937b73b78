"""The result of a fit in words and numbers."""

import numpy as np
import pytest
from builders import candidate_of

from gmmcli.cli.summary import (
    describe_background,
    describe_search,
    describe_selection,
    name_strays,
    shorten_names,
)
from gmmcli.core.mixture.background import Background
from gmmcli.core.search.criteria import Selection
from gmmcli.core.search.outcome import Search
from gmmcli.core.search.status import Status


@pytest.mark.parametrize(
    ("search", "line"),
    [
        (Search(1, 1), "search: 1 of 1 pass came to this optimum on its own"),
        (Search(3, 3), "search: 3 of 3 passes came to this optimum on their own"),
        (Search(9, 0), "search: none of 9 passes came to this optimum on their own"),
    ],
)
def test_what_a_search_tried(search: Search, line: str) -> None:
    assert describe_search(search) == line


def test_what_comes_next_and_whether_that_is_preliminary() -> None:
    winner, third = candidate_of(2, 10.0), candidate_of(1, 20.0)
    chosen = "chosen by BIC: 2 components (full), of 3 candidates with 1 to 3 components"
    final = Selection((third, winner, candidate_of(3, 13.5)), "bic", 1)
    assert describe_selection(final) == f"{chosen}; next best: 3 components (full), 3.50 higher"
    unfinished = Selection((third, winner, candidate_of(3, 13.5, Status.PRELIMINARY)), "bic", 1)
    assert describe_selection(unfinished) == (
        f"{chosen}; next best: 3 components (full), about 3.50 higher"
    )


def test_a_background_is_told_with_its_points_and_its_box() -> None:
    background = Background.over(np.array([[1.6000001, 5.1], [43, 96]]), 0.0244)
    columns = ("eruptions", "waiting")
    box = "over eruptions 1.60 to 5.10 and waiting 43.0 to 96.0"
    assert describe_background(background, columns, 272.0) == (
        f"background: weight 0.0244, about 7 of 272 points, {box}"
    )
    assert describe_background(background, columns, None) == f"background: weight 0.0244, {box}"


def test_rows_of_the_background_are_named_up_to_ten() -> None:
    assert name_strays([161]) == (
        "in the background: row 161 (strays, or the tails of a component)"
    )
    assert name_strays([1200, 7]).startswith("in the background: rows 1,200, 7 (strays")
    assert name_strays([*range(1, 13)]).startswith(
        "in the background: rows 1, 2, 3, 4, 5, 6, 7, 8, 9, 10 and 2 more (strays"
    )


def test_names_are_cut_where_the_table_would_be_too_wide() -> None:
    assert shorten_names(("x", "y"), 40) == ("x", "y")
    long, short = "a" * 50, "y"
    assert shorten_names((long, short), 120) == ("a" * 17 + "…", short)
    assert shorten_names((long, short), 220) == (long, short)
