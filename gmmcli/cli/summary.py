"""The result of a fit in words and numbers, as lines to print; `cautions` has what to doubt."""

import math
import shlex
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from rich import box
from rich.table import Table
from rich.text import Text

from gmmcli.cli.words import count, name_candidate, round_to_scale, write_nats
from gmmcli.core.search.status import Status
from gmmcli.settings import COVARIANCE_CODES, CovarianceType

# Of what the letters of a covariance type speak.
NOUNS = ("volumes", "shapes", "directions")

if TYPE_CHECKING:
    from gmmcli.core.cells.compression import Compression
    from gmmcli.core.groups.groups import Groups
    from gmmcli.core.mixture.background import Background
    from gmmcli.core.mixture.mixture import Mixture
    from gmmcli.core.mixture.units import Nats
    from gmmcli.core.runs.result import Fit
    from gmmcli.core.search.criteria import Selection
    from gmmcli.core.search.outcome import Search
    from gmmcli.core.tables.table import Table as Points


def describe_rows(
    points: "Points", compression: "Compression", *, are_columns_chosen: bool
) -> Iterator[str]:
    """Lines on how a table was read: its header, columns chosen for the user, rows left out."""
    if not points.has_header:
        yield "no header: the first line is read as a row"
    if are_columns_chosen:
        x, y = points.columns
        yield f"coordinates: {x!r} and {y!r} (choose others with -x and -y)"
    if points.where is not None:
        selected, rows = points.count_selected()
        yield f"{points.where}: {selected:,} of {rows:,} rows"
    if compression.n_skipped:
        skipped, rows = compression.n_skipped, compression.n_rows
        yield f"skipped {skipped:,} of {rows:,} rows: a coordinate is empty or not finite"
    if (doubt := points.doubt) is not None:
        yield describe_doubt(*doubt)
    yield from describe_large(points, compression)
    for code in compression.codes:
        n = f"{code.count:,.10g} of the weight" if points.weight else count(int(code.count), "row")
        name, value = points.columns[code.axis], f"{code.value:.10g}"
        others = f"({points.where}) and " if points.where else ""
        condition = shlex.quote(f"{others}{points.write_name(name)} != {value}")
        yield (
            f"{value} in {name!r} ({n}) is far outside all other values, as codes for missing ones "
            f"are: if it is one, leave those fields empty, or add --where {condition}"
        )


def describe_doubt(columns: Sequence[str], text: str, value: float) -> str:
    """How numbers are read whose mark may be decimal, or part thousands.

    Args:
        columns: that hold such numbers.
        text: one of them.
        value: as which it is read.
    """
    names, mark = " and ".join(map(repr, columns)), "comma" if "," in text else "point"
    remedy = f"if its {mark} parts thousands, take these marks out of the file"
    if value.is_integer():
        remedy = f"if its {mark} is a decimal mark, write decimals otherwise"
    return f"{text!r} in {names} is read as {value:.10g}: {remedy}"


def describe_large(
    points: "Points", compression: "Compression", *, largest: float = 2.0**53
) -> Iterator[str]:
    """Lines on coordinates that double precision rounds.

    Args:
        points: the rows.
        compression: of them.
        largest: beyond which doubles leave out whole numbers.
    """
    sizes = abs(compression.cells.means).max(axis=0)
    for name, size in zip(points.columns, sizes.tolist(), strict=True):
        if size > largest and points.is_whole(name):
            yield (
                f"{name!r} holds whole numbers beyond 2**53, which are rounded to multiples of "
                f"{math.ulp(size):,.0f}, and so is what is told of them: subtract a number of this "
                "size from the column before it is read"
            )


def describe_end(fit: "Fit") -> str:
    """How a fit ended, after how long, and what to do where it did not converge."""
    steps, remedy = count(fit.history.last_step, "step"), fit.status.remedy
    end = f"{fit.status.value} after {steps}, {fit.seconds:.2f} s"
    return f"{end} ({remedy})" if remedy else end


