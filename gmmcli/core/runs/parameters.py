"""The parameters of a run as JSON: the mixture, how it was found, and from what.

Apart from `directory`, so that `gmm predict` loads no tables of history.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import cache
from importlib.metadata import version
from pathlib import Path
from platform import python_version
from typing import Any, TypeVar

from gmmcli import __version__
from gmmcli.core.groups.groups import Groups
from gmmcli.core.groups.terrain import survey
from gmmcli.core.groups.tree import Tree
from gmmcli.core.mixture.knowledge import NOTHING_KNOWN, Knowledge
from gmmcli.core.mixture.mixture import Mixture
from gmmcli.core.mixture.objects import MOST_BYTES
from gmmcli.core.mixture.units import Nats
from gmmcli.core.runs.asked import Asked
from gmmcli.core.runs.figures import Figures
from gmmcli.core.runs.history import Snapshots
from gmmcli.core.runs.layout import PARAMETERS
from gmmcli.core.runs.reading import DamageError, parse_json, read_file
from gmmcli.core.runs.result import Fit, Provenance
from gmmcli.core.search.criteria import Selection
from gmmcli.errors import RunError
from gmmcli.settings import COVARIANCE_TYPES, CRITERIA, VALLEY, CovarianceType, CriterionName

FORMAT = "gmmcli/1"
PACKAGES = ("torch", "pyro-ppl", "numpy", "pandas", "ibis-framework", "duckdb", "matplotlib")

Word = TypeVar("Word", bound=str)


@dataclass(frozen=True)
class Parameters:
    """What a run's JSON says that pictures and predictions need.

    Attributes:
        columns: the names of the two coordinates.
        mixture: the final mixture, in data units.
        covariance: its covariance type.
        criterion: what it was chosen by; None where there was no choice.
        snapshots: which steps the fit was asked to show.
        n_points: N.
        by: the column whose values were fitted by themselves too; None where none was.
        groups: of the mixture; None where an earlier version wrote the run.
        where: the condition that the fitted rows meet; None where there was none.
        figures: how the fit went; None of a mixture that is no run's.
        known: of the mixture before the data.
    """

    columns: tuple[str, str]
    mixture: Mixture
    covariance: CovarianceType
    criterion: CriterionName | None
    snapshots: Snapshots
    n_points: float
    by: str | None = None
    groups: Groups | None = None
    where: str | None = None
    figures: Figures | None = None
    known: Knowledge = NOTHING_KNOWN

    def choose_groups(self, valley: float | None) -> tuple[Tree, float]:
        """The tree of the modes, and from where on valleys divide no groups.

        Args:
            valley: as was asked for; by default that of the fit.
        """
        tree = survey(self.mixture)[1] if self.groups is None else self.groups.tree
        return tree, choose_valley(self.groups, valley)


def choose_valley(groups: Groups | None, valley: float | None) -> float:
    """From where on valleys divide no groups: as was asked for, or else as a run's groups have it.

    Args:
        groups: of the run; None where an earlier version wrote it.
        valley: as was asked for; None where it was not.
    """
    if valley is not None:
        return valley
    return VALLEY if groups is None else groups.valley


def collect_parameters(
    fit: Fit, provenance: Provenance, exact_log_likelihood: Nats | None
) -> dict[str, Any]:
    """What a run's JSON holds, given a fit, where it came from, and its exact log-likelihood."""
    return {
        "format": FORMAT,
        **_write_mixture(fit.mixture, fit.cells.n_points),
        **fit.known.to_json(),
        "columns": list(provenance.columns),
        "fit": {
            "status": fit.status.value,
            "steps": fit.history.last_step,
            "points": _drop_fraction(fit.cells.n_points),
            "log_likelihood": fit.elbo,
            **asdict(fit.criteria),
            "cells": fit.cells.n_cells,
            "compression_gap": fit.cost.gap,
            "compression_shift": fit.cost.shift,
            "coarse": fit.cost.is_coarse,
            "exact_log_likelihood": exact_log_likelihood,
            "floored": list(fit.floored),
            "search": None if fit.search is None else asdict(fit.search),
            "seconds": round(fit.seconds, 3),
        },
        "groups": fit.groups.to_json(),
        **_describe_kin(provenance),
        "selection": None if fit.selection is None else _summarize_selection(fit.selection),
        "settings": {**asdict(fit.settings), **provenance.asked.to_json()},
        "data": {
            "path": provenance.source,
            "rows": provenance.n_rows,
            "skipped_rows": provenance.n_skipped,
        },
        "versions": find_versions(),
    }


