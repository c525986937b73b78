"""The result of a fit in words and numbers."""

from io import StringIO
from pathlib import Path

import numpy as np
import pytest
from builders import candidate_of
from rich.console import Console
from rich.table import Table

from gmmcli.cli.summary import (
    describe_background,
    describe_rows,
    describe_search,
    describe_selection,
    describe_type,
    has_thin_components,
    name_strays,
    shorten_names,
    tabulate_components,
)
from gmmcli.core.cells.compression import compress
from gmmcli.core.mixture.background import Background
from gmmcli.core.mixture.ellipses import turn
from gmmcli.core.mixture.mixture import Mixture
from gmmcli.core.runs.components import write_components
from gmmcli.core.search.criteria import Selection
from gmmcli.core.search.outcome import Search
from gmmcli.core.search.status import Status
from gmmcli.core.tables.source import Source
from gmmcli.core.tables.table import open_table
from gmmcli.settings import CovarianceType


@pytest.mark.parametrize(
    ("content", "where", "line"),
    [
        ("1,2\n2,3\n4,4\n", None, "no header: the first line is read as a row"),
        ("star0,1.2,3.4\nstar1,2.2,3.2\n", None, "no header: the first line is read as a row"),
        (
            "x;y\n1,007;20,361\n2,125;3,500\n",
            None,
            "'1,007' in 'x' and 'y' is read as 1.007: if its comma parts thousands, take these "
            "marks out of the file",
        ),
        (
            "x;y\n1.007;2\n2.125;3\n",
            None,
            "'1.007' in 'x' is read as 1.007: if its point parts thousands, take these marks out "
            "of the file",
        ),
        (
            'x,y\n"1,007",2\n"2,125",3\n',
            None,
            "'1,007' in 'x' is read as 1007: if its comma is a decimal mark, write "
            "decimals otherwise",
        ),
        (
            f"x,y\n{2**60},1\n{2**60 + 700},2\n",
            None,
            "'x' holds whole numbers beyond 2**53, which are rounded to multiples of 256, and so "
            "is what is told of them: subtract a number of this size from the column before it is "
            "read",
        ),
        (
            "x,my y\n1,2\n2,3\n3,4\n4,-999\n",
            "x > 0",
            "-999 in 'my y' (1 row) is far outside all other values, as codes for missing ones "
            "are: if it is one, leave those fields empty, or add --where '(x > 0) and `my y` != "
            "-999'",
        ),
    ],
)
def test_what_may_be_read_otherwise_is_told(
    tmp_path: Path, content: str, where: str | None, line: str
) -> None:
    (tmp_path / "d.csv").write_text(content)
    points = open_table(Source(str(tmp_path / "d.csv"), where=where))
    assert line in describe_rows(points, compress(points), are_columns_chosen=False)


def test_nothing_is_told_of_what_is_read_in_one_way(tmp_path: Path) -> None:
    (tmp_path / "d.csv").write_text("x;y;z\n1,5;2;1,007\n1,007;3;9\n2;4;8\n")
    points = open_table(Source(str(tmp_path / "d.csv")))
    assert list(describe_rows(points, compress(points), are_columns_chosen=False)) == []


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


def print_table(table: Table) -> list[list[str]]:
    """The words of each line of a table, but for empty lines."""
    with StringIO() as text:
        Console(file=text, width=100).print(table)
        return [line.split() for line in text.getvalue().splitlines() if line.strip()]


# At 30 degrees, and so thin that its correlation says nothing of it; and one with none.
THIN = Mixture(
    np.array([0.25, 0.75]),
    np.array([[0.0, 1.0], [5.0, 5.0]]),
    np.stack(
        [turn(np.radians(30.0)) @ np.diag([100.0, 0.01]) @ turn(np.radians(-30.0)), 4 * np.eye(2)]
    ),
)


def test_axes_are_told_in_place_of_the_coordinates() -> None:
    for shows_axes, of_thin, of_plain in (
        (True, ["10", "0.1", "30.0"], ["2", "2", "any"]),
        (False, ["8.66", "5.001", "1.000"], ["2", "2", "0.000"]),
    ):
        rows = write_components(THIN, None, shows_axes=shows_axes)
        table = tabulate_components(rows, ("x", "y"), 100, shows_axes=shows_axes)
        *_, thin, plain = print_table(table)
        assert thin == ["0", "0.2500", "0", "1", *of_thin]
        assert plain == ["1", "0.7500", "5", "5", *of_plain]


def test_a_correlation_that_says_nothing_is_found() -> None:
    assert has_thin_components(THIN)
    plain = Mixture(np.ones(1), THIN.means[1:], THIN.covariances[1:])
    assert not has_thin_components(plain)


@pytest.mark.parametrize(
    ("covariance", "words"),
    [
        ("EII", "round, equal volumes"),
        ("EEI", "along the axes, equal volumes and shapes"),
        ("VEI", "along the axes, equal shapes, own volumes"),
        ("VEV", "equal shapes, own volumes and directions"),
        ("EVE", "equal volumes and directions, own shapes"),
    ],
)
def test_a_type_is_told_in_words(covariance: CovarianceType, words: str) -> None:
    assert describe_type(covariance) == f"covariance {covariance}: {words}"


def test_a_type_with_a_name_needs_no_words() -> None:
    assert [describe_type(each) for each in ("full", "tied", "diag", "spherical")] == [None] * 4


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
    assert shorten_names((long, short), 120) == ("a" * 19 + "…", short)
    assert shorten_names((long, short), 220) == (long, short)
    assert shorten_names(("a\x1b[31m", "b\nc"), 120) == (r"a\x1b[31m", r"b\nc")