def describe_figures(
    fit: "Fit", exact_log_likelihood: "Nats | None", *, is_weighted: bool
) -> Iterator[str]:
    """Lines with the log-likelihood of a fit, its criteria, and what cells cost."""
    n_points, figures = fit.cells.n_points, fit.criteria
    per_point = f"{fit.elbo / n_points:.6f} for each of {n_points:,.0f} points"
    point, better = "point", "lower is better"
    if is_weighted:
        per_point = f"{fit.elbo / n_points:.6f} per unit of weight, of {n_points:,.10g}"
        point = "unit of weight"
    if fit.n_effective != n_points:
        rows, points = ("weights", "") if is_weighted else ("rows", " points")
        better = f"{better}; the {rows} are worth {fit.n_effective:,.4g}{points}"
    elif is_weighted:
        better = f"{better}; N is the total weight"
    yield f"log-likelihood {write_nats(fit.elbo)} nats, {per_point}"
    yield f"BIC {figures.bic:.2f}   AIC {figures.aic:.2f}   ICL {figures.icl:.2f}   ({better})"
    if fit.cost.gap:
        yield (
            f"from {fit.cells.n_cells:,} cells, as a lower bound: the log-likelihood is about "
            f"{fit.cost.gap:.6f} nats per {point} higher"
        )
        if (shift := fit.cost.shift) is not None:
            yield f"the cells move parameters by about {shift:.3f} standard errors at most"
    if exact_log_likelihood is not None:
        gap = f"{fit.true_gap(exact_log_likelihood):z.6f} per {point}"
        yield f"exact log-likelihood {write_nats(exact_log_likelihood)} nats: {gap} higher"


def describe_choices(fit: "Fit") -> Iterator[str]:
    """Lines on the search for the best mixture, and on the choice among candidates."""
    if fit.search is not None:
        yield describe_search(fit.search)
    if fit.selection is not None and len(fit.selection.candidates) > 1:
        yield describe_selection(fit.selection)


def describe_search(search: "Search") -> str:
    """What a search did, and how many of its passes confirm its result."""
    passes = "1 pass" if search.passes == 1 else f"{search.passes:,} passes"
    own = "its own" if search.returns == 1 else "their own"
    return f"search: {search.returns or 'none'} of {passes} came to this optimum on {own}"


def describe_selection(selection: "Selection") -> str:
    """What was chosen, from what, and what came next."""
    numbers = [candidate.components for candidate in selection.candidates]
    candidates = count(len(numbers), "candidate")
    components = count(max(numbers), "component", fewest=min(numbers))
    winner, second = name_candidate(selection.winner), selection.runner_up
    chosen = f"chosen by {selection.criterion.upper()}: {winner}, of {candidates} with {components}"
    if second is None or selection.lead is None:
        return chosen
    most = "about " if second.status is Status.PRELIMINARY else ""
    return f"{chosen}; next best: {name_candidate(second)}, {most}{selection.lead:.2f} higher"


def describe_files(directory: Path, files: Sequence[Path]) -> str:
    """Which files a directory got; those in a directory of their own are frames."""
    names = [path.name for path in files if path.parent == directory]
    n_frames = len(files) - len(names)
    if n_frames:
        names.append(count(n_frames, "frame"))
    return f"wrote {directory}: {', '.join(names)}"


def tabulate_components(mixture: "Mixture", columns: tuple[str, str], width: int) -> Table:
    """A table of a mixture's components, that fits a width in characters."""
    x, y = shorten_names(columns, width)
    table = _begin_table((x, y), (f"sd\n{x}", f"sd\n{y}", "correlation"))
    for k, covariance in enumerate(mixture.covariances):
        sds = math.sqrt(covariance[0, 0]), math.sqrt(covariance[1, 1])
        correlation = covariance[0, 1] / (sds[0] * sds[1])
        shape = f"{sds[0]:.4g}", f"{sds[1]:.4g}", f"{correlation:z.3f}"
        table.add_row(*_begin_row(mixture, k), *shape)
    return table


def tabulate_axes(mixture: "Mixture", columns: tuple[str, str], width: int) -> Table:
    """The same with the axes of components in place of what they have along the coordinates'."""
    names = shorten_names(columns, width)
    table = _begin_table(names, ("sd along\nlong axis", "sd along\nshort axis", "angle\ndegrees"))
    for k, axes in enumerate(mixture.axes):
        long, short = (f"{sd:.4g}" for sd in axes.sds)
        shape = long, short, f"{axes.angle:z.1f}" if axes.sds[0] > axes.sds[1] else "any"
        table.add_row(*_begin_row(mixture, k), *shape)
    return table


