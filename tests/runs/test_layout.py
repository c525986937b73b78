"""What in a directory is a run's, and what is never written to."""

import re
from pathlib import Path

import pytest

from gmmcli.core.runs.layout import check_kept, check_links, is_part
from gmmcli.errors import OutputError, RunError

PARTS = [
    *("parameters.json", "history.csv", "selection.csv", "cells.parquet", "values.csv"),
    *("convergence.png", "selection.svg", "groups.pdf", "frames/step-0003.png", "values/a"),
]
OTHERS = ["notes.txt", "convergence.jpg", "frames/notes.png", "values/b", "values/b/c", "more/d"]


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """A run with other files among its own."""
    for name in (*PARTS[:-1], "values/a/parameters.json", *OTHERS[:3], "values/b/c", "more/d"):
        path = tmp_path / "run" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("")
    return tmp_path / "run"


def test_what_a_fit_wrote_is_told_from_what_it_did_not(run: Path) -> None:
    assert [name for name in (*PARTS, *OTHERS) if is_part(run, run / name)] == PARTS
    assert not is_part(run, run / "frames")  # where another file is
    (run / "frames" / "notes.png").unlink()
    assert is_part(run, run / "frames")
    (run / "values" / "link").symlink_to(run / "values" / "a")
    assert not is_part(run, run / "values" / "link")


@pytest.mark.parametrize("name", ["frames", "values"])
def test_a_run_that_leads_elsewhere_is_refused(tmp_path: Path, name: str) -> None:
    check_links(tmp_path)
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / name).symlink_to(tmp_path / "elsewhere")
    with pytest.raises(RunError, match=rf"{name} is a link, and nothing is written through it: "):
        check_links(tmp_path)


def test_files_of_runs_are_kept(run: Path) -> None:
    for name in ("cells.parquet", "history.csv", "values/a/history.csv", "frames/../values.csv"):
        message = f"{run / name} is a file of the run (run|a): choose another place with -o"
        with pytest.raises(OutputError, match=re.sub(r"\.", r"\.", message)):
            check_kept(run / name)
    for name in ("labels.csv", "more/history.csv"):
        check_kept(run / name)
    check_kept(None)
    check_kept(run.parent / "new" / "cells.parquet")
    with pytest.raises(OutputError, match="of the run new: choose another place with --there"):
        check_kept(run.parent / "new" / "cells.parquet", run.parent / "new", option="--there")
