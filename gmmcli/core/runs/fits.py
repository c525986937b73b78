"""A fit of cells as a run has it: of the mixture that a search finds, or from a start."""

from collections.abc import Sequence
from dataclasses import replace

from gmmcli.core.cells.cells import Cells
from gmmcli.core.cells.compression import Compression, Compressor
from gmmcli.core.inference.model import skip_checks
from gmmcli.core.mixture.knowledge import NOTHING_KNOWN, Knowledge
from gmmcli.core.mixture.mixture import Mixture
from gmmcli.core.search.choice import choose_mixture
from gmmcli.core.search.fit import fit_from
from gmmcli.core.search.hooks import Hooks
from gmmcli.core.search.outcome import Outcome
from gmmcli.settings import Choice, FitSettings


def make_hooks(compression: Compression, asked: Hooks | None = None) -> Hooks:
    """What a fit of a compressed table asks of its caller.

    Args:
        compression: the table as cells, which are cut where they are too coarse.
        asked: what else is asked.
    """
    finer = Compressor(compression).finer
    return replace(asked or Hooks(), finer=finer, grain=compression.grain)


def fit_starts(cells: Cells, settings: FitSettings, starts: Sequence[Mixture]) -> Outcome:
    """The best of where the climbs from some starts lead.

    Args:
        cells: the data, in data units, each as fine as it is.
        settings: what is asked for.
        starts: the mixtures to begin with, in data units.

    Raises:
        FitError: when a climb diverges.
    """
    with skip_checks():
        outcomes = [fit_from(cells, settings, start) for start in starts]
    return max(outcomes, key=lambda outcome: outcome.elbo)


def fit_cells(
    cells: Cells,
    settings: FitSettings,
    choice: Choice,
    start: Mixture | None,
    hooks: Hooks,
    known: Knowledge = NOTHING_KNOWN,
) -> Outcome:
    """The fit of the best mixture of some cells, or where the climb from a start leads.

    Args:
        cells: the data, in data units.
        settings: what is asked for; where there is no start, of what `choice` leaves open, too.
        choice: what the mixture is chosen from, where there is no start.
        start: the mixture to begin with, in data units; None where one is searched for.
        hooks: what the caller adds on the way.
        known: of the mixture before the data, where there is a start; in data units.

    Raises:
        TableError: when there are fewer distinct points than components, or their variance is
            out of double precision's reach.
        FitError: when the climb diverges, or what is fixed cannot be.
        MixtureError: when a prior is of another number of components than the start.
    """
    with skip_checks():
        if start is None:
            return choose_mixture(cells, settings, choice, hooks=hooks)
        return fit_from(cells, settings, start, known, hooks=hooks)
