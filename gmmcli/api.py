"""Fits inside a program of one's own: what the commands use, as functions of tables in memory.

Here belongs what `import gmmcli` gives, and nothing that the command line cannot do.
"""

import base64
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, nullcontext
from dataclasses import dataclass, replace
from functools import partial
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Literal, TypedDict, TypeVar, Unpack

import numpy as np
import pandas as pd

from gmmcli.core.cells.checks import check_box
from gmmcli.core.cells.compression import compress
from gmmcli.core.groups.borders import draw_territories
from gmmcli.core.mixture.mixture import Mixture
from gmmcli.core.runs import directory
from gmmcli.core.runs.asked import Asked
from gmmcli.core.runs.parameters import pick
from gmmcli.core.runs.records import tabulate_history
from gmmcli.core.tables.copies import resolve_source
from gmmcli.core.tables.frames import name_source
from gmmcli.core.tables.prediction import predict_rows
from gmmcli.core.tables.source import Source, check_apart
from gmmcli.core.tables.table import Table, open_table
from gmmcli.errors import FitError
from gmmcli.settings import (
    BACKGROUNDS,
    COVARIANCE_TYPES,
    CRITERIA,
    EFFORTS,
    MOST_CELLS,
    VALLEY,
    BackgroundChoice,
    Choice,
    ColourChoice,
    CovarianceType,
    CriterionName,
    Effort,
    FitSettings,
)

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Word = TypeVar("Word", bound=str)


class Options(TypedDict, total=False):
    """What may be asked of a fit, by the names and with the defaults of `gmm fit`.

    Attributes:
        components: how many, the fewest and the most, or "auto".
        covariance: a type, several of which the best is taken, or "auto" for all.
        criterion: what decides where there is a choice.
        background: "auto", "on" or "off".
        start: the mixture to begin with, in place of a search.
        effort: how long to search.
        floor: the least standard deviation of a component, as a share of the data's.
        valley: from where on valleys divide no groups.
        steps: the most to take after the search.
        seed: of the random numbers.
        strict: refuse rows with an empty or non-finite coordinate, rather than skip them.
        exact: fit every distinct point rather than cells.
        cells: the most that a large table becomes.
        output: the run directory to write; none by default.
        overwrite: whether to replace it.
    """

    components: int | tuple[int, int] | Literal["auto"]
    covariance: CovarianceType | Sequence[CovarianceType] | Literal["auto"]
    criterion: CriterionName
    background: BackgroundChoice
    start: Mixture
    effort: Effort
    floor: float
    valley: float
    steps: int
    seed: int
    strict: bool
    exact: bool
    cells: int
    output: Path | str
    overwrite: bool


@dataclass(frozen=True, eq=False)
class Run:
    """A fit: its mixture, how it was found, and what it says about other rows.

    Attributes:
        record: all that its run directory holds.
    """

    record: directory.Run

    @property
    def mixture(self) -> Mixture:
        """The mixture, in data units."""
        return self.record.mixture

    @property
    def columns(self) -> tuple[str, str]:
        """The coordinates: names of columns, or expressions of them."""
        return self.record.columns

    @property
    def history(self) -> pd.DataFrame:
        """A row for each step and component, as in history.csv."""
        return tabulate_history(self.record.history)

    @property
    def components(self) -> pd.DataFrame:
        """A row for each component: its weight, mean, standard deviations and correlation."""
        mixture, (x, y) = self.mixture, self.columns
        deviations = np.sqrt(np.diagonal(mixture.covariances, axis1=1, axis2=2))
        return pd.DataFrame(
            {
                "weight": mixture.weights,
                f"mean {x}": mixture.means[:, 0],
                f"mean {y}": mixture.means[:, 1],
                f"sd {x}": deviations[:, 0],
                f"sd {y}": deviations[:, 1],
                "correlation": mixture.covariances[:, 0, 1] / deviations.prod(axis=1),
            }
        ).rename_axis("component")

    def predict(
        self,
        data: object,
        *,
        x: str | None = None,
        y: str | None = None,
        where: str | None = None,
        valley: float | None = None,
        responsibilities: bool = False,
    ) -> pd.DataFrame:
        """The rows of a table with what the mixture says about each, as `gmm predict` writes them.

        Args:
            data: the rows; see `fit`.
            x: the first coordinate there, if not that of the fit.
            y: the second.
            where: the condition that rows have to meet; all rows by default.
            valley: from where on valleys divide no groups; that of the fit by default.
            responsibilities: add that of every component.

        Raises:
            TableError: when the rows cannot be read.
        """
        groups = directory.group_again(self.record, valley).groups
        territories = None
        if groups is not None:
            territories = draw_territories(self.mixture, groups.tree, groups.valley)
        source, columns = (
            name_source(data, where=where),
            (x or self.columns[0], y or self.columns[1]),
        )
        with _open(source, columns) as table:
            rows = predict_rows(
                table,
                self.mixture,
                territories=territories,
                with_responsibilities=responsibilities,
            )
            found: pd.DataFrame = table.read(rows).to_pandas()
            return found

    def plot(self, step: int | None = None, *, colour: ColourChoice = "component") -> "Figure":
        """A step as a figure, as a frame shows it.

        Args:
            step: the last by default.
            colour: what has one: every component, or every group.

        Raises:
            RunError: when there is no such step.
        """
        from gmmcli.pictures.frames import make_picture

        chosen = self.record.history.last_step if step is None else step
        self.record.history.choose_steps((chosen,))
        return make_picture(directory.group_again(self.record, None), chosen, colour)

    def plot_convergence(self) -> "Figure":
        """The snapshots side by side over the climb of the ELBO, as convergence.png shows them."""
        from gmmcli.pictures.frames import make_convergence

        return make_convergence(self.record)

    def _repr_html_(self) -> str:
        """What a notebook shows: the last step as a picture, and the components as a table."""
        picture = BytesIO()
        self.plot().savefig(picture, format="png")
        code = base64.b64encode(picture.getvalue()).decode()
        table = self.components.to_html(float_format=lambda value: f"{value:.4g}")
        return f'<img src="data:image/png;base64,{code}" alt="the last step">{table}'


