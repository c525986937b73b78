"""Odd and hostile files: each is read right, or refused in one line with the place and the remedy.

They are opened as the commands open them. `READ` are files with the rows of `ROWS`, or with those
that are given; `REFUSED` are others, with what is said of them.
"""

import gzip
import io
import json
import os
import threading
import zipfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from string import ascii_uppercase
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.feather
import pytest
from builders import write_workbook

from gmmcli.core.tables.copies import resolve_source
from gmmcli.core.tables.table import open_table
from gmmcli.errors import TableError

Row = tuple[float | None, float | None]

ROWS: list[Row] = [(1, 2), (3, 4.5), (5, 7)]
PLAIN = "x,y\n1,2\n3,4.5\n5,7\n"
FRAME = pd.DataFrame({"x": [1.0, 3, 5], "y": [2.0, 4.5, 7]})

# The content of a file, or what makes files in a directory and gives what to open.
Content = str | bytes | Callable[[Path], str]


@dataclass(frozen=True)
class Odd:
    """A file with what it holds.

    Attributes:
        content: of the file.
        rows: its points; None where a coordinate is empty or not finite.
        columns: the coordinates.
        options: as of the commands.
        name: of the file.
    """

    content: Content
    rows: Sequence[Row] = field(default_factory=lambda: ROWS)
    columns: tuple[str, str] = ("x", "y")
    options: Mapping[str, Any] = field(default_factory=dict)
    name: str = "d.csv"


def place(directory: Path, name: str, content: Content) -> str:
    """What to open of some content, in a directory."""
    if callable(content):
        return content(directory)
    path = directory / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return str(path)


def read(
    data: str, *, table: str | None = None, where: str | None = None, **options: Any
) -> tuple[tuple[str, str], list[Row]]:
    """The coordinates of a source and its points, as the commands have them."""
    with resolve_source(data, table, where=where) as source:
        opened = open_table(source, **options)
        rows = opened.read_first(1_000_000).to_pylist()
        opened.dataset.engine.backend.disconnect()
    points = [(row["x"], row["y"]) for row in rows]
    finite = [tuple(v if v is not None and np.isfinite(v) else None for v in p) for p in points]
    return opened.columns, [(x, y) for x, y in finite]


def in_directory(*parts: str) -> Callable[[Path], str]:
    """The plain file in directories of these names."""

    def make(directory: Path) -> str:
        return place(directory, "/".join((*parts, "d.csv")), PLAIN)

    return make


def piped(content: bytes) -> Callable[[Path], str]:
    """A pipe through which some content comes."""

    def make(directory: Path) -> str:
        path = directory / "pipe"
        os.mkfifo(path)
        threading.Thread(target=path.write_bytes, args=(content,), daemon=True).start()
        return str(path)

    return make


def several(**contents: str) -> Callable[[Path], str]:
    """A pattern of several files."""

    def make(directory: Path) -> str:
        for name, content in contents.items():
            (directory / f"{name}.csv").write_text(content)
        return str(directory / "*.csv")

    return make


def as_arrow(name: str, *, is_stream: bool = False, **options: Any) -> Callable[[Path], str]:
    """An Arrow file."""

    def make(directory: Path) -> str:
        path, table = directory / name, pa.Table.from_pandas(FRAME)
        if is_stream:
            with pa.ipc.new_stream(path, table.schema) as writer:
                writer.write_table(table)
        else:
            pyarrow.feather.write_feather(table, path, **options)
        return str(path)

    return make


def as_parquet(
    frame: pd.DataFrame, name: str = "d.parquet", **options: Any
) -> Callable[[Path], str]:
    """A Parquet file."""

    def make(directory: Path) -> str:
        frame.to_parquet(directory / name, **options)
        return str(directory / name)

    return make


def as_workbook(
    *sheets: Sequence[Sequence[object]], name: str = "d.xlsx", corner: str | None = None
) -> Callable[[Path], str]:
    """A workbook of Excel's, with sheets called Sheet1 and so on, and perhaps a cell far away."""

    def make(directory: Path) -> str:
        write_workbook(directory / name, sheets)
        if corner is not None:
            add_cell(directory / name, corner)
        return str(directory / name)

    return make


def add_cell(path: Path, place: str) -> None:
    """Add a cell to the first sheet of a workbook."""
    with zipfile.ZipFile(path) as file:
        parts = {part: file.read(part) for part in file.namelist()}
    row = f'<row r="{place.lstrip(ascii_uppercase)}"><c r="{place}"><v>1</v></c></row>'.encode()
    (sheet,) = (part for part in parts if part.endswith("sheet1.xml"))
    parts[sheet] = parts[sheet].replace(b"</sheetData>", row + b"</sheetData>")
    with zipfile.ZipFile(path, "w") as file:
        for part, content in parts.items():
            file.writestr(part, content)


def as_zip(name: str) -> Callable[[Path], str]:
    """An archive that is no workbook."""

    def make(directory: Path) -> str:
        with zipfile.ZipFile(directory / name, "w") as file:
            file.writestr("d.csv", PLAIN)
        return str(directory / name)

    return make


def as_bytes(write: Callable[[io.BytesIO], object]) -> bytes:
    """What something writes to a file."""
    file = io.BytesIO()
    write(file)
    return file.getvalue()


