"""What benchmarks ran on: the machine and the versions of the software, as lines of Markdown."""

import os
import platform
import subprocess
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from peers import mclust_version

PACKAGES = (
    "gmmcli",
    "torch",
    "pyro-ppl",
    "numpy",
    "scipy",
    "pandas",
    "pyarrow",
    "ibis-framework",
    "duckdb",
    "scikit-learn",
    "mlpack",
    "pomegranate",
)


def described() -> list[str]:
    """The machine, Python and packages, one line of Markdown for each kind."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e9
    packages = {name: _version(name) for name in PACKAGES} | {"mclust": mclust_version()}
    versions = (f"{name} {found or 'not installed'}" for name, found in packages.items())
    return [
        f"- Processor: {_processor()}, {cores} cores",
        f"- Memory: {memory:.1f} GB",
        f"- System: {platform.system()}",
        f"- Python {platform.python_version()}",
        f"- Packages: {', '.join(versions)}",
    ]


def commit() -> str:
    """The commit that is checked out, marked where files differ from it; empty if unknown."""
    ask = ["git", "-C", str(Path(__file__).parent), "describe", "--always", "--dirty"]
    try:
        asked = subprocess.run(ask, capture_output=True, text=True)
    except FileNotFoundError:
        return ""
    return asked.stdout.strip() if asked.returncode == 0 else ""


def _processor() -> str:
    """The model of the processor."""
    table = Path("/proc/cpuinfo")
    lines = table.read_text(encoding="utf-8").splitlines() if table.exists() else []
    models = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return models[0] if models else platform.processor() or platform.machine()


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None
