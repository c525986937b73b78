"""The result of a fit in words and numbers."""

import pytest
from builders import candidate_of

from gmmcli.cli.summary import describe_search, describe_selection, shorten_names
from gmmcli.core.search.criteria import Selection
from gmmcli.core.search.outcome import Search
from gmmcli.core.search.status import Status


@pytest.mark.parametrize(
    ("search", "line"),
    [
        (Search(1, 1, 0, 0), "search: 1 round of moves, 1 improved the fit"),
        (
            Search(3, 0, 2, 2),
            "search: 3 rounds of moves, none improved the fit; 2 of 2 other starts reached the "
            "same optimum",
        ),
        (
            Search(9, 2, 6, 0),
            "search: 9 rounds of moves, 2 improved the fit; none of 6 other starts reached the "
            "same optimum",
        ),
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
        f"{chosen}; next best: 3 components (full), at most 3.50 higher"
    )


def test_names_are_cut_where_the_table_would_be_too_wide() -> None:
    assert shorten_names(("x", "y"), 40) == ("x", "y")
    long, short = "a" * 50, "y"
    assert shorten_names((long, short), 120) == ("a" * 17 + "…", short)
    assert shorten_names((long, short), 220) == (long, short)
