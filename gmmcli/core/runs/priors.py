"""A run as what is known before other data."""

from pathlib import Path

from gmmcli.core.assessment.worth import count_labelled
from gmmcli.core.mixture.knowledge import Knowledge, Prior
from gmmcli.core.runs.directory import RunRecord, read_run
from gmmcli.core.runs.layout import PARAMETERS
from gmmcli.errors import FitError


def weigh_run(run: RunRecord) -> Prior:
    """The prior that a run is: of its mixture, by as many points as it knew the components by."""
    mixture, worth = run.mixture, run.figures.worth
    weighed = run.cells.weigh(worth), mixture, run.settings.covariance, run.known.weigh(worth)
    counts = count_labelled(*weighed)
    return Prior(counts, mixture.means, mixture.covariances)


def read_prior(path: Path) -> Prior:
    """The prior that a run directory, or its parameters.json, is.

    Raises:
        RunError: naming the file that is missing, damaged or of an unknown format version.
    """
    return weigh_run(read_run(path.parent if path.name == PARAMETERS else path))


def check_resampling(known: Knowledge, n_resamples: int | None) -> None:
    """Refuse to resample for a fit that knows something before its data.

    Args:
        known: this.
        n_resamples: how many were asked for; None for none.

    Raises:
        FitError: where it does.
    """
    if n_resamples is not None and known.is_any:
        raise FitError(
            "--bootstrap resamples the data alone, and this fit has a prior or fixed parameters: "
            "leave out either"
        )
