"""A fit as Python has it: its mixture, figures and pictures, and what it says of other rows."""

import base64
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from functools import partial
from io import BytesIO
from typing import TYPE_CHECKING, Any, TypedDict, Unpack

import numpy as np
import pandas as pd
import pyarrow as pa

from gmmcli.core.assessment.scales import measure_figures
from gmmcli.core.groups.borders import draw_territories
from gmmcli.core.mixture.covariances import FloatArray
from gmmcli.core.mixture.mixture import Mixture
from gmmcli.core.runs import directory
from gmmcli.core.runs.components import write_components
from gmmcli.core.runs.records import tabulate_history
from gmmcli.core.runs.words import count, write_nats
from gmmcli.core.tables.copies import resolve_source
from gmmcli.core.tables.frames import name_source
from gmmcli.core.tables.prediction import predict_rows
from gmmcli.core.tables.source import Source
from gmmcli.core.tables.table import Table, open_table
from gmmcli.ranges import WholeRange, check_flag, check_texts, check_word
from gmmcli.settings import COLOUR_CHOICES, CUT_RANGE, THEMES, VALLEY_RANGE, ColourChoice, Theme
from gmmcli.wording import translate_errors

if TYPE_CHECKING:
    from matplotlib.figure import Figure


class PredictOptions(TypedDict, total=False):
    """What may be asked of predictions, by the names and with the defaults of `gmm predict`.

    Attributes:
        valley: from where on valleys divide no groups; that of the fit by default.
        responsibilities: add that of every component.
        cut: leave label and group empty outside the ellipse that holds this share of the component.
        distance: add the Mahalanobis distance to the component of the label.
    """

    valley: float | None
    responsibilities: bool
    cut: float | None
    distance: bool


