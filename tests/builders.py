"""Data, mixtures and checks that several tests build on."""

import math
import zipfile
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape

import numpy as np
import torch
from click.testing import Result
from numpy.typing import ArrayLike

from gmmcli.core.cells.cells import Cells
from gmmcli.core.cells.compression import Compressor
from gmmcli.core.cells.places import IntArray
from gmmcli.core.cells.refinement import CompressionCost
from gmmcli.core.mixture.background import Background
from gmmcli.core.mixture.covariances import FloatArray
from gmmcli.core.mixture.ellipses import Ellipses
from gmmcli.core.mixture.mixture import Mixture, read_mixture
from gmmcli.core.mixture.sampling import ARTICLE, sample
from gmmcli.core.mixture.structures import CovarianceStructure
from gmmcli.core.mixture.units import Nats, NatsPerPoint
from gmmcli.core.runs.asked import Asked
from gmmcli.core.runs.directory import RunRecord
from gmmcli.core.runs.figures import Figures
from gmmcli.core.runs.history import History
from gmmcli.core.runs.result import Fit, Provenance, describe
from gmmcli.core.search.choice import choose_mixture
from gmmcli.core.search.criteria import Candidate, Criteria
from gmmcli.core.search.fit import fit_from
from gmmcli.core.search.hooks import Hooks
from gmmcli.core.search.sketch import sketch_mixture
from gmmcli.core.search.status import Status
from gmmcli.core.tables.source import Source
from gmmcli.core.tables.table import Table, open_table
from gmmcli.settings import Choice, FitSettings

ROOT = Path(__file__).parent.parent
SAMPLE_DATA = ROOT / "sample_data"
# Of a table that becomes cells.
N_ROWS = 60_000

# What NumPy makes an array of: lists of lists and arrays too.
Numbers = ArrayLike | Sequence[object]


def table_of(path: Path, **options: Any) -> Table:
    """The table in a file."""
    return open_table(Source(str(path)), **options)


def mixture_of(weights: Numbers, means: Numbers, covariances: Numbers) -> Mixture:
    """The mixture with these parameters."""
    return Mixture(
        np.asarray(weights, dtype=float),
        np.asarray(means, dtype=float),
        np.asarray(covariances, dtype=float),
    )


def cells_of(points: FloatArray, counts: ArrayLike | None = None) -> Cells:
    """One cell for each point."""
    n = len(points)
    counted = np.ones(n) if counts is None else np.array(counts, dtype=float)
    return Cells(counted, points, np.zeros((n, 2, 2)))


def overlap(n_components: int, seed: int) -> Mixture:
    """Random components of any shape that overlap."""
    random = np.random.default_rng(seed)
    roots = random.normal(size=(n_components, 2, 2))
    covariances = 0.3 * roots @ roots.swapaxes(1, 2) + 0.05 * np.eye(2)
    means = random.normal(size=(n_components, 2)) * np.sqrt(n_components) / 2
    return mixture_of(random.dirichlet(np.full(n_components, 3.0)), means, covariances)


def sampled(mixture: Mixture, n_points: int, seed: int = 0) -> FloatArray:
    """Points of a mixture, shape (N, 2)."""
    return np.concatenate([points for points, _ in sample(mixture, n_points, seed=seed)])


def random_mixture(n_components: int, seed: int, spread: float = 2.0) -> Mixture:
    """A mixture with random weights, means and full covariances."""
    generator = np.random.default_rng(seed)
    roots = generator.normal(size=(n_components, 2, 2))
    return Mixture(
        generator.dirichlet(np.full(n_components, 5.0)),
        generator.normal(0, spread, (n_components, 2)),
        roots @ roots.swapaxes(1, 2) + 0.1 * np.eye(2),
    )


