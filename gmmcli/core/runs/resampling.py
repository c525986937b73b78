"""A fit in resampled points: errors by the bootstrap, and how often each candidate is the best."""

from collections.abc import Callable
from dataclasses import replace

from gmmcli.core.assessment.bootstrap import bootstrap
from gmmcli.core.assessment.choices import Rival, count_choices
from gmmcli.core.assessment.resamples import Resampling
from gmmcli.core.cells.cells import Cells
from gmmcli.core.runs.result import Fit
from gmmcli.core.search.criteria import Selection
from gmmcli.core.search.outcome import Outcome
from gmmcli.settings import BOOTSTRAP_RANGE


def resample(
    fit: Fit,
    outcome: Outcome,
    n_replicates: int,
    level: float,
    watch: Callable[[int], None] = lambda _number: None,
    interrupted: Callable[[], bool] = lambda: False,
) -> Fit:
    """A fit with errors by the bootstrap in place of those by the sandwich.

    Where it did not converge, it has neither. Where an interrupt ends the work, errors are of the
    resamples that are done by then, if these are as many as may be asked for.

    Args:
        fit: what a user is told of.
        outcome: what it came from.
        n_replicates: how many resamples.
        level: of the intervals.
        watch: called after each resample with its number, from 1 on.
        interrupted: asked after each whether to end with it.
    """
    if fit.diagnostics is None:
        return fit
    seed, grain = fit.settings.seed, outcome.grain
    plain = Resampling(n_replicates, seed, grain.find_squares(fit.cells), grain.worth)
    resampling = replace(plain, watch=watch, interrupted=interrupted)
    covariance, least = fit.settings.covariance, outcome.least
    found = bootstrap(fit.cells, fit.mixture, covariance, least, resampling=resampling, level=level)
    n_done = found.errors.n_replicates
    if n_done < min(n_replicates, BOOTSTRAP_RANGE.least):
        return fit
    diagnostics = replace(fit.diagnostics, errors=found.errors)
    selection = fit.selection
    if selection is not None:
        selection = share_choices(selection, fit.cells, replace(plain, n_replicates=n_done))
    return replace(fit, diagnostics=diagnostics, selection=selection, bootstrap=found)


def share_choices(selection: Selection, cells: Cells, resampling: Resampling) -> Selection:
    """A selection whose candidates that climbed know in which share of resamples each is the best.

    Args:
        selection: what a mixture was chosen from.
        cells: the data, in data units.
        resampling: how often, and how, they are drawn anew.
    """
    rivals = {
        place: Rival.of(
            cells,
            candidate.mixture,
            selection.value(candidate),
            worth=resampling.worth,
            weighs_doubt=selection.criterion == "icl",
        )
        for place, candidate in enumerate(selection.candidates)
        if candidate.mixture is not None
    }
    shares = count_choices(cells.counts, [*rivals.values()], resampling).shares
    candidates = list(selection.candidates)
    for place, share in zip(rivals, shares.tolist(), strict=True):
        candidates[place] = replace(candidates[place], share=share)
    return replace(selection, candidates=tuple(candidates))
