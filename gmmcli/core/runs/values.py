"""A fit by the values of a column: a run for each beside that of all rows, and a table of all."""

import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from itertools import accumulate
from pathlib import Path
from typing import Any

import pandas as pd

from gmmcli.core.cells.parts import read_parts
from gmmcli.core.runs.layout import VALUES, VALUES_TABLE
from gmmcli.core.runs.parts import Ending, Found, PartPlan, fit_part
from gmmcli.core.runs.workers import count_processes, share
from gmmcli.core.tables.table import Table
from gmmcli.files import replace_atomically, stage_directory

COLUMNS = [
    *("value", "rows", "skipped_rows", "status", "components", "covariance", "bic", "background"),
    *("component", "pooled", "distance", "weight", "mean_x", "mean_y", "sd_x", "sd_y"),
    *("correlation", "run", "problem"),
]
WHOLE = ["rows", "skipped_rows", "components", "component", "pooled"]
# The status of a value whose fit has failed, or was not done.
NOT_FITTED = "not fitted"
NOT_DONE = "the fit ended before this value was done"
# Marks of a value that the name of its run has too, beside letters and digits: a name that can be
# typed against such as a file system or a shell reads otherwise.
PLAIN = "-_+=, ."


def name_runs(
    values: Iterable[str], *, kept: Iterable[str] = (), longest: int = 60
) -> dict[str, str]:
    """The name of the directory of each value's run: the value itself, as far as that can be.

    Marks that are no letters, digits or `PLAIN` become % and their bytes in base 16, as in a URL,
    and so do a blank or a point at either end. Where that makes a name too long, the value is cut,
    so that no mark is, and loses blanks and points that then are last. Of names that some file
    systems take for the same, as they do letters of either case, the later get ~2 and so on.

    Args:
        values: all that there are.
        kept: names that are taken.
        longest: names are cut to at most so many characters, of up to four bytes each.
    """
    names: dict[str, str] = {}
    taken = {name.casefold() for name in kept}
    for value in values:
        name = plain = _encode(value, longest)
        number = 1
        while name.casefold() in taken:
            number += 1
            name = f"{plain}~{number}"
        taken.add(name.casefold())
        names[value] = name
    return names


def sort_values(values: Iterable[str]) -> list[str]:
    """Values that are numbers in their order, and then the others in the order of their letters."""
    return sorted(values, key=lambda value: (_read_number(value), value))


def fit_values(
    directory: Path,
    table: Table,
    plan: PartPlan,
    counts: Mapping[str, int],
    *,
    n_processes: int | None = None,
    is_interrupted: Callable[[], bool] = lambda: False,
) -> Iterator[Ending]:
    """What came of each value, as it is done; the runs take their place when all are.

    Where an error ends the work, those that are done by then do, before it is raised.

    Args:
        directory: of the run of all rows.
        table: all rows.
        plan: what is asked of every value.
        counts: the rows of each value, of all in the plan's partition.
        n_processes: how many share the work; as many as there are cores by default.
        is_interrupted: asked whether to begin no more values.

    Raises:
        TableError: when the rows cannot be read.
        OutputError: when the runs cannot be written.
        FitError: when a process has ended before its time.
    """
    target = directory / VALUES
    kept = [path.name for path in target.iterdir()] if target.is_dir() else []
    names = name_runs(sort_values(counts), kept=kept)
    with stage_directory(target) as stage:
        parts = read_parts(table, plan.partition, counts, strict=plan.strict)
        tasks = ((part, stage / names[part.value]) for part in parts)
        n_processes = n_processes or count_processes(len(counts))
        work, failure = partial(fit_part, plan), None
        try:
            yield from share(work, tasks, n_processes, is_interrupted=is_interrupted)
        except Exception as error:  # noqa: BLE001 (raised below)
            failure = error
    if failure is not None:
        raise failure


def complete(endings: Iterable[Ending], counts: Mapping[str, int]) -> list[Ending]:
    """What came of all values in their order, those included whose fit was not done."""
    known = {ending.value: ending for ending in endings}
    return [
        known.get(value) or Ending(value, counts[value], "", problem=NOT_DONE)
        for value in sort_values(counts)
    ]


def write_values(directory: Path, endings: Sequence[Ending]) -> Path:
    """Write the table of what came of each value to a run, and give its path.

    Args:
        directory: of the run of all rows.
        endings: in the order in which the table is to have them.

    Raises:
        OutputError: when it cannot be written.
    """
    path = directory / VALUES_TABLE
    with replace_atomically(path) as file:
        tabulate_values(endings).to_csv(file, index=False)
    return path


def tabulate_values(endings: Iterable[Ending]) -> pd.DataFrame:
    """A row for each component of each value; one for a value that was not fitted."""
    rows = [row for ending in endings for row in _list_rows(ending)]
    table = pd.DataFrame(rows, columns=COLUMNS)
    return table.astype(dict.fromkeys(WHOLE, "Int64"))


def _list_rows(ending: Ending) -> Iterator[dict[str, Any]]:
    """The rows of a value."""
    of_value = {"value": ending.value, "rows": ending.n_rows}
    if ending.found is None:
        yield {**of_value, "status": NOT_FITTED, "problem": ending.problem}
        return
    found = ending.found
    background = found.mixture.background
    of_fit = {
        **of_value,
        "skipped_rows": found.n_skipped,
        "status": found.status.value,
        "components": found.mixture.n_components,
        "covariance": found.covariance,
        "bic": found.criteria.bic,
        "background": 0.0 if background is None else background.weight,
        "run": f"{VALUES}/{ending.directory}",
    }
    for k in range(found.mixture.n_components):
        yield {**of_fit, **_describe_component(found, k)}


def _describe_component(found: Found, k: int) -> dict[str, Any]:
    """What the table tells of a component."""
    mixture, partner = found.mixture, int(found.partners.numbers[k])
    (xx, xy), (_, yy) = mixture.covariances[k].tolist()
    sd_x, sd_y = math.sqrt(xx), math.sqrt(yy)
    mean_x, mean_y = mixture.means[k].tolist()
    return {
        "component": k,
        "pooled": None if partner < 0 else partner,
        "distance": found.partners.distances[k],
        "weight": mixture.weights[k],
        "mean_x": mean_x,
        "mean_y": mean_y,
        "sd_x": sd_x,
        "sd_y": sd_y,
        "correlation": xy / (sd_x * sd_y),
    }


def _read_number(value: str) -> float:
    """The number that a value is; infinity where it is none."""
    try:
        number = float(value)
    except ValueError:
        return math.inf
    return number if math.isfinite(number) else math.inf


def _encode(value: str, longest: int) -> str:
    """The longest beginning of a value, as the name of a file can have it, of so many characters.

    Blanks and points that a cut leaves at its end are left out.
    """
    last = len(value) - 1
    marks = [
        letter
        if letter.isalnum() or (letter in PLAIN and (0 < i < last or letter not in " ."))
        else "".join(f"%{byte:02X}" for byte in letter.encode())
        for i, letter in enumerate(value)
    ]
    ends = accumulate(len(mark) for mark in marks)
    kept = [mark for mark, end in zip(marks, ends, strict=True) if end <= longest]
    return "".join(kept).rstrip(" .")