def ellipses_of_type(
    structure: CovarianceStructure, values: FloatArray, n_components: int
) -> Ellipses:
    """The ellipses of a type, from its free parameters in the order of its letters."""
    parts, place = list[FloatArray](), 0
    for letter in structure.code:
        size = {"V": n_components, "E": 1, "I": 0}[letter]
        own = values[place : place + size]
        parts.append(np.resize(own, n_components) if size else np.zeros(n_components))
        place += size
    return Ellipses(*parts)


def count_covariances(structure: CovarianceStructure, n_components: int) -> int:
    """How many parameters the covariances of a type have."""
    return structure.n_own * n_components + structure.n_shared


def over_background(mixture: Mixture, weight: float, points: FloatArray) -> Mixture:
    """The mixture with a background of a weight over the box of some points, shape (N, 2)."""
    box = np.stack([points.min(axis=0), points.max(axis=0)], axis=1)
    weights = (1 - weight) * mixture.weights
    return replace(mixture, weights=weights, background=Background.over(box, weight))


def touching_clusters(n_clusters: int, seed: int) -> Mixture:
    """Clusters of one size at random places, none nearer to another than four deviations."""
    generator = np.random.default_rng(seed)
    means: list[FloatArray] = []
    while len(means) < n_clusters:
        place = generator.uniform(0, 20, 2)
        if all(np.linalg.norm(place - mean) > 4 for mean in means):
            means.append(place)
    weights = np.full(n_clusters, 1 / n_clusters)
    return Mixture(weights, np.array(means), np.tile(np.eye(2), (n_clusters, 1, 1)))


def spread_clusters(n_clusters: int) -> Mixture:
    """Small round clusters on a grid."""
    means = 8.0 * np.stack(np.divmod(np.arange(n_clusters), 6), axis=1)
    weights = np.full(n_clusters, 1 / n_clusters)
    return Mixture(weights, means, np.tile(np.eye(2), (n_clusters, 1, 1)))


def n_missed(found: Mixture, true: Mixture) -> int:
    """How many true means are no found mean's nearest: the centroid index (Fränti et al. 2014)."""
    apart = np.linalg.norm(found.means[:, None] - true.means, axis=2)
    return true.n_components - len(set(apart.argmin(axis=1)))


def one_line_error(result: Result) -> str:
    """The error that a command ended with, which must be one line on stderr."""
    errors = [line for line in result.stderr.splitlines() if line.startswith("Error: ")]
    assert len(errors) == 1
    assert result.stderr.rstrip().splitlines()[-1] == errors[0]
    assert "Traceback" not in result.output
    return errors[0]


def candidate_of(components: int, bic: float, status: Status = Status.CONVERGED) -> Candidate:
    """A candidate with full covariances, a BIC and a status."""
    return Candidate(components, "full", 0.0, 1, Criteria(bic, bic, bic), status)


def run_of(points: FloatArray, history: History) -> RunRecord:
    """A run of points, one cell each, with a history."""
    last = history.snapshot(history.last_step).mixture
    n_points, elbo = float(len(points)), Nats(history.elbos[-1])
    cost = CompressionCost(NatsPerPoint(0.0), 0.0, None, is_coarse=False)
    figures = Figures(
        status=Status.CONVERGED,
        n_points=n_points,
        n_effective=n_points,
        log_likelihood=elbo,
        exact_log_likelihood=None,
        cost=cost,
        criteria=Criteria(0.0, 0.0, 0.0),
        floored=(),
        search=None,
        background_gain=-math.inf,
        seconds=0.0,
    )
    provenance = Provenance(("x", "y"), "points", len(points), 0, Asked())
    settings = FitSettings(last.n_components)
    return RunRecord(provenance, settings, last, history, cells_of(points), figures)


def article_run() -> RunRecord:
    """The run of a fit to the article's example, from its bad start."""
    points = sampled(ARTICLE, 300)
    start = read_mixture(SAMPLE_DATA / "article_start.json")
    result = fit(cells_of(points), FitSettings(covariance="diag"), start=start)
    return run_of(points, result.history)


