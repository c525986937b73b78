"""The borders between groups, as territories: whoever is in one climbs to its group.

A climb takes a loop for every point, and which component a point belongs to is a formula that says
its group already, but near borders. So the plane is halved, for the points of each component, until
the border between two groups is nearly straight in a box, and then cut along it.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from gmmcli.core.cells.cells import sum_groups
from gmmcli.core.groups.terrain import Terrain, revisit
from gmmcli.core.groups.tree import Tree
from gmmcli.core.mixture.covariances import FloatArray
from gmmcli.core.mixture.densities import log_sum_exp
from gmmcli.core.mixture.gaussians import IntArray, Mask
from gmmcli.core.mixture.mixture import Mixture
from gmmcli.core.mixture.territories import Cut, Territories, Territory

# Nine places of a box as shares of its sides; what share of it each stands for; which of them are
# neighbours. A fixed pattern: what is traded stands in `cut_plane`.
PLACES = np.array([(x / 2, y / 2) for x in range(3) for y in range(3)])
PARTS = np.outer([1, 2, 1], [1, 2, 1]).ravel() / 16
ADJACENT = np.argwhere(np.triu(np.abs(PLACES[:, None] - PLACES).sum(axis=2) == 1 / 2)).T


class Boxes(NamedTuple):
    """B boxes along the axes of whitened units, with what is known of nine places in each.

    Attributes:
        owners: the component whose points each is for, shape (B,).
        lows: their lower corners, shape (B, 2).
        sizes: shape (B, 2).
        places: three by three from corner to corner, shape (B, 9, 2).
        groups: that of each place, shape (B, 9).
        masses: what each place stands for, as a share of all points: 0 where none of these belong
            to the owner; shape (B, 9).
    """

    owners: IntArray
    lows: FloatArray
    sizes: FloatArray
    places: FloatArray
    groups: IntArray
    masses: FloatArray


class Border(NamedTuple):
    """P places of borders between groups, each between two neighbouring places of a box.

    Attributes:
        boxes: the number of the box, shape (P,).
        places: shape (P, 2).
        masses: what is beyond the border, seen from the group with most of the box, and belongs to
            its owner, as a share of all points, shape (P,).
        densities: of the components, shape (P,).
    """

    boxes: IntArray
    places: FloatArray
    masses: FloatArray
    densities: FloatArray


class Lines(NamedTuple):
    """A line in each of B boxes, and how well it divides groups there.

    Attributes:
        normals: shape (B, 2).
        offsets: shape (B,).
        sides: the groups below and above, shape (B, 2); the same where there is but one.
        errors: the mass on a wrong side, as a share of all points, shape (B,).
    """

    normals: FloatArray
    offsets: FloatArray
    sides: IntArray
    errors: FloatArray


def draw_territories(mixture: Mixture, tree: Tree, valley: float) -> Territories:
    """The territories of the groups of a mixture, in data units.

    Args:
        mixture: in data units.
        tree: of its modes.
        valley: how high a saddle is, as a share of the lower mode, that divides no more.
    """
    terrain, groups = revisit(mixture, tree), tree.cut(valley)
    parts: list[Territory] = [0] * mixture.n_components
    if groups.max() > 0:
        found = zip(np.flatnonzero(mixture.weights > 0), cut_plane(terrain, groups), strict=True)
        for component, part in found:  # nothing belongs to those of no weight
            parts[component] = part
    return Territories(terrain.whitening, tuple(parts))


def cut_plane(
    terrain: Terrain,
    groups: IntArray,
    *,
    most_error: float = 2e-6,
    widest: float = 1.0,
    most_halvings: int = 60,
) -> list[Territory]:
    """The plane cut into the territories of the groups of a terrain, for each of K components.

    Args:
        terrain: with K components and M modes.
        groups: that of each mode, shape (M,).
        most_error: the mass that may be on the wrong side of a line, as a share of all points:
            more cuts against rows in the wrong group (benchmarks/groups.py).
        widest: how wide a box may be that is not halved, see `_measure_widths`.
        most_halvings: of a box; where more were needed, lines are what they are.
    """
    owners, (lows, sizes) = np.arange(terrain.gaussians.number), _find_frames(terrain, most_error)
    levels: list[tuple[FloatArray, FloatArray, IntArray]] = []
    n_before = 0
    for halving in range(most_halvings):
        boxes = _look_into(terrain, groups, owners, lows, sizes)
        lines = _fit_lines(terrain, groups, boxes, most_error)
        widths = _measure_widths(terrain, boxes)
        is_done = (lines.errors <= most_error) & (widths.max(axis=1) <= widest)
        is_done |= halving == most_halvings - 1
        n_before += len(lows)
        axis = widths.argmax(axis=1)
        middles = (lows + sizes / 2)[np.arange(len(lows)), axis]
        halves = n_before + 2 * (np.cumsum(~is_done) - 1)
        normals = np.where(is_done[:, None], lines.normals, np.eye(2)[axis])
        offsets = np.where(is_done, lines.offsets, middles)
        sides = np.stack([halves, halves + 1], axis=1)
        levels.append((normals, offsets, np.where(is_done[:, None], -1 - lines.sides, sides)))
        if is_done.all():
            break
        owners = np.repeat(owners[~is_done], 2)
        lows, sizes = _halve(lows[~is_done], sizes[~is_done], axis[~is_done])
    cuts = _assemble(*(np.concatenate(values) for values in zip(*levels, strict=True)))
    return cuts[: terrain.gaussians.number]


def _find_frames(terrain: Terrain, most_error: float) -> tuple[FloatArray, FloatArray]:
    """Boxes about components with no more of each beyond a side: low corners, sizes; (K, 2).

    Of a Gaussian with a weight w, less than w exp(-d² / 2) is beyond d standard deviations on one
    side.
    """
    shares = np.maximum(terrain.gaussians.weights / most_error, np.e)
    reach = np.sqrt(2 * np.log(shares))[:, None] * _measure_deviations(terrain)
    return terrain.gaussians.means - reach, 2 * reach


def _measure_deviations(terrain: Terrain) -> FloatArray:
    """The standard deviations of the components on either axis, shape (K, 2)."""
    return np.sqrt(np.diagonal(terrain.gaussians.covariances, axis1=1, axis2=2))


def _look_into(
    terrain: Terrain, groups: IntArray, owners: IntArray, lows: FloatArray, sizes: FloatArray
) -> Boxes:
    """What is in some boxes."""
    places = lows[:, None] + PLACES * sizes[:, None]  # (B, 9, 2)
    flat = places.reshape(-1, 2)
    reached = groups[terrain.climb_whitened(flat)].reshape(-1, 9)
    joint = terrain.landscape.measure_joint(flat)
    highest = joint.max(axis=0).reshape(-1, 9)
    behind = highest - joint[np.repeat(owners, 9), np.arange(len(flat))].reshape(-1, 9)
    # What a place stands for goes a quarter of a box to each side, and so may the owner's points.
    may_be_own = behind <= np.ptp(behind, axis=1)[:, None] / 4
    densities = np.exp(log_sum_exp(joint, axis=0)).reshape(-1, 9) * may_be_own
    masses = densities * PARTS * sizes.prod(axis=1)[:, None]
    return Boxes(owners, lows, sizes, places, reached, masses)


def _measure_widths(terrain: Terrain, boxes: Boxes, *, n_deviations: float = 2.0) -> FloatArray:
    """How wide boxes are on either axis, in the standard deviations of what is narrowest there.

    That is the owner, or a component that reaches into the box. Shape (B, 2).

    Args:
        terrain: with K components.
        boxes: B of them.
        n_deviations: how far a component reaches, in its standard deviations.
    """
    deviations, means = _measure_deviations(terrain), terrain.gaussians.means
    middles = boxes.lows + boxes.sizes / 2
    apart = np.abs(middles[:, None] - means) - boxes.sizes[:, None] / 2  # (B, K, 2)
    counts = np.all(apart <= n_deviations * deviations, axis=2)  # (B, K)
    counts[np.arange(len(middles)), boxes.owners] = True
    return np.asarray(boxes.sizes / np.where(counts[..., None], deviations, np.inf).min(axis=1))


def _fit_lines(terrain: Terrain, groups: IntArray, boxes: Boxes, most_error: float) -> Lines:
    """A line in each box, or none where one group is nearly all that its owner has there."""
    n_boxes = len(boxes.lows)
    held = np.zeros((n_boxes, int(groups.max()) + 1))
    np.add.at(held, (np.arange(n_boxes)[:, None], boxes.groups), boxes.masses)
    own = groups[terrain.of_components][boxes.owners]  # where little is at stake, cuts go away
    is_own = held.sum(axis=1) - held[np.arange(n_boxes), own] <= most_error
    most = np.where(is_own, own, held.argmax(axis=1))
    border = _find_border(terrain, groups, boxes, most)
    beyond = np.bincount(border.boxes, border.masses, n_boxes)
    lines = Lines(
        np.tile([1.0, 0.0], (n_boxes, 1)),
        np.zeros(n_boxes),
        np.stack([most, most], axis=1),
        np.maximum(held.sum(axis=1) - held[np.arange(n_boxes), most], beyond),
    )
    first, last = boxes.groups.min(axis=1), boxes.groups.max(axis=1)
    are_two = ((boxes.groups == first[:, None]) | (boxes.groups == last[:, None])).all(axis=1)
    found = _divide(boxes, border, first, last)
    is_better = are_two & (first < last) & (found.errors < lines.errors)
    is_better &= lines.errors > most_error
    for values, new in zip(lines, found, strict=True):
        values[is_better] = new[is_better]
    return lines


def _divide(boxes: Boxes, border: Border, first: IntArray, last: IntArray) -> Lines:
    """The line between two groups of each box that is nearest to their border."""
    n_boxes, box = len(boxes.lows), border.boxes
    n_places = np.bincount(box, minlength=n_boxes)
    counts = np.maximum(n_places, 1)
    middles = sum_groups(box, border.places, n_boxes) / counts[:, None]
    away = border.places - middles[box]
    products = (away[:, :, None] * away[:, None, :]).reshape(-1, 4)
    seconds = sum_groups(box, products, n_boxes).reshape(-1, 2, 2)
    normals = np.linalg.eigh(seconds)[1][:, :, 0]
    offsets = (normals * middles).sum(axis=1)
    astray = np.bincount(box, np.abs((away * normals[box]).sum(axis=1)), n_boxes) / counts
    density = np.bincount(box, border.densities, n_boxes) / counts
    bent = astray * density * np.linalg.norm(boxes.sizes, axis=1)
    is_above = (boxes.places * normals[:, None]).sum(axis=2) > offsets[:, None]
    agrees = (boxes.groups == last[:, None]) == is_above
    is_turned = agrees @ PARTS < 1 / 2
    wrong = (boxes.masses * (agrees == is_turned[:, None])).sum(axis=1)
    sides = np.where(is_turned, np.stack([last, first]), np.stack([first, last]))
    errors = np.where(n_places > 1, np.maximum(bent, wrong), np.inf)
    return Lines(normals, offsets, sides.T, errors)


def _find_border(terrain: Terrain, groups: IntArray, boxes: Boxes, most: IntArray) -> Border:
    """The places of borders between neighbours of which one at least belongs to the owner.

    Args:
        terrain: with M modes.
        groups: that of each mode, shape (M,).
        boxes: B of them.
        most: the group with most of each, shape (B,).
    """
    is_own = boxes.masses > 0
    one, other = ADJACENT
    differ = boxes.groups[:, one] != boxes.groups[:, other]
    box, pair = np.nonzero(differ & (is_own[:, one] | is_own[:, other]))
    is_first = boxes.groups[box, one[pair]] == most[box]
    near = np.where(is_first, one[pair], other[pair])
    far = np.where(is_first, other[pair], one[pair])
    begin, end = boxes.places[box, near], boxes.places[box, far]
    own, owners = boxes.groups[box, near], boxes.owners[box]
    places = _narrow(begin, end, lambda p: groups[terrain.climb_whitened(p)] == own)
    measure = terrain.landscape.measure_joint
    end = _narrow(places, end, lambda p: measure(p).argmax(axis=0) == owners)
    along = np.abs(end - places)  # 0 on the other axis, on which neighbours are half a box apart
    areas = (along * boxes.sizes[box, ::-1]).sum(axis=1) / 2
    densities = np.exp(terrain.landscape.measure(places))
    return Border(box, places, densities * areas, densities)


def _narrow(
    begin: FloatArray,
    end: FloatArray,
    is_before: Callable[[FloatArray], Mask],
    *,
    n_halvings: int = 8,
) -> FloatArray:
    """Where on straight ways something ends, shape (P, 2).

    Args:
        begin: of each way, where it holds, shape (P, 2).
        end: of each, shape (P, 2).
        is_before: whether it holds at a place of each way.
        n_halvings: of what is left of a way.
    """
    for _ in range(n_halvings):
        middle = (begin + end) / 2
        holds = is_before(middle)[:, None]
        begin, end = np.where(holds, middle, begin), np.where(holds, end, middle)
    return (begin + end) / 2


def _halve(lows: FloatArray, sizes: FloatArray, axis: IntArray) -> tuple[FloatArray, FloatArray]:
    """The lower corners and the sizes of the halves of boxes, each cut across one axis."""
    is_cut = np.arange(2) == axis[:, None]
    halves = np.where(is_cut, sizes / 2, sizes)
    corners = np.stack([lows, lows + np.where(is_cut, halves, 0)], axis=1)
    return corners.reshape(-1, 2), np.repeat(halves, 2, axis=0)


def _assemble(normals: FloatArray, offsets: FloatArray, sides: IntArray) -> list[Territory]:
    """The territory of each of L lines, whose sides are other lines, or -1 - a group.

    Args:
        normals: shape (L, 2).
        offsets: shape (L,).
        sides: below and above, shape (L, 2).
    """
    built: list[Territory] = [0] * len(offsets)
    for line in reversed(range(len(offsets))):
        below, above = (-1 - s if s < 0 else built[s] for s in sides[line].tolist())
        is_one = isinstance(below, int) and below == above
        x, y = normals[line].tolist()
        built[line] = below if is_one else Cut((x, y), float(offsets[line]), below, above)
    return built