def has_thin_components(mixture: "Mixture") -> bool:
    """Whether a correlation would be printed as 1.000, which tells nothing of a shape."""
    (xx, xy), (_, yy) = mixture.covariances.transpose(1, 2, 0)
    return any(f"{each:.3f}" == "1.000" for each in abs(xy) / (xx * yy) ** 0.5)


def _begin_table(columns: tuple[str, str], shape: tuple[str, str, str]) -> Table:
    """An empty table of components, given the names of columns and the headings of a shape."""
    table, (x, y) = Table(box=box.SIMPLE_HEAD, pad_edge=False), columns
    for heading in ("component", "weight", f"mean\n{x}", f"mean\n{y}", *shape):
        table.add_column(Text(heading), justify="right", vertical="bottom", no_wrap=True)
    return table


def _begin_row(mixture: "Mixture", k: int) -> tuple[str, str, str, str]:
    """The number, the weight and the mean of a component."""
    (x, y), covariance = mixture.means[k], mixture.covariances[k]
    sd_x, sd_y = math.sqrt(covariance[0, 0]), math.sqrt(covariance[1, 1])
    return str(k), f"{mixture.weights[k]:.4f}", round_to_scale(x, sd_x), round_to_scale(y, sd_y)


def describe_type(covariance: CovarianceType) -> str | None:
    """What a covariance type says of components, in words; None of one whose name says so."""
    code = COVARIANCE_CODES[covariance]
    if code != covariance:
        return None
    nouns = [noun for letter, noun in zip(code, NOUNS, strict=True) if letter == "E"]
    own = [noun for letter, noun in zip(code, NOUNS, strict=True) if letter == "V"]
    parts = []
    if code[2] == "I":
        parts.append("round" if code[1] == "I" else "along the axes")
    if nouns:
        parts.append(f"equal {' and '.join(nouns)}")
    if own:
        parts.append(f"own {' and '.join(own)}")
    return f"covariance {covariance}: {', '.join(parts)}"


def describe_background(
    background: "Background", columns: tuple[str, str], n_points: float | None
) -> str:
    """What a background weighs, how many points that is, and the box that it is uniform over.

    Args:
        background: in data units.
        columns: the names of the two coordinates.
        n_points: N; None where rows have weights, which are no numbers of points.
    """
    points = ""
    if n_points is not None:
        held = background.weight * n_points
        points = f", about {held:,.0f} of {n_points:,.0f} points"
    sides = []
    for name, (low, high) in zip(columns, background.box.tolist(), strict=True):
        decimals = max(2 - math.floor(math.log10(high - low)), 0)
        sides.append(f"{name} {low:,.{decimals}f} to {high:,.{decimals}f}")
    return f"background: weight {background.weight:.4f}{points}, over {' and '.join(sides)}"


def describe_groups(groups: "Groups") -> str:
    """How many groups the components are in: '30 components in 15 groups'."""
    components = count(len(groups.shares), "component")
    hills = f"hills of the density that valleys below {groups.valley:g} divide"
    return f"{components} in {count(groups.number, 'group')} ({hills})"


def describe_clear_groups(groups: "Groups", clear: float) -> str:
    """Which lower valley divides how many groups: 'clear valleys divide 2 groups only: ...'.

    Args:
        groups: as they are.
        clear: the lower valley.
    """
    number = int(groups.tree.cut(clear).max()) + 1
    return f"clear valleys divide {number} groups only: see --valley {clear:g}"


def name_strays(rows: Sequence[int], *, most: int = 10) -> str:
    """The rows that a background explains best, by number.

    Args:
        rows: by number from 1 on; the strangest first.
        most: how many are named.
    """
    named = ", ".join(f"{row:,}" for row in rows[:most])
    more = f" and {len(rows) - most:,} more" if len(rows) > most else ""
    nouns = "row" if len(rows) == 1 else "rows"
    return f"in the background: {nouns} {named}{more} (strays, or the tails of a component)"


def shorten_names(
    names: tuple[str, str], width: int, *, others_width: int = 46, shortest: int = 6
) -> tuple[str, str]:
    """The names of two columns, cut where the table of components would be too wide.

    Args:
        names: each heads two columns of the table.
        width: of the table, in characters.
        others_width: of what no name heads.
        shortest: what is left of a name at least.
    """
    room = max((width - others_width) // 2, 2 * shortest)  # for the two names
    longest = room // 2 if sum(map(len, names)) > room else room
    x, y = (name if len(name) <= longest else f"{name[: longest - 1]}…" for name in names)
    return x, y