def written(path: Path, points: FloatArray) -> Table:
    """The table of a CSV file with these points."""
    np.savetxt(path, points, delimiter=",", header="x,y", comments="", fmt="%.17g")
    return table_of(path)


def sketch(n_components: int) -> Callable[[Cells], Mixture]:
    """What finds a mixture of so many components near some points."""
    return partial(sketch_mixture, n_components=n_components)


def gaussian(n: int, mean: tuple[float, float], sd: float, seed: int) -> FloatArray:
    """Points of a round Gaussian, shape (n, 2)."""
    return np.random.default_rng(seed).normal(mean, sd, (n, 2))


def hair_apart() -> FloatArray:
    """Two tight clusters within a deviation of each other's edge, in a wide field of points."""
    n = N_ROWS // 4
    clusters = [gaussian(n, (3, 3), 0.001, 1), gaussian(n, (3.005, 3), 0.001, 2)]
    return np.concatenate([*clusters, gaussian(2 * n, (0, 0), 10, 3)])


def hooks_of(compressor: Compressor) -> Hooks:
    """The hooks of a fit to the cells of a table, which are cut as it asks for."""
    return Hooks(compressor.finer, compressor.compression.grain)


def shuffled(points: FloatArray) -> FloatArray:
    """The points in random order."""
    return np.random.default_rng(0).permutation(points)


def moved_by(found: Mixture, exact: Mixture, points: FloatArray) -> tuple[FloatArray, FloatArray]:
    """How far parameters are from the exact ones, (K, 6), and their farthest combinations, (K,).

    In standard errors, of the empirical Fisher information; in the order of weight; mean;
    covariance, along the axes in which the exact component is round. A background keeps its weight.
    """
    n_components, factors = exact.n_components, exact.cholesky_factors()
    inverses = np.linalg.inv(factors)
    away = np.einsum("kij,nkj->nki", inverses, points[:, None] - exact.means)
    log_volumes = torch.from_numpy(np.linalg.slogdet(factors).logabsdet)
    held = torch.tensor(np.log(exact.weights.sum()))
    # Of the background in the units of the other log densities, which lack a constant.
    rest = torch.tensor(-np.inf if exact.rest is None else exact.rest + np.log(2 * np.pi))

    def parameters_of(mixture: Mixture) -> torch.Tensor:
        means = np.einsum("kij,kj->ki", inverses, mixture.means - exact.means)
        covariances = inverses @ mixture.covariances @ inverses.swapaxes(1, 2)
        packed = covariances[:, [0, 0, 1], [0, 1, 1]]
        parts = [mixture.weights[:, None], means, packed]
        return torch.from_numpy(np.concatenate(parts, axis=1))

    def log_density(parameters: torch.Tensor, away: torch.Tensor) -> torch.Tensor:
        weights, mean_x, mean_y, xx, xy, yy = parameters.T
        x, y = away[:, 0] - mean_x, away[:, 1] - mean_y
        determinants = xx * yy - xy**2
        squares = (yy * x**2 - 2 * xy * x * y + xx * y**2) / determinants
        joint = weights.log() - squares / 2 - determinants.log() / 2 - log_volumes
        total = joint.logsumexp(0) - weights.sum().log()
        log_density: torch.Tensor = torch.logaddexp(total + held, rest)
        return log_density

    parameters = parameters_of(exact)
    each = torch.func.vmap(torch.func.grad(log_density), (None, 0))
    scores = each(parameters, torch.from_numpy(away)).flatten(1)
    information = (scores.T @ scores).numpy()
    # The weights sum to 1; and a component on one spot tells nothing of its parameters.
    weights = np.tile([1.0, 0, 0, 0, 0, 0], n_components)
    information += 1e6 * len(points) * np.outer(weights, weights) + np.eye(6 * n_components)
    covariance = np.linalg.inv(information).reshape(n_components, 6, n_components, 6)
    own = np.stack([covariance[k, :, k] for k in range(n_components)])
    moved = (parameters_of(found) - parameters).numpy()
    errors = np.sqrt(np.diagonal(own, axis1=1, axis2=2))
    together = np.einsum("ka,kab,kb->k", moved, np.linalg.inv(own), moved)
    return np.abs(moved) / errors, np.sqrt(together)