def read_run(path: Path | str) -> Run:
    """The fit in a run directory.

    Raises:
        RunError: naming the file that is missing, damaged or of an unknown format version.
    """
    return Run(directory.read_run(Path(path)))


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

    Raises:
        GmmError: of one line that says what is wrong with the table or what is asked of it.
    """
    from gmmcli.core.runs.fits import fit_cells, make_hooks
    from gmmcli.core.runs.result import Provenance, describe
    from gmmcli.core.search.sketch import sketch_mixture

    choice, settings = _read_options(options)
    start, output = options.get("start"), options.get("output")
    source = name_source(data, where=where)
    claim = nullcontext() if output is None else _claim(source, Path(output), options)
    with claim as claimed, _open(source, (x, y), weight) as table:
        compression = compress(
            table,
            exact=options.get("exact", False),
            most_cells=options.get("cells", MOST_CELLS),
            strict=options.get("strict", False),
            sketch=partial(sketch_mixture, n_components=choice.most),
        )
        if start is not None:
            check_box(compression.cells, start)
        hooks = make_hooks(compression)
        outcome = fit_cells(compression.cells, settings, choice, start, hooks)
        fitted = describe(outcome, options.get("valley", VALLEY))
        if output is not None:
            rows = compression.n_rows, compression.n_skipped
            asked = replace(_tell_options(options, choice, source), weight=weight)
            provenance = Provenance(table.columns, table.source, *rows, asked)
            directory.write_run(Path(output), fitted, provenance, claimed=claimed)
    found = fitted.mixture, fitted.history, fitted.cells
    return Run(directory.Run(table.columns, *found, "auto", fitted.selection, fitted.groups))


@contextmanager
def _claim(source: Source, output: Path, options: Options) -> Iterator[Path]:
    """The claim of a run directory from which nothing is read, for as long as it is needed."""
    with directory.claim_run(output, overwrite=options.get("overwrite", False)) as claimed:
        check_apart(source, output)
        yield claimed


@contextmanager
def _open(
    source: Source, columns: tuple[str | None, str | None], weight: str | None = None
) -> Iterator[Table]:
    """The table of a source with some coordinates, for as long as it is needed."""
    with ExitStack() as stack:
        if source.frame is None:
            named = source.data, source.table, source.engine
            source = stack.enter_context(resolve_source(*named, where=source.where))
        table = open_table(source, x=columns[0], y=columns[1], weight=weight)
        stack.callback(table.dataset.engine.backend.disconnect)
        yield table


def _read_options(options: Options) -> tuple[Choice, FitSettings]:
    """What a mixture is to be chosen from, and how.

    Raises:
        TypeError: for an option that there is not.
        FitError: for a value that an option cannot have.
    """
    unknown = [name for name in options if name not in Options.__annotations__]
    if unknown:
        raise TypeError(f"fit has no option {unknown[0]!r}: see gmmcli.Options")
    start, components = options.get("start"), options.get("components", "auto")
    if isinstance(components, int):
        components = components, components
    if start is not None:
        components = start.n_components, start.n_components
    if components != "auto" and not 0 < components[0] <= components[1]:
        raise FitError(f"components is {components}: give a number above 0, or two, ascending")
    given = options.get("covariance", "full")
    covariances = [given] if isinstance(given, str) and given != "auto" else given
    types = COVARIANCE_TYPES if covariances == "auto" else _pick(COVARIANCE_TYPES, *covariances)
    (criterion,) = _pick(CRITERIA, options.get("criterion", "bic"))
    background = options.get("background")
    if background is not None:
        _pick(BACKGROUNDS, background)
    choice = Choice.among(components, types, criterion, background)
    (effort,) = _pick(EFFORTS, options.get("effort", FitSettings.effort))
    return choice, FitSettings(
        components=choice.most,
        covariance=choice.covariances[0],
        steps=options.get("steps", FitSettings.steps),
        seed=options.get("seed", FitSettings.seed),
        effort=effort,
        floor=options.get("floor", FitSettings.floor),
    )


def _pick(known: tuple[Word, ...], *words: object) -> tuple[Word, ...]:
    """The words, which have to be known; FitError, naming the one that is not."""
    try:
        return tuple(pick(known, word) for word in words)
    except ValueError as error:
        raise FitError(str(error)) from None


def _tell_options(options: Options, choice: Choice, source: Source) -> Asked:
    """What was asked, for a run to tell as `gmm fit --no-frames` does."""
    return Asked.among(
        choice,
        table=source.table,
        engine=source.engine,
        where=source.where,
        init="auto" if options.get("start") is None else "mixture",
        strict=options.get("strict", False),
        exact=options.get("exact", False),
        cells=options.get("cells", MOST_CELLS),
        valley=options.get("valley", VALLEY),
        pictures=False,
    )