@cache
def find_versions() -> dict[str, str]:
    """The versions of this program, of Python, and of the packages that numbers may depend on."""
    packages = {package: version(package) for package in PACKAGES}
    return {"gmmcli": __version__, "python": python_version(), **packages}


def read_json(run: Path) -> Any:
    """All that the JSON of a run holds, as it stands there.

    Raises:
        RunError: naming the file that is missing or damaged.
    """
    return read_file(run / PARAMETERS, parse_json, most_bytes=MOST_BYTES)


def read_parameters(run: Path) -> Parameters:
    """What the JSON of a run says.

    Args:
        run: its directory, or that file itself.

    Raises:
        RunError: naming the file that is missing, damaged or of an unknown format version.
    """
    path = run if run.name == PARAMETERS and not run.is_dir() else run / PARAMETERS
    if not path.exists():
        lack = f", it has no {PARAMETERS}" if run.is_dir() else ""
        raise RunError(f"{run} is not a run directory{lack}: give one that gmm fit wrote")
    return read_file(path, _parse_parameters, most_bytes=MOST_BYTES)


def _write_mixture(mixture: Mixture, n_points: float) -> dict[str, Any]:
    """The mixture, with its axes, and how many of the points its background has, if any."""
    values = mixture.to_json()
    values["axes"] = [axes._asdict() for axes in mixture.axes]
    if mixture.background is not None:
        values["background"]["count"] = mixture.background.weight * n_points
    return values


def _describe_kin(provenance: Provenance) -> dict[str, Any]:
    """What other run a fit is like, and whose part it is; nothing of a fit that has no other."""
    kin = {"like": provenance.like, "by": provenance.by}
    return {name: tie.to_json() for name, tie in kin.items() if tie is not None}


def _summarize_selection(selection: Selection) -> dict[str, Any]:
    """What a mixture was chosen by, and what came next; the rest is in a table of its own."""
    second, next_best = selection.runner_up, None
    if second is not None:
        named = {"components": second.components, "covariance": second.covariance}
        next_best = {**named, "difference": selection.lead}
    return {"criterion": selection.criterion, "runner_up": next_best}


def _drop_fraction(number: float) -> int | float:
    """A number as JSON should show it: without a fraction where it has none."""
    return int(number) if number.is_integer() else number


def _parse_parameters(path: Path) -> Parameters:
    values = parse_json(path)
    if values["format"] != FORMAT:
        raise RunError(
            f"{path} has format {values['format']!r}, and this gmm reads {FORMAT!r}: "
            "use the gmm that wrote it, or fit the data again"
        )
    x, y = columns = values["columns"]
    if not (isinstance(x, str) and isinstance(y, str)):
        raise DamageError(f"columns are {columns}")
    figures = Figures.from_json(values)
    asked = Asked.from_json(values["settings"])
    selection, groups = values["selection"], values.get("groups")
    mixture = Mixture.from_json(values)
    return Parameters(
        columns=(x, y),
        mixture=mixture,
        covariance=pick(COVARIANCE_TYPES, values["settings"]["covariance"]),
        criterion=pick(CRITERIA, selection["criterion"]) if selection else None,
        snapshots=asked.snapshots,
        n_points=figures.n_points,
        by=asked.by,
        groups=None if groups is None else Groups.from_json(groups),
        where=asked.where,
        figures=figures,
        known=Knowledge.from_json(values, mixture),
    )


def pick(words: Sequence[Word], word: object) -> Word:
    """The word, if it is one of these.

    Raises:
        DamageError: naming them, where it is not.
    """
    for known in words:
        if word == known:
            return known
    raise DamageError(f"{word!r} is none of {', '.join(words)}")
