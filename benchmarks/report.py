"""The results of `speed.py`: rows in a CSV file, which grow run by run, and tables of them.

Only the standard library is imported here; see `processes`.
"""

import csv
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path

from processes import Outcome

GMM, IMPORTS, SCAN = "gmm", "imports", "scan"
NONE = "–"  # noqa: RUF001 (a dash in a table)


@dataclass(frozen=True)
class Row:
    """What one tool took on one file.

    Attributes:
        mixture: what the file was sampled from.
        n_rows: how many rows it has.
        n_components: how many components were fitted, K.
        tool: the tool.
        outcome: how it ended.
        seconds: how long it took; how long it was given if that was not enough.
        peak_gb: the most memory that it had, in 10⁹ bytes.
        others: how many cores other processes used in its best run.
        log_likelihood: of what it found, in nats per point.
        date: the day.
        commit: what was checked out; empty where that is not known.
    """

    mixture: str
    n_rows: int
    n_components: int
    tool: str
    outcome: Outcome
    seconds: float | None
    peak_gb: float | None
    others: float | None
    log_likelihood: float | None
    date: str
    commit: str

    @property
    def file(self) -> tuple[str, int]:
        """What names the file."""
        return self.mixture, self.n_rows

    @property
    def is_ok(self) -> bool:
        """Whether the tool succeeded."""
        return self.outcome is Outcome.OK


@dataclass(frozen=True)
class Comparison:
    """The rows of one file and what they say together; None where something for it is missing."""

    rows: tuple[Row, ...]

    def tool(self, name: str) -> Row | None:
        """The row of a tool, if it succeeded."""
        return next((row for row in self.rows if row.tool == name and row.is_ok), None)

    def ratio(self, row: Row) -> float | None:
        """The time of a tool over that of the fastest peer."""
        times = [r.seconds for r in self.rows if r.tool not in (GMM, IMPORTS, SCAN) and r.is_ok]
        fastest = min((time for time in times if time is not None), default=None)
        if fastest is None or row.seconds is None or not row.is_ok or row.tool in (IMPORTS, SCAN):
            return None
        return row.seconds / fastest

    def below_best(self, row: Row) -> float | None:
        """How far the log-likelihood of a tool is below the best tool's, in nats per point."""
        scores = [r.log_likelihood for r in self.rows if r.log_likelihood is not None]
        return None if row.log_likelihood is None else max(scores) - row.log_likelihood

    def scans(self) -> float | None:
        """The time of gmm without its imports, over that of a plain scan of the file."""
        gmm, imports, scan = (self.tool(name) for name in (GMM, IMPORTS, SCAN))
        if gmm is None or imports is None or scan is None:
            return None
        if gmm.seconds is None or imports.seconds is None or not scan.seconds:
            return None
        return (gmm.seconds - imports.seconds) / scan.seconds


def read_rows(path: Path) -> list[Row]:
    """The rows of a results file; none where there is no file."""
    if not path.exists():
        return []
    with path.open(encoding="utf-8", newline="") as file:
        return [_parsed(values) for values in csv.DictReader(file)]


def merged(before: Iterable[Row], now: Iterable[Row]) -> list[Row]:
    """The rows of before, with those of now in the places of their files and tools."""
    by_key = {(row.file, row.tool): row for row in (*before, *now)}
    return sorted(by_key.values(), key=lambda row: row.file)


def write_report(directory: Path, rows: Sequence[Row], machine: Sequence[str]) -> None:
    """Write speed.csv and speed.md."""
    directory.mkdir(parents=True, exist_ok=True)
    files = sorted({row.file for row in rows})
    comparisons = [Comparison(tuple(row for row in rows if row.file == file)) for file in files]
    with (directory / "speed.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow([*(field.name for field in fields(Row)), "ratio", "below_best", "scans"])
        for comparison in comparisons:
            for row in comparison.rows:
                scans = comparison.scans() if row.tool == GMM else None
                derived = [comparison.ratio(row), comparison.below_best(row), scans]
                writer.writerow([*asdict(row).values(), *derived])
    text = markdown(comparisons, machine)
    (directory / "speed.md").write_text(text, encoding="utf-8")


def markdown(comparisons: Sequence[Comparison], machine: Sequence[str]) -> str:
    """The heading, the table of all tools, and that of gmm beside a scan."""
    dates = {row.date for comparison in comparisons for row in comparison.rows}
    tools = [_tool_cells(comparison, row) for comparison in comparisons for row in comparison.rows]
    lines = [
        "# Speed of `gmm fit` beside other tools",
        "",
        "Whole processes on the same CSV files, run in turn by `python benchmarks/speed.py`; the",
        "best of several runs. Log-likelihoods are in nats per point, scored by the same code.",
        "Do not trust times during which others used much of the machine.",
        "",
        *machine,
        f"- Date: {' to '.join(sorted({min(dates), max(dates)}))}",
        "",
        *_table(TOOL_HEADER, [cells for cells in tools if cells]),
        "",
        "## `gmm fit` beside a plain scan",
        "",
        "A scan is one aggregate of DuckDB's over the file, timed inside the process.",
        "",
        *_table(SCAN_HEADER, [_scan_cells(comparison) for comparison in comparisons]),
    ]
    return "\n".join(lines) + "\n"


TOOL_HEADER = (
    "data",
    "K",
    "tool",
    "seconds",
    "over the fastest peer's",
    "peak GB",
    "cores others used",
    "log-likelihood per point",
    "below the best",
    "measured",
)
SCAN_HEADER = ("data", "gmm, s", "imports, s", "scan, s", "(gmm − imports) / scan")  # noqa: RUF001


def _tool_cells(comparison: Comparison, row: Row) -> list[str]:
    """The cells of a tool; none of what is no tool."""
    if row.tool in (IMPORTS, SCAN):
        return []
    return [
        _file(row),
        str(row.n_components),
        row.tool,
        _seconds(row),
        _number(comparison.ratio(row), ".2f"),
        _number(row.peak_gb if row.is_ok else None, ".2f"),
        _number(row.others, ".2f"),
        _number(row.log_likelihood, ".7f"),
        _number(comparison.below_best(row), ".1e"),
        f"{row.date} {row.commit}".strip(),
    ]


def _scan_cells(comparison: Comparison) -> list[str]:
    rows = [comparison.tool(name) for name in (GMM, IMPORTS, SCAN)]
    seconds = [_number(row.seconds if row else None, ".3f") for row in rows]
    return [_file(comparison.rows[0]), *seconds, _number(comparison.scans(), ".2f")]


def _file(row: Row) -> str:
    return f"{row.mixture}, {row.n_rows:,} rows"


def _seconds(row: Row) -> str:
    """The seconds of a tool, or what became of it."""
    if row.outcome is Outcome.TIMEOUT:
        return f">{row.seconds:g}"
    return _number(row.seconds, ".2f") if row.is_ok else row.outcome.value


def _number(value: float | None, how: str) -> str:
    return NONE if value is None else format(value, how)


def _table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    """The lines of a Markdown table."""
    return [f"| {' | '.join(cells)} |" for cells in (header, ["---"] * len(header), *rows)]


def _parsed(values: dict[str, str]) -> Row:
    def number(name: str) -> float | None:
        return float(values[name]) if values[name] else None

    return Row(
        values["mixture"],
        int(values["n_rows"]),
        int(values["n_components"]),
        values["tool"],
        Outcome(values["outcome"]),
        number("seconds"),
        number("peak_gb"),
        number("others"),
        number("log_likelihood"),
        values["date"],
        values["commit"],
    )
