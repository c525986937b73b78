"""How two runs differ, in words and numbers."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np
from rich.table import Table

from gmmcli.cli.summary import tabulate_components
from gmmcli.core.runs.components import write_with_error
from gmmcli.core.runs.words import list_components

if TYPE_CHECKING:
    from gmmcli.core.runs.comparison import Comparison


def tabulate_comparison(
    comparison: "Comparison", columns: tuple[str, str], width: int, *, unlikely: float = 1.96
) -> Table:
    """A table of how each component of the second run differs from its partner in the first.

    Args:
        comparison: of two runs.
        columns: the names of the two coordinates.
        width: of the table, in characters.
        unlikely: differences of more standard errors have a star: 5 in 100 have by chance.
    """
    names, rows = list[str](), list[list[str]]()
    for p, (one, other) in enumerate(comparison.pairs.tolist()):
        pairs = zip(comparison.differences[p], comparison.standard_errors[p], strict=True)
        row = [
            write_with_error(value, error) if np.isfinite(error) and error > 0 else f"{value:.4g}"
            for value, error in pairs
        ]
        stars = np.abs(comparison.z_scores[p]) > unlikely  # NaN is not
        marked = [text + "*" if star else text for text, star in zip(row, stars, strict=True)]
        names.append(f"{one}" if one == other else f"{one}, {other}")
        rows.append(marked)
    return tabulate_components(rows, columns, width, names=names)


def describe_comparison(
    comparison: "Comparison", first: str, second: str, *, unlikely: float = 0.05
) -> Iterator[str]:
    """Lines on what the table shows, on components without a partner, and on the test of one.

    Args:
        comparison: of two runs.
        first: the name of the one.
        second: that of the other.
        unlikely: below it, a p-value is held to be against one mixture.
    """
    yield (
        f"{second} less {first}, with standard errors of the last digits in brackets; a star marks "
        "differences of more than 1.96 standard errors, as 5 in 100 are by chance"
    )
    for name, numbers in zip((first, second), comparison.alone, strict=True):
        if numbers:
            yield f"without a partner: {list_components(numbers)} of {name}"
    if comparison.are_of_one_source:
        yield f"{first} and {second} are of the same table: what is told takes independent data"
    if pairs := [pair for pair in comparison.pairs.tolist() if pair[0] != pair[1]]:
        one, other = pairs[0]
        yield f"'{one}, {other}' is component {one} of {first} and component {other} of {second}"
    ratio = comparison.likelihood_ratio
    if ratio is None:
        yield (
            "no test of one mixture for both: it takes as many components of one covariance type, "
            "without a background, a prior or fixed parameters"
        )
        return
    verdict = "the data do not tell the two mixtures apart"
    if ratio.p_value < unlikely:
        verdict = "the two mixtures differ by more than chance brings"
    if ratio.is_doubtful:
        verdict = "too small, as components are not Gaussian; go by the differences"
    yield (
        f"likelihood-ratio test of one mixture for both: {ratio.statistic:.2f} with "
        f"{ratio.degrees} degrees of freedom, p {write_p_value(ratio.p_value)}: {verdict}"
    )


def write_p_value(p_value: float, *, least: float = 1e-300) -> str:
    """A p-value with its sign: '= 0.123', '= 1.2e-05' or '< 1e-300'."""
    if p_value < least:
        return f"< {least:g}"
    return f"= {p_value:.3f}" if p_value >= 0.001 else f"= {p_value:.1e}"
