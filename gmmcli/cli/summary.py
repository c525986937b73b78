"""The result of a fit in words and numbers, as lines to print; `cautions` has what to doubt."""

import math
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from rich import box
from rich.table import Table
from rich.text import Text

from gmmcli.core.runs.cautions import caution_on_header, caution_on_rows
from gmmcli.core.runs.components import write_with_error
from gmmcli.core.runs.words import count, name_candidate, write_nats
from gmmcli.core.search.status import Status
from gmmcli.errors import escape
from gmmcli.settings import COVARIANCE_CODES, CovarianceType

# Of what the letters of a covariance type speak.
NOUNS = ("volumes", "shapes", "directions")

if TYPE_CHECKING:
    from gmmcli.core.cells.compression import Compression
    from gmmcli.core.groups.groups import Groups
    from gmmcli.core.mixture.background import Background
    from gmmcli.core.mixture.knowledge import Knowledge
    from gmmcli.core.mixture.mixture import Mixture
    from gmmcli.core.mixture.units import Nats
    from gmmcli.core.runs.result import Fit, Provenance
    from gmmcli.core.search.criteria import Selection
    from gmmcli.core.search.outcome import Search
    from gmmcli.core.tables.table import Table as Points


def describe_rows(
    points: "Points", compression: "Compression", *, are_columns_chosen: bool
) -> Iterator[str]:
    """Lines on how a table was read: its header, columns chosen for the user, rows left out."""
    yield from caution_on_header(points)
    if are_columns_chosen:
        x, y = points.columns
        yield f"coordinates: {x!r} and {y!r} (choose others with -x and -y)"
    if points.where is not None:
        selected, rows = points.count_selected()
        yield f"{points.where}: {selected:,} of {rows:,} rows"
    yield from caution_on_rows(points, compression, are_columns_chosen=are_columns_chosen)


def describe_provenance(provenance: "Provenance") -> str:
    """What data a run is of: the table, its rows and the coordinates."""
    x, y = provenance.columns
    rows, skipped = count(provenance.n_rows, "row"), provenance.n_skipped
    left_out = f", {skipped:,} left out" if skipped else ""
    where = f", where {asked}" if (asked := provenance.asked.where) is not None else ""
    return f"{x!r} and {y!r} of {provenance.source}: {rows}{left_out}{where}"


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
        if fit.errors is not None and fit.errors.n_replicates:
            yield describe_shares(fit.selection, fit.errors.n_replicates)


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


def describe_shares(selection: "Selection", n_resamples: int, *, least: float = 0.005) -> str:
    """In how many resamples each candidate is the best: '2 components (full) in 76 %'.

    Args:
        selection: what was chosen from.
        n_resamples: how many there were.
        least: the share below which a candidate is not named.
    """
    known = [(c.share, name_candidate(c)) for c in selection.candidates if c.share is not None]
    named = [
        f"{name} in {100 * share:.0f} %"
        for share, name in sorted(known, reverse=True)
        if share >= least
    ]
    return f"the best of {count(n_resamples, 'resample')}: {', '.join(named)}"


def describe_files(directory: Path, files: Sequence[Path]) -> str:
    """Which files a directory got; those in a directory of their own are frames."""
    names = [path.name for path in files if path.parent == directory]
    n_frames = len(files) - len(names)
    if n_frames:
        names.append(count(n_frames, "frame"))
    return f"wrote {directory}: {', '.join(names)}"


def tabulate_components(
    rows: Sequence[Sequence[str]],
    columns: tuple[str, str],
    width: int,
    *,
    shows_axes: bool = False,
    names: Sequence[str] | None = None,
) -> Table:
    """A table of components, that fits a width in characters.

    Args:
        rows: of `write_components`, or others of the same figures.
        columns: the names of the two coordinates.
        width: in characters.
        shows_axes: as `write_components` has it.
        names: of the components; their numbers by default.
    """
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    x, y = shorten_names(columns, width, widths)
    shape = (f"sd\n{x}", f"sd\n{y}", "correlation")
    if shows_axes:
        shape = ("sd along\nlong axis", "sd along\nshort axis", "angle\ndegrees")
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 0, 0, 1))
    for heading in ("component", "weight", f"mean\n{x}", f"mean\n{y}", *shape):
        table.add_column(Text(heading), justify="right", vertical="bottom", no_wrap=True)
    for name, row in zip(names or map(str, range(len(rows))), rows, strict=True):
        table.add_row(name, *row)
    return table


def has_thin_components(mixture: "Mixture") -> bool:
    """Whether a correlation would be printed as 1.000, which tells nothing of a shape."""
    return any(f"{abs(each):.3f}" == "1.000" for each in mixture.correlations)


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


def describe_knowledge(known: "Knowledge", prior: str | None) -> Iterator[str]:
    """Lines on what a fit knew before its data.

    Args:
        known: this.
        prior: what --prior named; None where the prior is from elsewhere.
    """
    if known.prior is not None:
        name = "the prior" if prior is None else f"the prior {prior}"
        points = f"{known.prior.n_points:,.4g} points"
        yield f"{name} counts as {points}; what follows is of the data alone"
    if known.fixed is not None:
        stays = [
            f"{' and '.join(names)} of component {k}"
            for k, names in enumerate(known.fixed.to_json())
            if names
        ]
        if stays:
            yield f"fixed as given: {', '.join(stays)}"


def describe_background(
    background: "Background",
    columns: tuple[str, str],
    n_points: float | None,
    error: float | None = None,
) -> str:
    """What a background weighs, how many points that is, and the box that it is uniform over.

    Args:
        background: in data units.
        columns: the names of the two coordinates.
        n_points: N; None where rows have weights, which are no numbers of points.
        error: the standard error of its weight; None where that has none.
    """
    points = ""
    if n_points is not None:
        held = background.weight * n_points
        points = f", about {held:,.0f} of {n_points:,.0f} points"
    sides = []
    for name, (low, high) in zip(columns, background.box.tolist(), strict=True):
        decimals = max(2 - math.floor(math.log10(high - low)), 0)
        sides.append(f"{name} {low:,.{decimals}f} to {high:,.{decimals}f}")
    weight = f"{background.weight:.4f}"
    if error:
        weight = write_with_error(background.weight, error)
    return f"background: weight {weight}{points}, over {' and '.join(sides)}"


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
    names: tuple[str, str],
    width: int,
    widths: Sequence[int] = (6,) * 6,
    *,
    others_width: int = 34,
) -> tuple[str, str]:
    """The names of two columns, cut where the table of components would be too wide.

    Args:
        names: each heads two columns of the table.
        width: of the table, in characters.
        widths: of the weights, means and shapes below the headings.
        others_width: of what neither a name nor a weight takes.
    """
    names = escape(names[0]), escape(names[1])
    shortest = min(widths[1:5])
    room = max((width - others_width - max(widths[0], 6)) // 2, 2 * shortest)  # for the two names
    longest = room // 2 if sum(map(len, names)) > room else room
    x, y = (name if len(name) <= longest else f"{name[: longest - 1]}…" for name in names)
    return x, y
