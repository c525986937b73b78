"""Temporary copies: what is copied, what is in the copy, and that nothing of it stays."""

import gzip
import io
import os
import shutil
import sys
import tempfile
import threading
from pathlib import Path

import pytest

from gmmcli.core.tables.copies import resolve_source
from gmmcli.core.tables.duckdb_files import open_files
from gmmcli.core.tables.source import list_files
from gmmcli.errors import TableError


def test_what_duckdb_reads_is_not_copied(tmp_path: Path) -> None:
    (tmp_path / "d.csv.gz").write_bytes(gzip.compress(b"# a\nx;y\n1;2\n"))
    with resolve_source(str(tmp_path / "d.csv.gz"), None) as source:
        assert source.copy is None
        assert source.place == source.data


def test_a_copy_has_the_same_rows_in_the_same_lines_and_goes(tmp_path: Path) -> None:
    text = '# n x y\n\n"a  b" 1 2\n# then\n  c\t3   4 \n"d\t""e""" 5 6\n'
    (tmp_path / "d.dat").write_text(text)
    with resolve_source(str(tmp_path / "d.dat"), None) as source:
        (copy,) = Path(source.place).parent.parent.glob("*/*")
        assert copy.read_text() == '# n x y\n\na  b\t1\t2\n\nc\t3\t4\n"d\t""e"""\t"5"\t"6"\n'
        assert (tmp_path / "d.dat").resolve() in list_files(source)
    assert not copy.exists()
    assert list(tmp_path.iterdir()) == [tmp_path / "d.dat"]


def test_files_that_need_no_copy_are_linked_beside_those_that_do(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("x,y\n1,2\n")
    (tmp_path / "b.csv").write_text("x y\n1 2\n")
    with resolve_source(str(tmp_path / "*.csv"), None) as source:
        first, second = sorted(Path(source.place).parent.parent.glob("*/*"))
        assert first.is_symlink()
        assert first.samefile(tmp_path / "a.csv")
        assert second.read_text() == "x\ty\n1\t2\n"
    assert (tmp_path / "a.csv").exists()


def test_the_name_of_tmpdir_is_no_pattern(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "d.dat").write_text("x y\n1 2\n")
    place = tmp_path / "[a]*?"
    place.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(place))
    with resolve_source(str(tmp_path / "d.dat"), None) as source:
        rows = open_files(source, (), as_text=True).rows
        assert rows.to_pyarrow().to_pylist() == [{"x": "1", "y": "2"}]


def test_a_pipe_is_called_what_the_user_called_it(tmp_path: Path) -> None:
    path = tmp_path / "pipe"
    os.mkfifo(path)
    threading.Thread(target=path.write_bytes, args=(b"x,y\n1,2\n",), daemon=True).start()
    with resolve_source(str(path), None) as source:
        assert source.name == str(path)
        assert Path(source.place).read_text() == "x,y\n1,2\n"


def test_standard_input_that_is_closed_gets_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", None)
    with pytest.raises(TableError, match="standard input is closed: give a file"):
        resolve_source("-", None).__enter__()


def test_no_room_for_a_copy_is_said_with_the_way_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fill(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(shutil, "copyfileobj", fill)
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"x,y\n")))
    with pytest.raises(TableError, match="standard input: No space left on device: have TMPDIR"):
        resolve_source("-", None).__enter__()


def test_workbooks_need_their_library(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "d.xlsx").write_bytes(b"PK\x03\x04")
    monkeypatch.setitem(sys.modules, "python_calamine", None)
    monkeypatch.delitem(sys.modules, "gmmcli.core.tables.workbooks", raising=False)
    with pytest.raises(TableError, match=r"pip install 'gmmcli\[excel\]', or save it as CSV"):
        resolve_source(str(tmp_path / "d.xlsx"), None).__enter__()