@dataclass(frozen=True, eq=False, repr=False)
class Run:
    """A fit: its mixture, how it was found, and what it says about other rows.

    Attributes:
        record: all that its run directory holds.
    """

    record: directory.RunRecord

    @property
    def mixture(self) -> Mixture:
        """The mixture, in data units."""
        return self.record.mixture

    @property
    def columns(self) -> tuple[str, str]:
        """The coordinates: names of columns, or expressions of them."""
        return self.record.columns

    @property
    def status(self) -> str:
        """How the fit ended: "converged", "step limit reached" or "interrupted"."""
        return self.record.figures.status.value

    @property
    def n_points(self) -> float:
        """How many points were fitted, or what they weigh together."""
        return self.record.figures.n_points

    @property
    def n_skipped(self) -> int:
        """How many rows were left out, because a coordinate is empty or not finite."""
        return self.record.provenance.n_skipped

    @property
    def n_groups(self) -> int | None:
        """How many groups the components are in; None where an earlier version wrote the run."""
        return None if self.record.groups is None else self.record.groups.number

    @property
    def log_likelihood(self) -> float:
        """That of all points, in nats; where a large table became cells, a lower bound."""
        return self.record.figures.log_likelihood

    @property
    def bic(self) -> float:
        """The Bayesian information criterion; lower is better."""
        return self.record.figures.criteria.bic

    @property
    def aic(self) -> float:
        """Akaike's information criterion; lower is better."""
        return self.record.figures.criteria.aic

    @property
    def icl(self) -> float:
        """The integrated completed likelihood, a criterion: of overlap, too; lower is better."""
        return self.record.figures.criteria.icl

    @property
    def history(self) -> pd.DataFrame:
        """A row for each step and component, as in history.csv."""
        return tabulate_history(self.record.history)

    @property
    def components(self) -> pd.DataFrame:
        """A row for each component: its weight, mean, standard deviations and correlation."""
        return self._tabulate(measure_figures(self.mixture))

    @property
    def errors(self) -> pd.DataFrame | None:
        """Their standard errors, in the same places: NaN where the points settle none.

        None where the fit did not converge.
        """
        found = self.record.errors
        return None if found is None else self._tabulate(found.standard_errors)

    @property
    def intervals(self) -> pd.DataFrame | None:
        """The ends of their intervals of the level that was asked for, a row for each component.

        The columns have two levels: the figure, and "low" or "high". None where the fit did not
        converge.
        """
        found = self.record.errors
        if found is None:
            return None
        ends = {
            end: self._tabulate(found.intervals[..., place])
            for place, end in enumerate(("low", "high"))
        }
        names = self.components.columns
        return pd.concat(ends, axis=1).swaplevel(axis=1)[[(n, e) for n in names for e in ends]]

    def _tabulate(self, values: FloatArray) -> pd.DataFrame:
        """What there is of each figure of the components, shape (K, 6), under its name."""
        x, y = self.columns
        names = ["weight", f"mean {x}", f"mean {y}", f"sd {x}", f"sd {y}", "correlation"]
        return pd.DataFrame(values, columns=names).rename_axis("component")

    def predict(
        self,
        data: object,
        *,
        x: str | None = None,
        y: str | None = None,
        where: str | None = None,
        **options: Unpack[PredictOptions],
    ) -> pd.DataFrame:
        """The rows of a table with what the mixture says about each, as `gmm predict` writes them.

        Args:
            data: the rows; see `fit`. Those of a pandas frame keep their index and their types.
            x: the first coordinate there, if not that of the fit.
            y: the second.
            where: the condition that rows have to meet; all rows by default.
            **options: see `PredictOptions`.

        Raises:
            OptionError: for a value that an option cannot have.
            TableError: when the rows cannot be read.
            TypeError: for an option that there is not.
        """
        with translate_errors():
            check_texts(x=x, y=y, where=where)
            columns = x or self.columns[0], y or self.columns[1]
            label = partial(_label, columns=columns, predict=self._make_prediction(options))
            source = name_source(data, where=where)
            if isinstance(data, pd.DataFrame):
                return _label_frame(data, source, label)
            rows: pd.DataFrame = label(source).to_pandas()
            return rows

    def _make_prediction(self, options: PredictOptions) -> Callable[[Table], Any]:
        """What the mixture says about the rows of a table, as a function of the table."""
        unknown = [name for name in options if name not in PredictOptions.__annotations__]
        if unknown:
            raise TypeError(f"predict has no option {unknown[0]!r}: see gmmcli.PredictOptions")
        if (valley := options.get("valley")) is not None:
            valley = VALLEY_RANGE.check("valley", valley)
        if (cut := options.get("cut")) is not None:
            cut = CUT_RANGE.check("cut", cut)
        groups, territories = directory.group_again(self.record, valley).groups, None
        if groups is not None:  # which runs of an earlier version have none of
            territories = draw_territories(self.mixture, groups.tree, groups.valley)
        return partial(
            predict_rows,
            mixture=self.mixture,
            territories=territories,
            with_responsibilities=check_flag(
                "responsibilities", options.get("responsibilities", False)
            ),
            with_distance=check_flag("distance", options.get("distance", False)),
            cut=cut,
        )

    def plot(
        self,
        step: int | None = None,
        *,
        colour: ColourChoice = "component",
        theme: Theme = "light",
    ) -> "Figure":
        """A step as a figure, as a frame shows it.

        Args:
            step: the last by default.
            colour: what has one: every component, or every group.
            theme: of paper and ink, light or dark.

        Raises:
            OptionError: for a value that an option cannot have.
            RunError: when there is no such step.
        """
        from gmmcli.pictures.drawing import make_picture
        from gmmcli.pictures.kinds import Look

        with translate_errors():
            history = self.record.history
            chosen = history.last_step if step is None else WholeRange().check("step", step)
            check_word("colour", colour, COLOUR_CHOICES)
            look = Look(check_word("theme", theme, THEMES))
            history.choose_steps((chosen,))
            return make_picture(directory.group_again(self.record, None), chosen, colour, look)

    def plot_convergence(self) -> "Figure":
        """The snapshots side by side over the climb of the ELBO, as convergence.png shows them."""
        from gmmcli.pictures.drawing import make_convergence

        return make_convergence(self.record)

    def __repr__(self) -> str:
        """In one line: how many components of what, and how the fit ended."""
        x, y = self.columns
        components = count(self.mixture.n_components, "component")
        points = f"{self.n_points:,.10g} points"
        return f"<Run: {components} of {x!r} and {y!r}, {points}, {self.status}>"

    def __str__(self) -> str:
        """The summary: how the fit ended, the components, and the figures."""
        steps = count(self.record.history.last_step, "step")
        return (
            f"{self.status} after {steps}\n{self._write_components()}\n"
            f"log-likelihood {write_nats(self.log_likelihood)} nats, {self.n_points:,.10g} points\n"
            f"BIC {self.bic:.2f}   AIC {self.aic:.2f}   ICL {self.icl:.2f}   (lower is better)"
        )

    def _write_components(self) -> str:
        """The components as a table of text, each figure with its standard error."""
        rows = write_components(self.mixture, self.record.errors)
        table = pd.DataFrame(rows, columns=self.components.columns).rename_axis("component")
        return table.reset_index().to_string(index=False)

    def _repr_html_(self) -> str:
        """What a notebook shows: the last step as a picture, and the components as a table."""
        picture = BytesIO()
        self.plot().savefig(picture, format="png")
        code = base64.b64encode(picture.getvalue()).decode()
        rows = write_components(self.mixture, self.record.errors)
        table = pd.DataFrame(rows, columns=self.components.columns).to_html()
        return f'<img src="data:image/png;base64,{code}" alt="the last step">{table}'


@contextmanager
def open_rows(
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


def _label(
    source: Source, *, columns: tuple[str, str], predict: Callable[[Table], Any]
) -> pa.Table:
    """All rows of a source, and after their columns the results.

    Args:
        source: of the rows.
        columns: the two coordinates.
        predict: what makes the rows with their results of those of a table.
    """
    with open_rows(source, columns) as table:
        return table.read(predict(table))


def _label_frame(
    frame: pd.DataFrame, source: Source, label: Callable[[Source], pa.Table]
) -> pd.DataFrame:
    """The rows of a frame as they are, whatever their index, with their results beside them.

    Args:
        frame: the rows.
        source: the same, and the condition that rows have to meet.
        label: gives the rows of a source, in any order, and after their columns the results.
    """
    if source.frame is None:
        raise AssertionError("a frame is no rows in memory")
    place = "index"
    while any(str(name).lower() == place for name in frame.columns):
        place += "_"
    numbered = source.frame.append_column(place, pa.array(np.arange(len(frame))))
    labelled: pd.DataFrame = label(replace(source, frame=numbered)).to_pandas()
    results = labelled.iloc[:, numbered.num_columns :].set_axis(labelled[place]).sort_index()
    rows = frame if source.where is None else frame.iloc[results.index]
    return pd.concat([rows, results.set_axis(rows.index)], axis=1)