def number_by_edges(coordinates: FloatArray, half: int, n_wider: int) -> IntArray:
    """The cells on an axis of a grid with wider cells, by the edges of these, written out."""
    end = half + 0.5
    edges = end * n_wider / (n_wider - np.arange(n_wider))
    beyond = half + np.searchsorted(edges, np.abs(coordinates), side="right")
    near = np.floor(coordinates + 0.5)
    numbers = np.where(np.abs(coordinates) < end, near, np.sign(coordinates) * beyond)
    return numbers.astype(np.int64)


def fit(
    cells: Cells,
    settings: FitSettings,
    *,
    start: Mixture | None = None,
    hooks: Hooks | None = None,
) -> Fit:
    """What a user is told of a fit to cells."""
    if start is not None:
        return describe(fit_from(cells, settings, start, hooks=hooks))
    held = Choice.hold(settings.components, settings.covariance)
    return describe(choose_mixture(cells, settings, held, hooks=hooks))


def choose(
    cells: Cells, settings: FitSettings, choice: Choice, *, hooks: Hooks | None = None
) -> Fit:
    """What a user is told of a choice among mixtures of cells."""
    return describe(choose_mixture(cells, settings, choice, hooks=hooks))


# The parts of the smallest workbook of Excel's, but for its sheets.
WORKBOOK_PARTS = {
    "[Content_Types].xml": '<Types xmlns="http://schemas.openxmlformats.org/package/2006/'
    'content-types"><Default Extension="rels" ContentType="application/vnd.openxmlformats-package'
    '.relationships+xml"/><Default Extension="xml" ContentType="application/xml"/><Override '
    'PartName="/xl/workbook.xml" ContentType="application/vnd.openxmlformats-officedocument'
    '.spreadsheetml.sheet.main+xml"/></Types>',
    "_rels/.rels": '<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/'
    'relationships"><Relationship Id="r" Type="http://schemas.openxmlformats.org/officeDocument/'
    '2006/relationships/officeDocument" Target="xl/workbook.xml"/></Relationships>',
}


def write_workbook(path: Path, sheets: Sequence[Sequence[Sequence[object]]]) -> None:
    """A workbook of Excel's with these rows in sheets called Sheet1 and so on."""
    main = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
    office = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
    named, related, parts = "", "", dict(WORKBOOK_PARTS)
    for number, rows in enumerate(sheets, start=1):
        named += f'<sheet name="Sheet{number}" sheetId="{number}" r:id="r{number}"/>'
        target = f"worksheets/sheet{number}.xml"
        related += f'<Relationship Id="r{number}" Type="{office}/worksheet" Target="{target}"/>'
        lines = (f"<row>{''.join(map(_write_cell, row))}</row>" for row in rows)
        data = f"<sheetData>{''.join(lines)}</sheetData>"
        parts[f"xl/{target}"] = f'<worksheet xmlns="{main}">{data}</worksheet>'
    sheet_list = f'xmlns="{main}" xmlns:r="{office}"><sheets>{named}</sheets>'
    parts["xl/workbook.xml"] = f"<workbook {sheet_list}</workbook>"
    package = "http://schemas.openxmlformats.org/package/2006/relationships"
    relations = f'<Relationships xmlns="{package}">{related}</Relationships>'
    parts["xl/_rels/workbook.xml.rels"] = relations
    with zipfile.ZipFile(path, "w") as file:
        for name, text in parts.items():
            file.writestr(name, text)


def _write_cell(value: object) -> str:
    if value is None or value == "":
        return "<c/>"
    if isinstance(value, str):
        return f'<c t="inlineStr"><is><t>{escape(value)}</t></is></c>'
    return f"<c><v>{value}</v></c>"
