"""What Python asks of a fit: the options of `gmm fit` by name, and what follows from them."""

import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Literal, TypedDict

from gmmcli.core.mixture import knowledge
from gmmcli.core.mixture.gaussians import Gaussians
from gmmcli.core.mixture.knowledge import NOTHING_KNOWN, Knowledge, Prior, check_number
from gmmcli.core.mixture.mixture import Mixture, read_mixture
from gmmcli.core.runs.directory import read_run
from gmmcli.core.runs.priors import weigh_run
from gmmcli.errors import OptionError
from gmmcli.ranges import check_flag, check_word, show, take_path
from gmmcli.run import Run
from gmmcli.settings import (
    BACKGROUNDS,
    BOOTSTRAP_RANGE,
    CELLS_RANGE,
    COVARIANCE_TYPES,
    LEARNING_RATES,
    LEVEL,
    LEVEL_RANGE,
    MOST_CELLS,
    OPTIMIZERS,
    PRIOR_WEIGHT_RANGE,
    VALLEY,
    VALLEY_RANGE,
    BackgroundChoice,
    Choice,
    CovarianceType,
    CriterionName,
    Effort,
    FitSettings,
    OptimizerName,
    read_components,
    read_covariances,
)


class Options(TypedDict, total=False):
    """What may be asked of a fit, by the names and with the defaults of `gmm fit`.

    Attributes:
        components: how many, the fewest and the most, or "auto".
        covariance: a type, several of which the best is taken, or "auto" for all.
        criterion: what decides where there is a choice.
        background: "auto", "on" or "off".
        start: what to begin with, in place of a search: a mixture, a run, or a path of its JSON,
            which may have a prior and name what is fixed.
        prior: what is known before: a mixture, a run, or the path of either; the fit starts there
            unless `start` says where.
        prior_weight: how many points that counts as; by default as many as a run knew it by.
        effort: how long to search.
        floor: the least standard deviation of a component, as a share of the data's.
        valley: from where on valleys divide no groups.
        level: the confidence level of intervals.
        bootstrap: how many resamples errors are of; None for those by the sandwich.
        optimizer: how to climb.
        learning_rate: the share of a full natural-gradient step, or Adam's rate.
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
    start: Mixture | Run | Path | str | None
    prior: Mixture | Run | Path | str | None
    prior_weight: float | None
    effort: Effort
    floor: float
    valley: float
    level: float
    bootstrap: int | None
    optimizer: OptimizerName
    learning_rate: float
    steps: int
    seed: int
    strict: bool
    exact: bool
    cells: int
    output: Path | str | None
    overwrite: bool


def check_options(options: Options) -> Options:
    """The options that neither a choice nor settings check, as they are checked, or by default.

    Raises:
        TypeError: for an option that there is not.
        OptionError: for a value that an option cannot have.
    """
    unknown = [name for name in options if name not in Options.__annotations__]
    if unknown:
        raise TypeError(f"fit has no option {unknown[0]!r}: see gmmcli.Options")
    output, number = options.get("output"), options.get("bootstrap")
    return {
        **options,
        "output": None if output is None else take_path("output", output),
        "valley": VALLEY_RANGE.check("valley", options.get("valley", VALLEY)),
        "bootstrap": None if number is None else BOOTSTRAP_RANGE.check("bootstrap", number),
        "level": LEVEL_RANGE.check("level", options.get("level", LEVEL)),
        "cells": CELLS_RANGE.check("cells", options.get("cells", MOST_CELLS)),
        "strict": check_flag("strict", options.get("strict", False)),
        "exact": check_flag("exact", options.get("exact", False)),
        "overwrite": check_flag("overwrite", options.get("overwrite", False)),
    }


def read_start(options: Options) -> tuple[Mixture | None, Knowledge]:
    """The mixture to begin with, None where one is searched for, and what is known before.

    Without its background where that is to be off.

    Raises:
        OptionError: when it is no mixture, or there are two priors.
        MixtureError: when it is a path at which there is none.
    """
    start, known = options.get("start"), NOTHING_KNOWN
    if isinstance(start, Run):
        start = start.mixture
    elif isinstance(start, str | os.PathLike):
        start, known = knowledge.read_start(Path(start))
    elif not isinstance(start, Mixture | None):
        raise OptionError(f"start is {show(start)}: give a mixture, a run, or the path of its JSON")
    if (told := _read_prior(options)) is not None:
        if known.prior is not None:
            raise OptionError("start has a prior of its own: leave out prior")
        mixture, prior = told
        start, known = mixture if start is None else start, replace(known, prior=prior)
        check_number(prior, start)
    if start is not None and options.get("background") == "off":
        start = Gaussians.of(start).to_mixture()
    return start, known


def _read_prior(options: Options) -> tuple[Mixture, Prior] | None:
    """What is known before, as a mixture and as a prior; None where nothing is.

    Raises:
        OptionError: when it is no mixture, or nobody says what it counts as.
        MixtureError: when it is a path at which there is none.
    """
    prior, weight = options.get("prior"), options.get("prior_weight")
    if weight is not None:
        weight = PRIOR_WEIGHT_RANGE.check("prior_weight", weight)
    if prior is None:
        if weight is not None:
            raise OptionError("prior_weight says how much prior counts: give prior, too")
        return None
    if isinstance(prior, str | os.PathLike):
        path = Path(prior)
        prior = Run(read_run(path)) if path.is_dir() else read_mixture(path)
    if isinstance(prior, Run):
        mixture = prior.mixture
        return mixture, weigh_run(prior.record) if weight is None else Prior.of(mixture, weight)
    if not isinstance(prior, Mixture):
        raise OptionError(f"prior is {show(prior)}: give a mixture, a run, or the path of either")
    if weight is None:
        raise OptionError("prior is a mixture of no points: give prior_weight, too")
    return prior, Prior.of(prior, weight)


def make_choice(options: Options, start: Mixture | None) -> Choice:
    """What the options, or a start, leave to be chosen from.

    Raises:
        OptionError: for a value that an option cannot have, or options that contradict each other.
    """
    components, background = options.get("components", "auto"), options.get("background")
    numbers: Literal["auto"] | tuple[int, int] = "auto"
    if not _is_auto(components):
        numbers = read_components(components)
    covariances = _read_types(options.get("covariance", FitSettings.covariance))
    if "background" in options:
        check_word("background", background, BACKGROUNDS)
    if start is not None:
        n_components = start.n_components, start.n_components
        if numbers not in ("auto", n_components):
            raise OptionError(
                f"components is {show(components)}, and start has {start.n_components}: leave out "
                "either"
            )
        if len(covariances) > 1:
            raise OptionError(
                "covariance with several types searches for a start: name one, or leave out start"
            )
        if background not in (None, "off"):
            raise OptionError(
                "a start says itself whether there is a background: leave out background, or drop "
                "it with background='off'"
            )
        numbers = n_components
    criterion = options.get("criterion", Choice.criterion)
    return Choice.among(numbers, covariances, criterion, background)


def make_settings(options: Options, choice: Choice) -> FitSettings:
    """What the options ask of a fit; where there is a choice, of its largest and first candidate.

    Raises:
        OptionError: for a value that an option cannot have.
    """
    optimizer = check_word("optimizer", options.get("optimizer", FitSettings.optimizer), OPTIMIZERS)
    return FitSettings(
        components=choice.most,
        covariance=choice.covariances[0],
        optimizer=optimizer,
        learning_rate=options.get("learning_rate", LEARNING_RATES[optimizer]),
        steps=options.get("steps", FitSettings.steps),
        seed=options.get("seed", FitSettings.seed),
        effort=options.get("effort", FitSettings.effort),
        floor=options.get("floor", FitSettings.floor),
    )


def _read_types(covariance: object) -> tuple[CovarianceType, ...]:
    if _is_auto(covariance):
        return COVARIANCE_TYPES
    return read_covariances(covariance if isinstance(covariance, list | tuple) else [covariance])


def _is_auto(value: object) -> bool:
    return isinstance(value, str) and value == "auto"
