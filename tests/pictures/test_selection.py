"""The picture of a choice between fits."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from builders import ROOT
from matplotlib.axes import Axes
from matplotlib.colors import same_color, to_hex
from matplotlib.patches import Rectangle
from matplotlib.testing.compare import compare_images

from gmmcli.core.search.criteria import Candidate, Criteria, Selection
from gmmcli.core.search.status import Status
from gmmcli.pictures.drawing import save_figure
from gmmcli.pictures.selection import (
    compare_criteria,
    describe_selection,
    make_selection_figure,
    sum_shares,
)
from gmmcli.pictures.style import apply_style
from gmmcli.settings import COVARIANCE_TYPES, CovarianceType


def candidate(
    components: int,
    bic: float,
    covariance: CovarianceType = "full",
    status: Status = Status.CONVERGED,
) -> Candidate:
    criteria = Criteria(bic, bic - 10 * components, bic + 1)
    return Candidate(components, covariance, 0.0, 1, criteria, status)


# Of 36 candidates, 3 components with tied covariances are the best; those far behind were not
# climbed.
CURVES: list[tuple[CovarianceType, float, float]] = [
    ("full", 9.0, 6.0),
    ("tied", 4.0, 0.0),
    ("diag", 70.0, 15.0),
    ("spherical", 1.0, 900.0),
]
CLIMBED = 60.0
MANY = [
    candidate(
        k,
        2314 + scale * (k - 3) ** 2 + offset,
        covariance,
        Status.CONVERGED if scale * (k - 3) ** 2 + offset < CLIMBED else Status.PRELIMINARY,
    )
    for covariance, scale, offset in CURVES
    for k in range(1, 10)
]
CHOSEN = 11


def drawn(axes: Axes) -> set[tuple[float, float]]:
    """The points of all lines, but for the star."""
    lines = [line for line in axes.get_lines() if line.get_marker() != "*"]
    return {(float(x), float(y)) for line in lines for x, y in np.asarray(line.get_xydata())}


def test_every_candidate_is_drawn_above_the_chosen_one_and_inside_the_view() -> None:
    with apply_style():
        axes = make_selection_figure(Selection(tuple(MANY), "bic", CHOSEN)).axes[0]
    expected = {(each.components, each.criteria.bic - 2314) for each in MANY}
    assert drawn(axes) == expected
    low, high = axes.get_ylim()
    assert all(low < y < high for _, y in expected)
    star = next(line for line in axes.get_lines() if line.get_marker() == "*")
    assert np.asarray(star.get_xydata()).tolist() == [[3, 0]]
    assert [text.get_text() for text in axes.texts] == ["3, tied"]


def test_the_order_of_candidates_changes_nothing() -> None:
    order = np.random.default_rng(0).permutation(len(MANY))
    chosen = int(np.flatnonzero(order == CHOSEN)[0])
    with apply_style():
        one = make_selection_figure(Selection(tuple(MANY), "icl", CHOSEN)).axes[0]
        shuffled = Selection(tuple(MANY[place] for place in order), "icl", chosen)
        other = make_selection_figure(shuffled).axes[0]
    for line, same in zip(one.get_lines(), other.get_lines(), strict=True):
        np.testing.assert_array_equal(line.get_xydata(), same.get_xydata())


def test_preliminary_candidates_are_hollow_and_the_lines_go_on_through_them() -> None:
    with apply_style():
        axes = make_selection_figure(Selection(tuple(MANY), "bic", CHOSEN)).axes[0]
    lines = axes.get_lines()
    hollow = [line for line in lines if same_color(line.get_markerfacecolor(), "white")]
    points = {(float(x), float(y)) for line in hollow for x, y in np.asarray(line.get_xydata())}
    assert points == {
        (each.components, each.criteria.bic - 2314)
        for each in MANY
        if each.status is Status.PRELIMINARY
    }
    assert all(line.get_linestyle() == "None" for line in hollow)
    joined = [line for line in lines if line.get_linestyle() != "None"]
    assert [len(np.asarray(line.get_xydata())) for line in joined] == [9, 9, 9, 9]


def test_every_type_has_a_look_of_its_own() -> None:
    looks = set()
    for first in range(0, len(COVARIANCE_TYPES), 5):
        some = COVARIANCE_TYPES[first : first + 5]
        every = tuple(candidate(2, 10.0 + n, each) for n, each in enumerate(some))
        with apply_style():
            figure = make_selection_figure(Selection(every, "bic", 0))
        for line in figure.legends[0].get_lines():
            look = str(line.get_marker()), to_hex(line.get_color()), line.get_linestyle()
            looks.add(look)
    assert len(looks) == len(COVARIANCE_TYPES)


def test_of_many_types_the_best_have_a_look_and_the_rest_is_grey() -> None:
    every = tuple(
        candidate(k, 10.0 + (5 * n) % 14 + k, each)
        for n, each in enumerate(COVARIANCE_TYPES)
        for k in (1, 2)
    )
    with apply_style():
        figure = make_selection_figure(Selection(every, "bic", 0))
        figure.draw_without_rendering()
    labels = [text.get_text() for text in figure.legends[0].get_texts()]
    best = [each for n, each in enumerate(COVARIANCE_TYPES) if (5 * n) % 14 < 5]
    assert labels == [*best, "9 others"]
    assert drawn(figure.axes[0]) == {
        (each.components, each.criteria.bic - every[0].criteria.bic) for each in every
    }
    bounds = figure.legends[0].get_window_extent()
    assert 0 <= bounds.y0 < bounds.y1 <= figure.bbox.height


def test_a_surcharge_is_drawn_on_top_of_the_criterion() -> None:
    thin = replace(candidate(4, 2300.0), surcharge=20.0)
    selection = Selection((candidate(3, 2314.0), thin), "bic", 0)
    np.testing.assert_array_equal(compare_criteria(selection), [0, 6])
    assert selection.runner_up is thin
    assert selection.lead == 6


def test_the_picture_says_which_way_is_better_and_what_hollow_means() -> None:
    with apply_style():
        figure = make_selection_figure(Selection(tuple(MANY), "bic", CHOSEN))
    axes = figure.axes[0]
    assert axes.get_ylabel() == "BIC above the chosen (lower is better)"
    assert axes.get_title(loc="left") == "chosen: 3, tied, BIC 2,314.00"
    assert figure.texts[0].get_text().splitlines() == [
        "hollow: preliminary (too far behind to be climbed); axis: linear up to 10, "
        "logarithmic beyond; dashed: types",
        "of equal volumes",
    ]
    labels = [text.get_text() for text in figure.legends[0].get_texts()]
    assert labels == ["full", "tied", "diag", "spherical"]


@pytest.mark.parametrize("largest", [1e-3, 20.0, 1e5, 1e9])
@pytest.mark.parametrize("chosen_bic", [-1e9, 0.0, 1.5e9])
def test_the_axis_needs_no_offset(largest: float, chosen_bic: float) -> None:
    candidates = candidate(1, chosen_bic + largest), candidate(2, chosen_bic)
    with apply_style():
        figure = make_selection_figure(Selection(candidates, "bic", 1))
        figure.draw_without_rendering()
    axes = figure.axes[0]
    assert axes.yaxis.get_offset_text().get_text() == ""
    shown = [label.get_text().replace(",", "") for label in axes.get_yticklabels()]
    values = [float(text.replace("\N{MINUS SIGN}", "-")) for text in shown]
    np.testing.assert_allclose(values, axes.get_yticks(), rtol=1e-9, atol=1e-9)
    assert len({*shown}) == len(shown) >= 3


def test_a_criterion_that_is_not_finite_is_left_out() -> None:
    candidates = candidate(1, 5.0), candidate(2, np.inf, status=Status.PRELIMINARY)
    selection = Selection(candidates, "bic", 0)
    above = compare_criteria(selection)
    np.testing.assert_array_equal(above, [0, np.nan])
    with apply_style():
        make_selection_figure(selection).draw_without_rendering()


def test_a_long_note_is_wrapped() -> None:
    candidates = candidate(1, 5.0), candidate(2, 99.0, status=Status.PRELIMINARY)
    selection = Selection(candidates, "bic", 0)
    note = describe_selection(selection, compare_criteria(selection), width=60)
    assert note.replace("\n", " ") == (
        "hollow: preliminary (too far behind to be climbed); axis: "
        "linear up to 10, logarithmic beyond"
    )
    assert note.count("\n") == 1
    assert max(len(line) for line in note.splitlines()) <= 60


def test_a_choice_of_candidates_that_all_climbed_has_no_note() -> None:
    selection = Selection((candidate(1, 5.0), candidate(2, 9.0)), "bic", 0)
    assert describe_selection(selection, compare_criteria(selection)) == ""


def test_the_picture_of_a_choice_looks_as_it_did(tmp_path: Path) -> None:
    with apply_style():
        figure = make_selection_figure(Selection(tuple(MANY), "bic", CHOSEN))
        save_figure(figure, tmp_path / "selection.png", "png")
    baseline = ROOT / "tests" / "baseline" / "selection.png"
    # Where a change is meant, look at the new picture and copy it over the baseline.
    assert compare_images(str(baseline), str(tmp_path / "selection.png"), tol=4) is None


def test_shares_of_resamples_are_bars_below_in_the_colours_of_their_types() -> None:
    shares = {(2, "full"): 0.25, (3, "tied"): 0.5, (3, "full"): 0.249, (4, "tied"): 0.001}
    every = tuple(
        replace(candidate(k, 10.0 + k, covariance), share=shares.get((k, covariance)))
        for covariance in ("full", "tied")
        for k in (1, 2, 3, 4)
    )
    selection = Selection(every, "bic", 0)
    found = sum_shares(every)
    assert found == {"full": {2: 0.25, 3: 0.249}, "tied": {3: 0.5, 4: 0.001}}
    with apply_style():
        figure = make_selection_figure(selection)
        figure.draw_without_rendering()
    above, below = figure.axes
    assert above.get_xlim() == below.get_xlim()
    bars = {
        (round(bar.get_x() + bar.get_width() / 2), to_hex(bar.get_facecolor())): round(
            bar.get_height(), 9
        )
        for bar in below.patches
        if isinstance(bar, Rectangle)
    }
    lines = figure.legends[0].get_lines()
    colours = {str(line.get_label()): to_hex(line.get_color()) for line in lines}
    assert bars == {(k, colours[type_]): share for (k, type_), share in shares.items()}
    assert [text.get_text() for text in below.texts] == ["25 %", "75 %", "<1 %"]


def test_without_resamples_there_is_one_panel() -> None:
    with apply_style():
        figure = make_selection_figure(Selection(tuple(MANY), "bic", CHOSEN))
    assert len(figure.axes) == 1