def savetxt(**options: Any) -> bytes:
    return as_bytes(lambda file: np.savetxt(file, FRAME.to_numpy(), **options))


def jsonl(frame: pd.DataFrame) -> str:
    return frame.to_json(orient="records", lines=True)


def many(n: int, row: str) -> str:
    return "x,y\n" + f"{row}\n" * n


BOTH = {"x": "x", "y": "y"}
PLACES = ("column0", "column1")
LABELLED = "name,x,y\n't Hooft,1,2\nO'Brien,3,4.5\nSt. Johns',5,7\n"
TABLE: list[list[object]] = [["x", "y"], [1, 2], [3, 4.5], [5, 7]]

CASES = Path(__file__).parent.parent / "cases"
ERUPTIONS = np.loadtxt(CASES / "whitespace.dat").tolist()

READ: dict[str, Odd] = {
    "plain": Odd(PLAIN),
    "row_numbers.csv": Odd(
        lambda _: str(CASES / "row_numbers.csv"),
        [(x, y) for x, y in ERUPTIONS],
        ("eruptions", "waiting"),
    ),
    "whitespace.dat": Odd(
        lambda _: str(CASES / "whitespace.dat"), [(x, y) for x, y in ERUPTIONS], PLACES
    ),
    # delimiters and blanks
    "tabs": Odd(PLAIN.replace(",", "\t"), name="d.tsv"),
    "semicolons": Odd(PLAIN.replace(",", ";")),
    "bars": Odd(PLAIN.replace(",", "|")),
    "single blanks": Odd(PLAIN.replace(",", " "), name="d.dat"),
    "blanks before and after": Odd("  x   y \n   1  2\n 3 4.5  \n5 7\n", name="d.txt"),
    "tabs and blanks": Odd("x \t y\n1 \t 2\n3\t 4.5\n5 7\n", name="d.txt"),
    "blanks and no header": Odd("1 2\n3 4.5\n5 7\n", columns=PLACES, name="d.dat"),
    "blanks and decimal commas": Odd("x y\n1,0 2,0\n3,0 4,5\n5 7\n", name="d.dat"),
    "blanks and quotes": Odd('"x" "the y"\n1 2\n3 4.5\n5 7\n', columns=("x", "the y")),
    "quoted text with blanks": Odd('n x y\n"a b" 1 2\n"c" 3 4.5\n"d ""e""" 5 7\n', name="d.dat"),
    "commas and blanks": Odd("x, y\n1, 2\n3, 4.5\n 5 ,7\n"),
    "blanks in names": Odd("  x ,the y\n1,2\n3,4.5\n5,7\n", columns=("x", "the y")),
    "commas in text with tabs": Odd("t\tx\ty\na, b\t1\t2\nc, d\t3\t4.5\ne\t5\t7\n"),
    "blanks in text": Odd("t,x,y\na b,1,2\nc d e,3,4.5\nf,5,7\n"),
    "times": Odd("t,x,y\n2020-01-01 10:00,1,2\n2020-01-01 11:00,3,4.5\n2020-01-02 1:00,5,7\n"),
    "tabs and an empty last column": Odd("x\ty\tnote\n1\t2\t\n3\t4.5\t\n5\t7\t\n", name="d.tsv"),
    "tabs and an empty first column": Odd("t\tx\ty\n\t1\t2\n\t3\t4.5\n\t5\t7\n", name="d.tsv"),
    "tabs and an empty column in the middle": Odd("x\tt\ty\n1\t\t2\n3\t\t4.5\n5\t\t7\n"),
    "tabs and an empty column without a header": Odd(
        "1\t\t2\n3\t\t4.5\n5\t\t7\n", columns=("column0", "column2")
    ),
    "two tabs for one": Odd("x\ty\n1\t\t2\n3\t\t4.5\n5\t\t7\n"),
    "tabs and text with blanks": Odd("my name\tx\ty\nNGC 1\t1\t2\nNGC 2\t3\t4.5\nM 7\t5\t7\n"),
    "commas and text with blanks": Odd("name, x, y\nNGC 1, 1, 2\nNGC 2, 3, 4.5\nM 7, 5, 7\n"),
    "what Excel says of its delimiter": Odd("sep=;\nx;y\n1;2\n3;4.5\n5;7\n"),
    "what Excel says of tabs": Odd('"sep=\t"\r\nx\ty\r\n1\t2\r\n3\t4.5\r\n5\t7\r\n'),
    "what Excel says above no header": Odd("sep=,\n1,2\n3,4.5\n5,7\n", columns=PLACES),
    # comments and empty lines
    "savetxt": Odd(savetxt(), columns=PLACES, name="d.txt"),
    "savetxt with a header": Odd(savetxt(header="x y"), name="d.txt"),
    "savetxt with commas": Odd(savetxt(header="x, y", delimiter=","), name="d.txt"),
    "savetxt for others": Odd(savetxt(header="x y", comments="% "), name="d.txt"),
    "comments above a header": Odd(f"# made by me\n# on Monday\n{PLAIN}"),
    "a comment with quotes": Odd(f'# "made, by\n{PLAIN}'),
    "comments among rows": Odd("# x y\n1 2\n# then\n3 4.5\n  # and\n5 7\n", name="d.dat"),
    "comments among commas": Odd("# from here\nx,y\n1,2\n# to there\n3,4.5\n5,7\n"),
    "empty lines": Odd("\n\nx,y\n\n1,2\n\n3,4.5\n5,7\n\n\n"),
    "lines of blanks": Odd("x,y\n  \n1,2\n\t\n3,4.5\n5,7\n \n"),
    "a mark that is a value": Odd("x,y\n#N/A,3\n1,2\n", rows=[(None, 3), (1, 2)]),
    "a mark that is a value in the first row": Odd(
        "#N/A,3\n1,2\n3,4.5\n", rows=[(None, 3), (1, 2), (3, 4.5)], columns=PLACES
    ),
    "a mark that names row numbers": Odd("#,x,y\n1,1,2\n2,3,4.5\n3,5,7\n"),
    "a value among comments": Odd("# x y\n#N/A 3\n# then\n1 2\n", rows=[(None, 3), (1, 2)]),
    # ends of lines and encodings
    "no end of the last line": Odd(PLAIN.rstrip()),
    "Windows": Odd("\ufeff" + PLAIN.replace("\n", "\r\n")),
    "an old Macintosh": Odd(PLAIN.replace("\n", "\r")),
    "ends of both kinds": Odd("x,y\r\n1,2\r\n3,4.5\n5,7\r\n"),
    "ends of both kinds in a long file": Odd(
        "x,y\r\n" + "1,2\r\n" * 40_000 + "3,4\n", rows=[(1, 2)] * 40_000 + [(3, 4)]
    ),
    "UTF-16": Odd(PLAIN.encode("utf-16")),
    "UTF-16 with its large end first": Odd(b"\xfe\xff" + PLAIN.encode("utf-16-be")),
    "UTF-32": Odd(PLAIN.encode("utf-32")),
    "UTF-16 of Excel's": Odd(PLAIN.replace(",", "\t").replace("\n", "\r\n").encode("utf-16")),
    "letters of all kinds": Odd("größe,高さ\n1,2\n3,4.5\n5,7\n", columns=("größe", "高さ")),
    # names of rows
    "R's row names": Odd("x,y\n0,1,2\n1,3,4.5\n2,5,7\n"),
    "R's quoted row names": Odd('"x" "y"\n"a" 1 2\n"b" 3 4.5\n"c" 5 7\n', name="d.txt"),
    "a column without a name": Odd('"",x,y\n1,1,2\n2,3,4.5\n3,5,7\n'),
    "pandas' index": Odd(FRAME.to_csv()),
    "pandas' index read again": Odd("Unnamed: 0,x,y\n0,1,2\n1,3,4.5\n2,5,7\n"),
    "row names of a subset": Odd(",x,y\n17,1,2\n3,3,4.5\n250,5,7\n"),
    "row numbers and no header": Odd("1 1 2\n2 3 4.5\n3 5 7\n", columns=("column1", "column2")),
    "row numbers that are asked for": Odd(
        ",x,y\n1,1,2\n2,3,4.5\n", [(1, 2), (2, 4.5)], ("rownames", "y"), {"x": "rownames", "y": "y"}
    ),
    "a column called index": Odd("index,y\n1,2\n3,4.5\n5,7\n", columns=("index", "y")),
    "delimiters at the end": Odd("x,y,\n1,2,\n3,4.5,\n5,7,\n"),
    "a delimiter at the end of the header": Odd("x,y,\n1,2\n3,4.5\n5,7\n"),
    "delimiters at the end of rows": Odd("x,y\n1,2,\n3,4.5,\n5,7,\n"),
    # headers
    "no header": Odd("1,2\n3,4.5\n5,7\n", columns=PLACES),
    "no header and nothing in the first row": Odd(
        "1,NA\n3,4.5\n", rows=[(1, None), (3, 4.5)], columns=PLACES
    ),
    "no header and labels": Odd("a,1.5,2\nb,3,4\n", [(1.5, 2), (3, 4)], ("column1", "column2")),
    "no header and labels that recur": Odd(
        "a,1,2\nb,3,4\na,5,7\n", [(1, 2), (3, 4), (5, 7)], ("column1", "column2")
    ),
    "a header of years": Odd(
        "name,2019,2020\na,1,2\nb,3,4\n", [(1, 2), (3, 4)], ("2019", "2020"), {"x": "2019"}
    ),
    "labels and a row that looks like a header": Odd(
        "a,1,2\nb,3,4\n", [(1, 2), (3, 4)], ("column1", "column2"), {"x": "column1"}
    ),
    "names that are the same": Odd(
        "x,x,y\n0,1,2\n0,3,4.5\n0,5,7\n", columns=("x_1", "y"), options={"x": "x_1", "y": "y"}
    ),
    "names that are the same but for capitals": Odd("x,X\n1,2\n3,4.5\n5,7\n", columns=("x", "X")),
    "names that are the same but for capitals in Parquet": Odd(
        as_parquet(FRAME.rename(columns={"y": "X"})), columns=("x", "X")
    ),
    "names in several lines": Odd('"x\n[m]",y\n1,2\n3,4.5\n5,7\n', columns=("x\n[m]", "y")),
    "names with quotes": Odd('"a ""b""",it\'s\n1,2\n3,4.5\n5,7\n', columns=('a "b"', "it's")),
    "a name of SQL's": Odd(
        "select,x; drop table y\n1,2\n3,4.5\n5,7\n", columns=("select", "x; drop table y")
    ),
    "a name that is another but for capitals": Odd(
        "x,X,y\n0,1,2\n0,3,4.5\n0,5,7\n", columns=("X", "y"), options={"x": "X", "y": "y"}
    ),
    "an expression of names that are the same but for capitals": Odd(
        "a,A\n2,1\n6,3\n10,5\n", [(1, 2), (3, 6), (5, 10)], ("a - A", "a"), {"x": "a - A", "y": "a"}
    ),
    "no names in the middle": Odd("t,,y\na,1,2\nb,3,4.5\nc,5,7\n", columns=("column1", "y")),
    # quotes
    "apostrophes": Odd(LABELLED),
    "an apostrophe once, late": Odd(
        "t,x,y\n" + "a,1,2\n" * 5_000 + "'t Hooft,3,4\n" * 2, [(1, 2)] * 5_000 + [(3, 4)] * 2
    ),
    "single quotes": Odd("'t','x','y'\n'a, b',1,2\n'c',3,4.5\n'd',5,7\n"),
    "quotes inside of text": Odd('t,x,y\n5" pipe,1,2\n3"4,3,4.5\na,5,7\n'),
    "quotes in quotes": Odd('t,x,y\n"a ""b"", c",1,2\nd,3,4.5\ne,5,7\n'),
    "quotes after backslashes": Odd('t,x,y\n"a \\"b\\", c",1,2\nd,3,4.5\ne,5,7\n'),
    "a backslash before a quote": Odd('t,x,y\n"C:\\",1,2\nd,3,4.5\ne,5,7\n'),
    "text in several lines": Odd('t,x,y\n"a\nb",1,2\n"c\n\nd",3,4.5\ne,5,7\n'),
    "quoted numbers": Odd('"x","y"\n"1","2"\n"3","4.5"\n"5","7"\n'),
    # numbers and nothing
    "words for nothing": Odd(
        "x,y\n1,2\nn/a,1\n?,1\n-,1\n.,1\n#N/A,1\nNaN,1\nmissing,1\nNone,1\n\\N,1\n--,1\nNULL,1\n",
        rows=[(1, 2), *[(None, 1.0)] * 11],
    ),
    "words for nothing with blanks around them": Odd(
        "x, y\n1, 2\n NA ,1\n3,   n/a\n5, \n", [(1, 2), (None, 1), (3, None), (5, None)]
    ),
    "words for nothing with blanks late": Odd(
        "x,y\n" + "1,2\n" * 30_000 + "1,  NA\n", [(1, 2)] * 30_000 + [(1, None)]
    ),
    "a decimal comma that is nothing, late": Odd(
        "x;y\n" + "1,5;2\n" * 30_000 + "1,5; NA \n", [(1.5, 2)] * 30_000 + [(1.5, None)]
    ),
    "words of chemists": Odd(
        "x,y\n1,2\n3,nd\n5,n.d.\n7,unknown\n9,*\n4,1\n4,2\n4,3\n4,4\n",
        [(1, 2), (3, None), (5, None), (7, None), (9, None), (4, 1), (4, 2), (4, 3), (4, 4)],
    ),
    "words for nothing in capitals": Odd(
        "x,y\n1,2\nMISSING,1\nNil,1\n", [(1, 2), *[(None, 1.0)] * 2]
    ),
    "words for nothing late": Odd(
        "x,y\n" + "1,2\n" * 30_000 + "Missing,2\n", [(1, 2)] * 30_000 + [(None, 2)]
    ),
    "quoted nothing": Odd('x,y\n"NA",1\n"",1\n1,2\n', rows=[(None, 1), (None, 1), (1, 2)]),
    "infinite numbers": Odd("x,y\ninf,1\n-Infinity,1\n1,2\n", [(None, 1), (None, 1), (1, 2)]),
    "a column of nothing but infinity": Odd("t,x,y\ninf,1,2\ninf,3,4.5\ninf,5,7\n", options=BOTH),
    "signs and exponents": Odd("x,y\n+1,2e0\n3.,45E-1\n5,.7e1\n"),
    "numbers too large for a double": Odd(
        f"x,y\n1e400,1\n{'9' * 400},1\n1,2\n", [(None, 1)] * 2 + [(1, 2)]
    ),
    "long whole numbers": Odd(f"id,x,y\n{'1' * 40},1,2\n{'2' * 40},3,4.5\n3,5,7\n", options=BOTH),
    "decimal commas": Odd("x;y\n1,0;2,0\n3,0;4,5\n5;7\n"),
    "decimal commas in quotes": Odd('x,y\n"1,0","2,0"\n"3,0","4,5"\n5,7\n'),
    "thousands": Odd('x,y\n"1,234",2\n"12,345.5",3\n7,4\n', [(1234, 2), (12345.5, 3), (7, 4)]),
    "thousands beside decimal points": Odd(
        "x\ty\n1,336\t12.3456\n20,361\t1.5\n", [(1336, 12.3456), (20361, 1.5)]
    ),
    "thousands by points beside decimal commas": Odd(
        "x;y\n1.007;12,345678\n20.361;1,5\n", [(1007, 12.345678), (20361, 1.5)]
    ),
    "decimals that may be thousands": Odd(
        "x;y\n1,007;20,361\n2,125;3,500\n", [(1.007, 20.361), (2.125, 3.5)]
    ),
    "months with an underscore": Odd("t,x,y\n2020_01,1,2\n2020_02,3,4.5\n2020_03,5,7\n"),
    "digits of Arabic": Odd("t,x,y\n\u0663,1,2\n\u0664,3,4.5\n\u0665,5,7\n"),
    "a field of a great many digits": Odd(f"t,x,y\n{'1' * 60_000}z,1,2\na,3,4.5\nb,5,7\n"),
    "thousands by points": Odd("x;y\n1.234,5;2\n7;3\n", [(1234.5, 2), (7, 3)]),
    "decimals after whole numbers": Odd(
        "x,y\n" + "1,2\n" * 30_000 + "1.5,2.5\n", [(1, 2)] * 30_000 + [(1.5, 2.5)]
    ),
    "numbers after a long nothing": Odd(
        "a,x,y\n" + ",1,2\n" * 30_000 + "5,1,2\n", [(None, 1)] * 30_000 + [(5, 1)], ("a", "x")
    ),
    "a column of text that is mostly numbers": Odd("a,x,y\nb,1,2\n4,3,4.5\nc,5,7\n", options={}),
    "names that begin as a Parquet file": Odd(
        "PAR1,PAR2\n1,2\n3,4.5\n5,7\n", columns=("PAR1", "PAR2")
    ),
    "names that begin as an old Feather file": Odd(
        "FEA1,FEA2\n1,2\n3,4.5\n5,7\n", columns=("FEA1", "FEA2")
    ),
    "names that begin as an Arrow file": Odd(
        "ARROW1,y\n1,2\n3,4.5\n5,7\n", columns=("ARROW1", "y")
    ),
    "names that begin as one of bzip2": Odd("BZh,y\n1,2\n3,4.5\n5,7\n", columns=("BZh", "y")),
    "names that begin as one of FITS": Odd(
        "SIMPLE  =,y\n1,2\n3,4.5\n5,7\n", columns=("SIMPLE  =", "y")
    ),
    # places, streams and packing
    "a directory that looks like a column": Odd(in_directory("x=5")),
    "a name with marks of a pattern": Odd(PLAIN, name="[d] *?.csv"),
    "a name with quotes": Odd(PLAIN, name='it\'s "d".csv'),
    "a name without a suffix": Odd(PLAIN, name="data"),
    "a pipe": Odd(piped(PLAIN.encode())),
    "a pipe with blanks": Odd(piped(b"1 2\n3 4.5\n5 7\n"), columns=PLACES),
    "a pipe with Parquet": Odd(piped(FRAME.to_parquet())),
    "gzip": Odd(gzip.compress(PLAIN.encode()), name="d.csv.gz"),
    "gzip in pieces": Odd(
        gzip.compress(b"x,y\n1,2\n") + gzip.compress(b"3,4.5\n5,7\n"), name="d.csv.gz"
    ),
    "gzip under another name": Odd(gzip.compress(PLAIN.encode())),
    "a plain file with the name of a packed one": Odd(PLAIN, name="d.csv.gz"),
    "zstd": Odd(pa.compress(PLAIN.encode(), codec="zstd", asbytes=True), name="d.csv.zst"),
    "packed blanks": Odd(gzip.compress(b"x y\n1 2\n3 4.5\n5 7\n"), name="d.dat.gz"),
    "several files": Odd(several(a="x,y\n1,2\n", b="x,y\n3,4.5\n5,7\n")),
    "several files in another order": Odd(several(a="x,y\n1,2\n", b="y;x\n4,5;3\n7;5\n")),
    "several files with blanks": Odd(several(a="x,y\n1,2\n", b="x y\n3 4.5\n5 7\n")),
    "several files with other columns": Odd(several(a="x,t,y\n1,a,2\n", b="x,y\n3,4.5\n5,7\n")),
    # other formats
    "Parquet": Odd(as_parquet(FRAME)),
    "Parquet under another name": Odd(as_parquet(FRAME, "d.csv")),
    "Parquet with pandas' index": Odd(as_parquet(FRAME.set_index(pd.Index([7, 8, 10])))),
    "Parquet with text": Odd(as_parquet(FRAME.astype(str))),
    "Parquet in a directory like a column": Odd(
        lambda d: as_parquet(FRAME)((d / "y=3").mkdir() or d / "y=3")  # type: ignore[func-returns-value]
    ),
    "Feather": Odd(as_arrow("d.feather")),
    "Feather packed by zstd": Odd(as_arrow("d.feather", compression="zstd")),
    "Arrow": Odd(as_arrow("d.arrow", compression="uncompressed")),
    "an Arrow stream": Odd(as_arrow("d.arrows", is_stream=True)),
    "JSON lines": Odd(jsonl(FRAME), name="d.jsonl"),
    "packed JSON lines": Odd(gzip.compress(jsonl(FRAME).encode()), name="d.ndjson.gz"),
    "JSON lines with other keys": Odd(
        '{"x": 1, "y": 2}\n{"y": 4.5, "x": 3, "t": [1]}\n{"x": null, "y": 7}\n',
        rows=[(1, 2), (3, 4.5), (None, 7)],
        name="d.jsonl",
    ),
    "JSON lines under another name": Odd(jsonl(FRAME), name="d.txt"),
    "a JSON array": Odd(json.dumps(FRAME.to_dict("records")), name="d.json"),
    "a workbook": Odd(as_workbook(TABLE)),
    "a workbook with text": Odd(
        as_workbook([["t", "x", "y"], ["a, b", 1, 2], ['"c', 3, 4.5], ["", 5, 7]])
    ),
    "a workbook with nothing": Odd(
        as_workbook([["x", "y"], [1, None], ["n/a", 2], [3, 4.5]]), [(1, None), (None, 2), (3, 4.5)]
    ),
    "a workbook with an empty sheet": Odd(as_workbook([], TABLE)),
    "a sheet": Odd(as_workbook([["a", "b"], [0, 0]], TABLE), options={"table": "Sheet2"}),
    "a sheet with empty rows above": Odd(as_workbook([[], [], *TABLE])),
    "a workbook under another name": Odd(as_workbook(TABLE, name="d.csv")),
}

