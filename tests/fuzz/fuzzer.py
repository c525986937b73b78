"""Search for bytes that break what reads them, guided by which lines of gmmcli they reach.

    pip install atheris
    python tests/fuzz/fuzzer.py TARGET -max_total_time=3600

TARGET is one of `TARGETS` in targets.py; options are libFuzzer's. What reaches new lines goes to
tests/fuzz/corpus/TARGET, whose files every run of the tests tries again. `-merge=1 NEW OLD` leaves
out those that others make superfluous.
"""

import sys
import tempfile
from pathlib import Path

import atheris

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE.parent), str(HERE.parent.parent)]


def main() -> None:
    """Fuzz one target."""
    name, *options = sys.argv[1:]
    with atheris.instrument_imports(include=["gmmcli"]):
        from fuzz.targets import TARGETS, refuse

        found = HERE / "corpus" / name
        found.mkdir(parents=True, exist_ok=True)
        limits = ["-timeout=60", "-rss_limit_mb=3000", f"-artifact_prefix={tempfile.gettempdir()}/"]
        places = [] if any(option.startswith("-merge") for option in options) else [str(found)]
        atheris.Setup([sys.argv[0], *limits, *options, *places], refuse(TARGETS[name]))
        atheris.Fuzz()


if __name__ == "__main__":
    main()
