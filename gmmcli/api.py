"""Fits inside a program of one's own: what the commands use, as functions of tables in memory.

Here belongs what `import gmmcli` gives, and nothing that the command line cannot do.
"""

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Unpack

from gmmcli.core.cells.checks import check_box
from gmmcli.core.cells.compression import Compression, compress
from gmmcli.core.runs import directory
from gmmcli.core.runs.asked import Asked
from gmmcli.core.runs.cautions import caution, caution_on_end, caution_on_header, caution_on_rows
from gmmcli.core.runs.priors import check_resampling
from gmmcli.core.tables.frames import name_source
from gmmcli.core.tables.source import Source, check_apart
from gmmcli.core.tables.table import Table
from gmmcli.errors import GmmWarning
from gmmcli.options import Options, check_options, make_choice, make_settings, read_start
from gmmcli.ranges import check_texts, take_path
from gmmcli.run import Run, open_rows
from gmmcli.settings import MOST_CELLS, Choice
from gmmcli.wording import translate, translate_errors

if TYPE_CHECKING:
    from gmmcli.core.runs.result import Fit


def read_run(path: Path | str) -> Run:
    """The fit in a run directory.

    Raises:
        RunError: naming the file that is missing, damaged or of an unknown format version.
    """
    with translate_errors():
        return Run(directory.read_run(take_path("path", path)))


def fit(
    data: object,
    *,
    x: str | None = None,
    y: str | None = None,
    where: str | None = None,
    weight: str | None = None,
    **options: Unpack[Options],
) -> Run:
    """Fit a mixture to the points in a table.

    Args:
        data: a path or a pattern of paths, as `gmm fit` takes; a data frame of pandas or Polars; a
            table of Arrow; an array of shape (N, 2); or a `Source`.
        x: the first coordinate, a column or an expression of columns; the first numeric column by
            default.
        y: the second; the next numeric column by default.
        where: the condition that rows have to meet; all rows by default.
        weight: how much each row counts, a column or an expression; 1 by default.
        **options: see `Options`.

    Warns:
        GmmWarning: of each line of the command's summary that says to be careful.

    Raises:
        GmmError: of one line that says what is wrong with the table or what is asked of it.
        TypeError: for an option that there is not.
    """
    from gmmcli.core.runs.fits import fit_cells, make_hooks
    from gmmcli.core.runs.likeness import move_background
    from gmmcli.core.runs.resampling import resample
    from gmmcli.core.runs.result import Provenance, describe

    with translate_errors():
        options, (start, known) = check_options(options), read_start(options)
        check_resampling(known, options.get("bootstrap"))
        choice = make_choice(options, start)
        settings, output = make_settings(options, choice), options.get("output")
        check_texts(x=x, y=y, where=where, weight=weight)
        source = name_source(data, where=where)
        with _claim(source, options) as claimed, open_rows(source, (x, y), weight) as table:
            compression = _compress(table, options, choice)
            if start is not None and options.get("start") is None:  # begins with the prior
                start = move_background(start, compression.cells, "--prior")
            elif start is not None:
                check_box(compression.cells, start)
            hooks = make_hooks(compression)
            outcome = fit_cells(compression.cells, settings, choice, start, hooks, known)
            fitted = describe(outcome, options["valley"], options["level"])
            if (number := options.get("bootstrap")) is not None:
                fitted = resample(fitted, outcome, number, options["level"])
            asked = replace(_tell_options(options, choice, source), weight=weight)
            provenance = Provenance.of(table, compression, asked)
            if output is not None:
                directory.write_run(Path(output), fitted, provenance, claimed=claimed)
            cautions = [*_caution(table, compression, fitted, are_columns_chosen=None in (x, y))]
    for line in cautions:
        warnings.warn(translate(line), GmmWarning, stacklevel=2)
    return Run(directory.RunRecord.of(fitted, provenance))


def _compress(table: Table, options: Options, choice: Choice) -> Compression:
    """The rows of a table as cells."""
    from gmmcli.core.search.sketch import sketch_mixture

    return compress(
        table,
        exact=options.get("exact", False),
        most_cells=options.get("cells", MOST_CELLS),
        strict=options.get("strict", False),
        sketch=partial(sketch_mixture, n_components=choice.most),
    )


def _caution(
    table: Table, compression: Compression, fitted: "Fit", *, are_columns_chosen: bool
) -> Iterator[str]:
    """All that the summary of `gmm fit` says to be careful of."""
    yield from caution_on_header(table)
    yield from caution_on_rows(table, compression, are_columns_chosen=are_columns_chosen)
    yield from caution_on_end(fitted)
    yield from caution(fitted, None, is_weighted=table.weight is not None)


@contextmanager
def _claim(source: Source, options: Options) -> Iterator[Path | None]:
    """The claim of the run directory, from which nothing is read, as long as it is needed."""
    if (output := options.get("output")) is None:
        yield None
        return
    with directory.claim_run(Path(output), overwrite=options.get("overwrite", False)) as claimed:
        check_apart(source, Path(output))
        yield claimed


def _tell_options(options: Options, choice: Choice, source: Source) -> Asked:
    """What was asked, for a run to tell as `gmm fit --no-frames` does."""
    return Asked.among(
        choice,
        table=source.table,
        engine=source.engine,
        where=source.where,
        init="auto" if options.get("start") is None else "mixture",
        prior=None if options.get("prior") is None else "mixture",
        prior_weight=options.get("prior_weight"),
        strict=options.get("strict", False),
        exact=options.get("exact", False),
        cells=options.get("cells", MOST_CELLS),
        valley=options["valley"],
        level=options["level"],
        bootstrap=options["bootstrap"],
        pictures=False,
    )
