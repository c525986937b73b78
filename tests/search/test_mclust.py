"""All covariance types against the BIC of mclust 6.0, with the sign and units that `gmm` has."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from builders import ROOT, SAMPLE_DATA, cells_of, choose, fit

from gmmcli.core.search.status import Status
from gmmcli.settings import COVARIANCE_CODES, Choice, Effort, FitSettings

CASES = ROOT / "tests" / "cases"
TABLES: dict[str, Path] = {
    "old_faithful": SAMPLE_DATA / "old_faithful.csv",
    "iris_petals": CASES / "iris_petals.csv",
}
NAMES = {code: name for name, code in COVARIANCE_CODES.items()}
TABLE = pd.read_csv(CASES / "mclust_bic.csv").dropna()
ENTRIES = [tuple(row) for row in TABLE.itertuples(index=False)]
# mclust takes rounded values as they are. With rounding in the likelihood these two are not its
# best, by 3.0 and 6.4; of the values as they are the BIC found is higher by this.
BY_ROUNDING = {("iris_petals", 5, "EEE"): 0.11, ("iris_petals", 5, "EVV"): 2.5}
SOME = [
    ("old_faithful", 2, "VEE"),
    ("old_faithful", 2, "EVV"),
    ("old_faithful", 3, "EEI"),
    ("old_faithful", 3, "EVE"),
    ("iris_petals", 2, "EEV"),
    ("iris_petals", 3, "VVE"),
    ("iris_petals", 4, "VEI"),
    ("iris_petals", 3, "VEV"),
]


def check_entry(table: str, components: int, code: str, bic: float, effort: Effort) -> None:
    """Fit one entry; it converges, and its BIC is mclust's or lower."""
    points = pd.read_csv(TABLES[table]).select_dtypes("number").to_numpy(np.float64)[:, :2]
    settings = FitSettings(components, covariance=NAMES[code], effort=effort)
    found = fit(cells_of(points), settings)
    assert found.status is Status.CONVERGED
    assert found.criteria.bic <= bic + BY_ROUNDING.get((table, components, code), 0.1)


@pytest.mark.parametrize(("table", "components", "code"), SOME)
def test_types_fit_as_well_as_mclusts(table: str, components: int, code: str) -> None:
    (bic,) = (entry[3] for entry in ENTRIES if entry[:3] == (table, components, code))
    check_entry(table, components, code, bic, "normal")


@pytest.mark.slow
@pytest.mark.parametrize(("table", "components", "code", "bic"), ENTRIES)
def test_all_types_fit_as_well_as_mclusts(
    table: str, components: int, code: str, bic: float
) -> None:
    check_entry(table, components, code, bic, "thorough")


def test_the_best_of_all_types_on_iris_petals_is_lower_than_any_of_mclusts() -> None:
    points = pd.read_csv(TABLES["iris_petals"]).to_numpy(np.float64)[:, :2]
    choice = Choice(1, 6, False, tuple(COVARIANCE_CODES), background="off")
    found = choose(cells_of(points), FitSettings(), choice)
    assert found.settings.covariance == "VVE"
    assert found.criteria.bic <= TABLE.bic[TABLE.table == "iris_petals"].min() + 0.1
