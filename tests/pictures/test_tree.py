"""The picture of the tree: joins at their valleys, in the colours of groups."""

from pathlib import Path

import numpy as np
from builders import ROOT
from matplotlib.colors import to_rgba_array
from matplotlib.figure import Figure
from matplotlib.testing.compare import compare_images

from gmmcli.core.groups.groups import Groups
from gmmcli.core.groups.tree import Tree
from gmmcli.pictures.drawing import save_figure
from gmmcli.pictures.style import apply_style, pick_colours
from gmmcli.pictures.tree import draw_joins, lay_out, make_tree_figure

TREE = Tree(
    np.arange(8.0).reshape(4, 2),
    np.log([1.0, 0.5, 0.8, 0.4]),
    np.array([0, 2, 0, 2]),
    np.array([[np.nan, np.nan], [1, 1], [2, 2], [3, 3]]),
    np.array([0.0, 0.3, 0.6, 0.97]),
)
GROUPS = Groups(TREE, 0.95, np.eye(3))
# Two components climb to mode 0, and none to mode 3.
OF_COMPONENTS = np.array([0, 1, 2, 0])


def test_parts_join_from_the_shallowest_valley_on() -> None:
    order, joins = lay_out(TREE)
    assert sorted(order) == [0, 1, 2, 3]
    assert [join.valley for join in joins] == [0.97, 0.6, 0.3]
    assert joins[0].tops == (1.0, 1.0)
    assert {order[int(end)] for end in joins[0].ends} == {2, 3}
    assert set(joins[1].tops) == {1, 0.97}


def test_joins_above_the_cut_have_the_colour_of_their_group() -> None:
    axes = Figure().add_subplot()
    lines = draw_joins(axes, GROUPS, lay_out(TREE)[1])
    colours = pick_colours(3)
    shades = to_rgba_array(lines.get_colors())
    for path, shade in zip(lines.get_paths(), shades, strict=True):
        if np.asarray(path.vertices)[:, 1].min() >= 0.95:
            assert any(np.allclose(shade[:3], colour) for colour in colours)
        else:
            assert shade[0] == shade[1] == shade[2]


def test_the_picture_names_modes_and_groups() -> None:
    figure = make_tree_figure(GROUPS, OF_COMPONENTS)
    above, below = figure.axes
    assert above.get_title() == "3 components, 4 modes, 3 groups"
    order, _ = lay_out(TREE)
    rows = ["mode", "group", "components"]
    for mode in order:
        climbing = np.flatnonzero(mode == OF_COMPONENTS)
        rows += [f"m{mode}", str(TREE.cut(0.95)[mode]), *map(str, climbing)]
    assert [text.get_text() for text in below.texts] == rows


def test_the_picture_looks_as_it_did(tmp_path: Path) -> None:
    with apply_style():
        save_figure(make_tree_figure(GROUPS, OF_COMPONENTS), tmp_path / "groups.png", "png")
    baseline = ROOT / "tests" / "baseline" / "groups.png"
    # Where a change is meant, look at the new picture and copy it over the baseline.
    assert compare_images(str(baseline), str(tmp_path / "groups.png"), tol=4) is None
