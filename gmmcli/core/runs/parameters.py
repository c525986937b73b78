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
from gmmcli.core.assessment.diagnostics import Diagnostics
from gmmcli.core.groups.groups import Groups
from gmmcli.core.groups.terrain import survey
from gmmcli.core.groups.tree import Tree
from gmmcli.core.mixture.knowledge import NOTHING_KNOWN, Knowledge
from gmmcli.core.mixture.mixture import Mixture
from gmmcli.core.mixture.objects import MOST_BYTES
from gmmcli.core.mixture.units import Nats
from gmmcli.core.runs.asked import Asked, read_settings
from gmmcli.core.runs.figures import Figures
from gmmcli.core.runs.layout import PARAMETERS
from gmmcli.core.runs.reading import DamageError, parse_json, read_file, read_value
from gmmcli.core.runs.result import Fit, Provenance
from gmmcli.core.search.criteria import Selection
from gmmcli.errors import RunError
from gmmcli.settings import CRITERIA, VALLEY, CovarianceType, CriterionName, FitSettings

FORMAT = "gmmcli/1"
PACKAGES = ("torch", "pyro-ppl", "numpy", "pandas", "ibis-framework", "duckdb", "matplotlib")

Word = TypeVar("Word", bound=str)


@dataclass(frozen=True)
class Parameters:
    """What a run's JSON says.

    Attributes:
        provenance: where the fit came from.
        settings: what was asked for; where there was a choice, with what was chosen.
        mixture: the final mixture, in data units.
        criterion: what it was chosen by; None where there was no choice.
        figures: how the fit went; None of a mixture that is no run's.
        diagnostics: how far it is to be trusted; None where the fit did not converge, or an
            earlier version wrote the run.
        groups: of the mixture; None where an earlier version wrote the run.
        known: of the mixture before the data.
    """

    provenance: Provenance
    settings: FitSettings
    mixture: Mixture
    criterion: CriterionName | None = None
    figures: Figures | None = None
    diagnostics: Diagnostics | None = None
    groups: Groups | None = None
    known: Knowledge = NOTHING_KNOWN

    @property
    def columns(self) -> tuple[str, str]:
        """The names of the two coordinates."""
        return self.provenance.columns

    @property
    def covariance(self) -> CovarianceType:
        """The covariance type."""
        return self.settings.covariance

    @property
    def by(self) -> str | None:
        """The column whose values were fitted by themselves too; None where none was."""
        return self.provenance.asked.by

    @property
    def where(self) -> str | None:
        """The condition that the fitted rows meet; None where there was none."""
        return self.provenance.asked.where

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
            "steps": fit.history.last_step,
            "cells": fit.cells.n_cells,
            **Figures.of(fit, exact_log_likelihood).to_json(),
        },
        **({"uncertainty": None} if fit.diagnostics is None else fit.diagnostics.to_json()),
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


def _parse_parameters(path: Path) -> Parameters:
    values = parse_json(path)
    if values["format"] != FORMAT:
        raise RunError(
            f"{path} has format {values['format']!r}, and this gmm reads {FORMAT!r}: "
            "use the gmm that wrote it, or fit the data again"
        )
    selection, groups = values["selection"], values.get("groups")
    mixture = Mixture.from_json(values)
    found = Parameters(
        provenance=_parse_provenance(values),
        settings=read_settings(values["settings"]),
        mixture=mixture,
        criterion=pick(CRITERIA, selection["criterion"]) if selection else None,
        figures=Figures.from_json(values["fit"]),
        diagnostics=Diagnostics.from_json(values),
        groups=None if groups is None else Groups.from_json(groups),
        known=Knowledge.from_json(values, mixture),
    )
    diagnostics = found.diagnostics
    if diagnostics is not None and len(diagnostics.errors.axes) != mixture.n_components:
        raise DamageError("uncertainty is of another number of components")
    return found


def _parse_provenance(values: Any) -> Provenance:
    """Where a fit came from, as its JSON tells it; without what it is like, or a part of.

    Raises:
        DamageError: naming a value that it cannot have.
    """
    x, y = columns = values["columns"]
    if not (isinstance(x, str) and isinstance(y, str)):
        raise DamageError(f"columns are {columns}")
    data, names = values["data"], ("rows", "skipped_rows")
    n_rows, n_skipped = (read_value(int, data[name], f"data.{name}") for name in names)
    if n_skipped < 0:
        raise DamageError(f"data.skipped_rows is {n_skipped}")
    source = read_value(str, data["path"], "data.path")
    return Provenance((x, y), source, n_rows, n_skipped, Asked.from_json(values["settings"]))


def pick(words: Sequence[Word], word: object) -> Word:
    """The word, if it is one of these.

    Raises:
        DamageError: naming them, where it is not.
    """
    for known in words:
        if word == known:
            return known
    raise DamageError(f"{word!r} is none of {', '.join(words)}")
