"""Where a fit is not to be trusted: what is said of it, and that nothing is where all is well."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from builders import candidate_of, cells_of, fit, sampled, spread_clusters
from click.testing import Result

from gmmcli.core.mixture.units import Nats
from gmmcli.core.runs.cautions import (
    caution,
    caution_on_errors,
    caution_on_search,
    caution_on_selection,
    describe_coarseness,
)
from gmmcli.core.search.criteria import Candidate, Selection
from gmmcli.core.search.outcome import Search, SecondOptimum
from gmmcli.settings import Effort, FitSettings


@pytest.mark.parametrize(
    ("search", "effort", "lines"),
    [
        (None, "normal", []),
        (Search(1, 1), "normal", []),
        (Search(3, 2), "normal", []),
        (
            Search(5, 1),
            "normal",
            [
                "no two passes of the search came to this optimum: there may be a better one, "
                "which --effort thorough may find"
            ],
        ),
        (
            Search(9, 0),
            "thorough",
            [
                "no two passes of the search came to this optimum: there may be a better one, "
                "which another --seed may find"
            ],
        ),
    ],
)
def test_an_optimum_that_no_other_pass_came_to_is_in_doubt(
    search: Search | None, effort: Effort, lines: list[str]
) -> None:
    found = fit(cells_of(sampled(spread_clusters(2), 50)), FitSettings(2))
    settings = replace(found.settings, effort=effort)
    assert list(caution_on_search(replace(found, settings=settings, search=search))) == lines


def thin(components: int, bic: float, surcharge: float) -> Candidate:
    """A candidate with components so thin that they cost more than their parameters."""
    return replace(candidate_of(components, bic), surcharge=surcharge)


@pytest.mark.parametrize(
    ("candidates", "chosen", "lines"),
    [
        ([candidate_of(2, 10.0), candidate_of(3, 12.0)], 0, []),
        (
            [candidate_of(2, 10.0), candidate_of(3, 11.9), candidate_of(4, 20.0)],
            0,
            [
                "the data do not distinguish 2 components (full) from 3 components (full): "
                "their BIC differs by less than 2; prefer the simpler, or fit each with -k"
            ],
        ),
        (
            [candidate_of(2, 30.0), candidate_of(3, 12.0)],
            1,
            ["the best number of components ends the range: try more, such as -k 3:6"],
        ),
        (
            [candidate_of(1, 30.0), thin(2, 9.5, 25.0), candidate_of(3, 40)],
            0,
            [
                "passed over 2 components (full), BIC 20.50 lower, for components as thin as "
                "chance brings"
            ],
        ),
        (
            [candidate_of(1, 30.0), thin(2, 9.5, 25.0), thin(3, 8.0, 30.0)],
            0,
            [
                "passed over 3 components (full) and 1 other, BIC 22.00 lower, for components as "
                "thin as chance brings"
            ],
        ),
    ],
)
def test_a_choice_in_doubt(candidates: list[Candidate], chosen: int, lines: list[str]) -> None:
    assert list(caution_on_selection(Selection(tuple(candidates), "bic", chosen))) == lines


def test_what_to_do_depends_on_what_is_in_doubt() -> None:
    alike = (candidate_of(2, 10.0), replace(candidate_of(2, 11.0), covariance="tied"))
    (line,) = caution_on_selection(Selection(alike, "bic", 0))
    assert line.endswith("prefer the simpler, or fit each with --covariance")


@pytest.mark.parametrize(
    ("ratio", "shift", "line"),
    [
        (0.5, 0.01, "some cells are too coarse to be sure of the parameters to 0.05 standard"),
        (0.5, 0.2, "the cells are too coarse: they move parameters by up to 0.200 standard errors"),
        (2, 0.01, "the cells are too coarse: the true gap is 2.0 times the largest"),
        (20, 0.01, "the cells are far too coarse: the true gap is 20.0 times the largest"),
    ],
)
def test_cells_are_more_or_less_too_coarse(ratio: float, shift: float, line: str) -> None:
    assert describe_coarseness("true gap", ratio, shift).startswith(line)


def test_a_component_on_few_points(work: Path, run: Callable[..., Result]) -> None:
    generator = np.random.default_rng(0)
    points = np.concatenate([generator.normal(0, 1, (60, 2)), generator.normal(100, 1, (4, 2))])
    pd.DataFrame(points, columns=["x", "y"]).to_csv("d.csv", index=False)
    assert run("fit", "d.csv", "-k", 2, "--no-frames").stderr.splitlines()[-1] == (
        "on fewer than 6 points: component 1; its shape is a guess"
    )


def test_one_component_on_few_points_is_not_said_to_be_too_many(
    work: Path, run: Callable[..., Result]
) -> None:
    Path("few.csv").write_text("x,y\n1,2\n3,5\n4,4\n")
    messages = run("fit", "few.csv", "-k", 1, "--no-frames").stderr
    assert messages.splitlines()[-1] == (
        "on fewer than 6 points: component 0; its shape is a guess"
    )


def test_components_as_thin_as_can_be(work: Path, run: Callable[..., Result]) -> None:
    rows = "".join(f"{x},{2 * x + 1}\n" for x in (*range(20), *range(60, 80)))
    Path("line.csv").write_text("x,y\n" + rows)
    result = run("fit", "line.csv", "-k", 2, "--no-frames")
    assert "as thin as can be: components 0, 1" in result.stderr
    assert json.loads(Path("line/parameters.json").read_text())["fit"]["floored"] == [0, 1]


def test_eight_points_hold_as_many_components_as_are_asked_for(
    work: Path, run: Callable[..., Result]
) -> None:
    rows = "".join(f"{x},{x * x}\n" for x in range(8))
    Path("few.csv").write_text("x,y\n" + rows)
    run("fit", "few.csv", "-k", 2, "--no-frames")
    assert len(json.loads(Path("few/parameters.json").read_text())["weights"]) == 2


def test_a_component_without_points(work: Path, run: Callable[..., Result]) -> None:
    start = ("--init", "sample_data/article_start.json")
    messages = run("fit", "sample_data/old_faithful.csv", *start, "--no-frames").stderr
    line = "without points: component 0; start elsewhere, or lower -k"
    assert line in messages.splitlines()
    assert "overlap so much" not in messages


ERRORS = fit(cells_of(sampled(spread_clusters(2), 300)), FitSettings(2)).errors
NUMBERS = np.array([150.0, 150.0])


@pytest.mark.parametrize(
    ("changes", "line"),
    [
        ({}, None),
        (
            {"standard_errors": 2.0},
            "standard errors allow for components that are not quite Gaussian: they differ by a "
            "factor of up to 2.0 from those of Gaussian ones",
        ),
        (
            {"least_information": 0.05},
            "some components overlap so much that standard errors come out too small: "
            "--bootstrap 200 gives better ones",
        ),
        ({"least_information": 0.05, "method": "bootstrap", "n_replicates": 100}, None),
        ({"standard_errors": 2.0, "method": "bootstrap", "n_replicates": 100}, None),
        (
            {"method": "bootstrap", "n_replicates": 100, "n_left_out": 6},
            "6 of 100 resamples are not among the errors, as a component lost its points or no "
            "optimum was found: prefer fewer components",
        ),
    ],
)
def test_errors_in_doubt_have_a_line(changes: dict[str, Any], line: str | None) -> None:
    assert ERRORS is not None
    changed = dict(changes)
    if (factor := changed.pop("standard_errors", None)) is not None:
        changed["standard_errors"] = factor * ERRORS.model_standard_errors
    lines = [] if line is None else [line]
    assert list(caution_on_errors(replace(ERRORS, **changed), NUMBERS)) == lines


def test_nobody_is_sent_to_resamples_that_are_refused() -> None:
    assert ERRORS is not None
    little = replace(ERRORS, least_information=0.05)
    (line,) = caution_on_errors(little, NUMBERS, can_resample=False)
    assert "--bootstrap" not in line


def test_another_optimum_has_a_line() -> None:
    found = fit(cells_of(sampled(spread_clusters(2), 300)), FitSettings(2))
    second = SecondOptimum(found.mixture, Nats(1.25))
    (line,) = caution(replace(found, second=second), None, is_weighted=False)
    assert line == (
        "another optimum is nearly as good, its log-likelihood 1.25 nats lower, with components "
        "elsewhere: second.json has it, for --init"
    )
