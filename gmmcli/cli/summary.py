"""The result of a fit in words and numbers, as lines to print; `cautions` has what to doubt."""

import math
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from rich import box
from rich.table import Table
from rich.text import Text

from gmmcli.cli.words import count, name_candidate, round_to_scale
from gmmcli.core.search.status import Status

if TYPE_CHECKING:
    from gmmcli.core.cells.compression import Compression
    from gmmcli.core.mixture.mixture import Mixture
    from gmmcli.core.mixture.units import Nats
    from gmmcli.core.runs.result import Fit
    from gmmcli.core.search.criteria import Selection
    from gmmcli.core.search.outcome import Search
    from gmmcli.core.tables.table import Table as Points


def describe_rows(
    points: "Points", compression: "Compression", *, are_columns_chosen: bool
) -> Iterator[str]:
    """Lines on how a table was read: its header, columns chosen for the user, rows skipped."""
    if not points.has_header:
        yield "the first line has numbers only: it is read as data, not as a header"
    if are_columns_chosen:
        x, y = points.columns
        yield f"coordinates: {x!r} and {y!r} (choose others with -x and -y)"
    if compression.n_skipped:
        skipped, rows = compression.n_skipped, compression.n_rows
        yield f"skipped {skipped:,} of {rows:,} rows: a coordinate is empty or not finite"


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
        point, better = "unit of weight", f"{better}; N is the total weight"
    yield f"log-likelihood {fit.elbo:.4f} nats, {per_point}"
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
        yield f"exact log-likelihood {exact_log_likelihood:.4f} nats: {gap} higher"


def describe_choices(fit: "Fit") -> Iterator[str]:
    """Lines on the search for the best mixture, and on the choice among candidates."""
    if fit.search is not None and fit.search.rounds:
        yield describe_search(fit.search)
    if fit.selection is not None and len(fit.selection.candidates) > 1:
        yield describe_selection(fit.selection)


def describe_search(search: "Search") -> str:
    """What a search tried, and how many other starts confirm its result."""
    rounds = count(search.rounds, "round")
    tried = f"search: {rounds} of moves, {search.moves or 'none'} improved the fit"
    if not search.starts:
        return tried
    starts = count(search.starts, "other start")
    return f"{tried}; {search.returns or 'none'} of {starts} reached the same optimum"


def describe_selection(selection: "Selection") -> str:
    """What was chosen, from what, and what came next."""
    numbers = [candidate.components for candidate in selection.candidates]
    candidates = count(len(numbers), "candidate")
    components = count(max(numbers), "component", fewest=min(numbers))
    winner, second = name_candidate(selection.winner), selection.runner_up
    chosen = f"chosen by {selection.criterion.upper()}: {winner}, of {candidates} with {components}"
    if second is None or selection.lead is None:
        return chosen
    most = "at most " if second.status is Status.PRELIMINARY else ""
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
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for heading in (
        "component",
        "weight",
        f"mean\n{x}",
        f"mean\n{y}",
        f"sd\n{x}",
        f"sd\n{y}",
        "correlation",
    ):
        table.add_column(Text(heading), justify="right", vertical="bottom", no_wrap=True)
    for k in range(mixture.n_components):
        (mean_x, mean_y), covariance = mixture.means[k], mixture.covariances[k]
        sd_x, sd_y = math.sqrt(covariance[0, 0]), math.sqrt(covariance[1, 1])
        table.add_row(
            str(k),
            f"{mixture.weights[k]:.4f}",
            round_to_scale(mean_x, sd_x),
            round_to_scale(mean_y, sd_y),
            f"{sd_x:.4g}",
            f"{sd_y:.4g}",
            f"{covariance[0, 1] / (sd_x * sd_y):z.3f}",
        )
    return table


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