REFUSED: dict[str, tuple[Odd, str]] = {
    "nothing": (Odd(""), "d.csv is empty: it needs a header and rows"),
    "empty lines alone": (Odd("\n \n\n"), "d.csv is empty"),
    "a header alone": (Odd("x,y\n"), "d.csv has a header and no rows: there is nothing to fit"),
    "a header in a comment alone": (Odd("# x y\n"), "has a header and no rows"),
    "one column": (Odd("x\n1\n2\n"), "it has 'x' (numbers): give a table with both coordinates"),
    "one column beside row numbers": (
        Odd(",x\n1,5\n2,6\n"),
        "it has 'rownames' (names of rows), 'x' (numbers): name the columns with -x and -y",
    ),
    "text alone": (
        Odd("a,b\nc,d\ne,f\n"),
        "it has 'a' (text, such as 'c'), 'b' (text, such as 'd'): name",
    ),
    "dates alone": (
        Odd("day,x\n2020-01-01,1\n2020-01-02,2\n"),
        "it has 'day' (dates), 'x' (numbers)",
    ),
    "a name that is not there": (Odd(PLAIN, options={"x": "z"}), "no column 'z'; it has 'x', 'y'"),
    "text in a number": (
        Odd("x,y\n1,2\n3,oops\n4,5\n"),
        "d.csv, line 3: column 'y' holds 'oops', which",
    ),
    "text in a number late": (
        Odd(many(60_000, "1,2") + "3,bad\n"),
        "d.csv, line 60002: column 'y' holds 'bad', which is not a number: mend it",
    ),
    "names that are the same, of which none is chosen": (
        Odd("x,x,y\n1,2,3\n4,5,6\n"),
        "has columns of one name: choose with -x and -y, where they are 'x', 'x_1'",
    ),
    "text in a number among blanks": (
        Odd("x, y\n1, 2\n3,  NA\n4, oops\n5, 6\n"),
        "d.csv, line 4: column 'y' holds ' oops', which",
    ),
    "text in a number after text in several lines": (
        Odd('t,x,y\n"a\nb",1,2\n"c\n\nd",3,4\n\ne,oops,7\nf,1,1\n'),
        "d.csv, line 8: column 'x' holds 'oops', which",
    ),
    "a short row after text in several lines": (
        Odd('t,x,y\n"a\nb",1,2\nc,3\n'),
        "d.csv, line 4 has 2 fields where the first line has 3",
    ),
    "exponents of Fortran": (
        Odd("x,y\n1.2D+00,2\n1.3D+00,3\n"),
        "it has 'x' (text, such as '1.2D+00'), 'y' (numbers)",
    ),
    "minus signs of printers": (
        Odd("x,y\n\u22121.2,2\n\u22121.3,3\n"),
        "it has 'x' (text, such as '\u22121.2'), 'y' (numbers)",
    ),
    "an underscore among numbers": (
        Odd("x,y\n1,2\n2020_01,3\n4,5\n"),
        "a chosen column holds '2020_01', which is not a number",
    ),
    "lines above the header": (
        Odd(f"Instrument: f\nDate: today\n\n{PLAIN}"),
        "d.csv: the first line has 1 field, and most others have more: remove the lines above",
    ),
    "text compared with numbers": (
        Odd(PLAIN, options={"where": 'x > "2"'}),
        "column 'x' holds numbers: compare it with one, not with text",
    ),
    "a row that is long": (Odd("x,y\n1,2\n2,3,9\n4,5\n"), "line 3 has more fields than the 2"),
    "a row that is short": (Odd("x,y\n1,2\n3\n4,5\n"), "d.csv, line 3 has 1 field where the first"),
    "a row that is long, late": (
        Odd(many(60_000, "1,2") + "3,4,5\n"),
        "d.csv, line 60002 has more fields than the 2",
    ),
    "a row that is short among blanks": (
        Odd("x y\n1 2\n3\n4 5\n", name="d.dat"),
        "d.dat, line 3 has 1 field where the first",
    ),
    "a header that is wide": (Odd("a,b,x,y\n1,2\n3,4\n"), "d.csv, line 2 has 2 fields where the"),
    "a header that is narrow": (Odd("x,y\n1,2,3,4\n1,2,3,4\n"), "d.csv, line 2 has more fields"),
    "a header that may be a row": (
        Odd("name,2019,2020\na,1,2\n"),
        "the first line, with '2019', may be a row or a header: name",
    ),
    "a comment late in a file without any": (
        Odd(many(9, "1,2") + "# end,0\n"),
        "line 11: column 'x' holds '# end', which is not a number",
    ),
    "a title above the header": (
        Odd(f"My data\n{PLAIN}"),
        "d.csv: the first line has 1 field, and most",
    ),
    "a quote that stays open": (
        Odd('t,x,y\na,1,2\n"b,3,4.5\nc,5,7\n'),
        'd.csv, line 3 has a quote (") that does not end where a field does: mend it',
    ),
    "a quote that stays open in a long file": (
        Odd("t,x,y\na,1,2\n" + '"b,3,4\n' + "c,5,7\n" * 400_000),
        "d.csv, line 3 ",
    ),
    "text after a quote": (Odd('t,x,y\n"a" b,1,2\nc,3,4\n'), "line 2 has a quote"),
    "a very long line": (Odd(f"t,x,y\na,1,2\n{'z' * 3_000_000},3,4\n"), "line 3 is over 2,000,000"),
    "a first line without end": (Odd("x" * 200_000), "has a first line of over 100,000 characters"),
    "Latin-1": (
        Odd("größe,y\n1,2\n".encode("latin-1")),
        "d.csv, line 1 is not UTF-8 text: convert it first, as by iconv -f WINDOWS-1252 -t UTF-8",
    ),
    "Latin-1 in a chosen column late": (
        Odd(many(60_000, "1,2").encode() + b"1,\xe9\n"),
        "d.csv, line 60002 is not UTF-8 text: convert it first",
    ),
    "Latin-1 among blanks late": (
        Odd(b"t y\n" + b"a 2\n" * 60_000 + b"\xe9 1\n"),
        "d.csv, after line",
    ),
    "a picture": (
        Odd(b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\2\x80"),
        "d.csv is no text, nor another table that is read: write its table as CSV or Parquet",
    ),
    "UTF-16 without a mark": (
        Odd(PLAIN.encode("utf-16-le")),
        "holds zero bytes: it is no text, or",
    ),
    "half of UTF-16": (Odd(("1 2\n" * 60_000).encode("utf-16")[:-1]), "is not utf-16 text"),
    "any bytes": (
        Odd(bytes(range(256))),
        "d.csv is no text, nor another table that is read: write its",
    ),
    "zero bytes": (Odd(PLAIN.replace("3", "\0")), "d.csv holds zero bytes"),
    "ends of both kinds in the middle": (
        Odd("x,y\n" + "1,2\n" * 40_000 + "3,4\r\n" + "1,2\n" * 40_000),
        "d.csv has lines that end as on Windows and lines that do not",
    ),
    "marks between other groups": (
        Odd('x,y\n"1,234",2\n"12,345",3\n' + '"1,234",2\n' * 20_000 + '"1,5",2\n'),
        "holds '1,5', which",
    ),
    "a point among decimal commas late": (
        Odd("x;y\n" + "1,5;2\n" * 20_000 + "1.5;2\n"),
        "line 20002: column 'x' holds '1.5', which",
    ),
    "a blank between thousands": (
        Odd("x;y\n1 234;2\n5;3\n6;4\n"),
        "line 2: column 'x' holds '1 234'",
    ),
    "broken gzip": (
        Odd(gzip.compress(PLAIN.encode())[:-9], name="d.csv.gz"),
        "cannot read d.csv.gz: Compressed file ended before the end-of-stream marker was reached: "
        "it is damaged or cut short: copy it, or pack it, anew",
    ),
    "broken gzip late": (
        Odd(gzip.compress(np.random.default_rng(0).bytes(300_000).hex("\n", 4).encode())[:-9]),
        "d.csv",
    ),
    "broken zstd": (
        Odd(pa.compress(PLAIN.encode(), codec="zstd", asbytes=True)[:-5]),
        "cannot read d.csv",
    ),
    "no Parquet": (Odd("junk", name="d.parquet"), "d.parquet is no Parquet file, or damaged"),
    "half of Parquet": (Odd(FRAME.to_parquet()[:-20], name="d.parquet"), "is no Parquet file, or"),
    "Parquet of lists": (
        Odd(as_parquet(pd.DataFrame({"x": [[1], [2]], "y": [True, False]}))),
        "it has 'x' (lists), 'y' (true or false)",
    ),
    "no Arrow": (Odd("junk", name="d.feather"), "cannot read d.feather"),
    "half of Arrow": (Odd(b"ARROW1\0\0junkjunkjunk", name="d.arrow"), "cannot read d.arrow"),
    "Feather of version 1": (Odd(b"FEA1\0\0\0\0junk"), "is Feather of version 1: write it anew"),
    "no JSON": (Odd('{"x": 1, "y": 2}\n{"x": 3,\n', name="d.jsonl"), "cannot read d.jsonl: "),
    "JSON of something else": (Odd('{"a": {"b": 1}}', name="d.json"), "needs two numeric columns"),
    "JSON of columns": (
        Odd(FRAME.to_json(), name="d.json"),
        "one object of JSON is one row, as to_json(orient='records', lines=True) writes it",
    ),
    "a sheet that reaches far": (
        Odd(as_workbook(TABLE, corner="XFD1048576")),
        "d.xlsx has a sheet of 1,048,576 rows and 16,384 columns, most of which hold nothing:",
    ),
    "no workbook": (Odd("junk", name="d.xlsx"), "d.xlsx is no workbook, or damaged"),
    "an archive": (Odd(as_zip("d.zip")), "d.zip is no workbook, or damaged"),
    "an empty workbook": (Odd(as_workbook([])), "d.xlsx is empty: it needs a header and rows"),
    "several sheets": (
        Odd(as_workbook(TABLE, TABLE)),
        "has the sheets 'Sheet1', 'Sheet2': name one with --table",
    ),
    "a sheet that is not there": (
        Odd(as_workbook(TABLE), options={"table": "z"}),
        "has no sheet 'z'; it has 'Sheet1'",
    ),
    "a title above a sheet's table": (Odd(as_workbook([["My data"], *TABLE])), "line 2: column"),
    "a sheet of a CSV": (Odd(PLAIN, options={"table": "z"}), "is not the URL of a database: leave"),
    "no name of a table": (Odd(PLAIN, options={"table": ""}), "--table of"),
    "a NumPy array": (
        Odd(as_bytes(lambda f: np.save(f, FRAME.to_numpy())), name="d.npy"),
        "is a NumPy array: write it",
    ),
    "HDF5": (
        Odd(b"\x89HDF\r\n\x1a\n", name="d.h5"),
        "d.h5 is an HDF5 file: write its table as CSV",
    ),
    "FITS": (
        Odd(b"SIMPLE  =                    T / conforms", name="d.fits"),
        "d.fits is a FITS file",
    ),
    "SQLite": (Odd(b"SQLite format 3\0", name="d.db"), "is an SQLite database: give its URL"),
    "DuckDB": (Odd(b"\0" * 8 + b"DUCK\0\0", name="d.db"), "is a DuckDB database: give its URL"),
    "bzip2": (Odd(b"BZh91AY&SY", name="d.csv.bz2"), "is packed by bzip2: unpack it"),
    "a pickle": (Odd(b"\x80\x04\x95\0", name="d.pkl"), "is a pickle, which is never opened"),
    "a web page": (Odd("<!DOCTYPE html><p>Not found</p>"), "d.csv is a web page: save the table"),
    "a directory": (Odd(lambda d: str(d)), "is a directory: give a file"),
    "a device": (Odd(lambda _: "/dev/null"), "/dev/null is a device: give a file, or -"),
    "no file": (Odd(lambda d: str(d / "none.csv")), "none.csv does not exist in /"),
    "no file of that name": (
        Odd(lambda _: place(Path(), "data.csv", PLAIN).replace("data", "dta")),
        "dta.csv does not exist; did you mean 'data.csv'?",
    ),
    "no directory": (Odd(lambda _: "no/d.csv"), "nor does the directory no: mend the path"),
    "a pattern of nothing": (Odd(lambda d: str(d / "*.none")), "mend the pattern"),
    "several files of two kinds": (
        Odd(lambda d: several(a=PLAIN)(Path(as_parquet(FRAME, "b.csv")(d)).parent)),
        "match one kind",
    ),
    "several files of which one has no header": (
        Odd(several(a=PLAIN, b="1,2\n3,4\n")),
        "some files have a header and some have none",
    ),
    "a bad line in one of several files": (
        Odd(several(a=PLAIN, b="x,y\n1,2\n3,oops\n4,5\n")),
        "b.csv, line 3: column 'y' holds 'oops'",
    ),
    "several files of which one lacks a coordinate": (
        Odd(several(a=PLAIN, b="x,z\n1,2\n"), options=BOTH),
        "b.csv has no column 'y', which other files have: mend its header, or leave it out",
    ),
    "an uneven line in one of several files": (
        Odd(several(a=PLAIN, b="x y\n1 2\n3\n")),
        "b.csv, line 3 has 1 field",
    ),
}


@pytest.mark.parametrize("name", READ)
def test_a_file_is_read_right(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.chdir(tmp_path)
    odd = READ[name]
    columns, rows = read(place(Path(), odd.name, odd.content), **odd.options)
    assert columns == odd.columns
    assert rows == list(odd.rows)


@pytest.mark.parametrize("name", REFUSED)
def test_a_file_is_refused_in_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.chdir(tmp_path)
    odd, message = REFUSED[name]
    with pytest.raises(TableError) as caught:
        read(place(Path(), odd.name, odd.content), **odd.options)
    said = str(caught.value)
    assert message in said
    assert "\n" not in said
    assert said.isprintable()


def test_the_corpus_is_large() -> None:
    assert (len(READ) >= 90, len(REFUSED) >= 50) == (True, True)
